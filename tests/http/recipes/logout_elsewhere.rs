//! The end that a provider reports.

use starsessions::{CurrentSession, Session, SessionError, SessionLayer};

#[derive(Session)]
#[session(reject = "/login?next={path}")]
struct Login {
    #[session(required, rotate, index)]
    sub: String,
}

#[derive(Session)]
struct AtProvider {
    #[session(required, until = rotate, index)]
    sid: String,
}

// .. after the ID token was verified; not every provider has a `sid`:
fn sign_in(session: &CurrentSession, sub: String, sid: Option<String>) -> Result<(), SessionError> {
    session.insert(Login { sub })?;
    sid.map_or(Ok(()), |sid| session.insert(AtProvider { sid }))
}

// .. after the logout token was verified, with a clone of the layer in the application's state:
async fn logged_out(
    sessions: &SessionLayer,
    sub: &String,
    sid: Option<&String>,
) -> Result<usize, SessionError> {
    match sid {
        Some(sid) => sessions.revoke_all::<AtProvider>(sid).await,
        None => sessions.revoke_all::<Login>(sub).await,
    }
}

// What the page leaves out.

#[tokio::test]
async fn a_provider_ends_one_session_by_sid_and_all_of_a_user_by_sub() {
    use axum::{Router, extract::Path, routing::get, routing::post};
    use starsessions_tests::client::Client;
    use starsessions_tests::site::Site;

    let signed_in = async |session: CurrentSession, Path(sid): Path<String>| {
        sign_in(&session, "ada".to_owned(), (sid != "none").then_some(sid))
    };
    let me = async |login: Session<Login>| login.sub.clone();
    let sessions = Site::new().sessions.layer();
    let app = Router::new()
        .route("/login/{sid}", post(signed_in))
        .route("/me", get(me))
        .layer(sessions.clone());
    let mut browsers = [(); 3].map(|()| Client::new(&app));
    for (browser, sid) in browsers.iter_mut().zip(["s1", "s2", "none"]) {
        browser.post(&format!("/login/{sid}")).await;
        assert_eq!(browser.get("/me").await.body, "ada");
    }
    let (ada, sid) = ("ada".to_owned(), "s1".to_owned());
    assert_eq!(logged_out(&sessions, &ada, Some(&sid)).await.unwrap(), 1);
    browsers[0].get("/me").await.leads_to("/login?next=%2Fme");
    assert_eq!(browsers[1].get("/me").await.body, "ada");
    assert_eq!(logged_out(&sessions, &ada, None).await.unwrap(), 2);
    for browser in &mut browsers[1..] {
        browser.get("/me").await.leads_to("/login?next=%2Fme");
    }
}
