//! The rules for values in quotes: each function takes the text, and returns a value or a sentence.

use std::time::Duration;

use super::ENDING;

/// A whole number and a unit, as in `10m`: at least a second, at most [`LONGEST_DAYS`].
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let malformed = || {
        format!(
            "`{text}` is not a duration; write a whole number and a unit, as in \"90s\", \"10m\", \"12h\" or \"30d\""
        )
    };
    if text.is_empty() {
        return Err("this duration is empty; write a number and a unit, as in \"10m\"".to_owned());
    }
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let seconds: u64 = match text.strip_prefix(digits).unwrap_or_default() {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(malformed()),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.is_empty() {
        return Err(malformed());
    }
    // A number that overflows is longer than any limit.
    let number: u64 = digits.parse().unwrap_or(u64::MAX);
    match number.saturating_mul(seconds) {
        0 => Err(format!("`{text}` is no duration; the shortest is \"1s\"")),
        seconds if seconds > LONGEST_DAYS * 24 * 60 * 60 => Err(format!(
            "`{text}` is longer than {LONGEST_DAYS} days, the longest that browsers keep a cookie; write a shorter time"
        )),
        seconds => Ok(Duration::from_secs(seconds)),
    }
}

/// Whether the text can be a part of a stored name.
pub(crate) fn name(text: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if text.is_empty() {
        Err("a name has at least one character".to_owned())
    } else if !text.bytes().all(allowed) {
        Err(format!(
            "`{text}` is not a name; write ASCII letters, digits, `_` and `-` only"
        ))
    } else if text.len() > LONGEST_NAME {
        let length = text.len();
        Err(format!(
            "a name of {length} characters is too long; write at most {LONGEST_NAME}"
        ))
    } else {
        Ok(())
    }
}

/// Whether the text can be a part of a former name, also of a field that was `until = rotate`.
pub(super) fn alias(text: &str) -> Result<(), String> {
    name(text.strip_prefix(ENDING).unwrap_or(text))
}

/// Whether the text is a path on this site (CWE-601): a browser reads `//host` and `/\host` as another site.
pub(super) fn location(text: &str) -> Result<(), String> {
    let printable = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    if !text.starts_with('/') {
        Err("a location is a path on this site and begins with `/`, as in \"/login\"".to_owned())
    } else if !text.bytes().all(printable) {
        Err(
            "a location is printable ASCII without spaces and backslashes; percent-encode the rest"
                .to_owned(),
        )
    } else if text.starts_with("//") {
        Err("a location that begins with `//` leads to another site; begin with one `/`".to_owned())
    } else {
        placeholder(text)
    }
}

/// Whether braces are used only for `{path}`, the path of the request, as one value of the query.
fn placeholder(text: &str) -> Result<(), String> {
    let Some((before, behind)) = text.split_once("{path}") else {
        return match text.find(['{', '}']) {
            Some(place) => {
                let found = text.get(place..).unwrap_or_default();
                Err(format!(
                    "`{found}` is no placeholder; `{{path}}` stands for the path of the request, as in \"/login?next={{path}}\""
                ))
            }
            None => Ok(()),
        };
    };
    if behind.contains(['{', '}']) || before.contains(['{', '}']) {
        Err("one `{path}` is all that can be in braces; percent-encode other braces".to_owned())
    } else if !before.contains('?')
        || !before.ends_with('=')
        || before.contains('#')
        || !(behind.is_empty() || behind.starts_with(['&', '#']))
    {
        Err("`{path}` is the whole value of a parameter, as in \"/login?next={path}\"".to_owned())
    } else {
        Ok(())
    }
}

/// The longest life of a cookie in browsers (RFC 6265bis, "Cookie Lifetime Limits").
const LONGEST_DAYS: u64 = 400;

/// The most characters of a namespace or a field's name.
const LONGEST_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{duration, location, name};

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, seconds) in [
            ("1s", 1),
            ("90s", 90),
            ("10m", 600),
            ("12h", 43_200),
            ("30d", 2_592_000),
            ("400d", 34_560_000),
            ("34560000s", 34_560_000),
            ("007m", 420),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_not_a_duration() {
        let huge = format!("{}d", "9".repeat(40));
        for (text, part) in [
            ("", "duration is empty"),
            ("m", "not a duration"),
            ("10", "not a duration"),
            ("10 m", "not a duration"),
            ("-1m", "not a duration"),
            ("+1m", "not a duration"),
            ("1.5h", "not a duration"),
            ("1h30m", "not a duration"),
            ("10min", "not a duration"),
            ("10M", "not a duration"),
            ("10ms", "not a duration"),
            ("\u{661}m", "not a duration"),
            ("1\u{b5}", "not a duration"),
            ("0s", "no duration"),
            ("000d", "no duration"),
            ("401d", "longer than 400 days"),
            ("34560001s", "longer than 400 days"),
            ("18446744073709551615d", "longer than 400 days"),
            (huge.as_str(), "longer than 400 days"),
        ] {
            let message = duration(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn names_are_short_ascii_words() {
        for text in ["a", "_", "Cart-2_x", &"n".repeat(64)] {
            assert_eq!(name(text), Ok(()), "{text}");
        }
        for text in ["", "a.b", "a b", "caf\u{e9}", "a/b", "a\n", &"n".repeat(65)] {
            assert!(name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn locations_stay_on_this_site() {
        for text in [
            "/",
            "/login",
            "/login?next=%2F#top",
            "/login?next={path}",
            "/login?a=b&next={path}&c=d#top",
        ] {
            assert_eq!(location(text), Ok(()), "{text}");
        }
        for text in [
            "",
            "login",
            "https://example.org/",
            "//example.org",
            "/\\example.org",
            "/log in",
            "/login\r\nSet-Cookie: a=b",
            "/caf\u{e9}",
            "/\u{7f}",
            "/login?next={pth}",
            "/login?next={path",
            "/login?next=path}",
            "/login?next={}",
            "/login/{path}",
            "/login/next={path}",
            "/{login}?next={path}",
            "/login?{path}",
            "/login?next={path}{path}",
            "/login?next={path}x",
            "/login#next={path}",
            "/login?a#next={path}",
        ] {
            assert!(location(text).is_err(), "{text}");
        }
    }
}
