//! A breakable connection between the shop and its database server.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// A TCP proxy in front of a server, which can be cut and mended.
#[derive(Debug)]
pub struct Cable {
    port: u16,
    line: Arc<Mutex<Line>>,
}

#[derive(Debug, Default)]
struct Line {
    is_cut: bool,
    /// Both ends of each connection.
    ends: Vec<TcpStream>,
}

impl Cable {
    /// A proxy for the server at this port.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let line = Arc::new(Mutex::new(Line::default()));
        let cable = Arc::clone(&line);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let _ = lock(&cable).connect(&client, server);
            }
        });
        Self { port, line }
    }

    /// The port on which the proxy listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts all connections, and closes new ones.
    pub fn cut(&self) {
        let mut line = lock(&self.line);
        line.is_cut = true;
        for end in line.ends.drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Accepts new connections again.
    pub fn mend(&self) {
        lock(&self.line).is_cut = false;
    }
}

impl Line {
    fn connect(&mut self, client: &TcpStream, server: u16) -> io::Result<()> {
        if self.is_cut {
            return client.shutdown(Shutdown::Both);
        }
        let server = &TcpStream::connect((Ipv4Addr::LOCALHOST, server))?;
        for (from, to) in [(client, server), (server, client)] {
            let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
            self.ends.push(from.try_clone()?);
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
        }
        Ok(())
    }
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}
