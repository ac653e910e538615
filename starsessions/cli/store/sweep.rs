//! Frees what has expired, with its progress on a terminal.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use starsessions::config::{Clock, SystemClock};
use starsessions::store::Store;

use super::{Target, with_store};
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn sweep(target: &Target) -> Result<Output, Failure> {
    let open = target.open().await?;
    let progress = if stderr().is_terminal() {
        bar(open.count(SystemClock.now()).await?.expired)
    } else {
        ProgressBar::hidden()
    };
    let freed = with_store!(open, store => free(&store, &progress).await);
    progress.finish_and_clear();
    let freed = freed?;
    Ok(Output::new(json!({ "freed": freed })).about("freed", freed))
}

async fn free(store: &impl Store, progress: &ProgressBar) -> Result<u64, Failure> {
    let mut freed = 0;
    loop {
        let found = store.sweep(STEP, SystemClock.now()).await?;
        freed += found as u64;
        progress.set_position(freed);
        if found < STEP {
            return Ok(freed);
        }
    }
}

fn bar(expired: u64) -> ProgressBar {
    let bar = ProgressBar::new(expired);
    let style =
        ProgressStyle::with_template("{bar:40} {pos} of {len} freed, {per_sec}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// A store frees this many rows without a noticeable pause.
const STEP: usize = 5000;
