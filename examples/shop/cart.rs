//! The cart: its page, its changes and its price.

use std::convert::Infallible;

use axum::Form;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect};
use futures_util::{StreamExt, stream};
use maud::{Markup, html};
use serde::Deserialize;
use starsessions::Session;

use super::catalogue::{self, Price};
use super::page::{self, Page};
use super::sessions::{Coupon, Line, Login, Shop};

/// The fields of the buttons in the catalogue.
#[derive(Debug, Deserialize)]
pub(super) struct Addition {
    article: u32,
}

/// The fields of the buttons in the cart.
#[derive(Debug, Deserialize)]
pub(super) struct Change {
    article: u32,
    step: Step,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Step {
    More,
    Less,
    Remove,
}

/// A coupon's code, as typed.
#[derive(Debug, Deserialize)]
pub(super) struct Code {
    code: String,
}

/// Adds one unit of an article to the cart.
pub(super) async fn add(
    mut shop: Session<Shop>,
    Form(Addition { article }): Form<Addition>,
) -> Result<Redirect, StatusCode> {
    let name = catalogue::find(article).ok_or(StatusCode::NOT_FOUND)?.name;
    match shop.cart.iter().position(|line| line.article == article) {
        Some(i) if shop.cart[i].quantity >= MOST_OF_ONE => {}
        Some(i) => shop.cart[i].quantity += 1,
        None => shop.cart.push(Line {
            article,
            quantity: 1,
        }),
    }
    shop.notice = Some(format!("{name} is in your cart."));
    Ok(Redirect::to("/"))
}

/// Changes the quantity of an article.
pub(super) async fn change(
    mut shop: Session<Shop>,
    Form(Change { article, step }): Form<Change>,
) -> Redirect {
    if let Some(i) = shop.cart.iter().position(|line| line.article == article) {
        match step {
            Step::More if shop.cart[i].quantity < MOST_OF_ONE => shop.cart[i].quantity += 1,
            Step::More => {}
            Step::Less if shop.cart[i].quantity > 1 => shop.cart[i].quantity -= 1,
            Step::Less | Step::Remove => drop(shop.cart.remove(i)),
        }
    }
    Redirect::to("/cart")
}

/// Redeems a coupon. The field's declaration, not this handler, lets it expire after ten minutes.
pub(super) async fn redeem(mut shop: Session<Shop>, Form(Code { code }): Form<Code>) -> Redirect {
    let code = code.trim().to_uppercase();
    match COUPONS.iter().find(|(known, _)| *known == code) {
        Some(&(_, percent)) => {
            shop.notice = Some(format!("{percent}% off for the next ten minutes."));
            shop.coupon = Some(Coupon { code, percent });
        }
        None => shop.refused = Some(code.chars().take(LONGEST_CODE).collect()),
    }
    Redirect::to("/cart")
}

/// The cart's page. A script replaces the elements with an ID when they change.
pub(super) async fn show(page: Page, mut shop: Session<Shop>) -> Markup {
    let refused = shop.refused.take();
    let body = html! {
        p.notice #signed-out role="alert" hidden {
            "You have been signed out. " a href="/login" { "Sign in" }
        }
        h1 { "Your cart" }
        div.cart data-live="/cart/live" aria-live="polite" {
            (lines(&shop))
            aside.panel {
                (sums(&shop))
                (coupon_form(refused.as_deref()))
                a.button.wide href="/order" { "Check out" }
            }
        }
        script type="module" src="/live.js" {}
    };
    page.show("Cart", &body)
}

/// Streams the changed parts of that page, and an `end` event when the session has ended.
pub(super) async fn live(
    login: Option<Session<Login>>,
    shop: Session<Shop>,
) -> Result<impl IntoResponse, StatusCode> {
    // A session that is not stored cannot be watched. After 204 (No Content), the browser does not reconnect.
    let shop = shop.detach().map_err(|_| StatusCode::NO_CONTENT)?;
    let account = page::account(login.as_deref());
    let carts = shop.watch().into_stream().map(move |shop| {
        let parts = html! { (account) (page::count(&shop)) (lines(&shop)) (sums(&shop)) };
        Event::default().data(parts.into_string())
    });
    let end = stream::iter([Event::default().event("end").data("The session has ended.")]);
    let events = carts.chain(end).map(Ok::<_, Infallible>);
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Merges this request's changes with those of a parallel request.
pub(super) fn merge(base: &[Line], mine: &[Line], theirs: &[Line]) -> Vec<Line> {
    let quantity = |cart: &[Line], article| {
        cart.iter()
            .find(|line| line.article == article)
            .map_or(0, |line| line.quantity)
    };
    let is_new = |line: &&Line| quantity(theirs, line.article) == 0;
    theirs
        .iter()
        .chain(mine.iter().filter(is_new))
        .map(|&Line { article, .. }| Line {
            article,
            quantity: (quantity(theirs, article) + quantity(mine, article))
                .saturating_sub(quantity(base, article))
                .min(MOST_OF_ONE),
        })
        .filter(|line| line.quantity > 0)
        .collect()
}

/// The price of a cart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sums {
    goods: Price,
    discount: Price,
    /// The amount to pay.
    pub(super) total: Price,
}

impl Sums {
    /// Calculates the sums of a cart.
    pub(super) fn of(shop: &Shop) -> Self {
        let goods = shop.cart.iter().map(|line| price(line).0).sum();
        let percent = shop.coupon.as_ref().map_or(0, |coupon| coupon.percent);
        let discount = goods * u64::from(percent) / 100;
        Self {
            goods: Price(goods),
            discount: Price(discount),
            total: Price(goods - discount),
        }
    }

    /// Renders the sums as table rows, with the discount if there is one.
    pub(super) fn table(&self, shop: &Shop) -> Markup {
        html! {
            table {
                tr { td { "Subtotal" } td { (self.goods) } }
                @if let Some(Coupon { code, percent }) = &shop.coupon {
                    tr { td { "Coupon " (code) ", " (percent) "%" } td { "−" (self.discount) } }
                }
                tr.total { th { "Total" } td { (self.total) } }
            }
        }
    }
}

fn lines(shop: &Shop) -> Markup {
    html! {
        @if shop.cart.is_empty() {
            section #lines.panel.empty {
                p { "Your cart is empty." }
                a.button href="/" { "Browse the catalogue" }
            }
        } @else {
            section #lines.panel { ul.lines { @for line in &shop.cart { (row(line)) } } }
        }
    }
}

fn sums(shop: &Shop) -> Markup {
    html! { div #sums { (Sums::of(shop).table(shop)) } }
}

fn coupon_form(refused: Option<&str>) -> Markup {
    html! {
        form method="post" action="/cart/coupon" {
            label for="code" { "Coupon" }
            div.row {
                input #code name="code" value=[refused] placeholder="STAR10" autocomplete="off"
                    maxlength=(LONGEST_CODE) required
                    aria-invalid=[refused.map(|_| "true")] aria-describedby=[refused.map(|_| "refused")];
                button.quiet { "Apply" }
            }
            @if let Some(code) = refused {
                p.problem #refused role="alert" { "“" (code) "” is not a coupon. Have a look at the letters." }
            }
        }
    }
}

/// The price of a line: the unit price times the quantity.
pub(super) fn price(line: &Line) -> Price {
    let each = catalogue::find(line.article).map_or(0, |article| article.price.0);
    Price(each * u64::from(line.quantity))
}

fn row(line: &Line) -> Markup {
    let step = |label: &str, value: &str, text: &str, class: &str| {
        html! { button class=(class) name="step" value=(value) aria-label=(label) { (text) } }
    };
    html! {
        @if let Some(article) = catalogue::find(line.article) {
            li {
                (article.picture())
                div { strong { (article.name) } span { (article.price) " each" } }
                form.steps method="post" action="/cart/change" {
                    input type="hidden" name="article" value=(article.id);
                    (step(&format!("One less: {}", article.name), "less", "−", "step"))
                    output { (line.quantity) }
                    (step(&format!("One more: {}", article.name), "more", "+", "step"))
                    (step(&format!("Remove {}", article.name), "remove", "Remove", "link"))
                }
                strong.sum { (price(line)) }
            }
        }
    }
}

/// The maximum quantity of one article.
const MOST_OF_ONE: u32 = 99;

const LONGEST_CODE: usize = 20;

const COUPONS: [(&str, u32); 2] = [("STAR10", 10), ("COMET25", 25)];

#[cfg(test)]
mod tests {
    use super::{Line, merge};

    fn cart(lines: &[(u32, u32)]) -> Vec<Line> {
        let line = |&(article, quantity)| Line { article, quantity };
        lines.iter().map(line).collect()
    }

    #[test]
    fn both_of_two_changes_count() {
        let base = cart(&[(1, 1), (2, 3), (3, 1)]);
        let mine = cart(&[(1, 2), (2, 3), (4, 1)]);
        let theirs = cart(&[(1, 3), (3, 1), (5, 2)]);
        // 1: one more here, two more there. 2: removed there. 3: removed here. 4, 5: new.
        let both = cart(&[(1, 4), (5, 2), (4, 1)]);
        assert_eq!(merge(&base, &mine, &theirs), both);
    }

    #[test]
    fn what_both_add_is_added_twice_and_what_both_remove_is_gone() {
        let (empty, one) = (cart(&[]), cart(&[(1, 1)]));
        assert_eq!(merge(&empty, &one, &one), cart(&[(1, 2)]));
        assert_eq!(merge(&one, &empty, &empty), empty);
    }
}
