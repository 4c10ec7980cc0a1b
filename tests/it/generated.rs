//! What is generated from the types and committed: the same as the types say.
//!
//! `UPDATE=1 cargo test --test it generated` rewrites it.

use gatefold::base::Value;
use gatefold::spec::schema::flow_schema;
use std::fs;
use std::path::Path;

#[test]
fn the_schema_of_flows_is_up_to_date() {
    assert_up_to_date("schema/flow.schema.json", &flow_schema());
}

#[cfg(feature = "runtime")]
#[test]
fn the_schema_of_tests_is_up_to_date() {
    assert_up_to_date("schema/test.schema.json", &gatefold::rehearsal::test_schema());
}

fn assert_up_to_date(path: &str, schema: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let generated = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "{} is not what the types say: run `UPDATE=1 cargo test --test it generated`",
        path.display()
    );
}
