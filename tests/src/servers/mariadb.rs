//! MariaDB and MySQL.

use std::net::Ipv4Addr;
use std::process::Command;

use super::{Folder, Program, Server, free_port, hand_over, program, run};

/// A MariaDB that runs, with these options on top of its defaults.
///
/// # Panics
/// If it is not installed, or does not start.
#[must_use]
pub fn mariadb(options: &[&str]) -> Server {
    let folder = Folder::new();
    hand_over(folder.path());
    let mut install = Program::find("mariadb-install-db").unprivileged();
    install.args(["--no-defaults", "--skip-test-db", "--skip-name-resolve"]);
    install.arg("--auth-root-authentication-method=normal");
    run(install.args([data(&folder), temporary(&folder)]));
    let mut server = Program::find("mariadbd").unprivileged();
    server.arg("--no-defaults");
    start(folder, server, options)
}

/// A MySQL that runs, with these options on top of its defaults.
///
/// # Panics
/// If it is not installed, or does not start.
#[must_use]
pub fn mysql(options: &[&str]) -> Server {
    let folder = Folder::new();
    let program = || {
        let mut mysqld = Program::bundled("mysql", "mysqld").command();
        // Its libraries are where only we can read them.
        if program::is_root() {
            mysqld.arg("--user=root");
        }
        mysqld.args(["--secure-file-priv=NULL", "--mysqlx=OFF"]);
        mysqld
    };
    let mut initialize = program();
    initialize.arg("--initialize-insecure");
    run(initialize.args([data(&folder), temporary(&folder)]));
    start(folder, program(), options)
}

/// How to reach a database as the user who may do everything.
#[must_use]
pub fn url(server: &Server, database: &str) -> String {
    format!("mysql://root@{}/{database}", server.address())
}

fn start(folder: Folder, mut command: Command, options: &[&str]) -> Server {
    let port = free_port();
    command
        .arg(data(&folder))
        .arg(format!("--port={port}"))
        .arg(format!("--bind-address={}", Ipv4Addr::LOCALHOST))
        .arg(temporary(&folder))
        .arg(format!("--socket={}", folder.join("socket").display()))
        .arg(format!("--pid-file={}", folder.join("pid").display()))
        .args(options);
    let server = Server::new(folder, port, &command);
    server.start();
    server
}

/// A server that starts, to make its tables as well, removes what others have in a folder that they share.
fn temporary(folder: &Folder) -> String {
    format!("--tmpdir={}", folder.path().display())
}

fn data(folder: &Folder) -> String {
    format!("--datadir={}", folder.join("data").display())
}
