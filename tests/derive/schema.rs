//! The schema that the derive generates for the runtime.

use std::time::Duration;

use starsessions::__private::Merge;
use starsessions::{Session, SessionData};

use crate::{field, names};

#[derive(Session)]
#[session(reject = "/login", realm = "admin")]
struct ShopLogin {
    plain: u64,
    #[session(required, rotate, index, secret)]
    user: u64,
    #[session(expires = "10m", idle = "90s", commit = always)]
    coupon: Option<String>,
    #[session(merge = sum)]
    views: u64,
    #[session(exclusive)]
    once: Option<u8>,
    #[session(rotate, merge = last)]
    roles: Vec<String>,
    #[session(skip)]
    scratch: Vec<u8>,
    #[session(rename = "Brief-1", alias = "long", alias = ["longer", "longest"])]
    text: String,
    r#type: u8,
}

#[derive(Session)]
struct HTTPCounter2 {
    hits: u64,
}

#[derive(Session)]
#[expect(
    non_camel_case_types,
    reason = "a raw identifier is a lower-case keyword"
)]
struct r#loop {
    r#fn: u64,
}

#[derive(Session)]
#[session(namespace = "shop")]
struct Renamed {
    cart: Vec<u64>,
}

#[test]
fn fields_are_named_after_the_struct_and_themselves_in_order() {
    assert_eq!(
        names::<ShopLogin>(),
        [
            "shop_login.plain",
            "shop_login.user",
            "shop_login.coupon",
            "shop_login.views",
            "shop_login.once",
            "shop_login.roles",
            "shop_login.Brief-1",
            "shop_login.type",
        ]
    );
    assert_eq!(names::<HTTPCounter2>(), ["http_counter2.hits"]);
    assert_eq!(names::<Renamed>(), ["shop.cart"]);
}

#[test]
fn raw_identifiers_are_stored_without_their_prefix() {
    assert_eq!(names::<r#loop>(), ["loop.fn"]);
    assert_eq!(r#loop::SCHEMA.type_name, "loop");
}

#[test]
fn the_struct_says_where_it_is_served_and_what_a_guest_gets() {
    let schema = ShopLogin::SCHEMA;
    assert_eq!(schema.type_name, "ShopLogin");
    assert_eq!(schema.realm, "admin");
    assert_eq!(schema.reject, Some("/login"));
    assert_eq!(HTTPCounter2::SCHEMA.realm, "");
    assert_eq!(HTTPCounter2::SCHEMA.reject, None);
}

#[test]
fn a_field_without_attributes_is_plain() {
    let plain = field::<ShopLogin>("shop_login.plain");
    assert!(plain.aliases.is_empty());
    assert_eq!((plain.expires, plain.idle), (None, None));
    assert!(!plain.rotate && !plain.commit_always && !plain.index);
    assert!(matches!(plain.merge, Merge::Last));
}

#[test]
fn each_attribute_is_in_its_column() {
    let user = field::<ShopLogin>("shop_login.user");
    assert!(user.rotate && user.index && !user.commit_always);
    let coupon = field::<ShopLogin>("shop_login.coupon");
    assert_eq!(coupon.expires, Some(Duration::from_secs(600)));
    assert_eq!(coupon.idle, Some(Duration::from_secs(90)));
    assert!(coupon.commit_always && !coupon.rotate && !coupon.index);
    let text = field::<ShopLogin>("shop_login.Brief-1");
    let aliases = ["shop_login.long", "shop_login.longer", "shop_login.longest"];
    assert_eq!(text.aliases, aliases);
}

#[test]
fn a_policy_is_a_function_and_the_other_two_are_not() {
    let merge = |name| field::<ShopLogin>(name).merge;
    assert!(matches!(merge("shop_login.views"), Merge::With(_)));
    assert!(matches!(merge("shop_login.once"), Merge::Exclusive));
    assert!(matches!(merge("shop_login.roles"), Merge::Last));
}
