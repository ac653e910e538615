//! Many requests at once, on several threads.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::StatusCode;
use starsessions::{Session, SessionData};
use starsessions_tests::client::Client;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Beside;

const REQUESTS: usize = 50;

#[derive(Session)]
struct Counters {
    #[session(merge = sum)]
    views: u64,
    #[session(merge = sum)]
    balance: Option<i8>,
    #[session(merge = append)]
    log: Vec<usize>,
    #[session(merge = union)]
    ids: BTreeSet<usize>,
    #[session(merge = max)]
    highest: usize,
    last: usize,
    untouched: u64,
}

/// Sends all requests at once; every handler has loaded its view before any of them writes.
async fn at_once<T: SessionData>(
    browser: &Client,
    act: impl Fn(usize, &mut Session<T>) + Clone + Send + Sync + 'static,
) {
    let all_have_loaded = Arc::new(Barrier::new(REQUESTS));
    let mut requests = JoinSet::new();
    for number in 0..REQUESTS {
        let (mut tab, act) = (browser.clone(), act.clone());
        let all_have_loaded = Arc::clone(&all_have_loaded);
        requests.spawn(async move {
            tab.visit(async move |mut view: Session<T>| {
                all_have_loaded.wait().await;
                act(number, &mut view);
            })
            .await
        });
    }
    for reply in requests.join_all().await {
        assert_eq!(reply.status, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_increments_at_once_are_fifty() {
    let mut browser = Client::guest();
    browser
        .with(|it: &mut Session<Beside>| it.here = true)
        .await;
    at_once(&browser, |_, counters: &mut Session<Counters>| {
        counters.views += 1
    })
    .await;
    let views = browser.with(|it: &mut Session<Counters>| it.views).await;
    assert_eq!(views, 50);
    at_once(&browser, |_, counters: &mut Session<Counters>| {
        counters.views -= 1
    })
    .await;
    let views = browser.with(|it: &mut Session<Counters>| it.views).await;
    assert_eq!(views, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_policy_holds_under_fifty_requests() {
    let mut browser = Client::guest();
    browser
        .with(|it: &mut Session<Counters>| {
            it.untouched = 5;
            it.balance = Some(100);
        })
        .await;
    at_once(&browser, |number, counters: &mut Session<Counters>| {
        counters.views += 1;
        *counters.balance.get_or_insert_default() += 1;
        counters.log.push(number);
        counters.ids.insert(number);
        counters.highest = number;
        counters.last = number + 1;
    })
    .await;
    browser
        .with(|it: &mut Session<Counters>| {
            assert_eq!(it.views, 50);
            assert_eq!(it.balance, Some(127), "at the limit of its type");
            assert_eq!(it.ids.len(), REQUESTS);
            let log: BTreeSet<_> = it.log.iter().copied().collect();
            assert_eq!((it.log.len(), log), (REQUESTS, it.ids.clone()));
            assert_eq!(it.highest, REQUESTS - 1);
            assert!((1..=REQUESTS).contains(&it.last));
            assert_eq!(it.untouched, 5);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_requests_that_change_different_fields_all_count() {
    macro_rules! view {
        ($($field:ident)*) => {
            #[derive(Session)]
            struct Wide { $($field: u32),* }

            fn fields(wide: &mut Wide) -> [&mut u32; 10] {
                [$(&mut wide.$field),*]
            }
        };
    }
    view! { a b c d e f g h i j }

    let mut browser = Client::guest();
    browser
        .with(|it: &mut Session<Beside>| it.here = true)
        .await;
    at_once(&browser, |number, wide: &mut Session<Wide>| {
        *fields(wide)[number % 10] = 7;
    })
    .await;
    let sum = browser
        .with(|wide: &mut Session<Wide>| fields(wide).into_iter().map(|it| *it).sum::<u32>())
        .await;
    assert_eq!(sum, 70);
}
