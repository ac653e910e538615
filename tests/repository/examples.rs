//! The examples, visited as by a browser.

use std::time::Duration;

use axum::Router;
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use http::header::{COOKIE, ORIGIN};
use starsessions::testing::TestSessions;
use starsessions_tests::client::Client;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::{counter, shop, socket};

#[tokio::test]
async fn the_counter_counts_for_each_browser() {
    let app = counter::app().unwrap();
    let (mut ada, mut bob) = (Client::new(&app), Client::new(&app));
    assert_eq!(ada.get("/").await.body, "Your visits: 1\n");
    assert_eq!(ada.get("/").await.body, "Your visits: 2\n");
    assert_eq!(bob.get("/").await.body, "Your visits: 1\n");
}

#[tokio::test]
async fn a_chat_closes_for_who_signs_out() {
    let app = socket::app().unwrap();
    let (mut ada, mut bob) = (Client::new(&app), Client::new(&app));
    for (visitor, form) in [(&mut ada, "name=Ada"), (&mut bob, "name=Bob")] {
        visitor.submit("/login", form).await.leads_to("/");
    }
    let address = serve(app).await;
    let mut there = open_socket(&ada, &address, &address).await.unwrap();
    let mut other = open_socket(&bob, &address, &address).await.unwrap();
    // A visitor whose line comes back has a socket in the room.
    for socket in [&mut there, &mut other] {
        socket.send("hello".into()).await.unwrap();
        hear(socket).await;
    }
    other.send("hello, Ada".into()).await.unwrap();
    while hear(&mut there).await != "Bob: hello, Ada".into() {}

    ada.submit("/logout", "").await.leads_to("/");
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
    let mut ada = Client::new(&app);
    let guest = ada.clone();
    ada.submit("/login", "name=Ada").await.leads_to("/");
    let address = serve(app).await;
    for (visitor, origin, status) in [
        (&guest, address.as_str(), StatusCode::UNAUTHORIZED),
        (&ada, "evil.example", StatusCode::FORBIDDEN),
    ] {
        let refused = open_socket(visitor, &address, origin).await.unwrap_err();
        let tungstenite::Error::Http(answer) = refused else {
            panic!("{refused}");
        };
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test]
async fn a_cart_has_quantities() {
    let (_, app) = open_shop();
    let mut visitor = Client::new(&app);
    for _ in 0..3 {
        visitor.submit("/cart/add", "article=2").await.leads_to("/");
    }
    visitor
        .submit("/cart/change", "article=2&step=less")
        .await
        .leads_to("/cart");
    let cart = visitor.get("/cart").await;
    assert!(cart.body.contains("<output>2</output>"));
    assert!(cart.body.contains("€96.00"));
    visitor
        .submit("/cart/change", "article=2&step=remove")
        .await
        .leads_to("/cart");
    assert!(
        visitor
            .get("/cart")
            .await
            .body
            .contains("Your cart is empty")
    );
}

#[tokio::test]
async fn an_article_that_is_not_there_is_not_found() {
    let (_, app) = open_shop();
    let mut visitor = Client::new(&app);
    let answer = visitor.submit("/cart/add", "article=4000000000").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(
        visitor
            .get("/cart")
            .await
            .body
            .contains("Your cart is empty")
    );
}

#[tokio::test]
async fn a_coupon_is_gone_after_ten_minutes() {
    let (sessions, app) = open_shop();
    let mut visitor = Client::new(&app);
    visitor.submit("/cart/add", "article=1").await.leads_to("/");
    visitor
        .submit("/cart/coupon", "code=star10")
        .await
        .leads_to("/cart");
    sessions.clock().advance(Duration::from_secs(599));
    assert!(visitor.get("/cart").await.body.contains("−€1.20"));
    sessions.clock().advance(Duration::from_secs(1));
    let cart = visitor.get("/cart").await.body;
    assert!(!cart.contains("−€"), "the coupon has expired");
    assert!(cart.contains("Pocket moon"), "the cart has not");
}

#[tokio::test]
async fn a_code_that_is_no_coupon_is_not_redeemed_and_shown_once_more() {
    let (_, app) = open_shop();
    let mut visitor = Client::new(&app);
    visitor.submit("/cart/add", "article=1").await.leads_to("/");
    let code = "%3Cb%3E".to_owned() + &"x".repeat(500);
    visitor
        .submit("/cart/coupon", &format!("code={code}"))
        .await
        .leads_to("/cart");
    let cart = visitor.get("/cart").await.body;
    let shown = format!("&lt;B&gt;{}", "X".repeat(17));
    assert!(cart.contains(&format!(r#"value="{shown}""#)), "{cart}");
    assert!(
        cart.contains(&format!("“{shown}” is not a coupon")),
        "{cart}"
    );
    assert!(!cart.contains("−€"));
    assert!(!visitor.get("/cart").await.body.contains("is not a coupon"));
}

#[tokio::test]
async fn a_notice_is_shown_once() {
    let (_, app) = open_shop();
    let mut visitor = Client::new(&app);
    visitor.submit("/cart/add", "article=3").await.leads_to("/");
    let notice = "Comet is in your cart.";
    assert!(visitor.get("/").await.body.contains(notice));
    assert!(!visitor.get("/").await.body.contains(notice));
}

#[tokio::test]
async fn signing_in_changes_the_id_and_keeps_the_cart() {
    let (_, app) = open_shop();
    let mut visitor = Client::new(&app);
    visitor.submit("/cart/add", "article=4").await.leads_to("/");
    let mut planted = visitor.clone();
    sign_in(&mut visitor, "Ada").await;
    assert_ne!(visitor.cookies(), planted.cookies());
    assert!(visitor.get("/account").await.body.contains("Hello, Ada"));
    assert!(visitor.get("/cart").await.body.contains("Young star"));

    planted.get("/account").await.leads_to("/login");
    assert!(
        planted
            .get("/cart")
            .await
            .body
            .contains("Your cart is empty")
    );
}

#[tokio::test]
async fn signing_out_ends_every_copy_of_the_cookie() {
    let (_, app) = open_shop();
    let mut visitor = Client::new(&app);
    sign_in(&mut visitor, "Ada").await;
    let mut copy = visitor.clone();
    visitor.submit("/logout", "").await.leads_to("/");
    assert_eq!(visitor.cookies(), None);
    copy.get("/account").await.leads_to("/login");
}

#[tokio::test]
async fn a_wrong_password_signs_nobody_in() {
    let (_, app) = open_shop();
    let mut visitor = Client::new(&app);
    let answer = visitor.submit("/login", "name=Ada&password=moon").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    visitor.get("/account").await.leads_to("/login");
}

#[tokio::test]
async fn an_order_needs_a_user_and_a_fresh_confirmation() {
    let (sessions, app) = open_shop();
    let mut visitor = Client::new(&app);
    visitor.submit("/cart/add", "article=5").await.leads_to("/");
    visitor.get("/order").await.leads_to("/login");
    visitor.get("/confirm").await.leads_to("/login");
    sign_in(&mut visitor, "Ada").await;
    visitor.get("/order").await.leads_to("/confirm");
    visitor
        .submit("/confirm", "password=star")
        .await
        .leads_to("/order");
    assert!(visitor.get("/order").await.body.contains("Red dwarf"));

    sessions.clock().advance(Duration::from_secs(300));
    visitor.submit("/order", "").await.leads_to("/confirm");
    visitor
        .submit("/confirm", "password=star")
        .await
        .leads_to("/order");
    visitor.submit("/order", "").await.leads_to("/account");
    assert!(visitor.get("/account").await.body.contains("Thank you!"));
    visitor.submit("/order", "").await.leads_to("/cart");
}

#[tokio::test]
async fn a_confirmation_is_not_inherited_by_the_next_user() {
    let (_, app) = open_shop();
    let mut visitor = Client::new(&app);
    sign_in(&mut visitor, "Ada").await;
    visitor
        .submit("/confirm", "password=star")
        .await
        .leads_to("/order");
    sign_in(&mut visitor, "Bob").await;
    visitor.get("/order").await.leads_to("/confirm");
}

#[tokio::test]
async fn what_users_type_stays_text() {
    let (_, app) = open_shop();
    let mut visitor = Client::new(&app);
    sign_in(&mut visitor, "%22%3E%3Cscript%3Ealert(1)%3C/script%3E").await;
    for page in ["/", "/account", "/confirm"] {
        let text = visitor.get(page).await.body;
        assert!(!text.contains("<script"), "{page}");
        assert!(text.contains("&quot;&gt;&lt;script&gt;"), "{page}");
    }
}

#[tokio::test]
async fn a_page_needs_nothing_from_elsewhere() {
    let (_, app) = open_shop();
    let text = Client::new(&app).get("/").await.body;
    for outside in ["http:", "https:", "src=", "@import", "url(h"] {
        assert!(!text.contains(outside), "{outside}");
    }
}

#[tokio::test]
async fn reading_the_cart_begins_no_session() {
    let (_, app) = open_shop();
    let mut visitor = Client::new(&app);
    for page in ["/cart", "/login"] {
        visitor.get(page).await;
    }
    assert_eq!(visitor.cookies(), None);
}

fn open_shop() -> (TestSessions, Router) {
    let sessions = TestSessions::new();
    let app = shop::app(sessions.layer(), shop::Operations::default());
    (sessions, app)
}

async fn sign_in(visitor: &mut Client, name: &str) {
    let form = format!("name={name}&password=star");
    visitor.submit("/login", &form).await.leads_to("/account");
}

/// Opens a socket as a page of `origin` would.
async fn open_socket(
    visitor: &Client,
    address: &str,
    origin: &str,
) -> Result<Socket, tungstenite::Error> {
    let mut request = format!("ws://{address}/socket").into_client_request()?;
    let headers = request.headers_mut();
    headers.insert(ORIGIN, format!("http://{origin}").parse().unwrap());
    if let Some(cookies) = visitor.cookies() {
        headers.insert(COOKIE, cookies.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    Ok(socket)
}

type Socket = tokio_tungstenite::WebSocketStream<TcpStream>;

async fn hear(socket: &mut Socket) -> tungstenite::Message {
    let message = tokio::time::timeout(Duration::from_secs(20), socket.next()).await;
    let message = message.expect("nothing comes from the socket");
    message.expect("a message").expect("a whole message")
}

/// Serves the application on its own port until the test ends.
async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}
