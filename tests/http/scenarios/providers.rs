//! 5. Signing in at another site: an attempt, from its beginning to the answer.

use std::time::Duration;

use axum::Router;
use axum::extract::{Query, Request};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use starsessions::config::CookieBuilder;
use starsessions::keys::Key;
use starsessions::{CsrfLayer, Flows, KeyRing, SameSite, Session, SessionError};
use starsessions_tests::client::Client;
use starsessions_tests::jar::SameSitePolicy;
use starsessions_tests::provider::{Google, PROVIDER, routes, state_of};
use starsessions_tests::routing::get;
use starsessions_tests::scenarios;
use starsessions_tests::shop::Shop;
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Calls, Moment, Operation};

#[tokio::test]
async fn scenario_05_two_tabs_wherever_sessions_are() {
    for kept in Kept::ANYWHERE {
        scenarios::two_tabs_sign_in_at_a_provider(&Site::kept(kept)).await;
    }
}

#[tokio::test]
async fn scenario_05_an_attempt_costs_no_session_and_no_store() {
    let site = Site::new();
    let mut browser = site.serve(routes());
    let state = browser.leave_for(GOOGLE).await;
    assert_eq!(state.len(), 43);
    let reply = browser.come_back(BACK, "forged").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(!reply.sets_cookie(), "nothing is used up: {reply:?}");
    assert_eq!(site.store.take_calls(), Calls::NONE);
}

#[tokio::test]
async fn scenario_05_the_cookie_of_an_attempt_is_as_strict_as_the_session_s() {
    let mut browser = Site::new().serve(routes());
    for (path, same_site) in [
        (GOOGLE, SameSitePolicy::Lax),
        ("/microsoft?user=1", SameSitePolicy::None),
    ] {
        let reply = browser.get(path).await;
        let kept: Vec<_> = browser.jar().cookies().cloned().collect();
        let cookie = kept.last().expect("the browser has kept it");
        assert!(cookie.name.starts_with("__Host-Http-id-flow-"));
        assert_eq!(
            (cookie.same_site, cookie.secure, cookie.http_only),
            (same_site, true, true)
        );
        assert_eq!(reply.max_age(), Some(600));
        assert_eq!(reply.all("cache-control"), ["private, no-store"]);
        let state = state_of(&reply);
        assert!(!reply.set_cookies().concat().contains(&state));
    }
}

#[tokio::test]
async fn scenario_05_an_answer_counts_once() {
    let mut browser = Site::new().serve(routes());
    let state = browser.leave_for(GOOGLE).await;
    let mut copied = browser.clone();
    assert_eq!(
        browser.come_back(BACK, &state).await.location(),
        Some("/me")
    );
    let again = browser.come_back(BACK, &state).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);

    // A thief of both the cookie and the state can use them once more: only the provider's code is single-use.
    assert_eq!(copied.come_back(BACK, &state).await.location(), Some("/me"));
}

#[tokio::test]
async fn scenario_05_ten_minutes_are_counted_by_the_server() {
    let site = Site::new();
    let mut browser = site.serve(routes());
    let (early, late) = (
        browser.leave_for(GOOGLE).await,
        browser.leave_for(GOOGLE).await,
    );
    site.wait_seconds(599);
    assert_eq!(
        browser.come_back(BACK, &early).await.location(),
        Some("/me")
    );
    site.wait_seconds(1);
    let reply = browser.come_back(BACK, &late).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);

    browser.jar_mut().advance(Duration::from_secs(600));
    assert_eq!(flows_of(&browser), 0, "the browser forgets it as well");
}

/// Login CSRF: an answer that belongs to the attempt of another browser.
#[tokio::test]
async fn scenario_05_nobody_is_signed_in_by_what_they_have_not_begun() {
    let site = Site::new();
    let mut attacker = site.serve(routes());
    let mut victim = site.serve(routes());
    let (theirs, own) = (
        attacker.leave_for(GOOGLE).await,
        victim.leave_for(GOOGLE).await,
    );
    for state in [theirs.as_str(), "", "\u{0}", &own[..42], &format!("{own}=")] {
        let state = state.replace('\u{0}', "%00");
        let reply = victim.come_back(BACK, &state).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{state:?}");
    }
    assert_eq!(victim.get("/me").await.body, "guest");
    assert_eq!(victim.come_back(BACK, &own).await.location(), Some("/me"));
}

/// The answer of one provider at the callback of another (mix-up).
#[tokio::test]
async fn scenario_05_an_attempt_is_found_by_its_own_type_only() {
    let mut browser = Site::new().serve(routes());
    let state = browser.leave_for(GOOGLE).await;
    let form = format!("state={state}");
    let reply = browser.submit("/microsoft/back", &form).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        browser.come_back(BACK, &state).await.location(),
        Some("/me")
    );
}

#[tokio::test]
async fn scenario_05_garbage_is_no_attempt_and_no_error() {
    let mut browser = Site::new().serve(routes());
    let state = browser.leave_for(GOOGLE).await;
    let pair = browser.cookies().unwrap();
    let (name, value) = pair.split_once('=').unwrap();
    for bit in 0..value.len() * 8 {
        let mut damaged = value.as_bytes().to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let cookies = [name.as_bytes(), b"=", &damaged].concat();
        if http::HeaderValue::from_bytes(&cookies).is_err() {
            continue;
        }
        let damaged = browser.showing(cookies);
        let reply = damaged
            .ask(Method::GET, &format!("{BACK}?state={state}"))
            .await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "bit {bit}");
    }
    // A sibling host has planted other cookies of the same name; the layer uses the one that it can open.
    let planted = browser.showing(format!("{name}=planted; {name}={value}; {name}="));
    let path = format!("{BACK}?state={state}");
    assert_eq!(
        planted.ask(Method::GET, &path).await.location(),
        Some("/me")
    );
}

#[tokio::test]
async fn scenario_05_the_oldest_of_more_than_eight_makes_room() {
    let site = Site::new();
    let mut browser = site.serve(routes());
    let mut states = Vec::new();
    for _ in 0..12 {
        states.push(browser.leave_for(GOOGLE).await);
        site.wait_seconds(1);
        assert!(browser.cookies().unwrap().len() <= 4096);
    }
    assert_eq!(flows_of(&browser), Flows::<Google>::MOST);
    for (number, state) in states.iter().enumerate() {
        let reply = browser.come_back(BACK, state).await;
        let is_kept = number >= states.len() - Flows::<Google>::MOST;
        assert_eq!(reply.location().is_some(), is_kept, "{number}");
    }
}

#[tokio::test]
async fn scenario_05_what_cannot_be_opened_makes_room_first() {
    let mut browser = Site::new().serve(routes());
    let state = browser.leave_for(GOOGLE).await;
    let own = browser.cookies().unwrap();
    let foreign = ["AA", "AQ", "Ag", "Aw", "BA", "BQ", "Bg", "Bw", "CA"];
    let foreign = foreign.map(|end| format!("__Host-Http-id-flow-{}{end}=x", &"A".repeat(20)));
    // The name has the same beginning, but is not that of a flow.
    let other = "__Host-Http-id-flow-other=x";
    let crowded = browser.showing(format!("{own}; {other}; {}", foreign.join("; ")));
    let reply = crowded.ask(Method::GET, GOOGLE).await;
    assert!(!reply.set_cookies().concat().contains("-flow-other="));
    browser.keep(&reply);
    assert_eq!(flows_of(&browser), 2);
    assert_eq!(
        browser.come_back(BACK, &state).await.location(),
        Some("/me")
    );
}

/// Common servers accept some thousands of cookies in a request.
#[tokio::test]
async fn scenario_05_what_a_flood_of_attempts_costs_is_bounded() {
    let browser = Site::new().serve(routes());
    let flood = |number: u32| format!("__Host-Http-id-flow-{number:020}AA=x");
    let flood: Vec<_> = (0..3_000).map(flood).collect();
    let crowded = browser.showing(flood.join("; "));
    let reply = crowded.ask(Method::GET, GOOGLE).await;
    // Of 64 that are looked at, seven stay beside the new one.
    assert_eq!(reply.set_cookies().len(), 64 - 7 + 1);
}

/// A page with links to many providers begins many attempts at once.
#[tokio::test]
async fn scenario_05_the_attempts_of_one_page_are_bounded_too() {
    let many = async |flows: Flows<Google>| {
        let google = || Google {
            back: "/me".to_owned(),
            user: 1,
        };
        let states = (0..12).map(|_| flows.begin(google()));
        states
            .collect::<Result<Vec<_>, _>>()
            .map(|all| all.join(" "))
    };
    let site = Site::new();
    let mut browser = site.serve(routes().route("/many", get(many)));
    browser.leave_for(GOOGLE).await;
    let page = browser.get("/many").await;
    assert_eq!(flows_of(&browser), Flows::<Google>::MOST);
    // The response removes no cookie that the browser never had.
    assert_eq!(page.set_cookies().len(), Flows::<Google>::MOST + 1);
    for (number, state) in page.body.split(' ').enumerate() {
        let reply = browser.come_back(BACK, state).await;
        let is_kept = number >= 12 - Flows::<Google>::MOST;
        assert_eq!(reply.location().is_some(), is_kept, "{number}");
    }
}

/// Large data fills the 4 KiB with fewer than eight attempts.
#[tokio::test]
async fn scenario_05_all_attempts_fit_into_four_kilobytes() {
    let site = Site::new();
    let large = |octets: usize| {
        async move |flows: Flows<Large>| flows.begin(Large("x".repeat(octets))).map(drop)
    };
    let routes = Router::new()
        .route("/600", get(large(600)))
        .route("/700", get(large(700)));
    let mut browser = site.serve(routes);
    for _ in 0..6 {
        assert_eq!(browser.get("/600").await.status, StatusCode::OK);
        site.wait_seconds(1);
    }
    assert_eq!(flows_of(&browser), 4);
    let reply = browser.get("/700").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!reply.sets_cookie());
}

/// Frames and images that no user sees could push real attempts out of the limit.
#[tokio::test]
async fn scenario_05_another_site_begins_nothing_unseen() {
    let routes = || routes().layer(CsrfLayer::new().trust(PROVIDER).unwrap());
    let mut browser = Site::new().serve(routes());
    let state = browser.leave_for(GOOGLE).await;
    for _ in 0..9 {
        for dest in ["iframe", "image", "empty"] {
            let headers = [("sec-fetch-site", "cross-site"), ("sec-fetch-dest", dest)];
            let path = "/microsoft?user=1";
            let reply = browser.ask_with(Method::GET, path, &headers).await;
            assert!(!reply.sets_cookie(), "{dest}: {reply:?}");
        }
    }
    assert_eq!(
        browser.come_back(BACK, &state).await.location(),
        Some("/me")
    );

    // A link of another site does begin an attempt, and so does an application that runs in frames.
    let framed =
        Site::with(|layer| layer.cookie(|_| CookieBuilder::default().same_site(SameSite::None)));
    for (browser, dest) in [(&browser, "document"), (&framed.serve(routes()), "iframe")] {
        let headers = [("sec-fetch-site", "cross-site"), ("sec-fetch-dest", dest)];
        let reply = browser.ask_with(Method::GET, GOOGLE, &headers).await;
        assert!(reply.sets_cookie(), "{dest}: {reply:?}");
    }
}

#[tokio::test]
async fn scenario_05_what_fails_begins_nothing_and_ends_what_it_has_used() {
    let fail = |error: StatusCode| {
        async move |flows: Flows<Large>| {
            flows
                .begin(Large(String::new()))
                .map(|state| (error, state))
        }
    };
    let end = async |flows: Flows<Large>, state: String| {
        let _ = flows.finish(&state)?;
        Ok::<_, SessionError>(StatusCode::BAD_GATEWAY)
    };
    let routes = Router::new()
        .route("/500", get(fail(StatusCode::INTERNAL_SERVER_ERROR)))
        .route("/200", get(fail(StatusCode::OK)))
        .route("/unwritten", get(begin_and_write))
        .route("/end", axum::routing::post(end));
    let site = Site::new();
    let mut browser = site.serve(routes);
    assert!(!browser.get("/500").await.sets_cookie());
    site.store.fail(Operation::Insert, Moment::Before);
    let reply = browser.get("/unwritten").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!reply.sets_cookie());
    let state = browser.get("/200").await.body;
    assert_eq!(flows_of(&browser), 1);
    let reply = browser.submit("/end", &state).await;
    assert_eq!(reply.status, StatusCode::BAD_GATEWAY);
    assert_eq!(flows_of(&browser), 0);
}

async fn begin_and_write(
    flows: Flows<Large>,
    mut shop: Session<Shop>,
) -> Result<String, SessionError> {
    shop.views += 1;
    flows.begin(Large(String::new()))
}

#[tokio::test]
async fn scenario_05_an_attempt_is_of_one_realm() {
    let site = Site::new();
    let mut browser = site.serve(routes());
    let state = browser.leave_for(GOOGLE).await;
    let admin = site.restarted(|layer| layer.realm("admin"));
    let in_admin = Router::new().route(BACK, get(back_in_admin));
    let other = site.restarted(|layer| layer.audience("other"));
    for there in [
        admin.serve(in_admin),
        other.serve(routes()),
        Site::new().serve(routes()),
    ] {
        let reply = browser.at(&there).come_back(BACK, &state).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    }
    // The cookie is renamed to another valid name.
    let renamed = site.restarted(|layer| layer.cookie(|cookie| cookie.name("__Host-other")));
    let cookies = browser.cookies().unwrap();
    let cookies = cookies.replace("__Host-Http-id-", "__Host-other-");
    let moved = browser.at(&renamed.serve(routes())).showing(cookies);
    let path = format!("{BACK}?state={state}");
    let reply = moved.ask(Method::GET, &path).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        browser.come_back(BACK, &state).await.location(),
        Some("/me")
    );
}

#[tokio::test]
async fn scenario_05_an_attempt_outlives_a_change_of_keys() {
    let bytes = std::array::from_fn(|i| ((i * i * 2_654_435_761) >> 13) as u8);
    let old = || Key::from_bytes(bytes).unwrap();
    let new = KeyRing::generate().unwrap();
    let site = Site::new().under(KeyRing::new(old()));
    let mut browser = site.serve(routes());
    let (first, second) = (
        browser.leave_for(GOOGLE).await,
        browser.leave_for(GOOGLE).await,
    );
    let both = site.under(new.clone().accept(old(), None).unwrap());
    let mut browser = browser.at(&both.serve(routes()));
    assert_eq!(
        browser.come_back(BACK, &first).await.location(),
        Some("/me")
    );
    let mut browser = browser.at(&site.under(new).serve(routes()));
    let reply = browser.come_back(BACK, &second).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}

async fn back_in_admin(Query(answer): Query<Answer>, request: Request) -> Result<(), SessionError> {
    let (parts, _) = request.into_parts();
    let flows = Flows::<Google>::from_parts_in(&parts, "admin").expect("the layer of that realm");
    flows.finish(&answer.state).map(drop)
}

#[derive(Deserialize)]
struct Answer {
    state: String,
}

#[derive(Serialize, Deserialize)]
struct Large(String);

/// The number of attempts in a browser's cookies.
fn flows_of(browser: &Client) -> usize {
    let cookies = browser.jar().cookies();
    cookies
        .filter(|cookie| cookie.name.contains("-flow-"))
        .count()
}

const GOOGLE: &str = "/google?user=7";
const BACK: &str = "/google/back";
