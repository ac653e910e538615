//! A TCP proxy that injects faults.

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

/// Forwards requests to the server, and replies back.
#[derive(Clone, Default)]
pub(crate) struct Proxy {
    /// The command whose reply is lost, with its connection.
    unlucky: Arc<Mutex<Option<&'static str>>>,
    /// The command that is held at its gate, together with all later data of its connection.
    held: Arc<Mutex<Option<(&'static str, Gate)>>>,
    /// The number of connections made.
    made: Arc<AtomicUsize>,
    /// The command after whose reply its connection becomes silent.
    last: Arc<Mutex<Option<&'static str>>>,
    /// The number of chunks sent to the server.
    sent: Arc<AtomicUsize>,
    /// The number of connections, from the first on, that are silent but stay open.
    silent: Arc<AtomicUsize>,
    /// The fault, how many requests it spares first, and how many it affects then.
    fault: Arc<Mutex<Option<(Fault, usize, usize)>>>,
    /// Tells every connection to close.
    closing: Arc<Notify>,
    listens: Arc<AtomicBool>,
}

/// A fault of a request or its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// New connections are refused, and existing ones end.
    Refusal,
    /// The connection is reset, and the request does not arrive.
    ResetBefore,
    /// The request arrives, and the connection is reset.
    ResetAfter,
    /// The connection ends in the middle of the reply.
    HalfReply,
    /// Other bytes replace the reply.
    Garbage,
    /// The request arrives late.
    Delay,
    /// The connection becomes silent and stays open.
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
    /// Listens on `port` and forwards to `server`.
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

    /// Like [`listen`](Self::listen), on a free port.
    pub(crate) async fn before(server: SocketAddr) -> (Self, u16) {
        let port = free_port();
        (Self::listen(port, server).await, port)
    }

    /// Silences all connections, new ones included, until [`silence`](Self::silence).
    pub(crate) fn silence_new_ones_too(&self) {
        self.silent.store(usize::MAX, Ordering::SeqCst);
    }

    /// Silences the existing connections. New ones work.
    pub(crate) fn silence(&self) {
        self.silent.store(self.connections(), Ordering::SeqCst);
    }

    /// The number of connections made.
    pub(crate) fn connections(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    /// The number of chunks sent, which are the round trips of an operation that waits for each reply.
    pub(crate) fn round_trips(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    /// Loses the reply to the next of these commands, which the server executes.
    pub(crate) fn lose_reply_to(&self, command: &'static str) {
        *self.unlucky.lock().unwrap() = Some(command);
    }

    /// Silences the connection of the next of these commands after its reply.
    pub(crate) fn fall_silent_after(&self, command: &'static str) {
        *self.last.lock().unwrap() = Some(command);
    }

    /// Holds the next of these commands until the gate is opened.
    pub(crate) fn hold(&self, command: &'static str) -> Gate {
        let gate = Gate::new();
        *self.held.lock().unwrap() = Some((command, gate.clone()));
        gate
    }

    /// Injects a fault into `met` requests, after `spared` requests. Requests of the client library and of other
    /// programs on this proxy count as well.
    pub(crate) fn meet(&self, fault: Fault, spared: usize, met: usize) {
        *self.fault.lock().unwrap() = Some((fault, spared, met));
    }

    /// Lifts the fault. Connections that are not broken or silent work from now on.
    pub(crate) async fn lift(&self) {
        *self.fault.lock().unwrap() = None;
        while !self.listens.load(Ordering::SeqCst) {
            sleep(MOMENT).await;
        }
    }

    /// Closes all connections that wait for data.
    pub(crate) fn close_all(&self) {
        self.closing.notify_waiters();
    }

    fn refuses(&self) -> bool {
        matches!(*self.fault.lock().unwrap(), Some((Fault::Refusal, ..)))
    }

    /// The fault for this request.
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

    /// Whether a reply was lost since [`lose_reply_to`](Self::lose_reply_to).
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

/// The treatment of a chunk of data.
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
/// Short enough that many delays in one request stay below a time-out.
const DELAY: Duration = Duration::from_millis(10);

/// Whether these bytes contain the command, which is then cleared.
fn takes(command: &Mutex<Option<&'static str>>, bytes: &[u8]) -> bool {
    let command = &mut *command.lock().unwrap();
    command.take_if(|it| contains(bytes, it)).is_some()
}

fn contains(bytes: &[u8], command: &str) -> bool {
    bytes
        .windows(command.len())
        .any(|part| part == command.as_bytes())
}
