//! The examples, requested as a browser would.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use futures_util::{SinkExt, StreamExt};
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use starsessions::testing::TestSessions;
use starsessions_tests::browser::Browser;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tower::ServiceExt;

use super::{counter, shop, socket};

#[tokio::test]
async fn the_counter_counts_for_each_browser() {
    let app = counter::app().unwrap();
    let (mut ada, mut bob) = (Visitor::new(&app), Visitor::new(&app));
    assert_eq!(ada.get("/").await.text, "Your visits: 1\n");
    assert_eq!(ada.get("/").await.text, "Your visits: 2\n");
    assert_eq!(bob.get("/").await.text, "Your visits: 1\n");
}

#[tokio::test]
async fn a_chat_closes_for_who_signs_out() {
    let app = socket::app().unwrap();
    let (mut ada, mut bob) = (Visitor::new(&app), Visitor::new(&app));
    for (visitor, form) in [(&mut ada, "name=Ada"), (&mut bob, "name=Bob")] {
        visitor.post("/login", form).await.leads_to("/");
    }
    let address = serve(app).await;
    let mut there = ada.open_socket(&address, &address).await.unwrap();
    let mut other = bob.open_socket(&address, &address).await.unwrap();
    // Whose line comes back has its socket in the room.
    for socket in [&mut there, &mut other] {
        socket.send("hello".into()).await.unwrap();
        hear(socket).await;
    }
    other.send("hello, Ada".into()).await.unwrap();
    while hear(&mut there).await != "Bob: hello, Ada".into() {}

    ada.post("/logout", "").await.leads_to("/");
    let end = loop {
        if let tungstenite::Message::Close(end) = hear(&mut there).await {
            break end.unwrap();
        }
    };
    assert_eq!(end.reason.as_str(), "signed out");
    other.send("still here".into()).await.unwrap();
    while hear(&mut other).await != "Bob: still here".into() {}
}

#[tokio::test]
async fn a_chat_opens_for_users_of_its_own_pages() {
    let app = socket::app().unwrap();
    let mut ada = Visitor::new(&app);
    let guest = ada.clone();
    ada.post("/login", "name=Ada").await.leads_to("/");
    let address = serve(app).await;
    for (visitor, origin, status) in [
        (&guest, address.as_str(), StatusCode::SEE_OTHER),
        (&ada, "evil.example", StatusCode::FORBIDDEN),
    ] {
        let refused = visitor.open_socket(&address, origin).await.unwrap_err();
        let tungstenite::Error::Http(answer) = refused else {
            panic!("{refused}");
        };
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test]
async fn a_cart_has_quantities() {
    let (_, app) = open_shop();
    let mut visitor = Visitor::new(&app);
    for _ in 0..3 {
        visitor.post("/cart/add", "article=2").await.leads_to("/");
    }
    visitor
        .post("/cart/change", "article=2&step=less")
        .await
        .leads_to("/cart");
    let cart = visitor.get("/cart").await;
    assert!(cart.text.contains("<output>2</output>"));
    assert!(cart.text.contains("€96.00"));
    visitor
        .post("/cart/change", "article=2&step=remove")
        .await
        .leads_to("/cart");
    assert!(
        visitor
            .get("/cart")
            .await
            .text
            .contains("Your cart is empty")
    );
}

#[tokio::test]
async fn an_article_that_is_not_there_is_not_found() {
    let (_, app) = open_shop();
    let mut visitor = Visitor::new(&app);
    let answer = visitor.post("/cart/add", "article=4000000000").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(
        visitor
            .get("/cart")
            .await
            .text
            .contains("Your cart is empty")
    );
}

#[tokio::test]
async fn a_coupon_is_gone_after_ten_minutes() {
    let (sessions, app) = open_shop();
    let mut visitor = Visitor::new(&app);
    visitor.post("/cart/add", "article=1").await.leads_to("/");
    visitor
        .post("/cart/coupon", "code=star10")
        .await
        .leads_to("/cart");
    sessions.clock().advance(Duration::from_secs(599));
    assert!(visitor.get("/cart").await.text.contains("−€1.20"));
    sessions.clock().advance(Duration::from_secs(1));
    let cart = visitor.get("/cart").await.text;
    assert!(!cart.contains("−€"), "the coupon has expired");
    assert!(cart.contains("Pocket moon"), "the cart has not");
}

#[tokio::test]
async fn a_notice_is_shown_once() {
    let (_, app) = open_shop();
    let mut visitor = Visitor::new(&app);
    visitor.post("/cart/add", "article=3").await.leads_to("/");
    let notice = "Comet is in your cart.";
    assert!(visitor.get("/").await.text.contains(notice));
    assert!(!visitor.get("/").await.text.contains(notice));
}

#[tokio::test]
async fn signing_in_changes_the_id_and_keeps_the_cart() {
    let (_, app) = open_shop();
    let mut visitor = Visitor::new(&app);
    visitor.post("/cart/add", "article=4").await.leads_to("/");
    let mut planted = visitor.clone();
    visitor.sign_in("Ada").await;
    assert_ne!(visitor.cookie(), planted.cookie());
    assert!(visitor.get("/account").await.text.contains("Hello, Ada"));
    assert!(visitor.get("/cart").await.text.contains("Young star"));

    planted.get("/account").await.leads_to("/login");
    assert!(
        planted
            .get("/cart")
            .await
            .text
            .contains("Your cart is empty")
    );
}

#[tokio::test]
async fn signing_out_ends_every_copy_of_the_cookie() {
    let (_, app) = open_shop();
    let mut visitor = Visitor::new(&app);
    visitor.sign_in("Ada").await;
    let mut copy = visitor.clone();
    visitor.post("/logout", "").await.leads_to("/");
    assert_eq!(visitor.cookie(), None);
    copy.get("/account").await.leads_to("/login");
}

#[tokio::test]
async fn a_wrong_password_signs_nobody_in() {
    let (_, app) = open_shop();
    let mut visitor = Visitor::new(&app);
    let answer = visitor.post("/login", "name=Ada&password=moon").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    visitor.get("/account").await.leads_to("/login");
}

#[tokio::test]
async fn an_order_needs_a_user_and_a_fresh_confirmation() {
    let (sessions, app) = open_shop();
    let mut visitor = Visitor::new(&app);
    visitor.post("/cart/add", "article=5").await.leads_to("/");
    visitor.get("/order").await.leads_to("/login");
    visitor.get("/confirm").await.leads_to("/login");
    visitor.sign_in("Ada").await;
    visitor.get("/order").await.leads_to("/confirm");
    visitor
        .post("/confirm", "password=star")
        .await
        .leads_to("/order");
    assert!(visitor.get("/order").await.text.contains("Red dwarf"));

    sessions.clock().advance(Duration::from_secs(300));
    visitor.post("/order", "").await.leads_to("/confirm");
    visitor
        .post("/confirm", "password=star")
        .await
        .leads_to("/order");
    visitor.post("/order", "").await.leads_to("/account");
    assert!(visitor.get("/account").await.text.contains("Thank you!"));
    visitor.post("/order", "").await.leads_to("/cart");
}

#[tokio::test]
async fn a_confirmation_is_not_inherited_by_the_next_user() {
    let (_, app) = open_shop();
    let mut visitor = Visitor::new(&app);
    visitor.sign_in("Ada").await;
    visitor
        .post("/confirm", "password=star")
        .await
        .leads_to("/order");
    visitor.sign_in("Bob").await;
    visitor.get("/order").await.leads_to("/confirm");
}

#[tokio::test]
async fn what_users_type_stays_text() {
    let (_, app) = open_shop();
    let mut visitor = Visitor::new(&app);
    visitor
        .sign_in("%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        .await;
    for page in ["/", "/account", "/confirm"] {
        let text = visitor.get(page).await.text;
        assert!(!text.contains("<script"), "{page}");
        assert!(text.contains("&quot;&gt;&lt;script&gt;"), "{page}");
    }
}

#[tokio::test]
async fn a_page_needs_nothing_from_elsewhere() {
    let (_, app) = open_shop();
    let text = Visitor::new(&app).get("/").await.text;
    for outside in ["http:", "https:", "src=", "@import", "url(h"] {
        assert!(!text.contains(outside), "{outside}");
    }
}

#[tokio::test]
async fn reading_the_cart_begins_no_session() {
    let (_, app) = open_shop();
    let mut visitor = Visitor::new(&app);
    for page in ["/cart", "/login"] {
        visitor.get(page).await;
    }
    assert_eq!(visitor.cookie(), None);
}

fn open_shop() -> (TestSessions, Router) {
    let sessions = TestSessions::new();
    let app = shop::app(sessions.layer(), shop::Operations::default());
    (sessions, app)
}

/// Somebody with a browser.
#[derive(Clone)]
struct Visitor {
    app: Router,
    browser: Browser,
}

/// What the browser got.
struct Answer {
    status: StatusCode,
    location: Option<String>,
    text: String,
}

impl Visitor {
    fn new(app: &Router) -> Self {
        Self {
            app: app.clone(),
            browser: Browser::new(),
        }
    }

    async fn sign_in(&mut self, name: &str) {
        let form = format!("name={name}&password=star");
        self.post("/login", &form).await.leads_to("/account");
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), "").await
    }

    async fn post(&mut self, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        self.send(request, form).await
    }

    async fn send(&mut self, mut request: http::request::Builder, body: &str) -> Answer {
        if let Some(cookie) = self.cookie() {
            request = request.header(COOKIE, cookie);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        assert!(response.headers().get_all(SET_COOKIE).iter().count() <= 1);
        self.browser.receive(response.headers(), SITE);
        Answer::read(response).await
    }

    fn cookie(&self) -> Option<String> {
        self.browser.cookie_header(SITE)
    }

    /// As a page of `origin` would.
    async fn open_socket(&self, address: &str, origin: &str) -> Result<Socket, tungstenite::Error> {
        let mut request = format!("ws://{address}/socket").into_client_request()?;
        let headers = request.headers_mut();
        headers.insert(ORIGIN, format!("http://{origin}").parse().unwrap());
        if let Some(cookie) = self.cookie() {
            headers.insert(COOKIE, cookie.parse().unwrap());
        }
        let stream = TcpStream::connect(address).await.unwrap();
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
        Ok(socket)
    }
}

type Socket = tokio_tungstenite::WebSocketStream<TcpStream>;

async fn hear(socket: &mut Socket) -> tungstenite::Message {
    let message = tokio::time::timeout(Duration::from_secs(20), socket.next()).await;
    let message = message.expect("nothing comes from the socket");
    message.expect("a message").expect("a whole message")
}

/// On a port of its own, until the test is over.
async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

impl Answer {
    async fn read(response: Response<Body>) -> Self {
        let location = response.headers().get(LOCATION);
        let location = location.map(|location| location.to_str().unwrap().to_owned());
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Self {
            status,
            location,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    #[track_caller]
    fn leads_to(&self, location: &str) {
        assert_eq!(self.status, StatusCode::SEE_OTHER);
        assert_eq!(self.location.as_deref(), Some(location));
    }
}

const SITE: &str = "http://localhost/";
