//! The actions that compute.

use super::{Installation, fits};
use gatefold::connect::Handler;
use serde_json::json;

#[test]
fn what_is_computed_fits_the_catalogue() {
    let registry = Installation::new().registry();
    for (action, input, output) in [
        (
            "data.set",
            json!({"value": {"a": [1, null]}}),
            json!({"value": {"a": [1, null]}}),
        ),
        ("data.set", json!({"value": null}), json!({"value": null})),
        (
            "data.merge",
            json!({"values": [{"a": 1}, {}, {"a": 2}]}),
            json!({"value": {"a": 2}}),
        ),
        ("data.merge", json!({"values": []}), json!({"value": {}})),
    ] {
        let action = registry.get(action).unwrap();
        let Handler::Pure(call) = action.handler else {
            panic!("it does more than compute")
        };
        let found = call(input).unwrap();
        fits(&action.info.output, &found);
        assert_eq!(found, output);
    }
}
