//! How any operation may say no: what reads requests and guards the API answers alike everywhere, so no handler
//! has to repeat it. What only some operations refuse (409) stands beside their handlers.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

/// Which operations may answer so.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    All,
    /// Those that read a body.
    Body,
    /// Those about one process.
    Id,
}

struct Refusal {
    status: &'static str,
    /// Of the response in the components.
    name: &'static str,
    who: Who,
    about: &'static str,
    header: Option<(&'static str, &'static str)>,
}

const REFUSALS: [Refusal; 9] = [
    Refusal {
        status: "400",
        name: "Invalid",
        who: Who::All,
        about: "Malformed, or with values that are wrong; `problems` names each with its JSON path",
        header: None,
    },
    Refusal {
        status: "401",
        name: "Unauthorized",
        who: Who::All,
        about: "The token is wrong or has expired",
        header: Some(("WWW-Authenticate", "How to authenticate")),
    },
    Refusal {
        status: "403",
        name: "Forbidden",
        who: Who::All,
        about: "The peer may not do this; `error` names the setting that would permit it",
        header: None,
    },
    Refusal {
        status: "404",
        name: "NotFound",
        who: Who::Id,
        about: "There is no process with this id",
        header: None,
    },
    Refusal {
        status: "408",
        name: "TooSlow",
        who: Who::Body,
        about: "The body did not arrive in time",
        header: None,
    },
    Refusal {
        status: "413",
        name: "TooLarge",
        who: Who::Body,
        about: "The body is larger than `remoteAccess.maxBodyBytes`, or than 64 KiB and of a peer that is not trusted",
        header: None,
    },
    Refusal {
        status: "415",
        name: "UnsupportedMediaType",
        who: Who::Body,
        about: "The body is not declared as `application/json`",
        header: None,
    },
    Refusal {
        status: "429",
        name: "RateLimited",
        who: Who::All,
        about: "The peer asks too often",
        header: Some(("Retry-After", "After how many seconds to ask again")),
    },
    Refusal {
        status: "503",
        name: "Unavailable",
        who: Who::All,
        about: "The monitor is stopping, or could not write its registry, and nothing was changed; or another image of it takes \
                over (`restarting`), and what was asked for goes on",
        header: Some((
            "Retry-After",
            "With `restarting`: after how many seconds to ask again what came of it",
        )),
    },
];

/// Adds to each operation of `document` how it may say no.
pub fn add(document: &mut Value) {
    for refusal in &REFUSALS {
        document["components"]["responses"][refusal.name] = refusal.response();
    }
    let items = document["paths"].as_object_mut().into_iter().flatten();
    for (path, item) in items {
        let about_one = path.contains("{id}");
        for operation in item.as_object_mut().into_iter().flat_map(|item| item.values_mut()) {
            add_to(operation, about_one);
        }
    }
}

fn add_to(operation: &mut Value, about_one: bool) {
    let has_body = operation.get("requestBody").is_some();
    let applies = |refusal: &&Refusal| match refusal.who {
        Who::All => true,
        Who::Body => has_body,
        Who::Id => about_one,
    };
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for refusal in REFUSALS.iter().filter(applies) {
        let reference = json!({ "$ref": format!("#/components/responses/{}", refusal.name) });
        // What a handler says of itself is more exact.
        responses.entry(refusal.status).or_insert(reference);
    }
    responses.sort_keys();
    describe(responses);
}

/// A success that has nothing special to say is described by its status.
fn describe(responses: &mut Map<String, Value>) {
    for (status, response) in responses.iter_mut() {
        if response.get("$ref").is_none() && response.get("description").is_none_or(|about| about == "") {
            let status = StatusCode::from_bytes(status.as_bytes()).ok();
            response["description"] = status.and_then(|status| status.canonical_reason()).into();
        }
    }
}

impl Refusal {
    fn response(&self) -> Value {
        let schema = json!({ "$ref": "#/components/schemas/ErrorBody" });
        let mut response = json!({
            "description": self.about,
            "content": { "application/json": { "schema": schema } },
        });
        if let Some((name, about)) = self.header {
            response["headers"] = json!({ name: { "description": about, "schema": { "type": "string" } } });
        }
        response
    }
}
