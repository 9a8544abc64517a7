//! Runs whose output is discarded. While a monitor is there the logger does not know of them, and holds nothing for them.
//! When it is gone, they are found by their run records, so that their exits are noted as those of others are. A program
//! that ends together with the monitor may be gone before; then nobody knows how it ended.

use super::Logger;
use super::attached::AttachedRun;
use crate::output::protocol::{Attach, Limits};
use crate::process::BootId;
use crate::process::record::{self, Found, RecordState};
use process_monitor_core::model::LogConfig;
use std::path::PathBuf;

impl Logger {
    /// The monitor is gone, and nobody but us would see how these end.
    pub(super) fn watch_discarded(&mut self) {
        let records = BootId::current().map(|boot| record::read_free(&self.layout.runs(), &boot));
        let records = match records {
            Ok(Ok(records)) => records,
            Ok(Err(error)) | Err(error) => {
                return tracing::warn!(
                    "exits of programs whose output is discarded will not be noted: {error}"
                );
            }
        };
        // What is wrong with a record the next monitor tells. One that is locked is that of a start under way: who starts it is there.
        for found in records.into_iter().filter_map(|(_, record)| record.ok()) {
            if let Some(attach) = discarded(found).filter(|attach| self.runs.number_of(&attach.run).is_none())
            {
                let number = self.runs.insert_closed(attach);
                self.watch_exit(number);
                self.finish_if_over(number);
            }
        }
    }

    /// A monitor is there, which watches them itself.
    pub(super) fn forget_discarded(&mut self) {
        let theirs = |(number, run): (u64, &mut AttachedRun)| is_discarded(&run.attach).then_some(number);
        let numbers: Vec<u64> = self.runs.iter_mut().filter_map(theirs).collect();
        numbers.into_iter().for_each(|number| self.runs.remove(number));
    }
}

/// Such a run has no folder.
pub(super) fn is_discarded(attach: &Attach) -> bool {
    attach.folder.as_os_str().is_empty()
}

/// The run of a record, if its output is discarded and it may be alive.
fn discarded(found: Found) -> Option<Attach> {
    let identity = match found.state {
        RecordState::Spawned(leader) => leader,
        RecordState::Adopted { main, .. } => main,
        RecordState::IntentOnly | RecordState::Finished { .. } | RecordState::OtherBoot => return None,
    };
    let intent = found.intent;
    intent.folder.is_none().then(|| Attach {
        run: intent.run,
        process: intent.process,
        folder: PathBuf::new(),
        limits: Limits::from(&LogConfig::default()),
        identity: Some(identity),
    })
}
