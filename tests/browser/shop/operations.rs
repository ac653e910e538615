//! The page with the charts about sessions.

use starsessions_browser_tests::{Browser, Gate, Shop, Store};

use super::{has, sign_in};

#[test]
fn the_pictures_show_what_was_done() {
    let shop = Shop::open(Store::Sqlite);
    let (here, there) = (Browser::open(), Browser::open());
    here.go(&shop.page("/operations"));
    for nothing in [
        "No session has been used yet.",
        "No change had to be merged.",
        "No session has ended.",
        "No operation to measure.",
    ] {
        has(&here, nothing);
    }
    sign_in(&here, &shop, "Vera");
    sign_in(&there, &shop, "Vera");
    meet(&here, &shop);
    assert_eq!(drawn(&here, &shop, "in-use"), "2 now, 2 at peak");
    assert_eq!(drawn(&here, &shop, "merged"), "1 in ten minutes");

    here.go(&shop.page("/devices"));
    here.click("form[action='/devices/end'] button");
    there.go(&shop.page("/operations"));
    here.go(&shop.page("/account"));
    here.click("form[action='/logout'] button");
    here.go(&shop.page("/"));
    shop.advance(61);
    assert_eq!(drawn(&here, &shop, "ended"), "4 in ten minutes");
    for cause in [
        "Signed out: 1",
        "Ended elsewhere: 1",
        "Timed out: 1",
        "Unknown: 1",
    ] {
        has(&here, cause);
    }
    let [lines, samples] = ["svg[role]", ".legend"].map(|part| {
        here.run(&format!(
            "const lines = document.querySelectorAll('#store {part} [class^=line-]');
            return [...lines].map(line => getComputedStyle(line).strokeDasharray + line.getAttribute('class'))"
        ))
    });
    assert_eq!(lines, samples, "a legend shows each line as it is drawn");
    assert_eq!(lines.as_array().unwrap().len(), 2);
    let latency = drawn(&here, &shop, "store");
    let numbers: Vec<f64> = (latency.split(' ').filter_map(|word| word.parse().ok())).collect();
    let [half, most] = numbers[..] else {
        panic!("{latency}");
    };
    assert!(0.0 < half && half <= most, "{latency}");
}

/// Sends two requests that both load the session before either changes it.
fn meet(browser: &Browser, shop: &Shop) {
    let gate = Gate::before(shop.port(), "POST /cart/add");
    browser.go(&gate.page("/login"));
    for article in [1, 2] {
        browser.run(&format!(
            "fetch('/cart/add', {{ method: 'POST', redirect: 'manual', body: new URLSearchParams({{ article: {article} }}) }}); return 0"
        ));
    }
    for request in [gate.held(), gate.held()] {
        assert!(request.release().starts_with("HTTP/1.1 303"));
    }
}

/// The text of a chart, visible and for screen readers. Asserts that the chart is not empty.
fn drawn(browser: &Browser, shop: &Shop, id: &str) -> String {
    browser.go(&shop.page("/operations"));
    let seen = browser.run(&format!(
        "const figure = document.getElementById('{id}');
        const inside = figure.querySelector('svg').getBoundingClientRect();
        const marks = [...figure.querySelectorAll('[class^=line-], figure > svg > [class^=fill-]')];
        const boxes = marks.map(mark => mark.getBoundingClientRect());
        return [
            figure.querySelector('strong').innerText,
            figure.querySelector('desc').textContent,
            boxes.some(box => box.width > 0 && box.top >= inside.top && box.bottom <= inside.bottom),
        ]"
    ));
    let (value, described) = (seen[0].as_str().unwrap(), seen[1].as_str().unwrap());
    assert!(described.starts_with(value), "{described}");
    assert_eq!(seen[2], true, "{id} has nothing in it");
    value.to_owned()
}
