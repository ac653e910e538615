//! Logs and metrics of sessions, compared with the table in `docs/observability.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::Router;
use http::StatusCode;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use starsessions::{CurrentSession, KeyRing, MemoryStore, Session, SessionError, SessionLayer};
use starsessions_tests::client::Client;
use starsessions_tests::device::Device;
use starsessions_tests::logs::Logs;
use starsessions_tests::provider;
use starsessions_tests::routing::{get, post};
use starsessions_tests::shop::{self, Login, Shop};
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Moment, Operation};
use tracing::Instrument;
use tracing::field::Empty;

/// Records the metrics of this thread.
struct Metrics {
    snapshotter: Snapshotter,
    seen: BTreeMap<String, f64>,
}

impl Metrics {
    fn read(&mut self) -> &BTreeMap<String, f64> {
        for (key, _, _, value) in self.snapshotter.snapshot().into_vec() {
            let key = key.key();
            let labels = key
                .labels()
                .map(|it| format!("{}={}", it.key(), it.value()));
            let labels: Vec<_> = labels.collect();
            let name = format!("{}{{{}}}", key.name(), labels.join(","));
            let value = match value {
                DebugValue::Counter(value) => value as f64,
                DebugValue::Gauge(value) => value.into_inner(),
                DebugValue::Histogram(values) => values.len() as f64,
            };
            // A snapshot resets counters and histograms, but not gauges.
            let seen = self.seen.entry(name).or_default();
            *seen = if key.name().ends_with("detached") {
                value
            } else {
                *seen + value
            };
        }
        &self.seen
    }

    fn of(&mut self, name: &str) -> f64 {
        self.read().get(name).copied().unwrap_or_default()
    }

    /// The names of the metrics, without values.
    fn names(&mut self) -> BTreeSet<String> {
        let names = self.read().keys();
        names
            .map(|name| name.split('{').next().unwrap().to_owned())
            .collect()
    }
}

macro_rules! metrics {
    ($name:ident) => {
        let recorder = DebuggingRecorder::new();
        let mut $name = Metrics {
            snapshotter: recorder.snapshotter(),
            seen: BTreeMap::new(),
        };
        let _recording = ::metrics::set_default_local_recorder(&recorder);
    };
}

async fn fail(mut shop: Session<Shop>) -> StatusCode {
    shop.views += 1;
    StatusCode::INTERNAL_SERVER_ERROR
}

/// A counter of failures, which is stored whatever the response is.
#[derive(Session)]
struct Guard {
    #[session(commit = always)]
    failures: u32,
}

async fn guard(mut guard: Session<Guard>) -> StatusCode {
    guard.failures += 1;
    StatusCode::INTERNAL_SERVER_ERROR
}

#[derive(Session)]
struct Desk {
    #[session(idle = "15m")]
    open: bool,
}

async fn open_desk(mut desk: Session<Desk>) {
    desk.open = true;
}

async fn see_desk(desk: Session<Desk>) -> String {
    desk.open.to_string()
}

async fn remember(session: CurrentSession) -> StatusCode {
    session.remember(true).unwrap();
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn detach(shop: Session<Shop>) -> Result<String, SessionError> {
    let shop = shop.detach()?;
    let views = shop.update(|shop| {
        shop.views += 1;
        shop.views
    });
    Ok(views.await?.to_string())
}

async fn replace(session: CurrentSession) -> Result<(), SessionError> {
    session.destroy()?;
    session.insert(Login { user: 9 })
}

fn site(kept: Kept) -> (Site, Client) {
    let site = Site::kept(kept);
    let routes = shop::with_logout()
        .route("/fail", post(fail))
        .route("/guard", post(guard))
        .route("/remember", post(remember))
        .route("/desk", get(see_desk).post(open_desk))
        .route("/detach", post(detach))
        .route("/replace", post(replace));
    let client = site.serve(routes);
    (site, client)
}

#[tokio::test]
async fn a_use_of_an_idle_field_counts_as_no_change() {
    metrics!(metrics);
    let (site, mut client) = site(Kept::OnServer);
    client.post("/cart/tea").await;
    client.post("/desk").await;
    assert_eq!(metrics.of("starsessions_commits_total{merged=false}"), 1.0);
    site.wait_seconds(600);
    assert_eq!(client.get("/desk").await.body, "true");
    assert_eq!(metrics.of("starsessions_commits_total{merged=false}"), 1.0);
    assert_eq!(metrics.of("starsessions_touches_total{}"), 1.0);
    site.wait_seconds(600);
    assert_eq!(client.get("/desk").await.body, "true");
}

#[tokio::test]
async fn a_day_is_counted() {
    metrics!(metrics);
    let (site, mut client) = site(Kept::OnServer);
    client.get("/cart").await;
    assert_eq!(metrics.of("starsessions_loads_total{outcome=guest}"), 1.0);
    client.post("/cart/tea").await;
    assert_eq!(metrics.of("starsessions_created_total{}"), 1.0);
    client.post("/views").await;
    assert_eq!(metrics.of("starsessions_loads_total{outcome=hit}"), 1.0);
    assert_eq!(metrics.of("starsessions_commits_total{merged=false}"), 1.0);
    client.post("/login/7").await;
    assert_eq!(
        metrics.of("starsessions_rotations_total{reason=privilege}"),
        1.0
    );
    assert_eq!(metrics.of("starsessions_record_bytes{}"), 3.0);
    site.wait_seconds(600);
    client.get("/cart").await;
    assert_eq!(metrics.of("starsessions_touches_total{}"), 1.0);
    client.post("/fail").await;
    assert_eq!(metrics.of("starsessions_dropped_total{}"), 1.0);
    client.post("/guard").await;
    assert_eq!(metrics.of("starsessions_dropped_total{}"), 1.0, "kept");
    client.post("/remember").await;
    assert_eq!(metrics.of("starsessions_dropped_total{}"), 2.0);
    client.post("/detach").await;
    assert_eq!(metrics.of("starsessions_detached{}"), 0.0);
    assert!(metrics.names().contains("starsessions_detached"));

    let gate = site.store.hold(Operation::Replace, Moment::Before);
    let late = tokio::spawn(client.ask(http::Method::POST, "/views"));
    gate.reached().await;
    site.store.release();
    client.post("/views").await;
    gate.open();
    late.await.unwrap();
    assert_eq!(
        metrics.of("starsessions_conflicts_total{outcome=merged}"),
        1.0
    );
    assert_eq!(metrics.of("starsessions_commits_total{merged=true}"), 1.0);

    let gate = site.store.hold(Operation::Replace, Moment::Before);
    let late = tokio::spawn(client.ask(http::Method::POST, "/views"));
    gate.reached().await;
    site.store.release();
    let old = client.clone();
    client.post("/logout").await;
    gate.open();
    late.await.unwrap();
    assert_eq!(metrics.of("starsessions_ended_total{cause=logout}"), 1.0);
    assert_eq!(metrics.of("starsessions_gone_total{}"), 1.0);
    let mut thief = old;
    thief.get("/me").await;
    assert_eq!(
        metrics.of("starsessions_refused_cookies_total{reason=unknown}"),
        1.0
    );
    client.showing("__Host-Http-id=garbage").get("/me").await;
    assert_eq!(
        metrics.of("starsessions_refused_cookies_total{reason=malformed}"),
        1.0
    );
    assert_eq!(metrics.of("starsessions_loads_total{outcome=refused}"), 2.0);

    client.post("/login/7").await;
    client.post("/replace").await;
    assert_eq!(metrics.of("starsessions_ended_total{cause=logout}"), 2.0);
    site.store.fail_all();
    client.get("/me").await;
    assert_eq!(metrics.of("starsessions_loads_total{outcome=failed}"), 1.0);
    assert_eq!(
        metrics.of("starsessions_store_errors_total{operation=load}"),
        1.0
    );
    for operation in ["load", "insert", "replace", "rotate", "touch", "remove"] {
        let name = format!("starsessions_store_seconds{{operation={operation}}}");
        assert!(metrics.of(&name) > 0.0, "{name}");
    }
}

/// A memory store answers at once, so no duration is measured; its errors are counted all the same.
#[tokio::test]
async fn a_memory_store_that_is_full_is_counted() {
    metrics!(metrics);
    let store = MemoryStore::builder().identified_limit(1).build();
    let layer = SessionLayer::dev(store, KeyRing::generate().unwrap());
    let visitor = Client::new(&shop::routes().layer(layer));
    let mut replies = Vec::new();
    for first in ["/cart/tea", "/"] {
        let mut client = visitor.clone();
        client.post(first).await;
        replies.push(client.post("/login/7").await.status);
    }
    let mut guest = visitor;
    guest.post("/cart/tea").await;
    replies.push(guest.post("/login/7").await.status);
    let full = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(replies, [StatusCode::SEE_OTHER, full, full]);
    for operation in ["insert", "rotate"] {
        let name = format!("starsessions_store_errors_total{{operation={operation}}}");
        assert_eq!(metrics.of(&name), 1.0, "{:?}", metrics.seen);
    }
}

/// The store reports that a session has expired; a sealed cookie contains its own expiry.
#[tokio::test]
async fn expiry_is_counted_by_its_cause() {
    for kept in [Kept::OnServer, Kept::InCookies] {
        for (busy, reason) in [(false, "idle"), (true, "absolute")] {
            metrics!(metrics);
            let (site, mut client) = site(kept);
            client.post("/login/7").await;
            for _ in 0..if busy { 48 } else { 2 } {
                if busy {
                    client.get("/me").await;
                }
                site.wait(Duration::from_secs(1_800));
            }
            client.get("/me").await;
            let name = format!("starsessions_refused_cookies_total{{reason={reason}}}");
            assert_eq!(metrics.of(&name), 1.0, "{kept:?} {:?}", metrics.seen);
        }
    }
}

#[tokio::test]
async fn devices_are_counted() {
    metrics!(metrics);
    let site = Site::with(|layer| layer.device_bound(|device| device));
    let mut client = site.serve(shop::routes());
    let invited = client.post("/login/7").await;
    let mut bound = client.bind(&Device::new(1), &invited).await;
    client.register(&Device::new(1), &invited).await;
    client.refresh(&mut bound).await;
    client.refresh_with(&bound, None).await;
    client.post("/dbsc/refresh").await;
    site.wait_seconds(600);
    client.get("/me").await;
    let guide = include_str!("../../starsessions/src/docs/observability.md");
    for name in [
        "starsessions_device_registrations_total{outcome=bound}",
        "starsessions_device_registrations_total{outcome=ended}",
        "starsessions_device_refreshes_total{outcome=proved}",
        "starsessions_device_refreshes_total{outcome=challenged}",
        "starsessions_device_refreshes_total{outcome=malformed}",
        "starsessions_device_missing_total{reason=stale}",
    ] {
        assert_eq!(metrics.of(name), 1.0, "{name}: {:?}", metrics.seen);
        let (name, _) = name.split_once('{').unwrap();
        assert!(guide.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[tokio::test]
async fn flows_are_counted() {
    metrics!(metrics);
    let site = Site::new();
    let mut client = site.serve(provider::routes());
    let state = client.leave_for("/google?user=7").await;
    client.come_back("/google/back", &state).await;
    client.come_back("/google/back", &state).await;
    client.leave_for("/google?user=7").await;
    for (outcome, count) in [("begun", 2.0), ("finished", 1.0), ("unknown", 1.0)] {
        let name = format!("starsessions_flows_total{{outcome={outcome}}}");
        assert_eq!(metrics.of(&name), count, "{name}: {:?}", metrics.seen);
    }
}

#[tokio::test]
async fn every_metric_is_in_the_table() {
    metrics!(metrics);
    for kept in Kept::REVOCABLY {
        let (site, mut client) = site(kept);
        for path in [
            "/cart/tea",
            "/views",
            "/login/7",
            "/fail",
            "/detach",
            "/replace",
            "/logout",
        ] {
            client.post(path).await;
            site.wait_seconds(600);
        }
    }
    let guide = include_str!("../../starsessions/src/docs/observability.md");
    let names = metrics.names();
    assert!(names.len() > 8, "{names:?}");
    for name in names {
        assert!(guide.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[tokio::test]
async fn a_day_is_logged_by_fingerprints() {
    for kept in Kept::REVOCABLY {
        let logs = Logs::capture();
        let (site, mut client) = site(kept);
        client.post("/cart/tea").await;
        client.post("/views").await;
        client.post("/login/7").await;
        site.wait_seconds(600);
        client.get("/cart").await;
        client.post("/logout").await;
        for event in [
            "session created",
            "session loaded",
            "session committed",
            "session has a new id",
            "session touched",
            "session ended",
        ] {
            let lines = logs.with(&[event, "session="]);
            assert!(!lines.is_empty(), "{event} {kept:?}: {}", logs.text());
            for line in lines {
                let name = line.split("session=").nth(1).unwrap();
                let name = name.split(' ').next().unwrap();
                assert_eq!(name.len(), 16, "{line}");
                assert!(name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
            }
        }
    }
}

mod shared {
    use starsessions::Session;
    use starsessions::value::{OldValue, ValueError};

    #[derive(Session)]
    #[session(namespace = "shared")]
    pub(super) struct Number {
        pub(super) value: u64,
    }

    #[derive(Session)]
    #[session(namespace = "shared")]
    pub(super) struct Text {
        pub(super) value: String,
    }

    #[derive(Session)]
    #[session(namespace = "shared")]
    pub(super) struct Renamed {
        #[session(alias = "value")]
        pub(super) other: u64,
    }

    #[derive(Session)]
    #[session(namespace = "shared")]
    pub(super) struct Later {
        #[session(version = 2, migrate = doubled)]
        pub(super) value: u64,
    }

    fn doubled(old: OldValue<'_>) -> Result<u64, ValueError> {
        Ok(old.decode::<u64>()? * 2)
    }

    #[derive(Session)]
    #[session(namespace = "shared")]
    pub(super) struct Rotating {
        #[session(rotate)]
        pub(super) value: u64,
    }

    #[derive(serde::Serialize, serde::Deserialize, Default)]
    pub(super) struct Sparse {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) note: Option<u8>,
    }

    #[derive(Session)]
    pub(super) struct Lossy {
        pub(super) sparse: Sparse,
    }
}

/// The layer logs each problem of a struct once, when it first uses the struct.
#[tokio::test]
async fn what_is_wrong_with_a_struct_is_logged_when_it_is_first_used() {
    use shared::{Later, Lossy, Number, Renamed, Rotating, Text};

    let routes = Router::new()
        .route(
            "/number",
            get(async |it: Session<Number>| it.value.to_string()),
        )
        .route("/text", get(async |it: Session<Text>| it.value.clone()))
        .route(
            "/renamed",
            get(async |it: Session<Renamed>| it.other.to_string()),
        )
        .route(
            "/later",
            get(async |it: Session<Later>| it.value.to_string()),
        )
        .route(
            "/rotating",
            get(async |it: Session<Rotating>| it.value.to_string()),
        )
        .route(
            "/lossy",
            get(async |it: Session<Lossy>| it.sparse.note.is_some().to_string()),
        );
    for (path, level, words) in [
        (
            "/text",
            "ERROR",
            ["`Text`", "each overwrites the other's value"],
        ),
        (
            "/renamed",
            "ERROR",
            ["`Renamed`", "removes the value of `Number`"],
        ),
        ("/later", "ERROR", ["`Later`", "version 2"]),
        (
            "/rotating",
            "WARN",
            ["`Rotating`", "`rotate` is not the same"],
        ),
        ("/lossy", "WARN", ["lossy.sparse", "skip_serializing_if"]),
    ] {
        let logs = Logs::capture();
        let mut client = Site::new().serve(routes.clone());
        for _ in 0..2 {
            client.get("/number").await;
        }
        let said = || [logs.with(&["ERROR"]), logs.with(&["WARN"])].concat();
        assert!(said().is_empty(), "{}", logs.text());
        for _ in 0..2 {
            assert_eq!(client.get(path).await.status, StatusCode::OK, "{path}");
        }
        assert_eq!(said().len(), 1, "{path}: {}", logs.text());
        let lines = logs.with(&[level, words[0], words[1]]);
        assert_eq!(lines.len(), 1, "{path}: {}", logs.text());
    }
}

/// In the log, and in the span around the layer if the layer is configured to record it: fingerprints under the
/// OpenTelemetry names.
#[tokio::test]
async fn a_trace_names_its_session_as_open_telemetry_does() {
    #[derive(Session)]
    struct Account {
        #[session(required, rotate, index)]
        user: String,
    }
    let routes = || {
        let enter = async |session: CurrentSession| {
            let user = "ann".to_owned();
            session.insert(Account { user })
        };
        shop::routes().route("/enter", post(enter))
    };
    let span = || {
        tracing::info_span!(
            "request",
            session.id = Empty,
            session.previous_id = Empty,
            enduser.pseudo.id = Empty
        )
    };
    for asked in [false, true] {
        let site = Site::with(|layer| layer.open_telemetry(asked));
        let mut client = site.serve(routes());
        client.post("/cart/tea").await;
        let logs = Logs::capture();
        client.post("/enter").instrument(span()).await;
        client.get("/me").instrument(span()).await;
        let text = logs.text();
        assert!(!text.contains("ann"), "{text}");
        assert_eq!(logs.with(&["session has a new id"]).len(), 1, "{text}");
        let closed = logs.with(&[" request", "http::observability: close"]);
        let [rotated, read] = &closed[..] else {
            panic!("{text}")
        };
        if !asked {
            assert!(!rotated.contains("session.id="), "{rotated}");
            assert!(!text.contains("session.previous_id="), "{text}");
            continue;
        }
        let value = |line: &str, field: &str| {
            let (_, rest) = line.split_once(&format!("{field}=")).unwrap();
            rest.chars().take(16).collect::<String>()
        };
        let id = value(read, "session.id");
        assert_eq!(value(rotated, "session.previous_id").len(), 16);
        assert!(rotated.contains(&format!("session.id={id}")), "{rotated}");
        let user = |line| value(line, "enduser.pseudo.id");
        assert_eq!(user(rotated), user(read));
        let event = format!("session has a new id session.id={id}");
        assert_eq!(logs.with(&[&event]).len(), 1, "{text}");
    }
}
