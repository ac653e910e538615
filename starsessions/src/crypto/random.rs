//! Random bytes, straight from the operating system. No other file asks for them.
//!
//! No generator of our own sits in between, so a forked process or a restored virtual machine
//! never repeats its past.

use crate::sentence::{debug_as_sentence, sentences};

/// The operating system gave no usable random bytes.
///
/// The request that needed them must fail; there is no fallback. The error occurs in containers without a random device
/// and very early at boot.
pub struct RandomError(Cause);

#[derive(Debug)]
enum Cause {
    /// One byte, repeated: a generator that is broken or stubbed out.
    Constant,
    System(getrandom::Error),
}

pub(super) fn fill(bytes: &mut [u8]) -> Result<(), RandomError> {
    system(bytes).map_err(|error| RandomError(Cause::System(error)))?;
    if bytes.len() >= CHECKED && all_equal(bytes) {
        return Err(RandomError(Cause::Constant));
    }
    Ok(())
}

/// Random bytes for an id that is made outside this module.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

fn all_equal(bytes: &[u8]) -> bool {
    bytes
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if a == b))
}

#[cfg(not(test))]
use getrandom::fill as system;

debug_as_sentence!(RandomError);

sentences! { RandomError:
    Self(Cause::Constant) => "the operating system's random generator returned one byte over and over; replace or repair it \
        before serving sessions";
    Self(Cause::System(error)) => "the operating system returned no random bytes; make its random source available to this \
        process", from error;
}

/// From this length on, equal bytes are no accident: their probability is 2^-120.
const CHECKED: usize = 16;

#[cfg(test)]
pub(super) use scripted::{Script, system, with};

/// Random sources that tests choose, one thread at a time.
#[cfg(test)]
mod scripted {
    use std::cell::RefCell;

    use sha2::{Digest, Sha256};

    pub(crate) enum Script {
        /// Fails from this call on; the calls before it are served by the system.
        FailFrom(u32),
        /// One byte, for ever.
        Constant(u8),
        /// The same bytes for the same seed: SHA-256(seed, call, block).
        Seeded { seed: u64, calls: u64 },
    }

    thread_local! {
        static SCRIPT: RefCell<Option<Script>> = const { RefCell::new(None) };
    }

    /// Runs `test` with random bytes from `script`.
    pub(crate) fn with<T>(script: Script, test: impl FnOnce() -> T) -> T {
        struct Restore(Option<Script>);
        impl Drop for Restore {
            fn drop(&mut self) {
                SCRIPT.set(self.0.take());
            }
        }
        let _restore = Restore(SCRIPT.replace(Some(script)));
        test()
    }

    pub(crate) fn system(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
        SCRIPT.with_borrow_mut(|script| match script {
            None => getrandom::fill(bytes),
            Some(Script::FailFrom(0)) => Err(getrandom::Error::UNEXPECTED),
            Some(Script::FailFrom(calls)) => {
                *calls -= 1;
                getrandom::fill(bytes)
            }
            Some(Script::Constant(byte)) => {
                bytes.fill(*byte);
                Ok(())
            }
            Some(Script::Seeded { seed, calls }) => {
                for (block, chunk) in bytes.chunks_mut(32).enumerate() {
                    let mut hash = Sha256::new();
                    hash.update(seed.to_le_bytes());
                    hash.update(calls.to_le_bytes());
                    hash.update((block as u64).to_le_bytes());
                    chunk.copy_from_slice(&hash.finalize()[..chunk.len()]);
                }
                *calls += 1;
                Ok(())
            }
        })
    }
}
