//! Calls about the tokens of a monitor, by which peers show who they are.

use crate::api::{Accepted, ErrorCode, TokenCreated, TokenInfo, TokenList, TokenRequest};
use crate::call::Call;
use crate::change::{Change, invalid};
use crate::{Client, Error, Source, store};
use hyper::Method;
use process_monitor_core::reading::Document as _;
use process_monitor_host::{clock, random};

impl Client {
    /// What may be known of every token, and who told.
    pub async fn tokens(&self) -> Result<(Source, Vec<TokenInfo>), Error> {
        let (source, list) = self.question(Call::get("/config/tokens"), store::tokens).await?;
        let TokenList { tokens } = list;
        Ok((source, tokens))
    }

    /// Makes a token. The answer holds it, this once: no more than its hash is kept. Returns who did it, too; without a
    /// monitor it counts when one runs.
    ///
    /// # Errors
    /// [`Error::Invalid`] names everything that is wrong with the request.
    pub async fn create_token(&self, request: &TokenRequest) -> Result<(Source, TokenCreated), Error> {
        match request.problems() {
            problems if problems.is_empty() => {}
            problems => return Err(invalid(problems)),
        }
        let call = Call::new(Method::POST, "/config/tokens").json(request)?;
        let bits = random::secret_bits().map_err(|why| Error::Refused {
            code: ErrorCode::StorageFailed,
            message: format!("no token can be made: {why}; try again"),
        })?;
        // For the file, should no monitor run: a monitor makes its own.
        let (made, token) = request.clone().made_of(bits, clock::wall());
        Ok(match self.change(call, Change::AddToken(token)).await? {
            Some(created) => (Source::Monitor, created),
            None => (Source::File, made),
        })
    }

    /// Revokes the token with this id. It counts no more from then on. Returns who did it.
    pub async fn revoke_token(&self, id: &str) -> Result<Source, Error> {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
            return Err(Error::Options { what: format!("{id:?} is no id of a token") });
        }
        // Carried out twice, it would say that there is no such token.
        let call = Call::new(Method::DELETE, format!("/config/tokens/{id}")).once();
        let answer: Result<Option<Accepted>, _> = self.change(call, Change::RevokeToken(id.to_owned())).await;
        let answer = answer.map_err(|error| match error {
            Error::Refused { code: ErrorCode::NotFound, .. } => Error::TokenNotFound { id: id.to_owned() },
            other => other,
        })?;
        Ok(answer.map_or(Source::File, |_| Source::Monitor))
    }
}
