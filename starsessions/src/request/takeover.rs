//! Sessions of another library, from requests without a session of ours.

use std::sync::Arc;

use http::HeaderMap;

use super::explain::Explanation;
use super::slot::Slot;
use crate::clock::Timestamp;
use crate::cookie;
use crate::engine::Presented;
use crate::error::SessionError;
use crate::store::StoreError;

/// The values of another library's cookie.
pub(super) type FormerCookies = Arc<[Box<[u8]>]>;

impl Slot {
    /// The cookies of another library's sessions, where they are taken over.
    pub(super) fn former_cookies(&self, headers: &HeaderMap) -> Option<FormerCookies> {
        let takeover = self.realm().takeover.as_ref()?;
        let cookies = cookie::candidates(headers, takeover.source.cookie_name());
        let values = cookies.values().iter().map(|value| Box::from(*value));
        // With too many values, the first ones would decide which session it is: none is kept.
        let values = values.filter(|_| !cookies.is_overfull);
        (!cookies.is_empty()).then(|| values.collect())
    }

    /// Takes over the session that these cookies lead to, if the request has none of ours.
    pub(super) async fn take_over(
        &self,
        presented: Result<Presented, StoreError>,
        cookies: Option<FormerCookies>,
        now: Timestamp,
    ) -> Result<Result<Presented, StoreError>, SessionError> {
        let realm = self.realm();
        let (Some(takeover), Some(cookies), Ok(Presented::Nobody(why))) =
            (&realm.takeover, cookies, &presented)
        else {
            return Ok(presented);
        };
        if takeover.is_over(now) {
            return Ok(presented);
        }
        if cookies.is_empty() {
            self.state().brought.too_many = true;
            return Ok(Ok(Presented::Ambiguous(Vec::new())));
        }
        match realm.engine.take_over(takeover, &cookies, now).await {
            Ok(Presented::Nobody(_)) => Ok(Ok(Presented::Nobody(*why))),
            Ok(found) => {
                if matches!(found, Presented::Live(..)) {
                    self.explain(Explanation::taken_over);
                    #[cfg(feature = "dbsc")]
                    self.invite_device();
                }
                Ok(Ok(found))
            }
            Err(SessionError::Unavailable(error)) => Ok(Err(match Arc::try_unwrap(error) {
                Ok(error) => error,
                Err(error) => StoreError::Unavailable(error.to_string().into()),
            })),
            Err(error) => Err(error),
        }
    }
}
