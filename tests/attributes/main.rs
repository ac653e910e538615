//! Every attribute of `#[derive(Session)]`, by what it does to requests.

mod deadline;
mod exclusive;
mod layout;
mod merge;
mod name;
mod outcome;
mod presence;
mod rotation;
mod until;
mod validation;
mod view;
mod visibility;
mod whole;
