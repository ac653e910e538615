//! Signing in at another site.

use axum::extract::Query;
use axum::response::Redirect;
use serde::{Deserialize, Serialize};
use starsessions::{CurrentSession, Flows, LocalPath, SessionError};

#[derive(Serialize, Deserialize)]
struct Google {
    verifier: String, // PKCE
    nonce: String,
    next: LocalPath, // where the user was
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: LocalPath,
}

#[derive(Deserialize)]
struct Answer {
    state: String,
    code: Option<String>, // none if the user has declined
}

async fn begin(flows: Flows<Google>, Query(to): Query<Next>) -> Result<Redirect, SessionError> {
    let google = Google {
        verifier: random(),
        nonce: random(),
        next: to.next.at_most(256),
    };
    let link = link(&google);
    let state = flows.begin(google)?;
    Ok(Redirect::to(&format!("{link}&state={state}")))
}

async fn callback(
    flows: Flows<Google>,
    session: CurrentSession,
    Query(answer): Query<Answer>,
) -> Result<Redirect, SessionError> {
    let google = flows.finish(&answer.state)?; // 400 for an answer that is not of this browser
    let Some(user) = ask_provider(answer.code, &google).await else {
        return Ok(Redirect::to("/login"));
    };
    session.insert(Login { user })?;
    Ok(Redirect::to(google.next.as_str()))
}

// What the page leaves out.

use starsessions_tests::shop::Login;

use super::random;

fn link(google: &Google) -> String {
    let challenge = google.verifier.len();
    format!(
        "https://provider.example/?challenge={challenge}&nonce={}",
        google.nonce
    )
}

/// Stands for the provider, which knows one code.
async fn ask_provider(code: Option<String>, google: &Google) -> Option<u64> {
    (code? == "for user 7" && google.verifier != google.nonce).then_some(7)
}

#[tokio::test]
async fn two_tabs_sign_in_at_a_provider_and_a_forged_answer_does_not() {
    use axum::routing::get;
    use starsessions_tests::site::Site;

    let routes = starsessions_tests::shop::routes()
        .route("/begin", get(begin))
        .route("/callback", get(callback));
    let mut client = Site::new().serve(routes);
    let mut states = Vec::new();
    for next in ["/cart", "/account"] {
        let sent = client.get(&format!("/begin?next={next}")).await;
        let link = sent.location().unwrap();
        assert!(
            link.starts_with("https://provider.example/?challenge=44&nonce="),
            "{link}"
        );
        states.push(link.rsplit_once("&state=").unwrap().1.to_owned());
    }
    let forged = client
        .get("/callback?state=forged&code=for%20user%207")
        .await;
    assert_eq!(forged.status, 400);
    let declined = client.get(&format!("/callback?state={}", states[0])).await;
    assert_eq!(declined.location(), Some("/login"));
    assert_eq!(client.get("/me").await.body, "guest");
    let answer = format!("/callback?state={}&code=for%20user%207", states[1]);
    let back = client.get(&answer).await;
    assert_eq!(back.location(), Some("/account"));
    assert_eq!(client.get("/me").await.body, "7");
    assert_eq!(client.get(&answer).await.status, 400, "finished once");
}
