//! The library as applications and browsers see it: requests in, responses out.

mod bearer;
mod csrf;
mod device;
mod events;
mod guarantees;
mod matrix;
mod observability;
mod pages;
mod recipes;
mod scenarios;
mod user;
