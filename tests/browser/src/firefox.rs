//! Headless Firefox, driven by [Marionette], its form of the WebDriver protocol: the same commands, as JSON over TCP.
//!
//! [Marionette]: https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;

use serde_json::{Value, json};

use crate::browser::PATIENCE;
use crate::folder::Folder;
use crate::process::Process;

/// A running Firefox. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Firefox {
    connection: TcpStream,
    _process: Process,
    _profile: Folder,
}

impl Firefox {
    pub(crate) fn open() -> Self {
        let profile = Folder::new();
        fs::write(profile.path().join("user.js"), PREFERENCES).expect("our own folder");
        let mut command = Command::new("firefox-esr");
        command
            .args(["--headless", "--marionette", "--no-remote", "--profile"])
            .arg(profile.path());
        let remedy = "install firefox-esr with: tests/run browser";
        let (process, line) = Process::start(&mut command, "Listening on port", remedy);
        let port = line.rsplit(' ').next().expect("a port");
        let port: u16 = port.parse().expect("a port");
        let connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("Firefox");
        connection
            .set_read_timeout(Some(PATIENCE))
            .expect("a time-out");
        let firefox = Self {
            connection,
            _process: process,
            _profile: profile,
        };
        // Firefox greets with the version of the protocol.
        firefox.receive().expect("a greeting");
        let wanted = json!({ "acceptInsecureCerts": true });
        firefox.answer("NewSession", &wanted).expect("a session");
        firefox
    }

    pub(crate) fn answer(&self, command: &str, arguments: &Value) -> Result<Value, String> {
        let request = json!([0, 1, format!("WebDriver:{command}"), arguments]).to_string();
        let framed = format!("{}:{request}", request.len());
        let sent = (&self.connection).write_all(framed.as_bytes());
        let answer = sent.and_then(|()| self.receive());
        let mut answer = answer.map_err(|error| error.to_string())?;
        match answer.as_array_mut().map(Vec::as_mut_slice) {
            Some([_, _, Value::Null, answer]) => Ok(match answer.get_mut("value") {
                Some(value) => value.take(),
                None => answer.take(),
            }),
            Some([_, _, error, _]) => Err(error.to_string()),
            _ => Err("not an answer".to_owned()),
        }
    }

    /// Receives one message: its length, a colon, and that many bytes of JSON.
    fn receive(&self) -> io::Result<Value> {
        let mut stream = &self.connection;
        let mut length = String::new();
        loop {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            match byte[0] {
                b':' => break,
                digit => length.push(digit.into()),
            }
        }
        let length = length.parse().map_err(io::Error::other)?;
        let mut message = vec![0; length];
        stream.read_exact(&mut message)?;
        Ok(serde_json::from_slice(&message)?)
    }
}

/// Firefox picks its port, and reaches this machine only: everything else goes to a proxy that does not exist.
const PREFERENCES: &str = r#"
user_pref("marionette.port", 0);
user_pref("network.proxy.type", 1);
user_pref("network.proxy.http", "127.0.0.1");
user_pref("network.proxy.http_port", 9);
user_pref("network.proxy.ssl", "127.0.0.1");
user_pref("network.proxy.ssl_port", 9);
"#;
