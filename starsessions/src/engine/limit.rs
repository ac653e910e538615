//! How many sessions a user may have: looked at before a sign-in and after it.
//!
//! A store has no transaction over several sessions, so a sign-in is written first and counted then:
//! of those at the same moment, the one that counts last sees all of them.

use super::listing::FoundSession;
use super::server_side::ServerSide;
use super::{Executed, Live, Work};
use crate::clock::Timestamp;
use crate::crypto::RowKey;
use crate::error::SessionError;
use crate::lifecycle::changes::Lookup;
use crate::lifecycle::plan::Step;
use crate::lifecycle::{AtLimit, SessionLimit};

impl Work {
    /// The values that the session is to be found by from now on, and was not before.
    fn sign_ins(&self) -> Vec<Lookup> {
        // One that ends and begins anew may have ended already, and its place may be taken.
        let goes_on = self
            .live
            .as_ref()
            .filter(|_| self.plan.step != Step::Replace);
        let record = goes_on.map(|live| &live.record);
        self.plan.changes.sign_ins(record, self.plan.now)
    }
}

impl ServerSide {
    /// Carries out one plan that may be a sign-in.
    pub(super) async fn execute_within(
        &self,
        limit: SessionLimit,
        work: Box<Work>,
    ) -> Result<Executed, SessionError> {
        let (lookups, now) = (work.sign_ins(), work.plan.now);
        if limit.at_limit == AtLimit::Refuse {
            let own = work.live.as_ref().and_then(Live::row_key);
            for lookup in &lookups {
                let found = self.sessions_of(lookup, now).await?;
                let others = found.iter().filter(|session| Some(session.key) != own);
                if others.count() >= limit.max {
                    return Err(limit.exceeded());
                }
            }
        }
        let done = self.carry_out(work).await?;
        if let Some(own) = done.live.as_ref().and_then(Live::row_key) {
            for lookup in &lookups {
                if let Err(error) = self.hold(limit, lookup, own, now).await {
                    // No browser is told its id, so it must not take a place either.
                    self.end_row(&own, now).await?;
                    return Err(error);
                }
            }
        }
        Ok(done)
    }

    /// Counts again until there are no more than there may be. A session that is given a new id at
    /// this moment is met in the next round.
    async fn hold(
        &self,
        limit: SessionLimit,
        lookup: &Lookup,
        own: RowKey,
        now: Timestamp,
    ) -> Result<(), SessionError> {
        for _ in 0..MAX_ROUNDS {
            let found = self.sessions_of(lookup, now).await?;
            let surplus = surplus(limit, found, own);
            if surplus.is_empty() {
                return Ok(());
            }
            if surplus.contains(&own) {
                return Err(limit.exceeded());
            }
            for key in surplus {
                self.end_row(&key, now).await?;
            }
        }
        Err(SessionError::contention())
    }
}

impl SessionLimit {
    fn exceeded(self) -> SessionError {
        SessionError::TooManySessions { limit: self.max }
    }
}

/// The sessions that are too many, from the one that has just signed in.
///
/// It is the newest, unless another one was issued at the same second or later, which then is a
/// sign-in at the same moment, or one of a node whose clock is ahead. Among those, all of them agree
/// on who is the newest.
fn surplus(limit: SessionLimit, mut found: Vec<FoundSession>, own: RowKey) -> Vec<RowKey> {
    let Some(too_many) = found
        .len()
        .checked_sub(limit.max)
        .filter(|count| *count > 0)
    else {
        return Vec::new();
    };
    if limit.at_limit == AtLimit::Refuse {
        return vec![own];
    }
    let age = |session: &FoundSession| (session.record.issued_at, session.key);
    let Some(mine) = found.iter().find(|session| session.key == own).map(age) else {
        // Ended already, by a sign-in that was faster.
        return vec![own];
    };
    let newer = found.iter().filter(|session| age(session) > mine).count();
    if newer >= limit.max {
        return vec![own];
    }
    found.retain(|session| age(session) < mine);
    found.sort_by_key(|session| (session.record.last_seen_at, age(session)));
    found
        .iter()
        .map(|session| session.key)
        .take(too_many)
        .collect()
}

/// More than one is rare: it takes a rotation at the same moment.
const MAX_ROUNDS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    const NOW: u64 = 1_000;

    fn session(name: u8, seen: u64, issued: u64) -> FoundSession {
        let at = Timestamp::from_unix_seconds;
        let mut record = Record::new(at(1), at(5_000));
        record.last_seen_at = at(seen);
        record.issued_at = at(issued);
        FoundSession::of(RowKey::from_bytes([name; 32]), record)
    }

    fn surplus_of(at_limit: AtLimit, max: usize, found: &[FoundSession], own: u8) -> Vec<u8> {
        let limit = SessionLimit { max, at_limit };
        let own = RowKey::from_bytes([own; 32]);
        let surplus = surplus(limit, found.to_vec(), own);
        surplus.iter().map(|key| key.as_bytes()[0]).collect()
    }

    #[test]
    fn those_that_were_used_the_longest_ago_make_room() {
        let found = [
            session(1, 900, 100),
            session(2, 500, 200),
            session(3, 700, 50),
            session(4, NOW, NOW),
        ];
        let ended = |max| surplus_of(AtLimit::EndOldest, max, &found, 4);
        assert!(ended(4).is_empty());
        assert_eq!(ended(3), [2]);
        assert_eq!(ended(2), [2, 3]);
        assert_eq!(ended(1), [2, 3, 1]);
        assert_eq!(surplus_of(AtLimit::Refuse, 3, &found, 4), [4]);
        assert!(surplus_of(AtLimit::Refuse, 4, &found, 4).is_empty());
    }

    /// Whatever the order in which they count, as many are left as there may be.
    #[test]
    fn sign_ins_at_the_same_moment_agree_on_who_stays() {
        for max in 1..5 {
            for old in 0..3 {
                let mut found: Vec<_> = (0..old).map(|n| session(n, NOW, 10)).collect();
                found.extend((10..14).map(|n| session(n, NOW, NOW)));
                let ended: std::collections::BTreeSet<u8> = (10..14)
                    .flat_map(|own| surplus_of(AtLimit::EndOldest, max, &found, own))
                    .collect();
                assert_eq!(
                    found.len() - ended.len(),
                    max.min(found.len()),
                    "{max} {old}"
                );
            }
        }
    }

    #[test]
    fn a_session_that_is_in_use_on_a_node_whose_clock_is_ahead_makes_room_all_the_same() {
        let found = [session(1, NOW + 30, 10), session(2, NOW, NOW)];
        assert_eq!(surplus_of(AtLimit::EndOldest, 1, &found, 2), [1]);
    }

    #[test]
    fn who_was_ended_meanwhile_is_not_signed_in() {
        let found = [session(1, NOW, NOW), session(2, NOW, NOW)];
        assert_eq!(surplus_of(AtLimit::EndOldest, 1, &found, 3), [3]);
    }
}
