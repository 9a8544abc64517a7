//! The monitor, as `--status` shows it.

use process_monitor_client::api::{MonitorStatus, PartnerStatus};

/// The lines of SPEC 6, which scripts read: no colour, and nothing added but the partner, where one was seen.
pub fn monitor_status(status: &MonitorStatus) -> String {
    let mut text = of_monitor(status);
    if let (Some(partner), PartnerStatus::Running | PartnerStatus::Stopped) =
        (&status.partner_instance_id, status.partner_status)
    {
        let how = match status.partner_pid {
            Some(pid) => format!("running, PID {pid}"),
            None => "stopped".to_owned(),
        };
        text.push_str(&format!("  Partner: {partner} ({how})\n"));
    }
    text
}

fn of_monitor(status: &MonitorStatus) -> String {
    format!(
        "ProcessMonitor Status:\n  \
         Instance: {}\n  \
         State: {}\n  \
         PID: {}\n  \
         Uptime: {}s\n  \
         Managed Processes: {}\n  \
         Running Processes: {}\n  \
         Standalone Mode: {}\n",
        status.instance_id,
        status.state,
        status.pid,
        status.uptime,
        status.managed_process_count,
        status.running_process_count,
        status.standalone_mode,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use process_monitor_client::api::MonitorState;
    use process_monitor_core::id::InstanceId;
    use process_monitor_core::time::Wall;

    #[test]
    fn the_status_of_the_earlier_implementation() {
        let status = MonitorStatus {
            instance_id: InstanceId::default(),
            pid: 12345,
            started_at: Wall::default(),
            uptime: 3600,
            state: MonitorState::Running,
            standalone_mode: false,
            partner_instance_id: None,
            partner_status: PartnerStatus::Unknown,
            partner_pid: None,
            managed_process_count: 5,
            running_process_count: 3,
            version: None,
            directory: None,
            executable: None,
            logger_pid: None,
            aliveness_port: None,
            api_port: None,
            api_addresses: Vec::new(),
            api_fingerprint: None,
            api_trouble: Vec::new(),
        };
        insta::assert_snapshot!(monitor_status(&status), @r"
        ProcessMonitor Status:
          Instance: default
          State: running
          PID: 12345
          Uptime: 3600s
          Managed Processes: 5
          Running Processes: 3
          Standalone Mode: false
        ");
        let partner_instance_id = InstanceId::new("watcher").ok();
        let with = |partner_status, partner_pid| {
            let partner_instance_id = partner_instance_id.clone();
            let status = MonitorStatus { partner_instance_id, partner_status, partner_pid, ..status.clone() };
            monitor_status(&status).lines().last().unwrap_or_default().to_owned()
        };
        assert_eq!(with(PartnerStatus::Running, Some(7)), "  Partner: watcher (running, PID 7)");
        assert_eq!(with(PartnerStatus::Stopped, None), "  Partner: watcher (stopped)");
        assert_eq!(with(PartnerStatus::Unknown, None), "  Standalone Mode: false");
    }
}
