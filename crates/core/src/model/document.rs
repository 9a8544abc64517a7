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
/// * its schema, for OpenAPI and for editors: descriptions from the comments, defaults from the defaults;
/// * `extra`: fields this version does not know, kept for who wrote them.
///
/// Serde attributes on a field are obeyed for reading and writing. A field may state a
/// [`Rule`](super::rule::Rule) of its values at its end, like `port: u32 = 80 => Bounds::AtLeast(1)`, which the
/// private `broken_rules` checks and the schema tells.
macro_rules! document {
    (
        $(#[doc = $about:tt])*
        $(#[derive($($derive:ident),*)])?
        pub struct $name:ident {
            $( $(#[$meta:meta])* $field:ident: $type:ty = $default:expr $(=> $rule:expr)?, )*
        }
    ) => {
        document! {
            $(#[doc = $about])*
            $(#[derive($($derive),*)])?
            pub struct $name requires {} defaults {
                $( $(#[$meta])* $field: $type = $default $(=> $rule)?, )*
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::with_defaults()
            }
        }
    };
    (
        $(#[doc = $about:tt])*
        $(#[derive($($derive:ident),*)])?
        pub struct $name:ident requires {
            $( $(#[$required_meta:meta])* $required:ident: $required_type:ty $(=> $required_rule:expr)?, )*
        } defaults {
            $( $(#[$meta:meta])* $field:ident: $type:ty = $default:expr $(=> $rule:expr)?, )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, PartialEq, serde::Serialize)]
        $(#[derive($($derive),*)])?
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

            /// What is wrong with the values of fields that have a rule.
            #[allow(dead_code, reason = "some objects have no such field")]
            fn broken_rules(&self) -> impl Iterator<Item = $crate::model::Problem> + use<> {
                #[allow(unused_imports, reason = "some objects have no such field")]
                use $crate::model::rule::{Rule, member};
                let problems: Vec<Vec<$crate::model::Problem>> = vec![
                    $( $( $required_rule.check(&|| member(stringify!($required)), &self.$required), )? )*
                    $( $( $rule.check(&|| member(stringify!($field)), &self.$field), )? )*
                ];
                problems.into_iter().flatten()
            }
        }

        const _: () = {
            $(#[doc = $about])*
            #[derive(serde::Deserialize, utoipa::ToSchema)]
            #[serde(rename_all = "camelCase")]
            struct Written {
                $( $(#[$required_meta])* $required: $required_type, )*
                $( $(#[$meta])* $field: Option<$type>, )*
                #[serde(flatten)]
                #[schema(ignore)]
                extra: serde_json::Map<String, serde_json::Value>,
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let written = Written::deserialize(deserializer)?;
                    Ok(Self {
                        $( $required: written.$required, )*
                        $( $field: written.$field.unwrap_or_else(|| $default), )*
                        extra: written.extra,
                    })
                }
            }

            impl utoipa::PartialSchema for $name {
                fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                    use $crate::model::schema::{Field, complete};
                    let fields = vec![
                        $( Field::required() $( .ruled::<$required_type>(&$required_rule) )?, )*
                        $( Field::optional::<$type>(&$default) $( .ruled::<$type>(&$rule) )?, )*
                    ];
                    complete(Written::schema(), fields)
                }
            }

            impl utoipa::ToSchema for $name {
                fn name() -> std::borrow::Cow<'static, str> {
                    stringify!($name).into()
                }

                fn schemas(found: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
                    Written::schemas(found);
                }
            }
        };

        const _: () = {
            #[derive(serde::Deserialize)]
            #[serde(rename_all = "camelCase")]
            #[allow(dead_code, reason = "only its names are asked for")]
            struct Names {
                $( $(#[$required_meta])* $required: serde::de::IgnoredAny, )*
                $( $(#[$meta])* $field: serde::de::IgnoredAny, )*
            }

            impl $crate::reading::Readable for $name {
                fn read(value: serde_json::Value, report: &mut $crate::reading::Report) -> Option<Self> {
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

                fn paths() -> Vec<$crate::reading::Path> {
                    let mut names = $crate::reading::fields_of::<Names>().iter().copied();
                    let mut paths = Vec::new();
                    $( paths.extend($crate::reading::paths_at::<$required_type>(names.next())); )*
                    $( paths.extend($crate::reading::paths_at::<$type>(names.next())); )*
                    paths
                }

                fn spelt_out(&self) -> serde_json::Value {
                    let names = $crate::reading::fields_of::<Names>().iter().map(|name| (*name).to_owned());
                    let values = [
                        $( $crate::reading::Readable::spelt_out(&self.$required), )*
                        $( $crate::reading::Readable::spelt_out(&self.$field), )*
                    ];
                    names.zip(values).collect()
                }
            }
        };

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
