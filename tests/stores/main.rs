//! Every store against the contract.

mod agreement;
mod memory;
mod mysql;
mod sqlite;
mod wrong;
