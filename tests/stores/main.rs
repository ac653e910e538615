//! Every store against the contract.

mod memory;
mod mysql;
mod sqlite;
mod wrong;
