//! 25. My tests.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderValue, Request, StatusCode};
use starsessions::testing::{TestSessions, cookie_header};
use starsessions::{CurrentSession, Lifetime, Session};
use starsessions_tests::routing::{get, post};
use tower::ServiceExt;

use starsessions_tests::shop::{Login, Shop};

async fn add(_login: Session<Login>, mut shop: Session<Shop>) -> String {
    shop.cart.push("tea".to_owned());
    shop.cart.join(",")
}

fn request(cookie: &HeaderValue) -> Request<Body> {
    let request = Request::post("/add").header(COOKIE, cookie);
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn scenario_25_a_route_is_called_signed_in_and_its_session_read_afterwards() {
    let test = TestSessions::new();
    let app = Router::new().route("/add", post(add)).layer(test.layer());
    let cookie = test.cookie_with(Login { user: 7 }).await.unwrap();
    let response = app.oneshot(request(&cookie)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let shop: Shop = test.read(&cookie).await.unwrap().unwrap();
    assert_eq!(shop.cart, ["tea"]);
}

#[tokio::test]
async fn scenario_25_the_session_that_a_response_begins_is_read_from_it() {
    let test = TestSessions::new();
    let begin = get(async |mut shop: Session<Shop>| shop.views += 1);
    let app = Router::new().route("/begin", begin).layer(test.layer());
    let request = Request::get("/begin").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let shop: Shop = test.read_from(&response).await.unwrap().unwrap();
    assert_eq!(shop.views, 1);
}

#[tokio::test]
async fn scenario_25_a_cookie_that_a_response_removes_is_not_sent() {
    let test = TestSessions::new();
    let leave = post(async |session: CurrentSession| session.destroy());
    let app = Router::new().route("/add", leave).layer(test.layer());
    let cookie = test.cookie_with(Login { user: 7 }).await.unwrap();
    let mut response = app.oneshot(request(&cookie)).await.unwrap();
    assert!(response.headers().contains_key(SET_COOKIE));
    assert_eq!(cookie_header(&response), None);
    let other = HeaderValue::from_static("flow=1; Path=/; max-age=600");
    response.headers_mut().append(SET_COOKIE, other);
    assert_eq!(cookie_header(&response).unwrap(), "flow=1");
}

#[tokio::test]
async fn scenario_25_past_the_idle_timeout_the_login_page_is_next() {
    let test = TestSessions::new();
    let app = Router::new().route("/add", post(add)).layer(test.layer());
    let cookie = test.cookie_with(Login { user: 7 }).await.unwrap();
    test.clock()
        .advance(Lifetime::aal2().idle + Duration::from_secs(1));
    let response = app.oneshot(request(&cookie)).await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[LOCATION], "/login");
}

#[tokio::test]
async fn scenario_25_a_handler_is_called_as_a_plain_function() {
    let login = Session::for_test(Login { user: 7 });
    let shop = Session::for_test(Shop {
        cart: vec!["milk".to_owned()],
        views: 0,
        language: None,
        notice: None,
        ratings: Default::default(),
    });
    assert_eq!(add(login, shop).await, "milk,tea");
}
