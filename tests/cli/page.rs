//! The command lines of `docs::command`, run word for word.

use axum::Router;
use starsessions::{CurrentSession, KeyRing, Session, SessionError, SessionLayer, SqliteStore};
use starsessions_tests::client::Client;
use starsessions_tests::routing::get;

use crate::{folder, key_ids, run_in};

#[derive(Session)]
struct Login {
    #[session(required, rotate, index)]
    user: u64,
}

async fn sign_in(session: CurrentSession) -> Result<(), SessionError> {
    session.insert(Login { user: 7 })
}

async fn who(login: Session<Login>) -> String {
    login.user.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_lines_of_the_page_do_what_it_says() {
    let folder = folder();
    let file = folder.join("session-keys");
    let keys = KeyRing::from_file_or_new(&file).unwrap();
    let store = SqliteStore::open(folder.join("sessions.db")).unwrap();
    let routes = Router::new()
        .route("/in", get(sign_in))
        .route("/", get(who));
    let mut user = Client::new(&routes.layer(SessionLayer::new(store, keys)));
    let reply = user.get("/in").await;
    let cookie = format!("Set-Cookie: {}", reply.set_cookies()[0]);

    let page = std::fs::read_to_string(PAGE).unwrap();
    let lines = page
        .lines()
        .filter_map(|line| line.strip_prefix("starsessions "));
    let mut said = Vec::new();
    for line in lines {
        assert_eq!(user.get("/").await.body, "7", "before: {line}");
        let added = key_ids(&file).pop().unwrap();
        let line = line.replace("bd144126", &added);
        let arguments: Vec<_> = line.split_whitespace().collect();
        let done = run_in(folder.path(), &arguments, "", &cookie);
        said.push(done.well().out.clone());
    }
    assert_eq!(said.len(), 6, "{said:?}");
    let retiring = std::fs::read_to_string(&file).unwrap();
    assert!(retiring.contains('@'), "the former key has an end");
    assert!(said[3].contains("login.user"), "{said:?}");
    assert_eq!(user.get("/").await.status, 401, "the last line ends it");
}

const PAGE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../starsessions/src/docs/command.md"
);
