//! `testing::SchemaLock`: the changes of a session type that an application's test accepts.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde::{Deserialize, Serialize};
use starsessions::testing::{SchemaLock, TestSessions, UpdateSchema};
use starsessions::value::{OldValue, ValueError};
use starsessions::{Session, SessionData};
use starsessions_tests::servers::Folder;

/// A struct today and tomorrow: `name { old fields } => { new fields }`, with the expected message and whether live
/// sessions survive; no message if nothing is to be reported.
macro_rules! changes {
    (view types { $($types:item)* } $($fields:tt)*) => {
        $(
            #[allow(dead_code, reason = "types that are stored, not used")]
            #[derive(Clone, Serialize, Deserialize)]
            $types
        )*
        changes!(view $($fields)*);
    };
    (view $($fields:tt)*) => {
        #[allow(dead_code, reason = "what is stored is not looked at")]
        #[derive(Session)]
        struct Shop {
            $($fields)*
        }
    };
    ($($name:ident { $($old:tt)* } => { $($new:tt)* } $expected:expr;)*) => {$(
        #[test]
        fn $name() {
            let folder = Folder::new();
            let path = folder.join("sessions.lock");
            {
                changes!(view $($old)*);
                let lock = SchemaLock::new(&path).view::<Shop>();
                lock.compare(UpdateSchema::Compatible).unwrap();
            }
            changes!(view $($new)*);
            let lock = || SchemaLock::new(&path).view::<Shop>();
            is_told(&lock, &path, $expected);
        }
    )*};
}

#[derive(Clone, Copy)]
enum Told {
    Nothing,
    Compatible(&'static str),
    Breaking(&'static str),
}
use Told::{Breaking, Compatible, Nothing};

fn is_told(lock: &dyn Fn() -> SchemaLock, path: &Path, expected: Told) {
    let before = fs::read_to_string(path).unwrap();
    let found = lock().compare(UpdateSchema::Nothing);
    assert_eq!(
        fs::read_to_string(path).unwrap(),
        before,
        "nothing is written unasked"
    );
    let (sentence, breaks) = match expected {
        Nothing => return found.unwrap(),
        Compatible(sentence) => (sentence, false),
        Breaking(sentence) => (sentence, true),
    };
    let error = found.unwrap_err();
    let shown = error.to_string();
    assert!(shown.contains(sentence), "no {sentence:?} in: {shown}");
    assert!(shown.contains("UPDATE_SCHEMA=1"), "{shown}");
    assert_eq!(shown.contains("do not survive"), breaks, "{shown}");
    let told = error
        .changes()
        .iter()
        .find(|change| change.to_string().contains(sentence));
    assert_eq!(told.unwrap().breaks_sessions, breaks);

    assert_eq!(lock().compare(UpdateSchema::Compatible).is_err(), breaks);
    if breaks {
        assert_eq!(
            fs::read_to_string(path).unwrap(),
            before,
            "what breaks sessions is not recorded by the way"
        );
        lock().compare(UpdateSchema::All).unwrap();
    }
    // After the update there is nothing to report.
    lock().compare(UpdateSchema::Nothing).unwrap();
}

fn from_text(old: OldValue<'_>) -> Result<u64, ValueError> {
    Ok(old.decode::<String>()?.len() as u64)
}

/// Types that reject every made-up value.
macro_rules! picky {
    ($($name:ident)*) => {$(
        #[derive(Serialize, Deserialize)]
        #[serde(try_from = "String")]
        struct $name(String);

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                let fits = text == "the one text";
                fits.then_some(Self(text)).ok_or("another text")
            }
        }
    )*};
}

picky! { Picky Choosy }

changes! {
    nothing_has_changed { a: u32, b: Option<String>, } => { b: Option<String>, a: u32, } Nothing;
    a_type_is_called_otherwise { name: String, } => { name: Box<str>, } Nothing;
    a_rule_that_is_not_stored_has_changed { a: u32, } => {
        #[session(expires = "1h", commit = always, secret)]
        a: u32,
    } Nothing;
    an_option_becomes_a_default { a: Option<u32>, } => { a: u32, } Nothing;

    nothing_is_known_of_the_values { a: Option<Picky>, } => { a: Option<Picky>, } Nothing;

    a_field_is_new { a: u32, } => { a: u32, b: String, } Compatible("`shop.b` is new");
    a_field_is_removed { a: u32, b: String, } => { a: u32, }
        Compatible("`shop.b` is in no type any more; if it has another name now, give that `alias = \"b\"`");
    a_field_is_renamed_with_its_alias { a: u32, } => {
        #[session(alias = "a")]
        b: u32,
    } Compatible("`shop.a` is a former name now");
    an_enum_gains_a_variant
        { types { enum Kind { A, B(u8) } } kind: Option<Kind>, } =>
        { types { enum Kind { A, B(u8), C { c: String } } } kind: Option<Kind>, }
        Compatible("the type of `shop.kind` has changed");
    a_field_is_merged_otherwise { a: u32, } => { #[session(merge = sum)] a: u32, }
        Compatible("the merge of `shop.a` has changed");
    one_field_is_renamed_and_another_removed { a: u32, c: u32, } => {
        #[session(alias = "a")]
        b: u32,
    } Compatible("`shop.c` is in no type any more");
    a_field_that_ends_with_its_privileges_is_removed { a: u32, #[session(until = rotate)] b: u32, } => { a: u32, }
        Compatible("give that `alias = \"~b\"`");
    a_field_ends_with_its_privileges_no_more { #[session(until = rotate)] b: u32, } => { #[session(alias = "~b")] b: u32, }
        Compatible("`shop.~b` is a former name now");
    a_value_is_converted { name: String, } => { #[session(version = 2, migrate = from_text)] name: u64, }
        Compatible("the version of `shop.name` has changed");
    a_field_changes_its_codec { a: u32, } => { #[session(codec = json)] a: u32, }
        Compatible("the codec of `shop.a` has changed");

    a_number_becomes_wider { a: u32, } => { a: u64, }
        Breaking("`shop.a` does not read what live sessions hold: it was `u32` and is `u64`; give it `version = 2, \
                  migrate = ..`, or the field another name");
    a_text_becomes_a_number { a: String, } => { a: u64, } Breaking("it was `alloc::string::String` and is `u64`");
    a_type_of_which_nothing_is_known_has_another_name { a: Option<Picky>, } => { a: Option<Choosy>, }
        Breaking("it was `evolution::lock::Picky` and is `evolution::lock::Choosy`");
    a_type_far_inside_has_changed
        { types { struct Item { article: u32 } struct Cart { items: Vec<Option<Item>> } } cart: Option<Cart>, } =>
        { types { struct Item { article: u64 } struct Cart { items: Vec<Option<Item>> } } cart: Option<Cart>, }
        Breaking("a type inside of `evolution::lock::a_type_far_inside_has_changed::Cart` has changed; give it \
                  `version = 2, migrate = ..`");
    a_struct_in_a_list_gains_a_field
        { types { struct Item { article: u32 } } cart: Vec<Item>, } =>
        { types { struct Item { article: u32, count: u32 } } cart: Vec<Item>, }
        Breaking("`shop.cart` does not read what live sessions hold");
    a_struct_in_json_gains_a_field_that_must_be_there
        { types { struct Item { article: u32 } } #[session(codec = json)] cart: Vec<Item>, } =>
        { types { struct Item { article: u32, count: u32 } } #[session(codec = json)] cart: Vec<Item>, }
        Breaking("`shop.cart` does not read what live sessions hold");
    a_struct_in_json_gains_a_field_that_may_be_absent
        { types { struct Item { article: u32 } } #[session(codec = json)] cart: Vec<Item>, } =>
        { types { struct Item { article: u32, count: Option<u32> } } #[session(codec = json)] cart: Vec<Item>, }
        Compatible("the type of `shop.cart` has changed");
    an_enum_loses_a_variant
        { types { enum Kind { A, B(u8) } } kind: Option<Kind>, } =>
        { types { enum Kind { A } } kind: Option<Kind>, }
        Breaking("`shop.kind` does not read what live sessions hold");
    two_variants_change_places
        { types { enum Kind { A, B } } kind: Option<Kind>, } =>
        { types { enum Kind { B, A } } kind: Option<Kind>, }
        Breaking("`shop.kind` does not read what live sessions hold");
    a_version_is_lowered { #[session(version = 2, migrate = from_text)] a: u64, } => { a: u64, }
        Breaking("`shop.a` has version 1, and live sessions hold version 2, which counts as absent; give it \
                  `version = 3, migrate = ..`");
    a_field_is_new_and_required { a: u32, } => { a: u32, #[session(required)] b: String, }
        Breaking("`shop.b` is `required`, and live sessions need not have it: requests with them would be turned away; \
                  leave `required` out until they have ended");
    a_field_becomes_required { a: u32, } => { #[session(required)] a: u32, }
        Breaking("`shop.a` is `required`, and live sessions need not have it");
    a_field_becomes_an_index { a: u32, } => { #[session(index)] a: u32, }
        Compatible("`shop.a` is an index now: live sessions are not found by it, and not ended, until it is written in \
                    them again");
    a_field_is_no_index_any_more { #[session(index)] a: u32, } => { a: u32, }
        Compatible("the index of `shop.a` has changed");
    a_field_is_required_no_more { #[session(required)] a: u32, } => { a: u32, }
        Compatible("the presence of `shop.a` has changed");
    a_required_field_is_renamed_with_its_alias { #[session(required)] a: u32, } => {
        #[session(required, alias = "a")]
        b: u32,
    } Compatible("`shop.a` is a former name now");
    an_alias_takes_over_values_of_another_type { a: u32, } => { #[session(alias = "a")] b: String, }
        Breaking("`shop.b` has the `alias` of `shop.a` and does not read its values: that was `u32`");
}

#[test]
fn the_name_of_a_removed_field_is_not_used_for_values_of_another_type() {
    let folder = Folder::new();
    let path = folder.join("sessions.lock");
    let text = || fs::read_to_string(&path).unwrap();
    let update = |lock: SchemaLock| lock.compare(UpdateSchema::Compatible).unwrap();
    {
        changes!(view a: u32, coupon: u32,);
        update(SchemaLock::new(&path).view::<Shop>());
    }
    {
        changes!(view a: u32,);
        update(SchemaLock::new(&path).view::<Shop>());
        assert!(
            text().contains("\nremoved shop.coupon  version 1"),
            "{}",
            text()
        );
    }
    {
        changes!(view a: u32, coupon: u32,);
        is_told(
            &|| SchemaLock::new(&path).view::<Shop>(),
            &path,
            Compatible("`shop.coupon` is back"),
        );
        assert!(!text().contains("removed"), "{}", text());
    }
    {
        changes!(view a: u32,);
        update(SchemaLock::new(&path).view::<Shop>());
    }
    changes!(view a: u32, coupon: String,);
    let sentence = "`shop.coupon` is the name of a field that was removed, and live sessions may still hold its values, \
                    stored as `u32`, which `alloc::string::String` does not read; give it `version = 2, migrate = ..`";
    is_told(
        &|| SchemaLock::new(&path).view::<Shop>(),
        &path,
        Breaking(sentence),
    );
}

#[test]
fn a_required_field_that_is_back_may_be_absent_in_sessions_from_between() {
    let folder = Folder::new();
    let path = folder.join("sessions.lock");
    let update = |lock: SchemaLock| lock.compare(UpdateSchema::Compatible).unwrap();
    {
        changes!(view a: u32, #[session(required)] b: u32,);
        update(SchemaLock::new(&path).view::<Shop>());
    }
    {
        changes!(view a: u32,);
        update(SchemaLock::new(&path).view::<Shop>());
    }
    changes!(view a: u32, #[session(required)] b: u32,);
    is_told(
        &|| SchemaLock::new(&path).view::<Shop>(),
        &path,
        Breaking("`shop.b` is `required`"),
    );
}

#[test]
fn a_new_type_may_have_required_fields() {
    #[derive(Session)]
    #[session(namespace = "login")]
    #[allow(dead_code, reason = "what is stored is not looked at")]
    struct Login {
        #[session(required)]
        user: u64,
    }
    changes!(view name: String,);
    let folder = Folder::new();
    let path = folder.join("sessions.lock");
    let lock = || SchemaLock::new(&path).view::<Shop>();
    lock().compare(UpdateSchema::Compatible).unwrap();
    let both = || lock().view::<Login>();
    is_told(&both, &path, Compatible("`login.user` is new"));
}

#[test]
fn a_field_of_two_types_has_the_rules_of_both() {
    /// Locks a type without rules; then adds `T`, which has the same field.
    fn beside<T: SessionData>(folder: &Folder) -> impl Fn() -> SchemaLock {
        changes!(view a: u32,);
        let path = folder.join("sessions.lock");
        let lock = SchemaLock::new(&path).view::<Shop>();
        lock.compare(UpdateSchema::All).unwrap();
        move || SchemaLock::new(&path).view::<Shop>().view::<T>()
    }
    let folder = Folder::new();
    let path = folder.join("sessions.lock");
    {
        changes!(view a: String,);
        let lock = beside::<Shop>(&folder)();
        let error = lock.compare(UpdateSchema::Compatible).unwrap_err();
        assert!(error.to_string().contains("does not read"), "{error}");
    }
    {
        changes!(view #[session(required)] a: u32,);
        let lock = beside::<Shop>(&folder);
        is_told(&lock, &path, Breaking("`shop.a` is `required`"));
    }
    changes!(view #[session(index)] a: u32,);
    let lock = beside::<Shop>(&folder);
    is_told(&lock, &path, Compatible("`shop.a` is an index now"));
}

/// Confirms the lock's message about a field that becomes an index.
#[tokio::test]
async fn a_session_from_before_the_index_is_not_found_by_it() {
    let test = TestSessions::new();
    {
        changes!(view a: u32,);
        test.cookie_with(Shop { a: 7 }).await.unwrap();
    }
    changes!(view #[session(index)] a: u32,);
    let found = async || test.layer().list::<Shop>(&7).await.unwrap().len();
    assert_eq!(found().await, 0);
    test.cookie_with(Shop { a: 7 }).await.unwrap();
    assert_eq!(found().await, 1);
}

#[test]
fn every_type_is_in_the_same_file_and_its_text_is_the_same_each_time() {
    #[derive(Session)]
    #[session(namespace = "login")]
    #[allow(dead_code, reason = "what is stored is not looked at")]
    struct Login {
        #[session(required, rotate, index)]
        user: u64,
        #[session(until = rotate)]
        confirmed: std::collections::HashMap<String, (u8, Option<char>)>,
        #[session(flash)]
        notice: Option<String>,
    }
    changes!(view name: String,);
    let folder = Folder::new();
    let write = |name: &str| {
        let path = folder.join(name);
        let lock = SchemaLock::new(&path).view::<Login>().view::<Shop>();
        lock.compare(UpdateSchema::Compatible).unwrap();
        lock.compare(UpdateSchema::Nothing).unwrap();
        fs::read_to_string(&path).unwrap()
    };
    let text = write("one");
    for name in [
        "login.user  version 1, bincode, last, required, index: u64\n    ",
        "login.~confirmed",
        "login.notice  version 1, bincode, flash: ",
        "shop.name",
    ] {
        assert!(text.contains(name), "{text}");
    }
    assert_eq!(text, write("two"));
}

#[test]
fn a_file_that_is_no_lock_is_named_and_kept() {
    changes!(view name: String,);
    let folder = Folder::new();
    let path = folder.join("sessions.lock");
    fs::write(&path, "# a comment\n<<<<<<< ours\n").unwrap();
    let lock = SchemaLock::new(&path).view::<Shop>();
    let error = lock.compare(UpdateSchema::All).unwrap_err().to_string();
    assert!(
        error.contains("sessions.lock: line 2 is not one"),
        "{error}"
    );
    assert!(fs::read_to_string(&path).unwrap().contains("<<<<<<< ours"));

    let nowhere = SchemaLock::new(folder.join("nowhere/sessions.lock")).view::<Shop>();
    let error = nowhere.compare(UpdateSchema::All).unwrap_err().to_string();
    assert!(error.contains("in an existing folder"), "{error}");

    let a_folder = SchemaLock::new(folder.join(".")).view::<Shop>();
    let error = a_folder.compare(UpdateSchema::Nothing).unwrap_err();
    assert!(error.changes().is_empty(), "{error}");
    assert!(error.source().is_some(), "{error}");
}

/// An application's own test, which the next test runs as a developer would.
#[test]
#[ignore = "run by the test below"]
fn the_application_s_own_test() {
    let lock = SchemaLock::new(env::var_os("LOCK").unwrap());
    if env::var_os("WIDER").is_some() {
        changes!(view a: u64,);
        lock.view::<Shop>().check();
    } else {
        changes!(view a: u32,);
        lock.view::<Shop>().check();
    }
}

#[test]
fn a_test_fails_until_the_variable_asks_for_an_update() {
    let folder = Folder::new();
    let path = folder.join("sessions.lock");
    let run = |variables: &[(&str, &str)]| -> Output {
        let mut test = Command::new(env::current_exe().unwrap());
        test.args([
            "--exact",
            "lock::the_application_s_own_test",
            "--ignored",
            "--nocapture",
        ]);
        test.env("LOCK", &path).env_remove("UPDATE_SCHEMA");
        test.envs(variables.iter().copied()).output().unwrap()
    };
    let passes = |variables| {
        let output = run(variables);
        let ran = String::from_utf8_lossy(&output.stdout).contains("1 passed");
        assert_eq!(ran, output.status.success(), "{output:?}");
        ran
    };
    assert!(!passes(&[]), "there is no file yet");
    assert!(!path.exists());
    assert!(passes(&[("UPDATE_SCHEMA", "1")]));
    assert!(passes(&[]));

    let failed = run(&[("WIDER", "1")]);
    let shown = String::from_utf8_lossy(&failed.stderr);
    assert!(
        shown.contains("sessions.lock: `shop.a` does not read what live sessions hold"),
        "{shown}"
    );
    assert!(
        !passes(&[("WIDER", "1"), ("UPDATE_SCHEMA", "1")]),
        "a break is not recorded by the way"
    );
    assert!(passes(&[("WIDER", "1"), ("UPDATE_SCHEMA", "force")]));
    assert!(passes(&[("WIDER", "1")]));
    assert!(!passes(&[]), "and the way back is a break again");
}
