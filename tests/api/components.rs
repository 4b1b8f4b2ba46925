//! `/api/v1/components`.

use super::Server;

#[tokio::test]
async fn components_describe_themselves() {
    let server = Server::start().await;
    let all = server.get("/api/v1/components?limit=1000").await.json();
    let items = all["items"].as_array().expect("a list");
    for component in items {
        let (kind, name) = (
            component["kind"].as_str().expect("a kind"),
            component["name"].as_str().expect("a name"),
        );
        let detail = server
            .get(&format!("/api/v1/components/{kind}/{name}"))
            .await;
        assert!(detail.status.is_success(), "{kind} {name}: {}", detail.text);
        assert!(
            !detail.json()["about"].as_str().expect("a text").is_empty(),
            "{kind} {name}"
        );
    }
    let generate = server.get("/api/v1/components/input/generate").await.json();
    let fields = generate["fields"].as_array().expect("a list");
    let mapping = fields
        .iter()
        .find(|f| f["name"] == "mapping")
        .expect("it has a mapping");
    assert_eq!(
        (mapping["type"].as_str(), mapping["required"].as_bool()),
        (Some("mapping"), Some(true))
    );
    assert_eq!(
        generate["schema"]["properties"]["interval"]["type"],
        "string"
    );
    let outputs = server.get("/api/v1/components?kind=output").await.json();
    assert!(
        outputs["items"]
            .as_array()
            .expect("a list")
            .iter()
            .all(|c| c["kind"] == "output")
    );
}
