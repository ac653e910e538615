//! Every attribute of `#[derive(Session)]`, by what it does to requests.

mod deadline;
mod presence;
