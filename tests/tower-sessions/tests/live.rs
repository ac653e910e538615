//! Users who have signed in with axum-login, on each store of tower-sessions, stay signed in with starsessions.

mod served;

use std::path::Path as File;
use std::sync::Arc;

use axum::body::Body;
use axum::routing::{get, post};
use axum::{Router, extract::Path};
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, UserId};
use http::header::{COOKIE, SET_COOKIE};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use starsessions::takeover::{Database, Source, TakeOver, TowerSessions};
use starsessions::user::AuthHash;
use starsessions::{CurrentSession, KeyRing, MemoryStore, SessionError, SessionLayer};
use starsessions_tower_sessions_tests::Theirs;
use tower::ServiceExt;
use tower_sessions::cookie::Key;
use tower_sessions::{Session, SessionManagerLayer, SessionStore};
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{ClientLike, Config, Pool};
use tower_sessions_sqlx_store::SqliteStore;
use tower_sessions_sqlx_store::sqlx::SqlitePool;
use tower_sessions_sqlx_store::sqlx::sqlite::SqliteConnectOptions;
#[cfg(feature = "pools")]
use tower_sessions_sqlx_store::{
    MySqlStore, PostgresStore,
    sqlx::{MySqlPool, PgPool},
};

use crate::served::Served;

/// The signed-in user, whom axum-login stored before the move.
#[derive(starsessions::Session)]
#[session(reject = "/login")]
struct Login {
    #[session(required, rotate, index)]
    user: i64,
    #[session(required)]
    password: AuthHash,
}

/// Replaces `session.insert("counter", ..)`.
#[derive(starsessions::Session)]
struct Counter {
    #[session(merge = sum)]
    counter: u64,
}

fn former(source: impl Source) -> TakeOver {
    TakeOver::new(source, |former, taken| {
        let user = former.get_in("axum-login.data", "user_id");
        let hash = former.get_in::<Vec<u8>>("axum-login.data", "auth_hash");
        if let (Some(user), Some(hash)) = (user, hash) {
            let password = AuthHash::of(hash);
            taken.insert(Login { user, password })?;
        }
        taken.insert_if(former.view::<Counter>())
    })
}

const PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";

#[derive(Clone, Debug)]
struct User(i64);

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.0
    }

    fn session_auth_hash(&self) -> &[u8] {
        PASSWORD_HASH.as_bytes()
    }
}

#[derive(Clone, Debug)]
struct Backend;

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = i64;
    type Error = std::convert::Infallible;

    async fn authenticate(&self, user: i64) -> Result<Option<User>, Self::Error> {
        Ok(Some(User(user)))
    }

    async fn get_user(&self, user: &UserId<Self>) -> Result<Option<User>, Self::Error> {
        Ok(Some(User(*user)))
    }
}

/// The application before the move.
fn before<S: SessionStore + Clone>(store: S, is_signed: bool) -> Router {
    async fn login(Path(user): Path<i64>, mut auth: AuthSession<Backend>) {
        let user = auth.authenticate(user).await.unwrap().unwrap();
        auth.login(&user).await.unwrap();
    }

    async fn me(auth: AuthSession<Backend>) -> String {
        auth.user
            .map_or("guest".to_owned(), |user| user.0.to_string())
    }

    async fn count(session: Session) -> String {
        let counter: u64 = session.get("counter").await.unwrap().unwrap_or_default();
        session.insert("counter", counter + 1).await.unwrap();
        (counter + 1).to_string()
    }

    let sessions = SessionManagerLayer::new(store).with_secure(false);
    let routes = Router::new()
        .route("/theirs/login/{user}", post(login))
        .route("/theirs/me", get(me))
        .route("/theirs/count", post(count));
    if is_signed {
        let sessions = sessions.with_signed(Key::from(&[7; 64]));
        routes.layer(AuthManagerLayerBuilder::new(Backend, sessions).build())
    } else {
        routes.layer(AuthManagerLayerBuilder::new(Backend, sessions).build())
    }
}

/// The application during the move: both libraries serve one router.
fn during(theirs: Router, source: impl Source) -> Router {
    async fn me(login: Option<starsessions::Session<Login>>) -> String {
        let login = login.filter(|login| login.password.is_of(PASSWORD_HASH));
        login.map_or("guest".to_owned(), |login| login.user.to_string())
    }

    async fn count(mut session: starsessions::Session<Counter>) -> String {
        session.counter += 1;
        session.counter.to_string()
    }

    async fn logout(session: CurrentSession) -> Result<(), SessionError> {
        session.destroy()
    }

    let layer = SessionLayer::builder(MemoryStore::new(), KeyRing::generate().unwrap())
        .take_over(former(source))
        .build()
        .unwrap();
    Router::new()
        .route("/ours/me", get(me))
        .route("/ours/count", post(count))
        .route("/ours/logout", post(logout))
        .layer(layer)
        .merge(theirs)
}

/// A browser: its cookies by name.
struct Browser {
    app: Router,
    cookies: Vec<(String, String)>,
}

impl Browser {
    async fn send(&mut self, method: Method, path: &str) -> String {
        let pairs: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(COOKIE, pairs.join("; "));
        let response = self
            .app
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        for line in response.headers().get_all(SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        let body = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }
}

async fn nobody_is_signed_out<S: SessionStore + Clone>(store: S, source: impl Source) {
    nobody_is_signed_out_of(before(store, false), source).await;
}

async fn nobody_is_signed_out_of(theirs: Router, source: impl Source) {
    let mut browser = Browser {
        app: theirs.clone(),
        cookies: Vec::new(),
    };
    browser.send(Method::POST, "/theirs/login/7").await;
    browser.send(Method::POST, "/theirs/count").await;
    assert_eq!(browser.send(Method::GET, "/theirs/me").await, "7");
    let former = browser.cookies.clone();

    browser.app = during(theirs, source);
    assert_eq!(browser.send(Method::GET, "/ours/me").await, "7");
    assert_eq!(browser.send(Method::POST, "/ours/count").await, "2");
    assert_eq!(browser.send(Method::POST, "/ours/count").await, "3");
    // The session belongs to starsessions only. tower-sessions has nothing of it left.
    assert_eq!(browser.send(Method::GET, "/theirs/me").await, "guest");
    browser.send(Method::POST, "/ours/logout").await;
    browser.cookies = former;
    assert_eq!(browser.send(Method::GET, "/ours/me").await, "guest");

    // A session that tower-sessions begins meanwhile is taken over as well. An unknown session is a guest's.
    let mut other = Browser {
        app: browser.app.clone(),
        cookies: Vec::new(),
    };
    other.send(Method::POST, "/theirs/login/8").await;
    assert_eq!(other.send(Method::GET, "/ours/me").await, "8");
    for id in [
        "x",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "%00",
        "AAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let cookies = vec![("id".to_owned(), id.to_owned())];
        let mut stranger = Browser {
            app: other.app.clone(),
            cookies,
        };
        assert_eq!(stranger.send(Method::GET, "/ours/me").await, "guest");
    }
}

async fn sqlite(name: &str) -> (SqliteStore, Database) {
    let path = File::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&path);
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    (SqliteStore::new(pool), Database::sqlite(&path).unwrap())
}

#[tokio::test]
async fn from_sqlite() {
    let (store, database) = sqlite("sessions.db").await;
    store.migrate().await.unwrap();
    nobody_is_signed_out(store, TowerSessions::new(database)).await;
}

#[tokio::test]
async fn from_a_table_of_another_name_behind_a_signed_cookie() {
    let (store, database) = sqlite("signed.db").await;
    let store = store.with_table_name("visitors").unwrap();
    store.migrate().await.unwrap();
    let source = TowerSessions::new(database).table_name("visitors");
    nobody_is_signed_out_of(before(store, true), source).await;
}

#[tokio::test]
async fn from_any_store_by_its_own_code() {
    let store = tower_sessions::MemoryStore::default();
    nobody_is_signed_out(store.clone(), Theirs(store)).await;
}

#[cfg(feature = "pools")]
#[tokio::test]
async fn from_postgres() {
    let server = Served::start("postgres");
    let store = PostgresStore::new(PgPool::connect(&server.url).await.unwrap());
    store.migrate().await.unwrap();
    let source = TowerSessions::new(sqlx::PgPool::connect(&server.url).await.unwrap());
    nobody_is_signed_out(store, source).await;
}

#[cfg(feature = "pools")]
#[tokio::test]
async fn from_mysql() {
    let server = Served::start("mysql");
    let store = MySqlStore::new(MySqlPool::connect(&server.url).await.unwrap());
    store.migrate().await.unwrap();
    let source = TowerSessions::new(sqlx::MySqlPool::connect(&server.url).await.unwrap());
    nobody_is_signed_out(store, source).await;
}

#[tokio::test]
async fn from_redis() {
    let server = Served::start("redis");
    let pool = Pool::new(Config::from_url(&server.url).unwrap(), None, None, None, 1).unwrap();
    pool.connect();
    pool.wait_for_connect().await.unwrap();
    let store = RedisStore::new(Arc::new(pool).as_ref().clone());
    let client = redis::Client::open(&*server.url).unwrap();
    let source = TowerSessions::new(Database::redis(client).await.unwrap());
    nobody_is_signed_out(store, source).await;
}
