//! A provider that answers with a POST.

use axum::Router;
use axum::extract::{Form, Query};
use axum::response::Redirect;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use starsessions::{CsrfLayer, CurrentSession, Flows, SessionError, SessionLayer};

#[derive(Serialize, Deserialize)]
struct Apple {
    nonce: String,
}

#[derive(Serialize, Deserialize)]
struct Known {
    user: u64,
}

#[derive(Deserialize)]
struct Answer {
    state: String,
    id_token: String,
}

#[derive(Deserialize)]
struct State {
    state: String,
}

async fn begin(flows: Flows<Apple>) -> Result<Redirect, SessionError> {
    let apple = Apple { nonce: random() };
    let link = link(&apple);
    let state = flows.begin_form_post(apple)?;
    Ok(Redirect::to(&format!(
        "{link}&response_mode=form_post&state={state}"
    )))
}

async fn answer(
    flows: Flows<Apple>,
    known: Flows<Known>,
    Form(answer): Form<Answer>,
) -> Result<Redirect, SessionError> {
    let apple = flows.finish(&answer.state)?;
    let user = verify(&answer.id_token, &apple).await?;
    let state = known.begin(Known { user })?;
    Ok(Redirect::to(&format!("/login/known?state={state}")))
}

async fn known(
    flows: Flows<Known>,
    session: CurrentSession,
    Query(answer): Query<State>,
) -> Result<Redirect, SessionError> {
    let Known { user } = flows.finish(&answer.state)?;
    session.insert(Login { user })?;
    Ok(Redirect::to("/"))
}

fn app(sessions: SessionLayer) -> Router {
    Router::new()
        .route("/login", get(begin))
        .route("/login/known", get(known))
        .layer(CsrfLayer::new())
        .route("/login/answer", post(answer)) // outside of `CsrfLayer`: its state is the proof
        .layer(sessions)
}

// What the page leaves out.

use starsessions_tests::shop::Login;

use super::random;

fn link(apple: &Apple) -> String {
    format!("https://provider.example/?nonce={}", apple.nonce)
}

async fn verify(id_token: &str, apple: &Apple) -> Result<u64, SessionError> {
    Ok(if id_token == apple.nonce { 7 } else { 0 })
}

#[tokio::test]
async fn an_answer_by_post_signs_in_with_one_more_redirect() {
    use starsessions::Session;
    use starsessions_tests::client::Client;
    use starsessions_tests::site::Site;

    let me = async |login: Option<Session<Login>>| login.map_or(0, |login| login.user).to_string();
    let sessions = Site::new().sessions.layer();
    let app = app(sessions.clone()).merge(Router::new().route("/", get(me)).layer(sessions));
    let mut client = Client::new(&app);
    let sent = client.get("/login").await;
    let link = sent.location().unwrap();
    let (link, state) = link.rsplit_once("&response_mode=form_post&state=").unwrap();
    let nonce = link.rsplit_once("nonce=").unwrap().1;
    let elsewhere = [
        ("origin", "https://provider.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    let form = format!("state={state}&id_token={nonce}");
    let answered = client.submit_with("/login/answer", &form, &elsewhere).await;
    client.keep(&answered);
    let location = answered.location().unwrap();
    assert!(location.starts_with("/login/known?state="), "{answered:?}");
    assert_eq!(client.get("/").await.body, "0", "not yet");
    assert_eq!(client.get(location).await.location(), Some("/"));
    assert_eq!(client.get("/").await.body, "7");
}
