//! MariaDB and MySQL.

use std::net::Ipv4Addr;
use std::process::Command;

use super::{Folder, Program, Server, free_port, hand_over, program, run};

/// Starts MariaDB with these options on top of its defaults.
///
/// # Panics
/// If the server is not installed, or does not start.
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

/// Starts MySQL with these options on top of its defaults.
///
/// # Panics
/// If the server is not installed, or does not start.
#[must_use]
pub fn mysql(options: &[&str]) -> Server {
    let folder = Folder::new();
    let program = || {
        let mut mysqld = Program::bundled("mysql", "mysqld").command();
        // Only this user can read the folder of MySQL's libraries.
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

/// The URL of a database, as the superuser.
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

/// An option for a separate temporary folder: a server that starts, also one that creates its tables, deletes the files
/// of others in a shared folder.
fn temporary(folder: &Folder) -> String {
    format!("--tmpdir={}", folder.path().display())
}

fn data(folder: &Folder) -> String {
    format!("--datadir={}", folder.join("data").display())
}
