//! Another site: for a browser, `localhost` is not the site of `127.0.0.1`.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

/// A site with one page, which runs until the test ends.
#[derive(Debug)]
pub struct Elsewhere(u16);

impl Elsewhere {
    /// Answers every request with this page.
    #[must_use]
    pub fn with(page: &str) -> Self {
        Self::open(ok(page, ""), ok(page, ""))
    }

    /// Answers every request with an empty page that sets this cookie.
    #[must_use]
    pub fn with_cookie(cookie: &str) -> Self {
        let answer = ok("", &format!("Set-Cookie: {cookie}\r\n"));
        Self::open(answer.clone(), answer)
    }

    /// Answers with this page, and answers its form with a redirect, as a provider does.
    #[must_use]
    pub fn with_way_back(page: &str, back: &str) -> Self {
        let redirect = format!(
            "HTTP/1.1 302 Found\r\nLocation: {back}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        Self::open(ok(page, ""), redirect)
    }

    /// The site's address.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://localhost:{}/", self.0)
    }

    fn open(page: String, posted: String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        thread::spawn(move || {
            // Browsers also open connections that they do not use.
            for mut stream in listener.incoming().flatten() {
                let (page, posted) = (page.clone(), posted.clone());
                thread::spawn(move || {
                    let mut request = [0; 16_384];
                    let length = stream.read(&mut request).unwrap_or(0);
                    let is_form = request[..length].starts_with(b"POST");
                    let answer = if is_form { posted } else { page };
                    let _ = stream.write_all(answer.as_bytes());
                });
            }
        });
        Self(port)
    }
}

fn ok(page: &str, header: &str) -> String {
    let length = page.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n{header}Connection: close\r\n\r\n{page}"
    )
}
