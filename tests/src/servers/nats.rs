//! NATS with JetStream.

use std::net::Ipv4Addr;

use super::{Folder, Program, Server, free_port};

/// Starts a server with these options, which keeps its streams in its folder.
///
/// # Panics
/// If the server is not installed, or does not start.
#[must_use]
pub fn nats(options: &[&str]) -> Server {
    let folder = Folder::new();
    let port = free_port();
    let mut command = Program::find("nats-server").command();
    command
        .arg(format!("--addr={}", Ipv4Addr::LOCALHOST))
        .arg(format!("--port={port}"))
        .arg("--jetstream")
        .arg(format!("--store_dir={}", folder.join("streams").display()))
        .args(options);
    let server = Server::new(folder, port, &command).ready_when("Server is ready");
    server.start();
    server
}

/// The URL of a server.
#[must_use]
pub fn url(server: &Server) -> String {
    format!("nats://{}", server.address())
}
