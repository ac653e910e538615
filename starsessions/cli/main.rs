//! The command `starsessions`: keys, cookies and stores, for their operators.

mod cookie;
mod failure;
mod key;
mod keys;
mod output;
mod store;
mod time;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::failure::Failure;
use self::output::Output;

/// Keys, cookies and stores of sessions.
#[derive(Debug, Parser)]
#[command(name = "starsessions", version, after_help = EXIT_CODES)]
struct Arguments {
    /// Write one JSON object instead of text
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key, change the keys in a file
    #[command(subcommand)]
    Key(key::Command),
    /// What a cookie is, and what it leads to
    #[command(subcommand)]
    Cookie(cookie::Command),
    /// What is in a store
    #[command(subcommand)]
    Store(store::Command),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments.command)),
        Err(error) => Err(Failure::failed(format!(
            "this process cannot start: {error}"
        ))),
    };
    match done.and_then(|output| output.write(arguments.json)) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

async fn run(command: Command) -> Result<Output, Failure> {
    match command {
        Command::Key(command) => key::run(&command),
        Command::Cookie(command) => cookie::run(command).await,
        Command::Store(command) => store::run(command).await,
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed: an argument or the input cannot be used
  2  the command line is wrong
  3  nothing found: no such session, or a cookie that leads to none
  4  the store cannot be reached, or has failed

Stores are named by a URL: sqlite:PATH, postgres://.., mysql://.., redis://..
The keys are those of the application, in SESSION_KEYS or in a file.";
