//! Work that goes on when nobody waits for it any more.

use tracing::Instrument;

use crate::error::SessionError;
use crate::store::StoreError;

/// Goes on with `work` to its end, even when the request is given up: what ends a session must not
/// stop half way. Outside of a runtime it is driven by whoever waits.
pub(super) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, SessionError>> + Send + 'static,
) -> Result<T, SessionError> {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return work.await;
    };
    runtime
        .spawn(work.in_current_span())
        .await
        .unwrap_or_else(|interrupted| Err(StoreError::Unavailable(Box::new(interrupted)).into()))
}
