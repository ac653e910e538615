//! Step-up: asking again.

use starsessions::{CurrentSession, Session, SessionError};

#[derive(Session)]
#[session(reject = "/login")]
struct Login {
    #[session(required, rotate)]
    user: u64,
}

#[derive(Session)]
#[session(reject = "/confirm")]
struct Sudo {
    #[session(required, rotate, until = rotate, expires = "5m")]
    by: Proof,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
enum Proof {
    Password,
    SecurityKey,
}

// Guests are redirected to /login, users without a proof in the last five minutes to /confirm.
async fn delete_account(login: Session<Login>, sudo: Session<Sudo>) -> String {
    format!("account {} deleted, by {:?}", login.user, sudo.by)
}

async fn confirm(_login: Session<Login>, session: CurrentSession) -> Result<(), SessionError> {
    // .. after the proof was checked:
    session.insert(Sudo {
        by: Proof::SecurityKey,
    })
}

async fn give_up(session: CurrentSession) -> Result<(), SessionError> {
    session.remove::<Sudo>()
}

// What the page leaves out.

#[tokio::test]
async fn a_proof_is_asked_for_again_when_it_is_old_or_given_up() {
    use axum::routing::{get, post};
    use starsessions_tests::site::Site;
    use std::time::Duration;

    let sign_in = async |session: CurrentSession| session.insert(Login { user: 7 });
    let by_password = async |session: CurrentSession| {
        session.insert(Sudo {
            by: Proof::Password,
        })
    };
    let routes = axum::Router::new()
        .route("/login", post(sign_in))
        .route("/delete", get(delete_account))
        .route("/confirm", post(confirm))
        .route("/password", post(by_password))
        .route("/give-up", post(give_up));
    let site = Site::new();
    let mut client = site.serve(routes);
    client.get("/delete").await.leads_to("/login");
    client.post("/login").await;
    client.get("/delete").await.leads_to("/confirm");
    client.post("/confirm").await;
    let deleted = client.get("/delete").await.body;
    assert_eq!(deleted, "account 7 deleted, by SecurityKey");
    site.sessions.clock().advance(Duration::from_secs(300));
    client.get("/delete").await.leads_to("/confirm");
    client.post("/password").await;
    let deleted = client.get("/delete").await.body;
    assert_eq!(deleted, "account 7 deleted, by Password");
    client.post("/give-up").await;
    client.get("/delete").await.leads_to("/confirm");
    client.post("/confirm").await;
    client.post("/login").await;
    client.get("/delete").await.leads_to("/confirm");
}
