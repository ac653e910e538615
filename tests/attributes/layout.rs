//! `version` and `migrate`, `codec`: values whose layout has changed.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use starsessions::value::{OldValue, ValueError};
use starsessions::{Session, SessionError};
use starsessions_tests::client::Client;

mod one {
    #[derive(starsessions::Session)]
    #[session(namespace = "profile")]
    pub(super) struct Profile {
        pub(super) size: u32,
        pub(super) title: String,
    }
}

mod two {
    #[derive(starsessions::Session)]
    #[session(namespace = "profile")]
    pub(super) struct Profile {
        #[session(version = 2, migrate = super::as_text)]
        pub(super) size: Option<String>,
        pub(super) title: String,
    }
}

mod three {
    #[derive(starsessions::Session)]
    #[session(namespace = "profile")]
    pub(super) struct Profile {
        #[session(version = 3, migrate = super::as_list, merge = append)]
        pub(super) size: Vec<String>,
        pub(super) title: String,
    }
}

fn as_text(old: OldValue<'_>) -> Result<String, ValueError> {
    match old.decode::<u32>()? {
        0 => Err(ValueError::migration("zero has no text")),
        number => Ok(number.to_string()),
    }
}

/// Migrates every older version.
fn as_list(old: OldValue<'_>) -> Result<Vec<String>, ValueError> {
    match old.version() {
        1 => Ok(vec![format!("one: {}", old.decode::<u32>()?)]),
        2 => Ok(vec![format!("two: {}", old.decode::<String>()?)]),
        other => Err(ValueError::migration(format!(
            "there was no version {other}"
        ))),
    }
}

async fn by_one(size: u32) -> Client {
    let mut browser = Client::guest();
    let title = "a".to_owned();
    browser.insert(one::Profile { size, title }).await;
    browser
}

#[tokio::test]
async fn an_older_value_is_migrated_when_it_is_read_and_written_when_it_is_changed() {
    let mut browser = by_one(42).await;
    let reply = browser
        .visit(async |it: Session<two::Profile>| it.size.clone().unwrap_or_default())
        .await;
    assert_eq!(reply.body, "42");
    let old = browser.with(|it: &mut Session<one::Profile>| it.size).await;
    assert_eq!(
        old, 42,
        "reading writes nothing: the old binary still reads its own value"
    );

    browser
        .with(|it: &mut Session<two::Profile>| it.size.as_mut().unwrap().push('!'))
        .await;
    let new = browser
        .with(|it: &mut Session<two::Profile>| it.size.clone())
        .await;
    assert_eq!(new.as_deref(), Some("42!"));
}

#[tokio::test]
async fn an_older_binary_passes_over_a_newer_value_and_keeps_it() {
    let mut browser = by_one(42).await;
    browser
        .with(|it: &mut Session<two::Profile>| it.size = Some("XL".to_owned()))
        .await;
    browser
        .with(|it: &mut Session<one::Profile>| {
            assert_eq!(it.size, 0, "a newer version counts as absent");
            it.title.push('b');
        })
        .await;
    let new = browser
        .with(|it: &mut Session<two::Profile>| (it.size.clone(), it.title.clone()))
        .await;
    assert_eq!(new, (Some("XL".to_owned()), "ab".to_owned()));
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_field_absent_and_the_value_stored() {
    let mut browser = by_one(0).await;
    browser
        .with(|it: &mut Session<two::Profile>| {
            assert_eq!(it.size, None);
            it.title.push('b');
        })
        .await;
    // Version 3 handles a case that version 2 could not.
    let size = browser
        .with(|it: &mut Session<three::Profile>| it.size.clone())
        .await;
    assert_eq!(size, ["one: 0"]);
}

#[tokio::test]
async fn a_migration_knows_from_which_version_it_comes() {
    let mut browser = by_one(42).await;
    browser
        .with(|it: &mut Session<two::Profile>| it.size = Some("XL".to_owned()))
        .await;
    let size = browser
        .with(|it: &mut Session<three::Profile>| it.size.clone())
        .await;
    assert_eq!(size, ["two: XL"]);
}

#[tokio::test]
async fn a_merge_migrates_what_it_meets() {
    let mut browser = by_one(42).await;
    let mut old = browser.clone();
    browser
        .held(
            |it: &mut Session<three::Profile>| it.size.push("mine".to_owned()),
            async {
                old.with(|it: &mut Session<one::Profile>| it.size = 43)
                    .await
            },
        )
        .await;
    let size = browser
        .with(|it: &mut Session<three::Profile>| it.size.clone())
        .await;
    assert_eq!(size, ["one: 43", "mine"]);
}

/// A type whose serde attributes a positional format cannot carry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Filter {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(flatten)]
    others: BTreeMap<String, u32>,
    choice: Choice,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Choice {
    Number(u32),
    Text(String),
    Range { from: u32, to: u32 },
}

impl Default for Choice {
    fn default() -> Self {
        Self::Number(0)
    }
}

#[derive(Session)]
struct Search {
    #[session(codec = json)]
    filter: Option<Filter>,
    page: u32,
}

fn filters() -> Vec<Filter> {
    let others = || BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
    let choices = [
        Choice::Number(3),
        Choice::Text("x".to_owned()),
        Choice::Range { from: 1, to: 2 },
    ];
    let with = |choice: Choice| {
        [None, Some("tea".to_owned())].map(|text| Filter {
            text,
            others: others(),
            choice: choice.clone(),
        })
    };
    choices.into_iter().flat_map(with).collect()
}

#[tokio::test]
async fn json_carries_flatten_untagged_and_skip_serializing_if() {
    let mut browser = Client::guest();
    for filter in filters() {
        let written = filter.clone();
        browser
            .with(|search: &mut Session<Search>| {
                search.filter = Some(written);
                search.page += 1;
            })
            .await;
        let read = browser
            .with(|search: &mut Session<Search>| search.filter.clone())
            .await;
        assert_eq!(read, Some(filter));
    }
}

#[tokio::test]
async fn the_binary_codec_refuses_them_with_the_cure() {
    #[derive(Session)]
    struct Binary {
        filter: Option<Filter>,
        page: u32,
    }
    for filter in filters() {
        let mut browser = Client::guest();
        let reply = browser
            .visit(async move |mut binary: Session<Binary>| {
                binary.filter = Some(filter);
                binary.page = 1;
                match binary.commit().await {
                    Err(SessionError::Value { field, error }) => format!("{field}: {error}"),
                    other => format!("{other:?}"),
                }
            })
            .await;
        assert!(reply.body.starts_with("binary.filter: "), "{}", reply.body);
        assert!(
            reply.body.contains("add `codec = json` to the field"),
            "{}",
            reply.body
        );
        assert!(!reply.sets_cookie(), "nothing is stored, not even the page");
    }
}

#[tokio::test]
async fn a_value_that_is_not_committed_by_hand_is_answered_with_500() {
    #[derive(Session)]
    struct Binary {
        filter: Option<Filter>,
    }
    let mut browser = Client::guest();
    let filter = filters().remove(0);
    let reply = browser
        .visit(async move |mut binary: Session<Binary>| binary.filter = Some(filter))
        .await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Address {
    street: String,
    number: u16,
}

mod binary {
    #[derive(starsessions::Session)]
    #[session(namespace = "address")]
    pub(super) struct View {
        #[session(codec = bincode)]
        pub(super) home: super::Address,
    }
}

mod json {
    #[derive(starsessions::Session)]
    #[session(namespace = "address")]
    pub(super) struct View {
        #[session(codec = json)]
        pub(super) home: super::Address,
    }
}

#[tokio::test]
async fn a_field_can_change_its_codec_both_ways() {
    let mut browser = Client::guest();
    browser
        .with(|it: &mut Session<binary::View>| it.home.street.push('a'))
        .await;
    browser
        .with(|it: &mut Session<json::View>| {
            assert_eq!(it.home.street, "a");
            it.home.number = 1;
        })
        .await;
    browser
        .with(|it: &mut Session<binary::View>| {
            assert_eq!((it.home.street.as_str(), it.home.number), ("a", 1));
            it.home.number = 2;
        })
        .await;
    let home = browser
        .with(|it: &mut Session<json::View>| it.home.clone())
        .await;
    assert_eq!((home.street.as_str(), home.number), ("a", 2));
}

#[tokio::test]
async fn reading_through_another_codec_is_no_change() {
    let mut browser = Client::guest();
    browser
        .with(|it: &mut Session<binary::View>| it.home.number = 1)
        .await;
    let reply = browser
        .visit(async |mut it: Session<json::View>| {
            it.home.number = 2;
            it.home.number = 1;
        })
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    // A type of another shape shows which codec wrote the value: it cannot read bincode, but it can read JSON.
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Home {
        number: u16,
    }
    #[derive(Session)]
    #[session(namespace = "address")]
    struct Numbers {
        home: Home,
    }
    let home = browser
        .with(|it: &mut Session<Numbers>| it.home.number)
        .await;
    assert_eq!(home, 0, "still bincode, of another shape");
    browser
        .with(|it: &mut Session<json::View>| it.home.number = 3)
        .await;
    let home = browser
        .with(|it: &mut Session<Numbers>| it.home.number)
        .await;
    assert_eq!(home, 3, "JSON by now, which tells its fields");
}
