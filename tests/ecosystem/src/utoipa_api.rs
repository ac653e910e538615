//! utoipa: the cookie of the session as a security scheme.

use axum::Router;
use starsessions::{Session, SessionLayer};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[derive(Session)]
pub struct Login {
    #[session(required, rotate)]
    pub user: u64,
}

#[derive(OpenApi)]
#[openapi(modifiers(&SessionCookie))]
struct Api;

struct SessionCookie;

impl Modify for SessionCookie {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        // The layer's default; what `.cookie(|cookie| cookie.name(..))` sets stands here.
        let cookie = ApiKeyValue::new("__Host-Http-id");
        let scheme = SecurityScheme::ApiKey(ApiKey::Cookie(cookie));
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("session", scheme);
    }
}

#[utoipa::path(
    get,
    path = "/account",
    security(("session" = [])),
    responses((status = 200, body = String), (status = 401, description = "Nobody is signed in"))
)]
async fn account(login: Session<Login>) -> String {
    format!("user {}", login.user)
}

/// The routes inside the layer, and their description.
pub fn app(sessions: SessionLayer) -> (Router, utoipa::openapi::OpenApi) {
    let routes = OpenApiRouter::with_openapi(Api::openapi()).routes(routes!(account));
    let (router, api) = routes.split_for_parts();
    (router.layer(sessions), api)
}

#[cfg(test)]
mod tests {
    use axum::routing::post;
    use starsessions::{CurrentSession, KeyRing, MemoryStore};

    use super::*;
    use crate::{get, send};

    #[tokio::test]
    async fn the_scheme_has_the_name_of_the_cookie_that_is_set() {
        let sessions = SessionLayer::new(MemoryStore::new(), KeyRing::generate().unwrap());
        let (app, api) = app(sessions.clone());
        let api = serde_json::to_value(&api).unwrap();
        let scheme = &api["components"]["securitySchemes"]["session"];
        assert_eq!(
            (&scheme["type"], &scheme["in"]),
            (&"apiKey".into(), &"cookie".into())
        );
        assert_eq!(
            api["paths"]["/account"]["get"]["security"][0]["session"],
            serde_json::json!([])
        );

        let sign_in = async |session: CurrentSession| session.insert(Login { user: 7 });
        let app = app.route("/login", post(sign_in).layer(sessions));
        let request = http::Request::post("/login").body(axum::body::Body::empty());
        let (response, _) = send(&app, request.unwrap()).await;
        let line = response.headers()["set-cookie"]
            .to_str()
            .unwrap()
            .to_owned();
        let (name, rest) = line.split_once('=').unwrap();
        assert_eq!(scheme["name"], name);

        let cookie = format!("{name}={}", rest.split(';').next().unwrap());
        assert_eq!(get(&app, "/account", &cookie).await.1, "user 7");
        assert_eq!(get(&app, "/account", "").await.0, 401);
    }
}
