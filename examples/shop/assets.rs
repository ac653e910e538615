//! What pages load beside their HTML: the same for all users, so no session is asked.

use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;

type Asset = ([(HeaderName, &'static str); 1], &'static str);

/// How pages look.
pub(super) async fn style() -> Asset {
    ([(CONTENT_TYPE, "text/css")], include_str!("style.css"))
}

/// What makes a page follow what happens elsewhere.
pub(super) async fn live() -> Asset {
    ([(CONTENT_TYPE, "text/javascript")], include_str!("live.js"))
}
