//! Real servers for tests, each with its own port, folder and process.

mod folder;
pub mod mariadb;
pub mod nats;
mod ports;
pub mod postgres;
mod program;
pub mod redis;

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

pub use self::folder::Folder;
pub use self::ports::free_port;
pub use self::program::Program;

/// A server that runs until it is stopped or dropped, or until this process ends, even by a crash.
///
/// A server that many tests share may stay in a `static`: it leaves nothing behind.
#[derive(Debug)]
pub struct Server {
    port: u16,
    readiness: &'static str,
    keeper: Mutex<Keeper>,
    folder: Folder,
}

impl Server {
    /// Describes a server without starting it. `command` gets the folder and the port.
    ///
    /// # Panics
    /// If there is no shell.
    #[must_use]
    pub fn new(folder: Folder, port: u16, command: &Command) -> Self {
        let keeper = Mutex::new(Keeper::new(folder.path(), command));
        Self {
            port,
            readiness: "",
            keeper,
            folder,
        }
    }

    /// Sets the log text that shows that the server is ready, for a server that listens before it can answer.
    #[must_use]
    pub fn ready_when(mut self, it_says: &'static str) -> Self {
        self.readiness = it_says;
        self
    }

    /// Starts the server, and waits until it is ready.
    ///
    /// # Panics
    /// If the server does not start. The message has the end of its output.
    pub fn start(&self) {
        let before = self.log().len();
        self.order("start");
        for _ in 0..ATTEMPTS {
            let said = self.log().split_off(before);
            if said.contains(self.readiness) && TcpStream::connect(self.address()).is_ok() {
                return;
            }
            if self.order("look") != "runs" {
                break;
            }
            thread::sleep(PAUSE);
        }
        panic!("the server is not ready:\n{}", self.log());
    }

    /// Kills the server as a crash would, so that data not yet written is lost.
    pub fn kill(&self) {
        self.order("kill");
    }

    /// Asks the server to stop, and waits until it has stopped.
    pub fn stop(&self) {
        self.order("stop");
    }

    /// Freezes the server: connections stay open, but it does not answer.
    pub fn freeze(&self) {
        self.order("freeze");
    }

    /// Continues the server after [`freeze`](Self::freeze).
    pub fn thaw(&self) {
        self.order("thaw");
    }

    /// The server's port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address on which the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The server's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's output so far.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.join(LOG)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn order(&self, order: &str) -> String {
        self.keeper.lock().unwrap().order(order)
    }
}

/// A shell that starts and stops the server by its pid. When its input ends, this process has ended; the shell then
/// stops the server, deletes its files and exits.
#[derive(Debug)]
struct Keeper {
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    fn new(folder: &Path, command: &Command) -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .arg(folder)
            .arg(command.get_program())
            .args(command.get_args())
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        Self {
            orders: shell.stdin.take(),
            answers: BufReader::new(shell.stdout.take().expect("a pipe")),
            shell,
        }
    }

    fn order(&mut self, order: &str) -> String {
        let orders = self.orders.as_mut().expect("it is not dropped");
        writeln!(orders, "{order}").expect("the shell listens");
        let mut answer = String::new();
        self.answers
            .read_line(&mut answer)
            .expect("the shell answers");
        answer.trim().to_owned()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.shell.wait();
    }
}

const KEEPER: &str = r#"
trap '' INT TERM HUP
folder=$1; shift; pid= children=
# Whether a process is in one of these states, has gone, or was asked for so often that it never will be.
is() { grep -q "^State:.[$2]" "/proc/$1/status" || ! [ -e "/proc/$1/status" ] || [ "$((asked += 1))" -gt 2000 ]; }
# A server may have processes below it. One that is stopped begins no more, so that all get the signal. The system
# lets it go on if this happens as the processes above it end.
all() {
    asked=0
    until kill -STOP "$pid"; is "$pid" TZ; do :; done
    children=$(cat "/proc/$pid/task/$pid/children")
    kill "-$1" $children "$pid"
} 2>/dev/null
# What is left of it would keep the next one from starting.
gone() { asked=0; wait "$pid"; for child in $children; do until is "$child" Z; do :; done; done; pid= children=; } 2>/dev/null
while read -r order; do
    case $order in
        start) (trap - INT TERM HUP; exec "$@") </dev/null >>"$folder/log" 2>&1 & pid=$! ;;
        look) kill -0 "$pid" 2>/dev/null && { echo runs; continue; } ;;
        freeze) all STOP ;;
        thaw) all CONT ;;
        kill) all KILL; gone ;;
        stop) kill -TERM "$pid" 2>/dev/null; gone ;;
    esac
    echo done
done
[ -n "$pid" ] && { all KILL; gone; }
rm -rf -- "$folder"
"#;

/// Changes the owner of a folder to the user of [`Program::unprivileged`], if that is another user.
///
/// # Panics
/// If the owner cannot be changed.
pub fn hand_over(folder: &Path) {
    if program::is_root() {
        let mode = Permissions::from_mode(0o700);
        std::fs::set_permissions(folder, mode).expect("our own folder");
        run(Command::new("chown").arg("-R").arg("nobody").arg(folder));
    }
}

/// Runs a command to its end.
///
/// # Panics
/// If the command fails. The message has its output.
pub fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

const LOG: &str = "log";
/// Three minutes in total.
const ATTEMPTS: u32 = 9000;
const PAUSE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that listens, made from programs that every test machine has.
    fn listener() -> Server {
        let port = free_port();
        let mut python = Command::new("python3");
        python.args(["-m", "http.server", "--bind", "127.0.0.1"]);
        Server::new(Folder::new(), port, python.arg(port.to_string()))
    }

    #[test]
    fn a_server_starts_stops_and_leaves_nothing() {
        let server = listener();
        let (address, folder) = (server.address(), server.folder().to_owned());
        for end in [Server::kill, Server::stop] {
            server.start();
            assert!(TcpStream::connect(address).is_ok());
            end(&server);
            assert!(TcpStream::connect(address).is_err());
        }
        server.start();
        server.freeze();
        drop(server);
        assert!(TcpStream::connect(address).is_err());
        assert!(!folder.exists());
    }

    /// Like PostgreSQL, this server has a process per connection and writes to its log continuously.
    const BUSY: &str = r#"
import os, signal, socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
children = []
while True:
    child = os.fork()
    while not child:
        print("here", flush=True)
        time.sleep(0.002)
    children.append(child)
    if len(children) > 8:
        os.kill(children.pop(0), signal.SIGKILL)
"#;

    #[test]
    fn processes_that_a_server_begins_meanwhile_are_frozen_and_killed_with_it() {
        let port = free_port();
        let mut python = Command::new("python3");
        python.args(["-c", BUSY]).arg(port.to_string());
        let server = Server::new(Folder::new(), port, &python);
        let writes = || {
            let before = server.log().len();
            thread::sleep(10 * PAUSE);
            server.log().len() > before
        };
        let at_last = |expected| (0..100).any(|_| writes() == expected);
        for end in [Server::freeze, Server::freeze, Server::kill, Server::kill] {
            server.start();
            assert!(at_last(true));
            end(&server);
            assert!(at_last(false), "one of them goes on");
            server.kill();
        }
    }
}
