//! The number of connections, and when they close.

use std::time::Duration;

use starsessions::store::{RedisConnectError, RedisStore, Store, StoreError};
use starsessions_tests::servers::Server;
use starsessions_tests::servers::redis::{Version, ask, redis};

use super::samples::{at, key};
use super::{client, connected};

/// The number of connections, without the one that asks.
fn connections(server: &Server) -> usize {
    let list = ask(server, &["CLIENT", "LIST"]);
    list.lines().filter(|line| !line.is_empty()).count() - 1
}

async fn wait_for_none(server: &Server) {
    for _ in 0..1200 {
        if connections(server) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{}", ask(server, &["CLIENT", "LIST"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_requests_share_a_connection_which_ends_with_the_last_clone() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    let requests: Vec<_> = (0..64)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.load(&key(number), at(0)).await.unwrap() })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), None);
    }
    assert_eq!(connections(&server), 1);
    let clone = store.clone();
    drop(store);
    assert!(clone.load(&key(1), at(0)).await.is_ok());
    drop(clone);
    wait_for_none(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_is_unavailable_for_all_clones() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    let clone = store.clone();
    store.close().await;
    store.close().await;
    wait_for_none(&server).await;
    let loaded = clone.load(&key(1), at(0)).await;
    assert!(
        matches!(loaded, Err(StoreError::Unavailable(_))),
        "{loaded:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_an_error_at_the_start() {
    let server = redis(Version::System, &[]);
    server.stop();
    let error = RedisStore::connect(client(&server)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the session server cannot be reached; check its address, the user and the password, and that it is running"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_the_server_is_enough_and_a_wrong_password_is_seen_at_the_start() {
    let server = redis(Version::System, &[]);
    let user = "ACL SETUSER shop on >hunter2 ~shop:* &* +@read +@write +@connection +@scripting";
    ask(&server, &user.split(' ').collect::<Vec<_>>());
    let connect = |password: &str| {
        let url = format!("redis://shop:{password}@{}/", server.address());
        let client = ::redis::Client::open(url).unwrap();
        let builder = RedisStore::builder(client).prefix("shop:");
        assert!(!format!("{builder:?}").contains("hunter2"));
        builder.connect()
    };
    let error = connect("wrong").await.unwrap_err();
    assert!(!format!("{error:?}{error}").contains("wrong"), "{error:?}");
    let store = connect("hunter2").await.unwrap();
    assert!(!format!("{store:?}").contains("hunter2"));
    starsessions::testing::conformance::run(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_missing_is_seen_at_the_start() {
    let server = redis(Version::System, &[]);
    ask(&server, &["CONFIG", "SET", "requirepass", "hunter2"]);
    let error = RedisStore::connect(client(&server)).await.unwrap_err();
    assert!(format!("{error:?}").contains("NOAUTH"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_seen_at_the_start() {
    for version in Version::ALL {
        let master = redis(version, &[]);
        let port = master.port().to_string();
        let replica = redis(version, &["--replicaof", "127.0.0.1", &port]);
        let user = "ACL SETUSER shop on >hunter2 ~shop:* +@read +@write +@scripting";
        ask(&replica, &user.split(' ').collect::<Vec<_>>());
        let connect = async |user: &str, options: &str| {
            let url = format!("redis://{user}{}/{options}", replica.address());
            let client = ::redis::Client::open(url).unwrap();
            RedisStore::connect(client).await
        };
        let ways = [("", ""), ("", "?protocol=resp3"), ("shop:hunter2@", "")];
        for (user, options) in ways {
            let error = connect(user, options).await.unwrap_err();
            assert!(matches!(error, RedisConnectError::Replica), "{error:?}");
            let said = error.to_string();
            assert!(said.contains("is a replica"), "{version:?}: {said}");
        }
        ask(&replica, &["REPLICAOF", "NO", "ONE"]);
        for (user, options) in ways {
            connect(user, options).await.unwrap();
        }
    }
}

/// A server may refuse to say whether it is a replica; a proxy may not know the question.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_tell_its_role_is_used() {
    let server = redis(Version::System, &["--rename-command", "HELLO", ""]);
    let store = RedisStore::connect(client(&server)).await.unwrap();
    assert_eq!(store.load(&key(1), at(0)).await.unwrap(), None);
}
