//! Calls about the tokens of a monitor, by which peers show who they are. They need a running monitor.

use crate::api::{Accepted, TokenCreated, TokenInfo, TokenList, TokenRequest};
use crate::call::Call;
use crate::{Client, Error};
use hyper::Method;

impl Client {
    /// What may be known of every token.
    pub async fn tokens(&self) -> Result<Vec<TokenInfo>, Error> {
        let TokenList { tokens } = self.ask(Call::get("/config/tokens")).await?;
        Ok(tokens)
    }

    /// Makes a token. The answer holds it, this once: the monitor keeps no more than its hash.
    pub async fn create_token(&self, request: &TokenRequest) -> Result<TokenCreated, Error> {
        self.ask(Call::new(Method::POST, "/config/tokens").json(request)?).await
    }

    /// Revokes the token with this id. It counts no more from then on.
    pub async fn revoke_token(&self, id: &str) -> Result<(), Error> {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
            return Err(Error::Options { what: format!("{id:?} is no id of a token") });
        }
        // Carried out twice, it would say that there is no such token.
        let call = Call::new(Method::DELETE, format!("/config/tokens/{id}")).once();
        self.ask::<Accepted>(call).await.map(|_| ())
    }
}
