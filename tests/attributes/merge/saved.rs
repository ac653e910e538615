//! `merge_saved`: merges values that the application has saved for a user with values from the guest's session.

use std::collections::BTreeSet;

use http::StatusCode;
use starsessions::{CurrentSession, Session, SessionError};
use starsessions_tests::client::Client;

#[derive(Session)]
struct Shop {
    #[session(merge = append)]
    cart: Vec<u32>,
    #[session(merge = union)]
    liked: BTreeSet<u32>,
    #[session(merge = sum)]
    points: u32,
    #[session(merge = max)]
    best: Option<u32>,
    language: Option<String>,
    #[session(default = 20)]
    rows: u32,
    #[session(exclusive)]
    token: Option<u32>,
    #[session(validate = short)]
    name: String,
    #[session(merge = together)]
    tags: String,
}

fn short(name: &str) -> Result<(), &'static str> {
    if name.len() < 8 {
        Ok(())
    } else {
        Err("too long")
    }
}

fn together(base: &str, mine: &str, theirs: &str) -> String {
    format!("{base}|{mine}|{theirs}")
}

#[derive(Session)]
struct Login {
    #[session(required, rotate)]
    user: u64,
}

fn saved() -> Shop {
    Shop {
        cart: vec![1, 2],
        liked: BTreeSet::from([1, 2]),
        points: 100,
        best: Some(5),
        language: Some("de".to_owned()),
        rows: 50,
        token: Some(1),
        name: "Ada".to_owned(),
        tags: "saved".to_owned(),
    }
}

async fn sign_in(session: CurrentSession, mut shop: Session<Shop>) -> Result<(), SessionError> {
    shop.merge_saved(saved())?;
    session.insert(Login { user: 7 })
}

async fn shop(browser: &mut Client) -> Shop {
    let copy = |shop: &mut Session<Shop>| Shop {
        cart: shop.cart.clone(),
        liked: shop.liked.clone(),
        language: shop.language.clone(),
        name: shop.name.clone(),
        tags: shop.tags.clone(),
        ..**shop
    };
    browser.with(copy).await
}

#[tokio::test]
async fn each_field_follows_its_rule_in_one_operation_with_the_sign_in() {
    let mut browser = Client::guest();
    browser
        .with(|shop: &mut Session<Shop>| {
            shop.cart.push(3);
            shop.liked = BTreeSet::from([2, 3]);
            shop.points = 10;
            shop.best = Some(3);
            shop.language = Some("en".to_owned());
            shop.token = Some(2);
            shop.tags = "guest".to_owned();
        })
        .await;
    let guest = browser.clone();
    assert_eq!(browser.visit(sign_in).await.status, StatusCode::OK);
    assert_ne!(browser.cookies(), guest.cookies());

    let shop = shop(&mut browser).await;
    assert_eq!(shop.cart, [1, 2, 3], "what was saved comes first");
    assert_eq!(shop.liked, BTreeSet::from([1, 2, 3]));
    assert_eq!((shop.points, shop.best), (110, Some(5)));
    assert_eq!(shop.language.as_deref(), Some("en"), "the later one");
    assert_eq!(shop.token, Some(2));
    assert_eq!(shop.rows, 50, "the session has only the default");
    assert_eq!(shop.name, "Ada");
    assert_eq!(shop.tags, "|guest|saved");
}

#[tokio::test]
async fn a_guest_with_nothing_gets_what_was_saved() {
    let mut browser = Client::guest();
    assert_eq!(browser.visit(sign_in).await.status, StatusCode::OK);
    let shop = shop(&mut browser).await;
    assert_eq!(
        (shop.cart.as_slice(), shop.points),
        ([1, 2].as_slice(), 100)
    );
    assert_eq!((shop.rows, shop.tags.as_str()), (50, "saved"));
}

#[tokio::test]
async fn a_guest_whose_default_could_not_be_stored_gets_what_was_saved() {
    #[derive(Session)]
    struct Profile {
        #[session(validate = not_empty)]
        name: String,
        #[session(merge = append)]
        seen: Vec<u32>,
    }
    fn not_empty(name: &str) -> Result<(), &'static str> {
        if name.is_empty() {
            Err("empty")
        } else {
            Ok(())
        }
    }
    let mut browser = Client::guest();
    browser
        .with(|profile: &mut Session<Profile>| profile.seen.push(2))
        .await;
    browser
        .with(|profile: &mut Session<Profile>| {
            let (name, seen) = ("Ada".to_owned(), vec![1]);
            profile.merge_saved(Profile { name, seen }).unwrap();
        })
        .await;
    let now = |profile: &mut Session<Profile>| (profile.name.clone(), profile.seen.clone());
    assert_eq!(browser.with(now).await, ("Ada".to_owned(), vec![1, 2]));
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let mut browser = Client::guest();
    browser
        .with(|shop: &mut Session<Shop>| {
            let long = Shop {
                name: "far too long".to_owned(),
                ..saved()
            };
            shop.points = 1;
            let refused = shop.merge_saved(long);
            assert!(matches!(refused, Err(SessionError::Invalid { .. })));
            assert_eq!((shop.points, shop.cart.len()), (1, 0));
        })
        .await;
    assert_eq!(shop(&mut browser).await.points, 1);
}

#[tokio::test]
async fn a_merged_value_that_is_not_valid_changes_nothing() {
    #[derive(Session)]
    struct Basket {
        #[session(merge = append, validate = few)]
        items: Vec<u32>,
    }
    fn few(items: &[u32]) -> Result<(), &'static str> {
        if items.len() < 4 {
            Ok(())
        } else {
            Err("too many")
        }
    }
    let mut browser = Client::guest();
    browser
        .with(|basket: &mut Session<Basket>| basket.items.extend([1, 2]))
        .await;
    browser
        .with(|basket: &mut Session<Basket>| {
            let refused = basket.merge_saved(Basket { items: vec![3, 4] });
            assert!(matches!(refused, Err(SessionError::Invalid { .. })));
            assert_eq!(basket.items, [1, 2]);
        })
        .await;
    let items = |basket: &mut Session<Basket>| basket.items.clone();
    assert_eq!(browser.with(items).await, [1, 2]);
}

/// The merge of saved values merges with a concurrent request like any other change.
#[tokio::test]
async fn a_request_beside_it_loses_nothing() {
    let mut browser = Client::guest();
    browser
        .with(|shop: &mut Session<Shop>| shop.points = 10)
        .await;
    let reply = browser
        .overtaken(
            |shop: &mut Session<Shop>| {
                shop.points += 5;
                shop.cart.push(9);
            },
            |shop: &mut Session<Shop>| shop.merge_saved(saved()).unwrap(),
        )
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    let shop = shop(&mut browser).await;
    assert_eq!(shop.points, 115);
    assert_eq!(shop.cart, [9, 1, 2]);
}
