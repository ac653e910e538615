//! Rust reads its own sessions and takes over Python's.

use axum::Router;
use starsessions::takeover::TakeOver;
use starsessions::{CurrentSession, KeyRing, MemoryStore, Session, SessionError, SessionLayer};
use starsessions_tests::routing::{get, post};

use crate::deployment::{Browser, Kind};

#[derive(Session)]
struct Login {
    #[session(required, rotate, rename = "user_id")]
    user: u64,
}

#[derive(Session)]
struct Shop {
    #[session(merge = sum)]
    cart: u64,
}

async fn me(login: Option<Session<Login>>) -> String {
    login.map_or("guest".to_owned(), |login| login.user.to_string())
}

async fn add(mut shop: Session<Shop>) -> String {
    shop.cart += 1;
    shop.cart.to_string()
}

async fn logout(session: CurrentSession) -> Result<(), SessionError> {
    session.destroy()
}

async fn app(kind: Kind) -> Router {
    let takeover = TakeOver::new(kind.sessions(false).await, |python, taken| {
        taken.insert_if(python.view::<Login>())?;
        taken.insert_if(python.view::<Shop>())
    });
    let layer = SessionLayer::builder(MemoryStore::new(), KeyRing::generate().unwrap())
        .local_development()
        .take_over(takeover)
        .build()
        .unwrap();
    Router::new()
        .route("/me", get(me))
        .route("/cart", post(add))
        .route("/logout", post(logout))
        .layer(layer)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signed_in_with_python_is_signed_in_and_the_cart_goes_on() {
    for kind in Kind::all() {
        let (python, rust) = (kind.serve(false), app(kind).await);
        let mut browser = Browser::new(&python, &rust);
        browser.python("POST", "/cart");
        browser.python("POST", "/login/7");
        let former = browser.cookie.clone();
        assert_eq!(browser.rust("GET", "/me").await, "7", "{kind:?}");
        assert_eq!(browser.rust("POST", "/cart").await, "2", "{kind:?}");
        browser.rust("POST", "/logout").await;

        browser.cookie = former;
        assert_eq!(browser.rust("GET", "/me").await, "guest", "{kind:?}");
        let left = browser.python("GET", "/");
        // A session in a cookie stays valid wherever the cookie is still accepted.
        assert_eq!(left == "{}", !kind.is_cookie(), "{kind:?}: {left}");
    }
}
