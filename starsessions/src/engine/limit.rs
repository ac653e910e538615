//! The limit of a user's sessions, which is checked before a sign-in changes anything.

use std::collections::BTreeSet;
use std::time::Duration;

use super::claims::{Claim, is_current};
use super::listing::{FoundSession, MAX_ROUNDS};
use super::server_side::ServerSide;
use super::{Executed, Live, Work};
use crate::clock::Timestamp;
use crate::crypto::RowKey;
use crate::error::SessionError;
use crate::lifecycle::changes::Lookup;
use crate::lifecycle::plan::Step;
use crate::lifecycle::{AtLimit, SessionLimit};
use crate::observe::{self, EndCause};

/// The sessions that were there before a sign-in.
type Earlier = BTreeSet<RowKey>;

impl ServerSide {
    /// Carries out one plan that may be a sign-in. If there is no place for it, nothing changes.
    pub(super) async fn execute_within(
        &self,
        limit: SessionLimit,
        work: &mut Work,
    ) -> Result<Executed, SessionError> {
        // A session that is to be replaced may have ended already, and its place may be taken.
        let goes_on = work
            .live
            .as_ref()
            .filter(|_| work.plan.step != Step::Replace);
        let record = goes_on.map(|live| &live.record);
        let lookups = work.plan.changes.sign_ins(record, work.plan.now);
        if lookups.is_empty() {
            return self.carry_out(work).await;
        }
        if limit.at_limit == AtLimit::EndOldest {
            // Sign-ins that end sessions take turns: two at once could each end a different session, which is one too
            // many.
            for turn in 0..TURNS {
                match self.execute_claimed(limit, 1, &lookups, work).await {
                    Err(SessionError::TooManySessions { .. }) => {}
                    done => return done,
                }
                tokio::time::sleep(Duration::from_millis(turn.min(LONGEST_WAIT))).await;
            }
        }
        // The claim of a crashed server stays for two minutes; another sign-in does not wait that long for it.
        self.execute_claimed(limit, limit.max, &lookups, work).await
    }

    /// Carries the plan out if at most `places` sign-ins are under way, this one included.
    async fn execute_claimed(
        &self,
        limit: SessionLimit,
        places: usize,
        lookups: &[Lookup],
        work: &mut Work,
    ) -> Result<Executed, SessionError> {
        let now = work.plan.now;
        let claim = self.claim(lookups, now).await?;
        let done = self.within(limit, places, &claim, lookups, work).await;
        // If the store fails here, the claim only occupies its place until it expires.
        let _ = self.vault.store.remove(claim.key(), now).await;
        done
    }

    async fn within(
        &self,
        limit: SessionLimit,
        places: usize,
        claim: &Claim,
        lookups: &[Lookup],
        work: &mut Work,
    ) -> Result<Executed, SessionError> {
        let (own, now) = (work.live.as_ref().and_then(Live::row_key), work.plan.now);
        let mut earlier = Earlier::new();
        for lookup in lookups {
            let found = self.find_place(limit, places, claim, lookup, own, now);
            earlier.extend(found.await?);
        }
        if !self.hold(claim, now).await? {
            return Err(limit.exceeded());
        }
        let done = self.carry_out(work).await?;
        let live = work.live.as_ref().filter(|_| !done.is_gone);
        if let Some(own) = live.and_then(Live::row_key)
            && limit.at_limit == AtLimit::EndOldest
        {
            for lookup in lookups {
                let surplus = |found: &mut Vec<_>| {
                    found.retain(|session| self.is_live(session, now));
                    keep_surplus(limit.max, found, own, &earlier);
                };
                let room = self.end_sessions_of(lookup, None, EndCause::Limit, now, surplus);
                if let Err(error) = room.await {
                    // The session has its new id by now, which an error would keep from the browser.
                    observe::over_limit(&error);
                }
            }
        }
        Ok(done)
    }

    /// Counts sessions and claims, and takes later claims away, until there is a place for this claim.
    async fn find_place(
        &self,
        limit: SessionLimit,
        places: usize,
        claim: &Claim,
        lookup: &Lookup,
        own: Option<RowKey>,
        now: Timestamp,
    ) -> Result<Earlier, SessionError> {
        for _ in 0..MAX_ROUNDS {
            let found = self.sessions_and_claims_of(lookup, now).await?;
            let (claims, mut sessions): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|session| session.card.is_claim);
            sessions.retain(|it| Some(it.key) != own && self.is_live(it, now));
            let room = match limit.at_limit {
                AtLimit::Refuse => places.saturating_sub(sessions.len()),
                AtLimit::EndOldest => places,
            };
            let mut others = Vec::new();
            let mut is_complete = true;
            let current = claims.iter().filter(|it| is_current(&it.card, now));
            for other in current.filter(|other| other.key != *claim.key()) {
                match self.look_at_claim(&other.key, now).await? {
                    Some((_, is_held)) => others.push((other.key, is_held)),
                    // The claim's sign-in is over, and its session may not have been in the list yet.
                    None => is_complete = false,
                }
            }
            if !is_complete {
                continue;
            }
            let Some(later) = claims_to_take(room, *claim.key(), &others) else {
                return Err(limit.exceeded());
            };
            let mut has_place = true;
            for key in later {
                has_place &= self.take_away(&key, now).await?;
            }
            if has_place {
                return Ok(sessions.iter().map(|session| session.key).collect());
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

/// The claims to take away so that there is a place for `own`; `None` if there is none. `others` says of each claim
/// whether it is held. The lower key comes first, which needs no clock.
fn claims_to_take(room: usize, own: RowKey, others: &[(RowKey, bool)]) -> Option<Vec<RowKey>> {
    let comes_first = |(key, is_held): &&(RowKey, bool)| *is_held || *key < own;
    let first = others.iter().filter(comes_first).count();
    let free = room.checked_sub(first + 1)?;
    let mut later: Vec<_> = others
        .iter()
        .filter(|other| !comes_first(other))
        .map(|(key, _)| *key)
        .collect();
    later.sort_unstable();
    Some(later.split_off(free.min(later.len())))
}

/// Reduces `found` to the sessions that exceed the limit: of the earlier ones, the least recently used. A concurrent
/// sign-in must not end because its node's clock is behind.
fn keep_surplus(max: usize, found: &mut Vec<FoundSession>, own: RowKey, earlier: &Earlier) {
    let too_many = found.len().saturating_sub(max);
    found.retain(|session| session.key != own);
    found.sort_by_key(|session| {
        let (is_new, record) = (!earlier.contains(&session.key), &session.record);
        (is_new, record.last_seen_at, record.issued_at, session.key)
    });
    found.truncate(too_many);
}

/// How often a sign-in waits for others of its user: for about a second in all, which is longer than they take.
const TURNS: u64 = 40;
/// In milliseconds.
const LONGEST_WAIT: u64 = 30;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Card, Record};

    fn key(name: u8) -> RowKey {
        RowKey::from_bytes([name; 32])
    }

    fn session(name: u8, seen: u64, issued: u64) -> FoundSession {
        let at = Timestamp::from_unix_seconds;
        let mut record = Record::new(at(1), at(5_000));
        record.last_seen_at = at(seen);
        record.issued_at = at(issued);
        FoundSession {
            key: key(name),
            row: crate::store::Row::new([], at(1), at(5_000)),
            record,
            card: Card::default(),
        }
    }

    fn surplus(max: usize, mut found: Vec<FoundSession>, own: u8, earlier: &[u8]) -> Vec<u8> {
        let earlier = earlier.iter().copied().map(key).collect();
        keep_surplus(max, &mut found, key(own), &earlier);
        found.iter().map(|it| it.key.as_bytes()[0]).collect()
    }

    fn names(keys: &[RowKey]) -> Vec<u8> {
        keys.iter().map(|key| key.as_bytes()[0]).collect()
    }

    #[test]
    fn those_that_were_used_the_longest_ago_make_room() {
        let found = [
            session(1, 900, 100),
            session(2, 500, 200),
            session(3, 700, 50),
            session(4, 1_000, 1_000),
        ];
        let ended = |max| surplus(max, found.to_vec(), 4, &[1, 2, 3]);
        assert!(ended(4).is_empty());
        assert_eq!(ended(3), [2]);
        assert_eq!(ended(2), [2, 3]);
        assert_eq!(ended(1), [2, 3, 1]);
    }

    #[test]
    fn a_clock_that_is_behind_ends_no_sign_in_at_the_same_moment() {
        let found = vec![session(1, 900, 900), session(2, 10, 10), session(3, 20, 20)];
        assert_eq!(surplus(2, found, 3, &[1]), [1]);
    }

    #[test]
    fn claims_at_the_same_moment_agree_on_who_stays() {
        for room in 0..5 {
            let all: Vec<_> = (1..5).map(|name| (key(name), false)).collect();
            let stays = |own: u8| {
                let others: Vec<_> = all.iter().filter(|it| it.0 != key(own)).copied().collect();
                claims_to_take(room, key(own), &others)
            };
            let staying: Vec<_> = (1..5).filter(|own| stays(*own).is_some()).collect();
            assert_eq!(staying, (1..5).take(room).collect::<Vec<_>>());
            for own in staying {
                let taken = names(&stays(own).unwrap_or_default());
                assert_eq!(taken, (1..5).skip(room).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_claim_that_is_held_keeps_its_place() {
        assert_eq!(claims_to_take(1, key(1), &[(key(2), true)]), None);
        let taken = claims_to_take(2, key(1), &[(key(2), true), (key(3), false)]);
        assert_eq!(taken.map(|keys| names(&keys)), Some(vec![3]));
    }
}
