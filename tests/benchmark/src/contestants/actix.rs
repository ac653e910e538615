//! actix-session with encrypted cookies, over bare actix-web.

use std::cell::RefCell;
use std::rc::Rc;

use actix_session::config::CookieContentSecurity;
use actix_session::storage::CookieSessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::body::MessageBody;
use actix_web::cookie::Key;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
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
    cookie: Option<HeaderValue>,
) -> Case
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>
        + 'static,
    B: MessageBody + 'static,
{
    let jar = Rc::new(RefCell::new(cookie));
    Case::new(name, ACTIX, kind, move |requests| {
        let (app, jar) = (Rc::clone(&app), Rc::clone(&jar));
        async move {
            for _ in 0..requests {
                let mut request = test::TestRequest::get().uri(path);
                let cookie = jar.borrow().clone();
                if let Some(cookie) = &cookie {
                    request = request.insert_header((header::COOKIE, cookie.clone()));
                }
                let response = app.call(request.to_request()).await.unwrap();
                assert!(response.status().is_success());
                if cookie.is_some() && response.headers().contains_key(header::SET_COOKIE) {
                    jar.replace(cookie_of(&response));
                }
                std::hint::black_box(response);
            }
        }
    })
}

/// The `Cookie` header that a browser would send after this response, which sets one cookie.
fn cookie_of<B>(response: &ServiceResponse<B>) -> Option<HeaderValue> {
    let line = response.headers().get(header::SET_COOKIE)?.as_bytes();
    HeaderValue::from_bytes(line.split(|octet| *octet == b';').next()?).ok()
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
    let cookie = cookie_of(&begun);
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
