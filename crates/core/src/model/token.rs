//! Bearer tokens (RFC 6750) as the registry keeps them: what each permits, and its hash.

use super::document::document;
use super::problem::Problem;
use crate::time::Wall;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use subtle::ConstantTimeEq;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Every token begins with this, so that people and secret scanners know one when they see it.
pub const TOKEN_PREFIX: &str = "tpm_";

const HASH_PREFIX: &str = "sha256:";

/// What the holder of a token may do. Each scope includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Read everything but the tokens, logs included.
    Read,
    /// Also start, stop, restart, signal, enable and disable every process, and set its autostart.
    Control,
    /// Everything, as a trusted peer.
    Admin,
}

impl Scope {
    /// `read`, `control` or `admin`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Control => "control",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a scope; use read, control or admin")]
pub struct UnknownScope(pub String);

impl FromStr for Scope {
    type Err = UnknownScope;
    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let all = [Self::Read, Self::Control, Self::Admin];
        all.into_iter().find(|scope| scope.name() == text).ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

document! {
    /// One of `remoteAccess.tokens`. The token itself is nowhere: it was shown once, when it was made.
    #[derive(Debug, Eq)]
    pub struct Token requires {
        /// By which it is listed and revoked; tells nothing of the token.
        id: String,
        /// For people: who has it, what for.
        name: String,
        /// What its holder may do.
        scope: Scope,
        /// By which it is known again.
        hash: TokenHash,
        /// Since when.
        created_at: Wall,
    } defaults {
        /// From then on it is refused. Default never.
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<Wall> = None,
    }
}

impl Token {
    /// A token that never expires, known by the beginning of its hash: with so few tokens that is as
    /// good as unique, and 32 bits of the hash of 256 random bits lead nowhere.
    pub fn new(name: impl Into<String>, scope: Scope, hash: TokenHash, created_at: Wall) -> Self {
        let id = hex(hash.0.get(..4).unwrap_or_default());
        Self::with_defaults(id, name.into(), scope, hash, created_at)
    }

    /// Whether it still counts at `now`.
    pub fn is_valid_at(&self, now: Wall) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// What cannot be obeyed about a list of tokens: two with one id could not be told apart when one is revoked.
pub(super) fn token_problems(tokens: &[Token]) -> impl Iterator<Item = Problem> + '_ {
    tokens.iter().enumerate().filter_map(move |(n, token)| {
        let path = || super::JsonPath::root().key("tokens").index(n).key("id");
        let twice = tokens.iter().take(n).any(|earlier| earlier.id == token.id);
        let message = match (token.id.is_empty(), twice) {
            (true, _) => "expected an id, found an empty text".to_owned(),
            (_, true) => format!("expected an id of its own, found {:?} a second time", token.id),
            _ => return None,
        };
        Some(Problem::at(path(), message))
    })
}

/// The hash of a token, written `sha256:` and 64 hexadecimal digits. A token is 256 random bits, so one
/// round of a fast hash is right: there is nothing to guess, as there is with passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of `token`, prefix included.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Whether both are the same, in a time that tells nothing about where they differ.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl FromStr for TokenHash {
    type Err = NotAHash;
    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let digits = text.strip_prefix(HASH_PREFIX).filter(|digits| digits.len() == 64).ok_or(NotAHash)?;
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| NotAHash)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotAHash)?;
        }
        Ok(Self(hash))
    }
}

/// A text that is not the hash of a token. It says nothing of the text: that may be a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected sha256: and 64 hexadecimal digits; make tokens with `process_monitor token create`")]
pub struct NotAHash;

impl PartialSchema for TokenHash {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).pattern(Some("^sha256:[0-9A-Fa-f]{64}$")).into()
    }
}

impl ToSchema for TokenHash {}

impl Serialize for TokenHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{HASH_PREFIX}{}", hex(&self.0)))
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hash)")
    }
}

/// A new token, before it is handed to its holder. Shown once, by [`NewToken::expose`].
pub struct NewToken(String);

impl NewToken {
    /// A token of `random` bits. They must come from the system's source of randomness.
    pub fn from_random(random: [u8; 32]) -> Self {
        Self(format!("{TOKEN_PREFIX}{}", hex(&random)))
    }

    /// The token itself, for its holder and nobody else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_and_shown_nowhere() {
        let new = NewToken::from_random([7; 32]);
        assert_eq!(new.expose().len(), TOKEN_PREFIX.len() + 64);
        let token = Token::new("dashboard", Scope::Read, new.hash(), Wall::default());
        assert!(token.hash.is_same(&TokenHash::of(new.expose())));
        assert!(!token.hash.is_same(&TokenHash::of("tpm_other")));
        let written = serde_json::to_string(&token).unwrap();
        assert!(!written.contains(new.expose()), "{written}");
        assert_eq!(serde_json::from_str::<Token>(&written).unwrap(), token);
        let shown = format!("{token:?} {new:?}");
        assert!(!shown.contains("0707") && !shown.contains("sha256"), "{shown}");
    }

    #[test]
    fn hashes_are_those_of_others() {
        // FIPS 180-4's well-known example.
        let written = serde_json::to_string(&TokenHash::of("abc")).unwrap();
        assert_eq!(written, r#""sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#);
    }

    #[test]
    fn what_is_no_hash_is_refused_without_being_shown() {
        let long = format!("sha256:{}", "0".repeat(65));
        let odd = format!("sha256:{}é", "0".repeat(62));
        for bad in ["", "sha256:", "sha256:0123", "md5:00", "tpm_secret", &long, &odd] {
            let why = bad.parse::<TokenHash>().unwrap_err().to_string();
            assert!(!why.contains("tpm_secret"), "{why}");
        }
    }

    #[test]
    fn a_token_ends_when_it_expires() {
        let mut token = Token::new("x", Scope::Admin, TokenHash::of("x"), Wall::default());
        let at = Wall::from_unix_millis;
        assert!(token.is_valid_at(at(i64::MAX)));
        token.expires_at = Some(at(5));
        assert_eq!([4, 5, 6].map(|now| token.is_valid_at(at(now))), [true, false, false]);
    }

    #[test]
    fn scopes_contain_each_other() {
        assert!(Scope::Read < Scope::Control && Scope::Control < Scope::Admin);
        assert_eq!("control".parse(), Ok(Scope::Control));
        assert!("root".parse::<Scope>().unwrap_err().to_string().contains("read, control or admin"));
    }

    #[test]
    fn two_tokens_with_one_id_are_a_problem() {
        let token = Token::new("x", Scope::Read, TokenHash::of("x"), Wall::default());
        let paths: Vec<_> =
            token_problems(&[token.clone(), token]).map(|problem| problem.path.to_string()).collect();
        assert_eq!(paths, ["tokens[1].id"]);
    }
}
