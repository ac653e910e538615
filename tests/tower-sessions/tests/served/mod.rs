//! Database servers.

use std::io::BufRead;
use std::process::{Child, Command, Stdio};

/// A database server for this test. The server stops when its input closes, at the latest when this process ends.
pub(crate) struct Served {
    pub(crate) url: String,
    process: Child,
}

impl Served {
    pub(crate) fn start(kind: &str) -> Self {
        let serve =
            std::env::var_os("SERVE").expect("SERVE: the program `serve`; use tests/run crates");
        let mut process = Command::new(serve)
            .arg(kind)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = std::io::BufReader::new(process.stdout.take().unwrap()).lines();
        let url = lines
            .map_while(Result::ok)
            .find(|line| line.contains("://"))
            .unwrap();
        Self {
            url: url.trim().to_owned(),
            process,
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
