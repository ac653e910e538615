//! Every store against the contract.

mod agreement;
mod memory;
mod mysql;
mod postgres;
mod redis;
mod sqlite;
mod wrong;
