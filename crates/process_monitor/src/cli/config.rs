//! `config`, `config get`, `config set`, `config unset`: the settings of the monitor.

use super::context::Context;
use super::failure::Failure;
use super::list::{self, note_effect, note_source};
use super::patch::Patch;
use super::{console, render};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Args, Command, Subcommand};
use process_monitor_core::id::InstanceId;
use process_monitor_core::registry::{Setting, inside, settings_of};
use serde_json::{Value, json};
use std::ffi::OsStr;

/// Arguments of `config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show one setting, or all of them
    Get {
        /// Its name, like remoteAccess.trustedHosts, or that of a group
        #[arg(value_name = "KEY", value_parser = Key, hide_possible_values = true)]
        key: Option<String>,
    },
    /// Change a setting; in effect at once
    Set {
        /// Its name
        #[arg(value_name = "KEY", value_parser = Key, hide_possible_values = true)]
        key: String,
        /// Its value; of a list, each element, or all of it in JSON
        #[arg(value_name = "VALUE", required = true, allow_hyphen_values = true)]
        values: Vec<String>,
    },
    /// Let settings have their defaults again
    Unset {
        /// Their names
        #[arg(value_name = "KEY", required = true, value_parser = Key, hide_possible_values = true)]
        keys: Vec<String>,
    },
}

/// Reads the name of a setting. The names are made only when one is typed: every start of the program comes by here.
#[derive(Debug, Clone)]
struct Key;

impl TypedValueParser for Key {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, typed: &OsStr) -> Result<String, clap::Error> {
        PossibleValuesParser::new(names()).parse_ref(command, arg, typed)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(names().into_iter().map(PossibleValue::new)))
    }
}

/// The names that can be typed: of settings, and of the groups that they are in.
fn names() -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for Setting { key, .. } in settings_of(&InstanceId::default()) {
        let dots = key.match_indices('.').map(|(at, _)| at).chain([key.len()]);
        for name in dots.filter_map(|at| key.get(..at)) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
    names
}

pub async fn run(context: &Context, args: ConfigArgs) -> Result<(), Failure> {
    match args.action {
        None | Some(Action::Get { key: None }) => show_all(context).await,
        Some(Action::Get { key: Some(key) }) => show(context, &key).await,
        Some(Action::Set { key, values }) => {
            let value = typed(&values, &default_of(&key));
            change(context, vec![(key, value)]).await
        }
        Some(Action::Unset { keys }) => {
            change(context, keys.into_iter().map(|key| (key, Value::Null)).collect()).await
        }
    }
}

async fn show_all(context: &Context) -> Result<(), Failure> {
    let (source, settings) = context.client.settings().await?;
    if context.json {
        return console::print_json(&json!({ "source": list::name(source), "settings": settings }));
    }
    note_source(context, source);
    let instance = context.client.layout().map(|layout| layout.instance().clone()).unwrap_or_default();
    console::print(&render::settings_table(&settings_of(&instance), &settings, context.style))
}

async fn show(context: &Context, key: &str) -> Result<(), Failure> {
    let (_, settings) = context.client.settings().await?;
    let path: Vec<_> = key.split('.').collect();
    let value = inside(&settings, &path).filter(|value| !value.is_null()).cloned();
    let value = value.unwrap_or_else(|| default_of(key));
    match (context.json, &value) {
        (true, _) => console::print_json(&value),
        (false, Value::Null) => {
            console::note("it is not set");
            Ok(())
        }
        (false, value) => console::print(&format!("{}\n", render::plain_value(value))),
    }
}

fn default_of(key: &str) -> Value {
    let setting = settings_of(&InstanceId::default()).into_iter().find(|setting| setting.key == key);
    setting.map_or(Value::Null, |setting| setting.default)
}

/// What `words` mean for a setting of the kind of `default`. What does not fit is sent as it is, and refused with the
/// same words as everywhere.
fn typed(words: &[String], default: &Value) -> Value {
    match (words, default) {
        ([word], Value::Bool(_)) => super::value::switch(word).map_or_else(|_| json!(word), Value::Bool),
        ([word], Value::String(_)) => {
            serde_json::from_str::<String>(word).map_or_else(|_| json!(word), Value::String)
        }
        (words, Value::Array(_)) => match words {
            [word] if word.starts_with('[') => serde_json::from_str(word).unwrap_or_else(|_| json!(word)),
            words => json!(words),
        },
        ([word], _) => serde_json::from_str(word).unwrap_or_else(|_| json!(word)),
        (words, _) => json!(words),
    }
}

async fn change(context: &Context, changes: Vec<(String, Value)>) -> Result<(), Failure> {
    let mut patch = Patch::default();
    for (key, value) in &changes {
        patch.set(&key.split('.').collect::<Vec<_>>(), value.clone());
    }
    let (source, message) = context.client.configure(patch.into_map()).await?;
    if context.json {
        return console::print_json(
            &json!({ "success": true, "source": list::name(source), "message": message }),
        );
    }
    for (key, value) in &changes {
        let (value, mark) = match value {
            Value::Null => (default_of(key), " (default)"),
            value => (value.clone(), ""),
        };
        console::print(&format!("{key}: {}{mark}\n", render::plain_value(&value)))?;
    }
    if let Some(message) = message {
        console::note(&render::format::printable(&message));
    }
    note_effect(context, source);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(words: &[&str], default: &Value) -> Value {
        typed(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), default)
    }

    #[test]
    fn words_mean_what_the_setting_needs() {
        assert_eq!(means(&["off"], &json!(true)), json!(false));
        assert_eq!(means(&["maybe"], &json!(true)), json!("maybe"), "refused by the rule, with its words");
        assert_eq!(means(&["5"], &json!("x")), json!("5"));
        assert_eq!(means(&["5"], &json!(7)), json!(5));
        assert_eq!(means(&["5"], &Value::Null), json!(5));
        assert_eq!(means(&["192.168."], &Value::Null), json!("192.168."));
        assert_eq!(means(&["10.0.0.1", "::1"], &json!([])), json!(["10.0.0.1", "::1"]));
        assert_eq!(means(&["10.0.0.1"], &json!([])), json!(["10.0.0.1"]));
        assert_eq!(means(&["[]"], &json!(["x"])), json!([]));
        assert_eq!(means(&["a", "b"], &json!(7)), json!(["a", "b"]));
    }
}
