//! Bearer tokens: sent, and shown nowhere.

use crate::{Error, files};
use hyper::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use std::path::Path;

/// No file of a token is longer, in bytes.
const LONGEST: u64 = 4096;

/// A bearer token. Its `Debug` shows nothing of it, and its memory is wiped when it is dropped.
#[derive(Debug, Clone)]
pub struct Token(SecretString);

impl Token {
    /// A token as the monitor gave it out; white space around it is none of it.
    ///
    /// # Errors
    /// [`Error::Options`] when no token looks like this; the error does not repeat it.
    pub fn new(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Options {
                what: "a token is one word of letters, digits and signs; this one is not".to_owned(),
            });
        }
        Ok(Self(SecretString::from(text)))
    }

    /// Reads the token from a file that holds nothing else.
    ///
    /// # Errors
    /// [`Error::Options`] names the file, and nothing of what is in it.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let unreadable = |why: String| Error::Options { what: format!("cannot read the token: {why}") };
        let bytes = files::read(path, LONGEST).map_err(unreadable)?;
        let text = SecretString::from(
            String::from_utf8(bytes).map_err(|_| unreadable(format!("{} is no text", path.display())))?,
        );
        Self::new(text.expose_secret())
            .map_err(|_| unreadable(format!("{} holds something else than one token", path.display())))
    }

    /// The value of the header `authorization`, marked as secret.
    pub(crate) fn header(&self) -> Result<HeaderValue, Error> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0.expose_secret()))
            .map_err(|_| Error::Options { what: "the token cannot be sent in a header".to_owned() })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_nowhere() {
        let token = Token::new(" tpm_verysecret\n").unwrap();
        assert!(!format!("{token:?}").contains("verysecret"));
        assert!(!format!("{:?}", token.header().unwrap()).contains("verysecret"));
        assert_eq!(token.header().unwrap().as_bytes(), b"Bearer tpm_verysecret");
        let error = Token::new("very secret").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    #[test]
    fn a_file_holds_one_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for (content, good) in [("tpm_x\n", true), ("", false), ("a b", false), ("a\nb\n", false)] {
            std::fs::write(&path, content).unwrap();
            let read = Token::read(&path);
            assert_eq!(read.is_ok(), good, "{content:?}");
            if let Err(error) = read {
                assert!(error.to_string().contains(&path.display().to_string()), "{error}");
            }
        }
        assert!(Token::read(&folder.path().join("none")).unwrap_err().to_string().contains("none"));
    }
}
