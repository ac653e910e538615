//! Tests of the conformance suite itself: it must reject stores with one deliberate flaw each.

use std::any::Any;
use std::pin::Pin;
use std::sync::Mutex;

use starsessions::store::{
    IndexKey, Inserted, Listed, Listing, Protection, Replaced, Rotated, Rotation, Row, RowKey,
    Store, StoreError, Touch, Touched, Uninterrupted,
};
use starsessions::testing::conformance;
use starsessions::{MemoryStore, Timestamp};
use tokio::task::yield_now;

/// The deliberate flaw of a store.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    CardIsLost,
    ChecksThenInserts,
    ChecksThenRemoves,
    ChecksThenReplaces,
    ChecksThenRotates,
    ChecksThenTouches,
    ExpiredRowKeepsItsPlace,
    ExpiryIsIgnored,
    ExpiryIsLate,
    IndexForgetsNothing,
    IndexIsEmpty,
    IndexKnowsTheFirstKey,
    InsertReplaces,
    InsertIsRepeatable,
    KeysIgnoreCase,
    ListIsCutShort,
    NoTimeIsForEver,
    RemovalIsLost,
    RemovalTellsNothing,
    ReplaceFilesNothing,
    ReplaceIgnoresTheRevision,
    ReplaceInserts,
    ReplaceIsRepeatable,
    ReplaceKeepsTheCard,
    ReplaceNeedsTheTimes,
    ReplaceTakesTimesBack,
    RevisionIsADouble,
    RotationCopies,
    RotationIgnoresTheRevision,
    RotationIsHalfSupported,
    RotationKeepsTheRevision,
    RotationLeavesNothing,
    RotationReplaces,
    RotationTakesTimesBack,
    StaleShowsWhatWasSeen,
    SweepFreesEverything,
    SweepIgnoresItsLimit,
    SweepNeverEnds,
    TouchGoesBack,
    TouchIgnoresTheRevision,
    TouchInserts,
    TouchRaisesTheRevision,
    ValueIsCutShort,
    WritesInTwoSteps,
}

/// Each clause with the flaws that it must find.
macro_rules! convicts {
    ($($clause:ident: $($flaw:ident)+;)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                conformance::$clause(&Wrong::new(Flaw::None)).await;
                $(
                    let flaw = Flaw::$flaw;
                    // Boxed, so that the spawn is compiled once for all trials.
                    let trial: Pin<Box<dyn Future<Output = ()> + Send>> =
                        Box::pin(async move { conformance::$clause(&Wrong::new(flaw)).await });
                    let verdict = tokio::spawn(trial).await;
                    let verdict = verdict.expect_err(&format!("{flaw:?} was not found"));
                    let message = message_of(verdict.into_panic());
                    assert!(message.starts_with(stringify!($clause)), "{flaw:?}: {message}");
                )+
            }
        )+

        /// A clause that convicts no store proves nothing.
        #[test]
        fn every_clause_is_on_trial() {
            let suite = include_str!("../../starsessions/src/testing/conformance/mod.rs");
            let is_clause = |line: &&str| line.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
            let inner = suite.lines().filter_map(|line| line.strip_prefix("        "));
            let clauses: Vec<_> = inner.filter(is_clause).collect();
            assert_eq!(clauses, [$(stringify!($clause)),+]);
        }
    };
}

convicts! {
    a_row_is_kept_as_it_was_given: CardIsLost KeysIgnoreCase RevisionIsADouble;
    the_largest_row_is_kept_whole: ValueIsCutShort IndexKnowsTheFirstKey;
    an_insert_never_replaces: InsertReplaces;
    nothing_but_insert_brings_a_row_into_being: ReplaceInserts TouchInserts;
    a_removed_row_stays_removed: RemovalIsLost RemovalTellsNothing;
    an_expired_row_is_gone: ExpiryIsIgnored ExpiryIsLate;
    an_expired_row_gives_up_its_place: ExpiredRowKeepsItsPlace IndexForgetsNothing;
    a_row_that_ends_as_it_is_written_is_gone: NoTimeIsForEver IndexForgetsNothing;
    a_sweep_frees_only_what_has_expired: SweepFreesEverything SweepIgnoresItsLimit SweepNeverEnds;
    a_replace_needs_the_row_that_was_read: ReplaceIgnoresTheRevision StaleShowsWhatWasSeen;
    a_repeated_operation_meets_what_it_wrote: InsertIsRepeatable ReplaceIsRepeatable;
    a_touch_moves_times_forward_only: TouchGoesBack TouchRaisesTheRevision;
    a_touch_needs_the_row_that_was_read: TouchIgnoresTheRevision;
    a_replace_keeps_a_touch_in_between: ReplaceTakesTimesBack ReplaceNeedsTheTimes;
    a_rotation_moves_a_session: RotationCopies RotationLeavesNothing RotationIsHalfSupported;
    a_rotation_needs_the_row_that_was_read: RotationIgnoresTheRevision RotationReplaces;
    a_rotation_ends_the_old_row: RotationKeepsTheRevision;
    a_rotation_keeps_a_touch_in_between: RotationTakesTimesBack;
    an_index_key_leads_to_every_live_row: IndexIsEmpty IndexKnowsTheFirstKey ListIsCutShort ReplaceFilesNothing
        ReplaceKeepsTheCard;
    an_index_key_leads_to_nothing_that_has_ended: IndexForgetsNothing;
    parallel_inserts_have_one_winner: ChecksThenInserts;
    parallel_replaces_have_one_winner: ChecksThenReplaces;
    parallel_rotations_have_one_successor: ChecksThenRotates;
    a_rotation_and_a_replace_have_one_winner: ChecksThenRotates ChecksThenReplaces;
    a_touch_and_a_replace_lose_nothing: ChecksThenTouches;
    a_removal_ends_what_others_leave: ChecksThenRemoves ChecksThenTouches;
    writers_that_try_again_lose_nothing: ChecksThenReplaces;
    a_dropped_operation_is_whole_or_not_at_all: WritesInTwoSteps ChecksThenRotates;
}

/// [`Uninterrupted`] completes an operation that would be left half done when its future is dropped.
#[tokio::test]
async fn a_store_that_is_not_cancel_safe_is_so_uninterrupted() {
    let store = Uninterrupted::new(Wrong::new(Flaw::WritesInTwoSteps));
    conformance::a_dropped_operation_is_whole_or_not_at_all(&store).await;
    conformance::run(&Uninterrupted::new(MemoryStore::new())).await;
}

fn message_of(panic: Box<dyn Any + Send>) -> String {
    *panic.downcast().expect("a panic with a message")
}

struct Wrong {
    store: MemoryStore,
    flaw: Flaw,
    /// All index entries ever made.
    filed: Mutex<Vec<(IndexKey, RowKey)>>,
}

impl Wrong {
    fn new(flaw: Flaw) -> Self {
        Self {
            store: MemoryStore::new(),
            flaw,
            filed: Mutex::default(),
        }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn key(&self, key: &RowKey) -> RowKey {
        let mut bytes = *key.as_bytes();
        if self.is(Flaw::KeysIgnoreCase) {
            bytes[31] |= 0x20;
        }
        RowKey::from_bytes(bytes)
    }

    /// The row as this store keeps it.
    fn kept(&self, row: &Row) -> Row {
        let mut row = row.clone();
        match self.flaw {
            Flaw::CardIsLost => {
                let forget = |listing: &Listing| Listing::new(listing.index_keys().to_vec(), *b"");
                row.listing = row.listing.map(|listing| forget(&listing).into());
            }
            Flaw::IndexKnowsTheFirstKey => {
                let first = |keys: &[IndexKey]| keys.iter().copied().take(1).collect();
                let shorten = |it: &Listing| Listing::new(first(it.index_keys()), it.card());
                row.listing = row.listing.map(|listing| shorten(&listing).into());
            }
            Flaw::RevisionIsADouble => row.revision = row.revision as f64 as u64,
            Flaw::ValueIsCutShort => row.value = row.value[..row.value.len().min(0xffff)].into(),
            _ => {}
        }
        row
    }

    fn time(&self, now: Timestamp) -> Timestamp {
        let seconds = now.as_unix_seconds();
        Timestamp::from_unix_seconds(match self.flaw {
            Flaw::ExpiryIsIgnored => 0,
            Flaw::ExpiryIsLate => seconds - 1,
            _ => seconds,
        })
    }

    async fn live(&self, key: &RowKey, now: Timestamp) -> Option<Row> {
        let found = self.store.load(key, now).await.expect("memory");
        found.filter(|row| row.is_live(now))
    }

    /// Stores a row under a key unconditionally.
    async fn force(&self, key: &RowKey, row: &Row, now: Timestamp) {
        self.store.remove(key).await.expect("memory");
        self.store.insert(key, row, now).await.expect("memory");
    }

    /// The current row, as if the caller had seen it; otherwise `seen`.
    async fn seen(&self, key: &RowKey, seen: &Row, now: Timestamp) -> Row {
        self.live(key, now).await.unwrap_or_else(|| seen.clone())
    }
}

impl Store for Wrong {
    fn protection(&self) -> Protection {
        self.store.protection()
    }

    async fn load(&self, key: &RowKey, now: Timestamp) -> Result<Option<Row>, StoreError> {
        self.store.load(&self.key(key), now).await
    }

    async fn insert(
        &self,
        key: &RowKey,
        row: &Row,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        let (key, row) = (&self.key(key), &self.kept(row));
        let found = self.live(key, now).await;
        match self.flaw {
            Flaw::ChecksThenInserts if found.is_none() => {
                yield_now().await;
                self.force(key, row, now).await;
            }
            Flaw::InsertReplaces => self.force(key, row, now).await,
            Flaw::InsertIsRepeatable if found.as_ref() == Some(row) => {}
            Flaw::ExpiredRowKeepsItsPlace if self.store.load(key, now).await?.is_some() => {
                return Ok(Inserted::Exists);
            }
            _ => {
                let filed = row.index_keys().iter().map(|index_key| (*index_key, *key));
                self.filed.lock().unwrap().extend(filed);
                return self.store.insert(key, row, now).await;
            }
        }
        Ok(Inserted::Inserted)
    }

    async fn replace(
        &self,
        key: &RowKey,
        seen: &Row,
        row: &Row,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let (key, now) = (&self.key(key), self.time(now));
        let (mut seen, mut row) = (seen.clone(), self.kept(row));
        let found = self.live(key, now).await;
        let is_seen = found
            .as_ref()
            .is_some_and(|it| it.revision == seen.revision);
        match self.flaw {
            Flaw::ChecksThenReplaces if is_seen => {
                yield_now().await;
                self.force(key, &row, now).await;
                return Ok(Replaced::Replaced);
            }
            Flaw::NoTimeIsForEver if row.deadline == row.last_seen => {
                row.deadline = Timestamp::from_unix_seconds(u64::MAX);
            }
            Flaw::ReplaceFilesNothing => row.listing = seen.listing.clone(),
            Flaw::ReplaceIgnoresTheRevision => seen = self.seen(key, &seen, now).await,
            Flaw::ReplaceInserts if found.is_none() => {
                self.force(key, &row, now).await;
                return Ok(Replaced::Replaced);
            }
            Flaw::ReplaceKeepsTheCard if row.index_keys() == seen.index_keys() => {
                row.listing = seen.listing.clone();
            }
            Flaw::ReplaceIsRepeatable if found.as_ref() == Some(&row) => {
                return Ok(Replaced::Replaced);
            }
            Flaw::ReplaceNeedsTheTimes if is_seen && found.as_ref() != Some(&seen) => {
                return Ok(found.map_or(Replaced::Gone, Replaced::Stale));
            }
            Flaw::ReplaceTakesTimesBack if is_seen => {
                self.force(key, &row, now).await;
                return Ok(Replaced::Replaced);
            }
            Flaw::StaleShowsWhatWasSeen if found.is_some() && !is_seen => {
                return Ok(Replaced::Stale(seen));
            }
            Flaw::WritesInTwoSteps if is_seen => {
                let mut value = row.clone();
                value.listing = seen.listing.clone();
                self.store.replace(key, &seen, &value, now).await?;
                yield_now().await;
                seen = value;
            }
            _ => {}
        }
        self.store.replace(key, &seen, &row, now).await
    }

    async fn rotate(&self, rotation: Rotation<'_>, now: Timestamp) -> Result<Rotated, StoreError> {
        let Rotation { old, new, row, .. } = rotation;
        let now = self.time(now);
        let found = self.live(old, now).await;
        let is_seen = found.is_some_and(|it| it.revision == rotation.seen.revision);
        let seen = &self.seen(old, rotation.seen, now).await;
        let mut left = rotation.left.clone();
        left.revision = rotation.seen.revision;
        let left = &left;
        match self.flaw {
            Flaw::ChecksThenRotates if is_seen => {
                self.store.insert(new, row, now).await?;
                yield_now().await;
                self.force(old, rotation.left, now).await;
            }
            Flaw::RotationCopies if is_seen => {
                self.store.insert(new, row, now).await?;
            }
            Flaw::RotationIgnoresTheRevision => {
                let rotation = Rotation::new(old, seen, rotation.left, new, row);
                return self.store.rotate(rotation, now).await;
            }
            Flaw::RotationIsHalfSupported => {
                self.store.insert(new, row, now).await?;
                return Ok(Rotated::Unsupported);
            }
            Flaw::RotationKeepsTheRevision => {
                let rotation = Rotation::new(old, rotation.seen, left, new, row);
                return self.store.rotate(rotation, now).await;
            }
            Flaw::RotationLeavesNothing if is_seen => {
                self.store.rotate(rotation, now).await?;
                self.store.remove(old).await?;
            }
            Flaw::RotationTakesTimesBack if is_seen => {
                self.store.rotate(rotation, now).await?;
                self.force(new, row, now).await;
            }
            Flaw::RotationReplaces if is_seen => {
                self.store.remove(new).await?;
                return self.store.rotate(rotation, now).await;
            }
            _ => return self.store.rotate(rotation, now).await,
        }
        Ok(Rotated::Rotated)
    }

    async fn touch(
        &self,
        key: &RowKey,
        seen: &Row,
        touch: Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        let (key, now) = (&self.key(key), self.time(now));
        let mut seen = seen.clone();
        match self.flaw {
            Flaw::TouchGoesBack => {
                seen.deadline = touch.deadline;
                self.force(key, &seen, now).await;
                return Ok(Touched::Touched);
            }
            Flaw::ChecksThenTouches => {
                let found = self.live(key, now).await;
                let Some(mut found) = found.filter(|it| it.revision == seen.revision) else {
                    return Ok(Touched::Stale);
                };
                yield_now().await;
                found.touch(touch);
                self.force(key, &found, now).await;
                return Ok(Touched::Touched);
            }
            Flaw::TouchIgnoresTheRevision => seen = self.seen(key, &seen, now).await,
            Flaw::TouchInserts => {
                self.store.insert(key, &seen, now).await?;
            }
            Flaw::TouchRaisesTheRevision => {
                seen.touch(touch);
                seen.revision += 1;
                self.force(key, &seen, now).await;
                return Ok(Touched::Touched);
            }
            _ => {}
        }
        self.store.touch(key, &seen, touch, now).await
    }

    async fn remove(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        let key = &self.key(key);
        match self.flaw {
            Flaw::ChecksThenRemoves => {
                let found = self.store.load(key, Timestamp::default()).await?;
                yield_now().await;
                self.store.remove(key).await.map(|_| found)
            }
            Flaw::RemovalIsLost => self.store.load(key, Timestamp::default()).await,
            Flaw::RemovalTellsNothing => self.store.remove(key).await.map(|_| None),
            _ => self.store.remove(key).await,
        }
    }

    async fn listed(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<Listed>, StoreError> {
        let now = self.time(now);
        if self.is(Flaw::IndexForgetsNothing) {
            let filed = self.filed.lock().unwrap().clone();
            let mut found = Vec::new();
            for (_, key) in filed.iter().filter(|(filed, _)| filed == index_key) {
                let row = self.live(key, now).await;
                found.extend(row.and_then(|row| Listed::new(*key, &row)));
            }
            return Ok(found);
        }
        match self.flaw {
            Flaw::IndexIsEmpty => Ok(Vec::new()),
            Flaw::ListIsCutShort => {
                let listed = self.store.listed(index_key, now).await?;
                Ok(listed.into_iter().take(100).collect())
            }
            _ => self.store.listed(index_key, now).await,
        }
    }

    async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        let end = Timestamp::from_unix_seconds(u64::MAX);
        match self.flaw {
            Flaw::SweepFreesEverything => self.store.sweep(limit, end).await,
            Flaw::SweepIgnoresItsLimit => self.store.sweep(limit, now).await.map(|_| limit + 1),
            Flaw::SweepNeverEnds => self.store.sweep(limit, now).await.map(|_| limit),
            _ => self.store.sweep(limit, now).await,
        }
    }
}
