//! Routes like those of axum, with one type for all handlers.
//!
//! axum wraps each handler in some twenty types of its own. Here, the compiler resolves them once, not for each of five
//! hundred handlers, which takes half of the time that it needs for `tests/http`.

use std::pin::Pin;
use std::sync::Arc;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::Response;
pub use axum::routing::MethodRouter;

type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Any handler.
struct Boxed<S>(Arc<dyn Fn(Request, S) -> Answer + Send + Sync>);

impl<S> Boxed<S> {
    fn new<H: Handler<T, S>, T: 'static>(handler: H) -> Self
    where
        S: 'static,
    {
        Self(Arc::new(move |request, state| {
            Box::pin(handler.clone().call(request, state))
        }))
    }
}

impl<S> Clone for Boxed<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: 'static> Handler<((),), S> for Boxed<S> {
    type Future = Answer;

    fn call(self, request: Request, state: S) -> Answer {
        (self.0)(request, state)
    }
}

macro_rules! methods {
    ($($method:ident)*) => {$(
        #[doc = concat!("As [`axum::routing::", stringify!($method), "`].")]
        pub fn $method<H, T, S>(handler: H) -> MethodRouter<S>
        where
            H: Handler<T, S>,
            T: 'static,
            S: Clone + Send + Sync + 'static,
        {
            axum::routing::$method(Boxed::new(handler))
        }
    )*};
}

methods!(any delete get post);
