//! The frame that every page shares.

use std::fmt;

use axum::RequestPartsExt;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Html;
use starsessions::{Session, SessionRejection};

use super::sessions::{Login, Shop};

/// An argument of every handler that answers with a page: who is there, and what to tell them.
#[derive(Debug)]
pub(super) struct Page {
    account: Account,
    count: Count,
    notice: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, SessionRejection> {
        let login: Option<Session<Login>> = parts.extract().await?;
        let mut shop: Session<Shop> = parts.extract().await?;
        Ok(Self {
            account: Account::of(login.as_deref()),
            count: Count::of(&shop),
            notice: shop.notice.take(),
        })
    }
}

impl Page {
    /// The whole page. `body` is HTML: what users have typed goes in as [`Text`].
    pub(super) fn show(self, title: &str, body: &str) -> Html<String> {
        let (account, count) = (self.account, self.count);
        let notice = self.notice.map_or_else(String::new, |notice| {
            format!(r#"<p class="notice" role="status">{}</p>"#, Text(&notice))
        });
        Html(format!(
            r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="content-security-policy" content="default-src 'self'; img-src data:; form-action 'self'; base-uri 'none'">
<title>{title} · The Star Shop</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"></head>
<body><header><nav><a class="brand" href="/">★ The Star Shop</a>
<span class="links"><a href="/cart">Cart {count}</a>{account}</span></nav></header>
<main>{notice}{body}</main>
<footer>A demo of starsessions, typed sessions for axum. <a href="/operations">Operations</a></footer></body>
</html>
"#
        ))
    }
}

/// What is said where there is no page.
pub(super) async fn not_found(page: Page) -> (StatusCode, Html<String>) {
    let body = r#"<section class="panel empty"><h1>Lost in space</h1><p>There is no such page.</p>
        <a class="button" href="/">Browse the catalogue</a></section>"#;
    (StatusCode::NOT_FOUND, page.show("Not found", body))
}

/// Who is signed in, as a link.
#[derive(Debug)]
pub(super) struct Account(Option<String>);

impl Account {
    /// Of this user, or of a guest.
    pub(super) fn of(login: Option<&Login>) -> Self {
        Self(login.map(|login| login.user.clone()))
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(user) = &self.0 else {
            return f.write_str(r#"<a id="account" href="/login">Sign in</a>"#);
        };
        let user = Text(user);
        write!(
            f,
            r#"<a id="account" href="/account" data-user="{user}">{user}</a>"#
        )
    }
}

/// How many articles are in the cart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count(u32);

impl Count {
    /// Counts.
    pub(super) fn of(shop: &Shop) -> Self {
        Self(shop.cart.iter().map(|line| line.quantity).sum())
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str(r#"<span id="count"></span>"#),
            count => write!(f, r#"<span id="count">{count}</span>"#),
        }
    }
}

/// Text that becomes HTML: whatever was typed stays text.
#[derive(Debug)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => fmt::Write::write_char(f, other)?,
            }
        }
        Ok(())
    }
}
