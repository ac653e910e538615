//! Passkeys.

use starsessions::{CurrentSession, Session, SessionError};

#[derive(Session)]
struct Login {
    #[session(required, rotate)]
    user: u64,
}

#[derive(Session)]
struct Ceremony {
    #[session(exclusive, expires = "5m")]
    challenge: Option<Challenge>, // `PasskeyAuthentication` needs `codec = json` as well
}

async fn start(mut ceremony: Session<Ceremony>) -> String {
    let challenge = new_challenge();
    let shown = challenge.for_browser();
    ceremony.challenge = Some(challenge);
    shown
}

async fn finish(
    mut ceremony: Session<Ceremony>,
    session: CurrentSession,
    answer: String,
) -> Result<&'static str, SessionError> {
    let Some(challenge) = ceremony.challenge.take() else {
        return Ok("begin again");
    };
    ceremony.commit().await?; // of two requests with one answer, one gets past this
    let Some(user) = verify(&challenge, &answer) else {
        return Ok("this is not your passkey");
    };
    session.insert(Login { user })?;
    Ok("welcome")
}

// What the page leaves out. The real ones are in `examples/signin/passkeys`, which a browser visits.

#[derive(serde::Serialize, serde::Deserialize)]
struct Challenge(String);

impl Challenge {
    fn for_browser(&self) -> String {
        self.0.clone()
    }
}

fn new_challenge() -> Challenge {
    Challenge(super::random())
}

fn verify(challenge: &Challenge, answer: &str) -> Option<u64> {
    (answer == format!("signed {}", challenge.0)).then_some(7)
}

#[tokio::test]
async fn a_challenge_is_answered_once() {
    use axum::routing::{get, post};
    use starsessions_tests::site::Site;

    let me = async |login: Session<Login>| login.user.to_string();
    let routes = axum::Router::new()
        .route("/start", post(start))
        .route("/finish", post(finish))
        .route("/me", get(me));
    let mut client = Site::new().serve(routes);
    assert_eq!(client.submit("/finish", "signed").await.body, "begin again");
    let answer = format!("signed {}", client.post("/start").await.body);
    let wrong = client.submit("/finish", "signed").await.body;
    assert_eq!(wrong, "this is not your passkey");
    assert_eq!(client.submit("/finish", &answer).await.body, "begin again");
    let answer = format!("signed {}", client.post("/start").await.body);
    let mut copy = client.clone();
    assert_eq!(client.submit("/finish", &answer).await.body, "welcome");
    assert_eq!(client.get("/me").await.body, "7");
    assert_eq!(copy.submit("/finish", &answer).await.body, "begin again");
}
