//! Sample values, in the order in which they are tried.
//!
//! They only have to pass the checks of types, so that the examination reaches the parts that follow. So the
//! list holds formats that are often validated, not likely values.

use super::sampler::Halt;

/// How many values are tried for one place.
pub(super) const ATTEMPTS: u8 = 33;

pub(super) fn number<T: TryFrom<i16>>(attempt: u8) -> Result<T, Halt> {
    let number = pick(NUMBERS, attempt)?;
    T::try_from(number).map_err(|_| Halt)
}

pub(super) fn boolean(attempt: u8) -> Result<bool, Halt> {
    pick(&[false, true], attempt)
}

pub(super) fn character(attempt: u8) -> Result<char, Halt> {
    pick(&['a', '0', 'A', '-', ' ', '\0'], attempt)
}

pub(super) fn text(attempt: u8) -> Result<&'static str, Halt> {
    pick(TEXTS, attempt)
}

pub(super) fn bytes(attempt: u8) -> Result<&'static [u8], Halt> {
    let length = pick(LENGTHS, attempt)?;
    ZEROS.get(..length).ok_or(Halt)
}

fn pick<T: Copy>(samples: &[T], attempt: u8) -> Result<T, Halt> {
    let sample = samples.get(usize::from(attempt));
    sample.copied().ok_or(Halt)
}

const NUMBERS: &[i16] = &[
    1, 0, 2, -1, 3, 4, 5, 7, 10, 12, 16, 18, 20, 24, 28, 30, 32, 50, 60, 64, 90, 100, 128, 200,
    255, 256, 365, 500, 1000, 1024, 2000, 8080, 32767,
];

const TEXTS: &[&str] = &[
    "",
    "a",
    "1",
    "aaaaaaaa",
    "a@example.com",
    "https://example.com/",
    "example.com",
    "00000000-0000-4000-8000-000000000000",
    "2020-01-01",
    "2020-01-01T00:00:00Z",
    "2020-01-01T00:00:00",
    "00:00:00",
    "127.0.0.1",
    "127.0.0.1:80",
    "::1",
    "[::1]:80",
    "+15555550100",
    "en",
    "en-US",
    "US",
    "USD",
    "UTC",
    "/",
    "#000000",
    "text/plain",
    "1.0.0",
    "00",
    "00000000",
    "00000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "AAAAAAAAAAAAAAAAAAAAAA==",
];

const LENGTHS: &[usize] = &[0, 16, 1, 2, 4, 6, 8, 12, 20, 24, 32, 33, 48, 64];

const ZEROS: &[u8] = &[0; 64];
