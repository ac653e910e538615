//! A Cluster whose reply is lost on its way: what it has done is not done twice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::redis::cluster::ClusterClient;
use bytes::Bytes;
use starsessions::store::{
    Commit, Committed, Created, FieldWrite, Forward, Loaded, Record, Rotated, Rotation, RowKey,
    Store, Touch,
};
use starsessions::{RedisStore, Timestamp};
use starsessions_tests::servers::redis::{Version, ask, redis, wait_until};
use starsessions_tests::servers::{Server, free_port};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A Cluster of one master, and the way to it.
struct Lossy {
    _server: Server,
    store: RedisStore,
    /// How many replies there are up to the one that is lost; 0 if none is.
    countdown: Arc<AtomicUsize>,
}

impl Lossy {
    /// One whose server knows the scripts: each step is one reply.
    async fn new() -> Self {
        let port = free_port();
        let way = port.to_string();
        let server = redis(
            Version::System,
            &["--cluster-enabled", "yes", "--cluster-announce-port", &way],
        );
        ask(&server, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
        wait_until(&server, &["CLUSTER", "INFO"], "cluster_state:ok");

        let countdown = Arc::new(AtomicUsize::new(0));
        let way = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        tokio::spawn(carry(way, server.address(), Arc::clone(&countdown)));
        let client = ClusterClient::new([format!("redis://127.0.0.1:{port}/")]).unwrap();
        let lossy = Self {
            _server: server,
            store: RedisStore::connect(client).await.unwrap(),
            countdown,
        };
        let [old, new] = [250, 251].map(key);
        lossy.create(&old).await;
        let rotated = lossy.store.rotate(&old, &new, &rotation(true), at(1)).await;
        assert_eq!(rotated.unwrap(), Rotated::Applied);
        lossy
    }

    async fn create(&self, key: &RowKey) {
        let record = Record::new(at(0), at(100));
        let created = self.store.create(key, &record, at(0)).await;
        assert_eq!(created.unwrap(), Created::Applied);
        let committed = self.store.commit(key, &commit(b"1", 0), at(1)).await;
        assert_eq!(committed.unwrap(), Committed::Applied(2));
    }

    /// Whether a reply was lost since.
    fn has_lost(&self) -> bool {
        self.countdown.load(Ordering::SeqCst) == 0
    }
}

/// Takes what is sent to the server, and its replies back, but for one, with which the connection ends.
async fn carry(way: TcpListener, server: SocketAddr, countdown: Arc<AtomicUsize>) {
    loop {
        let (client, _) = way.accept().await.unwrap();
        let (mut replies, mut out) = TcpStream::connect(server).await.unwrap().into_split();
        let countdown = Arc::clone(&countdown);
        tokio::spawn(async move {
            let (mut requests, mut back) = client.into_split();
            let there = tokio::spawn(async move { tokio::io::copy(&mut requests, &mut out).await });
            let mut buffer = vec![0; 65_536];
            while let Ok(length @ 1..) = replies.read(&mut buffer).await {
                let count_down = |left: usize| left.checked_sub(1);
                let left = countdown.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count_down);
                if left == Ok(1) || back.write_all(&buffer[..length]).await.is_err() {
                    break;
                }
            }
            there.abort();
        });
    }
}

/// Or the caller is told that nobody knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_takes_place_once() {
    let lossy = Lossy::new().await;
    let key = key(1);
    lossy.create(&key).await;
    lossy.countdown.store(1, Ordering::SeqCst);
    let committed = lossy.store.commit(&key, &commit(b"2", 2), at(2)).await;
    assert!(lossy.has_lost());
    assert!(
        matches!(committed, Ok(Committed::Applied(3)) | Err(_)),
        "{committed:?}"
    );
    let Some(Loaded::Live(record)) = lossy.store.load(&key, at(2)).await.unwrap() else {
        panic!("the session is lost");
    };
    assert_eq!(record.revision, 3);
}

/// Whichever of the two steps it is whose reply is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_loses_no_session() {
    let lossy = Lossy::new().await;
    for (number, (step, has_way)) in [(1, true), (1, false), (2, true), (2, false)]
        .into_iter()
        .enumerate()
    {
        let [old, new] = [1, 2].map(|it| key(10 * number as u8 + it));
        lossy.create(&old).await;
        lossy.countdown.store(step, Ordering::SeqCst);
        let rotated = lossy
            .store
            .rotate(&old, &new, &rotation(has_way), at(1))
            .await;
        assert!(lossy.has_lost());
        let was = lossy.store.load(&old, at(1)).await.unwrap();
        let is = lossy.store.load(&new, at(1)).await.unwrap();
        let is_live = |it: &Option<Loaded>| matches!(it, Some(Loaded::Live(_)));
        assert!(
            is_live(&was) || is_live(&is),
            "step {step}: {rotated:?} and the session is lost: {was:?}, {is:?}"
        );
        assert_eq!(
            is_live(&is),
            matches!(rotated, Ok(Rotated::Applied)),
            "step {step}: {rotated:?}, {was:?}, {is:?}"
        );
        if !has_way && is_live(&is) {
            assert_eq!(was, None);
        }
    }
}

fn rotation(has_way: bool) -> Rotation {
    let mut rotation = Rotation::new(Record::new(at(0), at(100)), Some(2));
    rotation.forward = has_way.then(|| Forward::new(Bytes::from_static(b"way"), at(30)));
    rotation
}

fn key(number: u8) -> RowKey {
    RowKey::from_bytes([number; 32])
}

fn commit(value: &'static [u8], seen: u64) -> Commit {
    let mut commit = Commit::new(Touch::new(at(1), at(100)));
    let write = FieldWrite::new(Bytes::from_static(value));
    commit.set.push(("a.x".into(), write));
    commit.guards.push(("a.x".into(), seen));
    commit
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}
