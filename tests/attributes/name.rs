//! `namespace`, `rename`, `alias`, `realm`, `crate`, and types with parameters.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::Request;
use http::StatusCode;
use starsessions::config::CookieBuilder;
use starsessions::session::PublicSessionId;
use starsessions::testing::TestClock;
use starsessions::{
    CurrentSession, KeyRing, MemoryStore, Session, SessionError, SessionLayer, SessionRejection,
    Timestamp,
};
use starsessions_tests::client::Client;
use starsessions_tests::routing::any;
use starsessions_tests::spy::Spy;

/// A browser, and the store with its session.
fn observed() -> (Client, Spy) {
    let spy = Spy::new(MemoryStore::new());
    let layer = SessionLayer::builder(spy.clone(), KeyRing::generate().unwrap())
        .local_development()
        .clock(TestClock::at(NOW))
        .build()
        .unwrap();
    (Client::behind(layer), spy)
}

const NOW: u64 = 1_800_000_000;

async fn names(spy: &Spy) -> Vec<String> {
    let fields = spy.fields(Timestamp::from_unix_seconds(NOW)).await;
    fields.into_iter().map(|field| field.name).collect()
}

#[derive(Session)]
struct ShopCart {
    items: u32,
    r#type: u32,
    #[session(rename = "cur-rency_2")]
    currency: u32,
}

#[tokio::test]
async fn a_field_is_stored_under_the_names_of_struct_and_field() {
    let (mut browser, spy) = observed();
    browser
        .insert(ShopCart {
            items: 1,
            r#type: 2,
            currency: 3,
        })
        .await;
    assert_eq!(
        names(&spy).await,
        ["shop_cart.cur-rency_2", "shop_cart.items", "shop_cart.type"]
    );
    let read = |cart: &mut Session<ShopCart>| (cart.items, cart.r#type, cart.currency);
    assert_eq!(browser.with(read).await, (1, 2, 3));
}

#[tokio::test]
async fn views_of_different_namespaces_do_not_meet_and_of_one_do() {
    #[derive(Session)]
    #[session(namespace = "a")]
    struct InA {
        count: u32,
    }
    #[derive(Session)]
    #[session(namespace = "b")]
    struct InB {
        count: u32,
    }
    #[derive(Session)]
    #[session(namespace = "a")]
    struct AlsoInA {
        count: u32,
        more: u32,
    }
    let mut browser = Client::guest();
    browser.with(|it: &mut Session<InA>| it.count = 1).await;
    assert_eq!(browser.with(|it: &mut Session<InB>| it.count).await, 0);
    let mut other = async || {
        browser
            .with(|it: &mut Session<AlsoInA>| (it.count, it.more))
            .await
    };
    assert_eq!(other().await, (1, 0));
}

mod renamed {
    use starsessions::Session;

    #[derive(Session)]
    #[session(namespace = "shop")]
    pub(super) struct First {
        #[session(merge = sum)]
        pub(super) basket: u32,
        pub(super) title: String,
    }

    #[derive(Session)]
    #[session(namespace = "shop")]
    pub(super) struct Second {
        #[session(merge = sum, alias = "basket")]
        pub(super) trolley: u32,
        pub(super) title: String,
    }

    #[derive(Session)]
    #[session(namespace = "shop")]
    pub(super) struct Third {
        #[session(merge = sum, alias = "trolley", alias = "basket")]
        pub(super) cart: u32,
    }
}
use renamed::{First, Second, Third};

async fn with_basket() -> (Client, Spy) {
    let (mut browser, spy) = observed();
    browser.with(|it: &mut Session<First>| it.basket = 5).await;
    (browser, spy)
}

#[tokio::test]
async fn a_former_name_is_read_and_stays_until_the_field_is_written() {
    let (mut browser, spy) = with_basket().await;
    let reply = browser
        .visit(async |it: Session<Second>| it.trolley.to_string())
        .await;
    assert_eq!(reply.body, "5");
    browser
        .with(|it: &mut Session<Second>| it.title.push('x'))
        .await;
    assert_eq!(names(&spy).await, ["shop.basket", "shop.title"]);

    browser
        .with(|it: &mut Session<Second>| it.trolley += 1)
        .await;
    assert_eq!(names(&spy).await, ["shop.title", "shop.trolley"]);
    assert_eq!(browser.with(|it: &mut Session<Second>| it.trolley).await, 6);
    let old = browser.with(|it: &mut Session<First>| it.basket).await;
    assert_eq!(old, 0, "an older binary no longer sees it");
}

mod handle {
    use starsessions::Session;

    #[derive(Session)]
    #[session(namespace = "user")]
    pub(super) struct Before {
        #[session(required)]
        pub(super) nick: String,
    }

    /// Writes the old name and reads both.
    #[derive(Session)]
    #[session(namespace = "user")]
    pub(super) struct Between {
        #[session(required, alias = "handle")]
        pub(super) nick: String,
    }

    #[derive(Session)]
    #[session(namespace = "user")]
    pub(super) struct After {
        #[session(required, alias = "nick")]
        pub(super) handle: String,
    }
}

/// Neighbouring versions run side by side and write in turns.
#[tokio::test]
async fn a_required_field_gets_a_new_name_in_two_deploys() {
    use handle::{After, Before, Between};
    let (mut browser, _) = observed();
    let nick = "a".to_owned();
    browser.insert(Before { nick }).await;
    let mut expected = "a".to_owned();
    for _ in 0..3 {
        browser
            .with(|it: &mut Session<Between>| it.nick.push('b'))
            .await;
        browser
            .with(|it: &mut Session<Before>| it.nick.push('a'))
            .await;
        expected.push_str("ba");
    }
    for _ in 0..3 {
        browser
            .with(|it: &mut Session<After>| it.handle.push('c'))
            .await;
        browser
            .with(|it: &mut Session<Between>| it.nick.push('b'))
            .await;
        expected.push_str("cb");
    }
    let read = browser.with(|it: &mut Session<After>| it.handle.clone());
    assert_eq!(read.await, expected);
    // Without the deploy in between, the first version does not know the new name.
    browser
        .with(|it: &mut Session<After>| it.handle.push('c'))
        .await;
    let reply = browser.visit(async |_: Session<Before>| "").await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn of_several_former_names_the_one_that_was_written_last_is_read() {
    let (mut browser, spy) = with_basket().await;
    assert_eq!(browser.with(|it: &mut Session<Third>| it.cart).await, 5);
    browser
        .with(|it: &mut Session<Second>| it.trolley = 7)
        .await;
    // An older binary that is still running writes the oldest name again.
    browser.with(|it: &mut Session<First>| it.basket = 9).await;
    assert_eq!(names(&spy).await, ["shop.basket", "shop.trolley"]);
    assert_eq!(browser.with(|it: &mut Session<Third>| it.cart).await, 9);

    browser.with(|it: &mut Session<Third>| it.cart += 1).await;
    assert_eq!(names(&spy).await, ["shop.cart"]);
    assert_eq!(browser.with(|it: &mut Session<Third>| it.cart).await, 10);
}

#[tokio::test]
async fn removing_a_field_removes_its_former_names() {
    let (mut browser, spy) = with_basket().await;
    browser
        .visit(async |session: CurrentSession| session.remove::<Second>())
        .await;
    assert_eq!(names(&spy).await, [""; 0]);
}

#[tokio::test]
async fn a_view_that_has_removed_a_former_name_goes_on_from_there() {
    #[derive(Session)]
    #[session(namespace = "shop")]
    struct Optional {
        #[session(merge = sum, alias = "basket")]
        cart: Option<u32>,
    }
    let (mut browser, spy) = with_basket().await;
    browser
        .with(|it: &mut Session<Optional>| {
            assert_eq!(it.cart.take(), Some(5));
            it.flush().unwrap();
            it.cart = Some(1);
        })
        .await;
    assert_eq!(
        browser.with(|it: &mut Session<Optional>| it.cart).await,
        Some(1)
    );
    assert_eq!(names(&spy).await, ["shop.cart"]);
}

#[tokio::test]
async fn old_and_new_binaries_add_to_one_counter_at_once() {
    let (mut browser, spy) = with_basket().await;
    let mut old = browser.clone();
    browser
        .held(|it: &mut Session<Second>| it.trolley += 2, async {
            old.with(|it: &mut Session<First>| it.basket += 10).await
        })
        .await;
    assert_eq!(
        browser.with(|it: &mut Session<Second>| it.trolley).await,
        17
    );
    assert_eq!(names(&spy).await, ["shop.trolley"]);
}

#[derive(Session)]
#[session(realm = "admin")]
struct Operator {
    #[session(required, rotate, index)]
    name: String,
}

#[derive(Session)]
struct Visitor {
    pages: u32,
}

#[tokio::test]
async fn each_realm_has_its_own_layer_cookie_and_store() {
    let keys = || KeyRing::generate().unwrap();
    let (main_store, admin_store) = (MemoryStore::new(), MemoryStore::new());
    let main = SessionLayer::dev(main_store.clone(), keys());
    let admin = SessionLayer::builder(admin_store.clone(), keys())
        .realm("admin")
        .cookie(|_| CookieBuilder::default())
        .build()
        .unwrap();
    let handler = async |mut visitor: Session<Visitor>,
                         operator: Result<Session<Operator>, SessionRejection>| {
        visitor.pages += 1;
        match operator {
            Ok(mut operator) => operator.name.push('!'),
            Err(rejection) => assert_eq!(rejection.status(), StatusCode::UNAUTHORIZED),
        }
    };

    for (inner, outer) in [(&main, &admin), (&admin, &main)] {
        let app = Router::new()
            .route("/", any(handler))
            .layer(inner.clone())
            .layer(outer.clone());
        let reply = Client::new(&app).get("/").await;
        assert_eq!(reply.status, StatusCode::OK);
        let cookies = reply.set_cookies();
        assert_eq!(cookies.len(), 1, "only the visitor was written");
        assert!(cookies[0].starts_with("starsessions-dev="));
    }
    assert_eq!((main_store.len(), admin_store.len()), (2, 0));

    let mut operator = Client::behind(admin.clone());
    let sign_in = async |request: Request| {
        let (parts, _) = request.into_parts();
        let session = CurrentSession::from_parts_in(&parts, "admin");
        let name = "Grace".to_owned();
        session.unwrap().insert(Operator { name }).unwrap();
    };
    operator.visit(sign_in).await;
    assert_eq!((main_store.len(), admin_store.len()), (2, 1));
    let name = operator
        .with(|operator: &mut Session<Operator>| operator.name.clone())
        .await;
    assert_eq!(name, "Grace");

    let app = Router::new().route("/", any(handler)).layer(main);
    let reply = operator.go(app).await;
    assert_eq!(reply.set_cookies().len(), 2, "one for each realm");
}

#[tokio::test]
async fn a_view_of_a_realm_without_a_layer_is_a_mistake_and_not_a_guest() {
    let mut browser = Client::guest();
    let reply = browser.visit(async |_: Option<Session<Operator>>| {}).await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
}

/// In another realm no extractor would read the struct, and a search for its sessions would find none and report that
/// all have ended.
#[tokio::test]
async fn a_struct_of_another_realm_is_refused_wherever_it_is_named() {
    let refused = async |session: CurrentSession| {
        let id: PublicSessionId = "AAAAAGsNEtgAAAAAaw0S2JD2m7FRqbbdyiJQt8vPlXI"
            .parse()
            .unwrap();
        let errors = [
            session.insert(Operator { name: grace() }).err(),
            session.remove::<Operator>().err(),
            session.get::<Operator>().await.err(),
            session.list::<Operator>().await.err(),
            session.list_of::<Operator>(&grace()).await.err(),
            session.revoke::<Operator>(id).await.err(),
            session.revoke_of::<Operator>(&grace(), id).await.err(),
            session.revoke_others::<Operator>().await.err(),
            session.detach::<Operator>().await.err(),
        ];
        for (place, error) in errors.into_iter().enumerate() {
            assert!(is_of_admin(error.as_ref()), "{place}: {error:?}");
        }
        let Err(SessionRejection::Failed(error)) = session.view::<Operator>().await else {
            panic!("a view");
        };
        assert!(is_of_admin(Some(&error)));
        assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
    };
    let layer = SessionLayer::dev(MemoryStore::new(), KeyRing::generate().unwrap());
    let mut browser = Client::behind(layer.clone());
    let reply = browser.visit(refused).await;
    assert_eq!((reply.status, reply.sets_cookie()), (StatusCode::OK, false));
    let listed = layer.list::<Operator>(&grace()).await;
    assert!(is_of_admin(listed.err().as_ref()));
    let ended = layer.revoke_all::<Operator>(&grace()).await;
    assert!(is_of_admin(ended.err().as_ref()));
}

fn grace() -> String {
    "Grace".to_owned()
}

fn is_of_admin(error: Option<&SessionError>) -> bool {
    matches!(
        error,
        Some(SessionError::OtherRealm {
            view: "Operator",
            realm: "admin"
        })
    )
}

#[tokio::test]
async fn a_function_under_test_may_be_of_any_realm() {
    let session = CurrentSession::for_test();
    session
        .insert(Operator {
            name: "Grace".to_owned(),
        })
        .unwrap();
    assert!(session.get::<Operator>().await.unwrap().is_some());
}

mod facade {
    pub(crate) mod sessions {
        pub(crate) use ::starsessions::*;
    }
}

mod reexported {
    /// Shadows the crate name that the derive uses by default.
    mod starsessions {}

    #[derive(super::facade::sessions::Session)]
    #[session(crate = super::facade::sessions)]
    pub(super) struct Elsewhere {
        #[session(merge = sum, default = 3)]
        pub(super) count: u32,
        pub(super) names: Option<Vec<String>>,
    }
}

#[tokio::test]
async fn the_runtime_can_be_a_reexport() {
    let mut browser = Client::guest();
    browser
        .with(|it: &mut Session<reexported::Elsewhere>| {
            it.count += 1;
            it.names = Some(vec!["x".to_owned()]);
        })
        .await;
    let read = |it: &mut Session<reexported::Elsewhere>| (it.count, it.names.take());
    assert_eq!(browser.with(read).await, (4, Some(vec!["x".to_owned()])));
}

#[derive(Session)]
struct Page<T, const SIZE: usize = 10>
where
    T: Ord,
{
    #[session(merge = union)]
    chosen: BTreeSet<T>,
    cursor: Option<T>,
    #[session(default = SIZE)]
    size: usize,
}

#[tokio::test]
async fn a_type_with_parameters_works_for_each_of_them() {
    let mut browser = Client::guest();
    browser
        .with(|page: &mut Session<Page<u32>>| {
            assert_eq!(page.size, 10);
            page.cursor = Some(5);
            page.chosen.extend([1, 2]);
        })
        .await;
    browser
        .overtaken(
            |page: &mut Session<Page<u32>>| page.chosen.extend([3]),
            |page: &mut Session<Page<u32>>| page.chosen.extend([4]),
        )
        .await;
    let read = |page: &mut Session<Page<u32>>| (page.cursor, page.chosen.clone());
    assert_eq!(browser.with(read).await, (Some(5), [1, 2, 3, 4].into()));

    // Fields with the same names and other types are recognised and never misread.
    browser
        .with(|page: &mut Session<Page<String, 20>>| {
            assert_eq!((page.cursor.take(), page.size), (None, 20));
            assert!(page.chosen.is_empty());
        })
        .await;
    assert_eq!(browser.with(read).await.0, Some(5));
}
