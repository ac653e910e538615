//! The frame that every page shares.

use axum::RequestPartsExt;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use maud::{DOCTYPE, Markup, html};
use starsessions::{Session, SessionRejection};

use super::sessions::{Login, Shop};

/// An argument of every handler that answers with a page: the account, the cart and the notice to show.
#[derive(Debug)]
pub(super) struct Page {
    account: Markup,
    count: Markup,
    notice: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, SessionRejection> {
        let login: Option<Session<Login>> = parts.extract().await?;
        let mut shop: Session<Shop> = parts.extract().await?;
        Ok(Self {
            account: account(login.as_deref()),
            count: count(&shop),
            notice: shop.notice.take(),
        })
    }
}

impl Page {
    /// The whole page.
    pub(super) fn show(self, title: &str, body: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="content-security-policy" content=(POLICY);
                    title { (title) " · The Star Shop" }
                    link rel="icon" href="data:,";
                    link rel="stylesheet" href="/style.css";
                }
                body {
                    header {
                        nav {
                            a.brand href="/" { "★ The Star Shop" }
                            span.links { a href="/cart" { "Cart " (self.count) } (self.account) }
                        }
                    }
                    main {
                        @if let Some(notice) = self.notice {
                            p.notice role="status" { (notice) }
                        }
                        (body)
                    }
                    footer {
                        "A demo of starsessions, typed sessions for axum. "
                        a href="/operations" { "Operations" }
                    }
                }
            }
        }
    }
}

/// The response for unknown paths.
pub(super) async fn not_found(page: Page) -> (StatusCode, Markup) {
    let body = html! {
        section.panel.empty {
            h1 { "Lost in space" }
            p { "There is no such page." }
            a.button href="/" { "Browse the catalogue" }
        }
    };
    (StatusCode::NOT_FOUND, page.show("Not found", &body))
}

/// The link to the user's account.
pub(super) fn account(login: Option<&Login>) -> Markup {
    html! {
        @match login {
            Some(Login { user, .. }) => a #account href="/account" data-user=(user) { (user) },
            None => a #account href="/login" { "Sign in" },
        }
    }
}

/// The number of articles in the cart.
pub(super) fn count(shop: &Shop) -> Markup {
    let count: u32 = shop.cart.iter().map(|line| line.quantity).sum();
    html! { span #count { @if count > 0 { (count) } } }
}

/// Pages load resources and scripts from this origin only.
const POLICY: &str = "default-src 'self'; img-src data:; form-action 'self'; base-uri 'none'";
