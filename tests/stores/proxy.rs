//! A way to a server that can fail.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use starsessions_tests::gate::Gate;
use starsessions_tests::servers::free_port;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Carries what is sent to the server, and its replies back.
#[derive(Clone, Default)]
pub(crate) struct Proxy {
    /// The command whose reply is lost, with its connection.
    unlucky: Arc<Mutex<Option<&'static str>>>,
    /// The command that waits at its gate, with all that is behind it.
    held: Arc<Mutex<Option<(&'static str, Gate)>>>,
    /// How many connections were made.
    made: Arc<AtomicUsize>,
    /// The command that is the last one that its connection carries; its reply arrives.
    last: Arc<Mutex<Option<&'static str>>>,
    /// How often something was sent.
    sent: Arc<AtomicUsize>,
    /// So many of them, the first ones, carry nothing any more and stay open.
    silent: Arc<AtomicUsize>,
    /// The fault, how many requests it spares at first, and how many it meets then.
    fault: Arc<Mutex<Option<(Fault, usize, usize)>>>,
    /// Ends every connection.
    closing: Arc<Notify>,
    listens: Arc<AtomicBool>,
}

/// What happens to a request and to its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No connection is made, and those that there are end.
    Refusal,
    /// The connection is reset, and the request does not arrive.
    ResetBefore,
    /// The request arrives, and the connection is reset.
    ResetAfter,
    /// The connection ends in the middle of the reply.
    HalfReply,
    /// Something else takes the place of the reply.
    Garbage,
    /// The request arrives late.
    Delay,
    /// The connection carries nothing any more, and stays open.
    Silence,
}

impl Fault {
    pub(crate) const ALL: [Self; 7] = [
        Self::Refusal,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::HalfReply,
        Self::Garbage,
        Self::Delay,
        Self::Silence,
    ];
}

impl Proxy {
    /// A port that leads to what listens at the address.
    pub(crate) async fn listen(port: u16, server: SocketAddr) -> Self {
        let proxy = Self::default();
        let bind = move || TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let mut listener = Some(bind().await.unwrap());
        let carrier = proxy.clone();
        tokio::spawn(async move {
            loop {
                if carrier.refuses() {
                    carrier.listens.store(false, Ordering::SeqCst);
                    listener = None;
                    sleep(MOMENT).await;
                    continue;
                }
                if listener.is_none() {
                    listener = Some(bind().await.unwrap());
                }
                carrier.listens.store(true, Ordering::SeqCst);
                let accepted = timeout(MOMENT, listener.as_ref().unwrap().accept());
                let Ok(Ok((client, _))) = accepted.await else {
                    continue;
                };
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

    /// Keeps the next of these commands from the server until the gate is opened.
    pub(crate) fn hold(&self, command: &'static str) -> Gate {
        let gate = Gate::new();
        *self.held.lock().unwrap() = Some((command, gate.clone()));
        gate
    }

    /// Spares some requests, and then meets so many with a fault: those of the store, of its client, and of
    /// whatever else takes this way.
    pub(crate) fn meet(&self, fault: Fault, spared: usize, met: usize) {
        *self.fault.lock().unwrap() = Some((fault, spared, met));
    }

    /// From now on what is sent arrives, where the connection is not broken or silent.
    pub(crate) async fn lift(&self) {
        *self.fault.lock().unwrap() = None;
        while !self.listens.load(Ordering::SeqCst) {
            sleep(MOMENT).await;
        }
    }

    /// Ends all connections that wait for something.
    pub(crate) fn close_all(&self) {
        self.closing.notify_waiters();
    }

    fn refuses(&self) -> bool {
        matches!(*self.fault.lock().unwrap(), Some((Fault::Refusal, ..)))
    }

    /// The fault that this request meets.
    fn met(&self) -> Option<Fault> {
        let mut fault = self.fault.lock().unwrap();
        let (fault, spared, met) = fault.as_mut()?;
        if *spared > 0 {
            *spared -= 1;
            return None;
        }
        *met = met.checked_sub(1)?;
        Some(*fault)
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
        let spoiled = Arc::new(Mutex::new(None));
        let (spoils, closing) = (Arc::clone(&spoiled), Arc::clone(&self.closing));
        let requests = tokio::spawn(copy(requests, there, closing, move |bytes| {
            let mut held = carrier.held.lock().unwrap();
            if let Some((_, gate)) = held.take_if(|(it, _)| contains(bytes, it)) {
                return Fate::Waits(gate);
            }
            drop(held);
            if is_over.load(Ordering::SeqCst) {
                return Fate::Vanishes;
            }
            carrier.sent.fetch_add(1, Ordering::SeqCst);
            is_next_lost.fetch_or(takes(&carrier.unlucky, bytes), Ordering::SeqCst);
            is_over.store(takes(&carrier.last, bytes), Ordering::SeqCst);
            match carrier.met() {
                Some(Fault::Refusal | Fault::ResetBefore) => Fate::Resets,
                Some(Fault::Delay) => Fate::Late,
                Some(Fault::Silence) => {
                    is_over.store(true, Ordering::SeqCst);
                    Fate::Vanishes
                }
                fault => {
                    *spoils.lock().unwrap() = fault;
                    carrier.passes(number)
                }
            }
        }));
        let carrier = self.clone();
        tokio::spawn(async move {
            let closing = Arc::clone(&carrier.closing);
            let passes = move |_: &[u8]| match spoiled.lock().unwrap().take() {
                _ if is_lost.load(Ordering::SeqCst) => Fate::Ends,
                Some(Fault::ResetAfter) => Fate::Resets,
                Some(Fault::HalfReply) => Fate::Halves,
                Some(Fault::Garbage) => Fate::Changes,
                _ => carrier.passes(number),
            };
            copy(replies, back, closing, passes).await;
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
    Waits(Gate),
    Vanishes,
    Ends,
    Resets,
    Late,
    Halves,
    Changes,
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    closing: Arc<Notify>,
    fate: impl Fn(&[u8]) -> Fate,
) {
    let mut buffer = vec![0; 65_536];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            () = closing.notified() => return,
        };
        let Ok(length @ 1..) = read else { return };
        let bytes = &buffer[..length];
        let bytes = loop {
            match fate(bytes) {
                Fate::Waits(gate) => gate.pass().await,
                Fate::Late => {
                    sleep(DELAY).await;
                    break bytes;
                }
                Fate::Arrives => break bytes,
                Fate::Vanishes => break b"".as_slice(),
                Fate::Changes => break b"HTTP/1.1 400 Bad Request\r\n\r\n",
                Fate::Ends => return,
                Fate::Halves => {
                    let _ = to.write_all(&bytes[..length / 2]).await;
                    return;
                }
                Fate::Resets => {
                    let _ = from.as_ref().set_zero_linger();
                    let _ = to.as_ref().set_zero_linger();
                    return;
                }
            }
        };
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

const MOMENT: Duration = Duration::from_millis(5);
/// Many of them in one request are still less than a time-out.
const DELAY: Duration = Duration::from_millis(10);

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
