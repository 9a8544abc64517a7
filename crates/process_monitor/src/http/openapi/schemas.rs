//! What every schema gets, whatever describes it: bounds of integers, descriptions without marks of rustdoc, and
//! whether other fields are taken.

use serde_json::{Map, Value, json};

/// Completes every schema and description in `document`.
pub fn polish(document: &mut Value) {
    match document {
        Value::Object(object) => {
            bound_integer(object);
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = plain(text);
            }
            if let Some(Value::Array(parts)) = object.get_mut("allOf") {
                parts.iter_mut().for_each(open);
            }
            object.values_mut().for_each(polish);
        }
        Value::Array(list) => list.iter_mut().for_each(polish),
        _ => {}
    }
}

/// Says of every body that a request may have that it takes no field but its own: what reads bodies refuses others.
pub fn close_bodies(document: &mut Value) {
    let items = document["paths"].as_object().into_iter().flat_map(Map::values);
    let operations = items.filter_map(Value::as_object).flat_map(Map::values);
    let kinds = operations.filter_map(|operation| operation.pointer("/requestBody/content")?.as_object());
    let references = kinds.flat_map(Map::values).filter_map(|kind| kind.pointer("/schema/$ref")?.as_str());
    let pointers: Vec<_> = references.map(|reference| reference.trim_start_matches('#').to_owned()).collect();
    for pointer in pointers {
        if let Some(Value::Object(body)) = document.pointer_mut(&pointer) {
            body.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
    }
}

/// A part of an object says nothing about the fields of the other parts.
fn open(part: &mut Value) {
    if let Some(part) = part.as_object_mut() {
        part.shift_remove("additionalProperties");
    }
}

fn bound_integer(schema: &mut Map<String, Value>) {
    let Some(Value::String(format)) = schema.get_mut("format") else { return };
    // The derived name of the registered format (OpenAPI Format Registry) has a hyphen too much.
    *format = format.replace("u-int", "uint");
    if let Some((least, most)) = bounds(format) {
        schema.entry("minimum").or_insert(least);
        schema.entry("maximum").or_insert(most);
    }
}

/// The least and the largest value of a format.
fn bounds(format: &str) -> Option<(Value, Value)> {
    Some(match format {
        "uint16" => (json!(0), json!(u16::MAX)),
        "uint32" => (json!(0), json!(u32::MAX)),
        "uint64" => (json!(0), json!(u64::MAX)),
        "int32" => (json!(i32::MIN), json!(i32::MAX)),
        _ => return None,
    })
}

/// A comment's text for readers of JSON: links of rustdoc lose their brackets.
fn plain(comment: &str) -> String {
    comment.replace("[`", "`").replace("`]", "`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_closed_and_parts_of_objects_open() {
        let body =
            json!({ "content": { "application/json": { "schema": { "$ref": "#/components/schemas/A" } } } });
        let mut document = json!({
            "paths": { "/a": { "put": { "requestBody": body } } },
            "components": { "schemas": {
                "A": { "type": "object" },
                "B": { "allOf": [{ "type": "object", "additionalProperties": false }] },
            } },
        });
        close_bodies(&mut document);
        polish(&mut document);
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["A"]["additionalProperties"], false);
        assert_eq!(schemas["B"]["allOf"][0].get("additionalProperties"), None);
    }

    #[test]
    fn integers_have_bounds_and_descriptions_no_links() {
        let mut schema =
            json!({ "type": ["integer", "null"], "format": "u-int16", "description": "At least [`X`]." });
        polish(&mut schema);
        assert_eq!(schema["maximum"], 65535);
        assert_eq!(schema["description"], "At least `X`.");
        let mut stated = json!({ "type": "integer", "format": "uint32", "minimum": 10 });
        polish(&mut stated);
        assert_eq!(stated["minimum"], 10);
    }
}
