//! What is in a store: prepared, counted, listed, ended, swept and measured.

mod measure;
mod open;
mod sessions;
mod sweep;

use clap::{Args, Subcommand};
use serde_json::json;

pub(crate) use self::open::{Layout, Open, Place, with_store};
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the tables, or check that this version works with them
    Migrate(Target),
    /// Count the sessions, or list those with a value in an indexed field
    List(sessions::List),
    /// End the sessions with a value in an indexed field, or one of them
    Revoke(sessions::Revoke),
    /// Free what has expired
    Sweep(Target),
    /// Write, read and remove rows of this command's own, and say how long it took
    Measure(measure::Measure),
}

/// Which store.
#[derive(Args, Debug)]
pub(crate) struct Target {
    /// The store: sqlite:PATH, postgres://.., mysql://.., redis://..
    #[arg(value_name = "URL", env = "SESSION_STORE", hide_env_values = true)]
    place: Place,
    #[command(flatten)]
    layout: Layout,
}

impl Target {
    async fn open(&self) -> Result<Open, Failure> {
        self.place.open(&self.layout).await
    }
}

pub(crate) async fn run(command: Command) -> Result<Output, Failure> {
    match command {
        Command::Migrate(target) => migrate(&target).await,
        Command::List(list) => sessions::list(&list).await,
        Command::Revoke(revoke) => sessions::revoke(&revoke).await,
        Command::Sweep(target) => sweep::sweep(&target).await,
        Command::Measure(measure) => measure::measure(&measure).await,
    }
}

async fn migrate(target: &Target) -> Result<Output, Failure> {
    let open = target.place.open_or_make(&target.layout).await?;
    open.migrate().await?;
    Ok(Output::new(json!({ "ready": true })).line("The store is ready."))
}
