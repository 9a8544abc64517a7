//! No route without its line.

use super::table::TABLE;
use crate::http::openapi::document;
use std::collections::BTreeSet;

/// Methods and paths of the description, which every route has (`http::routes`), against the table.
#[test]
fn every_route_says_who_may_use_it() {
    let description = document();
    let described: BTreeSet<String> = description["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let lines = TABLE
        .iter()
        .flat_map(|(path, methods)| methods.iter().map(move |(method, _)| format!("{method} {path}")));
    let lines: BTreeSet<String> = lines.collect();
    let missing: Vec<_> = described.difference(&lines).collect();
    assert!(missing.is_empty(), "add these to the table of the guard: {missing:?}");
}
