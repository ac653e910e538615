//! Messages for the next page that somebody looks at.

use http::Method;
use http::header::HeaderName;
use http::request::Parts;

use super::Slot;
use crate::record::Record;
use crate::schema::Schema;

impl Slot {
    /// Notes whether anybody is there to look at the response.
    pub(crate) fn look_out(&self, parts: &Parts) {
        if is_unseen(parts) {
            self.set_unseen();
        }
    }
}

/// Takes the messages out of what a view is made from. Whoever does not see them cannot take them.
pub(super) fn hide(schema: &'static Schema, record: Option<&mut Record>) {
    let Some(record) = record else { return };
    for spec in schema.fields.iter().filter(|spec| spec.flash) {
        for name in std::iter::once(&spec.name).chain(spec.aliases) {
            record.fields.remove(name);
        }
    }
}

/// A `HEAD`, or what a browser fetches before anybody wants it, and may throw away.
fn is_unseen(parts: &Parts) -> bool {
    parts.method == Method::HEAD
        || SPECULATIVE.iter().any(|(name, purpose)| {
            parts.headers.get_all(name).iter().any(|value| {
                let mut words = value.as_bytes().split(|octet| b",; ".contains(octet));
                words.any(|word| word.eq_ignore_ascii_case(purpose))
            })
        })
}

/// Browsers of today, then those of yesterday.
static SPECULATIVE: [(HeaderName, &[u8]); 4] = [
    (HeaderName::from_static("sec-purpose"), b"prefetch"),
    (HeaderName::from_static("purpose"), b"prefetch"),
    (HeaderName::from_static("x-moz"), b"prefetch"),
    (HeaderName::from_static("x-purpose"), b"preview"),
];
