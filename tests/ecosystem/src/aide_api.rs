//! aide: documented routes with sessions as arguments (feature `aide`).

use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use aide::openapi::{ApiKeyLocation, OpenApi, SecurityScheme};
use axum::Router;
use starsessions::{CurrentSession, Session, SessionError, SessionLayer};

#[derive(Session)]
pub struct Login {
    #[session(required, rotate)]
    pub user: u64,
}

async fn account(login: Session<Login>) -> String {
    format!("user {}", login.user)
}

async fn greeting(login: Option<Session<Login>>) -> String {
    login.map_or("guest".to_owned(), |login| format!("user {}", login.user))
}

async fn sign_in(session: CurrentSession) -> Result<(), SessionError> {
    session.insert(Login { user: 7 })
}

/// The routes inside the layer, and their description.
pub fn app(sessions: SessionLayer) -> (Router, OpenApi) {
    let mut api = OpenApi::default();
    let routes = ApiRouter::new()
        .api_route(
            "/account",
            get_with(account, |it| it.security_requirement("session")),
        )
        .api_route("/", get_with(greeting, |it| it))
        .api_route("/login", post_with(sign_in, |it| it));
    let router = routes.finish_api_with(&mut api, |api| {
        // The layer's default; what `.cookie(|cookie| cookie.name(..))` sets stands here.
        api.security_scheme("session", cookie("__Host-Http-id"))
    });
    (router.layer(sessions), api)
}

fn cookie(name: &str) -> SecurityScheme {
    SecurityScheme::ApiKey {
        location: ApiKeyLocation::Cookie,
        name: name.to_owned(),
        description: None,
        extensions: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use aide::openapi::ReferenceOr;
    use starsessions::{KeyRing, MemoryStore};

    use super::*;
    use crate::{get, send};

    #[tokio::test]
    async fn documented_routes_serve_sessions_and_say_who_is_turned_away() {
        let layer = SessionLayer::new(MemoryStore::new(), KeyRing::generate().unwrap());
        let (app, api) = app(layer);
        let request = http::Request::post("/login").body(axum::body::Body::empty());
        let (response, _) = send(&app, request.unwrap()).await;
        let line = response.headers()["set-cookie"].to_str().unwrap();
        let cookie = line.split(';').next().unwrap();
        assert_eq!(cookie_of(&api, "session"), cookie.split('=').next());

        assert_eq!(get(&app, "/account", cookie).await.1, "user 7");
        assert_eq!(get(&app, "/account", "").await.0, 401);
        assert_eq!(get(&app, "/", "").await.1, "guest");

        let api = serde_json::to_value(&api).unwrap();
        let responses = |path: &str| api["paths"][path]["get"]["responses"].clone();
        assert!(responses("/account").get("401").is_some(), "{api}");
        assert!(
            responses("/").get("401").is_none(),
            "a guest is not turned away: {api}"
        );
    }

    /// The cookie name in the security scheme of this name.
    fn cookie_of<'a>(api: &'a OpenApi, scheme: &str) -> Option<&'a str> {
        match api.components.as_ref()?.security_schemes.get(scheme)? {
            ReferenceOr::Item(SecurityScheme::ApiKey { name, .. }) => Some(name),
            _ => None,
        }
    }
}
