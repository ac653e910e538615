//! G4, at every point where a concurrent request can overtake another.

use std::time::Duration;

use axum::Router;
use http::{Method, StatusCode};
use starsessions::{Session, SessionError};
use starsessions_tests::routing::post;
use starsessions_tests::site::Site;
use starsessions_tests::spy::{Moment, Operation};

use starsessions_tests::shop::{self, Shop};

/// Ways to use the session, and the number of views that each adds.
const USES: [(&str, u64); 4] = [("/peek", 0), ("/views", 1), ("/twice", 2), ("/reload", 1)];

/// Ages of a session: nothing is due, a touch is due, a renewal is due.
const AGES: [u64; 3] = [0, 100, 1_000];

async fn twice(mut shop: Session<Shop>) -> Result<(), SessionError> {
    shop.views += 1;
    shop.commit().await?;
    shop.views += 1;
    Ok(())
}

async fn reload(mut shop: Session<Shop>) {
    shop.reload().await.unwrap();
    shop.views += 1;
}

fn routes() -> Router {
    shop::routes()
        .route("/peek", post(async |_: Session<Shop>| ()))
        .route("/twice", post(twice))
        .route("/reload", post(reload))
}

/// Holds request `one` at this point until request `other` is answered.
async fn overtaken(one: (&str, u64), other: (&str, u64), at: (Operation, Moment), age: u64) {
    let site = Site::with(|layer| layer.renewal(Duration::from_secs(900)));
    let mut tab = site.serve(routes());
    tab.post("/login/7").await;
    site.wait_seconds(age);
    let old = tab.clone();
    let gate = site.store.hold(at.0, at.1);
    let mut request = tokio::spawn(tab.ask(Method::POST, one.0));
    tokio::select! {
        biased;
        () = gate.reached() => {}
        // The request does not pass this point.
        _ = &mut request => return,
    }
    site.store.release();
    let quick = tab.ask(Method::POST, other.0).await;
    gate.open();
    let slow = request.await.unwrap();

    let what = format!("{one:?} at {at:?} overtaken by {other:?} after {age} s");
    assert_eq!(
        (slow.status, quick.status),
        (StatusCode::OK, StatusCode::OK),
        "{what}"
    );
    // The responses arrive in either order, or not at all.
    for replies in [&[&slow, &quick][..], &[&quick, &slow], &[]] {
        let mut browser = old.clone();
        for reply in replies {
            browser.keep(reply);
        }
        assert_eq!(browser.get("/me").await.body, "7", "{what}");
        let views = browser.get("/views").await.body;
        assert_eq!(views, (one.1 + other.1).to_string(), "{what}");
    }
}

#[tokio::test]
async fn g04_no_request_takes_back_what_another_did_wherever_they_meet() {
    for one in USES {
        for other in USES {
            for operation in Operation::ALL {
                for moment in [Moment::Before, Moment::After] {
                    for age in AGES {
                        overtaken(one, other, (operation, moment), age).await;
                    }
                }
            }
        }
    }
}
