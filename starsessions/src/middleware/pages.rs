//! Answers of the library itself: a sentence each, or pages of the application.

use std::any::{Any, type_name};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, Entry,
    LAST_MODIFIED, SET_COOKIE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};

use super::caches;
use super::future::{Failed, Rejected};
use crate::csrf::CsrfRejection;
use crate::error::SessionError;
use crate::request::{Slot, address};
use crate::sentence::{debug_as_name, sentences};
use crate::session::SessionRejection;

/// Why the library answers in the place of a handler: what a [page](crate::SessionLayerBuilder::on_rejection) is made for.
#[derive(Debug)]
#[non_exhaustive]
pub enum Rejection {
    /// A guest where a user is expected, a session that could not be read or written, a mistake of the application.
    Session(SessionRejection),
    /// A request that another site may have caused.
    Csrf(CsrfRejection),
}

impl Rejection {
    /// The status that answers it, unless a page has another one.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Session(rejection) => rejection.status(),
            Self::Csrf(rejection) => rejection.status(),
        }
    }

    /// A sentence for the user, where `Display` is for developers.
    #[must_use]
    pub fn message(&self) -> &'static str {
        match self {
            Self::Session(rejection) => rejection.message(),
            Self::Csrf(rejection) => rejection.message(),
        }
    }
}

sentences! { Rejection:
    Self::Session(rejection) => "{rejection}", from rejection;
    Self::Csrf(rejection) => "{rejection}", from rejection;
}

impl From<SessionRejection> for Rejection {
    fn from(rejection: SessionRejection) -> Self {
        Self::Session(rejection)
    }
}

impl From<CsrfRejection> for Rejection {
    fn from(rejection: CsrfRejection) -> Self {
        match rejection {
            CsrfRejection::Session(rejection) => Self::Session(rejection),
            rejection => Self::Csrf(rejection),
        }
    }
}

impl From<SessionError> for Rejection {
    fn from(error: SessionError) -> Self {
        Self::Session(error.into())
    }
}

/// Makes the application's pages, for responses with one body type.
#[derive(Clone)]
pub(super) struct Pages {
    /// A `Page<B>`.
    make: Arc<dyn Any + Send + Sync>,
    body: &'static str,
}

type Page<B> = Box<dyn Fn(&Rejection, &Parts) -> Response<B> + Send + Sync>;

/// The pages, and the request that one of them may be made for.
pub(super) struct Asked {
    pages: Pages,
    head: Parts,
}

/// Marks a response that has its page, so that an outer layer makes no other one. Holds the status before the page,
/// which decides what is written.
#[derive(Clone, Copy)]
pub(super) struct HasPage(pub(super) StatusCode);

impl Pages {
    pub(super) fn new<B: 'static>(
        make: impl Fn(&Rejection, &Parts) -> Response<B> + Send + Sync + 'static,
    ) -> Self {
        let make: Page<B> = Box::new(make);
        Self {
            make: Arc::new(make),
            body: type_name::<B>(),
        }
    }

    pub(super) fn ask<B>(&self, request: &Request<B>) -> Box<Asked> {
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = request.method().clone();
        head.uri = address(request).clone();
        head.version = request.version();
        head.headers = request.headers().clone();
        let pages = self.clone();
        Box::new(Asked { pages, head })
    }
}

impl Asked {
    fn make<B: 'static>(&self, slot: &Slot, rejection: &Rejection) -> Option<Response<B>> {
        let Some(make) = self.pages.make.downcast_ref::<Page<B>>() else {
            let reporter = &slot.realm().reporter;
            reporter.page_of_another_type(self.pages.body, type_name::<B>());
            return None;
        };
        let mut page = make(rejection, &self.head);
        page.headers_mut().insert(CACHE_CONTROL, caches::FORBIDDEN);
        page.extensions_mut().insert(HasPage(rejection.status()));
        Some(page)
    }

    /// The response as it is, or with a page if it is an answer of the library. Headers of middleware inside the layer
    /// stay, such as cookies and CORS headers.
    pub(super) fn show<B: 'static>(&self, slot: &Slot, response: Response<B>) -> Response<B> {
        let extensions = response.extensions();
        if extensions.get::<HasPage>().is_some() {
            return response;
        }
        let rejection = match (extensions.get(), extensions.get()) {
            (Some(Rejected(rejection)), _) => Arc::clone(rejection),
            (None, Some(Failed(error))) => Arc::new(error.clone().into()),
            (None, None) => return response,
        };
        if rejection.status().is_redirection() {
            return response;
        }
        let Some(page) = self.make::<B>(slot, &rejection) else {
            return response;
        };
        let (mut head, _) = response.into_parts();
        let (page, body) = page.into_parts();
        let before = std::mem::replace(&mut head.status, page.status);
        OF_A_BODY.iter().for_each(|name| {
            head.headers.remove(name);
        });
        put_over(&mut head.headers, page.headers);
        head.extensions.extend(page.extensions);
        head.extensions.insert(HasPage(before));
        Response::from_parts(head, body)
    }
}

/// The response that replaces a handler's, because the session could not be written.
pub(super) fn answer<B: Default + 'static>(
    asked: Option<&Asked>,
    slot: &Slot,
    error: &SessionError,
) -> Response<B> {
    let page = asked.and_then(|asked| asked.make(slot, &Rejection::from(error.clone())));
    page.unwrap_or_else(|| {
        let mut response = Response::new(B::default());
        *response.status_mut() = error.status();
        if write(response.body_mut(), error.message()) {
            response.headers_mut().insert(CONTENT_TYPE, TEXT);
        }
        response
    })
}

/// Makes a sentence the body, if the body's type is known.
fn write<B: 'static>(body: &mut B, sentence: &'static str) -> bool {
    let body: &mut dyn Any = body;
    #[cfg(feature = "axum")]
    if let Some(body) = body.downcast_mut::<axum::body::Body>() {
        *body = sentence.into();
        return true;
    }
    if let Some(body) = body.downcast_mut::<Bytes>() {
        *body = Bytes::from_static(sentence.as_bytes());
        return true;
    }
    match body.downcast_mut::<String>() {
        Some(body) => sentence.clone_into(body),
        None => return false,
    }
    true
}

/// Replaces headers of the same names, except for cookies, which are added.
fn put_over(headers: &mut HeaderMap, mut with: HeaderMap) {
    if let Entry::Occupied(cookies) = with.entry(SET_COOKIE) {
        for cookie in cookies.remove_entry_mult().1 {
            headers.append(SET_COOKIE, cookie);
        }
    }
    headers.extend(with);
}

debug_as_name!(Pages);

/// The headers that describe the replaced body (RFC 9110, section 8).
const OF_A_BODY: [HeaderName; 6] = [
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    ETAG,
    LAST_MODIFIED,
];
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
