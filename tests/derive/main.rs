//! What `#[derive(Session)]` accepts, and what it means.

mod accepts;
