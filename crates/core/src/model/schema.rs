//! What the schema of an object says beyond its derived form.

use super::rule::Rule;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, Schema, SchemaType, Type};

/// Adds to the schema of a field what its rule says.
type Tell<'a> = Box<dyn Fn(&mut RefOr<Schema>) + 'a>;

/// What is known of a field beyond its type and its description.
pub(crate) struct Field<'a> {
    default: Value,
    rule: Option<Tell<'a>>,
}

impl<'a> Field<'a> {
    /// A field without a default.
    pub(crate) fn required() -> Self {
        Self { default: Value::Null, rule: None }
    }

    /// A field with this default.
    pub(crate) fn optional<T: Serialize>(default: &T) -> Self {
        // What JSON cannot write is no default that anybody could write either.
        Self { default: serde_json::to_value(default).unwrap_or_default(), rule: None }
    }

    /// The field, whose values keep to `rule`.
    pub(crate) fn ruled<T>(self, rule: &'a impl Rule<T>) -> Self {
        Self { rule: Some(Box::new(|schema| rule.tell(schema))), ..self }
    }

    fn describe(self, property: &mut RefOr<Schema>) {
        if let Some(tell) = self.rule {
            tell(property);
        }
        // An object's own fields say their defaults.
        if !self.default.is_null() && !self.default.is_object() {
            set_default(property, self.default);
        }
    }
}

/// The schema of an object with these fields, in the order of declaration, and no other.
pub(crate) fn complete(schema: RefOr<Schema>, fields: Vec<Field<'_>>) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = schema else { return schema };
    object.properties.values_mut().zip(fields).for_each(|(property, field)| field.describe(property));
    object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    RefOr::T(Schema::Object(object))
}

/// The schema of an object that is like another but for some fields.
pub(crate) fn without(fields: &[&str], about: &str, schema: RefOr<Schema>) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = schema else { return schema };
    object.properties.retain(|name, _| !fields.contains(&name.as_str()));
    object.required.retain(|name| !fields.contains(&name.as_str()));
    object.description = Some(about.to_owned());
    RefOr::T(Schema::Object(object))
}

/// The schema of an object that is like another, but of which any part may be left out, for it stays as it is.
pub(crate) fn partial(schema: RefOr<Schema>) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = schema else { return schema };
    object.required.clear();
    object.properties.values_mut().for_each(let_values_go);
    RefOr::T(Schema::Object(object))
}

/// Of a map with names of its own, such as an environment, `null` takes one away.
fn let_values_go(property: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(map)) = property
        && let Some(AdditionalProperties::RefOr(RefOr::T(Schema::Object(value)))) =
            map.additional_properties.as_deref_mut()
        && let SchemaType::Type(kind) = value.schema_type.clone()
    {
        value.schema_type = SchemaType::from_iter([kind, Type::Null]);
    }
}

/// The schema of an object like another, but that the object in `field` has the schema `inner`.
pub(crate) fn with_inner(field: &str, inner: RefOr<Schema>, schema: RefOr<Schema>) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = schema else { return schema };
    if let Some(RefOr::T(Schema::OneOf(choice))) = object.properties.get_mut(field) {
        // The other choice is `null`.
        choice
            .items
            .iter_mut()
            .filter(|item| matches!(item, RefOr::Ref(_)))
            .for_each(|item| *item = inner.clone());
    }
    RefOr::T(Schema::Object(object))
}

fn set_default(property: &mut RefOr<Schema>, value: Value) {
    match property {
        RefOr::T(Schema::Object(object)) => object.default = Some(value),
        RefOr::T(Schema::Array(array)) => array.default = Some(value),
        RefOr::T(Schema::OneOf(one)) => one.default = Some(value),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{EntryPatch, LogConfig, ProcessEntry, RestartPolicy};
    use serde_json::{Value, json};
    use utoipa::PartialSchema;

    #[test]
    fn a_change_requires_nothing_however_deep() {
        let schema = serde_json::to_value(EntryPatch::schema()).unwrap();
        let exec = "/properties/alivenessCheck/oneOf/0/properties/exec/oneOf/0";
        for at in ["", exec] {
            let object = schema.pointer(at).unwrap();
            assert!(object["properties"].is_object() && object.get("required").is_none(), "{at}: {object}");
        }
        assert!(schema["properties"].get("id").is_none() && schema["properties"].get("pid").is_none());
        let variable = schema.pointer("/properties/environment/additionalProperties/type");
        assert_eq!(variable, Some(&json!(["string", "null"])));
    }

    fn property<T: PartialSchema>(name: &str) -> Value {
        serde_json::to_value(T::schema()).unwrap()["properties"][name].clone()
    }

    #[test]
    fn a_field_tells_its_default_and_bounds() {
        let keep = property::<LogConfig>("keepFiles");
        assert_eq!((&keep["default"], &keep["minimum"]), (&json!(5), &json!(1)));
        assert_eq!(keep["type"], json!(["integer", "null"]));
        let intervals = property::<RestartPolicy>("backoffIntervalsMs");
        assert_eq!(intervals["default"], json!([1000, 2000, 5000]));
        let jitter = property::<RestartPolicy>("jitter");
        assert_eq!((jitter.get("default"), &jitter["maximum"]), (None, &json!(1)));
        assert_eq!(property::<RestartPolicy>("type")["default"], "always");
    }

    #[test]
    fn what_has_no_default_is_required_and_nothing_else() {
        let schema = serde_json::to_value(ProcessEntry::schema()).unwrap();
        assert_eq!(schema["required"], json!(["id", "name", "command"]));
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["autostart"]["default"], true);
        for (at, pattern) in [
            ("/properties/command/pattern", r"^[^\u0000]*[^\s\u0000][^\u0000]*$"),
            ("/properties/args/items/pattern", r"^[^\u0000]*$"),
            ("/properties/workingDirectory/pattern", r"^[^\u0000]+$"),
            ("/properties/environment/propertyNames/pattern", r"^[^=\u0000]+$"),
            ("/properties/environment/additionalProperties/pattern", r"^[^\u0000]*$"),
        ] {
            assert_eq!(schema.pointer(at).and_then(Value::as_str), Some(pattern), "{at}");
        }
    }
}
