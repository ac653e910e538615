//! Applications that use starsessions: see the `*.rs` files beside this folder.
