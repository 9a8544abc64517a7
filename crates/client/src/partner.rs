//! How monitors ask each other.

use crate::api::MonitorStatus;
use crate::call::Call;
use crate::{Client, Error, Trust};
use hyper::Method;
use process_monitor_core::id::InstanceId;

impl Client {
    /// Makes the instance `own` known to the monitor as its partner, and asks how that one is. It answers only when the
    /// thread that supervises does.
    pub async fn greet(&self, own: &InstanceId) -> Result<MonitorStatus, Error> {
        self.ask(Call::new(Method::POST, format!("/monitor/partner/{own}"))).await
    }
}

/// What the aliveness server on `port` of this machine says of its monitor.
pub async fn aliveness_status(port: u16) -> Result<MonitorStatus, Error> {
    let url = format!("http://127.0.0.1:{port}").parse()?;
    Client::remote(url, None, &Trust::default())?.ask(Call::get("/status")).await
}
