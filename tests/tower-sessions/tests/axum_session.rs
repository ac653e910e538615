//! Users with a session of axum_session in PostgreSQL stay signed in with starsessions.
#![cfg(feature = "pools")]

mod served;

use axum::body::Body;
use axum::routing::{get, post};
use axum::{Router, extract::Path};
use axum_session::{Key, SessionConfig, SessionLayer as Theirs, SessionStore};
use axum_session_sqlx::SessionPgPool;
use http::header::{COOKIE, SET_COOKIE};
use http::{Method, Request};
use http_body_util::BodyExt;
use starsessions::takeover::{AxumSession, TakeOver};
use starsessions::{KeyRing, MemoryStore, SessionLayer};
use tower::ServiceExt;

use crate::served::Served;

#[derive(starsessions::Session)]
struct Login {
    #[session(required, rotate, rename = "user_auth_session_id")]
    user: i64,
}

#[derive(starsessions::Session)]
struct Visits {
    count: u64,
    names: Vec<String>,
}

/// Signs in as `axum_session_auth` does.
async fn login(Path(user): Path<i64>, session: axum_session::Session<SessionPgPool>) {
    session.set("user_auth_session_id", user);
    session.set("count", 2);
    session.set("names", ["a \"name\"", "é"]);
    session.renew();
}

async fn me(
    login: Option<starsessions::Session<Login>>,
    visits: starsessions::Session<Visits>,
) -> String {
    let user = login.map(|login| login.user);
    format!("{user:?} {} {}", visits.count, visits.names.join(","))
}

/// Sends a request, and returns the body and the cookie that the response sets.
async fn send(app: &Router, method: Method, path: &str, cookie: &str) -> (String, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(COOKIE, cookie);
    let request = request.body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let lines = response.headers().get_all(SET_COOKIE).iter();
    let mut pairs = lines.map(|line| line.to_str().unwrap().split(';').next().unwrap());
    // axum_session removes another cookie as well.
    let set = pairs.find(|pair| !pair.ends_with('=')).map(str::to_owned);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (
        String::from_utf8(body.to_vec()).unwrap(),
        set.unwrap_or_default(),
    )
}

#[tokio::test]
async fn who_signed_in_with_axum_session_is_signed_in() {
    let server = Served::start("postgres");
    let pool = sqlx::PgPool::connect(&server.url).await.unwrap();
    for is_signed in [false, true] {
        let mut config = SessionConfig::default()
            .with_table_name("visitors")
            .with_secure(false);
        if is_signed {
            config = config.with_key(Key::generate());
        }
        let store = SessionStore::<SessionPgPool>::new(Some(pool.clone().into()), config);
        let theirs = Router::new()
            .route("/login/{user}", post(login))
            .layer(Theirs::new(store.await.unwrap()));
        let (_, cookie) = send(&theirs, Method::POST, "/login/7", "").await;

        let source = AxumSession::new(pool.clone()).table_name("visitors");
        let takeover = TakeOver::new(source, |former, taken| {
            taken.insert_if(former.view::<Login>())?;
            taken.insert_if(former.view::<Visits>())
        });
        let layer = SessionLayer::builder(MemoryStore::new(), KeyRing::generate().unwrap());
        let layer = layer.take_over(takeover).build().unwrap();
        let ours = Router::new().route("/me", get(me)).layer(layer);
        let (body, new) = send(&ours, Method::GET, "/me", &cookie).await;
        assert_eq!(body, "Some(7) 2 a \"name\",é", "{cookie}");
        assert_eq!(send(&ours, Method::GET, "/me", &new).await.0, body);
        let rows: i64 =
            sqlx::query_scalar("select count(*) from visitors where session like '%user_auth%'")
                .fetch_one(&pool)
                .await
                .unwrap();
        assert_eq!(rows, 0, "theirs is removed");
        let stranger = cookie.replace('-', "0");
        assert_eq!(
            send(&ours, Method::GET, "/me", &stranger).await.0,
            "None 0 "
        );
    }
}
