//! Any source, as a layer holds it: each call has a limit.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::{FormerSession, Source};
use crate::clock::Timestamp;
use crate::store::{StoreError, within};

pub(crate) struct ErasedSource(Box<dyn Calls>);

/// A session that was found, and the cookie that leads to it.
pub(crate) struct Found {
    pub(crate) cookie: String,
    pub(crate) former: Option<FormerSession>,
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

trait Calls: Send + Sync + 'static {
    fn cookie_name(&self) -> &str;
    fn id<'c>(&self, cookie: &'c str) -> &'c str;
    fn find<'a>(&'a self, cookie: &'a str, now: Timestamp) -> Answer<'a, Option<FormerSession>>;
    fn remove<'a>(&'a self, cookie: &'a str) -> Answer<'a, ()>;
}

impl<S: Source> Calls for S {
    fn cookie_name(&self) -> &str {
        Source::cookie_name(self)
    }

    fn id<'c>(&self, cookie: &'c str) -> &'c str {
        Source::id(self, cookie)
    }

    fn find<'a>(&'a self, cookie: &'a str, now: Timestamp) -> Answer<'a, Option<FormerSession>> {
        Box::pin(Source::find(self, cookie, now))
    }

    fn remove<'a>(&'a self, cookie: &'a str) -> Answer<'a, ()> {
        Box::pin(Source::remove(self, cookie))
    }
}

impl ErasedSource {
    pub(super) fn new(source: impl Source) -> Self {
        Self(Box::new(source))
    }

    pub(crate) fn cookie_name(&self) -> &str {
        self.0.cookie_name()
    }

    pub(crate) fn id<'c>(&self, cookie: &'c str) -> &'c str {
        self.0.id(cookie)
    }

    /// What a cookie leads to; `None` if its value cannot be one of the other library's.
    pub(crate) async fn find(
        &self,
        cookie: &[u8],
        now: Timestamp,
        limit: Duration,
    ) -> Result<Option<Found>, StoreError> {
        let Ok(cookie) = std::str::from_utf8(cookie) else {
            return Ok(None);
        };
        if cookie.is_empty() || cookie.len() > LONGEST {
            return Ok(None);
        }
        let former = within(limit, self.0.find(cookie, now)).await?;
        Ok(Some(Found {
            cookie: cookie.to_owned(),
            former: former.filter(|former| now < former.expires_at),
        }))
    }

    pub(crate) async fn remove(&self, cookie: &str, limit: Duration) -> Result<(), StoreError> {
        within(limit, self.0.remove(cookie)).await
    }
}

/// RFC 6265bis, section 5.7: a browser keeps no longer one.
const LONGEST: usize = 4096;
