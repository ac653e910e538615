//! PostgreSQL and PgBouncer.

use std::net::Ipv4Addr;

use super::{Folder, Program, Server, free_port, hand_over, program, run};

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

/// A PgBouncer before it, in transaction mode: each statement gets one of so many
/// connections for it.
///
/// # Panics
/// If it is not installed, or does not start.
#[must_use]
pub fn pgbouncer(server: &Server, connections: u32) -> Server {
    let (folder, port) = (Folder::new(), free_port());
    let settings = folder.join("settings");
    let address = server.address();
    let text = format!(
        "[databases]\n* = host={} port={} user=postgres\n\
         [pgbouncer]\nauth_type = any\npool_mode = transaction\ndefault_pool_size = {connections}\n\
         listen_addr = {}\nlisten_port = {port}\nunix_socket_dir =\n\
         ignore_startup_parameters = extra_float_digits\n",
        address.ip(),
        address.port(),
        address.ip()
    );
    std::fs::write(&settings, text).expect("our own folder");
    let mut command = Program::bundled("pgbouncer", "pgbouncer").command();
    // It refuses to run as root, but its libraries are where only we can read them.
    if program::is_root() {
        command.arg("--user=nobody");
    }
    let server = Server::new(folder, port, command.arg(settings));
    server.start();
    server
}

/// How to reach a database as the user who may do everything.
#[must_use]
pub fn url(server: &Server, database: &str) -> String {
    format!("postgres://postgres@{}/{database}", server.address())
}
