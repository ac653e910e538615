//! 23. Stolen dump, leaked logs.

use std::collections::BTreeSet;
use std::fmt::{Debug, Write};

use crate::client::Client;
use crate::logs::Logs;
use crate::routing::post;
use crate::site::Site;
use axum::extract::Path;
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use metrics_util::debugging::DebuggingRecorder;
use starsessions::store::{RowKey, Store};
use starsessions::{CurrentSession, Session, SessionError};

use crate::scenarios::Stage;
use crate::shop;

/// Data that must not appear in a dump.
#[derive(Session)]
struct Patient {
    #[session(index)]
    email: String,
    #[session(secret)]
    diagnosis: String,
}

const EMAIL: &str = "ada@clinic.example";
const DIAGNOSIS: &str = "a broken heart";

async fn admit(mut patient: Session<Patient>) -> String {
    EMAIL.clone_into(&mut patient.email);
    DIAGNOSIS.clone_into(&mut patient.diagnosis);
    format!("{patient:?}")
}

async fn rotate(session: CurrentSession, Path(_): Path<u32>) -> Result<String, SessionError> {
    session.rotate()?;
    let info = session.info().await?;
    Ok(format!("{session:?} {info:?}"))
}

/// Reads and changes the session through a detached view.
async fn second_opinion(patient: Session<Patient>) -> Result<String, SessionError> {
    let patient = patient.detach()?;
    let seen = patient.watch().next().await;
    patient
        .update(|patient| patient.diagnosis.push('!'))
        .await?;
    Ok(format!("{patient:?} {seen:?}", seen = seen.map(|_| ())))
}

/// The traces of a busy site: the cookies that it set, the data that reached the store, and the text that it logged or
/// showed.
struct Loot {
    client: Client,
    /// The value of every session cookie that was ever set.
    cookies: BTreeSet<String>,
    dump: Vec<Vec<u8>>,
    text: String,
}

async fn loot<S: Store + Clone + Debug>(site: &Site<S>) -> Loot {
    let logs = Logs::capture();
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let routes = shop::with_logout()
        .route("/admit", post(admit))
        .route("/opinion", post(second_opinion))
        .route("/rotate/{n}", post(rotate));
    let mut client = site.serve(routes);
    let visitor = client.clone();
    let (mut cookies, mut text) = (BTreeSet::new(), String::new());
    let day = [
        "/admit",
        "/cart/tea",
        "/login/7",
        "/rotate/1",
        "/views",
        "/logout",
        "/login/8",
    ];
    for path in day.into_iter().chain(["/admit", "/opinion", "/cart/milk"]) {
        // Long enough for a renewal, which leaves a way from the old ID to the new one.
        site.wait_seconds(600);
        let reply = client.post(path).await;
        cookies.extend(client.jar().cookies().map(|cookie| cookie.value.clone()));
        // The output of the handlers, and `Debug` of the site.
        writeln!(text, "{} {:?}", reply.body, site).unwrap();
    }
    // Failures, so that the logs contain errors.
    let stale = cookies
        .iter()
        .map(|value| format!("__Host-Http-id={value}"));
    for cookie in stale.chain(["__Host-Http-id=garbage".to_owned()]) {
        visitor.showing(cookie).get("/me").await;
    }
    site.store.fail_all();
    client.post("/views").await;
    site.store.recover();
    writeln!(text, "{}", logs.text()).unwrap();
    let metrics = recorder.snapshotter().snapshot().into_vec();
    assert!(metrics.len() > 8, "{metrics:?}");
    writeln!(text, "{metrics:?}").unwrap();
    Loot {
        dump: site.store.dump(),
        client,
        cookies,
        text,
    }
}

/// Every encoding in which a secret may appear.
#[must_use]
pub fn spellings(secret: &[u8]) -> [Vec<u8>; 5] {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    [
        secret.to_vec(),
        hex.to_uppercase().into(),
        hex.into(),
        Base64::encode_string(secret).trim_end_matches('=').into(),
        Base64UrlUnpadded::encode_string(secret).into(),
    ]
}

/// Whether `text` contains `part`.
#[must_use]
pub fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

impl Loot {
    fn assert_free_of(&self, what: &str, secret: &[u8]) {
        for spelling in spellings(secret) {
            assert!(
                !contains(self.text.as_bytes(), &spelling),
                "{what} is in a log or `Debug`"
            );
            let in_store = self.dump.iter().any(|bytes| contains(bytes, &spelling));
            assert!(!in_store, "{what} is in the store");
        }
    }
}

/// No issued cookie and no part of its secret appears in the store, in a log, or in `Debug` output. Values appear only
/// where the handler itself has shown them.
///
/// # Panics
/// If a secret is found.
pub async fn no_secret_leaks<S: Stage>(site: &Site<S::Store>, stage: &S) {
    let mut loot = loot(site).await;
    if let Some(disk) = stage.disk().await {
        let is_there = |key: &RowKey| {
            let mut spellings = spellings(key.as_bytes()).into_iter();
            spellings.any(|spelling| contains(&disk, &spelling))
        };
        let keys = site.store.keys();
        assert!(keys.iter().any(is_there), "no key of a row is on this disk");
        loot.dump.push(disk);
    }
    assert!(loot.cookies.len() > 3, "{}", loot.cookies.len());
    for event in ["session loaded", "session created", "session committed"] {
        assert!(loot.text.contains(event), "{event} is not in the log");
    }
    for cookie in &loot.cookies {
        let token = Base64UrlUnpadded::decode_vec(cookie).expect("a cookie of ours");
        let (_, secret) = token.split_at(5);
        loot.assert_free_of("a cookie", cookie.as_bytes());
        loot.assert_free_of("a token", &token);
        loot.assert_free_of("the secret of a token", secret);
        loot.assert_free_of("the start of a secret", &secret[..8]);
        loot.assert_free_of("the end of a secret", &secret[secret.len() - 8..]);
        assert!(
            !contains(&token, EMAIL.as_bytes()),
            "a field is in the cookie"
        );
    }
    loot.assert_free_of("a secret field", DIAGNOSIS.as_bytes());
    // The handler shows this value on purpose, but it must not reach the store.
    let is_stored = loot
        .dump
        .iter()
        .any(|bytes| contains(bytes, EMAIL.as_bytes()));
    assert!(!is_stored, "an indexed field is in the store");
}

/// No part of a store's dump, in any encoding, signs a user in as a cookie.
///
/// # Panics
/// If a part of the dump signs a user in.
pub async fn a_dump_signs_nobody_in<S: Store + Clone + Debug>(site: &Site<S>) {
    let loot = loot(site).await;
    let mut client = loot.client.clone();
    let me = client.get("/me").await.body;
    assert_eq!(me, "8", "there is a user to become");
    let own = client
        .jar()
        .cookies()
        .next()
        .expect("a session")
        .value
        .clone();
    let header = Base64UrlUnpadded::decode_vec(&own).expect("a cookie of ours")[..5].to_vec();

    let mut tried = 0;
    for bytes in &loot.dump {
        let whole = [bytes.clone(), [&header, &bytes[..]].concat()];
        let secrets = bytes.windows(32).map(|window| [&header, window].concat());
        for token in whole.into_iter().chain(secrets) {
            for value in [Base64UrlUnpadded::encode_string(&token).into_bytes(), token] {
                if http::HeaderValue::from_bytes(&value).is_err() {
                    continue;
                }
                let cookie = [b"__Host-Http-id=", &value[..]].concat();
                let me = loot.client.showing(cookie).get("/me").await.body;
                assert_eq!(me, "guest", "{value:?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "only {tried} were tried");
}
