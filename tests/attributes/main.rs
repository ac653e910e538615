//! Every attribute of `#[derive(Session)]`, by what it does to requests.

mod deadline;
mod exclusive;
mod merge;
mod presence;
mod rotation;
