//! G15: limits on field, record and cookie.

use axum::Router;
use axum::extract::Path;
use http::StatusCode;
use starsessions::{Session, SessionError, SessionLayerBuilder};
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::{get, post};
use starsessions_tests::site::{Kept, Site};

#[derive(Session)]
struct Note {
    text: String,
    title: String,
}

async fn show(note: Session<Note>) -> String {
    format!("{} {}", note.title.len(), note.text.len())
}

/// Fills both fields and commits; returns the error, if any.
async fn fill(mut note: Session<Note>, Path((title, text)): Path<(usize, usize)>) -> String {
    note.title = "x".repeat(title);
    note.text = "x".repeat(text);
    match note.commit().await {
        Ok(()) => "stored".to_owned(),
        Err(SessionError::TooLarge(error)) => {
            assert!(error.size > error.limit, "{error:?}");
            let fields: Vec<_> = error.fields.iter().map(|(name, _)| name.as_str()).collect();
            let largest_first = error.fields.is_sorted_by(|(_, a), (_, b)| a >= b);
            assert!(largest_first, "{error:?}");
            format!("{:?} {} {fields:?}", error.what, error.size - error.limit)
        }
        Err(error) => panic!("{error}"),
    }
}

/// Fills both fields and leaves the commit to the layer.
async fn fill_and_leave(mut note: Session<Note>, Path((title, text)): Path<(usize, usize)>) {
    note.title = "x".repeat(title);
    note.text = "x".repeat(text);
}

fn notes(kept: Kept, set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder) -> Client {
    let routes = Router::new()
        .route("/", get(show))
        .route("/fill/{title}/{text}", post(fill))
        .route("/leave/{title}/{text}", post(fill_and_leave));
    Site::over(
        starsessions_tests::spy::Spy::new(starsessions::MemoryStore::new()),
        kept,
        set,
    )
    .serve(routes)
}

/// Finds the largest text that can be stored, by bisection.
async fn largest(client: &Client) -> usize {
    let (mut fits, mut too_large) = (0, 100_000);
    while too_large - fits > 1 {
        let middle = usize::midpoint(fits, too_large);
        let reply = client.clone().post(&format!("/fill/1/{middle}")).await;
        if reply.body == "stored" {
            fits = middle;
        } else {
            too_large = middle;
        }
    }
    fits
}

async fn fill_with(client: &mut Client, text: usize) -> Reply {
    client.post(&format!("/fill/1/{text}")).await
}

#[tokio::test]
async fn g15_a_field_at_its_limit_is_stored_and_one_byte_more_is_an_error() {
    let mut client = notes(Kept::OnServer, |layer| layer.field_limit(1_000));
    let fits = largest(&client).await;
    assert!(
        (950..1_000).contains(&fits),
        "{fits}: the value and what describes it"
    );
    assert_eq!(fill_with(&mut client, fits).await.body, "stored");
    let over = fill_with(&mut client, fits + 1).await.body;
    assert_eq!(over, r#"Field 1 ["note.text"]"#);
    assert_eq!(
        client.get("/").await.body,
        format!("1 {fits}"),
        "the old state is kept"
    );
}

#[tokio::test]
async fn g15_a_record_at_its_limit_is_stored_and_one_byte_more_is_an_error() {
    let limits = |layer: SessionLayerBuilder| layer.field_limit(1_000).record_limit(1_000);
    let mut client = notes(Kept::OnServer, limits);
    let fits = largest(&client).await;
    assert!((900..1_000).contains(&fits), "{fits}: names count");
    assert_eq!(fill_with(&mut client, fits).await.body, "stored");
    let over = fill_with(&mut client, fits + 1).await.body;
    assert_eq!(over, r#"Record 1 ["note.text", "note.title"]"#);
    assert_eq!(
        client.get("/").await.body,
        format!("1 {fits}"),
        "the old state is kept"
    );
}

#[tokio::test]
async fn g15_a_record_grown_by_two_requests_is_bounded_as_well() {
    let limits = |layer: SessionLayerBuilder| layer.field_limit(800).record_limit(1_000);
    let mut client = notes(Kept::OnServer, limits);
    assert_eq!(client.post("/fill/700/0").await.body, "stored");
    let over = client.post("/fill/700/700").await.body;
    assert!(
        over.starts_with("Record ") && over.ends_with(r#"["note.text", "note.title"]"#),
        "{over}"
    );
    assert_eq!(client.get("/").await.body, "700 0");
}

#[tokio::test]
async fn g15_a_cookie_of_4096_bytes_is_set_and_a_longer_one_is_an_error() {
    let mut client = notes(Kept::InCookiesForGood, |layer| layer);
    let fits = largest(&client).await;
    assert_eq!(fill_with(&mut client, fits).await.body, "stored");
    let pair = client.cookies().unwrap().len() - "=".len();
    // Base64 encodes three bytes as four characters.
    assert!((4_093..=4_096).contains(&pair), "{pair}");
    let before = client.cookies();
    let over = fill_with(&mut client, fits + 1).await;
    assert!(over.body.starts_with("Cookie "), "{}", over.body);
    assert!(
        over.body.ends_with(r#"["note.text", "note.title"]"#),
        "{}",
        over.body
    );
    assert_eq!(client.cookies(), before, "the old cookie is kept");
}

#[tokio::test]
async fn g15_an_oversized_write_that_nobody_looks_at_is_a_500_that_names_the_field() {
    for kept in [Kept::OnServer, Kept::InCookiesForGood] {
        let mut client = notes(kept, |layer| layer.field_limit(2_000).record_limit(2_000));
        client.post("/fill/1/10").await;
        let logs = Logs::capture();
        let reply = client.post("/leave/3/5000").await;
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR, "{kept:?}");
        assert!(!reply.sets_cookie(), "{kept:?}");
        assert_eq!(
            logs.with(&["ERROR", "`note.text` has 50"]).len(),
            1,
            "{}",
            logs.text()
        );
        assert_eq!(
            client.get("/").await.body,
            "1 10",
            "{kept:?}: nothing is truncated"
        );
    }
}
