//! Every store against the contract.

mod memory;
