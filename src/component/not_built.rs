//! Table: components that Bento and Redpanda Connect have and that aren't built here yet, so that a config which names one is told so, and
//! not that there is no such thing.

/// By kind; names in order.
static NOT_BUILT: &[(&str, &[&str])] = &[
    (
        "input",
        &[
            "amqp_0_9",
            "amqp_1",
            "aws_kinesis",
            "aws_s3",
            "aws_sqs",
            "azure_blob_storage",
            "azure_cosmosdb",
            "azure_queue_storage",
            "azure_service_bus_queue",
            "azure_table_storage",
            "beanstalkd",
            "cassandra",
            "cockroachdb_changefeed",
            "cypher",
            "discord",
            "etcd",
            "fsevent",
            "gcp_bigquery_select",
            "gcp_cloud_storage",
            "gcp_pubsub",
            "gcp_spanner_cdc",
            "grpc_client",
            "hdfs",
            "kafka",
            "kafka_franz",
            "kubernetes_watch",
            "mongodb",
            "mqtt",
            "nanomsg",
            "nats",
            "nats_jetstream",
            "nats_kv",
            "nats_object_store",
            "nats_stream",
            "nsq",
            "pulsar",
            "redis_list",
            "redis_pubsub",
            "redis_scan",
            "redis_streams",
            "s2",
            "sftp",
            "sql_raw",
            "sql_select",
            "twitter_search",
            "zmq4",
            "zmq4n",
        ],
    ),
    (
        "processor",
        &[
            "aws_bedrock_invoke",
            "aws_dynamodb_partiql",
            "aws_lambda",
            "aws_s3",
            "azure_cosmosdb",
            "couchbase",
            "elasticsearch",
            "gcp_bigquery_select",
            "mongodb",
            "nats_kv",
            "nats_object_store",
            "nats_request_reply",
            "nlp_classify_text",
            "nlp_classify_tokens",
            "nlp_extract_features",
            "nlp_zero_shot_classify",
            "opensnowcat",
            "python",
            "redis",
            "redis_script",
            "schema_registry_decode",
            "schema_registry_encode",
            "sentry_capture",
            "sql",
            "wasm",
        ],
    ),
    (
        "output",
        &[
            "amqp_0_9",
            "amqp_1",
            "aws_dynamodb",
            "aws_kinesis",
            "aws_kinesis_firehose",
            "aws_s3",
            "aws_s3_stream",
            "aws_sns",
            "aws_sqs",
            "azure_blob_storage",
            "azure_cosmosdb",
            "azure_queue_storage",
            "azure_table_storage",
            "beanstalkd",
            "cassandra",
            "couchbase",
            "cypher",
            "datadog_logs",
            "discord",
            "duckdb_append",
            "elasticsearch",
            "elasticsearch_v2",
            "gcp_bigquery",
            "gcp_bigquery_write_api",
            "gcp_bigtable",
            "gcp_cloud_storage",
            "gcp_pubsub",
            "grpc_client",
            "hdfs",
            "kafka",
            "kafka_franz",
            "mongodb",
            "mqtt",
            "nanomsg",
            "nats",
            "nats_jetstream",
            "nats_kv",
            "nats_object_store",
            "nats_stream",
            "nsq",
            "opensearch",
            "pulsar",
            "pusher",
            "questdb",
            "redis_hash",
            "redis_list",
            "redis_pubsub",
            "redis_streams",
            "s2",
            "sftp",
            "slack_webhook",
            "snowflake_put",
            "splunk_hec",
            "sql",
            "sql_insert",
            "sql_raw",
            "zmq4",
            "zmq4n",
        ],
    ),
    (
        "cache",
        &[
            "aws_dynamodb",
            "aws_s3",
            "couchbase",
            "gcp_cloud_storage",
            "memcached",
            "mongodb",
            "nats_kv",
            "redis",
            "sql",
        ],
    ),
    ("rate_limit", &["redis"]),
];

/// What is said of a component that the peers have and that isn't built here; none of others.
pub(super) fn not_built(kind: &str, name: &str) -> Option<String> {
    let of_kind = NOT_BUILT.iter().filter(|(known, _)| *known == kind);
    let is_known = of_kind
        .flat_map(|(_, names)| *names)
        .any(|known| *known == name);
    is_known.then(|| format!("{kind} {name}{SAID} (`airtruct list {kind}s` names those that are)"))
}

/// The part of it that doesn't depend on the component.
const SAID: &str = " is known from Bento and Redpanda Connect and not built here yet";

/// Whether a problem of a config is that a component isn't built here.
pub fn is_of_not_built(message: &str) -> bool {
    message.contains(SAID)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::describe;

    #[test]
    fn what_is_built_is_not_listed_as_missing() {
        for built in describe::all() {
            assert!(
                not_built(built.kind, built.name).is_none(),
                "{} {}",
                built.kind,
                built.name
            );
        }
        let said = not_built("input", "kafka").expect("it is known");
        assert!(is_of_not_built(&said), "{said}");
        assert_eq!(not_built("input", "kafak"), None);
    }
}
