//! Back to the page after the login.

use axum::Form;
use axum::extract::Query;
use axum::response::{Html, Redirect};
use starsessions::{CurrentSession, LocalPath, Session, SessionError};

#[derive(Session)]
#[session(reject = "/login?next={path}")] // of /account?tab=2: /login?next=%2Faccount%3Ftab%3D2
struct Login {
    #[session(required, rotate)]
    user: u64,
}

#[derive(serde::Deserialize)]
struct Next {
    #[serde(default)]
    next: LocalPath,
}

async fn login_page(Query(to): Query<Next>) -> Html<String> {
    let next = escape(to.next.as_str()); // by your templates
    Html(format!(
        r#"<form method="post"><input type="hidden" name="next" value="{next}">..</form>"#
    ))
}

async fn sign_in(session: CurrentSession, Form(to): Form<Next>) -> Result<Redirect, SessionError> {
    if !is_right() {
        return Ok(Redirect::to(&format!("/login?next={}", to.next.encoded()))); // once more, and then there
    }
    session.insert(Login { user: 7 })?;
    Ok(Redirect::to(to.next.as_str()))
}

// What the page leaves out.

fn is_right() -> bool {
    true
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;")
}

#[tokio::test]
async fn a_user_is_back_at_the_page_behind_the_login() {
    use axum::routing::get;
    use starsessions_tests::site::Site;

    let account = async |login: Session<Login>| format!("user {}", login.user);
    let routes = axum::Router::new()
        .route("/account", get(account))
        .route("/login", get(login_page).post(sign_in));
    let mut guest = Site::new().serve(routes);
    let asked = guest.get("/account?tab=2&x").await;
    let login = "/login?next=%2Faccount%3Ftab%3D2%26x";
    asked.leads_to(login);
    let page = guest.get(login).await.body;
    assert!(page.contains(r#"value="/account?tab=2&amp;x""#), "{page}");
    let form = "next=%2Faccount%3Ftab%3D2%26x";
    guest
        .submit("/login", form)
        .await
        .leads_to("/account?tab=2&x");
    assert_eq!(guest.get("/account?tab=2&x").await.body, "user 7");
    let elsewhere = guest.submit("/login", "next=//evil.example").await;
    assert_eq!(elsewhere.status, 422);
}
