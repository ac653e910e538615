//! STUB until the real one lands.
#![allow(missing_docs)]
use http::{HeaderMap, HeaderValue};
use std::time::Duration;
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieBuilder(String);
#[derive(Clone, Debug)]
pub struct CookieConfig(String);
#[derive(Debug)]
pub struct CookieConfigError;
#[derive(Debug)]
pub enum SameSite { Lax, Strict, None }
impl std::fmt::Display for CookieConfigError { fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) } }
impl std::error::Error for CookieConfigError {}
impl CookieBuilder {
    pub fn local_development() -> Self { Self("id".to_owned()) }
    pub fn build(self) -> Result<CookieConfig, CookieConfigError> { Ok(CookieConfig(self.0)) }
    pub fn same_site(self, _: SameSite) -> Self { self }
}
impl Default for CookieConfig { fn default() -> Self { Self("__Host-Http-id".to_owned()) } }
impl CookieConfig {
    pub fn builder() -> CookieBuilder { CookieBuilder("__Host-Http-id".to_owned()) }
    pub fn local_development() -> Self { Self("id".to_owned()) }
    pub fn name(&self) -> &str { &self.0 }
    pub fn is_persistent(&self) -> bool { false }
    pub fn set(&self, value: &str, _: Option<Duration>) -> Result<HeaderValue, CookieConfigError> { HeaderValue::try_from(format!("{}={value}; HttpOnly; Path=/", self.0)).map_err(|_| CookieConfigError) }
    pub fn removal(&self) -> HeaderValue { HeaderValue::try_from(format!("{}=; HttpOnly; Path=/; Max-Age=0", self.0)).unwrap() }
}
pub(crate) struct Candidates(std::vec::IntoIter<&'static [u8]>, Vec<Vec<u8>>);
impl Candidates { pub fn has_duplicates(&self) -> bool { self.1.len() > 1 } pub fn map<T>(self, _: fn(&[u8]) -> T) -> std::vec::IntoIter<Vec<u8>> { self.1.into_iter() } }
pub(crate) fn candidates(headers: &HeaderMap, name: &str) -> Candidates {
    let mut v = vec![];
    for h in headers.get_all("cookie") { for p in h.to_str().unwrap_or("").split(';') { if let Some((n, x)) = p.trim().split_once('=') { if n == name { v.push(x.as_bytes().to_vec()); } } } }
    Candidates(vec![].into_iter(), v)
}
