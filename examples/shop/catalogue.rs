//! The articles and the front page.

use std::fmt;

use axum::response::Html;
use starsessions::Session;

use super::page::Page;
use super::sessions::Shop;

/// Something to buy.
#[derive(Debug)]
pub(super) struct Article {
    pub(super) id: u32,
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) price: Price,
    hue: u32,
    shape: Shape,
}

/// An amount in cents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Price(pub(super) u64);

#[derive(Clone, Copy, Debug)]
enum Shape {
    Planet,
    Rings,
    Comet,
    Star,
}

/// The front page.
pub(super) async fn show(page: Page, mut shop: Session<Shop>) -> Html<String> {
    shop.visits += 1;
    let greeting = match shop.visits {
        1 => "Welcome! This is your first visit.".to_owned(),
        visits => format!("Good to see you again: this is visit {visits}."),
    };
    let cards: String = ARTICLES.iter().map(card).collect();
    page.show(
        "Catalogue",
        &format!(
            r#"<section class="hero"><h1>Small celestial bodies, delivered</h1>
            <p>{greeting}</p></section><div class="grid">{cards}</div>"#
        ),
    )
}

/// The article with this number.
pub(super) fn find(id: u32) -> Option<&'static Article> {
    ARTICLES.iter().find(|article| article.id == id)
}

impl Article {
    /// Its picture, as SVG.
    pub(super) fn picture(&self) -> String {
        let Self { id, hue, shape, .. } = self;
        let halo = match shape {
            Shape::Planet => "",
            Shape::Rings => {
                r##"<ellipse cx="60" cy="60" rx="52" ry="13" fill="none" stroke="#fff" stroke-opacity=".75" stroke-width="4" transform="rotate(-18 60 60)"/>"##
            }
            Shape::Comet => {
                r##"<path d="M48 40 L112 8 L72 62 Z" fill="#fff" fill-opacity=".35"/>"##
            }
            Shape::Star => {
                r##"<g stroke="#fff" stroke-opacity=".7" stroke-width="3" stroke-linecap="round"><path d="M60 12v10M60 98v10M12 60h10M98 60h10M26 26l7 7M87 87l7 7M94 26l-7 7M33 87l-7 7"/></g>"##
            }
        };
        let radius = if matches!(shape, Shape::Comet) {
            20
        } else {
            30
        };
        format!(
            r##"<svg viewBox="0 0 120 120" role="img" aria-hidden="true">
            <defs><radialGradient id="body{id}" cx=".35" cy=".3" r=".9">
            <stop offset="0" stop-color="hsl({hue} 90% 82%)"/><stop offset=".55" stop-color="hsl({hue} 70% 55%)"/><stop offset="1" stop-color="hsl({hue} 70% 22%)"/>
            </radialGradient><linearGradient id="sky{id}" x2="0" y2="1">
            <stop stop-color="hsl({hue} 45% 26%)"/><stop offset="1" stop-color="hsl(245 45% 12%)"/></linearGradient></defs>
            <rect x="-60" width="240" height="120" fill="url(#sky{id})"/>
            <g fill="#fff" fill-opacity=".6"><circle cx="-24" cy="70" r="1.2"/><circle cx="-10" cy="16" r="1"/><circle cx="134" cy="58" r="1"/><circle cx="146" cy="18" r="1.2"/><circle cx="18" cy="22" r="1.2"/><circle cx="98" cy="30" r="1"/><circle cx="104" cy="92" r="1.4"/><circle cx="22" cy="96" r="1"/><circle cx="44" cy="14" r=".8"/><circle cx="80" cy="106" r=".8"/></g>
            {halo}<circle cx="60" cy="60" r="{radius}" fill="url(#body{id})"/></svg>"##
        )
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "€\u{a0}{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

fn card(article: &Article) -> String {
    let Article {
        id,
        name,
        about,
        price,
        ..
    } = article;
    let picture = article.picture();
    format!(
        r#"<article class="card">{picture}<div class="about"><h2>{name}</h2><p>{about}</p></div>
        <form method="post" action="/cart/add"><strong>{price}</strong>
        <button name="article" value="{id}" aria-label="Add {name} to the cart">Add to cart</button></form></article>"#
    )
}

const ARTICLES: [Article; 6] = [
    Article {
        id: 1,
        name: "Pocket moon",
        about: "Always shows you the same side.",
        price: Price(12_00),
        hue: 220,
        shape: Shape::Planet,
    },
    Article {
        id: 2,
        name: "Ringed planet",
        about: "Rings included, some dust.",
        price: Price(48_00),
        hue: 38,
        shape: Shape::Rings,
    },
    Article {
        id: 3,
        name: "Comet",
        about: "Comes back every 76 years.",
        price: Price(19_50),
        hue: 190,
        shape: Shape::Comet,
    },
    Article {
        id: 4,
        name: "Young star",
        about: "Bright, warm, a little restless.",
        price: Price(99_00),
        hue: 48,
        shape: Shape::Star,
    },
    Article {
        id: 5,
        name: "Red dwarf",
        about: "Needs little, lasts for ages.",
        price: Price(64_90),
        hue: 8,
        shape: Shape::Star,
    },
    Article {
        id: 6,
        name: "Gas giant",
        about: "Light for its size. No returns.",
        price: Price(75_00),
        hue: 285,
        shape: Shape::Rings,
    },
];
