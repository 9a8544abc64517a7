//! What a peer may register or change that is not trusted.

use super::super::error::ApiError;
use super::Asking;
use crate::daemon::{Handle, permitted};
use process_monitor_core::access::{Standing, admission};
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{EntryPatch, Problem, ProcessEntry, Registration};
use process_monitor_core::time::Wall;

impl Asking {
    /// The entry that comes of a registration: what was registered over TCP is remote, unless a trusted peer says
    /// otherwise; what a peer registers that is not trusted is checked now and at every start.
    ///
    /// # Errors
    /// 403 with everything that this peer may not register.
    pub async fn admit(&self, registration: Registration, handle: &Handle) -> Result<ProcessEntry, ApiError> {
        let Registration { mut entry, says_remote } = registration;
        self.about(format!("{} ({})", entry.id, entry.command));
        entry.is_remote |= !self.by_control && !says_remote;
        if let Some(peer) = self.stranger() {
            entry.is_remote = true;
            room(handle)?;
            check(&entry, handle).await?;
            entry.untrusted_peer = Some(peer);
        }
        Ok(entry)
    }

    /// Who asks, to be written into what he changes, if he is not trusted and `patch` is one that he may make of
    /// `entry`.
    ///
    /// # Errors
    /// 403 with everything that this peer may not say, 400 with what nobody may.
    pub async fn admit_change(
        &self,
        patch: &EntryPatch,
        entry: &ProcessEntry,
        handle: &Handle,
    ) -> Result<Option<String>, ApiError> {
        self.about(entry.id.as_str());
        let Some(peer) = self.stranger() else { return Ok(None) };
        let wire = |problems: Vec<Problem>| problems.into_iter().map(Into::into).collect();
        let changed = patch.apply(entry).map_err(|problems| ApiError::invalid(wire(problems)))?;
        if !changed.is_remote {
            let why = "only a trusted peer can take isRemote away";
            return Err(ApiError::not_admitted(vec![Problem::new("isRemote", why)]));
        }
        let access = handle.settings();
        if changed.enabled != entry.enabled && !access.remote_access.allow_remote_disable {
            let why = "remoteAccess.allowRemoteDisable is false";
            return Err(ApiError::not_admitted(vec![Problem::new("enabled", why)]));
        }
        if let Some(problem) = admission::unseen_variables(&patch.0, entry, &changed) {
            return Err(ApiError::not_admitted(vec![problem]));
        }
        check(&changed, handle).await?;
        Ok(Some(peer))
    }

    /// From when on runs are shown to who asks; `None`: all. A process that is gone leaves its output behind, and whoever
    /// registers another of that id, or sees it, has no right to that.
    pub fn sees_output_since(&self, id: &ProcessId, handle: &Handle) -> Option<Wall> {
        if self.is_stranger() { handle.view(id)?.entry.registered_at } else { None }
    }

    /// Whether what process `id` prints may still be shown to who asks: it may be removed while he follows it, and another
    /// of that id be none that he may read.
    pub fn still_sees_output(&self, id: &ProcessId, handle: &Handle) -> bool {
        !self.is_stranger() || handle.view(id).is_some_and(|view| view.entry.is_remote)
    }

    /// Whether who asks is neither trusted nor holds a token.
    pub fn is_stranger(&self) -> bool {
        matches!(self.caller.standing, Standing::Other(_))
    }

    /// The address of who asks, if he is not trusted.
    fn stranger(&self) -> Option<String> {
        self.is_stranger()
            .then(|| self.caller.peer.address().map_or_else(String::new, |address| address.to_string()))
    }
}

/// Whether there may be one more process that a stranger had a hand in.
fn room(handle: &Handle) -> Result<(), ApiError> {
    if handle.of_strangers() < admission::MAX_ENTRIES {
        return Ok(());
    }
    Err(ApiError::forbidden(format!(
        "peers that are not trusted have registered {} processes, and may not register more; remove some, or have a \
         trusted peer register this one",
        admission::MAX_ENTRIES
    )))
}

/// Looking at files may take its time, during which others are to be served.
async fn check(entry: &ProcessEntry, handle: &Handle) -> Result<(), ApiError> {
    let (entry, settings) = (entry.clone(), handle.settings());
    let looked = tokio::task::spawn_blocking(move || {
        let access = &settings.remote_access;
        let programs = admission::programs(&entry).filter_map(|(path, program)| {
            permitted(&entry, program, access).err().map(|why| Problem::at(path, why))
        });
        programs.chain(admission::problems(&entry, access)).collect::<Vec<_>>()
    });
    let problems = looked.await.map_err(|error| ApiError::internal(error.to_string()))?;
    if problems.is_empty() { Ok(()) } else { Err(ApiError::not_admitted(problems)) }
}
