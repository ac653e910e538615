//! `validate`, on fields and on the struct: when a value is loaded, and before it is committed.

use std::time::Duration;

use http::StatusCode;
use starsessions::testing::TestSessions;
use starsessions::{CurrentSession, Session, SessionError, SessionRejection};
use starsessions_tests::client::Client;

#[derive(Session)]
#[session(validate = not_over_stock)]
struct Order {
    #[session(validate = check::is_email)]
    email: String,
    #[session(validate = check::is_even)]
    seats: Option<u32>,
    amount: u32,
    #[session(default = 100)]
    stock: u32,
}

mod check {
    pub(super) fn is_email(email: &str) -> Result<(), String> {
        match email.contains('@') {
            true => Ok(()),
            false => Err("there is no @ in it".to_owned()),
        }
    }

    /// Checks the value inside the `Option`.
    pub(super) fn is_even(seats: &u32) -> Result<(), &'static str> {
        if seats.is_multiple_of(2) {
            Ok(())
        } else {
            Err("odd")
        }
    }
}

fn not_over_stock(order: &Order) -> Result<(), &'static str> {
    if order.amount <= order.stock {
        Ok(())
    } else {
        Err("over stock")
    }
}

/// The same fields without checks, as in an older binary.
#[derive(Session)]
#[session(namespace = "order")]
struct Unchecked {
    email: String,
    seats: Option<u32>,
    amount: u32,
}

async fn begun() -> Client {
    let mut browser = Client::guest();
    browser
        .with(|order: &mut Session<Order>| {
            order.email = "ada@example.org".to_owned();
            order.seats = Some(2);
        })
        .await;
    browser
}

/// Asserts that the change is answered with 500 and stores nothing.
async fn is_refused(change: impl FnOnce(&mut Order) + Clone + Send + Sync + 'static) {
    let mut browser = begun().await;
    let reply = browser
        .visit(async move |mut order: Session<Order>| change(&mut order))
        .await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    browser
        .with(|order: &mut Session<Order>| {
            assert_eq!(order.email, "ada@example.org");
            assert_eq!((order.seats, order.amount), (Some(2), 0));
        })
        .await;
}

#[tokio::test]
async fn a_value_that_a_field_refuses_is_not_committed_and_neither_is_the_rest() {
    is_refused(|order| {
        order.email = "nobody".to_owned();
        order.amount = 5;
    })
    .await;
    is_refused(|order| (order.seats, order.amount) = (Some(3), 5)).await;
}

#[tokio::test]
async fn a_combination_that_the_struct_refuses_is_not_committed() {
    is_refused(|order| {
        order.amount = 101;
        order.seats = Some(4);
    })
    .await;
}

#[tokio::test]
async fn what_the_checks_allow_is_committed() {
    let mut browser = begun().await;
    browser
        .with(|order: &mut Session<Order>| (order.seats, order.amount) = (None, 100))
        .await;
    let order = browser
        .with(|order: &mut Session<Order>| (order.seats, order.amount))
        .await;
    assert_eq!(order, (None, 100), "an absent `Option` is not checked");
}

#[tokio::test]
async fn commit_says_what_the_function_said() {
    let mut browser = begun().await;
    let refused = async |change: fn(&mut Order), browser: &mut Client| {
        let reply = browser
            .visit(async move |mut order: Session<Order>| {
                change(&mut order);
                match order.commit().await {
                    Err(SessionError::Invalid { name, reason }) => format!("{name}: {reason}"),
                    other => format!("{other:?}"),
                }
            })
            .await;
        assert_eq!(reply.status, StatusCode::OK, "the handler has decided");
        reply.body
    };
    let email = refused(|order| order.email.clear(), &mut browser).await;
    assert_eq!(email, "order.email: there is no @ in it");
    let stock = refused(|order| order.amount = 101, &mut browser).await;
    assert_eq!(stock, "Order: over stock");
}

#[tokio::test]
async fn an_insert_is_checked_at_once() {
    let mut browser = Client::guest();
    let reply = browser
        .visit(async |session: CurrentSession| {
            let order = Order {
                email: "nobody".to_owned(),
                seats: None,
                amount: 0,
                stock: 0,
            };
            session.insert(order).is_err().to_string()
        })
        .await;
    assert_eq!((reply.body.as_str(), reply.sets_cookie()), ("true", false));
}

#[tokio::test]
async fn a_stored_value_that_a_field_refuses_counts_as_absent() {
    let mut browser = Client::guest();
    browser
        .insert(Unchecked {
            email: "nobody".to_owned(),
            seats: Some(3),
            amount: 7,
        })
        .await;
    browser
        .with(|order: &mut Session<Order>| {
            assert_eq!((order.email.as_str(), order.seats), ("", None));
            assert_eq!(order.amount, 7, "the others survive");
        })
        .await;
}

/// A browser whose session has a combination that `Order` refuses.
async fn refused() -> Client {
    let mut browser = Client::guest();
    let email = "ada@example.org".to_owned();
    browser
        .insert(Unchecked {
            email,
            seats: Some(2),
            amount: 101,
        })
        .await;
    browser
}

#[tokio::test]
async fn a_stored_combination_that_the_struct_refuses_counts_as_absent_together() {
    let mut browser = refused().await;
    browser
        .with(|order: &mut Session<Order>| {
            assert_eq!(
                (order.email.as_str(), order.seats, order.amount),
                ("", None, 0)
            );
            assert_eq!(order.stock, 100);
        })
        .await;
    let amount = browser.with(|it: &mut Session<Unchecked>| it.amount).await;
    assert_eq!(amount, 101, "reading has not thrown it away");
}

/// The remaining refused values would fail the check again, and the change would fail with them.
#[tokio::test]
async fn the_first_write_replaces_a_combination_that_the_struct_refuses() {
    let mut browser = refused().await;
    for seats in [4, 6] {
        let set = move |order: &mut Session<Order>| order.seats = Some(seats);
        browser.with(set).await;
        let order = |order: &mut Session<Order>| (order.email.clone(), order.seats, order.amount);
        let stored = browser.with(order).await;
        assert_eq!(stored, (String::new(), Some(seats), 0));
    }
}

#[tokio::test]
async fn a_change_there_and_back_leaves_a_combination_that_the_struct_refuses() {
    let mut browser = refused().await;
    let set = |order: &mut Session<Order>| order.seats = None;
    browser.with(set).await;
    let amount = browser.with(|it: &mut Session<Unchecked>| it.amount).await;
    assert_eq!(amount, 101);
}

#[derive(Session)]
#[session(validate = no_draft)]
struct Note {
    text: String,
    #[session(skip)]
    is_draft: bool,
}

fn no_draft(note: &Note) -> Result<(), &'static str> {
    if note.is_draft {
        Err("a draft")
    } else {
        Ok(())
    }
}

#[tokio::test]
async fn a_struct_is_not_asked_where_nothing_that_is_stored_has_changed() {
    let mut browser = Client::guest();
    for (text, status) in [
        ("", StatusCode::OK),
        ("tea", StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        let edit = async move |mut note: Session<Note>| {
            note.is_draft = true;
            text.clone_into(&mut note.text);
        };
        assert_eq!(browser.visit(edit).await.status, status, "{text:?}");
    }
}

#[derive(Session)]
#[session(validate = has_seats)]
struct Booking {
    #[session(required)]
    number: u32,
    seats: u32,
}

fn has_seats(booking: &Booking) -> Result<(), &'static str> {
    if booking.seats > 0 {
        Ok(())
    } else {
        Err("no seat")
    }
}

/// Another request has removed the booking in the meantime.
#[tokio::test]
async fn a_struct_has_nothing_to_refuse_where_a_required_field_is_gone() {
    let mut browser = Client::guest();
    let (number, seats) = (7, 1);
    browser.insert(Booking { number, seats }).await;
    let mut other = browser.clone();
    let change = async move |mut booking: Session<Booking>| {
        let remove = async |session: CurrentSession| session.remove::<Booking>();
        other.visit(remove).await;
        booking.seats = 2;
    };
    assert_eq!(browser.visit(change).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_handed_over_in_parts_replaces_a_combination_that_the_struct_refuses() {
    let mut browser = refused().await;
    let set = |order: &mut Session<Order>| {
        order.seats = Some(4);
        order.flush().unwrap();
        order.amount = 9;
    };
    browser.with(set).await;
    let order = |order: &mut Session<Order>| (order.email.clone(), order.seats, order.amount);
    assert_eq!(browser.with(order).await, (String::new(), Some(4), 9));
}

#[tokio::test]
async fn a_detached_view_replaces_a_combination_that_the_struct_refuses() {
    let mut browser = refused().await;
    let reply = browser
        .visit(async |order: Session<Order>| {
            let order = order.detach()?;
            order.update(|order| order.seats = Some(4)).await?;
            let order = order.load().await?;
            assert_eq!((order.email.as_str(), order.seats), ("", Some(4)));
            Ok::<_, SessionError>(())
        })
        .await;
    assert_eq!(reply.status, StatusCode::OK);
}

/// A rule about two fields, one of which has its own deadline.
#[tokio::test]
async fn a_field_that_expires_and_leaves_a_refused_rest_does_not_hide_what_is_written() {
    #[derive(Session)]
    #[session(validate = both_or_none)]
    struct Code {
        #[session(expires = "1m")]
        code: Option<u32>,
        sent_to: Option<String>,
        tries: u32,
    }
    fn both_or_none(code: &Code) -> Result<(), &'static str> {
        if code.code.is_some() == code.sent_to.is_some() {
            Ok(())
        } else {
            Err("a code without an address")
        }
    }
    let test = TestSessions::new();
    let mut browser = Client::behind(test.layer());
    browser
        .with(|code: &mut Session<Code>| {
            code.code = Some(7);
            code.sent_to = Some("ada@example.org".to_owned());
        })
        .await;
    test.clock().advance(Duration::from_secs(60));
    for tries in 1..=2 {
        browser
            .with(|code: &mut Session<Code>| code.tries += 1)
            .await;
        let now = |code: &mut Session<Code>| (code.sent_to.clone(), code.tries);
        assert_eq!(browser.with(now).await, (None, tries));
    }
}

#[tokio::test]
async fn a_required_field_that_is_not_valid_is_missing() {
    #[derive(Session)]
    #[session(namespace = "order", validate = is_small)]
    struct Required {
        #[session(required, validate = check::is_email)]
        email: String,
        amount: u32,
    }
    fn is_small(required: &Required) -> Result<(), String> {
        if required.amount < 50 {
            Ok(())
        } else {
            Err("too much".to_owned())
        }
    }
    for (email, amount, missing) in [
        ("nobody", 1, "order.email"),
        ("ada@example.org", 50, "order.email"),
        ("ada@example.org", 49, ""),
    ] {
        let mut browser = Client::guest();
        let email = email.to_owned();
        browser
            .insert(Unchecked {
                email,
                seats: None,
                amount,
            })
            .await;
        let reply = browser
            .visit(
                async |order: Result<Session<Required>, SessionRejection>| match order {
                    Err(SessionRejection::Absent(absence)) => absence.field(),
                    _ => "",
                },
            )
            .await;
        assert_eq!(reply.body, missing, "{amount}");
    }
}

#[derive(Session)]
#[session(validate = in_order)]
struct Span {
    from: u32,
    #[session(default = 10)]
    to: u32,
}

fn in_order(span: &Span) -> Result<(), &'static str> {
    if span.from <= span.to {
        Ok(())
    } else {
        Err("out of order")
    }
}

async fn span(browser: &mut Client) -> (u32, u32) {
    browser
        .with(|span: &mut Session<Span>| (span.from, span.to))
        .await
}

#[tokio::test]
async fn two_views_of_one_request_that_the_struct_refuses_together_are_a_conflict() {
    for is_guest in [true, false] {
        let mut browser = Client::guest();
        if !is_guest {
            browser.insert(Span { from: 2, to: 9 }).await;
        }
        let before = span(&mut browser).await;
        let reply = browser
            .visit(async |mut one: Session<Span>, mut other: Session<Span>| {
                one.from = 8;
                other.to = 5;
            })
            .await;
        assert_eq!(reply.status, StatusCode::CONFLICT, "guest: {is_guest}");
        assert_eq!(span(&mut browser).await, before, "guest: {is_guest}");
    }
}

/// The second view has seen no session, but one exists when the view is written.
#[tokio::test]
async fn a_view_from_before_the_session_began_is_judged_with_what_is_there() {
    let mut browser = Client::guest();
    let reply = browser
        .visit(async |mut one: Session<Span>, mut other: Session<Span>| {
            one.from = 8;
            one.commit().await?;
            other.to = 5;
            Ok::<_, SessionError>(())
        })
        .await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert_eq!(span(&mut browser).await, (8, 10));
}

/// The rule of each struct is checked, whichever view is dropped first.
#[tokio::test]
async fn a_view_of_another_struct_does_not_take_away_what_the_first_one_needs() {
    #[derive(Session)]
    #[session(namespace = "span")]
    struct End {
        #[session(default = 10)]
        to: u32,
    }
    for is_end_last in [true, false] {
        let mut browser = Client::guest();
        browser.insert(Span { from: 2, to: 9 }).await;
        let reply = browser
            .visit(
                async move |mut span: Session<Span>, mut end: Session<End>| {
                    span.from = 8;
                    end.to = 5;
                    if is_end_last {
                        drop(span);
                    } else {
                        drop(end);
                    }
                },
            )
            .await;
        assert_eq!(reply.status, StatusCode::CONFLICT, "{is_end_last}");
        assert_eq!(span(&mut browser).await, (2, 9), "{is_end_last}");
    }
}

#[tokio::test]
async fn what_a_failure_would_keep_and_the_struct_refuses_alone_is_not_kept() {
    #[derive(Session)]
    #[session(validate = locked_from_three)]
    struct Attempts {
        #[session(commit = always)]
        failed: u32,
        is_locked: bool,
    }
    fn locked_from_three(attempts: &Attempts) -> Result<(), &'static str> {
        if attempts.failed < 3 || attempts.is_locked {
            Ok(())
        } else {
            Err("not locked")
        }
    }
    let mut browser = Client::guest();
    browser
        .insert(Attempts {
            failed: 2,
            is_locked: false,
        })
        .await;
    let reply = browser
        .visit(async |mut attempts: Session<Attempts>| {
            attempts.failed = 3;
            attempts.is_locked = true;
            StatusCode::INTERNAL_SERVER_ERROR
        })
        .await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    let left = browser
        .with(|it: &mut Session<Attempts>| (it.failed, it.is_locked))
        .await;
    assert_eq!(left, (2, false));
}
