//! Checks of the repository's own statements: the front page, the architecture, the examples, the tests.

mod architecture;
mod commands;
mod examples;
mod numbers;
mod readme;
mod source;

#[path = "../../examples/counter.rs"]
#[expect(dead_code, reason = "`main` is not called")]
pub mod counter;
#[path = "../../examples/shop/main.rs"]
#[expect(dead_code, reason = "`main` is not called")]
#[expect(unexpected_cfgs, reason = "its features are those of the examples")]
pub mod shop;
#[path = "../../examples/socket.rs"]
#[expect(dead_code, reason = "`main` is not called")]
pub mod socket;
