//! A headless browser: Chromium, or Firefox if `BROWSER=firefox` is set.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::chromium::Chromium;
use crate::firefox::Firefox;
use crate::process::build;

/// A browser with a separate profile, so it shares no cookies. Dropping it closes it.
#[derive(Debug)]
pub struct Browser(Engine);

#[derive(Debug)]
enum Engine {
    Chromium(Chromium),
    Firefox(Firefox),
}

impl Browser {
    /// Opens a browser with one tab.
    ///
    /// # Panics
    /// If the browser is not installed. The message says what to install.
    #[must_use]
    pub fn open() -> Self {
        match std::env::var("BROWSER").as_deref() {
            Ok("firefox") => Self(Engine::Firefox(Firefox::open())),
            _ => Self::chromium_with(&[]),
        }
    }

    /// Opens Chromium with additional command-line options.
    ///
    /// # Panics
    /// The same as [`open`](Self::open).
    #[must_use]
    pub fn chromium_with(options: &[String]) -> Self {
        Self(Engine::Chromium(Chromium::open_with(options)))
    }

    /// Closes Chromium, and opens it again with the same profile.
    ///
    /// # Panics
    /// The same as [`open`](Self::open), and if it is not Chromium.
    #[must_use]
    pub fn reopen_with(self, options: &[String]) -> Self {
        let Engine::Chromium(chromium) = self.0 else {
            panic!("this is no Chromium");
        };
        Self(Engine::Chromium(chromium.reopen_with(options)))
    }

    /// The name by which the shop lists the browser.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.0 {
            Engine::Chromium(_) => "Chrome",
            Engine::Firefox(_) => "Firefox",
        }
    }

    /// Goes to a page, and waits until it is loaded.
    pub fn go(&self, url: &str) {
        self.ask("Navigate", &json!({ "url": url }));
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
        let tab = self.ask("NewWindow", &json!({ "type": kind }));
        self.switch(tab["handle"].as_str().expect("a tab"));
    }

    /// The current tab.
    #[must_use]
    pub fn tab(&self) -> String {
        let tab = self.ask("GetWindowHandle", &json!({}));
        tab.as_str().expect("a tab").to_owned()
    }

    /// Switches to this tab.
    pub fn switch(&self, tab: &str) {
        self.ask("SwitchToWindow", &json!({ "handle": tab }));
    }

    /// Clicks on the first element that matches this CSS selector, and waits for the next page.
    ///
    /// # Panics
    /// If there is no such element, or no page follows.
    pub fn click(&self, selector: &str) {
        let is_clicked = (0..ATTEMPTS).any(|_| {
            let element = self.find(selector);
            self.run("window.isFormerPage = true");
            match self.answer("ElementClick", &json!({ "id": element })) {
                Ok(_) => true,
                // The page has replaced the element since it was found.
                Err(problem) if problem.contains("stale element reference") => false,
                Err(problem) => panic!("{selector}: {problem}"),
            }
        });
        assert!(is_clicked, "{selector} is replaced all the time");
        // The driver waits for pages of the same site only.
        let is_there = "return !window.isFormerPage && document.readyState === 'complete'";
        assert!(self.becomes(is_there, true), "{selector} leads nowhere");
    }

    /// Types into the field that matches this CSS selector.
    pub fn fill(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.ask("ElementSendKeys", &json!({ "id": element, "text": text }));
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
        let place = "return document.readyState === 'complete' && location.href";
        assert!(
            self.becomes(place, address),
            "{address} is not reached; there is:\n{}",
            self.text()
        );
    }

    /// Runs this function body in the page, and waits if it returns a promise.
    #[expect(
        clippy::must_use_candidate,
        reason = "many a script is run for what it does"
    )]
    pub fn run(&self, script: &str) -> Value {
        self.ask("ExecuteScript", &json!({ "script": script, "args": [] }))
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

    /// Whether this function body returns this value, now or in a minute.
    fn becomes(&self, script: &str, value: impl Into<Value>) -> bool {
        let (script, value) = (json!({ "script": script, "args": [] }), value.into());
        (0..ATTEMPTS).any(|_| {
            // Between two pages, the script fails.
            let answer = self.answer("ExecuteScript", &script);
            let is_there = answer.is_ok_and(|there| there == value);
            if !is_there {
                thread::sleep(PAUSE);
            }
            is_there
        })
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
        let cookies = self.ask("GetCookies", &json!({}));
        cookies.as_array().expect("a list").clone()
    }

    /// The cookie of this name that the browser would send to the page.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<Value> {
        let cookies = self.cookies();
        cookies.into_iter().find(|cookie| cookie["name"] == name)
    }

    /// Deletes a cookie of the page.
    pub fn forget(&self, name: &str) {
        self.ask("DeleteCookie", &json!({ "name": name }));
    }

    /// Saves a screenshot of the page in `target/browser`.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn picture(&self, name: &str) {
        let picture = self.ask("TakeScreenshot", &json!({ "full": false }));
        let bytes = STANDARD.decode(picture.as_str().expect("a picture"));
        let folder = pictures();
        std::fs::create_dir_all(&folder).expect("the folder of the build");
        let file = match self.0 {
            Engine::Chromium(_) => format!("{name}.png"),
            Engine::Firefox(_) => format!("{name}-firefox.png"),
        };
        std::fs::write(folder.join(file), bytes.expect("Base64")).expect("a file");
    }

    fn find(&self, selector: &str) -> String {
        let query = json!({ "using": "css selector", "value": selector });
        let element = self.ask("FindElement", &query);
        let id = element.as_object().and_then(|names| names.values().next());
        id.and_then(Value::as_str).expect("an element").to_owned()
    }

    fn ask(&self, command: &str, arguments: &Value) -> Value {
        self.answer(command, arguments)
            .unwrap_or_else(|problem| panic!("{command} {arguments}: {problem}"))
    }

    /// Sends a command of WebDriver, by its name in the standard.
    fn answer(&self, command: &str, arguments: &Value) -> Result<Value, String> {
        match &self.0 {
            Engine::Chromium(chromium) => chromium.answer(command, arguments),
            Engine::Firefox(firefox) => firefox.answer(command, arguments),
        }
    }
}

/// Only in Chromium.
impl Browser {
    /// Adds a virtual authenticator for passkeys, whose user consents to everything.
    pub fn add_authenticator(&self) {
        let kind = json!({
            "protocol": "ctap2", "transport": "internal",
            "hasResidentKey": true, "hasUserVerification": true, "isUserVerified": true,
        });
        self.ask("AddVirtualAuthenticator", &kind);
    }

    /// Deletes a cookie of the page at `url`.
    pub fn forget_at(&self, url: &str, name: &str) {
        self.devtools(
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
        let answer = self.devtools("Network.setCookie", &cookie);
        assert_eq!(answer["success"], true, "{cookie}");
    }

    /// Sets the size of the screen. A narrow screen counts as a phone's.
    pub fn resize(&self, (width, height): (u32, u32)) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    fn devtools(&self, command: &str, options: &Value) -> Value {
        let arguments = json!({ "cmd": command, "params": options });
        self.ask("ExecuteCdp", &arguments)
    }
}

fn pictures() -> PathBuf {
    let target = build();
    target
        .parent()
        .expect("the folder of builds")
        .join("browser")
}

/// How long a browser may take to answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// A minute in total.
const ATTEMPTS: u32 = 3000;
const PAUSE: Duration = Duration::from_millis(20);
