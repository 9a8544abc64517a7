//! The options that say how a process is known to be ready, and to be well.

use super::failure::Failure;
use super::options::millis;
use super::patch::Patch;
use super::value;
use clap::{ArgGroup, Args, ValueEnum};
use process_monitor_core::model::{ExecCheck, FailAction, StartupCheck};
use serde_json::{Value, json};
use std::time::Duration;

/// How its health is checked. What is not given has the registry's default.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Health")]
#[command(group = ArgGroup::new("asked").multiple(false))]
#[command(group = ArgGroup::new("ready_by").multiple(false))]
pub struct HealthOptions {
    /// Check it by GET: healthy is 200 with OK, or JSON with "status":"ok" or "healthy":true
    #[arg(long, value_name = "URL", group = "asked")]
    pub health_url: Option<String>,
    /// Check that it accepts a connection
    #[arg(long, value_name = "HOST:PORT", group = "asked")]
    pub health_tcp: Option<String>,
    /// Check it by a program that ends with code 0; words are split at blanks, quotes hold them together
    #[arg(long, value_name = "COMMAND", group = "asked")]
    pub health_exec: Option<String>,
    /// Status codes of --health-url that mean healthy, whatever the body
    #[arg(long, value_name = "CODES", value_delimiter = ',', requires = "health_url")]
    pub health_codes: Vec<u16>,
    /// Do not verify the certificate of an https --health-url
    #[arg(long, requires = "health_url")]
    pub health_insecure: bool,
    /// From one check to the next [default: 3s]
    #[arg(long, value_name = "TIME", value_parser = value::duration, requires = "asked")]
    pub health_interval: Option<Duration>,
    /// A check that takes longer has failed [default: 2s]
    #[arg(long, value_name = "TIME", value_parser = value::duration, requires = "asked")]
    pub health_timeout: Option<Duration>,
    /// Failed checks in a row after which it is killed and restarted [default: 2]
    #[arg(long, value_name = "N", requires = "asked")]
    pub health_failures: Option<u32>,
    /// It says WATCHDOG=1 (sd_notify) at least this often, or counts as hung
    #[arg(long, value_name = "TIME", value_parser = value::duration)]
    pub watchdog: Option<Duration>,

    /// It is ready when its health check passes
    #[arg(long, group = "ready_by", requires = "asked")]
    pub ready_check: bool,
    /// It is ready when it says READY=1 (sd_notify)
    #[arg(long, group = "ready_by")]
    pub ready_notify: bool,
    /// It is ready when it prints a line that matches this regular expression
    #[arg(long, value_name = "REGEX", group = "ready_by")]
    pub ready_log: Option<String>,
    /// How long it may take to become ready [default: 32s]
    #[arg(long, value_name = "TIME", value_parser = value::duration, requires = "ready_by")]
    pub ready_timeout: Option<Duration>,
    /// What follows when it does not become ready [default: restart]
    #[arg(long, value_name = "ACTION", requires = "ready_by")]
    pub ready_fail: Option<OnFail>,

    /// It makes itself a daemon and writes its pid to this file, relative to its folder
    #[arg(long, value_name = "FILE")]
    pub pid_file: Option<String>,
    /// It tells its pid as JSON here once it is up
    #[arg(long, value_name = "URL")]
    pub status_url: Option<String>,
}

/// What follows when it does not become ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnFail {
    /// What the restart policy says
    Restart,
    /// It is disabled
    Disable,
    /// It has failed
    Fail,
}

impl From<OnFail> for FailAction {
    fn from(action: OnFail) -> Self {
        match action {
            OnFail::Restart => Self::Restart,
            OnFail::Disable => Self::Disable,
            OnFail::Fail => Self::Fail,
        }
    }
}

/// The object that they change.
const CHECK: &str = "alivenessCheck";

impl HealthOptions {
    /// Adds what they say of the check.
    ///
    /// # Errors
    /// When a value cannot be obeyed.
    pub fn add_to(&self, patch: &mut Patch) -> Result<(), Failure> {
        self.add_target(patch)?;
        let codes = (!self.health_codes.is_empty()).then(|| json!(self.health_codes));
        let fields = [
            ("successCodes", codes),
            ("verifyTls", self.health_insecure.then_some(false.into())),
            ("intervalMs", self.health_interval.map(|time| millis(time).into())),
            ("timeoutMs", self.health_timeout.map(|time| millis(time).into())),
            ("consecutiveFailuresRequired", self.health_failures.map(Value::from)),
            ("watchdogMs", self.watchdog.map(|time| millis(time).into())),
            ("pidFile", self.pid_file.clone().map(Value::from)),
            ("statusUrl", self.status_url.clone().map(Value::from)),
        ];
        fields.into_iter().for_each(|(field, value)| patch.given(&[CHECK, field], value));
        self.add_startup(patch);
        let asked = self.health_url.is_some() || self.health_tcp.is_some() || self.health_exec.is_some();
        let is_wanted = asked || self.watchdog.is_some() || self.is_ready_by();
        let is_wanted = is_wanted || self.pid_file.is_some() || self.status_url.is_some();
        patch.given(&[CHECK, "enabled"], is_wanted.then_some(true));
        Ok(())
    }

    /// What is asked; one thing takes the place of another.
    fn add_target(&self, patch: &mut Patch) -> Result<(), Failure> {
        let targets = [
            ("url", self.health_url.clone().map(Value::from)),
            ("tcp", self.health_tcp.clone().map(Value::from)),
            ("exec", self.health_exec.as_deref().map(exec).transpose()?.map(|exec| json!(exec))),
        ];
        if targets.iter().any(|(_, target)| target.is_some()) {
            for (field, target) in targets {
                patch.set(&[CHECK, field], target.unwrap_or_default());
            }
        }
        Ok(())
    }

    fn is_ready_by(&self) -> bool {
        self.ready_check || self.ready_notify || self.ready_log.is_some()
    }

    fn add_startup(&self, patch: &mut Patch) {
        let mut startup = |field, value: Value| patch.set(&[CHECK, "startupCheck", field], value);
        if let Some(action) = self.ready_fail {
            startup("failAction", json!(FailAction::from(action)));
        }
        if !self.is_ready_by() {
            return;
        }
        startup("enabled", true.into());
        startup("notify", self.ready_notify.into());
        startup("logPattern", json!(self.ready_log));
        let (delay, interval, attempts) = self.patience();
        startup("initialDelayMs", delay.into());
        startup("checkIntervalMs", interval.into());
        startup("maxAttempts", attempts.into());
    }

    /// The time to the first check, from one to the next, and how many there are.
    fn patience(&self) -> (u64, u64, u32) {
        let usual = StartupCheck::default();
        match (self.ready_check, self.ready_timeout.map(millis)) {
            (false, None) => (usual.initial_delay_ms, usual.check_interval_ms, usual.max_attempts),
            (false, Some(timeout)) => (0, timeout.max(10), 1),
            // A person waits for it: the first check comes soon, and then often.
            (true, None) => (200, 500, 64),
            (true, Some(timeout)) => {
                let attempts = timeout.saturating_sub(200).div_ceil(500).max(1);
                (200, 500, u32::try_from(attempts).unwrap_or(u32::MAX))
            }
        }
    }
}

fn exec(words: &str) -> Result<ExecCheck, Failure> {
    let words = value::words(words).map_err(|why| Failure::usage(format!("--health-exec: {why}")))?;
    let (command, args) =
        words.split_first().ok_or_else(|| Failure::usage("--health-exec: no command was given"))?;
    Ok(ExecCheck { args: args.to_vec(), ..ExecCheck::new(command.as_str()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::options::ProcessOptions;
    use process_monitor_core::id::ProcessId;
    use process_monitor_core::model::AlivenessCheck;

    /// The check of a process that is registered with them.
    fn check(options: HealthOptions) -> Result<Option<AlivenessCheck>, Failure> {
        let options = ProcessOptions { health: options, ..ProcessOptions::default() };
        let entry = options.entry(ProcessId::new("web").unwrap(), &["web".to_owned()], None)?;
        Ok(entry.aliveness_check.map(|check| *check))
    }

    #[test]
    fn nothing_given_is_no_check() {
        assert_eq!(check(HealthOptions::default()).unwrap(), None);
    }

    #[test]
    fn what_the_options_describe() {
        let options = HealthOptions {
            health_exec: Some("redis-cli -a 'top secret' ping".into()),
            health_interval: Some(Duration::from_secs(1)),
            ready_check: true,
            ready_timeout: Some(Duration::from_secs(5)),
            ready_fail: Some(OnFail::Fail),
            ..HealthOptions::default()
        };
        let check = check(options).unwrap().unwrap();
        let exec = check.exec.unwrap();
        assert_eq!(
            (exec.command.as_str(), exec.args.as_slice()),
            ("redis-cli", &["-a", "top secret", "ping"].map(str::to_owned)[..])
        );
        assert_eq!((check.enabled, check.interval_ms), (Some(true), 1_000));
        let startup = check.startup_check.unwrap();
        assert!(startup.enabled && startup.patience() >= Duration::from_secs(5), "{startup:?}");
        assert_eq!(startup.fail_action, FailAction::Fail);
    }

    #[test]
    fn patience_for_words_of_its_own_is_exact() {
        let options = HealthOptions {
            ready_notify: true,
            ready_timeout: Some(Duration::from_secs(7)),
            ..HealthOptions::default()
        };
        let startup = check(options).unwrap().unwrap().startup_check.unwrap();
        assert_eq!(startup.patience(), Duration::from_secs(7));
    }

    #[test]
    fn what_cannot_be_obeyed_is_refused() {
        for options in [
            HealthOptions { health_url: Some("ftp://x/".into()), ..HealthOptions::default() },
            HealthOptions { health_tcp: Some("no-port".into()), ..HealthOptions::default() },
            HealthOptions { health_exec: Some("  ".into()), ..HealthOptions::default() },
            HealthOptions { health_exec: Some("a 'b".into()), ..HealthOptions::default() },
            HealthOptions { ready_log: Some("(".into()), ..HealthOptions::default() },
        ] {
            assert!(check(options.clone()).is_err(), "{options:?}");
        }
    }

    #[test]
    fn another_target_takes_the_place_of_the_first() {
        let mut patch = Patch::default();
        let options = HealthOptions { health_tcp: Some("127.0.0.1:80".into()), ..HealthOptions::default() };
        options.add_to(&mut patch).unwrap();
        let expected = json!({ "url": null, "tcp": "127.0.0.1:80", "exec": null, "enabled": true });
        assert_eq!(patch.into_map()[CHECK], expected);
        let mut patch = Patch::default();
        let options = HealthOptions { health_failures: Some(5), ..HealthOptions::default() };
        options.add_to(&mut patch).unwrap();
        assert_eq!(patch.into_map()[CHECK], json!({ "consecutiveFailuresRequired": 5 }), "nothing else");
    }
}
