//! Headless Chromium, driven by the WebDriver protocol.

use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use ureq::Agent;

use crate::browser::PATIENCE;
use crate::folder::Folder;
use crate::process::Process;

/// A running Chromium. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Chromium {
    agent: Agent,
    session: String,
    pid: Option<u64>,
    _driver: Process,
    profile: Arc<Folder>,
}

impl Chromium {
    pub(crate) fn open_with(options: &[String]) -> Self {
        Self::open_in(Arc::default(), options)
    }

    pub(crate) fn reopen_with(self, options: &[String]) -> Self {
        let profile = Arc::clone(&self.profile);
        drop(self);
        Self::open_in(profile, options)
    }

    fn open_in(profile: Arc<Folder>, options: &[String]) -> Self {
        let (driver, line) = driver();
        let port = line
            .trim_end_matches('.')
            .rsplit(' ')
            .next()
            .expect("a port");
        let mut arguments: Vec<String> = ARGUMENTS.map(str::to_owned).into();
        arguments.extend_from_slice(options);
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "acceptInsecureCerts": true,
            "goog:chromeOptions": { "args": arguments },
        } } });
        let agent = agent();
        let address = format!("http://127.0.0.1:{port}/session");
        let answer = value(agent.post(&address).send_json(&wanted)).expect("a session");
        let id = answer["sessionId"].as_str().expect("its id").to_owned();
        Self {
            agent,
            session: format!("{address}/{id}"),
            pid: answer["capabilities"]["goog:processID"].as_u64(),
            _driver: driver,
            profile,
        }
    }

    pub(crate) fn answer(&self, command: &str, arguments: &Value) -> Result<Value, String> {
        let place = |what: &str| format!("{}/{what}", self.session);
        let of_element = |what: &str| {
            let id = arguments["id"].as_str().expect("an element");
            place(&format!("element/{id}/{what}"))
        };
        let url = match command {
            "Navigate" => place("url"),
            "NewWindow" => place("window/new"),
            "SwitchToWindow" => place("window"),
            "FindElement" => place("element"),
            "ElementClick" => of_element("click"),
            "ElementSendKeys" => of_element("value"),
            "ExecuteScript" => place("execute/sync"),
            "AddVirtualAuthenticator" => place("webauthn/authenticator"),
            "ExecuteCdp" => place("goog/cdp/execute"),
            "GetWindowHandle" => return value(self.agent.get(place("window")).call()),
            "GetCookies" => return value(self.agent.get(place("cookie")).call()),
            "TakeScreenshot" => return value(self.agent.get(place("screenshot")).call()),
            "DeleteCookie" => {
                let name = arguments["name"].as_str().expect("a name");
                let cookie = place(&format!("cookie/{name}"));
                return value(self.agent.delete(cookie).call());
            }
            other => panic!("{other} has no path here"),
        };
        value(self.agent.post(url).send_json(arguments))
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        if self.agent.delete(&self.session).call().is_ok() {
            return;
        }
        if let Some(pid) = self.pid {
            let _ = Command::new("kill")
                .args(["-KILL", &pid.to_string()])
                .status();
        }
    }
}

/// Starts the driver, with retries: it picks a port that is free on IPv4, and exits if another process uses that port
/// on IPv6.
fn driver() -> (Process, String) {
    let remedy = "install chromium and chromium-driver with: tests/run browser";
    let sign = "started successfully on port";
    let mut command = Command::new("chromedriver");
    command.arg("--port=0");
    (0..3)
        .find_map(|_| Process::try_start(&mut command, sign, remedy))
        .unwrap_or_else(|| Process::start(&mut command, sign, remedy))
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build()
        .into()
}

fn value(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, String> {
    let mut answer = answer.map_err(|error| error.to_string())?;
    let json: Value = answer
        .body_mut()
        .read_json()
        .map_err(|error| error.to_string())?;
    let value = json["value"].clone();
    if answer.status().is_success() {
        Ok(value)
    } else {
        Err(value.to_string())
    }
}

/// Disables features that need a screen or that tests do not use. The sandbox does not work for root.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];
