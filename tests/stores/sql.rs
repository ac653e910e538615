//! Shared by the tests of the PostgreSQL and MySQL stores: keys, rows, and failing connections.

pub(crate) mod failing;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use starsessions::Timestamp;
use starsessions::store::{IndexKey, Listing, Row, RowKey, Touch};

pub(crate) use self::failing::{
    a_connection_may_fall_silent_after_its_reply, a_lost_reply_is_made_up_for,
    a_migration_does_not_wait_forever, a_removal_that_is_sent_again_ends_what_is_there_by_now,
    a_row_in_the_clear_is_not_told_from_that_of_another_request,
    an_operation_survives_a_closed_connection, everything_works_again_after_a_silence,
    silent_connections_cost_one_try,
};
pub(crate) use crate::proxy::Proxy;

/// A time in the year 2100, later than the clock of any server.
pub(crate) fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}

pub(crate) fn key(number: u64) -> RowKey {
    let mut bytes = [b'k'; RowKey::LEN];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    RowKey::from_bytes(bytes)
}

pub(crate) fn index_key(number: u8) -> IndexKey {
    IndexKey::from_bytes([number; IndexKey::LEN])
}

/// A guest's first row, with a lifetime of a hundred seconds.
pub(crate) fn row(value: &[u8]) -> Row {
    Row::new(value, at(0), at(100))
}

/// A user's first row.
pub(crate) fn filed_row(value: &[u8], user: u8) -> Row {
    let mut row = row(value);
    row.listing = Some(Arc::new(Listing::new(vec![index_key(user)], *b"card")));
    row
}

/// The row that replaces a row that was read.
pub(crate) fn after(seen: &Row, value: &[u8]) -> Row {
    let mut row = seen.clone();
    row.revision += 1;
    row.value = value.into();
    row
}

/// The row that a rotation leaves under the old key.
pub(crate) fn way_after(seen: &Row) -> Row {
    let mut way = after(seen, b"way");
    way.deadline = at(30);
    way.listing = None;
    way
}

pub(crate) fn touch(last_seen: u64, deadline: u64) -> Touch {
    Touch::new(at(last_seen), at(deadline))
}

/// Polls a future up to `polls` times, and drops it.
pub(crate) async fn poll_times(future: impl Future, polls: usize) {
    let mut future = pin!(future);
    for _ in 0..polls {
        if poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await {
            return;
        }
        tokio::task::yield_now().await;
    }
}
