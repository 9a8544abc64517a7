//! What the schema of an object says beyond its derived form.

use super::bounds::Bounds;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, Schema};

/// A field that may be left out.
pub(crate) struct Optional {
    default: Value,
    bounds: Option<Bounds>,
}

impl Optional {
    /// A field with this default.
    pub(crate) fn new<T: Serialize>(default: &T, bounds: Option<Bounds>) -> Self {
        // What JSON cannot write is no default that anybody could write either.
        Self { default: serde_json::to_value(default).unwrap_or_default(), bounds }
    }

    fn describe(self, property: &mut RefOr<Schema>) {
        if let (Some(bounds), RefOr::T(Schema::Object(object))) = (self.bounds, &mut *property) {
            bounds.tell(object);
        }
        // An object's own fields say their defaults.
        if !self.default.is_null() && !self.default.is_object() {
            set_default(property, self.default);
        }
    }
}

/// The schema of an object whose fields, after the first `required` ones, are `optional`. It takes no field but
/// its own.
pub(crate) fn complete(schema: RefOr<Schema>, required: usize, optional: Vec<Optional>) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = schema else { return schema };
    let properties = object.properties.values_mut().skip(required);
    properties.zip(optional).for_each(|(property, field)| field.describe(property));
    object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
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
    use crate::model::{LogConfig, ProcessEntry, RestartPolicy};
    use serde_json::{Value, json};
    use utoipa::PartialSchema;

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
    }
}
