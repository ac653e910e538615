//! A store shared with Python: several nodes of this library, and a server that does not answer.

use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use http::{Method, StatusCode};
use starsessions::csrf::CsrfToken;
use starsessions::python::{CookieStore, RedisStore, Sessions};
use starsessions::store::{RedisClient, StoreError};
use starsessions::takeover::{FormerSession, JsonObject, Source};
use starsessions::testing::TestSessions;
use starsessions::{
    CurrentSession, KeyRing, Session, SessionError, SessionLayer, SessionLayerBuilder, Timestamp,
};
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::{get, post};
use starsessions_tests::servers::Server;
use starsessions_tests::servers::redis::{self as servers, Version, ask};

use crate::source::{routes as all_routes, take_both};

static REDIS: LazyLock<Server> = LazyLock::new(|| servers::redis(Version::System, &[]));

/// Shorter than the timeouts of the Redis client itself.
const LIMIT: Duration = Duration::from_secs(1);
const OLD: &str = "RiBYIs2r/vx4gBy1iky2iKE4GD/P8kEuAeZPjmVSNKU=";
const NEW: &str = "tzaqo93EmwdPfFaLBwGu7pBtJxWjqtOqMmdKAGCku30=";

#[derive(Session)]
#[session(namespace = "python")]
struct Login {
    #[session(codec = json, required, rotate)]
    user: u64,
}

fn routes() -> Router {
    async fn me(login: Option<Session<Login>>) -> String {
        login.map_or("guest".to_owned(), |login| login.user.to_string())
    }

    async fn login(Path(user): Path<u64>, session: CurrentSession) -> Result<(), SessionError> {
        session.insert(Login { user })
    }

    async fn form(session: CurrentSession) -> Result<String, SessionError> {
        Ok(session.csrf_token().await?.to_string())
    }

    async fn pay(Path(token): Path<String>, session: CurrentSession) -> StatusCode {
        let token: CsrfToken = serde_json::from_value(token.into()).unwrap();
        match session.check_csrf(&token).await {
            Ok(()) => StatusCode::OK,
            Err(_) => StatusCode::FORBIDDEN,
        }
    }

    Router::new()
        .route("/me", get(me))
        .route("/login/{user}", post(login))
        .route("/form", get(form))
        .route("/pay/{token}", post(pay))
}

async fn in_redis(client: impl Into<RedisClient>) -> Sessions {
    Sessions::new(RedisStore::connect(client).await.unwrap())
}

async fn alone(server: &Server) -> Sessions {
    in_redis(::redis::Client::open(servers::url(server)).unwrap()).await
}

fn node(sessions: Sessions, keys: &str) -> Client {
    node_with(sessions, keys, |layer| layer)
}

fn node_with(
    sessions: Sessions,
    keys: &str,
    set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder,
) -> Client {
    let layer = SessionLayer::shared_with_python(sessions, KeyRing::parse(keys).unwrap());
    Client::new(&routes().layer(set(layer).build().unwrap()))
}

/// The cookie that a reply gives.
fn cookie(reply: &Reply) -> String {
    let line = reply.set_cookies()[0];
    line.split(';').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_with_different_active_keys_share_a_session_and_its_forms() {
    let store = || CookieStore::new("a secret that Python has as well");
    for is_cookie in [false, true] {
        let sessions = async || match is_cookie {
            false => alone(&REDIS).await,
            true => Sessions::new(store()),
        };
        let one = node(sessions().await, &format!("{OLD},{NEW}"));
        let other = node(sessions().await, &format!("{NEW},{OLD}"));
        let reply = one.ask(Method::POST, "/login/7").await;
        let cookie = cookie(&reply);
        let (one, other) = (one.showing(&cookie), other.showing(&cookie));
        for (here, there) in [(&one, &other), (&other, &one)] {
            let reply = here.ask(Method::GET, "/me").await;
            assert_eq!((reply.body.as_str(), reply.sets_cookie()), ("7", false));
            let token = here.ask(Method::GET, "/form").await.body;
            let path = format!("/pay/{token}");
            assert_eq!(there.ask(Method::POST, &path).await.status, StatusCode::OK);
        }
    }
}

/// A form token of one session is refused in another one, even if both began in the same second.
#[tokio::test]
async fn a_form_of_one_session_in_a_cookie_is_of_no_use_in_another() {
    let store = CookieStore::new("a secret that Python has as well");
    let node = node(Sessions::new(store), OLD);
    let mut visitors = Vec::new();
    for user in 0..4 {
        let reply = node.ask(Method::POST, &format!("/login/{user}")).await;
        visitors.push(node.showing(cookie(&reply)));
    }
    for (place, visitor) in visitors.iter().enumerate() {
        let token = visitor.ask(Method::GET, "/form").await.body;
        for (other, visitor) in visitors.iter().enumerate() {
            let status = visitor
                .ask(Method::POST, &format!("/pay/{token}"))
                .await
                .status;
            assert_eq!(status == StatusCode::OK, place == other, "{place} {other}");
        }
    }
}

/// An attacker who planted a guest's cookie and knows its form token has no token for the user who signs in with that
/// cookie.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_before_a_sign_in_is_of_no_use_after_it() {
    let store = CookieStore::new("a secret that Python has as well");
    for sessions in [alone(&REDIS).await, Sessions::new(store)] {
        let mut client = node(sessions, OLD);
        client.post("/login/7").await;
        let before = client.get("/form").await.body;
        client.post("/login/8").await;
        let after = client.get("/form").await.body;
        for (token, status) in [(before, StatusCode::FORBIDDEN), (after, StatusCode::OK)] {
            let reply = client.post(&format!("/pay/{token}")).await;
            assert_eq!(reply.status, status);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_gets_its_new_id_in_one_step() {
    let server = servers::redis(Version::System, &[]);
    let node = node(alone(&server).await, OLD);
    let first = cookie(&node.ask(Method::POST, "/login/7").await);
    let reply = node.showing(&first).ask(Method::POST, "/login/8").await;
    let second = cookie(&reply);
    ask(&server, &["CONFIG", "SET", "slowlog-log-slower-than", "0"]);
    let reply = node.showing(&second).ask(Method::POST, "/login/9").await;
    let log = ask(&server, &["SLOWLOG", "GET", "20"]);
    // Commands of a script have no client address; the fourth line of an entry is the command.
    let sent = log.split("\n\n").filter(|entry| !entry.contains("?:0"));
    let sent: Vec<_> = sent
        .filter_map(|entry| entry.trim().lines().nth(3))
        .collect();
    assert_eq!(sent, ["EVALSHA", "GET", "CONFIG"], "{log}");
    for (cookie, user) in [(first, "guest"), (second, "guest"), (cookie(&reply), "9")] {
        assert_eq!(
            node.showing(cookie).ask(Method::GET, "/me").await.body,
            user
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sign_ins_at_once_one_session_remains_also_in_a_cluster() {
    let masters = servers::cluster(Version::System);
    let nodes: Vec<_> = masters.iter().map(servers::url).collect();
    let cluster = ::redis::cluster::ClusterClient::new(nodes).unwrap();
    let node = node(in_redis(cluster).await, OLD);
    let first = cookie(&node.ask(Method::POST, "/login/1").await);
    let sign_ins: Vec<_> = (2..10)
        .map(|user| {
            node.showing(&first)
                .ask(Method::POST, &format!("/login/{user}"))
        })
        .map(tokio::spawn)
        .collect();
    let mut cookies = Vec::new();
    for reply in sign_ins {
        let reply = reply.await.unwrap();
        cookies.extend(reply.sets_cookie().then(|| cookie(&reply)));
    }
    let stored = |server: &Server| ask(server, &["DBSIZE"]).trim().parse::<usize>().unwrap();
    assert_eq!(masters.iter().map(stored).sum::<usize>(), 1);
    assert_eq!(
        node.showing(&first).ask(Method::GET, "/me").await.body,
        "guest"
    );
    let mut users = 0;
    for cookie in cookies.iter().filter(|cookie| cookie.len() > 20) {
        users += usize::from(node.showing(cookie).ask(Method::GET, "/me").await.body != "guest");
    }
    assert_eq!(users, 1, "{cookies:?}");
}

/// A source that answers after a delay.
struct Slow;

impl Source for Slow {
    fn cookie_name(&self) -> &str {
        "former"
    }

    async fn find(&self, _: &str, now: Timestamp) -> Result<Option<FormerSession>, StoreError> {
        tokio::time::sleep(2 * LIMIT).await;
        let values = JsonObject::parse(br#"{"user_id": 7}"#).unwrap();
        Ok(Some(FormerSession::new(values, now + 60 * LIMIT)))
    }

    async fn remove(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_has_the_time_that_the_layers_store_has() {
    for (limit, status, errors) in [
        (LIMIT, StatusCode::SERVICE_UNAVAILABLE, 1),
        (3 * LIMIT, StatusCode::OK, 0),
    ] {
        let logs = Logs::capture();
        let test =
            TestSessions::with(|layer| layer.store_timeout(limit).take_over(take_both(Slow)));
        let client = Client::new(&all_routes().layer(test.layer())).showing("former=1");
        assert_eq!(client.ask(Method::GET, "/me").await.status, status);
        let said = logs.with(&["ERROR", "the session store failed"]);
        assert_eq!(said.len(), errors, "{}", logs.text());
    }
}

#[tokio::test]
async fn a_redis_that_does_not_answer_in_time_is_an_outage() {
    let server = servers::redis(Version::System, &[]);
    let node = node(alone(&server).await, OLD);
    let node = node.showing(cookie(&node.ask(Method::POST, "/login/7").await));
    let busy = node_with(alone(&server).await, OLD, |layer| {
        layer.store_timeout(LIMIT)
    });
    let logs = Logs::capture();
    server.freeze();
    // With its two tries, the Redis client would wait longer than this.
    let reply = tokio::select! {
        biased;
        reply = node.at(&busy).ask(Method::GET, "/me") => reply,
        () = tokio::time::sleep(3 * LIMIT) => panic!("the layer has waited for the client"),
    };
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    let said = logs.with(&["ERROR", "the session store failed", "no answer within"]);
    assert_eq!(said.len(), 1, "{}", logs.text());
    server.thaw();
    assert_eq!(node.ask(Method::GET, "/me").await.body, "7");
}
