//! The steps of "Rotate the keys", on nodes that never all have the same key line.

use starsessions::KeyRing;
use starsessions::keys::Key;
use starsessions_tests::shop;
use starsessions_tests::site::Site;

#[tokio::test]
async fn the_lines_of_the_page_sign_nobody_out() {
    let [old, new] = [(); 2].map(|()| Key::generate_base64().unwrap());
    let ring = |line: &str| {
        let keys = line.strip_prefix("SESSION_KEYS=")?.split(' ').next()?;
        Some(KeyRing::parse(&keys.replace("OLD", &old).replace("NEW", &new)).unwrap())
    };
    let page = std::fs::read_to_string(PAGE).unwrap();
    let rings: Vec<_> = page.lines().filter_map(ring).collect();
    assert_eq!(rings.len(), 4);

    let site = Site::new();
    site.clock().set(1_798_000_000); // the former key of the page has not ended
    let serve = |keys: &KeyRing| site.under(keys.clone()).serve(shop::routes());
    let mut browser = serve(&rings[0]);
    browser.post("/login/7").await;
    // A jump to the last line signs users out.
    let mut jump = browser.at(&serve(&rings[3]));
    assert_eq!(jump.get("/me").await.body, "guest");
    for pair in rings.windows(2) {
        for node in [&pair[1], &pair[0], &pair[1]] {
            browser = browser.at(&serve(node));
            assert_eq!(browser.get("/me").await.body, "7");
        }
        site.wait_seconds(60);
        browser = browser.at(&serve(&pair[1]));
        assert_eq!(browser.get("/me").await.body, "7");
    }
}

const PAGE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../starsessions/src/docs/recipes.md"
);
