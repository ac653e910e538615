//! Ports for servers that a test starts later.

use std::hash::{BuildHasher, RandomState};
use std::iter::repeat_with;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::ops::Range;
use std::sync::Mutex;

/// A port without a listener. No other test gets this port while this process runs.
///
/// # Panics
/// If no port is free.
#[must_use]
pub fn free_port() -> u16 {
    let offset = || RandomState::new().hash_one(()) % RANGE.len() as u64;
    let mut ports = repeat_with(|| RANGE.start + offset() as u16).take(MANY);
    ports.find(|port| reserve(*port)).expect("a free port")
}

/// Reserves a port, if nothing listens there and no other process has reserved it. A process marks its ports by binding
/// the UDP socket of the same number, which no server here uses.
pub(super) fn reserve(port: u16) -> bool {
    static TAKEN: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
    let address = (Ipv4Addr::LOCALHOST, port);
    let (Ok(mark), Ok(_)) = (UdpSocket::bind(address), TcpListener::bind(address)) else {
        return false;
    };
    TAKEN.lock().unwrap().push(mark);
    true
}

/// Below the ephemeral ports of Linux, with room for the second port of a Cluster node, which is ten thousand higher.
const RANGE: Range<u16> = 10_000..22_000;
const MANY: usize = 10_000;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let ports: Vec<_> = (0..500).map(|_| free_port()).collect();
        assert_eq!(BTreeSet::from_iter(&ports).len(), ports.len());
        assert!(!reserve(ports[0]));
        // The TCP port stays free for the server.
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, ports[0])).is_ok());
    }
}
