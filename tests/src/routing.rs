//! The routes of axum, with one type for all handlers.
//!
//! axum builds a tower of services over each handler, and the compiler each of them: half of the time to build a test
//! program of 400 handlers. Here it is built once.

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::Response;
use axum::routing;
pub use axum::routing::MethodRouter;
use std::pin::Pin;
use std::sync::Arc;

type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Any handler.
struct Erased<S>(Arc<dyn Fn(Request, S) -> Answer + Send + Sync>);

impl<S> Clone for Erased<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Send + Sync + 'static> Handler<((),), S> for Erased<S> {
    type Future = Answer;

    fn call(self, request: Request, state: S) -> Answer {
        (self.0)(request, state)
    }
}

fn erased<H: Handler<T, S> + Sync, T, S: 'static>(handler: H) -> Erased<S> {
    Erased(Arc::new(move |request, state| {
        Box::pin(handler.clone().call(request, state))
    }))
}

macro_rules! methods {
    ($($method:ident),*) => {$(
        #[doc = concat!("As [`routing::", stringify!($method), "`].")]
        pub fn $method<H: Handler<T, S> + Sync, T: 'static, S: Clone + Send + Sync + 'static>(handler: H) -> MethodRouter<S> {
            routing::$method(erased(handler))
        }
    )*};
}

methods!(any, delete, get, post);
