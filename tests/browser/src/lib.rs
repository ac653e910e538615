//! Shared code for the tests in a real browser: the browser, the examples and their environment.

mod bound;
mod browser;
mod cable;
mod chromium;
mod clock;
mod elsewhere;
mod example;
mod firefox;
#[path = "../../src/servers/folder.rs"]
mod folder;
mod gate;
mod process;
mod shop;

pub use self::bound::BoundSite;
pub use self::browser::Browser;
pub use self::cable::Cable;
pub use self::elsewhere::Elsewhere;
pub use self::example::{Example, Provider};
pub use self::folder::Folder;
pub use self::gate::{Gate, Held};
pub use self::process::Process;
pub use self::shop::{Shop, Store};
