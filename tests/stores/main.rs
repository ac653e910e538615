//! Tests of every store against the contract.

mod agreement;
mod faults;
mod memory;
mod mysql;
mod nats;
mod postgres;
mod proxy;
mod redis;
mod sql;
mod sqlite;
mod wrong;
