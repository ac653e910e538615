//! 14. Labels of devices.

use crate::routing::{get, post};
use axum::Router;
use axum::extract::Path;
use http::StatusCode;
use starsessions::store::Store;
use starsessions::{CurrentSession, Session, SessionError};

use crate::client::Client;
use crate::scenarios::contains;
use crate::shop;
use crate::site::Site;

#[derive(Debug, Session)]
struct Owner {
    #[session(required, rotate, index)]
    name: String,
}

fn routes() -> Router {
    let call = async |session: CurrentSession, Path(label): Path<String>| session.set_label(label);
    let forget = async |session: CurrentSession| session.set_label("");
    let new_id = async |session: CurrentSession| session.rotate();
    shop::routes()
        .route("/enter/{name}/{label}", post(enter))
        .route("/call/{label}", post(call).delete(forget))
        .route("/new-id", post(new_id))
        .route("/labels", get(labels))
}

async fn enter(
    session: CurrentSession,
    Path((name, label)): Path<(String, String)>,
) -> Result<(), SessionError> {
    session.insert(Owner { name })?;
    session.set_label(label)
}

async fn labels(session: CurrentSession) -> Result<String, SessionError> {
    let list = session.list::<Owner>().await?;
    let shown = format!("{list:?}");
    let mut labels: Vec<_> = list
        .iter()
        .map(|it| it.label().unwrap_or("none").to_owned())
        .collect();
    assert!(
        labels.iter().all(|it| it == "none" || !shown.contains(it)),
        "{shown}"
    );
    labels.sort();
    Ok(labels.join(","))
}

async fn device<S: Store + Clone>(site: &Site<S>, path: &str) -> Client {
    let mut client = site.serve(routes());
    assert_eq!(client.post(path).await.status, StatusCode::OK);
    client
}

/// Each device of a user sees the labels of the others, also after they get new IDs. The store cannot read the labels.
///
/// # Panics
/// If a label is lost, or leaks.
pub async fn devices_have_labels<S: Store + Clone>(site: &Site<S>) {
    let mut phone = device(site, "/enter/ada/Telephone").await;
    let mut desk = device(site, "/enter/ada/Workstation").await;
    let mut bob = device(site, "/enter/bob/Notebook").await;
    assert_eq!(phone.get("/labels").await.body, "Telephone,Workstation");
    assert_eq!(bob.get("/labels").await.body, "Notebook");

    desk.post("/new-id").await;
    desk.post("/cart/tea").await;
    desk.post("/new-id").await;
    assert_eq!(phone.get("/labels").await.body, "Telephone,Workstation");
    assert_eq!(desk.get("/cart").await.body, "tea");

    desk.post("/call/Bureau").await;
    phone.send(http::Method::DELETE, "/call/x").await;
    assert_eq!(desk.get("/labels").await.body, "Bureau,none");

    let long = "x".repeat(257);
    let reply = desk.post(&format!("/call/{long}")).await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        desk.post(&format!("/call/{}", &long[1..])).await.status,
        StatusCode::OK
    );
    assert_eq!(
        desk.get("/labels").await.body,
        format!("none,{}", &long[1..])
    );

    for dump in site.store.dump() {
        for label in ["Telephone", "Workstation", "Notebook", "Bureau", "xxxxxxxx"] {
            assert!(!contains(&dump, label.as_bytes()), "{label}");
        }
    }

    // A label alone does not start a session.
    let mut guest = site.serve(routes());
    assert!(!guest.post("/call/Nobody").await.sets_cookie());
}
