//! Server functions of Leptos that use sessions.

use axum::Router;
use axum::routing::post;
use leptos::prelude::{ServerFnError, server};
use leptos_axum::{extract, handle_server_fns};
use starsessions::{CurrentSession, Session, SessionLayer};

#[derive(Session)]
pub struct Login {
    #[session(required, rotate)]
    pub user: u64,
}

#[server(endpoint = "me")]
pub async fn me() -> Result<String, ServerFnError> {
    let login: Option<Session<Login>> = extract().await?;
    Ok(login.map_or("guest".to_owned(), |login| format!("user {}", login.user)))
}

#[server(endpoint = "sign_in")]
pub async fn sign_in() -> Result<(), ServerFnError> {
    let session: CurrentSession = extract().await?;
    session.insert(Login { user: 7 })?; // after the password was checked
    Ok(())
}

/// The server functions inside the layer.
pub fn app(sessions: SessionLayer) -> Router {
    Router::new()
        .route("/api/{*name}", post(handle_server_fns))
        .layer(sessions)
}

#[cfg(test)]
mod tests {
    use starsessions::testing::TestSessions;

    use super::app;
    use crate::call;

    #[tokio::test]
    async fn a_server_function_of_leptos_signs_in_and_knows_the_user() {
        let app = app(TestSessions::new().layer());
        let (guest, _) = call(&app, "POST", "/api/me", "").await;
        assert_eq!(guest, "\"guest\"");
        let (_, cookie) = call(&app, "POST", "/api/sign_in", "").await;
        let (user, _) = call(&app, "POST", "/api/me", &cookie).await;
        assert_eq!(user, "\"user 7\"");
    }
}
