//! Every fault between a store and its server, observed through the application.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use http::{Method, StatusCode};
use starsessions::store::Store;
use starsessions::{CurrentSession, Session, SessionError};
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::routing::{get, post};
use starsessions_tests::site::Site;
use tokio::time::timeout;

use crate::proxy::{Fault, Proxy};

/// The numbers that a user has written. A number that is written twice appears twice.
#[derive(Default, Session)]
struct Notes {
    #[session(merge = append)]
    numbers: Vec<u32>,
}

#[derive(Session)]
struct Login {
    #[session(required, rotate, index)]
    user: u64,
}

fn routes() -> Router {
    async fn sign_in(session: CurrentSession, Path(user): Path<u64>) -> Result<(), SessionError> {
        session.insert(Login { user })
    }
    async fn me(login: Session<Login>) -> String {
        login.user.to_string()
    }
    async fn write(mut notes: Session<Notes>, Path(number): Path<u32>) {
        notes.numbers.push(number);
    }
    async fn read(notes: Session<Notes>) -> String {
        format!("{:?}", notes.numbers)
    }
    Router::new()
        .route("/me", get(me))
        .route("/login/{user}", post(sign_in))
        .route("/notes", get(read))
        .route("/notes/{number}", post(write))
}

/// The site under test, with the numbers written there.
struct Subject<'a, S> {
    site: Site<S>,
    client: Client,
    proxy: &'a Proxy,
    next: u32,
    acknowledged: Vec<u32>,
}

/// A fault of one request is invisible to the user. A lasting fault causes a 503 in time, and the site recovers when it
/// is lifted. Each write happens once.
///
/// `places` is the number of requests to the server at which the fault is tested, one after another. A page causes
/// several.
pub(crate) async fn no_fault_outlasts_itself<S: Store + Clone>(
    store: S,
    proxy: &Proxy,
    places: usize,
) {
    let site = Site::on(store);
    let mut client = site.serve(routes());
    assert_eq!(client.post("/login/7").await.status, StatusCode::OK);
    let mut subject = Subject {
        site,
        client,
        proxy,
        next: 0,
        acknowledged: Vec::new(),
    };
    subject.idle_connections_end().await;
    for fault in Fault::ALL {
        // Each of these faults takes a time-out.
        let is_slow = matches!(fault, Fault::Garbage | Fault::Silence);
        let places = if is_slow { places.div_ceil(6) } else { places };
        if fault != Fault::Refusal {
            subject.meets_one_request(fault, places).await;
        }
        subject.lasts(fault).await;
    }
}

impl<S: Store + Clone> Subject<'_, S> {
    /// Tests a load and then a sign-in on connections that have ended.
    async fn idle_connections_end(&mut self) {
        self.proxy.close_all();
        let reply = in_time(self.client.get("/me")).await;
        assert_eq!((reply.status, &*reply.body), (StatusCode::OK, "7"));
        self.proxy.close_all();
        self.a_stranger_signs_in("after an idle disconnect").await;
        self.proxy.close_all();
        self.write("after an idle disconnect").await;
        self.everything_is_there_once("after an idle disconnect")
            .await;
    }

    async fn meets_one_request(&mut self, fault: Fault, places: usize) {
        for place in 0..places {
            let told = format!("{fault:?} of request {place}");
            self.proxy.meet(fault, place, 1);
            self.write(&told).await;
            self.proxy.meet(fault, place, 1);
            self.a_stranger_signs_in(&told).await;
            self.proxy.lift().await;
            self.everything_is_there_once(&told).await;
        }
    }

    async fn lasts(&mut self, fault: Fault) {
        self.proxy.meet(fault, 0, usize::MAX);
        // More requests than a pool has connections.
        let numbers = self.next..self.next + 12;
        self.next = numbers.end;
        let requests = numbers.map(|number| {
            let request = self.client.ask(Method::POST, &format!("/notes/{number}"));
            (number, tokio::spawn(in_time(request)))
        });
        let mut refused = 0;
        for (number, request) in requests.collect::<Vec<_>>() {
            match request.await.unwrap().status {
                StatusCode::OK => self.acknowledged.push(number),
                StatusCode::SERVICE_UNAVAILABLE => refused += 1,
                status => panic!("{fault:?}: {status}"),
            }
        }
        assert_eq!(refused == 0, fault == Fault::Delay, "{fault:?}: {refused}");
        self.proxy.lift().await;
        let told = format!("after {fault:?}");
        self.everything_is_there_once(&told).await;
        self.write(&told).await;
    }

    async fn write(&mut self, told: &str) {
        let number = self.next;
        self.next += 1;
        let reply = in_time(self.client.post(&format!("/notes/{number}"))).await;
        assert_eq!(reply.status, StatusCode::OK, "{told}");
        self.acknowledged.push(number);
    }

    async fn a_stranger_signs_in(&self, told: &str) {
        let mut stranger = self.site.serve(routes());
        let reply = in_time(stranger.post("/login/8")).await;
        assert_eq!(reply.status, StatusCode::OK, "{told}");
        assert_eq!(in_time(stranger.get("/me")).await.body, "8", "{told}");
    }

    async fn everything_is_there_once(&mut self, told: &str) {
        let reply = in_time(self.client.get("/notes")).await;
        assert_eq!(reply.status, StatusCode::OK, "{told}");
        let numbers: Vec<u32> = serde_json::from_str(&reply.body).unwrap();
        let distinct = BTreeSet::from_iter(numbers.iter().copied());
        assert_eq!(numbers.len(), distinct.len(), "{told}: {numbers:?}");
        let lost = self.acknowledged.iter().find(|it| !distinct.contains(it));
        assert_eq!(lost, None, "{told}: {numbers:?}");
    }
}

/// Allows for several operations per request, and for a busy machine.
async fn in_time(request: impl Future<Output = Reply>) -> Reply {
    timeout(LIMIT, request).await.expect("an answer in time")
}

/// The number of requests of a sign-in and the next page. The regular tests put a fault at each.
pub(crate) const SOME: usize = 6;
/// The number of places in the nightly tests.
pub(crate) const MANY: usize = 60;
/// The layer waits five seconds for each operation.
const LIMIT: Duration = Duration::from_secs(30);
