//! PostgreSQL and PgBouncer.

use std::net::Ipv4Addr;

use super::{Folder, Program, Server, free_port, hand_over, program, run};

/// Starts PostgreSQL with these settings on top of its defaults, for example `fsync=off`.
///
/// # Panics
/// If the server is not installed, or does not start.
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

/// Starts PgBouncer in front of a server, in transaction mode with this number of connections. Each transaction gets
/// one of these connections.
///
/// # Panics
/// If the server is not installed, or does not start.
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
    // PgBouncer refuses to run as root, but only this user can read its libraries.
    if program::is_root() {
        command.arg("--user=nobody");
    }
    let server = Server::new(folder, port, command.arg(settings));
    server.start();
    server
}

/// The URL of a database, as the superuser.
#[must_use]
pub fn url(server: &Server, database: &str) -> String {
    format!("postgres://postgres@{}/{database}", server.address())
}
