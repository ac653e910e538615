//! Ordering, for users who have just confirmed their identity.

use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use starsessions::Session;

use super::cart::{self, Sums};
use super::catalogue;
use super::page::Page;
use super::sessions::{Line, Login, Shop, Sudo};

/// The page that shows the order before the user places it.
pub(super) async fn review(
    page: Page,
    _login: Session<Login>,
    _fresh: Session<Sudo>,
    shop: Session<Shop>,
) -> Response {
    if shop.cart.is_empty() {
        return Redirect::to("/cart").into_response();
    }
    let body = html! {
        h1 { "Review your order" }
        section.panel {
            ul.lines { @for line in &shop.cart { (row(line)) } }
            (Sums::of(&shop).table(&shop))
            form method="post" action="/order" { button.wide { "Place order" } }
            p.hint { "This is a demo: nothing is shipped, and nothing is charged." }
        }
    };
    page.show("Order", &body).into_response()
}

/// Orders, and empties the cart.
pub(super) async fn place(
    mut login: Session<Login>,
    _fresh: Session<Sudo>,
    mut shop: Session<Shop>,
) -> Redirect {
    if shop.cart.is_empty() {
        return Redirect::to("/cart");
    }
    let total = Sums::of(&shop).total;
    shop.cart.clear();
    shop.coupon = None;
    shop.notice = Some(format!("Thank you! Your order of {total} is on its way."));
    login.orders += 1;
    Redirect::to("/account")
}

fn row(line: &Line) -> Markup {
    html! {
        @if let Some(article) = catalogue::find(line.article) {
            li {
                (article.picture())
                div {
                    strong { (article.name) }
                    span { (line.quantity) " × " (article.price) }
                }
                strong.sum { (cart::price(line)) }
            }
        }
    }
}
