//! Work that goes on when its request was given up.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use tracing::Instrument;

use crate::error::SessionError;
use crate::store::StoreError;

/// Goes on with `work` to its end, even when the request is given up: what ends a session must not
/// stop half way. Outside of a runtime the caller drives it.
pub(crate) async fn to_its_end<T: Send + 'static>(
    mut work: Pin<Box<impl Future<Output = Result<T, SessionError>> + Send + 'static>>,
) -> Result<T, SessionError> {
    // Work that waits for nothing cannot be given up, and a task would only cost.
    let at_once = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx)));
    if let Poll::Ready(done) = at_once.await {
        return done;
    }
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return work.await;
    };
    runtime
        .spawn(work.in_current_span())
        .await
        .unwrap_or_else(|interrupted| Err(StoreError::Unavailable(Box::new(interrupted)).into()))
}
