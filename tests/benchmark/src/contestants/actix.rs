//! actix-session with encrypted cookies, over bare actix-web.

use std::rc::Rc;

use actix_session::config::CookieContentSecurity;
use actix_session::storage::CookieSessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::body::MessageBody;
use actix_web::cookie::Key;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::{App, HttpResponse, test, web};

use crate::measure::{Case, Kind};
use crate::visitor::{Item, Visitor};

const ACTIX: &str = "bare actix-web";

async fn untouched() -> HttpResponse {
    HttpResponse::Ok().body("ok")
}

async fn read(session: Session) -> HttpResponse {
    let cart: Vec<Item> = session.get("cart").unwrap().unwrap();
    assert_eq!(cart.len(), 5);
    HttpResponse::Ok().body("ok")
}

async fn write(session: Session) -> HttpResponse {
    let views: u64 = session.get("views").unwrap().unwrap();
    session.insert("views", views + 1).unwrap();
    HttpResponse::Ok().body("ok")
}

async fn create(session: Session) -> HttpResponse {
    let ada = Visitor::ada();
    session.insert("user", ada.user).unwrap();
    session.insert("name", ada.name).unwrap();
    session.insert("cart", ada.cart).unwrap();
    session.insert("token", ada.token).unwrap();
    session.insert("since", ada.since).unwrap();
    session.insert("views", ada.views).unwrap();
    HttpResponse::Ok().body("ok")
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/untouched", web::get().to(untouched))
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write))
        .route("/create", web::get().to(create));
}

fn case<S, B>(
    name: &'static str,
    kind: Kind,
    app: Rc<S>,
    path: &'static str,
    cookie: Option<String>,
) -> Case
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>
        + 'static,
    B: MessageBody + 'static,
{
    Case::new(name, ACTIX, kind, move |requests| {
        let (app, cookie) = (Rc::clone(&app), cookie.clone());
        async move {
            for _ in 0..requests {
                let mut request = test::TestRequest::get().uri(path);
                if let Some(cookie) = &cookie {
                    request = request.insert_header(("cookie", cookie.as_str()));
                }
                let response = app.call(request.to_request()).await.unwrap();
                assert!(response.status().is_success());
                std::hint::black_box(response);
            }
        }
    })
}

pub async fn cases() -> Vec<Case> {
    const NAME: &str = "actix-session, cookie private";
    let bare = Rc::new(test::init_service(App::new().configure(routes)).await);
    let store = SessionMiddleware::builder(CookieSessionStore::default(), Key::generate())
        .cookie_content_security(CookieContentSecurity::Private)
        .build();
    let app = Rc::new(test::init_service(App::new().configure(routes).wrap(store)).await);
    let begun = app
        .call(test::TestRequest::get().uri("/create").to_request())
        .await
        .unwrap();
    let cookie = begun
        .response()
        .cookies()
        .next()
        .map(|it| format!("{}={}", it.name(), it.value()));
    vec![
        case(ACTIX, Kind::Untouched, bare, "/untouched", cookie.clone()),
        case(
            NAME,
            Kind::Untouched,
            Rc::clone(&app),
            "/untouched",
            cookie.clone(),
        ),
        case(NAME, Kind::Read, Rc::clone(&app), "/read", cookie.clone()),
        case(NAME, Kind::Write, Rc::clone(&app), "/write", cookie),
        case(NAME, Kind::Create, app, "/create", None),
    ]
}
