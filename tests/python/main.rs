//! Tests with the Python library from PyPI, behind one cookie. `tests/run python` installs the library and runs the
//! tests.

mod deployment;
mod foreign;
mod neighbour;
mod reading;
mod sharing;
