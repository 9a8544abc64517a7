//! The options that say how a process is known to be ready, and to be well.

use super::failure::Failure;
use super::options::{millis, set};
use super::value;
use clap::{ArgGroup, Args, ValueEnum};
use process_monitor_core::model::{AlivenessCheck, ExecCheck, FailAction, Problem, StartupCheck};
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

impl HealthOptions {
    /// The check they describe; `None` when none of them is given.
    ///
    /// # Errors
    /// When a value cannot be obeyed.
    pub fn check(&self) -> Result<Option<AlivenessCheck>, Failure> {
        let mut check = AlivenessCheck {
            url: self.health_url.clone(),
            tcp: self.health_tcp.clone(),
            exec: self.health_exec.as_deref().map(exec).transpose()?,
            status_url: self.status_url.clone(),
            pid_file: self.pid_file.clone(),
            verify_tls: !self.health_insecure,
            watchdog_ms: self.watchdog.map(millis),
            startup_check: self.startup(),
            ..AlivenessCheck::default()
        };
        if !self.health_codes.is_empty() {
            check.success_codes = Some(self.health_codes.clone());
        }
        set(&mut check.interval_ms, self.health_interval.map(millis));
        set(&mut check.timeout_ms, self.health_timeout.map(millis));
        set(&mut check.consecutive_failures_required, self.health_failures);
        if check == AlivenessCheck::default() {
            return Ok(None);
        }
        check.enabled = Some(true);
        match check.validate().as_slice() {
            [] => Ok(Some(check)),
            problems => Err(refused(problems)),
        }
    }

    fn startup(&self) -> Option<StartupCheck> {
        if !(self.ready_check || self.ready_notify || self.ready_log.is_some()) {
            return None;
        }
        let mut startup = StartupCheck {
            enabled: true,
            notify: self.ready_notify,
            log_pattern: self.ready_log.clone(),
            ..StartupCheck::default()
        };
        set(&mut startup.fail_action, self.ready_fail.map(FailAction::from));
        if self.ready_check {
            // A person waits for it: the first check comes soon, and then often.
            (startup.initial_delay_ms, startup.check_interval_ms, startup.max_attempts) = (200, 500, 64);
        }
        if let Some(timeout) = self.ready_timeout.map(millis) {
            let left = timeout.saturating_sub(startup.initial_delay_ms);
            if self.ready_check {
                let attempts = left.div_ceil(startup.check_interval_ms).max(1);
                startup.max_attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
            } else {
                (startup.initial_delay_ms, startup.check_interval_ms, startup.max_attempts) =
                    (0, timeout.max(10), 1);
            }
        }
        Some(startup)
    }
}

fn exec(words: &str) -> Result<ExecCheck, Failure> {
    let words = value::words(words).map_err(|why| Failure::usage(format!("--health-exec: {why}")))?;
    let (command, args) =
        words.split_first().ok_or_else(|| Failure::usage("--health-exec: no command was given"))?;
    Ok(ExecCheck { args: args.to_vec(), ..ExecCheck::new(command.as_str()) })
}

fn refused(problems: &[Problem]) -> Failure {
    let lines: Vec<_> =
        problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
    Failure::usage(format!("the health check cannot be made: {}", lines.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_given_is_no_check() {
        assert_eq!(HealthOptions::default().check().unwrap(), None);
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
        let check = options.check().unwrap().unwrap();
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
        let startup = options.check().unwrap().unwrap().startup_check.unwrap();
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
            assert!(options.check().is_err(), "{options:?}");
        }
    }
}
