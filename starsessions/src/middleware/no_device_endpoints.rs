//! Without the feature `dbsc` the layer answers nothing by itself.

use std::task::{Context, Poll};

use http::Response;

/// There is no such answer.
pub(super) enum Errands {}

impl Errands {
    pub(super) fn poll_as<B>(&mut self, _cx: &mut Context<'_>) -> Poll<Response<B>> {
        match *self {}
    }
}
