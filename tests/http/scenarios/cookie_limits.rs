//! 20. Cookie store limits.

use axum::Router;
use axum::extract::Path;
use http::StatusCode;
use starsessions::error::LimitKind;
use starsessions::{CurrentSession, Session, SessionError};
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::{get, post};
use starsessions_tests::site::{Kept, Site};

use starsessions_tests::shop::{self, Login};

#[derive(Session)]
struct Note {
    title: String,
    text: String,
}

/// Text that does not compress.
fn text(bytes: usize) -> String {
    (0..bytes)
        .map(|i| char::from(b'!' + (i * i % 89) as u8))
        .collect()
}

async fn write(mut note: Session<Note>, Path(bytes): Path<usize>) -> Result<String, String> {
    "title".clone_into(&mut note.title);
    note.text = text(bytes);
    match note.commit().await {
        Ok(()) => Ok("stored".to_owned()),
        Err(SessionError::TooLarge(error)) => {
            assert_eq!(error.what, LimitKind::Cookie);
            assert!(error.size > error.limit);
            Err(format!("{:?}", error.fields))
        }
        Err(error) => panic!("{error}"),
    }
}

fn notes() -> Router {
    let show = get(async |note: Session<Note>| note.text.len().to_string());
    shop::routes()
        .route("/note", show)
        .route("/note/{bytes}", post(write))
}

#[tokio::test]
async fn scenario_20_three_kilobytes_fit_into_a_cookie() {
    let mut client = Site::kept(Kept::InCookiesForGood).serve(notes());
    assert_eq!(client.post("/note/2900").await.body, "stored");
    assert_eq!(client.get("/note").await.body, "2900");
}

#[tokio::test]
async fn scenario_20_five_kilobytes_are_an_error_with_the_size_of_each_field() {
    let mut client = Site::kept(Kept::InCookiesForGood).serve(notes());
    client.post("/note/100").await;
    let before = client.cookies();
    let reply = client.post("/note/5000").await;
    let sizes = reply.body;
    assert!(
        sizes.starts_with(r#"[("note.text", 50"#),
        "the largest first: {sizes}"
    );
    assert!(sizes.contains("note.title"), "{sizes}");
    assert_eq!(client.cookies(), before, "the old cookie is not dropped");
    assert_eq!(client.get("/note").await.body, "100");
}

#[tokio::test]
async fn scenario_20_a_copied_cookie_is_refused_after_the_logout() {
    let mut client = Site::kept(Kept::InCookies).serve(shop::with_logout());
    client.post("/login/7").await;
    let mut copied = client.clone();
    client.post("/logout").await;
    assert_eq!(client.cookies(), None);
    assert_eq!(copied.get("/me").await.body, "guest");
}

#[tokio::test]
async fn scenario_20_where_nothing_can_be_revoked_only_destroy_is_refused() {
    let logs = Logs::capture();
    let sign_in = post(async |session: CurrentSession| session.insert(Login { user: 7 }));
    let routes = shop::with_logout().route("/in", sign_in);
    let mut client = Site::kept(Kept::InCookiesForGood).serve(routes);
    assert_eq!(logs.with(&["INFO", "`destroy` is refused"]).len(), 1);
    assert_eq!(client.post("/in").await.status, StatusCode::OK);

    let reply = client.post("/logout").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!reply.sets_cookie());
    let lines = logs.with(&["ERROR", "`.revoked_in(..)`", "`forget`"]);
    assert_eq!(lines.len(), 1, "{}", logs.text());
    assert_eq!(client.get("/me").await.body, "7", "not half");

    client.post("/forget").await;
    assert_eq!(client.cookies(), None);
}

#[tokio::test]
async fn scenario_20_where_sessions_can_be_revoked_to_forget_one_is_to_end_it() {
    for kept in [Kept::OnServer, Kept::InCookies] {
        let logs = Logs::capture();
        let mut client = Site::kept(kept).serve(shop::routes());
        client.post("/login/7").await;
        let mut copied = client.clone();
        client.post("/forget").await;
        assert_eq!(client.cookies(), None);
        assert_eq!(copied.get("/me").await.body, "guest");
        assert!(logs.with(&["`destroy` is refused"]).is_empty());
    }
}
