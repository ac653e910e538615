//! Requests to handlers that a test passes in.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use crate::routing::any;
use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use starsessions::testing::TestSessions;
use starsessions::{CurrentSession, Session, SessionData, SessionLayer};
use tokio::sync::oneshot;
use tower::ServiceExt;

use super::{Client, Reply, exchange};

impl Client {
    /// A browser without cookies in front of a layer. Each request carries its handler.
    #[must_use]
    pub fn behind(layer: SessionLayer) -> Self {
        Self::new(&Router::new().route("/", any(brought)).layer(layer))
    }

    /// Like [`behind`](Self::behind), with a layer that keeps sessions in memory.
    #[must_use]
    pub fn guest() -> Self {
        Self::behind(TestSessions::new().layer())
    }

    /// Sends one request to a handler behind the layer.
    pub async fn visit<H, X>(&mut self, handler: H) -> Reply
    where
        H: Handler<X, ()>,
        X: 'static,
    {
        self.bring(answer(|request| handler.call(request, ())))
            .await
    }

    /// Sends one request to `/` of an app that is placed behind the layer.
    ///
    /// # Panics
    /// If this browser was not created with [`behind`](Self::behind).
    pub async fn go(&mut self, app: Router) -> Reply {
        let answer = answer(async |request| {
            let Ok(response) = app.oneshot(request).await;
            response
        });
        self.bring(answer).await
    }

    /// Sends one request that carries its handler. A separate route would compile some twenty functions of axum for
    /// each test.
    async fn bring(&mut self, answer: Answer) -> Reply {
        let request = self.request(Method::GET, "/").extension(Once::new(answer));
        let request = request.body(Body::empty()).expect("a test's own request");
        let reply = exchange(self.app.clone(), request).await;
        self.keep(&reply);
        reply
    }

    /// Runs `act` on a view in a handler, and returns its result.
    ///
    /// # Panics
    /// If the status is not 200.
    pub fn with<T, R>(
        &mut self,
        act: impl FnOnce(&mut Session<T>) -> R + Send + 'static,
    ) -> impl Future<Output = R>
    where
        T: SessionData,
        R: Send + 'static,
    {
        let said = Once::empty();
        let keep = said.clone();
        let act = act_on::<T>(None, Box::new(move |view| keep.put(act(view))));
        self.bring_and_take(act, said)
    }

    async fn bring_and_take<R>(&mut self, answer: Answer, said: Once<R>) -> R {
        let reply = self.bring(answer).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        said.take()
    }

    /// Inserts a view in a handler.
    ///
    /// # Panics
    /// If the status is not 200.
    pub async fn insert<T: SessionData>(&mut self, view: T) -> Reply {
        let view = Once::new(view);
        let reply = self
            .visit(async move |session: CurrentSession| session.insert(view.take()))
            .await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        reply
    }

    /// Runs two requests in parallel: `mine` loads its view, then `theirs` runs to its end, then `mine` writes.
    ///
    /// # Panics
    /// If the status of `theirs` is not 200.
    pub async fn overtaken<T: SessionData>(
        &mut self,
        theirs: impl FnOnce(&mut Session<T>) + Send + 'static,
        mine: impl FnOnce(&mut Session<T>) + Send + 'static,
    ) -> Reply {
        let mut other = self.clone();
        self.held(mine, async move { other.with(theirs).await })
            .await
    }

    /// Sends a request whose handler loads its view, then waits until `meanwhile` has finished.
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
        let slow = self.bring(act_on::<T>(Some((loaded, may_resume)), Box::new(mine)));
        let meanwhile = async {
            is_loaded.await.expect("the view is extracted");
            meanwhile.await;
            resume.send(()).unwrap();
        };
        tokio::join!(slow, meanwhile).0
    }
}

/// The handler of a request. Boxed, so that only the box is compiled for the closure of each test.
type Answer = Box<dyn FnOnce(Request) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send>;

/// The use that a test makes of a view.
type Act<T> = Box<dyn FnOnce(&mut Session<T>) + Send>;

fn answer<F>(answer: impl FnOnce(Request) -> F + Send + 'static) -> Answer
where
    F: Future<Output = Response> + Send + 'static,
{
    Box::new(|request| Box::pin(answer(request)))
}

/// Runs `act` on a view and answers with 200. If the extractor refuses, answers with its response. With channels, tells
/// the first that the view is loaded, and waits for the second before `act`.
fn act_on<T: SessionData>(
    pause: Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>,
    act: Act<T>,
) -> Answer {
    answer(async |request| {
        let view = Session::from_request_parts(&mut request.into_parts().0, &()).await;
        let mut view = match view {
            Ok(view) => view,
            Err(rejection) => return rejection.into_response(),
        };
        if let Some((loaded, may_resume)) = pause {
            loaded.send(()).unwrap();
            may_resume.await.unwrap();
        }
        act(&mut view);
        Response::default()
    })
}

/// Answers a request with the handler that it carries.
async fn brought(mut request: Request) -> Response {
    let answer = request.extensions_mut().remove::<Once<Answer>>();
    answer.expect("an answer to this request").take()(request).await
}

/// A value that a handler takes once, although the handler's type could be called again.
#[derive(Debug)]
pub struct Once<T>(Arc<Mutex<Option<T>>>);

impl<T> Once<T> {
    /// Holds `value`.
    pub fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(Some(value))))
    }

    /// Holds nothing yet.
    #[must_use]
    pub fn empty() -> Self {
        Self(Arc::default())
    }

    /// Stores a value.
    pub fn put(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    /// Takes the value out.
    ///
    /// # Panics
    /// If there is no value.
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
