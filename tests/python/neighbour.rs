//! The example, as a process beside uvicorn: both sides share one cookie, and either may write.

use std::process::Command;

use axum::Router;
use serde_json::Value;

use crate::deployment::{Browser, Kind, beside, settings};
use starsessions_tests::servers::{Folder, Server, free_port};

fn serve(kind: Kind, is_rolling: bool) -> Server {
    let port = free_port();
    let mut command = Command::new(beside("examples/python_neighbour"));
    command.arg(port.to_string());
    command.envs(settings(kind, is_rolling));
    let server = Server::new(Folder::new(), port, &command);
    server.start();
    server
}

#[test]
fn a_cart_that_python_began_goes_on_in_rust_and_back() {
    for kind in Kind::all() {
        for is_rolling in [false, true] {
            let (python, rust) = (kind.serve(is_rolling), serve(kind, is_rolling));
            let nothing = Router::new();
            let mut browser = Browser::new(&python, &nothing);
            assert_eq!(browser.ask(&python, "POST", "/cart"), "1", "{kind:?}");
            assert_eq!(browser.ask(&rust, "POST", "/cart"), "2", "{kind:?}");
            assert_eq!(browser.ask(&python, "POST", "/cart"), "3", "{kind:?}");
            browser.ask(&python, "POST", "/login/7");
            assert_eq!(browser.ask(&rust, "GET", "/me"), "7", "{kind:?}");

            // Python continues a session that Rust has begun; it sees these values and no others.
            let mut browser = Browser::new(&python, &nothing);
            assert_eq!(browser.ask(&rust, "POST", "/cart"), "1", "{kind:?}");
            browser.ask(&rust, "POST", "/theme/dark");
            browser.ask(&rust, "POST", "/login/8");
            assert_eq!(browser.ask(&python, "POST", "/cart"), "2", "{kind:?}");
            let session: Value = serde_json::from_str(&browser.ask(&python, "GET", "/")).unwrap();
            let expected = serde_json::json!({"cart": 2, "theme": "dark", "user_id": 8});
            assert_eq!(session, expected, "{kind:?}");
        }
    }
}
