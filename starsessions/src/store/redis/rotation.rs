//! A session that moves to a new key, on a server that has both keys.

use redis::Value;

use super::failure::{contended, malformed};
use super::index::left_behind;
use super::link::Script;
use super::packed;
use super::rows::{MAX_ATTEMPTS, Rows, encoded, end_of_key, row_of, touched_since};
use crate::clock::Timestamp;
use crate::store::again::{self, Answer};
use crate::store::{Result, Rotated, Rotation, Row};

impl Rows {
    pub(super) async fn rotate(&self, rotation: Rotation<'_>, now: Timestamp) -> Result<Rotated> {
        if self.link.is_cluster() {
            return Ok(Rotated::Unsupported);
        }
        let Rotation { old, seen, new, .. } = rotation;
        self.file(old, Some(seen), rotation.left, now).await?;
        let filed = self.file(new, None, rotation.row, now).await?;
        let mut found = self.stored(old, seen, now).await?;
        let (mut expired, mut is_repeated) = (None, false);
        for _ in 0..MAX_ATTEMPTS {
            let rotated = match touched_since(found, seen, now) {
                Err(other) => other.map_or(Rotated::Gone, Rotated::Stale),
                Ok(stored) => {
                    let moved = self.move_row(rotation, &stored, expired.as_ref()).await?;
                    is_repeated |= moved.is_repeated;
                    match moved.value {
                        Ok(()) => {
                            self.file_again(filed, new, rotation.row, now).await?;
                            return Ok(Rotated::Rotated);
                        }
                        Err(Refusal::Old(other)) => {
                            found = other;
                            continue;
                        }
                        Err(Refusal::New(Some(other))) if other.is_live(now) => Rotated::Exists,
                        Err(Refusal::New(other)) => {
                            (found, expired) = (Some(stored), other);
                            continue;
                        }
                    }
                }
            };
            return match is_repeated {
                true => again::rotated(rotated, &rotation, self.fetch(new).await?.as_ref()),
                false => Ok(rotated),
            };
        }
        Err(contended())
    }

    /// Moves the row, if exactly the stored one is under the old key and nothing else under the new one.
    async fn move_row(
        &self,
        rotation: Rotation<'_>,
        stored: &Row,
        expired: Option<&Row>,
    ) -> Result<Answer<Result<(), Refusal>>> {
        let Rotation {
            old, seen, left, ..
        } = rotation;
        let row = rotation.row.in_place_of(stored, seen);
        let mut keys = vec![self.name(old), self.name(rotation.new)];
        keys.extend(left_behind(seen, left).map(|index_key| self.index_name(index_key)));
        let arguments = (
            packed::head(stored),
            packed::pack(left),
            end_of_key(left.deadline),
            packed::pack(&row),
            end_of_key(row.deadline),
            expired.map(packed::head).unwrap_or_default(),
            encoded(old.as_bytes()),
        );
        let answer = self.link.run(&ROTATE, &keys, arguments).await;
        let is_repeated = answer.is_repeated;
        let value = match answer.read()? {
            Value::Okay => Ok(()),
            Value::Array(parts) => match <[Value; 2]>::try_from(parts) {
                Ok([Value::Int(1), found]) => Err(Refusal::Old(row_of(found)?)),
                Ok([_, found]) => Err(Refusal::New(row_of(found)?)),
                Err(_) => return Err(malformed()),
            },
            _ => return Err(malformed()),
        };
        Ok(Answer { value, is_repeated })
    }
}

/// What stands in the way of a rotation, and under which key.
enum Refusal {
    Old(Option<Row>),
    New(Option<Row>),
}

// old key, new key, the indexes that the session leaves; head of the row that was read under the old key, what
// stays there, its end, the row for the new key, its end, head of an expired row under the new key or nothing:
// then all of it is compared; the session's entry.
// Returns OK, {1, what is under the old key instead} or {2, what is under the new key already}.
static ROTATE: Script = Script::new(
    r"
local call, old, new, head, taken = redis.call, KEYS[1], KEYS[2], ARGV[1], ARGV[6]
if call('GETRANGE', old, 0, #head - 1) ~= head then return {1, call('GET', old)} end
if call('GETRANGE', new, 0, #taken - 1) ~= taken then return {2, call('GET', new)} end
call('SET', new, ARGV[4], 'EXAT', ARGV[5])
call('SET', old, ARGV[2], 'EXAT', ARGV[3])
for i = 3, #KEYS do redis.pcall('ZREM', KEYS[i], ARGV[7]) end
return redis.status_reply('OK')
",
);
