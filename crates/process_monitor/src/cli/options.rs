//! The options that describe a process: shared by `run`, `add` and `update`.

use super::failure::Failure;
use super::health_options::HealthOptions;
use super::patch::Patch;
use super::value;
use clap::{Args, ValueEnum};
use process_monitor_client::Error;
use process_monitor_core::id::ProcessId;
use process_monitor_core::model::{EntryPatch, OutputMode, Problem, ProcessEntry, RestartType, StopSignal};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a process is described on the command line. What is not given has the registry's default.
#[derive(Debug, Clone, Default, Args)]
pub struct ProcessOptions {
    /// Run it in this folder [default: the present one; with --url the monitor's own]
    #[arg(long, value_name = "DIR", visible_alias = "working-directory")]
    pub cwd: Option<PathBuf>,
    /// Set an environment variable (may be repeated)
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = value::assignment)]
    pub env: Vec<(String, String)>,
    /// Set the variables of a file of KEY=VALUE lines; --env wins over it
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
    /// Do not start it when the monitor starts
    #[arg(long)]
    pub no_autostart: bool,
    #[command(flatten)]
    pub restart: RestartOptions,
    #[command(flatten)]
    pub health: HealthOptions,
    #[command(flatten)]
    pub stop: StopOptions,
    #[command(flatten)]
    pub logs: LogOptions,
}

/// Which exits are restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RestartOn {
    /// Every exit
    Always,
    /// Every exit but a successful one
    OnFailure,
    /// None
    Never,
}

impl From<RestartOn> for RestartType {
    fn from(on: RestartOn) -> Self {
        match on {
            RestartOn::Always => Self::Always,
            RestartOn::OnFailure => Self::OnFailure,
            RestartOn::Never => Self::Never,
        }
    }
}

/// When and how often it is restarted.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Restart policy")]
pub struct RestartOptions {
    /// Which exits are restarted [default: always]
    #[arg(long = "restart", value_name = "WHEN", id = "restart_on")]
    pub on: Option<RestartOn>,
    /// Restarts before giving up [default: 5]
    #[arg(long, value_name = "N")]
    pub max_attempts: Option<u32>,
    /// The wait before each restart; the last repeats [default: 1s,2s,5s]
    #[arg(long, value_name = "TIMES", value_delimiter = ',', value_parser = value::duration, conflicts_with = "delay")]
    pub backoff: Vec<Duration>,
    /// Exponential waits instead: the first
    #[arg(long, value_name = "TIME", value_parser = value::duration)]
    pub delay: Option<Duration>,
    /// Exponential waits: none is longer
    #[arg(long, value_name = "TIME", value_parser = value::duration, requires = "delay")]
    pub max_delay: Option<Duration>,
    /// Exponential waits: each is this many times the one before
    #[arg(long, value_name = "FACTOR", requires = "delay")]
    pub multiplier: Option<f64>,
    /// Exponential waits: shorten each by a random part of at most this fraction
    #[arg(long, value_name = "FRACTION", requires = "delay")]
    pub jitter: Option<f64>,
    /// Exit codes that count as success for on-failure [default: 0]
    #[arg(long, value_name = "CODES", value_delimiter = ',', allow_negative_numbers = true)]
    pub success_codes: Vec<i32>,
    /// Forget earlier restarts after running this long [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = value::duration)]
    pub reset_after: Option<Duration>,
    /// Go on at long intervals when all attempts failed
    #[arg(long)]
    pub retry_indefinitely: bool,
    /// The long interval [default: 6h]
    #[arg(long, value_name = "TIME", value_parser = value::duration, requires = "retry_indefinitely")]
    pub retry_interval: Option<Duration>,
}

/// How it is stopped.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Stopping")]
pub struct StopOptions {
    /// Ask it to stop with this signal [default: SIGTERM]
    #[arg(long, value_name = "SIGNAL", id = "stop_signal")]
    pub stop_signal: Option<StopSignal>,
    /// Kill it when it takes longer [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = value::duration)]
    pub stop_timeout: Option<Duration>,
    /// Leave what it started alone
    #[arg(long)]
    pub no_kill_tree: bool,
}

/// What becomes of its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputTo {
    /// It is copied to log files
    Capture,
    /// It goes to the null device: there are no logs of it
    Discard,
}

impl From<OutputTo> for OutputMode {
    fn from(to: OutputTo) -> Self {
        match to {
            OutputTo::Capture => Self::Capture,
            OutputTo::Discard => Self::Discard,
        }
    }
}

/// What is kept of its output.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Logs")]
pub struct LogOptions {
    /// What becomes of its output [default: capture]
    #[arg(long, value_name = "WHAT")]
    pub output: Option<OutputTo>,
    /// Begin a new log file at this size [default: 50M]
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    pub max_log_size: Option<u64>,
    /// Files kept per run and stream [default: 5]
    #[arg(long, value_name = "N")]
    pub keep_files: Option<u32>,
    /// Runs kept [default: 10]
    #[arg(long, value_name = "N")]
    pub keep_runs: Option<u32>,
    /// Begin each line with its time
    #[arg(long)]
    pub timestamps: bool,
}

impl ProcessOptions {
    /// The entry of a process `id` that runs `command`, which is a program and its arguments.
    /// `here` is the present folder, if that means anything to the monitor.
    pub fn entry(
        &self,
        id: ProcessId,
        command: &[String],
        here: Option<&Path>,
    ) -> Result<ProcessEntry, Failure> {
        let (program, arguments) =
            command.split_first().ok_or_else(|| Failure::usage("no command was given"))?;
        let mut entry = ProcessEntry::new(id, program.as_str());
        entry.args = arguments.to_vec();
        entry.working_directory = here.map(|here| text_of(here.to_owned())).transpose()?;
        let changes = EntryPatch(self.changes(here)?.into_map());
        changes.apply(&entry).map_err(refused)
    }

    /// What they change of an entry: only what was given.
    pub fn changes(&self, here: Option<&Path>) -> Result<Patch, Failure> {
        let mut patch = Patch::default();
        let folder = self.cwd.as_ref().map(|cwd| here.map_or_else(|| cwd.clone(), |here| here.join(cwd)));
        patch.given(&["workingDirectory"], folder.map(text_of).transpose()?);
        for (name, value) in self.variables()? {
            patch.set(&["environment", &name], value);
        }
        patch.given(&["autostart"], self.no_autostart.then_some(false));
        self.restart.add_to(&mut patch);
        self.health.add_to(&mut patch)?;
        self.stop.add_to(&mut patch);
        self.logs.add_to(&mut patch);
        Ok(patch)
    }

    fn variables(&self) -> Result<Vec<(String, String)>, Failure> {
        let mut variables = Vec::new();
        for file in &self.env_file {
            let failed = |why: String| {
                Failure::failed(format!("cannot use the environment file {}: {why}", file.display()))
                    .advise("it holds lines of KEY=VALUE")
            };
            let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
            variables.extend(value::environment_file(&text).map_err(failed)?);
        }
        variables.extend(self.env.iter().cloned());
        Ok(variables)
    }
}

fn text_of(folder: PathBuf) -> Result<String, Failure> {
    folder.into_os_string().into_string().map_err(|folder| {
        let message = format!("the folder {} is not valid UTF-8", folder.display());
        Failure::failed(message).advise("choose another with --cwd: the registry is a JSON file")
    })
}

/// With the words that the monitor has for it.
fn refused(problems: Vec<Problem>) -> Failure {
    Error::Invalid { problems: problems.into_iter().map(Into::into).collect() }.into()
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl RestartOptions {
    fn add_to(&self, patch: &mut Patch) {
        let backoff = (!self.backoff.is_empty()).then(|| self.backoff.iter().copied().map(millis));
        if backoff.is_some() {
            // One form or the other.
            for field in ["delayMs", "maxDelayMs", "backoffMultiplier", "jitter"] {
                patch.set(&["restartPolicy", field], Value::Null);
            }
        }
        let fields = [
            ("type", self.on.map(|on| json!(RestartType::from(on)))),
            ("maxAttempts", self.max_attempts.map(Value::from)),
            ("backoffIntervalsMs", backoff.map(Value::from_iter)),
            ("delayMs", self.delay.map(|time| millis(time).into())),
            ("maxDelayMs", self.max_delay.map(|time| millis(time).into())),
            ("backoffMultiplier", self.multiplier.map(Value::from)),
            ("jitter", self.jitter.map(Value::from)),
            ("successExitCodes", (!self.success_codes.is_empty()).then(|| json!(self.success_codes))),
            ("resetAfterMs", self.reset_after.map(|time| millis(time).into())),
            ("retryIndefinitely", self.retry_indefinitely.then_some(true.into())),
            ("indefiniteIntervalMs", self.retry_interval.map(|time| millis(time).into())),
        ];
        fields.into_iter().for_each(|(field, value)| patch.given(&["restartPolicy", field], value));
    }
}

impl StopOptions {
    fn add_to(&self, patch: &mut Patch) {
        patch.given(&["stop", "signal"], self.stop_signal.map(|signal| json!(signal)));
        patch.given(&["stop", "timeoutMs"], self.stop_timeout.map(millis));
        patch.given(&["stop", "killTree"], self.no_kill_tree.then_some(false));
    }
}

impl LogOptions {
    fn add_to(&self, patch: &mut Patch) {
        patch.given(&["output"], self.output.map(|to| json!(OutputMode::from(to))));
        patch.given(&["logs", "maxFileBytes"], self.max_log_size);
        patch.given(&["logs", "keepFiles"], self.keep_files);
        patch.given(&["logs", "keepRuns"], self.keep_runs);
        patch.given(&["logs", "timestamps"], self.timestamps.then_some(true));
    }
}
