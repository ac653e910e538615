//! PostgreSQL.

use std::net::Ipv4Addr;

use super::{Folder, Program, Server, free_port, hand_over, run};

/// A PostgreSQL that runs, with these settings on top of its defaults, as in `fsync=off`.
///
/// # Panics
/// If it is not installed, or does not start.
#[must_use]
pub fn postgres(settings: &[&str]) -> Server {
    let (folder, port) = (Folder::new(), free_port());
    hand_over(folder.path());
    let data = folder.join("data");
    run(Program::find("initdb")
        .unprivileged()
        .args([
            "--username=postgres",
            "--auth=trust",
            "--no-sync",
            "--locale=C",
        ])
        .args(["--encoding=UTF8", "--pgdata"])
        .arg(&data));
    let mut command = Program::find("postgres").unprivileged();
    command
        .arg("-D")
        .arg(&data)
        .args([
            "-h",
            &Ipv4Addr::LOCALHOST.to_string(),
            "-p",
            &port.to_string(),
        ])
        .arg("-k")
        .arg(folder.path());
    for setting in settings {
        command.args(["-c", setting]);
    }
    let server = Server::new(folder, port, &command);
    let server = server.ready_when("ready to accept connections");
    server.start();
    server
}

/// How to reach a database as the user who may do everything.
#[must_use]
pub fn url(server: &Server, database: &str) -> String {
    format!("postgres://postgres@{}/{database}", server.address())
}
