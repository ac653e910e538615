//! A client without a session gets 401 with a challenge (RFC 9110, section 15.5.2).

use http::{Method, StatusCode};
use starsessions::config::Transport;
use starsessions::{CurrentSession, Session};
use starsessions_tests::client::{App, Client, Reply};
use starsessions_tests::routing::get;
use starsessions_tests::shop::{Login, Shop};
use starsessions_tests::site::Site;

use super::{alone, app, beside, routes, served, signed_in};

fn challenge(reply: &Reply) -> Vec<&str> {
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{reply:?}");
    reply.all("www-authenticate")
}

#[tokio::test]
async fn a_guest_is_asked_for_a_token_and_told_if_theirs_is_none() {
    for site in [alone(), beside()] {
        let guest = app(&site);
        let reply = guest.get("/account").await;
        assert_eq!(challenge(&reply), [r#"Bearer realm="session""#]);

        let dead = signed_in(&site).await;
        dead.post("/logout").await;
        let others = signed_in(&alone()).await.token.unwrap();
        for app in [dead, guest.showing("a.b.c"), guest.showing(&others)] {
            let reply = app.get("/account").await;
            let invalid = [r#"Bearer realm="session", error="invalid_token""#];
            assert_eq!(challenge(&reply), invalid, "{:?}", app.token);
        }
    }
}

/// The view redirects browsers to a page; a redirect is of no use to an application.
#[tokio::test]
async fn an_application_is_not_sent_to_the_login_page() {
    let page = |login: Session<Login>| async move { login.user.to_string() };
    let look = async |session: CurrentSession| session.view::<Login>().await.map(drop);
    for site in [alone(), beside()] {
        let routes = routes()
            .route("/page", get(page))
            .route("/look", get(look))
            .layer(site.sessions.layer());
        for path in ["/page", "/look"] {
            let reply = App::new(&routes).showing("a.b.c").get(path).await;
            assert_eq!(challenge(&reply).len(), 1, "{path}");
        }
    }
    // Where only tokens are accepted, a client that claims to be a browser gets the challenge as well.
    let guest = alone().serve(routes().route("/page", get(page)).route("/look", get(look)));
    for path in ["/page", "/look"] {
        let browser = [("accept", "text/html"), ("sec-fetch-mode", "navigate")];
        let reply = guest.ask_with(Method::GET, path, &browser).await;
        assert_eq!(challenge(&reply).len(), 1, "{path}");
    }
    // Where cookies are accepted too, only a client that asks for HTML is redirected.
    let site = beside();
    let routes = routes().route("/page", get(page));
    let guest = site.serve(routes);
    for (accept, is_led) in [
        ("text/html, */*", true),
        ("*/*", false),
        ("application/json", false),
    ] {
        let headers = [("accept", accept)];
        let reply = guest.ask_with(Method::GET, "/page", &headers).await;
        if is_led {
            assert_eq!(reply.status, StatusCode::SEE_OTHER, "{accept}");
        } else {
            assert_eq!(challenge(&reply), [r#"Bearer realm="session""#], "{accept}");
        }
    }
    let reply = guest.ask(Method::GET, "/page").await;
    assert_eq!(challenge(&reply).len(), 1);
}

#[tokio::test]
async fn a_challenge_of_the_handlers_own_stays() {
    let own =
        |_: Session<Shop>| async { (StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic")]) };
    let plain = |_: Session<Shop>| async { StatusCode::UNAUTHORIZED };
    let routes = routes().route("/own", get(own)).route("/plain", get(plain));
    let routes = routes.layer(alone().sessions.layer());
    let app = App::new(&routes);
    assert_eq!(challenge(&app.get("/own").await), ["Basic"]);
    let asked = app.get("/plain").await;
    assert_eq!(challenge(&asked), [r#"Bearer realm="session""#]);
    assert!(
        app.get("/cart")
            .await
            .headers
            .get("www-authenticate")
            .is_none()
    );
}

#[tokio::test]
async fn only_bearer_has_a_scheme_and_a_realm_its_name() {
    let own = Site::with(|layer| layer.transport(Transport::header("x-session")));
    let cookie = Site::new();
    for site in [own, cookie] {
        assert!(challenge(&app(&site).get("/account").await).is_empty());
    }

    #[derive(Session)]
    #[session(realm = "admin")]
    struct Admin {
        #[session(required)]
        name: String,
    }
    let admin = |admin: Session<Admin>| async move { admin.name.clone() };
    let main = alone();
    let realm = main.restarted(|layer| layer.realm("admin").transport(Transport::bearer()));
    let routes = routes()
        .route("/admin", get(admin))
        .layer(realm.sessions.layer())
        .layer(main.sessions.layer());
    let app = signed_in(&main).await.at(&routes);
    assert_eq!(app.get("/account").await.body, "user 7");
    // A token of one realm is worthless in another.
    let reply = app.get("/admin").await;
    let admin = r#"Bearer realm="admin", error="invalid_token""#;
    assert_eq!(challenge(&reply), [admin]);
}

#[tokio::test]
async fn the_scheme_is_read_in_any_case_and_the_rest_to_the_byte() {
    let site = alone();
    let token = signed_in(&site).await.token.unwrap();
    let client = Client::new(&served(&site));
    let mut last = token.clone();
    let end = last.pop().unwrap();
    // A different character with the same significant bits, which lenient decoders accept.
    let twin = char::from(end as u8 + 1);
    for (shown, me) in [
        (format!("Bearer {token}"), "7"),
        (format!("bEARER   {token}"), "7"),
        (format!("Bearer {token} "), "guest"),
        (format!("Bearer {token}="), "guest"),
        (format!("Bearer {last}{twin}"), "guest"),
        (format!("Bearer {last}"), "guest"),
        (format!("Bearer\t{token}"), "guest"),
        (format!("Token {token}"), "guest"),
        (token.clone(), "guest"),
    ] {
        let headers = [("authorization", shown.as_str())];
        let reply = client.ask_with(Method::GET, "/me", &headers).await;
        assert_eq!(reply.body, me, "{shown}");
    }
}
