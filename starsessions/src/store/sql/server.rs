//! What the three databases do in their own ways.

use super::statement::{Reply, Requests, Statements};
use crate::store::Result;

pub(super) trait Server: Sized + Send + Sync + 'static {
    type Link: Link;

    const STATEMENTS: Statements<&'static str>;
    /// The column of keys.
    const KEY: &'static str = "key";
    /// Around names, because a name may be a word of the language.
    const QUOTE: &'static str = "\"";
    /// The function that returns the greatest of its arguments.
    const GREATEST: &'static str = "GREATEST";
    /// Whether parameters are `$1` and so on, and one that is named twice is sent once; else each is `?`.
    const HAS_NUMBERS: bool = false;
    /// Whether it returns what it deletes.
    const RETURNS: bool = true;
    /// Short enough for requests not to wait behind it.
    const SWEEP_BATCH: usize = 1_000;
    /// How many expired rows go for each that is inserted.
    const FREED_PER_INSERT: usize = 0;
}

/// The way to the database.
pub(super) trait Link: Send + Sync + 'static {
    /// Sends requests, which run to their end, also if the caller goes away. `patience` is how much longer than a
    /// request of a browser they may take.
    fn send(&self, requests: Requests, patience: u32)
    -> impl Future<Output = Result<Reply>> + Send;
}
