//! Every kind of response, in one table.

use axum::Router;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use starsessions::CurrentSession;
use starsessions_tests::client::Reply;
use starsessions_tests::routing::any;
use starsessions_tests::site::Site;
use tower_http::catch_panic::CatchPanicLayer;

use starsessions_tests::shop::{self, Login, Shop};

const NAME: &str = "__Host-Http-id=";

const STATUSES: [u16; 8] = [101, 200, 204, 303, 304, 404, 500, 503];

/// The handler's use of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Nothing,
    Read,
    Contains,
    Write,
    Clear,
    Rotate,
    Logout,
}

const ACTIONS: [Action; 7] = [
    Action::Nothing,
    Action::Read,
    Action::Contains,
    Action::Write,
    Action::Clear,
    Action::Rotate,
    Action::Logout,
];

impl Action {
    async fn act(self, session: &CurrentSession) {
        match self {
            Self::Nothing => {}
            Self::Read => drop(session.view::<Shop>().await.unwrap()),
            Self::Contains => drop(session.get::<Login>().await.unwrap()),
            Self::Write => session.insert(Login { user: 8 }).unwrap(),
            Self::Clear => session.remove::<Login>().unwrap(),
            Self::Rotate => session.rotate().unwrap(),
            Self::Logout => session.destroy().unwrap(),
        }
    }
}

type Headers = &'static [(HeaderName, &'static str)];

/// The headers that the handler sets itself.
const HEADERS: [Headers; 4] = [
    &[],
    &[(VARY, "Accept"), (CACHE_CONTROL, "public, max-age=60")],
    &[(VARY, "*"), (CACHE_CONTROL, "no-store")],
    &[
        (SET_COOKIE, "theme=dark"),
        (SET_COOKIE, "__Host-Http-id=forged"),
    ],
];

#[derive(Clone, Copy, Debug)]
struct Case {
    status: u16,
    panics: bool,
    action: Action,
    headers: Headers,
    is_signed_in: bool,
}

fn cases() -> impl Iterator<Item = Case> {
    STATUSES.into_iter().flat_map(|status| {
        [false, true].into_iter().flat_map(move |panics| {
            ACTIONS.into_iter().flat_map(move |action| {
                HEADERS.into_iter().flat_map(move |headers| {
                    [false, true].map(|is_signed_in| Case {
                        status,
                        panics,
                        action,
                        headers,
                        is_signed_in,
                    })
                })
            })
        })
    })
}

impl Case {
    async fn handle(self, session: Option<CurrentSession>) -> Response {
        if let Some(session) = session {
            self.action.act(&session).await;
        }
        if self.panics {
            // Without the panic hook, which would write a thousand lines.
            std::panic::resume_unwind(Box::new("the handler's own"));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            headers.append(name, HeaderValue::from_static(value));
        }
        (StatusCode::from_u16(self.status).unwrap(), headers, "body").into_response()
    }

    /// The replies to this case, with the layer and without it.
    async fn replies(self) -> [Reply; 2] {
        let uses = self.action != Action::Nothing;
        let with = if uses {
            any(async move |session: CurrentSession| self.handle(Some(session)).await)
        } else {
            any(async move || self.handle(None).await)
        };
        let without = any(async move || self.handle(None).await);
        let route = |handler| {
            Router::new()
                .route("/case", handler)
                .layer(CatchPanicLayer::new())
        };
        let mut client = Site::new().serve(shop::routes().merge(route(with)));
        if self.is_signed_in {
            client.post("/login/7").await;
        }
        let mut bare = starsessions_tests::client::Client::new(&route(without));
        [client.get("/case").await, bare.get("/case").await]
    }

    /// Whether the response must change the browser's cookie.
    fn changes_cookie(self) -> bool {
        let is_error = self.panics || self.status >= 500;
        match self.action {
            Action::Nothing | Action::Read | Action::Contains => false,
            Action::Write => !is_error,
            // The removed field rotates the id.
            Action::Clear => self.is_signed_in && !is_error,
            Action::Rotate | Action::Logout => self.is_signed_in,
        }
    }

    fn check(self, with: &Reply, without: &Reply) {
        assert_eq!(
            (with.status, &with.body),
            (without.status, &without.body),
            "{self:?}"
        );
        if self.action == Action::Nothing {
            assert_eq!(with.headers, without.headers, "{self:?}");
            return;
        }
        let vary = with.all("vary").join(", ");
        assert!(
            vary.contains("Cookie") || vary.contains('*'),
            "{self:?}: {vary}"
        );
        for said in without.all("vary") {
            assert!(with.all("vary").contains(&said), "{self:?}: {said} is lost");
        }

        let is_named_ours = |line: &&str| line.starts_with(NAME);
        let (ours, others): (Vec<&str>, Vec<&str>) =
            with.set_cookies().into_iter().partition(is_named_ours);
        assert!(ours.len() <= 1, "{self:?}: {ours:?}");
        let mut theirs = without.set_cookies();
        theirs.retain(|line| !is_named_ours(line));
        assert_eq!(others, theirs, "{self:?}");

        let is_ours = ours.first().is_some_and(|line| !line.ends_with("forged"));
        assert_eq!(is_ours, self.changes_cookie(), "{self:?}: {ours:?}");
        let caching = with.all("cache-control");
        if is_ours {
            assert!(
                caching.join(",").contains("no-store"),
                "{self:?}: {caching:?}"
            );
        } else {
            let said = without.all("cache-control").join(", ");
            // A response that may depend on a user is not for shared caches.
            let has_read = matches!(self.action, Action::Read | Action::Contains);
            let sent = if self.is_signed_in && has_read {
                said.replace("public", "private")
            } else {
                said
            };
            assert_eq!(caching.join(", "), sent, "{self:?}");
        }
    }
}

#[tokio::test]
async fn every_response_says_what_it_must_and_nothing_else() {
    let mut checked = 0;
    for case in cases() {
        let [with, without] = case.replies().await;
        case.check(&with, &without);
        checked += 1;
    }
    assert_eq!(checked, 8 * 2 * 7 * 4 * 2);
}
