//! `merge = path::to::function`, and merges whose result cannot be stored.

use http::StatusCode;
use starsessions::Session;
use starsessions::testing::TestSessions;
use starsessions_tests::client::Client;

use super::{merged, merged_from_nothing};

mod policy {
    /// Shows the function's arguments.
    pub(super) fn show(base: &String, mine: &String, theirs: &String) -> String {
        format!("{base}>{mine}|{theirs}")
    }

    pub(super) fn show_option(
        base: &Option<u32>,
        mine: &Option<u32>,
        theirs: &Option<u32>,
    ) -> Option<u32> {
        let digit = |side: &Option<u32>| side.unwrap_or(9);
        (theirs != &Some(4)).then(|| digit(base) * 100 + digit(mine) * 10 + digit(theirs))
    }
}

#[derive(Session)]
struct Text {
    #[session(merge = policy::show, default = "new".to_owned())]
    value: String,
}

#[derive(Session)]
struct Number {
    #[session(merge = policy::show_option)]
    value: Option<u32>,
}

#[derive(Session)]
struct Limited {
    #[session(merge = sum, validate = at_most_ten)]
    value: u32,
}

#[derive(Session)]
struct Log {
    #[session(merge = append)]
    lines: Vec<String>,
}

fn at_most_ten(value: &u32) -> Result<(), &'static str> {
    if *value <= 10 {
        Ok(())
    } else {
        Err("over ten")
    }
}

macro_rules! single_for {
    ($name:ident $value:ty) => {
        impl super::Single for $name {
            type Value = $value;

            fn new(value: $value) -> Self {
                Self { value }
            }

            fn value(&self) -> &$value {
                &self.value
            }

            fn value_mut(&mut self) -> &mut $value {
                &mut self.value
            }
        }
    };
}

single_for!(Text String);
single_for!(Number Option<u32>);
single_for!(Limited u32);

#[tokio::test]
async fn a_function_gets_what_was_seen_what_is_written_and_what_is_stored() {
    let text = merged::<Text>("seen".into(), "theirs".into(), "mine".into());
    assert_eq!(text.await, "seen>mine|theirs");
    let text = merged_from_nothing::<Text>("theirs".into(), "mine".into());
    assert_eq!(text.await, "new>mine|theirs");
}

#[tokio::test]
async fn a_function_of_options_decides_about_absence() {
    assert_eq!(merged::<Number>(Some(1), Some(2), Some(3)).await, Some(132));
    assert_eq!(merged::<Number>(Some(1), None, Some(3)).await, Some(139));
    assert_eq!(merged::<Number>(Some(1), Some(2), None).await, Some(192));
    assert_eq!(
        merged_from_nothing::<Number>(Some(2), Some(3)).await,
        Some(932)
    );
    assert_eq!(merged::<Number>(Some(1), Some(4), Some(3)).await, None);
}

#[tokio::test]
async fn a_function_is_not_asked_where_one_side_changed() {
    assert_eq!(
        merged::<Text>("a".into(), "b".into(), "a".into()).await,
        "b"
    );
    assert_eq!(
        merged::<Text>("a".into(), "a".into(), "b".into()).await,
        "b"
    );
}

/// If the values cannot be merged, neither a request nor another view of the same request overwrites the stored value.
#[tokio::test]
async fn a_merge_that_cannot_be_stored_is_a_conflict() {
    assert_eq!(merged::<Limited>(1, 4, 7).await, 10);
    let mut browser = Client::guest();
    browser.insert(Limited { value: 1 }).await;
    let set = |value| move |it: &mut Session<Limited>| it.value = value;
    let reply = browser.overtaken(set(5), set(7)).await;
    assert_eq!(reply.status, StatusCode::CONFLICT, "11 is over the limit");
    assert_eq!(browser.with(|it: &mut Session<Limited>| it.value).await, 5);

    // Over the layer's field limit, and over the limit of all values.
    for (limit, size) in [(1_000, 220), (65_536, 15_000)] {
        let test = TestSessions::with(move |layer| layer.field_limit(limit));
        let mut browser = Client::behind(test.layer());
        let line = move || "x".repeat(size);
        browser
            .insert(Log {
                lines: vec![line()],
            })
            .await;
        let add = move |log: &mut Session<Log>| log.lines.extend([line(), line()]);
        let statuses = [
            browser.overtaken(add, add).await.status,
            browser
                .visit(
                    async move |mut one: Session<Log>, mut other: Session<Log>| {
                        one.lines.push(line());
                        other.lines.push(line());
                    },
                )
                .await
                .status,
        ];
        assert_eq!(statuses, [StatusCode::CONFLICT; 2], "{limit}");
        let lines = browser.with(|log: &mut Session<Log>| log.lines.len()).await;
        assert_eq!(lines, 3, "{limit}");
    }
}
