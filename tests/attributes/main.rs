//! Every attribute of `#[derive(Session)]`, by its effect on requests.

mod deadline;
mod exclusive;
mod flash;
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
