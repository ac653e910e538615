//! G16: some order of the session's requests explains every response that reports success.
//!
//! A *way* is the row that a former id keeps when a session gets a new id; it leads to the new id.

mod by_parts;
mod logouts;
mod odd_rows;
mod sign_ins;
mod tampered;
mod writes;

use axum::Router;
use axum::extract::Path;
use http::{Method, StatusCode};
use starsessions::config::{AtLimit, Clock, OnServerError};
use starsessions::store::{Store, StoreError};
use starsessions::{CurrentSession, Detached, MemoryStore, Session, SessionError};
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::gate::Gate;
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::{get, post};
use starsessions_tests::shop::{self, Login, Shop};
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Moment, Operation, Place, Spy, places};

#[derive(Debug, Session)]
struct Bound {
    #[session(until = rotate)]
    draft: Option<String>,
    #[session(exclusive)]
    ticket: Option<u32>,
    #[session(index)]
    team: Option<u32>,
}

#[derive(Debug, Session)]
struct Member {
    #[session(required, rotate, index)]
    name: String,
}

/// A store that cannot change two keys at once.
fn by_parts() -> Spy {
    Spy::new(MemoryStore::new()).sealed().by_parts()
}

/// The handlers of the slow routes wait at the gate after they have loaded the session.
fn routes(gate: &Gate) -> Router {
    let held = |gate: &Gate| gate.clone();
    let (a, b, c, d, e) = (held(gate), held(gate), held(gate), held(gate), held(gate));
    let (f, g, h, i) = (held(gate), held(gate), held(gate), held(gate));
    let (j, k, l) = (held(gate), held(gate), held(gate));
    let (m, n) = (held(gate), held(gate));
    shop::with_logout()
        .route(
            "/slow/cart",
            post(async move |mut shop: Session<Shop>| {
                a.pass().await;
                shop.cart.push("milk".to_owned());
                shop.views += 1;
            }),
        )
        .route(
            "/slow/twice",
            post(async move |mut shop: Session<Shop>| {
                b.pass().await;
                shop.views += 1;
                shop.commit().await?;
                shop.views += 1;
                Ok::<_, SessionError>(())
            }),
        )
        .route(
            "/slow/draft",
            post(async move |mut bound: Session<Bound>| {
                c.pass().await;
                bound.draft = Some("mine".to_owned());
            }),
        )
        .route(
            "/slow/ticket",
            post(async move |mut bound: Session<Bound>| {
                d.pass().await;
                bound.ticket = Some(1);
            }),
        )
        .route(
            "/slow/team",
            post(async move |mut bound: Session<Bound>| {
                h.pass().await;
                bound.team = Some(1);
            }),
        )
        .route(
            "/slow/login/{user}",
            post(
                async move |shop: Session<Shop>, session: CurrentSession, Path(user)| {
                    e.pass().await;
                    drop(shop);
                    session.insert(Login { user })
                },
            ),
        )
        .route(
            "/slow/remember",
            post(async move |shop: Session<Shop>, session: CurrentSession| {
                i.pass().await;
                drop(shop);
                session.remember(true)
            }),
        )
        .route("/remembered", get(remembered))
        .route(
            "/slow/look",
            get(async move |shop: Session<Shop>| {
                j.pass().await;
                shop.views.to_string()
            }),
        )
        .route(
            "/slow/view",
            post(
                async move |mut shop: Session<Shop>, session: CurrentSession| {
                    k.pass().await;
                    shop.views += 1;
                    shop.commit().await?;
                    let seen = session.get::<Shop>().await?;
                    Ok::<_, SessionError>(seen.map_or(0, |shop| shop.views).to_string())
                },
            ),
        )
        .route(
            "/slow/give-up",
            post(async move |mut bound: Session<Bound>| {
                l.pass().await;
                bound.ticket = Some(1);
                match bound.commit().await {
                    Ok(()) => Ok(()),
                    Err(_) => bound.current().destroy(),
                }
            }),
        )
        .route(
            "/slow/insist",
            post(async move |mut bound: Session<Bound>| {
                m.pass().await;
                bound.ticket = Some(1);
                match bound.commit().await {
                    Ok(()) => Ok(()),
                    Err(_) => bound.current().insert(Login { user: 9 }),
                }
            }),
        )
        .route(
            "/slow/reload",
            post(async move |mut shop: Session<Shop>| {
                n.pass().await;
                // A view without required fields is then a guest's view.
                assert!(shop.reload().await.is_ok());
                shop.current().destroy()
            }),
        )
        .route(
            "/slow/logout",
            post(async move |shop: Session<Shop>, session: CurrentSession| {
                g.pass().await;
                drop(shop);
                session.destroy()
            }),
        )
        .route(
            "/anew/{user}",
            post(async |session: CurrentSession, Path(user)| {
                session.destroy()?;
                session.insert(Login { user })
            }),
        )
        .route("/login-and-view/{user}", post(sign_in_and_view))
        .route(
            "/farewell",
            post(async |session: CurrentSession| {
                session.destroy()?;
                let cart = vec!["bye".to_owned()];
                session.insert(Shop {
                    cart,
                    ..Shop::default()
                })
            }),
        )
        .route(
            "/slow/answer/{status}",
            post(async move |mut bound: Session<Bound>, Path(status)| {
                f.pass().await;
                bound.draft = Some("mine".to_owned());
                let status = StatusCode::from_u16(status).expect("the test's own");
                (status, "the handler's")
            }),
        )
        .route("/draft", get(draft))
        .route("/join/{name}", post(join))
        .route("/who", get(who))
        .route("/detach", post(detach))
        .route("/own", get(own))
        .route("/end/{id}", post(end))
        .route("/end-others", post(end_others))
}

async fn draft(bound: Session<Bound>) -> String {
    format!("{:?} {:?} {:?}", bound.draft, bound.ticket, bound.team)
}

async fn remembered(session: CurrentSession) -> Result<String, SessionError> {
    let info = session.info().await?;
    Ok(info.is_some_and(|info| info.remembered).to_string())
}

async fn join(session: CurrentSession, Path(name): Path<String>) -> Result<(), SessionError> {
    session.insert(Member { name })
}

async fn sign_in_and_view(
    mut shop: Session<Shop>,
    session: CurrentSession,
    Path(user): Path<u64>,
) -> Result<(), SessionError> {
    session.insert(Login { user })?;
    session.commit().await?;
    shop.views += 1;
    Ok(())
}

async fn who(member: Option<Session<Member>>) -> String {
    member.map_or("guest".to_owned(), |member| member.name.clone())
}

async fn own(session: CurrentSession) -> Result<String, SessionError> {
    let all = session.list::<Member>().await?;
    let own = all.iter().find(|session| session.is_current);
    Ok(own.map(|own| own.id.to_string()).unwrap_or_default())
}

async fn end(session: CurrentSession, Path(id): Path<String>) -> Result<String, SessionError> {
    let id = id.parse().expect("the test has it from the list");
    Ok(session.revoke::<Member>(id).await?.to_string())
}

async fn end_others(session: CurrentSession) -> Result<String, SessionError> {
    Ok(session.revoke_others::<Member>().await?.to_string())
}

async fn detach(shop: Session<Shop>) -> Result<(), SessionError> {
    shop.detach().map(drop)
}

/// Runs other requests while a slow one has loaded the session and waits at the gate; returns the slow one's reply.
async fn beside(user: &mut Client, gate: &Gate, slow: &str, others: &[&str]) -> Reply {
    let slow = tokio::spawn(user.ask(Method::POST, slow));
    gate.reached().await;
    for other in others {
        user.post(other).await;
    }
    gate.open();
    slow.await.unwrap()
}

async fn behind<S: Store + Clone>(site: &Site<S>) -> (Client, Client) {
    let mut user = site.serve(routes(&Gate::new()));
    user.post("/cart/tea").await;
    let former = user.clone();
    user.post("/login/7").await;
    (user, former)
}
