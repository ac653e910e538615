//! The text of the lock file, which people read in the diff of a commit.
//!
//! ```text
//! login.user  version 1, bincode, last, required, index: u64
//!     5fd12a08 0101082ad15f01
//! removed shop.coupon  version 2, json, last: u32
//!     ..
//! ```
//!
//! Below a field are sample values as they are stored, one for each set of names and kinds that occurs in values of
//! its type, each after the hash of its set.

use std::collections::BTreeMap;
use std::fmt;

/// The fields by their stored names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lock(pub(super) BTreeMap<String, Recorded>);

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    /// No type has the field any more, but live sessions may.
    pub(super) is_removed: bool,
    pub(super) version: u32,
    pub(super) codec: String,
    pub(super) merge: String,
    pub(super) is_required: bool,
    pub(super) is_index: bool,
    /// For messages only: another compiler may give the same type another name.
    pub(super) type_name: String,
    /// The samples by their marks.
    pub(super) samples: BTreeMap<u32, Vec<u8>>,
}

impl Lock {
    /// The lock in this text, or the number of the first malformed line.
    pub(super) fn parse(text: &str) -> Result<Self, usize> {
        let mut lock = Self::default();
        let mut field = None;
        for (line, number) in text.lines().zip(1_usize..) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(sample) = line.strip_prefix(INDENT) {
                let (mark, bytes) = parse_sample(sample).ok_or(number)?;
                let field = field.and_then(|name: &str| lock.0.get_mut(name));
                field.ok_or(number)?.samples.insert(mark, bytes);
                continue;
            }
            let (name, recorded) = parse_field(line).ok_or(number)?;
            lock.0.insert(name.to_owned(), recorded);
            field = Some(name);
        }
        Ok(lock)
    }
}

fn parse_field(line: &str) -> Option<(&str, Recorded)> {
    let (line, is_removed) = match line.strip_prefix(REMOVED) {
        Some(line) => (line, true),
        None => (line, false),
    };
    let (name, rest) = line.split_once("  version ")?;
    let (about, type_name) = rest.split_once(": ")?;
    let mut about = about.split(", ");
    let version = about.next()?.parse().ok()?;
    let (codec, merge) = (about.next()?.to_owned(), about.next()?.to_owned());
    let (mut is_required, mut is_index) = (false, false);
    for rule in about {
        match rule {
            REQUIRED => is_required = true,
            INDEX => is_index = true,
            _ => return None,
        }
    }
    let type_name = type_name.to_owned();
    let recorded = Recorded {
        is_removed,
        version,
        codec,
        merge,
        is_required,
        is_index,
        type_name,
        samples: BTreeMap::new(),
    };
    (!name.is_empty()).then_some((name, recorded))
}

fn parse_sample(line: &str) -> Option<(u32, Vec<u8>)> {
    let (mark, digits) = line.split_once(' ')?;
    let mark = u32::from_str_radix(mark, 16).ok()?;
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let bytes = pairs.iter().map(|pair| {
        let digits = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(digits, 16).ok()
    });
    Some((mark, bytes.collect::<Option<_>>()?))
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        for (name, field) in &self.0 {
            let removed = if field.is_removed { REMOVED } else { "" };
            write!(
                f,
                "{removed}{name}  version {}, {}, {}",
                field.version, field.codec, field.merge
            )?;
            for (rule, holds) in [(REQUIRED, field.is_required), (INDEX, field.is_index)] {
                if holds {
                    write!(f, ", {rule}")?;
                }
            }
            writeln!(f, ": {}", field.type_name)?;
            for (mark, bytes) in &field.samples {
                write!(f, "{INDENT}{mark:08x} ")?;
                for byte in bytes {
                    write!(f, "{byte:02x}")?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

const HEAD: &str = "\
# What live sessions hold: each stored field, and made-up values of it. Written by `SchemaLock` of starsessions;
# run its test with UPDATE_SCHEMA=1 after a change, and commit this file.
";
const INDENT: &str = "    ";
const REMOVED: &str = "removed ";
const REQUIRED: &str = "required";
const INDEX: &str = "index";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_none_is_counted() {
        let field = "a.b  version 1, bincode, last: u64";
        for (text, line) in [
            ("<<<<<<< HEAD", 1),
            ("# x\n\n    00000001 00", 3),
            (&format!("{field}\n    00000001 0"), 2),
            (&format!("{field}\n    0000000g 00"), 2),
            (&format!("{field}\n    00000001 \u{e9}\u{e9}"), 2),
            ("a.b  version x, bincode, last: u64", 1),
            ("a.b  version 1, bincode: u64", 1),
            ("  version 1, bincode, last: u64", 1),
            ("a.b  version 1, bincode, last, requested: u64", 1),
        ] {
            assert_eq!(Lock::parse(text), Err(line), "{text}");
        }
    }
}
