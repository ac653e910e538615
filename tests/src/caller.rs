//! A browser: it sends requests through a session layer and keeps the cookie that it is given.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::handler::Handler;
use axum::routing::any;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use starsessions::{BrowserOnly, CurrentSession, Session, SessionData, SessionLayer};
use tokio::sync::oneshot;
use tower::ServiceExt;

/// A browser, or one of its tabs: clones begin with the same cookie.
#[derive(Clone, Debug)]
pub struct Caller {
    layer: SessionLayer,
    cookie: Option<HeaderValue>,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as text.
    pub body: String,
}

impl Caller {
    /// A browser without a cookie, in front of this layer.
    #[must_use]
    pub fn new(layer: SessionLayer) -> Self {
        Self {
            layer,
            cookie: None,
        }
    }

    /// The same browser in front of another layer: a newer binary over the same store.
    #[must_use]
    pub fn over(&self, layer: SessionLayer) -> Self {
        Self {
            layer,
            cookie: self.cookie.clone(),
        }
    }

    /// The session cookie, as `name=value`.
    #[must_use]
    pub fn cookie(&self) -> Option<&HeaderValue> {
        self.cookie.as_ref()
    }

    /// Puts a cookie in the place of the one that it has.
    pub fn set_cookie(&mut self, cookie: Option<HeaderValue>) {
        self.cookie = cookie;
    }

    /// Sends one request to a handler behind the layer.
    pub async fn visit<H, X>(&mut self, handler: H) -> Reply
    where
        H: Handler<X, ()>,
        X: 'static,
    {
        self.go(Router::new().route("/", any(handler))).await
    }

    /// Sends one request to `/` of an app, which is put behind the layer.
    pub async fn go(&mut self, app: Router) -> Reply {
        let reply = send(app.layer(self.layer.clone()), self.cookie.as_ref()).await;
        if let Some(cookie) = reply.cookie() {
            self.cookie = (!cookie.ends_with('=')).then(|| cookie.parse().unwrap());
        }
        reply
    }

    /// Has a handler do this to a view, and returns what it says.
    ///
    /// # Panics
    /// If the request is not answered with 200.
    pub async fn with<T, R>(&mut self, act: impl FnOnce(&mut Session<T>) -> R + Send + 'static) -> R
    where
        T: SessionData,
        R: Send + 'static,
    {
        let (act, said) = (Once::new(act), Once::empty());
        let keep = said.clone();
        let reply = self
            .visit(async move |mut view: Session<T>| keep.put(act.take()(&mut view)))
            .await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        said.take()
    }

    /// Has a handler insert a view.
    ///
    /// # Panics
    /// If the request is not answered with 200.
    pub async fn insert<T: SessionData>(&mut self, view: T) -> Reply {
        let view = Once::new(view);
        let reply = self
            .visit(async move |session: CurrentSession<BrowserOnly>| session.insert(view.take()))
            .await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        reply
    }

    /// Has two tabs do this at the same time: `mine` has loaded its view, then `theirs` comes and
    /// goes, then `mine` writes.
    ///
    /// # Panics
    /// If the request that overtakes is not answered with 200.
    pub async fn overtaken<T: SessionData>(
        &mut self,
        theirs: impl FnOnce(&mut Session<T>) + Send + 'static,
        mine: impl FnOnce(&mut Session<T>) + Send + 'static,
    ) -> Reply {
        let mut other = self.clone();
        self.held(mine, async move { other.with(theirs).await })
            .await
    }

    /// Sends a request whose handler waits, with its view loaded, until `meanwhile` is over.
    ///
    /// # Panics
    /// If the view is not extracted.
    pub async fn held<T: SessionData>(
        &mut self,
        mine: impl FnOnce(&mut Session<T>) + Send + 'static,
        meanwhile: impl Future<Output = ()>,
    ) -> Reply {
        let (loaded, is_loaded) = oneshot::channel();
        let (resume, may_resume) = oneshot::channel::<()>();
        let parts = Once::new((mine, loaded, may_resume));
        let slow = self.visit(async move |mut view: Session<T>| {
            let (mine, loaded, may_resume) = parts.take();
            loaded.send(()).unwrap();
            may_resume.await.unwrap();
            mine(&mut view);
        });
        let meanwhile = async {
            is_loaded.await.expect("the view is extracted");
            meanwhile.await;
            resume.send(()).unwrap();
        };
        tokio::join!(slow, meanwhile).0
    }
}

impl Reply {
    /// The session cookie that this reply sets, as `name=value`; nothing after `=` removes it.
    #[must_use]
    pub fn cookie(&self) -> Option<&str> {
        let header = self.headers.get(SET_COOKIE)?.to_str().unwrap();
        Some(header.split(';').next().unwrap_or(header))
    }

    /// Where this reply sends the browser.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }
}

/// Sends one request to `/` of an app with this cookie.
///
/// # Panics
/// If the body is not text.
pub async fn send(app: Router, cookie: Option<&HeaderValue>) -> Reply {
    let mut request = Request::new(Body::empty());
    if let Some(cookie) = cookie {
        request.headers_mut().insert(COOKIE, cookie.clone());
    }
    let Ok(response) = app.oneshot(request).await;
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Reply {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

/// What a handler takes once, although a handler could be called again.
#[derive(Debug)]
pub struct Once<T>(Arc<Mutex<Option<T>>>);

impl<T> Once<T> {
    /// Holds this.
    pub fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(Some(value))))
    }

    /// Holds nothing yet.
    #[must_use]
    pub fn empty() -> Self {
        Self(Arc::default())
    }

    /// Puts something in.
    pub fn put(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    /// Takes it out.
    ///
    /// # Panics
    /// If there is nothing.
    #[must_use]
    pub fn take(&self) -> T {
        let value = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        value.expect("it is taken once")
    }
}

impl<T> Clone for Once<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
