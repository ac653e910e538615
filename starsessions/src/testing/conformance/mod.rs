//! The store contract as a test suite for any [`Store`].
//!
//! Each clause of the contract is tested by functions that are named after it. A violated clause is a
//! panic with the function's name, so an ordinary test calls the suite:
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
//! The keys of the suite are random, so it can run beside other tests on a shared server. Time is an
//! argument: the suite uses seconds of a distant year, and no test waits.

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

use crate::store::Store;

macro_rules! clauses {
    ($($file:ident { $($clause:ident)* })*) => {
        $(pub use self::$file::{$($clause),*};)*

        /// Tests a store against every clause.
        ///
        /// # Panics
        /// If the store violates a clause, with its name.
        pub async fn run<S: Store>(store: &S) {
            $($($clause(store).await;)*)*
        }
    };
}

clauses! {
    presence {
        a_row_is_kept_as_it_was_given
        the_largest_row_is_kept_whole
        an_insert_never_replaces
        nothing_but_insert_brings_a_row_into_being
        a_removed_row_stays_removed
    }
    expiry {
        an_expired_row_is_gone
        an_expired_row_gives_up_its_place
        a_row_that_ends_as_it_is_written_is_gone
        a_sweep_frees_only_what_has_expired
    }
    replacing {
        a_replace_needs_the_row_that_was_read
        a_repeated_operation_meets_what_it_wrote
    }
    touching {
        a_touch_moves_times_forward_only
        a_touch_needs_the_row_that_was_read
        a_replace_keeps_a_touch_in_between
    }
    rotations {
        a_rotation_moves_a_session
        a_rotation_needs_the_row_that_was_read
        a_rotation_ends_the_old_row
        a_rotation_keeps_a_touch_in_between
    }
    listing {
        an_index_key_leads_to_every_live_row
        an_index_key_leads_to_nothing_that_has_ended
    }
    races {
        parallel_inserts_have_one_winner
        parallel_replaces_have_one_winner
        parallel_rotations_have_one_successor
        a_rotation_and_a_replace_have_one_winner
        a_touch_and_a_replace_lose_nothing
        a_removal_ends_what_others_leave
        writers_that_try_again_lose_nothing
    }
    dropping {
        a_dropped_operation_is_whole_or_not_at_all
    }
}
