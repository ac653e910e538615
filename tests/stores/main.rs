//! Every store against the contract.

mod memory;
mod wrong;
