//! How long stores take, and how often they fail.

#[cfg(feature = "metrics")]
#[expect(
    clippy::disallowed_methods,
    reason = "how long something took decides nothing"
)]
pub(crate) async fn measured<T, E>(
    operation: &'static str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let begin = std::time::Instant::now();
    let answer = work.await;
    let seconds = begin.elapsed().as_secs_f64();
    metrics::histogram!("starsessions_store_seconds", "operation" => operation).record(seconds);
    counted(operation, answer)
}

#[cfg(feature = "metrics")]
pub(crate) fn counted<T, E>(operation: &'static str, answer: Result<T, E>) -> Result<T, E> {
    if answer.is_err() {
        metrics::counter!("starsessions_store_errors_total", "operation" => operation).increment(1);
    }
    answer
}

#[cfg(not(feature = "metrics"))]
pub(crate) fn counted<T>(_operation: &'static str, answer: T) -> T {
    answer
}

#[cfg(not(feature = "metrics"))]
pub(crate) fn measured<F: Future>(_operation: &'static str, work: F) -> F {
    work
}

/// The span for the log events of a store's client.
pub(crate) fn operation_span(operation: &'static str) -> tracing::Span {
    tracing::trace_span!("session_store", operation)
}
