//! Applications that were written for Python alone.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use starsessions::python::{
    CookieStore, FernetEncryptor, FormatError, JsonSerializer, RedisStore, Serializer, Sessions,
};
use starsessions::takeover::JsonObject;
use starsessions::{CurrentSession, KeyRing, SameSite, Session, SessionError, SessionLayer};
use starsessions_tests::routing::{delete, get, post};

use crate::deployment::{Browser, FERNET, SECRET, redis_url, uvicorn};

const VERSIONS: [&str; 2] = ["2.2.1", "2.3.0a1"];

/// `request.session["user"]`; this side knows only a part of the fields.
#[derive(Clone, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
    roles: Vec<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Session)]
#[session(namespace = "python")]
struct Member {
    #[session(codec = json, required, rotate)]
    user: User,
}

#[derive(Session)]
#[session(namespace = "python")]
struct Reading {
    #[session(codec = json, merge = union)]
    read: BTreeMap<String, u64>,
}

async fn redis() -> RedisStore {
    let client = ::redis::Client::open(redis_url()).unwrap();
    RedisStore::connect(client).await.unwrap()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

async fn forum() -> Router {
    async fn login(Path(name): Path<String>, session: CurrentSession) -> Result<(), SessionError> {
        let (roles, rest) = (vec!["guest".to_owned()], BTreeMap::new());
        let user = User {
            id: 8,
            name,
            roles,
            rest,
        };
        session.insert(Member { user })
    }

    async fn me(member: Option<Session<Member>>) -> String {
        member.map_or("guest".to_owned(), |member| member.user.name.clone())
    }

    async fn rename(Path(name): Path<String>, mut member: Session<Member>) {
        member.user.name = name;
    }

    async fn read(Path(topic): Path<String>, mut reading: Session<Reading>) -> String {
        let count = reading.read.entry(topic).or_default();
        *count += 1;
        count.to_string()
    }

    async fn logout(session: CurrentSession) -> Result<(), SessionError> {
        session.destroy()
    }

    let sessions = Sessions::new(redis().await.key(|id| format!("forum:{{{id}}}:session")))
        .lifetime(Duration::from_secs(3_600))
        .cookie_name("forum-session");
    let layer = SessionLayer::shared_with_python(sessions, KeyRing::generate().unwrap())
        .cookie(|cookie| cookie.secure(false))
        .build();
    Router::new()
        .route("/me", get(me))
        .route("/login/{name}", post(login))
        .route("/rename/{name}", post(rename))
        .route("/read/{topic}", post(read))
        .route("/logout", post(logout))
        .layer(layer.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forum_on_fastapi_and_ours_have_the_same_members() {
    for version in VERSIONS {
        let (python, rust) = (
            uvicorn(version, "forum", &[("STORE", &redis_url())]),
            forum().await,
        );
        let mut browser = Browser::new(&python, &rust);
        browser.python("POST", "/api/read/rust");
        browser.python("POST", "/api/login/7/ann");
        let before = browser.python("GET", "/api/session");
        assert_eq!(browser.rust("GET", "/me").await, "ann");
        assert_eq!(
            browser.python("GET", "/api/session"),
            before,
            "{version}: read only"
        );
        assert_eq!(browser.rust("POST", "/read/rust").await, "2");
        browser.rust("POST", "/rename/Änne%20%F0%9F%8D%AA").await;
        assert_eq!(
            parsed(&browser.python("GET", "/blog/member")),
            json!([7, "Änne 🍪", ["member", "author"]])
        );
        let mut expected = parsed(&before);
        expected["user"]["name"] = "Änne 🍪".into();
        expected["read"]["rust"] = 2.into();
        assert_eq!(
            parsed(&browser.python("GET", "/api/session")),
            expected,
            "{version}"
        );

        // A member who signs in on the Rust side is signed in on the Python side, with all values that Python needs.
        let mut browser = Browser::new(&python, &rust);
        browser.rust("POST", "/login/bob").await;
        let about = parsed(&browser.python("GET", "/api/about"));
        assert_eq!(about["id"], browser.session());
        assert_eq!(about["types"], json!(["int", "float", "float"]));
        assert!(
            (3_590..=3_600).contains(&about["remaining"].as_i64().unwrap()),
            "{about}"
        );
        assert_eq!(
            parsed(&browser.python("GET", "/lazy")),
            json!([false, true, ["user"]])
        );
        let session = parsed(&browser.python("GET", "/api/session"));
        assert_eq!(
            session,
            json!({"user": {"id": 8, "name": "bob", "roles": ["guest"]}})
        );
        browser.python("POST", "/api/logout");
        assert_eq!(browser.rust("GET", "/me").await, "guest");
        browser.python("POST", "/api/login/9/eve");
        browser.rust("POST", "/logout").await;
        assert_eq!(parsed(&browser.python("GET", "/api/session")), json!({}));
    }
}

/// Values of many kinds; some are `null` in Python.
#[derive(Session)]
#[session(namespace = "python")]
struct Page {
    #[session(codec = json, merge = sum)]
    visits: u64,
    #[session(codec = json)]
    page: Option<String>,
    #[session(codec = json)]
    last: Option<String>,
    #[session(codec = json, rename = "key")]
    key: Option<i128>,
    #[session(codec = json)]
    matrix: Vec<Vec<f64>>,
}

async fn portal(version: &str) -> Router {
    async fn visit(Path(page): Path<String>, mut session: Session<Page>) -> String {
        session.visits += 1;
        session.last = session.page.replace(page);
        format!("{} {:?}", session.visits, session.last)
    }

    async fn values(session: Session<Page>) -> String {
        format!("{:?} {:?}", session.key, session.matrix)
    }

    async fn grow(mut session: Session<Page>) {
        session.key = session.key.map(|key| key - 1);
        session.matrix.push(vec![0.1, -0.0, 1e300]);
    }

    async fn leave(session: CurrentSession) -> Result<(), SessionError> {
        session.destroy()
    }

    let store = redis()
        .await
        .prefix("portal/")
        .gc_ttl(Duration::from_secs(500));
    let mut sessions = Sessions::new(store).cookie_name("portal_sid");
    if version != "2.2.1" {
        sessions = sessions.encryptor(FernetEncryptor::new(FERNET).unwrap());
    }
    let layer = SessionLayer::shared_with_python(sessions, KeyRing::generate().unwrap())
        .cookie(|cookie| {
            cookie
                .path("/portal")
                .same_site(SameSite::Strict)
                .secure(false)
        })
        .build();
    let routes = Router::new()
        .route("/visit/{page}", post(visit))
        .route("/values", get(values))
        .route("/grow", post(grow))
        .route("/leave", post(leave));
    Router::new().nest("/portal", routes).layer(layer.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_below_a_path_and_ours_have_the_same_values() {
    for version in VERSIONS {
        let url = redis_url();
        let mut settings = vec![("STORE", &*url)];
        settings.extend((version != "2.2.1").then_some(("KEY", FERNET)));
        let (python, rust) = (uvicorn(version, "portal", &settings), portal(version).await);
        let mut browser = Browser::new(&python, &rust);
        let values = r#"{"key": 170141183460469231731687303715884105727, "matrix": [[1, 2.5]], "none": null, "yes": true, "no": false, "page": null, "empty": {}, "nested": {"a": [{"b": [null, {"c": "d"}]}]}, "negative": -3, "": "no name", "ключ": "слово", "__class__": "x"}"#;
        browser.python_with("POST", "/portal/put", values);
        assert_eq!(
            browser.rust("GET", "/portal/values").await,
            "Some(170141183460469231731687303715884105727) [[1.0, 2.5]]",
            "{version}"
        );
        assert_eq!(browser.rust("POST", "/portal/visit/a").await, "1 None");
        assert_eq!(
            parsed(&browser.python("POST", "/portal/visit/b")),
            json!([2, "a"])
        );
        assert_eq!(
            browser.rust("POST", "/portal/visit/c").await,
            "3 Some(\"b\")"
        );
        browser.rust("POST", "/portal/grow").await;
        let names = parsed(&browser.python("POST", "/portal/forget/no"));
        assert!(!names.as_array().unwrap().contains(&"no".into()), "{names}");
        let now = browser.python("GET", "/portal/values");
        assert!(
            now.contains("170141183460469231731687303715884105726"),
            "{now}"
        );
        assert!(now.contains("[0.1,-0.0,1e+300]"), "{now}");
        let (now, before) = (parsed(&now), parsed(values));
        for (name, value) in before.as_object().unwrap() {
            match name.as_str() {
                "no" => assert!(now.get("no").is_none()),
                "page" => assert_eq!(now["page"], "c"),
                "key" | "matrix" => {}
                _ => assert_eq!(&now[name], value, "{version}: {name}"),
            }
        }
        browser.rust("POST", "/portal/leave").await;
        assert_eq!(browser.cookie, None);
        assert_eq!(browser.rust("POST", "/portal/visit/z").await, "1 None");
        browser.python("POST", "/portal/leave");
        assert_eq!(browser.cookie, None);
    }
}

#[derive(Session)]
#[session(namespace = "python")]
struct Survey {
    #[session(codec = json)]
    answers: Vec<String>,
    #[session(codec = json)]
    begun: Option<BTreeMap<String, String>>,
}

/// A serializer of the application's own.
struct Marked;

impl Serializer for Marked {
    fn serialize(&self, values: &JsonObject) -> Result<Vec<u8>, FormatError> {
        Ok([b"json:", &*JsonSerializer.serialize(values)?].concat())
    }

    fn deserialize(&self, bytes: &[u8]) -> Result<JsonObject, FormatError> {
        JsonSerializer.deserialize(bytes.strip_prefix(b"json:").unwrap_or(bytes))
    }
}

fn survey(version: &str) -> Router {
    async fn answers(session: Session<Survey>) -> String {
        let begun = session.begun.as_ref().map(|begun| begun["date"].as_str());
        format!("{} {begun:?}", session.answers.join(","))
    }

    async fn answer(Path(answer): Path<String>, mut session: Session<Survey>) {
        session.answers.push(answer);
    }

    async fn leave(session: CurrentSession) -> Result<(), SessionError> {
        session.forget()
    }

    let mut sessions = Sessions::new(CookieStore::new(SECRET))
        .lifetime(Duration::from_secs(30 * 60))
        .rolling(true)
        .serializer(Marked);
    if version != "2.2.1" {
        sessions = sessions.encryptor(FernetEncryptor::new(FERNET).unwrap());
    }
    let layer = SessionLayer::shared_with_python(sessions, KeyRing::generate().unwrap())
        .cookie(|cookie| cookie.secure(false))
        .build();
    Router::new()
        .route("/answers", delete(leave).get(answers))
        .route("/answers/{answer}", post(answer))
        .layer(layer.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_survey_in_cookies_goes_on_with_classes_of_its_own() {
    for version in VERSIONS {
        let mut settings = vec![("SECRET", SECRET)];
        settings.extend((version != "2.2.1").then_some(("KEY", FERNET)));
        let (python, rust) = (uvicorn(version, "survey", &settings), survey(version));
        let mut browser = Browser::new(&python, &rust);
        browser.rust("POST", "/answers/yes").await;
        assert_eq!(browser.python("POST", "/answers/no"), "2", "{version}");
        browser.rust("POST", "/answers/m%C3%A4h").await;
        let answers = browser.rust("GET", "/answers").await;
        assert_eq!(answers, "yes,no,mäh Some(\"2026-11-01\")", "{version}");
        let session = parsed(&browser.python("GET", "/answers"));
        let expected = json!({"answers": ["yes", "no", "mäh"], "begun": {"date": "2026-11-01"}});
        assert_eq!(session, expected, "{version}");
        browser.rust("DELETE", "/answers").await;
        assert_eq!(parsed(&browser.python("GET", "/answers")), json!({}));
        browser.python("POST", "/answers/a");
        browser.python("DELETE", "/answers");
        assert_eq!(browser.cookie, None);
    }
}
