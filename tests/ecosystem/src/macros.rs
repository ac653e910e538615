//! axum's macros on handlers that take sessions.

use axum::Router;
use axum::extract::{FromRequestParts, State};
use axum::routing::get;
use starsessions::testing::TestSessions;
use starsessions::{CurrentSession, Session, SessionError, SessionRejection};

#[derive(Session)]
struct Login {
    #[session(required, rotate)]
    user: u64,
}

#[derive(Clone)]
struct Name(&'static str);

#[axum::debug_handler]
async fn account(login: Session<Login>) -> String {
    format!("user {}", login.user)
}

#[axum::debug_handler]
async fn maybe(
    login: Option<Session<Login>>,
    session: CurrentSession,
) -> Result<String, SessionError> {
    drop(session);
    Ok(login.map_or("guest".to_owned(), |login| format!("user {}", login.user)))
}

#[axum::debug_handler(state = Name)]
async fn refused(
    State(name): State<Name>,
    login: Result<Session<Login>, SessionRejection>,
) -> String {
    match login {
        Ok(login) => format!("{}: user {}", name.0, login.user),
        Err(rejection) => format!("{}: {}", name.0, rejection.status()),
    }
}

/// A custom extractor that axum's derive macro builds from session extractors.
#[derive(FromRequestParts)]
struct Visitor {
    login: Session<Login>,
    session: CurrentSession,
}

#[axum::debug_handler]
async fn both(Visitor { login, session }: Visitor) -> Result<String, SessionError> {
    session.rotate()?;
    Ok(format!("user {}", login.user))
}

#[tokio::test]
async fn handlers_and_extractors_of_axum_s_macros_take_sessions() {
    let test = TestSessions::new();
    let app = Router::new()
        .route("/account", get(account))
        .route("/maybe", get(maybe))
        .route("/refused", get(refused))
        .route("/both", get(both))
        .with_state(Name("shop"))
        .layer(test.layer());
    let cookie = test.cookie_with(Login { user: 7 }).await.unwrap();
    for (path, user, guest) in [
        ("/account", "user 7", "Sign in first."),
        ("/maybe", "user 7", "guest"),
        ("/refused", "shop: user 7", "shop: 401 Unauthorized"),
        ("/both", "user 7", "Sign in first."),
    ] {
        assert_eq!(
            crate::get(&app, path, cookie.to_str().unwrap()).await.1,
            user
        );
        assert_eq!(crate::get(&app, path, "").await.1, guest);
    }
}
