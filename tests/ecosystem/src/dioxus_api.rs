//! Server functions of Dioxus that use sessions.

use axum::Router;
use dioxus_fullstack::{ServerFnError, get, post};
use dioxus_server::{DioxusRouterExt, FullstackState};
use starsessions::{CurrentSession, Session, SessionLayer};

#[derive(Session)]
pub struct Login {
    #[session(required, rotate)]
    pub user: u64,
}

#[get("/api/me", login: Option<Session<Login>>)]
pub async fn me() -> Result<String, ServerFnError> {
    Ok(login.map_or("guest".to_owned(), |login| format!("user {}", login.user)))
}

#[post("/api/sign_in", session: CurrentSession)]
pub async fn sign_in() -> Result<(), ServerFnError> {
    // after the password was checked:
    session
        .insert(Login { user: 7 })
        .map_err(ServerFnError::new)
}

/// The server functions inside the layer.
pub fn app(sessions: SessionLayer) -> Router {
    Router::new()
        .register_server_functions()
        .with_state(FullstackState::headless())
        .layer(sessions)
}

#[cfg(test)]
mod tests {
    use starsessions::testing::TestSessions;

    use super::app;
    use crate::call;

    #[tokio::test]
    async fn a_server_function_of_dioxus_signs_in_and_knows_the_user() {
        let app = app(TestSessions::new().layer());
        let (guest, _) = call(&app, "GET", "/api/me", "").await;
        assert_eq!(guest, "\"guest\"");
        let (_, cookie) = call(&app, "POST", "/api/sign_in", "").await;
        let (user, _) = call(&app, "GET", "/api/me", &cookie).await;
        assert_eq!(user, "\"user 7\"");
    }
}
