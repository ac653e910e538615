//! A source of any type, as a layer holds it: each call has a time limit.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::{FormerSession, Source};
use crate::clock::Timestamp;
use crate::store::{StoreError, within};

/// A session that was found, and the cookie that leads to it.
pub(crate) struct Found {
    pub(crate) cookie: String,
    pub(crate) former: Option<FormerSession>,
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

pub(crate) trait ErasedSource: Send + Sync + 'static {
    fn cookie_name(&self) -> &str;

    fn id<'c>(&self, cookie: &'c str) -> &'c str;

    /// The session that a cookie leads to; `None` if the cookie's value cannot be the other library's.
    fn find<'a>(
        &'a self,
        cookie: &'a [u8],
        now: Timestamp,
        limit: Duration,
    ) -> Answer<'a, Option<Found>>;

    fn remove<'a>(&'a self, cookie: &'a str, limit: Duration) -> Answer<'a, ()>;
}

impl<S: Source> ErasedSource for S {
    fn cookie_name(&self) -> &str {
        Source::cookie_name(self)
    }

    fn id<'c>(&self, cookie: &'c str) -> &'c str {
        Source::id(self, cookie)
    }

    fn find<'a>(
        &'a self,
        cookie: &'a [u8],
        now: Timestamp,
        limit: Duration,
    ) -> Answer<'a, Option<Found>> {
        Box::pin(async move {
            let text = std::str::from_utf8(cookie).ok();
            let Some(cookie) = text.filter(|it| (1..=LONGEST).contains(&it.len())) else {
                return Ok(None);
            };
            let former = within(limit, Source::find(self, cookie, now)).await?;
            Ok(Some(Found {
                cookie: cookie.to_owned(),
                former: former.filter(|former| now < former.expires_at),
            }))
        })
    }

    fn remove<'a>(&'a self, cookie: &'a str, limit: Duration) -> Answer<'a, ()> {
        Box::pin(within(limit, Source::remove(self, cookie)))
    }
}

/// RFC 6265bis, section 5.7: the most bytes that a browser keeps of a cookie.
const LONGEST: usize = 4096;
