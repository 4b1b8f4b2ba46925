//! The OpenAPI document, compared with the one that was last agreed on (`openapi.json` beside this file).

use super::Server;

#[test]
fn the_document_is_as_agreed() {
    let document = airtruct::api::openapi();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/openapi.json");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, format!("{document}\n")).expect("the file can be written");
    }
    let agreed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        agreed.trim_end() == document,
        "the API's document changed: if that is meant, run `UPDATE_SNAPSHOTS=1 cargo test --test integration api::documents` and look at the difference"
    );
    let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    for (path, methods) in document["paths"].as_object().expect("paths") {
        assert!(path.starts_with("/api/v1/"), "{path}");
        for (method, operation) in methods.as_object().expect("methods") {
            assert!(
                operation["summary"].is_string(),
                "{method} {path} has no summary"
            );
        }
    }
}

#[tokio::test]
async fn the_document_is_served() {
    let server = Server::start().await;
    let served = server.get("/api/v1/openapi.json").await;
    assert_eq!(served.text, airtruct::api::openapi());
    assert_eq!(served.header("content-type"), "application/json");
}
