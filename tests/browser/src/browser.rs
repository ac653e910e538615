//! Headless Chromium, driven by the WebDriver protocol.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ureq::Agent;

use crate::folder::{Folder, build};
use crate::process::Process;

/// A browser with a separate profile, so it shares no cookies. Dropping it closes it.
#[derive(Debug)]
pub struct Browser {
    agent: Agent,
    session: String,
    pid: Option<u64>,
    _driver: Process,
    profile: Arc<Folder>,
}

impl Browser {
    /// Opens a browser with one tab.
    ///
    /// # Panics
    /// If Chromium and its driver are not installed. The message says what to install.
    #[must_use]
    pub fn open() -> Self {
        Self::open_with(&[])
    }

    /// Like [`open`](Self::open), with additional command-line options.
    ///
    /// # Panics
    /// The same as [`open`](Self::open).
    #[must_use]
    pub fn open_with(options: &[String]) -> Self {
        Self::open_in(Arc::default(), options)
    }

    /// Closes the browser, and opens it again with the same profile.
    ///
    /// # Panics
    /// The same as [`open`](Self::open).
    #[must_use]
    pub fn reopen_with(self, options: &[String]) -> Self {
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
            "goog:chromeOptions": { "args": arguments },
        } } });
        let agent = agent();
        let address = format!("http://127.0.0.1:{port}/session");
        let answer = ask(&agent, &address, &wanted);
        let id = answer["sessionId"].as_str().expect("a session").to_owned();
        Self {
            agent,
            session: format!("{address}/{id}"),
            pid: answer["capabilities"]["goog:processID"].as_u64(),
            _driver: driver,
            profile,
        }
    }

    /// Goes to a page, and waits until it is loaded.
    pub fn go(&self, url: &str) {
        self.ask("url", &json!({ "url": url }));
    }

    /// Opens another tab, and switches to it.
    pub fn new_tab(&self) {
        self.open_another("tab");
    }

    /// Opens a tab in a new window, and switches to it. Both windows are visible.
    pub fn new_window(&self) {
        self.open_another("window");
    }

    fn open_another(&self, kind: &str) {
        let tab = self.ask("window/new", &json!({ "type": kind }));
        self.switch(tab["handle"].as_str().expect("a tab"));
    }

    /// The current tab.
    #[must_use]
    pub fn tab(&self) -> String {
        self.read("window").as_str().expect("a tab").to_owned()
    }

    /// Switches to this tab.
    pub fn switch(&self, tab: &str) {
        self.ask("window", &json!({ "handle": tab }));
    }

    /// Clicks on the first element that matches this CSS selector, and waits for the next page.
    ///
    /// # Panics
    /// If there is no such element, or no page follows.
    pub fn click(&self, selector: &str) {
        let is_clicked = (0..ATTEMPTS).any(|_| {
            let element = self.find(selector);
            self.run("window.isFormerPage = true");
            let url = format!("{}/element/{element}/click", self.session);
            match answer(&self.agent, &url, &json!({})) {
                Ok(_) => true,
                // The page has replaced the element since it was found.
                Err(problem) if problem.contains("stale element reference") => false,
                Err(problem) => panic!("{selector}: {problem}"),
            }
        });
        assert!(is_clicked, "{selector} is replaced all the time");
        // The driver waits for pages of the same site only. Between two pages, the script fails.
        let url = format!("{}/execute/sync", self.session);
        let script = "return !window.isFormerPage && document.readyState === 'complete'";
        let question = json!({ "script": script, "args": [] });
        for _ in 0..ATTEMPTS {
            if answer(&self.agent, &url, &question).is_ok_and(|there| there == true) {
                return;
            }
            thread::sleep(PAUSE);
        }
        panic!("{selector} leads nowhere");
    }

    /// Types into the field that matches this CSS selector.
    pub fn fill(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.ask(
            &format!("element/{element}/value"),
            &json!({ "text": text }),
        );
    }

    /// The visible text of the page.
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.run("return document.body.innerText");
        text.as_str().expect("text").to_owned()
    }

    /// The path of the page.
    #[must_use]
    pub fn path(&self) -> String {
        let path = self.run("return location.pathname");
        path.as_str().expect("a path").to_owned()
    }

    /// Waits until the browser is at this address.
    ///
    /// # Panics
    /// If the browser does not get there.
    pub fn arrive(&self, address: &str) {
        // Between two pages, the script fails.
        let url = format!("{}/execute/sync", self.session);
        let script = "return document.readyState === 'complete' && location.href";
        let question = json!({ "script": script, "args": [] });
        for _ in 0..ATTEMPTS {
            if answer(&self.agent, &url, &question).is_ok_and(|there| there == address) {
                return;
            }
            thread::sleep(PAUSE);
        }
        panic!("{address} is not reached; there is:\n{}", self.text());
    }

    /// Adds a virtual authenticator for passkeys, whose user consents to everything.
    pub fn add_authenticator(&self) {
        let kind = json!({
            "protocol": "ctap2", "transport": "internal",
            "hasResidentKey": true, "hasUserVerification": true, "isUserVerified": true,
        });
        self.ask("webauthn/authenticator", &kind);
    }

    /// Runs this function body in the page, and waits if it returns a promise.
    #[expect(
        clippy::must_use_candidate,
        reason = "many a script is run for what it does"
    )]
    pub fn run(&self, script: &str) -> Value {
        self.ask("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until this condition is true in the page.
    pub fn wait_for(&self, condition: &str) {
        self.run(&format!(
            "return new Promise(done => {{
                const look = async () => {condition} ? done(true) : setTimeout(look, 20);
                look();
            }})"
        ));
    }

    /// The HTTP status of the page.
    #[must_use]
    pub fn status(&self) -> u64 {
        self.run("return performance.getEntriesByType('navigation')[0].responseStatus")
            .as_u64()
            .expect("a status")
    }

    /// All cookies that the browser would send to the page, with their attributes.
    #[must_use]
    pub fn cookies(&self) -> Vec<Value> {
        self.read("cookie").as_array().expect("a list").clone()
    }

    /// The cookie of this name that the browser would send to the page.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<Value> {
        let cookies = self.cookies();
        cookies.into_iter().find(|cookie| cookie["name"] == name)
    }

    /// Deletes a cookie of the page.
    pub fn forget(&self, name: &str) {
        let url = self.run("return location.href");
        self.forget_at(url.as_str().expect("an address"), name);
    }

    /// Deletes a cookie of the page at `url`.
    pub fn forget_at(&self, url: &str, name: &str) {
        self.command(
            "Network.deleteCookies",
            &json!({ "name": name, "url": url }),
        );
    }

    /// Sets a cookie that was copied from another browser.
    ///
    /// # Panics
    /// If the browser refuses the cookie.
    pub fn plant(&self, cookie: &Value) {
        let url = self.run("return location.href");
        let cookie = json!({
            "name": cookie["name"], "value": cookie["value"], "url": url, "path": "/",
            "secure": true, "httpOnly": true,
        });
        let answer = self.command("Network.setCookie", &cookie);
        assert_eq!(answer["success"], true, "{cookie}");
    }

    /// Sets the size of the screen. A narrow screen counts as a phone's.
    pub fn resize(&self, (width, height): (u32, u32)) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.command("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Saves a screenshot of the page in `target/browser`.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn picture(&self, name: &str) {
        let picture = self.command("Page.captureScreenshot", &json!({}));
        let picture = picture["data"].as_str().expect("a picture");
        let bytes = STANDARD.decode(picture).expect("Base64");
        let folder = pictures();
        std::fs::create_dir_all(&folder).expect("the folder of the build");
        std::fs::write(folder.join(format!("{name}.png")), bytes).expect("a file");
    }

    fn command(&self, name: &str, options: &Value) -> Value {
        self.ask(
            "goog/cdp/execute",
            &json!({ "cmd": name, "params": options }),
        )
    }

    fn find(&self, selector: &str) -> String {
        let query = json!({ "using": "css selector", "value": selector });
        let element = self.ask("element", &query);
        let id = element.as_object().and_then(|names| names.values().next());
        id.and_then(Value::as_str).expect("an element").to_owned()
    }

    fn ask(&self, command: &str, body: &Value) -> Value {
        ask(&self.agent, &format!("{}/{command}", self.session), body)
    }

    fn read(&self, what: &str) -> Value {
        let request = self.agent.get(format!("{}/{what}", self.session));
        value(request.call()).unwrap_or_else(|problem| panic!("{what}: {problem}"))
    }
}

impl Drop for Browser {
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

fn ask(agent: &Agent, url: &str, body: &Value) -> Value {
    answer(agent, url, body).unwrap_or_else(|problem| panic!("{url}: {problem}"))
}

fn answer(agent: &Agent, url: &str, body: &Value) -> Result<Value, String> {
    value(agent.post(url).send_json(body))
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

fn pictures() -> PathBuf {
    let target = build();
    target
        .parent()
        .expect("the folder of builds")
        .join("browser")
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

const PATIENCE: Duration = Duration::from_secs(60);
/// A minute in total.
const ATTEMPTS: u32 = 3000;
const PAUSE: Duration = Duration::from_millis(20);
