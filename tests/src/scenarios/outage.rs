//! 21. Store outage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};
use starsessions::config::FailurePolicy;
use starsessions::store::Store;

use crate::client::{Client, Reply};
use crate::servers::Server;
use crate::shop;
use crate::site::Site;

/// The server is killed under load and restarted, then frozen and thawed. Meanwhile, requests that use their session
/// get 503, or read as guests if the layer is configured so. No user is signed out, no acknowledged change is lost, and
/// the application is not restarted.
///
/// # Panics
/// If one of these claims fails.
pub async fn an_outage_signs_nobody_out<S: Store + Clone>(site: &Site<S>, server: &Server) {
    let strict = site.restarted(|layer| layer.store_timeout(TIMEOUT));
    let lenient = site.restarted(|layer| {
        let layer = layer.store_timeout(TIMEOUT);
        layer.on_store_failure(FailurePolicy::ReadOnlyGuest)
    });
    let (busy, guest) = (strict.serve(shop::routes()), lenient.serve(shop::routes()));
    let mut patient = site.serve(shop::routes());
    patient.post("/login/7").await;
    let mut client = patient.at(&busy);
    let load = Load::start(&client);

    for (begin, end) in [
        (Server::kill as fn(&Server), Server::start as fn(&Server)),
        (Server::freeze, Server::thaw),
    ] {
        load.wait_for_success().await;
        begin(server);
        // Requests that were under way may still be answered.
        wait_for(&mut client, StatusCode::SERVICE_UNAVAILABLE).await;
        for path in ["/me", "/cart"] {
            let reply = client.get(path).await;
            assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert!(!reply.sets_cookie(), "{path}: the cookie is kept");
        }
        assert_eq!(client.get("/").await.status, StatusCode::OK);
        let reply = client.at(&guest).get("/me").await;
        assert_eq!((reply.status, &*reply.body), (StatusCode::OK, "guest"));
        assert!(!reply.sets_cookie());
        let reply = client.at(&guest).post("/cart/tea").await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);

        end(server);
        assert_eq!(wait_for(&mut client, StatusCode::OK).await.body, "7");
    }

    let (acknowledged, sent) = load.stop().await;
    let kept = patient.get("/views").await.body;
    let kept: u64 = kept.parse().expect("a number");
    assert!(
        (acknowledged..=sent).contains(&kept),
        "{acknowledged} of {sent} were acknowledged, {kept} are there"
    );
}

/// Sends requests until the site answers with this status.
async fn wait_for(client: &mut Client, status: StatusCode) -> Reply {
    for _ in 0..ATTEMPTS {
        let reply = client.get("/me").await;
        if reply.status == status {
            return reply;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the site does not answer {status}");
}

/// A few visitors that send requests without a pause.
struct Load {
    counts: Arc<Counts>,
    visitors: Vec<tokio::task::JoinHandle<()>>,
}

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    acknowledged: AtomicU64,
    is_over: AtomicBool,
}

impl Load {
    fn start(client: &Client) -> Self {
        let counts = Arc::new(Counts::default());
        let visit = |_| {
            let (client, counts) = (client.clone(), Arc::clone(&counts));
            tokio::spawn(async move {
                while !counts.is_over.load(Ordering::Relaxed) {
                    counts.sent.fetch_add(1, Ordering::Relaxed);
                    match client.ask(Method::POST, "/views").await.status {
                        StatusCode::OK => counts.acknowledged.fetch_add(1, Ordering::Relaxed),
                        StatusCode::SERVICE_UNAVAILABLE => continue,
                        other => panic!("{other}"),
                    };
                }
            })
        };
        Self {
            visitors: (0..4).map(visit).collect(),
            counts,
        }
    }

    async fn wait_for_success(&self) {
        let before = self.counts.acknowledged.load(Ordering::Relaxed);
        for _ in 0..ATTEMPTS {
            if self.counts.acknowledged.load(Ordering::Relaxed) > before {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no request succeeds");
    }

    /// Stops, and returns the numbers of acknowledged and sent changes.
    async fn stop(self) -> (u64, u64) {
        self.counts.is_over.store(true, Ordering::Relaxed);
        for visitor in self.visitors {
            visitor.await.expect("a visitor");
        }
        (
            self.counts.acknowledged.load(Ordering::Relaxed),
            self.counts.sent.load(Ordering::Relaxed),
        )
    }
}

const TIMEOUT: Duration = Duration::from_millis(500);
/// Half a minute in total, and more if the store times out slowly.
const ATTEMPTS: u32 = 600;
