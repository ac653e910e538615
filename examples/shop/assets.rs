//! Static files, the same for all users. These handlers read no session.

use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;

type Asset = ([(HeaderName, &'static str); 1], &'static str);

/// The style sheet.
pub(super) async fn style() -> Asset {
    ([(CONTENT_TYPE, "text/css")], include_str!("style.css"))
}

/// The script that updates a page when its session changes elsewhere.
pub(super) async fn live() -> Asset {
    ([(CONTENT_TYPE, "text/javascript")], include_str!("live.js"))
}
