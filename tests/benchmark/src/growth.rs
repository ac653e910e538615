//! The cost of many sessions: time per request, memory per session, the longest pause.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::{Router, routing::get};
use http::HeaderValue;
use starsessions::config::Clock;
use starsessions::store::{IndexKey, Inserted, Listing, Row, RowKey, Store};
use starsessions::testing::TestClock;
use starsessions::{CurrentSession, KeyRing, MemoryStore, Session, SessionLayer, Timestamp};

use crate::contestants::floor::random;
use crate::contestants::{call, cookie_of};
use crate::measure::{Processor, bytes_held, processor_time};
use crate::visitor::{Item, Visitor as Plain};

#[derive(Session)]
struct Visitor {
    user: u64,
    name: String,
    cart: Vec<Item>,
    token: String,
    since: u64,
    views: u64,
}

async fn read(visitor: Session<Visitor>) -> &'static str {
    assert_eq!(visitor.cart.len(), 5);
    "ok"
}

async fn write(mut visitor: Session<Visitor>) -> &'static str {
    visitor.views += 1;
    "ok"
}

/// Signs a session in, so that the store lists it.
#[derive(Session)]
struct Login {
    #[session(required, rotate, index)]
    user: u64,
}

async fn sign_in(session: CurrentSession, visitor: Session<Visitor>) -> &'static str {
    static USERS: AtomicU64 = AtomicU64::new(0);
    let user = USERS.fetch_add(1, Ordering::Relaxed);
    session
        .insert(Login { user })
        .expect("the response is still here");
    create(visitor).await
}

async fn create(mut visitor: Session<Visitor>) -> &'static str {
    let ada = Plain::ada();
    visitor.user = ada.user;
    visitor.name = ada.name;
    visitor.cart = ada.cart;
    visitor.token = ada.token;
    visitor.since = ada.since;
    "ok"
}

pub fn routes() -> Router {
    Router::new()
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/create", get(create))
        .route("/sign-in", get(sign_in))
}

/// The number of sessions that are requested, in an order that no cache can predict.
const ASKED: usize = 20_000;

async fn ask(app: &mut Router, cookies: &[HeaderValue]) -> (f64, Duration) {
    let mut longest = Duration::ZERO;
    let mut place = 0;
    let start = processor_time(Processor::OfThread);
    for _ in 0..ASKED {
        place = (place * 1_103_515_245 + 12_345) % cookies.len();
        let before = processor_time(Processor::OfThread);
        let response = call(app, "/write", Some(&cookies[place])).await;
        longest = longest.max(processor_time(Processor::OfThread) - before);
        assert!(
            response.headers().get("set-cookie").is_none(),
            "the session is there"
        );
    }
    let all = processor_time(Processor::OfThread) - start;
    (all.as_nanos() as f64 / ASKED as f64, longest)
}

/// Measures sessions in memory at each size: of guests, and of signed-in users. A pause does not include time spent in
/// another process.
pub async fn memory(sizes: &[usize]) {
    println!(
        "| sessions in memory | ns of a write | longest | bytes of a session | of them asked for | ns of a new one | longest | freed after expiry | longest step |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (size, (kind, begin)) in sizes
        .iter()
        .flat_map(|size| [("guests", "/create"), ("users", "/sign-in")].map(|kind| (size, kind)))
    {
        let clock = TestClock::at(1_800_000_000);
        let store = MemoryStore::builder()
            .anonymous_limit(4_000_000)
            .identified_limit(4_000_000)
            .build();
        let keys = KeyRing::generate().expect("randomness");
        let layer = SessionLayer::builder(store.clone(), keys)
            .clock(clock.clone())
            .build()
            .expect("settings");
        let mut app = routes().layer(layer);
        let mut cookies = Vec::with_capacity(*size);
        let begun = processor_time(Processor::OfThread);
        let mut longest_new = Duration::ZERO;
        for _ in 0..*size {
            let before = processor_time(Processor::OfThread);
            let response = call(&mut app, begin, None).await;
            longest_new = longest_new.max(processor_time(Processor::OfThread) - before);
            cookies.push(cookie_of(&response).expect("a session begins"));
        }
        let creating =
            (processor_time(Processor::OfThread) - begun).as_nanos() as f64 / *size as f64;
        let (each, asked_for) = bytes_of(*size, kind == "users").await;
        ask(&mut app, &cookies).await;
        let (time, longest) = ask(&mut app, &cookies).await;
        clock.advance(Duration::from_secs(48 * 3_600));
        let mut freed = 0;
        let mut pause = Duration::ZERO;
        while !store.is_empty() {
            let before = processor_time(Processor::OfThread);
            freed += store.sweep(16, clock.now()).await.expect("memory");
            pause = pause.max(processor_time(Processor::OfThread) - before);
        }
        println!(
            "| {size} {kind} | {time:.0} | {} µs | {each:.0} | {asked_for:.0} | {creating:.0} | {} µs | {freed} | {} µs |",
            longest.as_micros(),
            longest_new.as_micros(),
            pause.as_micros()
        );
    }
}

/// The memory of one of `size` sessions with a value of 170 bytes: by the allocator's statistics, and as requested.
async fn bytes_of(size: usize, is_listed: bool) -> (f64, f64) {
    let store = MemoryStore::builder()
        .anonymous_limit(4_000_000)
        .identified_limit(4_000_000)
        .build();
    let (now, end) = (
        Timestamp::from_unix_seconds(1),
        Timestamp::from_unix_seconds(2),
    );
    let before = (allocated(), bytes_held());
    for _ in 0..size {
        let mut row = Row::new([7; VALUE].as_slice(), now, end);
        if is_listed {
            let listing = Listing::new(vec![IndexKey::from_bytes(random())], [7; CARD]);
            row.listing = Some(Arc::new(listing));
        }
        let inserted = store.insert(&RowKey::from_bytes(random()), &row, now).await;
        assert_eq!(inserted.expect("room"), Inserted::Inserted);
    }
    let each = |bytes: i64| bytes as f64 / size as f64;
    (each(allocated() - before.0), each(bytes_held() - before.1))
}

/// The bytes in use by the allocator's statistics, including its overhead per block.
fn allocated() -> i64 {
    // SAFETY: takes nothing, and returns numbers.
    let info = unsafe { libc::mallinfo2() };
    (info.uordblks + info.hblkhd) as i64
}

const VALUE: usize = 170;
/// The length of the card of a session without a label.
const CARD: usize = 13;

/// Measures open, idle sockets: the memory of each, and the processor time for watching them.
pub async fn sockets(counts: &[usize]) {
    println!(
        "| open sockets | bytes of one, its session included | of a core, to look after all |"
    );
    println!("|---|---|---|");
    for count in counts {
        let store = MemoryStore::builder().anonymous_limit(4_000_000).build();
        let keys = KeyRing::generate().expect("randomness");
        let (sender, mut opened) = tokio::sync::mpsc::unbounded_channel();
        let open = async move |visitor: Session<Visitor>| {
            let detached = visitor.detach().expect("a stored session");
            sender.send(detached).expect("the receiver listens");
        };
        let mut app = routes()
            .route("/open", get(open))
            .layer(SessionLayer::new(store, keys));
        let before = bytes_held();
        let mut tasks = Vec::new();
        for _ in 0..*count {
            let cookie = cookie_of(&call(&mut app, "/create", None).await);
            call(&mut app, "/open", cookie.as_ref()).await;
            let detached = opened.recv().await.expect("a handle");
            tasks.push(tokio::task::spawn_local(async move {
                detached.watch().ended().await;
            }));
        }
        // Each socket polls its session once at the beginning, and then in its turn.
        tokio::time::sleep(LOOKS).await;
        let each = (bytes_held() - before) as f64 / *count as f64;
        let start = processor_time(Processor::OfThread);
        tokio::time::sleep(LOOKS).await;
        let busy = processor_time(Processor::OfThread) - start;
        println!(
            "| {count} | {each:.0} | {:.2} % |",
            100.0 * busy.as_secs_f64() / LOOKS.as_secs_f64()
        );
        for task in tasks {
            task.abort();
        }
        tokio::task::yield_now().await;
    }
}

/// The time in which every watched session is polled once.
const LOOKS: Duration = Duration::from_secs(10);

/// Measures many clients on one connection: their total requests per second, and the memory of a session on the server.
pub async fn redis(url: &str) {
    use starsessions::RedisStore;
    let client = redis::Client::open(url).expect("a URL");
    let mut server = client
        .get_multiplexed_async_connection()
        .await
        .expect("Redis is there");
    let store = RedisStore::connect(client).await.expect("Redis is there");
    let keys = KeyRing::generate().expect("randomness");
    let app = routes().layer(SessionLayer::new(store, keys));
    println!("| clients on one Redis connection | reads and writes a second | each takes |");
    println!("|---|---|---|");
    for clients in [1_usize, 8, 64] {
        let each = 4_000 / clients.min(16);
        let mut tasks = Vec::new();
        let start = Instant::now();
        for _ in 0..clients {
            let mut app = app.clone();
            tasks.push(tokio::task::spawn_local(async move {
                let cookie = cookie_of(&call(&mut app, "/create", None).await);
                for _ in 0..each {
                    call(&mut app, "/write", cookie.as_ref()).await;
                }
            }));
        }
        for task in tasks {
            task.await.expect("no panic");
        }
        let seconds = start.elapsed().as_secs_f64();
        let all = (clients * each) as f64;
        println!(
            "| {clients} | {:.0} | {:.0} µs |",
            all / seconds,
            seconds * 1e6 / each as f64
        );
    }
    println!();
    for line in told(&mut server, "commandstats").await.lines() {
        if ["cmdstat_get:", "cmdstat_evalsha"]
            .iter()
            .any(|it| line.starts_with(it))
        {
            println!("the server itself: {line}");
        }
    }
    let before = used(&mut server).await;
    let mut app = app;
    for _ in 0..ASKED {
        call(&mut app, "/create", None).await;
    }
    let each = (used(&mut server).await - before) / ASKED as u64;
    println!("bytes of a session on Redis: {each}");
}

async fn told(server: &mut redis::aio::MultiplexedConnection, section: &str) -> String {
    let asked = redis::cmd("INFO")
        .arg(section)
        .query_async::<String>(server)
        .await;
    asked.expect("Redis answers")
}

async fn used(server: &mut redis::aio::MultiplexedConnection) -> u64 {
    let memory = told(server, "memory").await;
    let used = memory
        .lines()
        .find_map(|it| it.strip_prefix("used_memory:"));
    used.and_then(|it| it.trim().parse().ok())
        .expect("a number of bytes")
}
