//! The derive macro of starsessions. Use it through the `starsessions` crate, where it is documented.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

use proc_macro::TokenStream;

/// Makes a struct a typed session; documented where `starsessions` re-exports it.
#[proc_macro_derive(Session, attributes(session))]
pub fn session(_input: TokenStream) -> TokenStream {
    TokenStream::new()
}
