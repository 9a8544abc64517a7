//! How an object of the registry is declared.

/// Declares an object of the registry with each field's meaning and default in one place, and derives
/// from it all that a registry needs of an object:
///
/// * reading, where a missing field and `null` both mean the default (the earlier implementation
///   wrote nulls), and no type but the field's is taken: by serde, which is fast and stops at the first
///   mistake, and by [`Readable`](crate::reading::Readable), which tells them all;
/// * writing, in the order of declaration and in camelCase;
/// * [`Default`], or for an object with required fields a private `with_defaults`;
/// * [`ThreeWay`](super::ThreeWay) merging, field by field;
/// * `extra`: fields this version does not know, kept for who wrote them.
///
/// Serde attributes on a field are obeyed for reading and writing.
macro_rules! document {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $( $(#[$meta:meta])* $field:ident: $type:ty = $default:expr, )*
        }
    ) => {
        document! {
            $(#[$about])*
            pub struct $name requires {} defaults {
                $( $(#[$meta])* $field: $type = $default, )*
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::with_defaults()
            }
        }
    };
    (
        $(#[$about:meta])*
        pub struct $name:ident requires {
            $( $(#[$required_meta:meta])* $required:ident: $required_type:ty, )*
        } defaults {
            $( $(#[$meta:meta])* $field:ident: $type:ty = $default:expr, )*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, PartialEq, serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $( $(#[$required_meta])* pub $required: $required_type, )*
            $( $(#[$meta])* pub $field: $type, )*
            /// Fields this version does not know, kept for who wrote them.
            #[serde(flatten)]
            pub extra: serde_json::Map<String, serde_json::Value>,
        }

        impl $name {
            fn with_defaults($( $required: $required_type ),*) -> Self {
                Self { $( $required, )* $( $field: $default, )* extra: serde_json::Map::new() }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(serde::Deserialize)]
                #[serde(rename_all = "camelCase")]
                struct Written {
                    $( $(#[$required_meta])* $required: $required_type, )*
                    $( $(#[$meta])* $field: Option<$type>, )*
                    #[serde(flatten)]
                    extra: serde_json::Map<String, serde_json::Value>,
                }
                let written = Written::deserialize(deserializer)?;
                Ok(Self {
                    $( $required: written.$required, )*
                    $( $field: written.$field.unwrap_or_else(|| $default), )*
                    extra: written.extra,
                })
            }
        }

        impl $crate::reading::Readable for $name {
            fn read(value: serde_json::Value, report: &mut $crate::reading::Report) -> Option<Self> {
                #[derive(serde::Deserialize)]
                #[serde(rename_all = "camelCase")]
                #[allow(dead_code, reason = "only its names are asked for")]
                struct Names {
                    $( $(#[$required_meta])* $required: serde::de::IgnoredAny, )*
                    $( $(#[$meta])* $field: serde::de::IgnoredAny, )*
                }
                let mut members = $crate::reading::Members::of::<Names>(value, report)?;
                $( let $required = members.required(); )*
                $( let $field = members.optional(); )*
                let extra = members.rest();
                Some(Self {
                    $( $required: $required?, )*
                    $( $field: $field.unwrap_or_else(|| $default), )*
                    extra,
                })
            }
        }

        impl $crate::model::ThreeWay for $name {
            fn three_way(base: &Self, ours: &Self, theirs: &Self) -> Self {
                use $crate::model::ThreeWay as Merge;
                Self {
                    $( $required: Merge::three_way(&base.$required, &ours.$required, &theirs.$required), )*
                    $( $field: Merge::three_way(&base.$field, &ours.$field, &theirs.$field), )*
                    extra: Merge::three_way(&base.extra, &ours.extra, &theirs.extra),
                }
            }
        }
    };
}
pub(crate) use document;
