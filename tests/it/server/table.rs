//! The table of routes and the description that is made from it.

use gatefold::base::Value;
use gatefold::server::openapi::openapi;
use gatefold::server::{Access, routes};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_description_in_the_tree_is_the_one_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/openapi.json");
    let now = serde_json::to_string_pretty(&openapi()).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == now,
        "write it anew with UPDATE=1 cargo test --test it server"
    );
}

#[test]
fn every_route_is_there_once_and_described_with_its_rule() {
    let description = openapi();
    let mut described = BTreeSet::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            described.insert((path.clone(), method.to_uppercase()));
        }
    }
    let mut names = BTreeSet::new();
    let mut table = BTreeSet::new();
    for route in routes() {
        let operation = &description["paths"][route.path][route.method.as_str().to_lowercase()];
        let rule = format!("For {}.", route.access.describe());
        assert_eq!(operation["description"], rule, "{} {}", route.method, route.path);
        assert!(operation["security"].is_array(), "{} {}", route.method, route.path);
        assert!(names.insert(route.name), "{} names two routes", route.name);
        assert!(
            table.insert((route.path.to_owned(), route.method.to_string())),
            "{} {} is there twice",
            route.method,
            route.path
        );
    }
    assert_eq!(described, table);
}

#[test]
fn what_is_public_is_known_by_name() {
    let public: Vec<&str> = routes()
        .iter()
        .filter(|route| matches!(route.access, Access::Public | Access::Health))
        .map(|route| route.path)
        .collect();
    assert_eq!(public, ["/api/v1/openapi.json", "/healthz", "/readyz"]);
}

#[test]
fn a_rule_belongs_to_what_the_path_says() {
    for route in routes() {
        let is_link = route.path.contains("{token}");
        let for_links = matches!(
            route.access,
            Access::Link | Access::LinkDoor | Access::Page | Access::PageDoor
        );
        assert_eq!(for_links, is_link, "{}", route.path);
        let is_page = route.path.starts_with("/s/");
        let for_programs = matches!(route.access, Access::Link | Access::LinkDoor);
        assert_eq!(for_programs, is_link && !is_page, "{}", route.path);
        let is_hook = route.path.starts_with("/api/v1/hooks/");
        assert_eq!(route.access == Access::WebhookSignature, is_hook, "{}", route.path);
        assert!(["GET", "POST"].contains(&route.method.as_str()), "{}", route.method);
    }
}

/// Every `$ref` in the description.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get("$ref") {
                found.insert(target.clone());
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_in_the_description_leads_somewhere() {
    let description = openapi();
    let mut found = BTreeSet::new();
    references(&description, &mut found);
    assert!(found.len() > 10, "{found:?}");
    for target in found {
        let pointer = target
            .strip_prefix('#')
            .expect("references stay within the description");
        assert!(description.pointer(pointer).is_some(), "{target} leads nowhere");
    }
}
