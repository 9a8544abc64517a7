//! The command line (SPEC 6): one file per command.
//!
//! | file | what |
//! | --- | --- |
//! | `args` | what can be typed |
//! | `context`, `failure`, `console` | what every command has: a client, a way to fail, a way to print |
//! | `monitor/` | the flags about the monitor itself: background, foreground, stop, status, restart |
//! | `run`, `add`, `update` | register a program, or change what is registered; `register` and `options` are what they share |
//! | `patch` | a change in the making |
//! | `lifecycle` | `start`, `stop`, `restart`, `enable`, `disable`, `remove`: one verb, many processes |
//! | `list`, `status`, `logs`, `events`, `signal`, `config`, `token`, `discover`, `autostart`, `doctor/`, `upgrade`, `completions` | the command of that name |
//! | `pair` | what the files tell of the two monitors |
//! | `service/` | having systemd start the monitor |
//! | `rehearse` | a new executable's part in a rehearsal |
//! | `generate` | the reference of the command line, for the documentation |
//! | `render/` | from what is known to what is shown, as pure functions |
//! | `value` | durations and sizes as people type them |

mod add;
mod args;
mod autostart;
mod completions;
mod config;
mod console;
mod context;
mod discover;
mod doctor;
mod events;
mod failure;
mod generate;
mod health_options;
mod lifecycle;
mod list;
mod logger;
mod logs;
mod monitor;
mod options;
mod pair;
mod patch;
mod progress;
mod register;
mod rehearse;
mod render;
mod run;
mod service;
mod signal;
mod status;
mod token;
mod update;
mod upgrade;
mod value;

pub use context::Program;
pub use generate::reference;

use args::{Arguments, Command};
use clap::{CommandFactory, FromArgMatches};
use context::Context;
use failure::Failure;
use std::process::ExitCode;

/// Does what the command line says. Returns the exit code of SPEC 6.
pub fn main(program: Program) -> ExitCode {
    // As a helper that asks programs to end it is no command line.
    if let Some(code) = process_monitor_host::process::asking::serve(std::env::args_os().skip(1)) {
        return ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    process_monitor_host::failpoint::arm();
    // Before an upgrade can replace the file. Who needs it asks again, and hears why it is not known.
    let _own = process_monitor_host::program::own();
    let arguments = parse(program);
    let json = arguments.target.json;
    let invocation = context::invocation(&arguments.target, program);
    let Err(failure) = dispatch(arguments, program, &invocation) else { return ExitCode::SUCCESS };
    let exit = failure.exit();
    if let Some(report) = failure.report(&invocation) {
        console::complain(&report, json);
    }
    exit
}

/// Help, version and wrong usage end the program here, as clap does it.
fn parse(program: Program) -> Arguments {
    let command = Arguments::command().name(program.name());
    let matches = command.get_matches();
    Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

fn dispatch(arguments: Arguments, program: Program, invocation: &str) -> Result<(), Failure> {
    let Arguments { target, monitor: flags, command } = arguments;
    if let (Some(flag), Some(_)) = (flags.given(), &command) {
        return Err(Failure::usage(format!("{flag} cannot be used with a subcommand"))
            .advise("flags about the monitor stand alone; see --help"));
    }
    match command {
        Some(Command::Completions(args)) => return completions::run(&args, program),
        Some(Command::Generate(args)) => return generate::run(&args),
        Some(Command::Discover(args)) => return context::block_on(discover::run(&target, args)),
        Some(Command::Rehearse(args)) => return rehearse::run(&args, program),
        _ => {}
    }
    let context = Context::new(target, flags, program, invocation)?;
    match command {
        None => monitor::run(&context),
        Some(Command::Daemon) => monitor::foreground::run(&context, false),
        Some(Command::Logger) => logger::run(&context),
        Some(command) => context.block_on(talk(&context, command)),
    }
}

/// The commands that talk to the monitor.
async fn talk(context: &Context, command: Command) -> Result<(), Failure> {
    use lifecycle::Verb;
    match command {
        Command::Run(args) => run::run(context, args).await,
        Command::Add(args) => add::run(context, args).await,
        Command::Update(args) => update::run(context, *args).await,
        Command::List(args) => list::run(context, &args).await,
        Command::Status(args) => status::run(context, &args).await,
        Command::Start(ids) => lifecycle::run(context, Verb::Start, &ids).await,
        Command::Stop(ids) => lifecycle::run(context, Verb::Stop, &ids).await,
        Command::Restart(ids) => lifecycle::run(context, Verb::Restart, &ids).await,
        Command::Enable(ids) => lifecycle::run(context, Verb::Enable, &ids).await,
        Command::Disable(ids) => lifecycle::run(context, Verb::Disable, &ids).await,
        Command::Remove(ids) => lifecycle::run(context, Verb::Remove, &ids).await,
        Command::Autostart(args) => autostart::run(context, &args).await,
        Command::Logs(args) => logs::run(context, &args).await,
        Command::Signal(args) => signal::run(context, &args).await,
        Command::Events(args) => events::run(context, args).await,
        Command::Token(args) => token::run(context, args).await,
        Command::Config(args) => config::run(context, args).await,
        Command::Service(args) => service::run(context, &args).await,
        Command::Upgrade(args) => upgrade::run(context, args).await,
        Command::Doctor(args) => doctor::run(context, &args).await,
        Command::Daemon
        | Command::Logger
        | Command::Completions(_)
        | Command::Generate(_)
        | Command::Discover(_)
        | Command::Rehearse(_) => Ok(()),
    }
}
