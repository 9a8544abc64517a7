//! What is known of the partner, for readers.

use process_monitor_client::api::PartnerStatus;
use process_monitor_core::id::InstanceId;
use process_monitor_core::model::WatcherInfo;
use process_monitor_core::partner::{Life, Presence};

/// What is known of the partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Which instance it is; `None`: no partner is wanted.
    pub instance: Option<InstanceId>,
    /// Whether it is there.
    pub presence: Presence,
    /// Where its aliveness server listens, as it said itself.
    pub port: Option<u16>,
}

impl Default for Shown {
    fn default() -> Self {
        Self { instance: None, presence: Presence::Unknown, port: None }
    }
}

impl Shown {
    /// In the words of the API.
    pub fn status(&self) -> PartnerStatus {
        match self.presence {
            Presence::Unknown => PartnerStatus::Unknown,
            Presence::Running(_) => PartnerStatus::Running,
            Presence::Stopped => PartnerStatus::Stopped,
        }
    }

    /// Its present life.
    pub fn life(&self) -> Option<Life> {
        match self.presence {
            Presence::Running(life) => Some(life),
            Presence::Unknown | Presence::Stopped => None,
        }
    }

    /// What the registry is to say of it; `None`: nothing new.
    pub fn info(&self) -> Option<WatcherInfo> {
        let life = self.life()?;
        let (instance, port) = (self.instance.clone(), self.port);
        Some(WatcherInfo {
            watcher_pid: Some(life.pid),
            watcher_instance_id: instance,
            watcher_aliveness_port: port,
            ..WatcherInfo::default()
        })
    }
}
