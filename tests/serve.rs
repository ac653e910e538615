//! Starts a server as the tests have it, says how to reach it, and stops it when its input ends:
//! `serve redis|postgres|mysql`, for scripts, and for whoever wants to look at a store by hand.

use std::io::{Read, stdin};

use starsessions_tests::servers::redis::Version;
use starsessions_tests::servers::{mariadb, postgres, redis};

#[expect(clippy::print_stdout, reason = "the address is what it is for")]
fn main() {
    let kind = std::env::args().nth(1).unwrap_or_default();
    let (_server, url) = match kind.as_str() {
        "redis" => {
            let server = redis::redis(Version::System, &[]);
            let url = redis::url(&server);
            (server, url)
        }
        "postgres" => {
            let server = postgres::postgres(&[]);
            let url = postgres::url(&server, "postgres");
            (server, url)
        }
        "mysql" => {
            let server = mariadb::mariadb(&[]);
            let url = mariadb::url(&server, "mysql");
            (server, url)
        }
        _ => {
            println!("usage: serve redis|postgres|mysql");
            std::process::exit(2);
        }
    };
    println!("{url}");
    let _ = stdin().read_to_end(&mut Vec::new());
}
