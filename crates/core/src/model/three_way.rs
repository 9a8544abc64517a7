//! Merging two changes of one value.

use super::{FailAction, OutputMode, ProcessState, RestartType, Scope, StopSignal, TokenHash};
use crate::exit::LastExit;
use crate::id::{InstanceId, ProcessId, RunId};
use crate::time::Wall;
use indexmap::IndexMap;
use serde_json::{Map, Value};
use std::hash::Hash;
use std::sync::Arc;

/// A value that both sides may have changed since they last agreed.
///
/// What only one side changed is taken from that side. Where both changed the same thing, *theirs*
/// wins: in the registry that is the file, which somebody edited on purpose and would not expect to
/// see undone. Objects and maps are merged member by member; lists are taken whole.
pub trait ThreeWay: Sized {
    /// Merges `ours` and `theirs`, which were both made from `base`.
    fn three_way(base: &Self, ours: &Self, theirs: &Self) -> Self;
}

fn whole<T: Clone + PartialEq>(base: &T, ours: &T, theirs: &T) -> T {
    if theirs == base { ours.clone() } else { theirs.clone() }
}

macro_rules! whole {
    ($($type:ty),* $(,)?) => {
        $(impl ThreeWay for $type {
            fn three_way(base: &Self, ours: &Self, theirs: &Self) -> Self {
                whole(base, ours, theirs)
            }
        })*
    };
}

whole!(bool, u16, u32, u64, f64, String, InstanceId, ProcessId, RunId, Wall, LastExit);
whole!(ProcessState, RestartType, StopSignal, FailAction, OutputMode, Scope, TokenHash);

impl<T: Clone + PartialEq> ThreeWay for Vec<T> {
    fn three_way(base: &Self, ours: &Self, theirs: &Self) -> Self {
        whole(base, ours, theirs)
    }
}

impl<T: ThreeWay + Clone + PartialEq> ThreeWay for Option<T> {
    fn three_way(base: &Self, ours: &Self, theirs: &Self) -> Self {
        match (base, ours, theirs) {
            (Some(base), Some(ours), Some(theirs)) => Some(T::three_way(base, ours, theirs)),
            _ => whole(base, ours, theirs),
        }
    }
}

impl<T: ThreeWay> ThreeWay for Box<T> {
    fn three_way(base: &Self, ours: &Self, theirs: &Self) -> Self {
        Self::new(T::three_way(base, ours, theirs))
    }
}

impl<T: ThreeWay> ThreeWay for Arc<T> {
    fn three_way(base: &Self, ours: &Self, theirs: &Self) -> Self {
        match Self::ptr_eq(base, theirs) {
            true => Self::clone(ours),
            false => Self::new(T::three_way(base, ours, theirs)),
        }
    }
}

impl ThreeWay for Value {
    fn three_way(base: &Self, ours: &Self, theirs: &Self) -> Self {
        match (base, ours, theirs) {
            (Self::Object(base), Self::Object(ours), Self::Object(theirs)) => {
                Self::Object(ThreeWay::three_way(base, ours, theirs))
            }
            _ => whole(base, ours, theirs),
        }
    }
}

impl ThreeWay for Map<String, Value> {
    fn three_way(base: &Self, ours: &Self, theirs: &Self) -> Self {
        members(|key| base.get(key), |key| ours.get(key), |key| theirs.get(key), ours, theirs)
    }
}

impl<K: Hash + Eq + Clone, V: ThreeWay + Clone + PartialEq> ThreeWay for IndexMap<K, V> {
    fn three_way(base: &Self, ours: &Self, theirs: &Self) -> Self {
        members(|key| base.get(key), |key| ours.get(key), |key| theirs.get(key), ours, theirs)
    }
}

/// The members of three maps merged: in their order, then what only we have.
fn members<'a, K, V, Side, Merged>(
    in_base: impl Fn(&K) -> Option<&'a V>,
    in_ours: impl Fn(&K) -> Option<&'a V>,
    in_theirs: impl Fn(&K) -> Option<&'a V>,
    ours: Side,
    theirs: Side,
) -> Merged
where
    K: Clone + 'a,
    V: ThreeWay + Clone + PartialEq + 'a,
    Side: IntoIterator<Item = (&'a K, &'a V)>,
    Merged: FromIterator<(K, V)>,
{
    let shared = theirs.into_iter().filter_map(|(key, theirs)| {
        let merged = match (in_base(key), in_ours(key)) {
            (Some(base), Some(ours)) => Some(V::three_way(base, ours, theirs)),
            (Some(base), None) if base == theirs => None,
            _ => Some(theirs.clone()),
        };
        merged.map(|value| (key.clone(), value))
    });
    let only_ours = ours.into_iter().filter(|(key, _)| in_base(key).is_none() && in_theirs(key).is_none());
    shared.chain(only_ours.map(|(key, value)| (key.clone(), value.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_merged_one_by_one_and_theirs_win() {
        let table = [
            // What happened, base, ours, theirs, merged.
            ("nothing", json!({"a": 1}), json!({"a": 1}), json!({"a": 1}), json!({"a": 1})),
            ("ours changed", json!({"a": 1}), json!({"a": 2}), json!({"a": 1}), json!({"a": 2})),
            ("both changed", json!({"a": 1}), json!({"a": 2}), json!({"a": 3}), json!({"a": 3})),
            (
                "both added",
                json!({}),
                json!({"a": 2, "b": 2}),
                json!({"a": 3, "c": 3}),
                json!({"a": 3, "b": 2, "c": 3}),
            ),
            ("ours removed", json!({"a": 1}), json!({}), json!({"a": 1}), json!({})),
            ("ours removed, theirs changed", json!({"a": 1}), json!({}), json!({"a": 2}), json!({"a": 2})),
            ("theirs removed", json!({"a": 1}), json!({"a": 1}), json!({}), json!({})),
            ("ours changed, theirs removed", json!({"a": 1}), json!({"a": 2}), json!({}), json!({})),
            (
                "deep",
                json!({"a": {}}),
                json!({"a": {"b": 1}}),
                json!({"a": {"c": 2}}),
                json!({"a": {"b": 1, "c": 2}}),
            ),
            ("lists", json!([1]), json!([1, 2]), json!([0, 1]), json!([0, 1])),
        ];
        for (what, base, ours, theirs, merged) in table {
            assert_eq!(Value::three_way(&base, &ours, &theirs), merged, "{what}");
        }
    }
}
