//! 18. Middleware, handler, realms.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use http::{HeaderValue, StatusCode};
use starsessions::config::{CookieBuilder, FailurePolicy, OnServerError};
use starsessions::{CurrentSession, FailurePolicyLayer, PassiveLayer, Session};
use starsessions_tests::client::Client;
use starsessions_tests::routing::{MethodRouter, get, post};
use starsessions_tests::site::Site;
use starsessions_tests::spy::{Moment, Operation};

use starsessions_tests::shop::{self, Login, Shop};

#[derive(Session)]
#[session(realm = "admin")]
struct Desk {
    open_tickets: Vec<u32>,
}

/// Reads the session before the handler and after it.
async fn observe(
    session: CurrentSession,
    shop: Session<Shop>,
    request: Request,
    next: Next,
) -> Response {
    let before = shop.views;
    let mut response = next.run(request).await;
    let after = session
        .get::<Shop>()
        .await
        .unwrap()
        .map_or(0, |shop| shop.views);
    let seen = HeaderValue::try_from(format!("{before} {after}")).unwrap();
    response.headers_mut().insert("x-views", seen);
    response
}

/// Logs out after the handler has answered.
async fn evict(session: CurrentSession, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    session.destroy().unwrap();
    response
}

/// A shop in the customers' realm, inside of the staff's realm.
struct Premises {
    customers: Site,
    staff: Site,
    client: Client,
}

fn premises() -> Premises {
    premises_with(post(async |mut desk: Session<Desk>| {
        desk.open_tickets.push(1)
    }))
}

fn premises_with(ticket: MethodRouter) -> Premises {
    let customers = Site::new();
    let staff = Site::with(|layer| {
        layer
            .realm("admin")
            .cookie(|_| CookieBuilder::default().name("__Host-staff"))
    });
    let both = get(
        async |shop: Session<Shop>, desk: Session<Desk>, login: Option<Session<Login>>| {
            let login = login.map(|login| login.user);
            format!("{} {} {login:?}", shop.views, desk.open_tickets.len())
        },
    );
    let quiet = Router::new()
        .route("/quiet", both.clone())
        .layer(PassiveLayer)
        .layer(FailurePolicyLayer::new(FailurePolicy::ReadOnlyGuest));
    let routes = shop::with_logout()
        .route(
            "/evicted",
            post(async |mut shop: Session<Shop>| shop.views += 1).layer(from_fn(evict)),
        )
        .route("/ticket", ticket)
        .merge(quiet)
        .route("/both", both)
        .layer(from_fn(observe))
        .layer(customers.sessions.layer());
    let client = staff.serve(routes);
    Premises {
        customers,
        staff,
        client,
    }
}

#[tokio::test]
async fn scenario_18_the_outer_middleware_sees_what_the_handler_has_changed() {
    let Premises { mut client, .. } = premises();
    let seen = [client.post("/views").await, client.post("/views").await];
    assert_eq!(
        seen.map(|reply| reply.headers["x-views"].clone()),
        ["0 1", "1 2"]
    );
}

#[tokio::test]
async fn scenario_18_middleware_and_handler_load_once_and_write_once() {
    let Premises {
        mut client,
        customers,
        ..
    } = premises();
    client.post("/views").await;
    let _ = customers.store.take_calls();
    client.post("/views").await;
    let calls = customers.store.take_calls();
    assert_eq!((calls.loads, calls.replaces, calls.writes()), (1, 1, 1));
}

#[tokio::test]
async fn scenario_18_a_logout_of_an_inner_layer_ends_what_the_handler_wrote() {
    let Premises {
        mut client,
        customers,
        ..
    } = premises();
    client.post("/login/7").await;
    let mut stolen = client.clone();
    client.post("/evicted").await;
    assert_eq!(client.cookies(), None);
    assert_eq!(stolen.get("/me").await.body, "guest");
    assert_eq!(customers.rows(), 0);
}

#[tokio::test]
async fn scenario_18_two_realms_have_a_cookie_and_one_load_each() {
    let Premises {
        mut client,
        customers,
        staff,
    } = premises();
    client.post("/login/7").await;
    client.post("/views").await;
    client.post("/ticket").await;
    assert_eq!(client.jar().cookies().count(), 2);
    let _ = (customers.store.take_calls(), staff.store.take_calls());

    assert_eq!(client.get("/both").await.body, "1 1 Some(7)");

    let loads = [&customers, &staff].map(|site| site.store.take_calls().loads);
    assert_eq!(loads, [1, 1]);
}

#[tokio::test]
async fn scenario_18_what_a_route_is_set_to_counts_in_both_realms() {
    let Premises {
        mut client, staff, ..
    } = premises();
    client.post("/ticket").await;
    staff.wait_seconds(60);
    let _ = staff.store.take_calls();
    client.get("/quiet").await;
    assert_eq!(staff.store.take_calls().writes(), 0);
    staff.store.fail(Operation::Load, Moment::Before);
    assert_eq!(client.get("/quiet").await.status, StatusCode::OK);
}

#[tokio::test]
async fn scenario_18_a_logout_in_one_realm_leaves_the_other_alone() {
    let Premises {
        mut client,
        customers,
        staff,
    } = premises();
    client.post("/ticket").await;
    client.post("/login/7").await;
    client.post("/logout").await;
    assert_eq!((customers.rows(), staff.rows()), (0, 1));
    assert_eq!(client.get("/both").await.body, "0 1 None");
}

/// The inner layer has committed, and only its cookie contains the new id.
#[tokio::test]
async fn scenario_18_a_failure_of_the_outer_realm_takes_no_cookie_of_the_inner_one() {
    let Premises {
        mut client,
        staff,
        customers,
    } = premises_with(post(
        async |mut desk: Session<Desk>, session: CurrentSession| {
            desk.open_tickets.push(1);
            session.insert(Login { user: 8 })
        },
    ));
    client.post("/login/7").await;
    staff.store.fail_all();
    let reply = client.post("/ticket").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(customers.rows(), 1);
    staff.store.recover();
    assert_eq!(client.get("/me").await.body, "8");
}

#[derive(Session)]
#[session(realm = "office")]
struct Office {
    visits: u32,
}

/// Allows every origin, as a CORS layer may.
async fn allow(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// Each outer layer replaces the response of the layers inside of it.
#[tokio::test]
async fn scenario_18_two_failures_further_out_take_nothing_of_the_innermost_realm() {
    let realm = |name: &'static str, cookie: &'static str| {
        Site::with(|layer| {
            let layer = layer.realm(name).cookie(|it| it.name(cookie));
            layer.on_server_error(OnServerError::Commit)
        })
    };
    let (customers, staff) = (Site::new(), realm("admin", "__Host-staff"));
    let office = realm("office", "__Host-office");
    let write =
        async |mut desk: Session<Desk>, mut office: Session<Office>, session: CurrentSession| {
            desk.open_tickets.push(1);
            office.visits += 1;
            session.insert(Login { user: 8 })
        };
    let routes = shop::with_logout()
        .route("/write", post(write))
        .layer(from_fn(allow))
        .layer(customers.sessions.layer())
        .layer(staff.sessions.layer());
    let mut client = office.serve(routes);
    staff.store.fail_all();
    office.store.fail_all();
    let reply = client.post("/write").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.all("access-control-allow-origin"), ["*"]);
    assert_eq!(reply.all("cache-control"), ["private, no-store"]);
    assert_eq!(client.get("/me").await.body, "8");
}

/// Runs the handler in a task, so that it continues after the browser has disconnected.
async fn in_a_task_of_its_own(request: Request, next: Next) -> Response {
    tokio::spawn(next.run(request)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_18_a_handler_in_a_task_of_its_own_has_the_session() {
    let site = Site::new();
    let mut client = site.serve(shop::with_logout().layer(from_fn(in_a_task_of_its_own)));
    client.post("/login/7").await;
    assert_eq!(client.get("/me").await.body, "7");
    client.post("/logout").await;
    assert_eq!(client.get("/me").await.body, "guest");
}
