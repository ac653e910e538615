//! axum-extra: typed paths beside sessions.

use axum::Router;
use axum_extra::routing::{RouterExt, TypedPath};
use serde::Deserialize;
use starsessions::{CurrentSession, Session, SessionError, SessionLayer};

#[derive(Session)]
pub struct Shop {
    pub cart: Vec<u32>,
}

#[derive(Deserialize, TypedPath)]
#[typed_path("/cart/{article}")]
struct Article {
    article: u32,
}

#[derive(Deserialize, TypedPath)]
#[typed_path("/cart")]
struct Cart;

async fn add(Article { article }: Article, mut shop: Session<Shop>) {
    shop.cart.push(article);
}

async fn show(_: Cart, shop: Session<Shop>) -> String {
    format!("{:?}", shop.cart)
}

async fn empty(_: Cart, session: CurrentSession) -> Result<(), SessionError> {
    session.destroy()
}

/// The routes inside the layer.
pub fn app(sessions: SessionLayer) -> Router {
    Router::new()
        .typed_get(show)
        .typed_delete(empty)
        .typed_put(add)
        .layer(sessions)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use starsessions::testing::{TestSessions, cookie_header};

    use super::*;
    use crate::{get, send};

    #[tokio::test]
    async fn a_typed_path_stands_beside_a_session() {
        let app = app(TestSessions::new().layer());
        let request = |method: &str, path: &str, cookie: &str| {
            Request::builder()
                .method(method)
                .uri(path)
                .header("cookie", cookie)
                .body(Body::empty())
                .unwrap()
        };
        let (response, _) = send(&app, request("PUT", "/cart/3", "")).await;
        let cookie = cookie_header(&response).unwrap();
        let cookie = cookie.to_str().unwrap();
        assert_eq!(get(&app, "/cart", cookie).await.1, "[3]");
        send(&app, request("DELETE", "/cart", cookie)).await;
        assert_eq!(get(&app, "/cart", cookie).await.1, "[]");
    }
}
