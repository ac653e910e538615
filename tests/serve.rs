//! Starts a server as the tests do, prints its URL, and stops it when the input ends:
//! `serve redis|valkey|postgres|mysql|nats`, for scripts, and to inspect a store by hand. Further arguments are options
//! of the server, as in `serve redis --appendonly no` and `serve postgres fsync=off`.

use std::io::{Read, stdin};

use starsessions_tests::servers::redis::Version;
use starsessions_tests::servers::{mariadb, nats, postgres, redis};

#[expect(clippy::print_stdout, reason = "the address is what it is for")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let kind = arguments.first().map_or("", String::as_str);
    let options: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    let (_server, url) = match kind {
        "redis" | "valkey" => {
            let version = if kind == "redis" {
                Version::System
            } else {
                Version::Valkey9
            };
            let server = redis::redis(version, &options);
            let url = redis::url(&server);
            (server, url)
        }
        "postgres" => {
            let server = postgres::postgres(&options);
            let url = postgres::url(&server, "postgres");
            (server, url)
        }
        "mysql" => {
            let server = mariadb::mariadb(&options);
            let url = mariadb::url(&server, "mysql");
            (server, url)
        }
        "nats" => {
            let server = nats::nats(&options);
            let url = nats::url(&server);
            (server, url)
        }
        _ => {
            println!("usage: serve redis|valkey|postgres|mysql|nats [OPTION OF THE SERVER]...");
            std::process::exit(2);
        }
    };
    println!("{url}");
    let _ = stdin().read_to_end(&mut Vec::new());
}
