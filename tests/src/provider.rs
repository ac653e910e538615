//! A site whose users sign in at another site.

use crate::routing::{get, post};
use axum::extract::Query;
use axum::response::Redirect;
use axum::{Form, Router};
use http::Method;
use serde::{Deserialize, Serialize};
use starsessions::{CurrentSession, Flows, SessionError};

use crate::client::{Client, Reply};
use crate::jar::Initiator;
use crate::shop::{self, Login};

/// The state of a sign-in attempt.
#[derive(Debug, Serialize, Deserialize)]
pub struct Google {
    /// The page to return to.
    pub back: String,
    /// The user that the provider will name.
    pub user: u64,
}

/// The state of an attempt at another provider. Its serialized form is the same.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename = "Google")]
pub struct Microsoft {
    /// The page to return to.
    pub back: String,
    /// The user that the provider will name.
    pub user: u64,
}

/// The user who has just come back by a POST.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    user: u64,
}

#[derive(Deserialize)]
struct Wish {
    user: u64,
}

#[derive(Deserialize)]
struct Answer {
    state: String,
}

/// The shop, with sign-in at two providers: Google answers with a GET, Microsoft with a POST.
pub fn routes() -> Router {
    shop::routes()
        .route("/google", get(to_google))
        .route("/google/back", get(from_google))
        .route("/microsoft", get(to_microsoft))
        .route("/microsoft/back", post(from_microsoft))
        .route("/microsoft/known", get(known))
}

async fn to_google(
    flows: Flows<Google>,
    Query(wish): Query<Wish>,
) -> Result<Redirect, SessionError> {
    let back = "/me".to_owned();
    let state = flows.begin(Google {
        back,
        user: wish.user,
    })?;
    Ok(Redirect::to(&format!("{PROVIDER}/authorize?state={state}")))
}

async fn from_google(
    flows: Flows<Google>,
    session: CurrentSession,
    Query(answer): Query<Answer>,
) -> Result<Redirect, SessionError> {
    let google = flows.finish(&answer.state)?;
    session.insert(Login { user: google.user })?;
    Ok(Redirect::to(&google.back))
}

async fn to_microsoft(
    flows: Flows<Microsoft>,
    Query(wish): Query<Wish>,
) -> Result<Redirect, SessionError> {
    let back = "/me".to_owned();
    let state = flows.begin_form_post(Microsoft {
        back,
        user: wish.user,
    })?;
    Ok(Redirect::to(&format!("{PROVIDER}/authorize?state={state}")))
}

/// This request has no session cookie, so the sign-in waits for the next request.
async fn from_microsoft(
    flows: Flows<Microsoft>,
    known: Flows<Known>,
    Form(answer): Form<Answer>,
) -> Result<Redirect, SessionError> {
    let microsoft = flows.finish(&answer.state)?;
    let state = known.begin(Known {
        user: microsoft.user,
    })?;
    Ok(Redirect::to(&format!("/microsoft/known?state={state}")))
}

async fn known(
    flows: Flows<Known>,
    session: CurrentSession,
    Query(answer): Query<Answer>,
) -> Result<Redirect, SessionError> {
    let Known { user } = flows.finish(&answer.state)?;
    session.insert(Login { user })?;
    Ok(Redirect::to("/me"))
}

impl Client {
    /// Goes to a provider. Returns the state to bring back.
    pub async fn leave_for(&mut self, path: &str) -> String {
        let reply = self.get(path).await;
        state_of(&reply)
    }

    /// Comes back from the provider with a GET.
    pub async fn come_back(&mut self, path: &str, state: &str) -> Reply {
        let path = format!("{path}?state={state}");
        let cookies = self.jar().cookie_header_in(SITE, Initiator::Link);
        let sent = self.showing(cookies.unwrap_or_default());
        let reply = sent.ask_with(Method::GET, &path, &CROSS_SITE).await;
        self.keep(&reply);
        reply
    }

    /// Comes back from the provider with a form that its page submits.
    pub async fn come_back_by_post(&mut self, path: &str, state: &str) -> Reply {
        let cookies = self.jar().cookie_header_in(SITE, Initiator::Form);
        let sent = self.showing(cookies.unwrap_or_default());
        let form = format!("state={state}");
        let reply = sent.submit_with(path, &form, &CROSS_SITE).await;
        self.jar_mut()
            .receive_in(&reply.headers, SITE, Initiator::Form);
        reply
    }
}

/// The state in the URL of a redirect.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn state_of(reply: &Reply) -> String {
    let location = reply.location().expect("a redirect");
    let (_, state) = location.split_once("state=").expect("a state");
    state.to_owned()
}

/// The origin of the provider.
pub const PROVIDER: &str = "https://id.example";
const SITE: &str = "https://shop.example/";
const CROSS_SITE: [(&str, &str); 3] = [
    ("origin", PROVIDER),
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-dest", "document"),
];
