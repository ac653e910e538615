//! Another site: for a browser, `localhost` is not the site of `127.0.0.1`.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

/// A site with one page, which ends with the test.
#[derive(Debug)]
pub struct Elsewhere(u16);

impl Elsewhere {
    /// Answers every request with this page.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn with(page: String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        thread::spawn(move || {
            // A browser opens connections that it then does not use.
            for mut stream in listener.incoming().flatten() {
                let page = page.clone();
                thread::spawn(move || {
                    let _ = stream.read(&mut [0; 16_384]);
                    let _ = write!(
                        stream,
                        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                        page.len()
                    );
                });
            }
        });
        Self(port)
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://localhost:{}/", self.0)
    }
}
