//! The suite itself on trial: stores with one deliberate flaw each, which it must convict.

use starsessions::store::{
    Commit, Committed, Created, Forward, IndexKey, Loaded, Protection, Record, Rotated, Rotation,
    RowKey, Store, StoreError, Touch, Touched,
};
use starsessions::testing::conformance;
use starsessions::{MemoryStore, Timestamp};

/// What a store gets wrong.
#[derive(Clone, Copy, Debug)]
enum Flaw {
    CommitInserts,
    CommitIgnoresGuards,
    CommitOverwritesTheRecord,
    CreateReplaces,
    DeleteForgetsTheSuccessor,
    DeleteIsLost,
    ExpiryIsIgnored,
    IndexIsEmpty,
    RotationCopies,
    RotationExpectsNothing,
    RotationLeavesNoWay,
    SweepFreesEverything,
    TouchGoesBack,
    TouchRaisesTheRevision,
}

const FLAWS: [Flaw; 14] = [
    Flaw::CommitInserts,
    Flaw::CommitIgnoresGuards,
    Flaw::CommitOverwritesTheRecord,
    Flaw::CreateReplaces,
    Flaw::DeleteForgetsTheSuccessor,
    Flaw::DeleteIsLost,
    Flaw::ExpiryIsIgnored,
    Flaw::IndexIsEmpty,
    Flaw::RotationCopies,
    Flaw::RotationExpectsNothing,
    Flaw::RotationLeavesNoWay,
    Flaw::SweepFreesEverything,
    Flaw::TouchGoesBack,
    Flaw::TouchRaisesTheRevision,
];

#[tokio::test]
async fn every_flaw_is_convicted() {
    for flaw in FLAWS {
        let store = Wrong {
            store: MemoryStore::new(),
            flaw,
        };
        let verdict = tokio::spawn(async move { conformance::run(&store).await }).await;
        let is_convicted = verdict.is_err_and(|error| error.is_panic());
        assert!(is_convicted, "{flaw:?} was not found");
    }
}

struct Wrong {
    store: MemoryStore,
    flaw: Flaw,
}

impl Wrong {
    async fn live(&self, key: &RowKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        Ok(match self.store.load(key, now).await? {
            Some(Loaded::Live(record)) => Some(record),
            _ => None,
        })
    }

    async fn replace(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.delete(key, now).await?;
        self.store.create(key, record, now).await?;
        Ok(())
    }
}

impl Store for Wrong {
    fn protection(&self) -> Protection {
        self.store.protection()
    }

    async fn load(&self, key: &RowKey, now: Timestamp) -> Result<Option<Loaded>, StoreError> {
        let now = match self.flaw {
            Flaw::ExpiryIsIgnored => Timestamp::from_unix_seconds(0),
            _ => now,
        };
        self.store.load(key, now).await
    }

    async fn create(
        &self,
        key: &RowKey,
        record: &Record,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        if matches!(self.flaw, Flaw::CreateReplaces) {
            self.replace(key, record, now).await?;
            return Ok(Created::Applied);
        }
        self.store.create(key, record, now).await
    }

    async fn commit(
        &self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        let mut commit = commit.clone();
        match self.flaw {
            Flaw::CommitIgnoresGuards => commit.guards.clear(),
            Flaw::CommitInserts if self.store.load(key, now).await?.is_none() => {
                let mut record = Record::new(now, commit.touch.expires_at);
                commit.apply(&mut record);
                self.store.create(key, &record, now).await?;
            }
            Flaw::CommitOverwritesTheRecord => {
                if let Some(record) = self.live(key, now).await? {
                    commit.remove = record
                        .fields
                        .iter()
                        .map(|(name, _)| name.clone())
                        .filter(|name| commit.set.iter().all(|(set, _)| set != name))
                        .collect();
                }
            }
            _ => {}
        }
        self.store.commit(key, &commit, now).await
    }

    async fn rotate(
        &self,
        old: &RowKey,
        new: &RowKey,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        let mut rotation = rotation.clone();
        match self.flaw {
            Flaw::RotationExpectsNothing => rotation.expected = None,
            Flaw::RotationLeavesNoWay => rotation.forward = None,
            Flaw::RotationCopies if self.live(old, now).await?.is_some() => {
                self.store.create(new, &rotation.record, now).await?;
                return Ok(Rotated::Applied);
            }
            _ => {}
        }
        self.store.rotate(old, new, &rotation, now).await
    }

    async fn touch(
        &self,
        key: &RowKey,
        touch: &Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        let touched = self.store.touch(key, touch, now).await?;
        if let Some(mut record) = self.live(key, now).await? {
            match self.flaw {
                Flaw::TouchGoesBack => record.expires_at = touch.expires_at,
                Flaw::TouchRaisesTheRevision => record.revision += 1,
                _ => return Ok(touched),
            }
            self.replace(key, &record, now).await?;
        }
        Ok(touched)
    }

    async fn delete(&self, key: &RowKey, now: Timestamp) -> Result<Option<Forward>, StoreError> {
        match self.flaw {
            Flaw::DeleteIsLost => Ok(None),
            Flaw::DeleteForgetsTheSuccessor => {
                self.store.delete(key, now).await?;
                Ok(None)
            }
            _ => self.store.delete(key, now).await,
        }
    }

    async fn sessions_of(
        &self,
        index: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Record)>, StoreError> {
        match self.flaw {
            Flaw::IndexIsEmpty => Ok(Vec::new()),
            _ => self.store.sessions_of(index, now).await,
        }
    }

    async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        let now = match self.flaw {
            Flaw::SweepFreesEverything => Timestamp::from_unix_seconds(u64::MAX),
            _ => now,
        };
        self.store.sweep(limit, now).await
    }
}
