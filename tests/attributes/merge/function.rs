//! `merge = path::to::function`, and merges whose result cannot be stored.

use super::{merged, merged_from_nothing};

mod policy {
    /// Shows what it was given.
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

#[derive(starsessions::Session)]
struct Text {
    #[session(merge = policy::show, default = "new".to_owned())]
    value: String,
}

#[derive(starsessions::Session)]
struct Number {
    #[session(merge = policy::show_option)]
    value: Option<u32>,
}

#[derive(starsessions::Session)]
struct Limited {
    #[session(merge = sum, validate = at_most_ten)]
    value: u32,
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

#[tokio::test]
async fn a_merge_that_is_not_valid_falls_back_to_the_later_value() {
    assert_eq!(merged::<Limited>(1, 4, 7).await, 10);
    assert_eq!(merged::<Limited>(1, 5, 7).await, 7, "11 is over the limit");
}
