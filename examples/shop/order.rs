//! Ordering: for users who have just confirmed that it is them.

use axum::response::{Html, IntoResponse, Redirect, Response};
use starsessions::Session;

use super::cart::{self, Sums};
use super::catalogue;
use super::page::Page;
use super::sessions::{Line, Login, Shop, Sudo};

/// What is about to be ordered.
pub(super) async fn review(
    page: Page,
    _login: Session<Login>,
    _fresh: Session<Sudo>,
    shop: Session<Shop>,
) -> Response {
    if shop.cart.is_empty() {
        return Redirect::to("/cart").into_response();
    }
    let lines: String = shop.cart.iter().filter_map(line).collect();
    let sums = Sums::of(&shop).table(&shop);
    let body = format!(
        r#"<h1>Review your order</h1><section class="panel"><ul class="lines">{lines}</ul>{sums}
        <form method="post" action="/order"><button class="wide">Place order</button></form>
        <p class="hint">This is a demo: nothing is shipped, and nothing is charged.</p></section>"#
    );
    Html::into_response(page.show("Order", &body))
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

fn line(line: &Line) -> Option<String> {
    let article = catalogue::find(line.article)?;
    let (picture, name, quantity) = (article.picture(), article.name, line.quantity);
    let price = cart::price(line);
    Some(format!(
        r#"<li>{picture}<div><strong>{name}</strong><span>{quantity} × {each}</span></div><strong class="sum">{price}</strong></li>"#,
        each = article.price
    ))
}
