//! Every store against the contract.

mod agreement;
mod memory;
mod mysql;
mod postgres;
mod sqlite;
mod wrong;
