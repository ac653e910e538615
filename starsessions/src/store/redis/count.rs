//! How many sessions a server holds.

use super::link::Script;
use super::rows::{ENCODED, Rows, SESSION};
use crate::clock::Timestamp;
use crate::store::{Result, StoreCounts, StoreError, packed};

impl Rows {
    /// Counts by the server's `SCAN`: a key that exists all the time is counted, and may be counted twice.
    pub(super) async fn count(&self, now: Timestamp) -> Result<StoreCounts> {
        if self.link.is_cluster {
            let cure = "the sessions of a Cluster are not counted; ask its nodes for their keys";
            return Err(StoreError::Unavailable(cure.into()));
        }
        // Of the length of a key, because another store's prefix may be longer, and begin with these characters.
        let pattern = literal(&self.prefix) + SESSION + &"?".repeat(ENCODED);
        let (mut counts, mut cursor) = (StoreCounts::default(), 0_u64);
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern);
            let scanned = self.link.send(scan.arg("COUNT").arg(SCANNED)).await;
            let (next, keys): (_, Vec<Vec<u8>>) = scanned.read()?;
            if !keys.is_empty() {
                let heads = self.link.run(&HEADS, &keys, packed::GLANCE).await;
                for head in heads.read::<Vec<Vec<u8>>>()? {
                    if let Some((head, is_listed)) = packed::glance(&mut &*head) {
                        counts.add(&head, is_listed, now);
                    }
                }
            }
            if next == 0 {
                return Ok(counts);
            }
            cursor = next;
        }
    }
}

/// A pattern that matches the prefix literally.
fn literal(prefix: &str) -> String {
    let escape = |character| {
        let is_special = matches!(character, '*' | '?' | '[' | ']' | '^' | '\\');
        is_special.then_some('\\').into_iter().chain([character])
    };
    prefix.chars().flat_map(escape).collect()
}

/// How many keys the server looks at in one step.
const SCANNED: u32 = 1000;

// keys of rows; how many bytes of each to return. Not for a Cluster.
// Returns the beginnings of the values that are strings.
static HEADS: Script = Script::new(
    r"
local found = {}
for _, key in ipairs(KEYS) do
    local head = redis.pcall('GETRANGE', key, 0, ARGV[1] - 1)
    if type(head) == 'string' then found[#found + 1] = head end
end
return found
",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stands_for_itself_alone() {
        assert_eq!(literal("shop:"), "shop:");
        assert_eq!(literal("{a}*?[b]\\"), "{a}\\*\\?\\[b\\]\\\\");
    }
}
