//! How many devices a user may have.

use starsessions::config::{AtLimit, ConfigError};
use starsessions::session::PublicSessionId;
use starsessions::{CurrentSession, KeyRing, MemoryStore, Session, SessionError, SessionLayer};

#[derive(Session)]
struct Login {
    #[session(required, rotate, index)]
    user: u64,
}

fn sessions(keys: KeyRing) -> Result<SessionLayer, ConfigError> {
    SessionLayer::builder(MemoryStore::new(), keys)
        .sessions_per_user(2, AtLimit::Refuse)
        .build()
}

// .. after the password was checked; `instead` is what the user chose on the page below:
async fn sign_in(
    session: &CurrentSession,
    user: u64,
    instead: Option<PublicSessionId>,
) -> Result<String, SessionError> {
    if let Some(id) = instead {
        session.revoke_of::<Login>(&user, id).await?;
    }
    session.insert(Login { user })?;
    match session.commit().await {
        Err(SessionError::TooManySessions { .. }) => {
            let devices = session.list_of::<Login>(&user).await?;
            let ids: Vec<_> = devices.iter().map(|it| it.id.to_string()).collect();
            Ok(format!("choose one to sign out: {}", ids.join(" ")))
        }
        result => result.map(|()| "welcome".to_owned()),
    }
}

// What the page leaves out.

#[tokio::test]
async fn a_third_device_takes_the_place_of_one_that_the_user_chooses() {
    use axum::{Router, extract::Path, routing::get, routing::post};
    use starsessions_tests::client::Client;

    let handler = async |session: CurrentSession, Path(id): Path<String>| {
        sign_in(&session, 7, id.parse().ok()).await
    };
    let account = async |login: Session<Login>| login.user.to_string();
    let app = Router::new()
        .route("/login/{instead}", post(handler))
        .route("/account", get(account))
        .layer(sessions(KeyRing::generate().unwrap()).unwrap());
    let mut browsers = [(); 3].map(|()| Client::new(&app));
    for browser in &mut browsers[..2] {
        assert_eq!(browser.post("/login/none").await.body, "welcome");
    }
    let page = browsers[2].post("/login/none").await.body;
    let ids = page.strip_prefix("choose one to sign out: ").expect(&page);
    let (id, _) = ids.split_once(' ').unwrap();
    assert_eq!(
        browsers[2].post(&format!("/login/{id}")).await.body,
        "welcome"
    );
    let mut signed_in = Vec::new();
    for browser in &mut browsers {
        signed_in.push(browser.get("/account").await.body == "7");
    }
    assert!(
        signed_in[2] && signed_in[0] != signed_in[1],
        "{signed_in:?}"
    );
}
