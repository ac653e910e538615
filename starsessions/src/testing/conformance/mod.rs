//! The store contract as a suite that any [`Store`] can be put through.
//!
//! Each clause of the contract is one function of its own, named after it. A store is convicted by
//! a panic that names the clause, so the suite is called from an ordinary test:
//!
//! ```
//! use starsessions::MemoryStore;
//! use starsessions::testing::conformance;
//!
//! # async fn test() {
//! conformance::run(&MemoryStore::new()).await;
//! # }
//! ```
//!
//! The suite makes keys of its own at random, so it can run beside other tests on a shared server.
//! Time is an argument: the store is told the seconds of a far-off year, and no test waits.

#![expect(
    clippy::panic,
    reason = "a violated clause is reported by failing the test"
)]

mod commits;
mod index;
mod presence;
mod races;
mod rotations;

use bytes::Bytes;

pub use self::commits::{
    a_commit_changes_what_it_names, a_failed_guard_changes_nothing,
    a_touch_moves_deadlines_only_forward, revisions_grow_with_commits,
};
pub use self::index::an_index_finds_the_sessions_that_are_there;
pub use self::presence::{
    a_deleted_record_stays_deleted, a_sweep_frees_only_what_has_expired, an_expired_record_is_gone,
    create_never_replaces, nothing_but_create_inserts, the_largest_record_is_kept_whole,
    what_is_created_is_loaded,
};
pub use self::races::{
    a_dropped_operation_is_whole_or_not_at_all, parallel_commits_lose_nothing,
    parallel_creates_have_one_winner, parallel_rotations_have_one_successor,
};
pub use self::rotations::{
    a_rotation_expects_a_revision, a_rotation_moves_the_record,
    a_rotation_with_grace_leaves_the_way,
};
use crate::clock::Timestamp;
use crate::crypto::{self, RowKey};
use crate::record::{Commit, Field, FieldWrite, Fields, Record, Touch};
use crate::store::{Loaded, Store, StoreError};

/// Puts a store through every clause.
///
/// # Panics
/// If the store violates one, with its name.
pub async fn run<S: Store>(store: &S) {
    what_is_created_is_loaded(store).await;
    the_largest_record_is_kept_whole(store).await;
    create_never_replaces(store).await;
    nothing_but_create_inserts(store).await;
    an_expired_record_is_gone(store).await;
    a_commit_changes_what_it_names(store).await;
    a_failed_guard_changes_nothing(store).await;
    revisions_grow_with_commits(store).await;
    a_touch_moves_deadlines_only_forward(store).await;
    a_deleted_record_stays_deleted(store).await;
    a_rotation_moves_the_record(store).await;
    a_rotation_with_grace_leaves_the_way(store).await;
    a_rotation_expects_a_revision(store).await;
    an_index_finds_the_sessions_that_are_there(store).await;
    parallel_commits_lose_nothing(store).await;
    parallel_creates_have_one_winner(store).await;
    parallel_rotations_have_one_successor(store).await;
    a_dropped_operation_is_whole_or_not_at_all(store).await;
    a_sweep_frees_only_what_has_expired(store).await;
}

fn record() -> Record {
    Record::new(at(0), at(100))
}

fn record_with(name: &str, value: &[u8]) -> Record {
    let mut record = record();
    let field = Field::new(Bytes::copy_from_slice(value), 1);
    record.fields.insert(name.to_owned().into(), field);
    record
}

fn commit_of(name: &str, value: &[u8]) -> Commit {
    let mut commit = Commit::new(Touch::new(at(1), at(100)));
    let write = FieldWrite::new(Bytes::copy_from_slice(value));
    commit.set.push((name.to_owned().into(), write));
    commit
}

/// The year 2100: later than any server's own clock, so that none of them expires a record by it.
fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}

fn new_key() -> RowKey {
    match crypto::random_bytes() {
        Ok(bytes) => RowKey::from_bytes(bytes),
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn expect<T: PartialEq + std::fmt::Debug>(
    clause: &str,
    found: Result<T, StoreError>,
    expected: &T,
) {
    match found {
        Ok(found) if found == *expected => {}
        Ok(found) => panic!("{clause}: expected {expected:?}, found {found:?}"),
        Err(error) => panic!("{clause}: expected {expected:?}, found the error {error:?}"),
    }
}

/// Not there, or the remains of `record` that a sweep has not met.
#[track_caller]
fn gone(clause: &str, found: Result<Option<Loaded>, StoreError>, record: &Record) {
    let mut remains = record.clone();
    remains.fields = Fields::default();
    match found {
        Ok(None) => {}
        Ok(Some(Loaded::Expired(found))) if found == remains => {}
        found => panic!("{clause}: expected nothing, or {remains:?} as expired, found {found:?}"),
    }
}

#[track_caller]
fn live(clause: &str, found: Result<Option<Loaded>, StoreError>) -> Record {
    match found {
        Ok(Some(Loaded::Live(record))) => record,
        other => panic!("{clause}: expected a record, found {other:?}"),
    }
}
