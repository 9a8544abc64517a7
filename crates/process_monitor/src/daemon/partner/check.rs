//! Asking the partner how it is. An answer counts when it comes from the very process that is watched: a port may be
//! anybody's, and whatever a stranger says there neither saves a partner that hangs nor condemns one that is well.

use process_monitor_client::api::{MonitorState, MonitorStatus};
use process_monitor_client::{Client, aliveness_status};
use process_monitor_core::id::InstanceId;
use process_monitor_core::partner::{Answer, CHECK_TIMEOUT, Farewell, Life};
use process_monitor_host::layout::Layout;
use process_monitor_host::pair::sighting;
use tokio::time::timeout;

/// What is asked, and by whom.
#[derive(Clone)]
pub struct Question {
    /// Reaches the partner.
    pub client: Client,
    /// Where it keeps its files.
    pub place: Layout,
    /// Which instance asks.
    pub own: InstanceId,
    /// Where the partner's aliveness server should listen.
    pub port: u16,
    /// Who is meant.
    pub life: Life,
}

/// What came of it.
pub struct Reply {
    /// For the policy.
    pub answer: Answer,
    /// Where the partner's aliveness server listens, if it said so.
    pub port: Option<u16>,
}

/// Asks over its control socket, which also makes us known to it; where that cannot be reached at all, at its aliveness
/// port.
pub async fn ask(question: &Question) -> Reply {
    let asked = timeout(CHECK_TIMEOUT, anybody(question)).await.ok().flatten();
    match asked {
        Some(status) => Reply { answer: judge(&status, &question.own), port: status.aliveness_port },
        None => {
            let answer = match sighting::farewell_of(&question.place, &question.life) {
                Some(Farewell::Alone) => Answer::Alone,
                Some(Farewell::Stop) => Answer::Leaving,
                None => Answer::Failed,
            };
            Reply { answer, port: None }
        }
    }
}

async fn anybody(question: &Question) -> Option<MonitorStatus> {
    let is_it = |status: &MonitorStatus| status.pid == question.life.pid;
    match question.client.greet(&question.own).await {
        Ok(status) => Some(status).filter(is_it),
        Err(error) => {
            tracing::debug!(%error, "the partner's control socket does not answer");
            let mut status = aliveness_status(question.port).await.ok().filter(is_it)?;
            status.aliveness_port = Some(question.port);
            Some(status)
        }
    }
}

fn judge(status: &MonitorStatus, own: &InstanceId) -> Answer {
    let has_another = status.partner_instance_id.as_ref().is_some_and(|partner| partner != own);
    match status.state {
        MonitorState::Stopping => Answer::Leaving,
        MonitorState::Running if status.standalone_mode || has_another => Answer::Alone,
        MonitorState::Running => Answer::Well,
    }
}
