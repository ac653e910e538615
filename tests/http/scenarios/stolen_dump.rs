//! 23. Stolen dump, leaked logs.

use std::collections::BTreeSet;
use std::fmt::Write;

use axum::extract::Path;
use axum::routing::post;
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use starsessions::{
    CookieStore, Key, KeyRing, MemoryStore, Session, SessionError, SessionLayer, Sessions,
    Unrevocable,
};
use starsessions_tests::client::Client;
use starsessions_tests::logs::Logs;
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::Spy;

use crate::shop;

/// Something that must not be found in a dump.
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

async fn rotate(
    sessions: Sessions<Unrevocable>,
    Path(_): Path<u32>,
) -> Result<String, SessionError> {
    sessions.rotate()?;
    let info = sessions.info().await?;
    Ok(format!("{sessions:?} {info:?}"))
}

/// A busy site: what was handed out to browsers, what came to the store, what was logged or shown.
struct Loot {
    site: Site,
    client: Client,
    /// The value of every session cookie that was ever set.
    cookies: BTreeSet<String>,
    dump: Vec<Vec<u8>>,
    text: String,
}

async fn loot(kept: Kept) -> Loot {
    let logs = Logs::capture();
    let store = Spy::new(MemoryStore::new()).sealed();
    let site = Site::over(store, kept, |layer| match kept {
        Kept::InMemory => layer.renewal(std::time::Duration::from_secs(600)),
        _ => layer,
    });
    let routes = shop::with_logout()
        .route("/admit", post(admit))
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
    for path in day.into_iter().chain(["/admit", "/cart/milk"]) {
        // Far enough for a renewal, and so for a way from the old id to the new one.
        site.wait_seconds(600);
        let reply = client.post(path).await;
        cookies.extend(client.jar().cookies().map(|cookie| cookie.value.clone()));
        // What the handlers show, with what they were given.
        writeln!(text, "{} {:?}", reply.body, site).unwrap();
    }
    // Trouble, so that the logs have something to tell.
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
    Loot {
        dump: site.store.dump(),
        site,
        client,
        cookies,
        text,
    }
}

/// Every way in which a secret might have been written down.
fn spellings(secret: &[u8]) -> [Vec<u8>; 5] {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    [
        secret.to_vec(),
        hex.to_uppercase().into(),
        hex.into(),
        Base64::encode_string(secret).trim_end_matches('=').into(),
        Base64UrlUnpadded::encode_string(secret).into(),
    ]
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
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

#[tokio::test]
async fn scenario_23_no_issued_cookie_and_no_part_of_its_secret_is_in_the_store_or_a_log() {
    for kept in Kept::REVOCABLY {
        let loot = loot(kept).await;
        assert!(loot.cookies.len() > 3, "{kept:?}: {}", loot.cookies.len());
        for cookie in &loot.cookies {
            let token = Base64UrlUnpadded::decode_vec(cookie).unwrap();
            let (_, secret) = token.split_at(5);
            loot.assert_free_of("a cookie", cookie.as_bytes());
            loot.assert_free_of("a token", &token);
            loot.assert_free_of("the secret of a token", secret);
            loot.assert_free_of("the start of a secret", &secret[..8]);
            loot.assert_free_of("the end of a secret", &secret[secret.len() - 8..]);
        }
    }
}

#[tokio::test]
async fn scenario_23_no_value_is_in_the_store_or_a_log() {
    for kept in Kept::REVOCABLY {
        let loot = loot(kept).await;
        loot.assert_free_of("a secret field", DIAGNOSIS.as_bytes());
        // Shown by the handler, on purpose; but not to the store, nor to whoever holds the cookie.
        let in_store = |part| loot.dump.iter().any(|bytes| contains(bytes, part));
        assert!(
            !in_store(EMAIL.as_bytes()),
            "an indexed field is in the store"
        );
        for cookie in &loot.cookies {
            let token = Base64UrlUnpadded::decode_vec(cookie).unwrap();
            assert!(
                !contains(&token, EMAIL.as_bytes()),
                "a field is in the cookie"
            );
        }
    }
}

#[tokio::test]
async fn scenario_23_nothing_in_the_dump_signs_anybody_in() {
    let loot = loot(Kept::InMemory).await;
    let mut client = loot.client.clone();
    assert_eq!(
        client.get("/me").await.body,
        "8",
        "there is somebody to become"
    );
    let own = client.jar().cookies().next().unwrap().value.clone();
    let header = Base64UrlUnpadded::decode_vec(&own).unwrap()[..5].to_vec();

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
    assert!(loot.site.rows() > 0);
}

#[test]
fn scenario_23_no_key_is_in_any_debug_output() {
    let bytes = std::array::from_fn(|i| ((i * i * 2_654_435_761) >> 13) as u8);
    let key = || Key::from_bytes(bytes).unwrap();
    let ring = KeyRing::new(Key::generate().unwrap())
        .accept(key(), None)
        .unwrap();
    let builder = SessionLayer::builder(CookieStore::sealed(), KeyRing::new(key()));
    let layer = SessionLayer::new(MemoryStore::new(), KeyRing::new(key()));
    let shown = format!(
        "{:?} {ring:?} {builder:?} {layer:?} {:#?}",
        key(),
        KeyRing::new(key())
    );
    for spelling in spellings(&bytes).iter().chain(&spellings(&bytes[..6])) {
        assert!(!contains(shown.as_bytes(), spelling), "{shown}");
    }
}
