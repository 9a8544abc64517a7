//! The schema of the registry's file, for editors that complete and check it while it is written.

use super::{pretty, schemas};
use process_monitor_core::registry::Registry;
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

/// The text of `docs/registry.schema.json` (JSON Schema 2020-12).
pub fn registry_schema() -> String {
    let mut found = Vec::new();
    Registry::schemas(&mut found);
    let definitions: Map<String, Value> = found
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Registry of Tom Process Monitor",
    });
    let root = serde_json::to_value(Registry::schema()).unwrap_or_default();
    if let (Some(schema), Value::Object(root)) = (schema.as_object_mut(), root) {
        schema.extend(root);
        schema.insert("$defs".to_owned(), definitions.into());
    }
    schemas::polish(&mut schema);
    adapt(&mut schema);
    pretty(&schema)
}

/// References lead into this document, and objects are open: a registry keeps fields that it does not know.
fn adapt(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("additionalProperties") == Some(&Value::Bool(false)) {
                object.remove("additionalProperties");
            }
            if let Some(Value::String(reference)) = object.get_mut("$ref") {
                *reference = reference.replace("#/components/schemas/", "#/$defs/");
            }
            object.values_mut().for_each(adapt);
        }
        Value::Array(list) => list.iter_mut().for_each(adapt),
        _ => {}
    }
}
