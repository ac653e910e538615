//! Guides: how to use it, what it defends against, why it is the way it is.

#[doc = include_str!("guide.md")]
pub mod guide {}

#[doc = include_str!("recipes.md")]
pub mod recipes {}

#[doc = include_str!("write_a_store.md")]
pub mod write_a_store {}

#[doc = include_str!("security.md")]
pub mod security {}

#[doc = include_str!("design.md")]
pub mod design {}

#[doc = include_str!("device_binding.md")]
pub mod device_binding {}

#[doc = include_str!("types.md")]
pub mod types {}

#[doc = include_str!("performance.md")]
#[doc = "# In pictures\n"]
#[doc = include_str!("performance.svg")]
pub mod performance {}

#[doc = include_str!("observability.md")]
pub mod observability {}

#[doc = include_str!("scaling.md")]
pub mod scaling {}

#[doc = include_str!("command.md")]
pub mod command {}

#[doc = include_str!("ecosystem.md")]
pub mod ecosystem {}

#[doc = include_str!("from_python.md")]
pub mod from_python {}

#[doc = include_str!("from_tower_sessions.md")]
pub mod from_tower_sessions {}

#[doc = include_str!("architecture.md")]
pub mod architecture {}
