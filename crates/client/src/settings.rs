//! Calls about the settings of a monitor.

use crate::api::Accepted;
use crate::call::Call;
use crate::change::Change;
use crate::{Client, Error, Source, store};
use hyper::Method;
use serde_json::{Map, Value};

impl Client {
    /// The settings by their names in the registry, without secrets, and who told.
    pub async fn settings(&self) -> Result<(Source, Map<String, Value>), Error> {
        self.question(Call::get("/config"), store::settings).await
    }

    /// Changes settings (RFC 7396, JSON merge patch): what is not named stays, `null` brings a default back. All of it is
    /// done, or nothing. In effect at once, or with the next monitor. Returns who did it, and what the monitor remarks.
    ///
    /// # Errors
    /// [`Error::Invalid`] names everything that is wrong.
    pub async fn configure(&self, change: Map<String, Value>) -> Result<(Source, Option<String>), Error> {
        let call = Call::new(Method::PATCH, "/config").json(&change)?;
        let answer: Option<Accepted> = self.change(call, Change::Configure(change)).await?;
        Ok(match answer {
            Some(accepted) => (Source::Monitor, accepted.message),
            None => (Source::File, None),
        })
    }
}
