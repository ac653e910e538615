//! `starsessions store`, on real stores.

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use sqlx::{Connection, Executor, MySqlConnection};
use starsessions::config::{Clock, SystemClock};
use starsessions::store::{Inserted, Row, RowKey, Store};
use starsessions::testing::TestClock;
use starsessions::{
    CurrentSession, KeyRing, Lifetime, MySqlStore, PostgresStore, RedisStore, Session,
    SessionError, SessionLayer, SqliteStore,
};
use starsessions_tests::client::Client;
use starsessions_tests::routing::get;
use starsessions_tests::servers::redis::{self, Version};
use starsessions_tests::servers::{mariadb, postgres};

use crate::{Done, folder, new_key, run, text};

#[tokio::test(flavor = "multi_thread")]
async fn an_sqlite_file_is_looked_after() {
    let folder = folder();
    let path = folder.join("sessions.db");
    let url = format!("sqlite:{}", text(&path));
    run(&["store", "list", &url], "", "").fails(3, "there is no such file");
    run(&["store", "list", "sqlite:"], "", "").fails(3, "`sqlite:`: there is no such file");
    assert!(!path.exists(), "a file that is named wrong is not made");
    run(&["store", "migrate", &url], "", "").well();
    is_looked_after(&url, SqliteStore::open(&path).unwrap(), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_is_looked_after() {
    let server = postgres::postgres(&["fsync=off"]);
    let url = postgres::url(&server, "postgres");
    run(&["store", "list", &url], "", "").fails(4, "starsessions");
    run(&["store", "migrate", &url], "", "").well();
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    is_looked_after(&url, PostgresStore::new(pool), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mariadb_is_looked_after() {
    let server = mariadb::mariadb(&[
        "--innodb-flush-log-at-trx-commit=2",
        "--innodb-log-file-size=4M",
    ]);
    let mut first = MySqlConnection::connect(&mariadb::url(&server, "mysql"))
        .await
        .unwrap();
    first.execute("CREATE DATABASE sessions").await.unwrap();
    let url = mariadb::url(&server, "sessions");
    run(&["store", "list", &url], "", "").fails(4, "starsessions");
    run(&["store", "migrate", &url], "", "").well();
    let pool = sqlx::MySqlPool::connect(&url).await.unwrap();
    is_looked_after(&url, MySqlStore::new(pool), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_is_looked_after() {
    let server = redis::redis(Version::System, &[]);
    let url = redis::url(&server);
    run(&["store", "migrate", &url], "", "").well();
    // Keys of other applications on the same server.
    let foreign = "x".repeat(100);
    redis::ask(&server, &["SET", "starsessions:session:foreign", &foreign]);
    redis::ask(&server, &["SET", "shop:session:other", &foreign]);
    let store = RedisStore::connect(::redis::Client::open(&*url).unwrap())
        .await
        .unwrap();
    is_looked_after(&url, store, false).await;
}

#[derive(Session)]
struct Login {
    #[session(required, rotate, index)]
    user: u64,
}

async fn sign_in(session: CurrentSession, Path(user): Path<u64>) -> Result<(), SessionError> {
    session.set_label("Firefox\non Linux")?;
    session.insert(Login { user })
}

async fn who(login: Session<Login>) -> String {
    login.user.to_string()
}

/// The command does not know the timeouts of the application.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_lives_longer_than_by_default_is_found_and_ended() {
    let (folder, key, day) = (folder(), new_key(), Duration::from_secs(86_400));
    let path = folder.join("sessions.db");
    let keys = KeyRing::parse(&key).unwrap();
    let three_days_ago = SystemClock.now().as_unix_seconds() - 3 * day.as_secs();
    let layer = SessionLayer::builder(SqliteStore::open(&path).unwrap(), keys)
        .lifetime(Lifetime::new(30 * day, 90 * day))
        .clock(TestClock::at(three_days_ago));
    let app = Router::new().route("/in/{user}", get(sign_in));
    let mut client = Client::new(&app.layer(layer.build().unwrap()));
    client.get("/in/7").await;
    let cookie = client.cookies().unwrap();
    let url = format!("sqlite:{}", text(&path));
    let explained = run(&["cookie", "explain", "--store", &url, &cookie], &key, "");
    assert!(explained.well().out.contains("login.user"), "{explained:?}");
    for command in ["list", "revoke"] {
        run(&sessions_of(command, &url, "7"), &key, "").well();
    }
}

/// Two sessions of one user, one of another, and expired rows.
async fn is_looked_after(url: &str, store: impl Store + Clone, is_swept: bool) {
    let key = new_key();
    let layer = SessionLayer::new(store.clone(), KeyRing::parse(&key).unwrap());
    let app = Router::new()
        .route("/in/{user}", get(sign_in))
        .route("/", get(who))
        .layer(layer);
    let mut clients = [(); 3].map(|()| Client::new(&app));
    for (client, user) in clients.iter_mut().zip([7, 7, 300]) {
        client.get(&format!("/in/{user}")).await;
    }
    let now = SystemClock.now();
    let long_ago = starsessions::Timestamp::from_unix_seconds(now.as_unix_seconds() - 8 * 86_400);
    let rows = [
        Row::new(*b"old guest", long_ago, now + Duration::from_secs(600)),
        Row::new(*b"expired", long_ago, long_ago + Duration::from_secs(60)),
    ];
    for (number, row) in rows.iter().enumerate() {
        let key = RowKey::from_bytes([number as u8; RowKey::LEN]);
        // Inserted with the clock of that time.
        assert_eq!(
            store.insert(&key, row, long_ago).await.unwrap(),
            Inserted::Inserted
        );
    }

    let counts = || run(&["store", "list", url, "--json"], "", "").well().json();
    let found = counts();
    let live = [
        &found["live"],
        &found["signed_in"],
        &found["used_within_hour"],
        &found["used_within_week"],
    ];
    assert_eq!(live, [4, 3, 3, 3], "{found}");

    measured_and_gone(url);
    let after = counts();
    assert_eq!(after["live"], 4, "what was measured with is gone: {after}");
    // A server may have freed expired rows itself; SQLite frees some with each measured row.
    let expired = after["expired"].as_u64().unwrap();
    let swept = run(&["store", "sweep", url, "--json"], "", "")
        .well()
        .json();
    assert_eq!(
        swept["freed"],
        if is_swept { expired } else { 0 },
        "{after}"
    );
    if is_swept {
        assert_eq!(counts()["expired"], 0);
    }

    a_user_is_found_and_ended(url, &key, &mut clients).await;
}

fn measured_and_gone(url: &str) {
    let measure = [
        "store",
        "measure",
        url,
        "--rows",
        "20",
        "--bytes",
        "500",
        "--parallel",
        "4",
        "--json",
    ];
    let measured = run(&measure, "", "").well().json();
    for operation in ["insert", "load", "replace", "remove"] {
        let times = &measured["operations"][operation];
        let [median, slowest] = ["median_ms", "slowest_ms"].map(|it| times[it].as_f64().unwrap());
        assert!(0.0 < median && median <= slowest, "{operation}: {times}");
        assert!(times["per_second"].as_f64().unwrap() > 0.0);
    }
}

/// The arguments of a command for this user's sessions.
fn sessions_of<'a>(command: &'a str, url: &'a str, value: &'a str) -> [&'a str; 9] {
    [
        "store",
        command,
        url,
        "--index",
        "login.user",
        "--type",
        "unsigned",
        "--value",
        value,
    ]
}

async fn a_user_is_found_and_ended(url: &str, key: &str, clients: &mut [Client; 3]) {
    let of_user = |command: &str, value: &str, more: &[&str]| -> Done {
        run(
            &[&sessions_of(command, url, value)[..], more].concat(),
            key,
            "",
        )
    };
    let listed = of_user("list", "7", &["--json"]).well().json();
    let listed = listed["sessions"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["label"], "Firefox\non Linux");
    let shown = of_user("list", "7", &[]);
    assert_eq!(
        shown.well().out.lines().count(),
        2,
        "a label is no line of its own: {shown:?}"
    );
    assert_eq!(of_user("list", "8", &[]).code, 3);
    let other_keys = run(&sessions_of("list", url, "7"), &new_key(), "");
    assert_eq!(
        other_keys.code, 3,
        "a store does not know the user: {other_keys:?}"
    );

    let only = listed[0]["id"].as_str().unwrap();
    let ended = of_user("revoke", "7", &["--only", only, "--json"])
        .well()
        .json();
    assert_eq!(ended["ended"], 1);
    assert_eq!(
        of_user("revoke", "7", &["--only", only]).code,
        3,
        "it has ended"
    );
    assert_eq!(
        of_user("revoke", "7", &["--json"]).well().json()["ended"],
        1
    );
    let statuses = [
        clients[0].get("/").await,
        clients[1].get("/").await,
        clients[2].get("/").await,
    ];
    assert_eq!(statuses.map(|reply| reply.status.as_u16()), [401, 401, 200]);
}

/// A session type with an index of this type.
macro_rules! found_by {
    ($name:ident: $type:ty) => {
        #[derive(Session)]
        struct $name {
            #[session(required, until = rotate, index)]
            by: $type,
        }
    };
}
found_by!(Name: Box<str>);
found_by!(Small: u16);
found_by!(Number: i32);
found_by!(Id: uuid::Uuid);

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_found_by_a_value_of_each_type_that_the_command_knows() {
    let (folder, key) = (folder(), new_key());
    let path = folder.join("sessions.db");
    let layer = SessionLayer::new(
        SqliteStore::open(&path).unwrap(),
        KeyRing::parse(&key).unwrap(),
    );
    let id = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let begin = async |session: CurrentSession| {
        session.insert(Name { by: "Zoë".into() })?;
        session.insert(Small { by: 40_000 })?;
        session.insert(Number { by: -5 })?;
        session.insert(Id {
            by: id.parse().unwrap(),
        })
    };
    let app = Router::new().route("/", get(begin)).layer(layer);
    Client::new(&app).get("/").await;
    let url = format!("sqlite:{}", text(&path));
    for (field, kind, value, other) in [
        ("name.~by", "text", "Zoë", "Zoe"),
        ("small.~by", "unsigned", "40000", "40001"),
        ("number.~by", "signed", "-5", "5"),
        ("id.~by", "uuid", id, "67e55044-10b1-426f-9247-bb680e5fe0c9"),
    ] {
        let list = |value: &str| {
            let named = [
                "store", "list", &url, "--index", field, "--type", kind, "--value", value,
            ];
            run(&named, &key, "").code
        };
        assert_eq!((list(value), list(other)), (0, 3), "{kind}");
    }
}
