//! Sessions of another library become ours.
//!
//! The id in the former cookie and the deployment's key give a token that no browser ever gets. Of several requests at
//! once, one inserts the row of this token. The row is the way to the new session, and carries that session until it
//! has a row of its own (see [`by_parts`](super::by_parts)). All of these requests follow the way, so one session
//! results, whatever fails. The row stays as long as a copy of the former cookie would be valid.

use std::sync::Arc;
use std::time::Duration;

use super::server_side::ServerSide;
use super::vault::unlisted;
use super::ways::left_with;
use super::{Engine, Presented};
use crate::clock::Timestamp;
use crate::crypto::{ReferenceToken, WayKind};
use crate::error::SessionError;
use crate::lifecycle::changes::Changes;
use crate::lifecycle::plan::{Plan, Step};
use crate::observe::{Name, Refusal};
use crate::store::{Inserted, StoreError};
use crate::takeover::{FormerSession, Found, TakeOver, Taken};

impl Engine {
    /// The new session for these cookies of another library. Cookies that lead to two sessions are ambiguous, as two of
    /// ours are.
    pub(crate) async fn take_over(
        &self,
        takeover: &TakeOver,
        cookies: &[Box<[u8]>],
        now: Timestamp,
    ) -> Result<Presented, SessionError> {
        let Self::Server(server) = self else {
            return Ok(Presented::Nobody(None));
        };
        let mut all = Vec::with_capacity(cookies.len());
        for cookie in cookies {
            let limit = server.vault.store.timeout();
            let found = takeover.source.find(cookie, now, limit).await;
            let found = found.inspect_err(|error| server.vault.store.report(error, now))?;
            if let Some(found) = found {
                all.push(server.take_over(takeover, found, now).await?);
            }
        }
        Ok(Presented::of_several(all))
    }
}

impl ServerSide {
    async fn take_over(
        &self,
        takeover: &TakeOver,
        found: Found,
        now: Timestamp,
    ) -> Result<Presented, SessionError> {
        let (name, id) = (
            takeover.source.cookie_name(),
            takeover.source.id(&found.cookie),
        );
        let tokens = ReferenceToken::of_former(&self.context.keys, name, id.as_bytes());
        let mut known = None;
        for token in &tokens {
            let row = self.vault.store.load(token.row_key(), now).await?;
            // Some stores still have a row for a while that has reached its deadline.
            if row.is_some_and(|row| row.is_live(now)) {
                known = Some(token);
                break;
            }
        }
        let token = match (known, tokens.first(), &found.former) {
            (Some(token), ..) => token,
            (None, Some(token), Some(former)) => {
                let (checks, realm) = (self.context.policy.checks(), &self.context.observer.realm);
                let taken = takeover.take(former, checks, realm)?;
                if taken.changes.is_empty() || !self.begin_from(former, token, taken, now).await? {
                    return Ok(Presented::Nobody(Some(Refusal::Unknown)));
                }
                token
            }
            _ => return Ok(Presented::Nobody(Some(Refusal::Unknown))),
        };
        let presented = self.resolve(token.encode().as_bytes(), now).await?;
        if found.former.is_some() {
            // The session is ours by now: if this fails, the next request with the cookie removes the original.
            let limit = self.vault.store.timeout();
            if let Err(error) = takeover.source.remove(&found.cookie, limit).await {
                tracing::warn!(%error, "a session that was taken over could not be removed where it came from");
            }
        }
        Ok(presented)
    }

    /// Writes the way to the new session, unless another request has; `false` if the session is too old.
    async fn begin_from(
        &self,
        former: &FormerSession,
        token: &Arc<ReferenceToken>,
        taken: Taken,
        now: Timestamp,
    ) -> Result<bool, SessionError> {
        let mut changes = Changes::default();
        changes.replace(taken.changes, false);
        let plan = Plan {
            changes,
            remember: taken.remember,
            ..Plan::new(Step::Create, now)
        };
        let mut record = self.context.begin(&plan)?;
        let policy = &self.context.policy;
        record.created_at = former.created_at.unwrap_or(now).min(now);
        record.expires_at = policy.deadline(&record, now);
        record.rewrite(Vec::new());
        if !policy.is_live(&record, now) {
            return Ok(false);
        }
        let way = token.succeed(WayKind::Forward, now + GRACE, &self.context.keys)?;
        let row = self.row(&way.successor, &record)?;
        let mut left = left_with(token, &way, &row, &row, unlisted(record.identified))?;
        left.deadline = left.deadline.max(former.expires_at);
        self.reserve(&way, &row, now).await?;
        let inserted = self.vault.store.insert(token.row_key(), &left, now).await;
        // After any other error, the way may have been written.
        if matches!(inserted, Ok(Inserted::Exists) | Err(StoreError::Full)) {
            self.give_back(&way, now).await;
        }
        if inserted? == Inserted::Inserted {
            let observer = &self.context.observer;
            observer.created(Name::Token(&way.successor), &record, false);
        }
        Ok(true)
    }
}

/// How long the former cookie leads to the new session: a browser that has lost the response with the new cookie comes
/// back with the former one.
const GRACE: Duration = Duration::from_secs(5 * 60);
