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
pub(super) struct Proxy {
    /// The command whose reply is lost, with its connection.
    unlucky: Arc<Mutex<Option<&'static str>>>,
    /// The command that waits, with all that is behind it.
    held: Arc<Mutex<Option<&'static str>>>,
    /// How many connections were made.
    made: Arc<AtomicUsize>,
    /// How often something was sent.
    sent: Arc<AtomicUsize>,
    /// So many of them, the first ones, carry nothing any more and stay open.
    silent: Arc<AtomicUsize>,
}

impl Proxy {
    /// A port that leads to what listens at the address.
    pub(super) async fn listen(port: u16, server: SocketAddr) -> Self {
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
    pub(super) async fn before(server: SocketAddr) -> (Self, u16) {
        let port = free_port();
        (Self::listen(port, server).await, port)
    }

    /// From now on the connections that there are carry nothing; new ones work.
    pub(super) fn silence(&self) {
        self.silent.store(self.connections(), Ordering::SeqCst);
    }

    /// How many connections were made.
    pub(super) fn connections(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    /// How often something was sent: of an operation that waits for each reply, its round trips.
    pub(super) fn round_trips(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    /// The next of these commands is carried out, and its reply is lost.
    pub(super) fn lose_reply_to(&self, command: &'static str) {
        *self.unlucky.lock().unwrap() = Some(command);
    }

    /// Keeps this command from the server until it is released.
    pub(super) fn hold(&self, command: &'static str) {
        *self.held.lock().unwrap() = Some(command);
    }

    /// Lets go on what was held.
    pub(super) fn release(&self) {
        *self.held.lock().unwrap() = None;
    }

    /// Whether there was such a command.
    pub(super) fn has_lost(&self) -> bool {
        self.unlucky.lock().unwrap().is_none()
    }

    fn carry(&self, client: TcpStream, server: TcpStream, number: usize) {
        let ((requests, back), (replies, there)) = (client.into_split(), server.into_split());
        let is_lost = Arc::new(AtomicBool::new(false));
        let (carrier, is_next_lost) = (self.clone(), Arc::clone(&is_lost));
        let requests = tokio::spawn(copy(requests, there, move |bytes| {
            if carrier
                .held
                .lock()
                .unwrap()
                .is_some_and(|it| contains(bytes, it))
            {
                return Fate::Waits;
            }
            carrier.sent.fetch_add(1, Ordering::SeqCst);
            let unlucky = &mut *carrier.unlucky.lock().unwrap();
            if unlucky.is_some_and(|it| contains(bytes, it)) {
                *unlucky = None;
                is_next_lost.store(true, Ordering::SeqCst);
            }
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

fn contains(bytes: &[u8], command: &str) -> bool {
    bytes
        .windows(command.len())
        .any(|part| part == command.as_bytes())
}
