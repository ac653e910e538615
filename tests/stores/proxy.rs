//! A way to a server that can fail.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use starsessions_tests::servers::free_port;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Carries what is sent to the server, and its replies back.
#[derive(Clone, Default)]
pub(crate) struct Proxy {
    /// The command whose reply is lost, with its connection.
    unlucky: Arc<Mutex<Option<&'static str>>>,
    /// The command that waits, with all that is behind it.
    held: Arc<Mutex<Option<&'static str>>>,
    /// How many connections were made.
    made: Arc<AtomicUsize>,
    /// The command that is the last one that its connection carries; its reply arrives.
    last: Arc<Mutex<Option<&'static str>>>,
    /// How often something was sent.
    sent: Arc<AtomicUsize>,
    /// So many of them, the first ones, carry nothing any more and stay open.
    silent: Arc<AtomicUsize>,
}

impl Proxy {
    /// A port that leads to what listens at the address.
    pub(crate) async fn listen(port: u16, server: SocketAddr) -> Self {
        let proxy = Self::default();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        let carrier = proxy.clone();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let number = carrier.made.fetch_add(1, Ordering::SeqCst);
                if let Ok(server) = TcpStream::connect(server).await {
                    carrier.carry(client, server, number);
                }
            }
        });
        proxy
    }

    /// The same at a port of its own.
    pub(crate) async fn before(server: SocketAddr) -> (Self, u16) {
        let port = free_port();
        (Self::listen(port, server).await, port)
    }

    /// From now on no connection carries anything, new ones included, until [`silence`](Self::silence).
    pub(crate) fn silence_new_ones_too(&self) {
        self.silent.store(usize::MAX, Ordering::SeqCst);
    }

    /// From now on the connections that there are carry nothing; new ones work.
    pub(crate) fn silence(&self) {
        self.silent.store(self.connections(), Ordering::SeqCst);
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    /// How often something was sent: of an operation that waits for each reply, its round trips.
    pub(crate) fn round_trips(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    /// The next of these commands is carried out, and its reply is lost.
    pub(crate) fn lose_reply_to(&self, command: &'static str) {
        *self.unlucky.lock().unwrap() = Some(command);
    }

    /// The connection of the next of these commands falls silent after its reply.
    pub(crate) fn fall_silent_after(&self, command: &'static str) {
        *self.last.lock().unwrap() = Some(command);
    }

    /// Keeps this command from the server until it is released.
    pub(crate) fn hold(&self, command: &'static str) {
        *self.held.lock().unwrap() = Some(command);
    }

    /// Lets go on what was held.
    pub(crate) fn release(&self) {
        *self.held.lock().unwrap() = None;
    }

    /// Whether there was such a command.
    pub(crate) fn has_lost(&self) -> bool {
        self.unlucky.lock().unwrap().is_none()
    }

    fn carry(&self, client: TcpStream, server: TcpStream, number: usize) {
        let ((requests, back), (replies, there)) = (client.into_split(), server.into_split());
        let is_lost = Arc::new(AtomicBool::new(false));
        let (carrier, is_next_lost) = (self.clone(), Arc::clone(&is_lost));
        let is_over = AtomicBool::new(false);
        let requests = tokio::spawn(copy(requests, there, move |bytes| {
            let held = *carrier.held.lock().unwrap();
            if held.is_some_and(|it| contains(bytes, it)) {
                return Fate::Waits;
            }
            if is_over.load(Ordering::SeqCst) {
                return Fate::Vanishes;
            }
            carrier.sent.fetch_add(1, Ordering::SeqCst);
            is_next_lost.fetch_or(takes(&carrier.unlucky, bytes), Ordering::SeqCst);
            is_over.store(takes(&carrier.last, bytes), Ordering::SeqCst);
            carrier.passes(number)
        }));
        let carrier = self.clone();
        tokio::spawn(async move {
            let passes = move |_: &[u8]| match is_lost.load(Ordering::SeqCst) {
                true => Fate::Ends,
                false => carrier.passes(number),
            };
            copy(replies, back, passes).await;
            requests.abort();
        });
    }

    fn passes(&self, number: usize) -> Fate {
        match number < self.silent.load(Ordering::SeqCst) {
            true => Fate::Vanishes,
            false => Fate::Arrives,
        }
    }
}

/// What happens to some bytes.
enum Fate {
    Arrives,
    Waits,
    Vanishes,
    Ends,
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, fate: impl Fn(&[u8]) -> Fate) {
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let bytes = &buffer[..length];
        loop {
            match fate(bytes) {
                Fate::Waits => tokio::time::sleep(Duration::from_millis(5)).await,
                Fate::Arrives if to.write_all(bytes).await.is_ok() => break,
                Fate::Vanishes => break,
                Fate::Arrives | Fate::Ends => return,
            }
        }
    }
}

/// Whether these bytes contain the command, which is then not waited for any more.
fn takes(command: &Mutex<Option<&'static str>>, bytes: &[u8]) -> bool {
    let command = &mut *command.lock().unwrap();
    command.take_if(|it| contains(bytes, it)).is_some()
}

fn contains(bytes: &[u8], command: &str) -> bool {
    bytes
        .windows(command.len())
        .any(|part| part == command.as_bytes())
}
