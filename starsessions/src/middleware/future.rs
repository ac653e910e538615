//! Writes the handler's changes before the head of its response leaves.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Response, StatusCode};
use pin_project_lite::pin_project;

use super::headers;
use super::pages::{self, Asked, HasPage, Rejection};
use crate::error::{SessionError, TransportError};
use crate::request::{CommitFuture, FlowCookie, Remaining, ResponseEffects, ResponseKind, Slot};

pin_project! {
    /// The response of a [`SessionService`](super::SessionService).
    ///
    /// It allocates only if there is something to write.
    pub struct ResponseFuture<F, O> {
        #[pin]
        inner: Inner<F, O>,
        // Dropped after `inner`, that is after the handler.
        attended: Option<Attended>,
        finishing: Option<Finishing<O>>,
    }

    impl<F, O> PinnedDrop for ResponseFuture<F, O> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(attended) = this.project().attended
                && !attended.is_answered
            {
                attended.slot.begin_to_leave();
            }
        }
    }
}

pin_project! {
    /// The source of the response: the inner service, or the layer itself.
    #[project = InnerProjection]
    enum Inner<F, O> {
        Service { #[pin] future: F },
        Layer { answer: LayerAnswer<O> },
    }
}

/// An answer of the layer itself, on its way.
pub(super) type LayerAnswer<O> = Pin<Box<dyn Future<Output = O> + Send>>;

struct Finishing<O> {
    result: Result<O, Panic>,
    commit: CommitFuture,
}

/// The slot of a request whose response is awaited. Dropping it gives the request up.
struct Attended {
    slot: Arc<Slot>,
    /// Set if the application has its own pages.
    asked: Option<Box<Asked>>,
    /// The handler has answered, so that there is nothing to give up.
    is_answered: bool,
}

impl Drop for Attended {
    fn drop(&mut self) {
        if !self.is_answered {
            self.slot.leave();
        }
    }
}

type Panic = Box<dyn Any + Send>;

/// Marks the response of an extractor that has turned a request away.
#[derive(Clone, Debug)]
pub(crate) struct Rejected(pub(crate) Arc<Rejection>);

/// Marks the response that an error of its session was made into.
#[derive(Clone, Debug)]
pub(crate) struct Failed(pub(crate) SessionError);

impl<F, O> ResponseFuture<F, O> {
    /// The inner service's response, to a request that this layer does not serve.
    pub(super) fn passing(future: F) -> Self {
        Self::of(Inner::Service { future }, None)
    }

    #[cfg_attr(
        not(feature = "dbsc"),
        expect(dead_code, reason = "a layer answers for devices alone")
    )]
    pub(super) fn by_layer(answer: LayerAnswer<O>) -> Self {
        Self::of(Inner::Layer { answer }, None)
    }

    pub(super) fn new(future: F, slot: Arc<Slot>, asked: Option<Box<Asked>>) -> Self {
        let attended = Attended {
            slot,
            asked,
            is_answered: false,
        };
        Self::of(Inner::Service { future }, Some(attended))
    }

    fn of(inner: Inner<F, O>, attended: Option<Attended>) -> Self {
        Self {
            inner,
            attended,
            finishing: None,
        }
    }
}

impl<F: Future> Future for Inner<F, F::Output> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project() {
            InnerProjection::Service { future } => future.poll(cx),
            InnerProjection::Layer { answer } => answer.as_mut().poll(cx),
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F, Result<Response<B>, E>>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default + 'static,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if this.finishing.is_none() {
            let Some(attended) = this.attended.as_mut() else {
                return this.inner.poll(cx);
            };
            // Catches a panic of the handler or of a page, so that a logout before it still takes place.
            let polled = catch_unwind(AssertUnwindSafe(|| {
                let polled = this.inner.as_mut().poll(cx);
                polled.map_ok(|response| match &attended.asked {
                    Some(asked) => asked.show(&attended.slot, response),
                    None => response,
                })
            }));
            let result = match polled {
                Ok(poll) => Ok(ready!(poll)),
                Err(panic) => Err(panic),
            };
            attended.is_answered = true;
            let slot = &attended.slot;
            let work = match slot.close(kind_of(&result)) {
                Remaining::Untouched => return Poll::Ready(handled(result)),
                Remaining::Told(told, effects) => {
                    return Poll::Ready(answer(result, told, effects, attended));
                }
                Remaining::ToWrite(work) => work,
            };
            *this.finishing = Some(Finishing {
                result,
                commit: Arc::clone(slot).finish(work),
            });
        }
        let Some(finishing) = this.finishing else {
            return Poll::Pending;
        };
        let committed = ready!(finishing.commit.as_mut().poll(cx));
        match (this.finishing.take(), this.attended.take()) {
            (Some(finishing), Some(attended)) => {
                let effects = attended.slot.effects();
                Poll::Ready(answer(finishing.result, committed, effects, &attended))
            }
            _ => Poll::Pending,
        }
    }
}

impl<F, O> std::fmt::Debug for ResponseFuture<F, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResponseFuture(..)")
    }
}

fn kind_of<B, E>(result: &Result<Result<Response<B>, E>, Panic>) -> ResponseKind {
    let Ok(Ok(response)) = result else {
        return ResponseKind::ServerError;
    };
    let extensions = response.extensions();
    let status = extensions
        .get()
        .map_or(response.status(), |HasPage(before)| *before);
    // Some time-out layers (tower-http's by default) answer with 408 for a handler that they have dropped. A server
    // cannot send an interim status as the response, except for 101.
    let is_interim = status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS;
    let is_unfinished =
        status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT || is_interim;
    if extensions.get::<Rejected>().is_some() {
        ResponseKind::Rejection
    } else if is_unfinished {
        ResponseKind::ServerError
    } else if extensions.get::<Failed>().is_some() {
        ResponseKind::Failed
    } else {
        ResponseKind::Answer
    }
}

fn handled<B, E>(result: Result<Result<Response<B>, E>, Panic>) -> Result<Response<B>, E> {
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Only a 500 is logged as an error: an outage has its own log line, and a conflict is no mistake.
fn report(error: &SessionError, is_replaced: bool) {
    let what = if is_replaced {
        "the session could not be written; the response is replaced"
    } else {
        "the session could not be written; the response is kept, because it is an error response"
    };
    if error.status() == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(%error, "{what}");
    } else {
        tracing::debug!(%error, "{what}");
    }
}

/// Whether the handler's response would claim a write that has failed. A 4xx or 5xx makes no such claim, so it stays
/// if the session is gone or its token was not handed out.
fn would_be_a_lie(error: &SessionError, status: StatusCode) -> bool {
    let is_refusal = status.is_client_error() || status.is_server_error();
    let leaves_it = matches!(
        error,
        SessionError::Gone | SessionError::Transport(TransportError::NotHandedOut)
    );
    !(leaves_it && is_refusal)
}

/// The handler's response with the layer's headers, or an error response in its place.
fn answer<B: Default + 'static, E>(
    result: Result<Result<Response<B>, E>, Panic>,
    committed: Result<(), SessionError>,
    mut effects: ResponseEffects,
    Attended { slot, asked, .. }: &Attended,
) -> Result<Response<B>, E> {
    let mut response = handled(result)?;
    if let Some(Failed(error)) = response.extensions().get() {
        slot.explain_failure(error);
    }
    if let Err(error) = committed {
        slot.explain_failure(&error);
        let is_replaced = would_be_a_lie(&error, response.status());
        report(&error, is_replaced);
        if is_replaced {
            let mut failed = pages::answer(asked.as_deref(), slot, &error);
            headers::keep_announced(slot, &mut response, &mut failed);
            headers::keep_readable(&response, &mut failed);
            response = failed;
            // The replaced response does not lead the browser to the provider, so no attempt begins.
            effects.flows.retain(FlowCookie::is_removal);
        }
    }
    headers::apply(slot, effects, &mut response);
    #[cfg(feature = "dbsc")]
    headers::apply_device(slot, &mut response);
    Ok(response)
}
