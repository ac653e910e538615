//! 8. Store traffic.

use starsessions_tests::site::Site;

use starsessions_tests::shop;

#[tokio::test]
async fn scenario_08_a_minute_of_page_views_costs_one_load_each_and_at_most_one_touch() {
    let site = Site::new();
    let mut client = site.serve(shop::routes());
    client.post("/cart/tea").await;
    let _ = site.store.take_calls();

    let mut set_cookies = 0;
    for view in 1..=100 {
        for static_file in ["/a.css", "/b.css", "/c.js", "/d.js", "/e.png", "/f.png"] {
            set_cookies += client.get(static_file).await.set_cookies().len();
        }
        set_cookies += client.get("/").await.set_cookies().len();
        set_cookies += client.get("/cart").await.set_cookies().len();
        site.wait_seconds(u64::from(view % 5 < 3));
    }

    let calls = site.store.take_calls();
    assert_eq!(calls.loads, 100);
    assert!(calls.touches <= 1, "{calls:?}");
    assert_eq!(calls.writes(), calls.touches, "only touches: {calls:?}");
    assert_eq!(set_cookies, 0);
}
