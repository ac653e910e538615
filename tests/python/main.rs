//! Beside the Python library from PyPI, behind one cookie. `tests/run python` installs it and runs these.

mod deployment;
mod foreign;
mod neighbour;
mod reading;
mod sharing;
