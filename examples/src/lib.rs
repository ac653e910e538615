//! Code that the example applications share: a listening socket, and the error if there is none.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;

use tokio::net::TcpListener;

/// Listens on a local port (0: any free port) and prints the address to open.
///
/// # Errors
/// If the port is unavailable.
#[expect(clippy::print_stdout, reason = "it is for the person who starts it")]
pub async fn listen(port: u16) -> Result<TcpListener, Problem> {
    let listener = bind(port).await?;
    let address = listener.local_addr();
    let address = address.map_err(|error| Problem(error.to_string()))?;
    println!("Open http://{address}");
    Ok(listener)
}

/// Like [`listen`], but prints nothing.
///
/// # Errors
/// If the port is unavailable.
pub async fn bind(port: u16) -> Result<TcpListener, Problem> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await;
    listener.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => Problem(format!(
            "port {port} is in use by another program; choose another one with `--port`, or `--port 0`"
        )),
        _ => Problem(format!("cannot listen on port {port}: {error}")),
    })
}

/// The reason why a program does not start. `main` prints errors with `Debug`, so `Debug` shows the plain sentence.
pub struct Problem(pub String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Problem {}
