//! The API's description: it says what the monitor does, and the monitor does what it says.

use crate::harness::World;
use crate::http::Connection;
use serde_json::Value;
use std::collections::BTreeSet;

/// What SPEC 5.2 promises.
const PROMISED: [(&str, &str); 33] = [
    ("GET", "/processes"),
    ("POST", "/processes"),
    ("GET", "/processes/{id}"),
    ("DELETE", "/processes/{id}"),
    ("POST", "/processes/{id}/start"),
    ("POST", "/processes/{id}/stop"),
    ("POST", "/processes/{id}/restart"),
    ("POST", "/processes/{id}/enable"),
    ("POST", "/processes/{id}/disable"),
    ("POST", "/processes/{id}/signal"),
    ("PUT", "/processes/{id}/autostart"),
    ("GET", "/processes/{id}/logs"),
    ("GET", "/monitor/status"),
    ("POST", "/monitor/restart"),
    ("POST", "/monitor/stop"),
    ("GET", "/config"),
    ("PATCH", "/config"),
    ("GET", "/events"),
    ("PATCH", "/processes/{id}"),
    ("GET", "/processes/{id}/logs"),
    ("GET", "/config/remote-access"),
    ("PUT", "/config/remote-access"),
    ("GET", "/config/trusted-hosts"),
    ("PUT", "/config/trusted-hosts"),
    ("GET", "/config/executable-whitelist"),
    ("PUT", "/config/executable-whitelist"),
    ("GET", "/config/executable-blacklist"),
    ("PUT", "/config/executable-blacklist"),
    ("GET", "/config/standalone-mode"),
    ("PUT", "/config/standalone-mode"),
    ("GET", "/config/partner-discovery"),
    ("PUT", "/config/partner-discovery"),
    ("GET", "/openapi.json"),
];

/// A method that no route takes.
const NONSENSE: &str = "BREW";

fn description(world: &World) -> Value {
    let answer = Connection::to(world).ask("GET", "/openapi.json", None);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    answer.body
}

fn operations(description: &Value) -> impl Iterator<Item = (&str, BTreeSet<String>)> {
    let paths = description["paths"].as_object().unwrap();
    paths.iter().map(|(path, item)| {
        let methods = item.as_object().unwrap().keys().map(|method| method.to_uppercase());
        (path.as_str(), methods.collect())
    })
}

#[test]
fn the_description_has_every_promised_operation_and_the_router_every_described_one() {
    let world = World::started();
    let description = description(&world);
    let described: Vec<_> = operations(&description).collect();
    for (method, path) in PROMISED {
        let found = described.iter().any(|(at, methods)| *at == path && methods.contains(method));
        assert!(found, "{method} {path} is not described");
    }
    let mut connection = Connection::to(&world);
    for (path, methods) in described {
        // What the router has at this path it says itself, to who asks for what it has not.
        let answer = connection.ask(NONSENSE, &path.replace("{id}", "web"), None);
        assert_eq!(answer.status, 405, "{path}: {answer:?}");
        let taken =
            answer.header("allow").unwrap_or_default().split(',').map(|method| method.trim().to_owned());
        let taken: BTreeSet<_> = taken.filter(|method| method != "HEAD").collect();
        assert_eq!(taken, methods, "{path}");
    }
}

#[test]
fn every_reference_of_the_description_leads_somewhere() {
    let description = description(&World::started());
    assert_eq!(description["openapi"].as_str().map(|version| version.starts_with("3.1")), Some(true));
    let mut references = Vec::new();
    collect_references(&description, &mut references);
    assert!(references.len() > 50, "{references:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(description.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
        found.push(reference.to_owned());
    }
    let children: Vec<&Value> = match value {
        Value::Object(members) => members.values().collect(),
        Value::Array(elements) => elements.iter().collect(),
        _ => Vec::new(),
    };
    children.into_iter().for_each(|child| collect_references(child, found));
}

#[test]
fn every_operation_has_a_name_of_its_own_a_summary_a_tag_and_described_answers() {
    let description = description(&World::started());
    let mut names = BTreeSet::new();
    let items = description["paths"].as_object().unwrap();
    for (path, item) in items {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name), "{at}: {name} is taken");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{at}");
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{at}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let described = response["description"].as_str().is_some_and(|text| !text.is_empty());
                assert!(described || response.get("$ref").is_some(), "{at}: {status}");
            }
        }
    }
}
