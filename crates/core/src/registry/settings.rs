//! The settings of a monitor: what of a registry is about the monitor itself and may be changed by its users. The one
//! rule of a change, for the API and for a file without a monitor.

use super::{Processes, Registry};
use crate::id::InstanceId;
use crate::model::schema::{partial, without};
use crate::model::{
    AlivenessServer, DefaultPorts, JsonPath, PartnerDiscovery, Problem, RateLimit, RemoteAccess, Tls,
};
use crate::reading::{Document, Readable, patched};
use serde_json::{Map, Value};
use std::borrow::Cow;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

/// What is no setting, and why it is not to be changed as one.
const KEPT: [(&[&str], &str); 6] = [
    (&["version"], "the version of the format is not a setting"),
    (&["lastModified"], "the monitor alone writes this field"),
    (&["instanceId"], "an instance keeps its name; start another one with --instance"),
    (&["watcherInfo"], "the monitor alone writes this field"),
    (&["processes"], "processes are registered and changed by commands of their own"),
    (TOKENS, "tokens are made and revoked with: token create, token revoke"),
];

/// Secrets, even as hashes.
const TOKENS: &[&str] = &["remoteAccess", "tokens"];

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its name, like `remoteAccess.trustedHosts`.
    pub key: String,
    /// What it is when nobody says anything; `null` when there is nothing then.
    pub default: Value,
}

/// The settings as the API shows and takes them: what [`Registry::shown_settings`] shows.
#[derive(Debug)]
pub struct ShownSettings;

impl PartialSchema for ShownSettings {
    fn schema() -> RefOr<Schema> {
        let about = "The settings of a monitor. What is not there has its default.";
        partial(without(&kept_in(&[]), about, Registry::schema()))
    }
}

/// `remoteAccess` as the API shows and takes it: without the tokens.
#[derive(Debug)]
pub struct ShownRemoteAccess;

impl PartialSchema for ShownRemoteAccess {
    fn schema() -> RefOr<Schema> {
        let about = "Who may do what over TCP, and where the API listens.";
        without(&kept_in(&["remoteAccess"]), about, RemoteAccess::schema())
    }
}

impl ToSchema for ShownRemoteAccess {
    fn name() -> Cow<'static, str> {
        RemoteAccess::name()
    }

    fn schemas(found: &mut Vec<(String, RefOr<Schema>)>) {
        found.push((RateLimit::name().into_owned(), RateLimit::schema()));
        found.push((Tls::name().into_owned(), Tls::schema()));
    }
}

/// The fields of the object at `path` that are no settings.
fn kept_in(path: &[&str]) -> Vec<&'static str> {
    let field = |kept: &[&'static str]| match kept.split_at_checked(path.len())? {
        (outer, [field]) if outer == path => Some(*field),
        _ => None,
    };
    KEPT.iter().filter_map(|(kept, _)| field(kept)).collect()
}

impl ToSchema for ShownSettings {
    fn name() -> Cow<'static, str> {
        "Settings".into()
    }

    fn schemas(found: &mut Vec<(String, RefOr<Schema>)>) {
        found.push((PartnerDiscovery::name().into_owned(), PartnerDiscovery::schema()));
        found.push((AlivenessServer::name().into_owned(), AlivenessServer::schema()));
        found.push((ShownRemoteAccess::name().into_owned(), ShownRemoteAccess::schema()));
        PartnerDiscovery::schemas(found);
        ShownRemoteAccess::schemas(found);
    }
}

impl Document for Registry {
    fn problems(&self) -> Vec<Problem> {
        self.validate()
    }
}

impl Registry {
    /// These settings with `change` applied (RFC 7396, JSON merge patch): the fields that are to be different, `null` for
    /// those that are to have their default again. Processes are left out.
    ///
    /// # Errors
    /// Everything that is wrong with the change and with what would come of it.
    pub fn reconfigured(&self, change: &Map<String, Value>) -> Result<Self, Vec<Problem>> {
        let kept = KEPT.iter().filter(|(path, _)| inside(change, path).is_some());
        let kept: Vec<_> = kept.map(|(path, why)| Problem::at(JsonPath::of_keys(path), *why)).collect();
        if kept.is_empty() {
            return patched(&self.settings(), change);
        }
        let mut rest = change.clone();
        KEPT.iter().for_each(|(path, _)| remove(&mut rest, path));
        let others = patched(&self.settings(), &rest).err().unwrap_or_default();
        Err(kept.into_iter().chain(others).collect())
    }

    /// Takes over the settings of `other`; the processes stay.
    pub fn adopt_settings(&mut self, other: Self) {
        let processes: Processes = std::mem::take(&mut self.processes);
        let last_modified = self.last_modified;
        *self = Self { processes, last_modified, ..other };
    }

    /// The settings for their users: every one that this version knows, without secrets. `null` where there is nothing.
    pub fn shown_settings(&self) -> Map<String, Value> {
        let Value::Object(mut shown) = self.settings().spelt_out() else { return Map::new() };
        KEPT.iter().for_each(|(path, _)| remove(&mut shown, path));
        shown
    }
}

/// Every setting of `instance`, in the order of the registry.
pub fn settings_of(instance: &InstanceId) -> Vec<Setting> {
    let defaults = defaults(instance).shown_settings();
    let settings =
        Registry::paths().into_iter().filter(|path| !KEPT.iter().any(|(kept, _)| path.starts_with(kept)));
    let setting = |path: Vec<&str>| Setting {
        default: inside(&defaults, &path).cloned().unwrap_or(Value::Null),
        key: path.join("."),
    };
    settings.map(setting).collect()
}

/// Every default, those that a file does not spell out included.
fn defaults(instance: &InstanceId) -> Registry {
    let ports = DefaultPorts::of(instance);
    let remote_access = RemoteAccess {
        remote_port: Some(ports.api),
        rate_limit: Some(RateLimit::default()),
        ..RemoteAccess::default()
    };
    let aliveness_server = AlivenessServer { port: Some(ports.aliveness), ..AlivenessServer::default() };
    Registry { remote_access, aliveness_server, ..Registry::new(instance.clone()) }
}

/// The value at `path`.
pub fn inside<'a>(object: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let value = object.get(*first)?;
    if rest.is_empty() { Some(value) } else { inside(value.as_object()?, rest) }
}

fn remove(object: &mut Map<String, Value>, path: &[&str]) {
    match path {
        [] => {}
        [last] => drop(object.shift_remove(*last)),
        [first, rest @ ..] => {
            if let Some(Value::Object(inner)) = object.get_mut(*first) {
                remove(inner, rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Wall;
    use serde_json::json;

    #[test]
    fn the_schema_has_the_settings_and_nothing_else() {
        let schema = serde_json::to_value(ShownSettings::schema()).unwrap();
        let fields = schema["properties"].as_object().unwrap();
        let Value::Object(shown) = serde_json::to_value(Registry::default()).unwrap() else { panic!() };
        for field in shown.keys() {
            let kept = KEPT.iter().any(|(path, _)| *path == [field.as_str()]);
            assert_eq!(fields.contains_key(field), !kept, "{field}");
        }
        let access = &serde_json::to_value(ShownRemoteAccess::schema()).unwrap()["properties"];
        assert!(access["trustedHosts"].is_object() && access.get("tokens").is_none(), "{access}");
    }

    fn change(registry: &Registry, value: Value) -> Result<Registry, Vec<String>> {
        let Value::Object(change) = value else { panic!("no object") };
        registry.reconfigured(&change).map_err(|problems| problems.iter().map(Problem::to_string).collect())
    }

    #[test]
    fn what_is_not_named_stays() {
        let registry = Registry { monitor_interval_ms: 7_000, ..Registry::default() };
        let changed = change(&registry, json!({ "remoteAccess": { "trustedHosts": ["10.0.0.1"] } })).unwrap();
        assert_eq!(changed.remote_access.trusted_hosts, ["10.0.0.1"]);
        assert_eq!((changed.monitor_interval_ms, changed.remote_access.allow_remote_stop), (7_000, true));
        let back = change(&changed, json!({ "remoteAccess": { "trustedHosts": null } })).unwrap();
        assert_eq!(back.remote_access, RemoteAccess::default());
    }

    #[test]
    fn everything_that_is_wrong_is_told_and_nothing_changed() {
        let wrong = json!({
            "instanceId": "other",
            "standaloneMod": true,
            "monitorIntervalMs": "soon",
            "remoteAccess": { "tokens": [], "remotePort": 70_000, "maxBodyBytes": 0 },
        });
        let problems = change(&Registry::default(), wrong).unwrap_err();
        let paths: Vec<_> = problems.iter().map(|problem| problem.split(':').next().unwrap()).collect();
        assert_eq!(
            paths,
            [
                "instanceId",
                "remoteAccess.tokens",
                "standaloneMod",
                "monitorIntervalMs",
                "remoteAccess.remotePort",
                "remoteAccess.maxBodyBytes"
            ]
        );
        assert!(problems[2].contains("standaloneMode"), "{problems:?}");
    }

    #[test]
    fn fields_of_later_versions_and_tokens_survive_a_change() {
        let hash = format!("sha256:{}", "ab".repeat(32));
        let token = json!({
            "id": "1", "name": "x", "scope": "read", "hash": hash, "createdAt": "2026-01-24T10:30:00.000Z"
        });
        let text = json!({ "remoteAccess": { "tokens": [token] }, "ofTomorrow": 1 }).to_string();
        let registry = Registry::parse(text.as_bytes(), &InstanceId::default()).unwrap();
        let changed = change(&registry, json!({ "standaloneMode": true })).unwrap();
        assert_eq!(
            (&changed.remote_access, &changed.extra["ofTomorrow"]),
            (&registry.remote_access, &json!(1))
        );
        assert!(!format!("{:?}", registry.shown_settings()).contains("sha256"));
    }

    #[test]
    fn taking_over_settings_leaves_the_processes() {
        let mut registry = Registry { last_modified: Some(Wall::default()), ..Registry::default() };
        registry.processes.insert(
            "web".parse().unwrap(),
            crate::model::ProcessEntry::new("web".parse().unwrap(), "a").into(),
        );
        registry.adopt_settings(change(&registry, json!({ "standaloneMode": true })).unwrap());
        assert!(
            registry.standalone_mode && registry.processes.len() == 1 && registry.last_modified.is_some()
        );
    }

    #[test]
    fn every_setting_has_its_name_and_default() {
        let watcher = InstanceId::new("watcher").unwrap();
        let settings = settings_of(&watcher);
        let default = |key: &str| {
            settings.iter().find(|setting| setting.key == key).map(|setting| setting.default.clone())
        };
        assert_eq!(default("standaloneMode"), Some(json!(false)));
        assert_eq!(default("remoteAccess.remotePort"), Some(json!(5680)));
        assert_eq!(default("remoteAccess.rateLimit.burst"), Some(json!(RateLimit::default().burst)));
        assert_eq!(default("remoteAccess.maxBodyBytes"), Some(json!(1 << 20)));
        assert_eq!(default("remoteAccess.trustedProxies"), Some(json!([])));
        assert_eq!(default("partnerDiscovery.partnerInstanceId"), Some(Value::Null));
        assert_eq!(default("remoteAccess.bindAddress"), Some(Value::Null));
        for none in ["version", "processes", "remoteAccess.tokens", "watcherInfo.watcherPid", "remoteAccess"]
        {
            assert_eq!(default(none), None, "{none}");
        }
    }
}
