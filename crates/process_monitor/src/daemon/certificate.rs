//! The certificate that the settings name, loaded once and again when they name another.

use process_monitor_core::model::{RemoteAccess, Tls};
use process_monitor_host::layout::Layout;
use process_monitor_host::tls::{ServerTls, Source};

/// What is loaded.
#[derive(Default)]
pub struct Certificate(Option<(Source, ServerTls)>);

impl Certificate {
    /// Loads what `settings` name, unless that is done. `None`: TLS is off.
    ///
    /// # Errors
    /// In words, with what follows from it.
    pub async fn follow(
        &mut self,
        settings: &RemoteAccess,
        layout: &Layout,
    ) -> Result<Option<ServerTls>, String> {
        let Some(wanted) = settings.tls.as_ref().filter(|tls| tls.enabled).map(|tls| source(tls, layout))
        else {
            self.0 = None;
            return Ok(None);
        };
        if self.0.as_ref().is_none_or(|(loaded, _)| *loaded != wanted) {
            self.0 = None;
            self.0 = Some((wanted.clone(), load(wanted).await?));
        }
        Ok(self.0.as_ref().map(|(_, tls)| tls.clone()))
    }
}

async fn load(source: Source) -> Result<ServerTls, String> {
    // The files may be on a disk that hangs.
    let loaded = tokio::task::spawn_blocking(move || ServerTls::load(&source).map_err(|why| why.to_string()));
    loaded.await.unwrap_or_else(|ended| Err(ended.to_string())).map_err(|why| {
        format!("the API stays closed for other hosts, because TLS does not work: {why}; mend that, or remove remoteAccess.tls")
    })
}

fn source(tls: &Tls, layout: &Layout) -> Source {
    match (&tls.certificate_file, &tls.key_file) {
        (Some(certificate), Some(key)) => {
            let [certificate, key] = [certificate, key].map(|file| layout.directory().join(file));
            Source::Files { certificate, key }
        }
        // One without the other is refused before it comes here.
        _ => Source::own(layout),
    }
}
