//! How many sessions a server holds.

use redis::Value;

use super::failure::{failed, malformed};
use super::rows::{Rows, SESSION};
use super::{packed, scripts};
use crate::clock::Timestamp;
use crate::store::{StoreCounts, StoreError};

impl Rows {
    /// A key that is there all the time is met, and maybe twice: the walk is the server's `SCAN`.
    pub(super) async fn count(&self, now: Timestamp) -> Result<StoreCounts, StoreError> {
        if self.link.is_cluster() {
            let cure = "the sessions of a Cluster are not counted; ask its nodes for their keys";
            return Err(StoreError::Unavailable(cure.into()));
        }
        let mut counts = StoreCounts::default();
        let mut cursor = b"0".to_vec();
        loop {
            let (next, keys) = self.scan(&cursor).await?;
            for head in self.heads(&keys).await? {
                if let Some((deadline, last_seen, is_listed)) = packed::glance(&head) {
                    counts.add(deadline, last_seen, is_listed, now);
                }
            }
            if next == b"0" {
                return Ok(counts);
            }
            cursor = next;
        }
    }

    async fn scan(&self, cursor: &[u8]) -> Result<(Vec<u8>, Vec<Vec<u8>>), StoreError> {
        let pattern = [&literal(&self.prefix), SESSION, "*"].concat();
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern);
        let found = self.link.send(scan.arg("COUNT").arg(SCANNED));
        let found = found.await.value.map_err(failed)?;
        redis::from_redis_value(found).map_err(|_| malformed())
    }

    async fn heads(&self, keys: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = [packed::GLANCE.to_string().into_bytes()];
        let found: Value = self
            .link
            .run(&scripts::HEADS, keys, &wanted)
            .await
            .value
            .map_err(failed)?;
        redis::from_redis_value(found).map_err(|_| malformed())
    }
}

/// A prefix as a pattern that stands for itself alone.
fn literal(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len());
    for character in prefix.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// How many keys the server looks at in one step.
const SCANNED: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stands_for_itself_alone() {
        assert_eq!(literal("shop:"), "shop:");
        assert_eq!(literal("{a}*?[b]\\"), "{a}\\*\\?\\[b\\]\\\\");
    }
}
