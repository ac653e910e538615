//! A task that ends with its session.

use starsessions::{Session, SessionError};

#[derive(Session)]
struct Export {
    #[session(merge = max)]
    percent: u8,
    file: Option<String>,
}

async fn start(mut export: Session<Export>) -> Result<&'static str, SessionError> {
    export.percent = 1;
    export.commit().await?; // begins the session, if there was none
    let export = export.detach()?;
    tokio::spawn(async move {
        for percent in (10..=100).step_by(10) {
            // .. a part of the work; then:
            let done = export.update(|export| export.percent = percent).await;
            if let Err(SessionError::Gone) = done {
                return; // the user has signed out
            }
        }
        let file = Some("orders.csv".to_owned());
        let _ = export.update(|export| export.file = file).await;
    });
    Ok("started")
}

// What the page leaves out.

#[tokio::test]
async fn a_task_writes_when_its_request_is_long_answered() {
    use axum::routing::{get, post};
    use starsessions_tests::site::Site;
    use std::time::Duration;

    let show = async |export: Session<Export>| format!("{} {:?}", export.percent, export.file);
    let routes = axum::Router::new()
        .route("/", get(show))
        .route("/start", post(start));
    let mut client = Site::new().serve(routes);
    assert_eq!(client.get("/").await.body, "0 None");
    assert_eq!(client.post("/start").await.body, "started");
    let done = async {
        while client.get("/").await.body != "100 Some(\"orders.csv\")" {
            tokio::task::yield_now().await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(20), done);
    done.await.expect("the file is there");
}
