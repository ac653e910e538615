//! Sessions of Python in a real Redis, in the format that Python writes.

use std::sync::LazyLock;
use std::time::Duration;

use http::{Method, StatusCode};
use starsessions::python::{AesGcmEncryptor, Encryptor, FernetEncryptor, RedisStore, Sessions};
use starsessions::testing::TestSessions;
use starsessions_tests::client::Client;
use starsessions_tests::servers::Server;
use starsessions_tests::servers::redis::{self as servers, Version, ask};

use crate::source::{Login, routes, take_both};

static REDIS: LazyLock<Server> = LazyLock::new(|| servers::redis(Version::System, &[]));

const ID: &str = "0123456789abcdef0123456789abcdef";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

async fn store(server: &Server) -> RedisStore {
    let client = ::redis::Client::open(servers::url(server)).unwrap();
    RedisStore::connect(client).await.unwrap()
}

fn app(sessions: Sessions) -> (Client, TestSessions) {
    let test = TestSessions::with(|layer| layer.take_over(take_both(sessions)));
    (Client::new(&routes().layer(test.layer())), test)
}

async fn seed(key: &str, bytes: &[u8]) {
    let client = ::redis::Client::open(servers::url(&REDIS)).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = ::redis::cmd("SET");
    command.arg(key).arg(bytes).arg("EX").arg(1_000);
    command.exec_async(&mut connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_in_redis_moves_to_a_new_id_and_its_key_is_removed() {
    let keys = [("starsessions.", 0), ("app:", 1)];
    for (prefix, last) in keys {
        let id = format!("{}{last}", &ID[1..]);
        let key = format!("{prefix}{id}");
        seed(&key, br#"{"user_id": 7, "cart": 2, "__metadata__": {"lifetime": 0, "created": 1700000000.25}}"#).await;
        let mut python = store(&REDIS).await;
        if prefix != "starsessions." {
            python = python.prefix(prefix);
        }
        // The session of 2023 has a lifetime that has not expired.
        let year = Duration::from_secs(400 * 24 * 3600);
        let test = TestSessions::with(|layer| {
            layer
                .lifetime(starsessions::Lifetime::new(year, year))
                .take_over(take_both(Sessions::new(python)))
        });
        test.clock().set(1_700_000_100);
        let client = Client::new(&routes().layer(test.layer())).showing(format!("session={id}"));
        let reply = client.ask(Method::GET, "/me").await;
        assert_eq!(reply.body, "7", "{reply:?}");
        assert!(!reply.set_cookies()[0].contains(&id));
        assert_eq!(ask(&REDIS, &["EXISTS", &key]).trim(), "0");
        let cookie = reply.set_cookies()[0].split(';').next().unwrap().to_owned();
        assert_eq!(
            client.showing(cookie).ask(Method::POST, "/cart").await.body,
            "3"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_session_moves_and_one_under_another_key_stays() {
    let fernet = || FernetEncryptor::new(KEY).unwrap();
    let aes = || AesGcmEncryptor::new(&[7; 32]).unwrap();
    let text = br#"{"user_id": 7}"#;
    let (first, second) = (ID.replace('0', "a"), ID.replace('0', "b"));
    seed(
        &format!("starsessions.{first}"),
        &fernet().encrypt(text).unwrap(),
    )
    .await;
    seed(
        &format!("starsessions.{second}"),
        &aes().encrypt(text).unwrap(),
    )
    .await;
    let (with_fernet, _test) = app(Sessions::new(store(&REDIS).await).encryptor(fernet()));
    let (with_aes, _test) = app(Sessions::new(store(&REDIS).await).encryptor(aes()));
    for (client, id, body) in [
        (&with_aes, &first, "guest"),
        (&with_fernet, &second, "guest"),
        (&with_fernet, &first, "7"),
        (&with_aes, &second, "7"),
    ] {
        let client = client.showing(format!("session={id}"));
        let reply = client.ask(Method::GET, "/me").await;
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, body));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_stays_where_it_is() {
    for (digit, text) in [("c", "{\"user_id\": NaN}"), ("d", "[1]"), ("e", "\u{1}")] {
        let id = ID.replace('0', digit);
        let key = format!("starsessions.{id}");
        seed(&key, text.as_bytes()).await;
        let (client, _test) = app(Sessions::new(store(&REDIS).await));
        let client = client.showing(format!("session={id}"));
        let reply = client.ask(Method::GET, "/me").await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (StatusCode::OK, "guest"),
            "{text}"
        );
        assert_eq!(ask(&REDIS, &["EXISTS", &key]).trim(), "1", "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_asked_for_ids_of_pythons_form_alone() {
    let server = servers::redis(Version::System, &[]);
    let (client, test) = app(Sessions::new(store(&server).await));
    server.stop();
    for id in [
        "x",
        &ID[1..],
        &ID.replace('a', "A"),
        &format!("{ID}0"),
        "../../etc/passwd",
    ] {
        let reply = client
            .showing(format!("session={id}"))
            .ask(Method::GET, "/me")
            .await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (StatusCode::OK, "guest"),
            "{id}"
        );
    }
    let reply = client
        .showing(format!("session={ID}"))
        .ask(Method::GET, "/me")
        .await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(test.layer().list::<Login>(&7).await.unwrap().len(), 0);
}
