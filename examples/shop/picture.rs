//! Pictures of the articles as inline SVG, so that the browser loads no files.

use maud::{Markup, PreEscaped};

/// The shape of an article's picture.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Moon,
    Rings,
    Comet,
    Star,
    Dwarf,
    Giant,
}

/// Draws the SVG. `hue` sets the colours. `id` makes the element IDs unique, so that a page can show several pictures.
pub(super) fn svg(id: u32, hue: u32, shape: Shape) -> Markup {
    let (radius, behind, before) = match shape {
        Shape::Moon => (30, String::new(), CRATERS),
        Shape::Rings => (28, RING.to_owned(), RING_IN_FRONT),
        Shape::Comet => (15, tail(id), ""),
        Shape::Star => (30, glow(id, hue, 62), ""),
        Shape::Dwarf => (21, glow(id, hue, 46), ""),
        Shape::Giant => (36, String::new(), BANDS),
    };
    PreEscaped(format!(
        r##"<svg viewBox="0 0 120 120" aria-hidden="true">
        <defs><radialGradient id="body{id}" cx=".35" cy=".3" r=".9">
        <stop offset="0" stop-color="hsl({hue} 90% 84%)"/><stop offset=".55" stop-color="hsl({hue} 72% 56%)"/><stop offset="1" stop-color="hsl({hue} 70% 22%)"/>
        </radialGradient><linearGradient id="sky{id}" x2="0" y2="1">
        <stop stop-color="hsl({hue} 45% 26%)"/><stop offset="1" stop-color="hsl(245 45% 12%)"/></linearGradient></defs>
        <rect x="-60" width="240" height="120" fill="url(#sky{id})"/>{SKY}
        {behind}<circle cx="60" cy="60" r="{radius}" fill="url(#body{id})"/>{before}</svg>"##
    ))
}

/// The light around a star.
fn glow(id: u32, hue: u32, radius: u32) -> String {
    format!(
        r##"<defs><radialGradient id="glow{id}"><stop offset=".3" stop-color="hsl({hue} 100% 75%)" stop-opacity=".65"/>
        <stop offset="1" stop-color="hsl({hue} 100% 70%)" stop-opacity="0"/></radialGradient></defs>
        <circle cx="60" cy="60" r="{radius}" fill="url(#glow{id})"/>"##
    )
}

/// The tail of a comet.
fn tail(id: u32) -> String {
    format!(
        r##"<defs><linearGradient id="tail{id}" gradientUnits="userSpaceOnUse" x1="60" y1="60" x2="122" y2="6">
        <stop stop-color="#fff" stop-opacity=".75"/><stop offset="1" stop-color="#fff" stop-opacity="0"/></linearGradient></defs>
        <path d="M50 49 124 -6 70 71Z" fill="url(#tail{id})"/><path d="M52 52 150 18 68 69Z" fill="url(#tail{id})" fill-opacity=".35"/>"##
    )
}

const SKY: &str = r##"<g fill="#fff" fill-opacity=".6"><circle cx="-24" cy="70" r="1.2"/><circle cx="-10" cy="16" r="1"/><circle cx="134" cy="58" r="1"/><circle cx="146" cy="18" r="1.2"/><circle cx="18" cy="22" r="1.2"/><circle cx="98" cy="30" r="1"/><circle cx="104" cy="92" r="1.4"/><circle cx="22" cy="96" r="1"/><circle cx="44" cy="14" r=".8"/><circle cx="80" cy="106" r=".8"/></g>"##;
const CRATERS: &str = r##"<g fill="#000" fill-opacity=".13"><circle cx="49" cy="53" r="6"/><circle cx="69" cy="46" r="4"/><circle cx="70" cy="68" r="7.5"/><circle cx="52" cy="74" r="3.5"/><circle cx="79" cy="56" r="2.5"/></g>"##;
const RING: &str = r##"<path d="M8 60A52 14 0 0 1 112 60" fill="none" stroke="#fff" stroke-opacity=".5" stroke-width="4" transform="rotate(-18 60 60)"/>"##;
const RING_IN_FRONT: &str = r##"<path d="M8 60A52 14 0 0 0 112 60" fill="none" stroke="#fff" stroke-opacity=".8" stroke-width="4" transform="rotate(-18 60 60)"/>"##;
const BANDS: &str = r##"<g fill="none" stroke="#fff" stroke-opacity=".22" transform="rotate(-10 60 60)"><path d="M30 43q30 9 60 0" stroke-width="5"/><path d="M25 58q35 10 70 0" stroke-width="8"/><path d="M29 76q31 8 62 0" stroke-width="4"/><ellipse cx="74" cy="71" rx="7" ry="3.5" stroke-width="2"/></g>"##;
