//! Which programs may be run for peers that are not trusted: asked at every start and check, with the lists as they
//! are then, because what a path leads to may have changed since it was registered.

use super::settings::Settings;
use process_monitor_core::access::executable::ExecutableRules;
use process_monitor_core::model::{ProcessEntry, RemoteAccess};
use process_monitor_host::executable::{PATH_STYLE, really, resolve};
use process_monitor_host::probe::Vetting;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Asks the present settings. Clones share them.
#[derive(Clone)]
pub struct Permits {
    settings: Settings,
}

impl Permits {
    /// Asks `settings`.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// The file to execute for `command` of `entry`, if a peer that is not trusted had a hand in it: exactly that which
    /// is permitted, so that nothing can be put in its place. `None`: whatever it leads to.
    ///
    /// # Errors
    /// Why it may not be run, in words.
    pub fn program(&self, entry: &ProcessEntry, command: &str) -> Result<Option<PathBuf>, String> {
        let Some(peer) = &entry.untrusted_peer else { return Ok(None) };
        let settings = self.settings.get();
        let permitted = permitted(entry, command, &settings.remote_access);
        permitted.map(Some).map_err(|why| {
            format!("{command} may not be run, because {peer}, which is not trusted, registered it: {why}")
        })
    }

    /// The same for a check, which asks when it begins.
    pub fn vetting(&self, entry: &Arc<ProcessEntry>, command: &str) -> Option<Vetting> {
        entry.untrusted_peer.as_ref()?;
        let (permits, entry, command) = (self.clone(), Arc::clone(entry), command.to_owned());
        Some(Arc::new(move || {
            let program = permits.program(&entry, &command)?;
            program.ok_or_else(|| "the check's program is not known".to_owned())
        }))
    }
}

/// The file that `command` of `entry` leads to, if `access` lets peers run it that are not trusted.
///
/// # Errors
/// That it may not, in words for whoever asked: they tell nothing of what files there are, nor of the monitor's PATH. The
/// reason goes to the log.
pub fn permitted(entry: &ProcessEntry, command: &str, access: &RemoteAccess) -> Result<PathBuf, String> {
    look(entry, command, access).map_err(|why| {
        tracing::info!(target: "audit", process = %entry.id, "{command} is not permitted: {why}");
        format!(
            "{command} leads to no program that remoteAccess.executableWhitelist permits and executableBlacklist does \
             not forbid; a trusted peer can change these lists, and finds the reason in the monitor's log"
        )
    })
}

fn look(entry: &ProcessEntry, command: &str, access: &RemoteAccess) -> Result<PathBuf, String> {
    let own = entry.environment.as_ref().and_then(|variables| variables.get("PATH")).map(OsString::from);
    let path = own.or_else(|| std::env::var_os("PATH"));
    let directory = entry.working_directory.as_deref().map(Path::new);
    let program = resolve(command, directory, path.as_deref()).map_err(|error| error.to_string())?;
    ExecutableRules::new(access, PATH_STYLE, really).permit(&program).map_err(|why| why.to_string())?;
    Ok(program)
}
