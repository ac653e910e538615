//! Every store against the contract.

mod memory;
mod mysql;
mod postgres;
mod sqlite;
mod wrong;
