//! Whose token it is that a request shows.

use crate::model::{Token, TokenHash};
use crate::time::Wall;

/// Why a request that shows a token is not answered (401). It never falls back to what it could do without:
/// who shows a token means to be its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// The header is there, but holds no bearer token.
    #[error(
        "the header Authorization must be `Bearer TOKEN`, with a token of `process_monitor token create`"
    )]
    Malformed,
    /// No token of the list is this one.
    #[error("this token is not known here; it may have been revoked, or be of another monitor")]
    Unknown,
    /// It was one.
    #[error("this token has expired; make another with `process_monitor token create`")]
    Expired,
}

/// The token in the value of a header `Authorization` (RFC 6750, 2.1).
///
/// # Errors
/// [`BadToken::Malformed`] when it holds anything else.
pub fn bearer_of(header: &str) -> Result<&str, BadToken> {
    let (scheme, token) = header.trim().split_once(' ').ok_or(BadToken::Malformed)?;
    let token = token.trim();
    let right = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.is_ascii();
    if right { Ok(token) } else { Err(BadToken::Malformed) }
}

/// Which of `tokens` is `shown` at `now`. It looks at all of them, each in constant time.
///
/// # Errors
/// When none is, or that one has expired.
pub fn token_of<'a>(shown: &str, tokens: &'a [Token], now: Wall) -> Result<&'a Token, BadToken> {
    let hash = TokenHash::of(shown);
    let found = tokens.iter().fold(None, |found, token| match token.hash.is_same(&hash) {
        true => Some(token),
        false => found,
    });
    let token = found.ok_or(BadToken::Unknown)?;
    if token.is_valid_at(now) { Ok(token) } else { Err(BadToken::Expired) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scope;

    #[test]
    fn what_is_a_bearer_token() {
        for good in ["Bearer abc", "bearer abc", "BEARER  abc "] {
            assert_eq!(bearer_of(good), Ok("abc"), "{good:?}");
        }
        for bad in ["", "Bearer", "Bearer ", "Basic abc", "abc", "Bearer é"] {
            assert_eq!(bearer_of(bad), Err(BadToken::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn a_token_is_found_unless_it_has_expired() {
        let at = Wall::from_unix_millis;
        let token = |text: &str| Token::new(text, Scope::Read, TokenHash::of(text), at(0));
        let mut tokens = ["a", "b", "c"].map(token);
        tokens[1].expires_at = Some(at(10));
        let name = |shown, now| token_of(shown, &tokens, at(now)).map(|token| token.name.as_str());
        assert_eq!(name("a", 99), Ok("a"));
        assert_eq!(name("b", 9), Ok("b"));
        assert_eq!(name("b", 10), Err(BadToken::Expired));
        assert_eq!(name("d", 0), Err(BadToken::Unknown));
        assert_eq!(name("", 0), Err(BadToken::Unknown));
    }
}
