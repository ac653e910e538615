//! Every store against the contract.

mod memory;
mod sqlite;
mod wrong;
