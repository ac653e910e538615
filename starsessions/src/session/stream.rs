//! A watch as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::Watch;
use crate::schema::SessionData;

/// The values of [`Watch::next`] as a stream: each view in turn, and the end when the session ends.
///
/// Made by [`Watch::into_stream`].
#[must_use = "streams do nothing unless polled"]
pub struct WatchStream<T: SessionData> {
    /// `None` when the session has ended.
    next: Option<Next<T>>,
}

type Next<T> = Pin<Box<dyn Future<Output = Option<(T, Watch<T>)>> + Send>>;

impl<T: SessionData> Watch<T> {
    /// The views as a [`Stream`], as axum's server-sent events need it.
    ///
    /// ```
    /// use std::convert::Infallible;
    ///
    /// use axum::response::sse::{Event, Sse};
    /// use futures_util::{Stream, StreamExt};
    /// use starsessions::{Session, SessionError};
    /// # #[derive(Session)]
    /// # struct Shop { cart: Vec<String> }
    ///
    /// /// The size of the cart, whenever it is another one.
    /// async fn live(
    ///     shop: Session<Shop>,
    /// ) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, SessionError> {
    ///     let carts = shop.detach()?.watch().into_stream();
    ///     let events = carts.map(|shop| Ok(Event::default().data(shop.cart.len().to_string())));
    ///     Ok(Sse::new(events))
    /// }
    /// # let _: axum::Router = axum::Router::new().route("/cart/live", axum::routing::get(live));
    /// ```
    pub fn into_stream(self) -> WatchStream<T> {
        WatchStream {
            next: Some(Box::pin(next(self))),
        }
    }
}

async fn next<T: SessionData>(mut watch: Watch<T>) -> Option<(T, Watch<T>)> {
    let view = watch.next().await?;
    Some((view, watch))
}

impl<T: SessionData> Stream for WatchStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(future) = &mut self.next else {
            return Poll::Ready(None);
        };
        let found = ready!(future.as_mut().poll(cx));
        let (view, watch) = found.unzip();
        self.next = watch.map(|watch| Box::pin(next(watch)) as Next<T>);
        Poll::Ready(view)
    }
}

impl<T: SessionData> fmt::Debug for WatchStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchStream")
            .field("is_over", &self.next.is_none())
            .finish()
    }
}
