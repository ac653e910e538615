//! The store contract as a suite that any [`Store`] can be put through.
//!
//! Each clause of the contract is one function, named after it. A violated clause is a panic with
//! its name, so an ordinary test calls the suite:
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
//! The suite draws its keys at random, so it can run beside other tests on a shared server. Time is
//! an argument: the store is told the seconds of a far-off year, and no test waits.

#![expect(
    clippy::panic,
    reason = "a violated clause is reported by failing the test"
)]

mod dropping;
mod expiry;
mod listing;
mod presence;
mod races;
mod replacing;
mod rotations;
mod touching;
mod trial;

pub use self::dropping::a_dropped_operation_is_whole_or_not_at_all;
pub use self::expiry::{
    a_sweep_frees_only_what_has_expired, an_expired_row_gives_up_its_place, an_expired_row_is_gone,
};
pub use self::listing::{
    an_index_key_leads_to_every_live_row, an_index_key_leads_to_nothing_that_has_ended,
};
pub use self::presence::{
    a_removed_row_stays_removed, a_row_is_kept_as_it_was_given, an_insert_never_replaces,
    nothing_but_insert_brings_a_row_into_being, the_largest_row_is_kept_whole,
};
pub use self::races::{
    a_rotation_and_a_replace_have_one_winner, parallel_inserts_have_one_winner,
    parallel_replaces_have_one_winner, parallel_rotations_have_one_successor,
    writers_that_try_again_lose_nothing,
};
pub use self::replacing::{
    a_repeated_operation_meets_what_it_wrote, a_replace_needs_the_row_that_was_read,
};
pub use self::rotations::{
    a_rotation_ends_the_old_row, a_rotation_moves_a_session, a_rotation_needs_the_row_that_was_read,
};
pub use self::touching::{
    a_replace_keeps_a_touch_in_between, a_touch_moves_times_forward_only,
    a_touch_needs_the_row_that_was_read,
};
use crate::store::Store;

/// Puts a store through every clause.
///
/// # Panics
/// If the store violates one, with its name.
pub async fn run<S: Store>(store: &S) {
    a_row_is_kept_as_it_was_given(store).await;
    the_largest_row_is_kept_whole(store).await;
    an_insert_never_replaces(store).await;
    nothing_but_insert_brings_a_row_into_being(store).await;
    a_removed_row_stays_removed(store).await;
    an_expired_row_is_gone(store).await;
    an_expired_row_gives_up_its_place(store).await;
    a_replace_needs_the_row_that_was_read(store).await;
    a_repeated_operation_meets_what_it_wrote(store).await;
    a_touch_moves_times_forward_only(store).await;
    a_touch_needs_the_row_that_was_read(store).await;
    a_replace_keeps_a_touch_in_between(store).await;
    a_rotation_moves_a_session(store).await;
    a_rotation_needs_the_row_that_was_read(store).await;
    a_rotation_ends_the_old_row(store).await;
    an_index_key_leads_to_every_live_row(store).await;
    an_index_key_leads_to_nothing_that_has_ended(store).await;
    parallel_inserts_have_one_winner(store).await;
    parallel_replaces_have_one_winner(store).await;
    parallel_rotations_have_one_successor(store).await;
    a_rotation_and_a_replace_have_one_winner(store).await;
    writers_that_try_again_lose_nothing(store).await;
    a_dropped_operation_is_whole_or_not_at_all(store).await;
    a_sweep_frees_only_what_has_expired(store).await;
}
