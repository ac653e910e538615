//! The articles and the front page.

use std::fmt;

use maud::{Markup, Render, html};
use starsessions::Session;

use super::page::Page;
use super::picture::{self, Shape};
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

/// The front page.
pub(super) async fn show(page: Page, mut shop: Session<Shop>) -> Markup {
    shop.visits += 1;
    let greeting = match shop.visits {
        1 => "Welcome! This is your first visit.".to_owned(),
        visits => format!("Good to see you again! This is visit number {visits}."),
    };
    let body = html! {
        section.hero {
            h1 { "Small celestial bodies, delivered" }
            p { (greeting) }
        }
        div.grid { @for article in &ARTICLES { (card(article)) } }
    };
    page.show("Catalogue", &body)
}

/// The article with this number.
pub(super) fn find(id: u32) -> Option<&'static Article> {
    ARTICLES.iter().find(|article| article.id == id)
}

impl Article {
    /// Its picture, as SVG.
    pub(super) fn picture(&self) -> Markup {
        picture::svg(self.id, self.hue, self.shape)
    }
}

impl Render for Price {
    fn render_to(&self, text: &mut String) {
        text.push_str(&self.to_string());
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "€{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

fn card(article: &Article) -> Markup {
    let Article {
        id,
        name,
        about,
        price,
        ..
    } = article;
    html! {
        article.card {
            (article.picture())
            div.about { h2 { (name) } p { (about) } }
            form method="post" action="/cart/add" {
                strong { (price) }
                button name="article" value=(id) aria-label={ "Add " (name) " to the cart" } { "Add to cart" }
            }
        }
    }
}

const ARTICLES: [Article; 6] = [
    Article {
        id: 1,
        name: "Pocket moon",
        about: "Always shows you the same side.",
        price: Price(12_00),
        hue: 220,
        shape: Shape::Moon,
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
        shape: Shape::Dwarf,
    },
    Article {
        id: 6,
        name: "Gas giant",
        about: "Light for its size. No returns.",
        price: Price(75_00),
        hue: 285,
        shape: Shape::Giant,
    },
];
