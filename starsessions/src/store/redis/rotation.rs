//! A session that moves to a new key, on a server that has both keys.

use redis::Value;

use super::failure::{contended, failed, malformed};
use super::index::{entry_of, left_behind};
use super::rows::{MAX_ATTEMPTS, Rows, end_of_key, row_of, touched_since};
use super::{packed, scripts};
use crate::clock::Timestamp;
use crate::store::again::{self, Answer};
use crate::store::{Rotated, Rotation, Row, StoreError};

impl Rows {
    pub(super) async fn rotate(
        &self,
        rotation: Rotation<'_>,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        if self.link.is_cluster() {
            return Ok(Rotated::Unsupported);
        }
        let Rotation { old, seen, new, .. } = rotation;
        self.file(old, Some(seen), rotation.left, now).await?;
        let filed = self.file(new, None, rotation.row, now).await?;
        let mut stored = self.stored(old, seen, now).await?;
        let (mut expired, mut is_repeated) = (None, false);
        for _ in 0..MAX_ATTEMPTS {
            let rotated = match stored {
                Err(other) => other.map_or(Rotated::Gone, Rotated::Stale),
                Ok(ref row) => {
                    let answer = self.move_row(rotation, row, expired.as_ref()).await?;
                    is_repeated |= answer.is_repeated;
                    match answer.value {
                        Ok(()) => {
                            self.file_again(filed, new, rotation.row, now).await?;
                            return Ok(Rotated::Rotated);
                        }
                        Err(Refusal::Old(found)) => {
                            stored = touched_since(found, seen, now);
                            continue;
                        }
                        Err(Refusal::New(Some(other))) if other.is_live(now) => Rotated::Exists,
                        Err(Refusal::New(other)) => {
                            expired = other;
                            continue;
                        }
                    }
                }
            };
            if is_repeated {
                let found = self.fetch(new).await?;
                return again::rotated(rotated, &rotation, found.as_ref());
            }
            return Ok(rotated);
        }
        Err(contended())
    }

    /// Moves the row, if exactly the stored one is under the old key and nothing else under the new one.
    async fn move_row(
        &self,
        rotation: Rotation<'_>,
        stored: &Row,
        expired: Option<&Row>,
    ) -> Result<Answer<Result<(), Refusal>>, StoreError> {
        let Rotation {
            old, seen, left, ..
        } = rotation;
        let row = rotation.row.in_place_of(stored, seen);
        let mut keys = vec![self.name(old), self.name(rotation.new)];
        keys.extend(left_behind(seen, left).map(|index_key| self.index_name(index_key)));
        let arguments = [
            packed::head(stored),
            packed::pack(left),
            end_of_key(left.deadline),
            packed::pack(&row),
            end_of_key(row.deadline),
            expired.map(packed::head).unwrap_or_default(),
            entry_of(old),
        ];
        let Answer { value, is_repeated } =
            self.link.run(&scripts::ROTATE, &keys, &arguments).await;
        let value = match value.map_err(failed)? {
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
