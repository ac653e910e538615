//! MariaDB and MySQL.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use super::{Folder, Program, Server, free_port, hand_over, run};

/// A MariaDB that runs, with these options on top of its defaults.
///
/// # Panics
/// If it is not installed, or does not start.
#[must_use]
pub fn mariadb(options: &[&str]) -> Server {
    let folder = Folder::new();
    hand_over(folder.path());
    run(Program::find("mariadb-install-db")
        .unprivileged()
        .args(["--no-defaults", "--skip-test-db"])
        .args([
            "--auth-root-authentication-method=normal",
            "--skip-name-resolve",
        ])
        .arg(data(folder.path())));
    start(folder, Program::find("mariadbd").unprivileged(), options)
}

/// How to reach a database as the user who may do everything.
#[must_use]
pub fn url(server: &Server, database: &str) -> String {
    format!("mysql://root@{}/{database}", server.address())
}

fn start(folder: Folder, mut command: Command, options: &[&str]) -> Server {
    let port = free_port();
    command
        .arg("--no-defaults")
        .arg(data(folder.path()))
        .arg(format!("--port={port}"))
        .arg(format!("--bind-address={}", Ipv4Addr::LOCALHOST))
        .arg(format!("--socket={}", folder.join("socket").display()))
        .arg(format!("--pid-file={}", folder.join("pid").display()))
        .args(options);
    let server = Server::new(folder, port, &command);
    server.start();
    server
}

fn data(folder: &Path) -> String {
    format!("--datadir={}", folder.join("data").display())
}
