//! Makes requests slow: the gate holds a request's body after the shop has received the head and loaded the session.
//! The gate knows that the session is loaded because it sends [`Expect: 100-continue`][100], so the server asks for the
//! body only when the handler reads it.
//!
//! [100]: https://www.rfc-editor.org/rfc/rfc9110.html#section-10.1.1

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// A proxy for the shop that holds the requests to one path.
#[derive(Debug)]
pub struct Gate {
    port: u16,
    held: Receiver<Held>,
}

/// A request whose body waits.
#[derive(Debug)]
pub struct Held {
    open: SyncSender<()>,
    answer: Receiver<String>,
}

impl Gate {
    /// A gate in front of the shop at this port. `held` is the beginning of the requests to hold, for example
    /// `POST /cart/add`.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn before(shop: u16, held: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (tell, wait) = channel();
        thread::spawn(move || {
            for browser in listener.incoming().flatten() {
                let tell = tell.clone();
                thread::spawn(move || {
                    let shop = TcpStream::connect((Ipv4Addr::LOCALHOST, shop))?;
                    pass(&browser, &shop, held, || {
                        let (open, opened) = sync_channel(1);
                        let (answered, answer) = sync_channel(1);
                        tell.send(Held { open, answer }).ok()?;
                        Some((opened, answered))
                    })
                });
            }
        });
        Self { port, held: wait }
    }

    /// The address of a page, through the gate.
    #[must_use]
    pub fn page(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Waits for a request, and returns it held.
    ///
    /// # Panics
    /// If no request arrives.
    #[must_use]
    pub fn held(&self) -> Held {
        self.held.recv_timeout(PATIENCE).expect("a request")
    }
}

impl Held {
    /// Releases the request, and returns the head of its response.
    ///
    /// # Panics
    /// If there is no response.
    #[must_use]
    pub fn release(self) -> String {
        self.open.send(()).expect("the gate is there");
        self.answer.recv_timeout(PATIENCE).expect("an answer")
    }
}

type Hold = (Receiver<()>, SyncSender<String>);

/// Forwards the requests of one connection, one after the other.
fn pass(
    mut browser: &TcpStream,
    mut shop: &TcpStream,
    held: &str,
    hold: impl Fn() -> Option<Hold>,
) -> std::io::Result<()> {
    loop {
        let (mut head, mut body) = head(browser)?;
        let is_held = head.starts_with(held);
        if is_held {
            head = head.replacen("\r\n", "\r\nExpect: 100-continue\r\n", 1);
        }
        shop.write_all(head.as_bytes())?;
        let held = if is_held {
            let (asked, _) = self::head(shop)?;
            assert!(asked.starts_with("HTTP/1.1 100"), "{asked}");
            hold()
        } else {
            None
        };
        if let Some((opened, _)) = &held {
            let _ = opened.recv();
        }
        let length = content_length(&head);
        fill(browser, &mut body, length)?;
        shop.write_all(&body)?;

        let (answer, mut content) = self::head(shop)?;
        fill(shop, &mut content, content_length(&answer))?;
        browser.write_all(answer.as_bytes())?;
        browser.write_all(&content)?;
        if let Some((_, answered)) = held {
            let _ = answered.send(answer);
        }
    }
}

/// Reads the head of a message, and the part of its body that has arrived.
fn head(mut stream: &TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 16_384];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = bytes.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), body));
        }
        match stream.read(&mut chunk)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

fn fill(mut stream: &TcpStream, body: &mut Vec<u8>, length: usize) -> std::io::Result<()> {
    let has = body.len();
    body.resize(length.max(has), 0);
    stream.read_exact(&mut body[has..])
}

fn content_length(head: &str) -> usize {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().expect("a length"))
}

const PATIENCE: Duration = Duration::from_secs(60);
