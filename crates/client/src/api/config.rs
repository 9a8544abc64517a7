//! The monitor's settings, and tokens.

use process_monitor_core::model::{JsonPath, NewToken, Problem, Scope, Token};
use process_monitor_core::reading::{Document, Members, Readable, Report};
use process_monitor_core::time::Wall;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use utoipa::ToSchema;

/// `/config/trusted-hosts`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrustedHosts {
    /// Addresses, ranges and names of peers that may do everything.
    pub trusted_hosts: Vec<String>,
}

/// `/config/executable-whitelist` and `/config/executable-blacklist`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Patterns {
    /// Patterns of paths: `*`, `?`, `**`, `[]` and `{}`.
    pub patterns: Vec<String>,
}

/// `/config/standalone-mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StandaloneMode {
    /// Whether the monitor has no partner.
    pub enabled: bool,
}

/// The answer to a change of settings: how they are now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Changed<T> {
    /// Always true: what fails is answered by an error.
    pub success: bool,
    /// What the change means for who asked for it, if that is not plain.
    pub message: Option<String>,
    /// What was changed, whole.
    #[serde(flatten)]
    pub now: T,
}

/// Body of `POST /config/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenRequest {
    /// For people: who has it, what for. At most 100 characters.
    #[schema(
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub name: String,
    /// What its holder may do.
    pub scope: Scope,
    /// How long it counts, at least 1 and at most 100 years; `null`: until it is revoked.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3_155_760_000_u64)]
    pub expires_in_seconds: Option<u64>,
}

impl TokenRequest {
    /// The token that is asked for, made of `random` bits at `now`: the answer that shows it, this once, and what is kept
    /// of it.
    pub fn made_of(self, random: [u8; 32], now: Wall) -> (TokenCreated, Token) {
        let new = NewToken::from_random(random);
        let mut token = Token::new(self.name, self.scope, new.hash(), now);
        token.expires_at = self.expires_in_seconds.map(|seconds| now + Duration::from_secs(seconds));
        let info = TokenInfo::from(&token);
        (TokenCreated { success: true, token: new.expose().to_owned(), info }, token)
    }
}

/// Longest `expiresInSeconds`: 100 years.
const LONGEST_SECONDS: u64 = 3_155_760_000;

/// Longest name of a token, in characters.
const LONGEST_NAME: usize = 100;

/// What may be known of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenInfo {
    /// By which it is revoked.
    pub id: String,
    /// Who has it, what for.
    pub name: String,
    /// What its holder may do.
    pub scope: Scope,
    /// Since when.
    pub created_at: Wall,
    /// From then on it is refused; `null`: never.
    pub expires_at: Option<Wall>,
}

impl From<&Token> for TokenInfo {
    fn from(token: &Token) -> Self {
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            scope: token.scope,
            created_at: token.created_at,
            expires_at: token.expires_at,
        }
    }
}

/// `GET /config/tokens`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// In the order in which they were made.
    pub tokens: Vec<TokenInfo>,
}

/// The answer to `POST /config/tokens`. Its `Debug` shows nothing of the token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenCreated {
    /// Always true: what fails is answered by an error.
    pub success: bool,
    /// The token itself. It is shown this once, and kept nowhere.
    pub token: String,
    /// What may be known of it.
    #[serde(flatten)]
    pub info: TokenInfo,
}

impl std::fmt::Debug for TokenCreated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenCreated").field("info", &self.info).finish_non_exhaustive()
    }
}

/// Bodies of one field.
macro_rules! of_one_field {
    ($($name:ident $field:ident),*) => {
        $(
            impl Readable for $name {
                fn read(value: Value, report: &mut Report) -> Option<Self> {
                    let mut members = Members::of::<Self>(value, report)?;
                    let $field = members.required();
                    members.rest();
                    Some(Self { $field: $field? })
                }
            }

            impl Document for $name {}
        )*
    };
}

of_one_field!(TrustedHosts trusted_hosts, Patterns patterns, StandaloneMode enabled);

impl Readable for TokenRequest {
    fn read(value: Value, report: &mut Report) -> Option<Self> {
        let mut members = Members::of::<Self>(value, report)?;
        let (name, scope, expires_in_seconds) = (members.required(), members.required(), members.optional());
        members.rest();
        Some(Self { name: name?, scope: scope?, expires_in_seconds })
    }
}

impl Document for TokenRequest {
    fn problems(&self) -> Vec<Problem> {
        let length = self.name.chars().count();
        let bad_name =
            self.name.trim().is_empty() || length > LONGEST_NAME || self.name.chars().any(char::is_control);
        let name = bad_name.then(|| {
            Problem::new(
                "name",
                format!("expected up to {LONGEST_NAME} characters, none of them for control, that say who has the token"),
            )
        });
        let never = self.expires_in_seconds.filter(|seconds| !(1..=LONGEST_SECONDS).contains(seconds));
        let never = never.map(|seconds| {
            let path = JsonPath::root().key("expiresInSeconds");
            Problem::at(path, format!("expected 1 to {LONGEST_SECONDS}, found {seconds}"))
        });
        name.into_iter().chain(never).collect()
    }
}
