//! The table shows typical lines; the loops below it try every octet in every place.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::{Candidates, LIMIT, candidates, named};

const NAME: &str = "__Host-id";

type Row = (&'static [u8], &'static [&'static [u8]]);

/// Header lines, and the values of `__Host-id` in them.
const TABLE: &[Row] = &[
    // Plain.
    (b"__Host-id=v", &[b"v"]),
    (b"__Host-id=", &[b""]),
    (b"__Host-id==", &[b"="]),
    (b"__Host-id=a=b", &[b"a=b"]),
    (b"a=1; __Host-id=v", &[b"v"]),
    (b"__Host-id=v; a=1", &[b"v"]),
    (b"a=1; __Host-id=v; b=2", &[b"v"]),
    (b"a=1;__Host-id=v;b=2", &[b"v"]),
    (b"__Host-id=!#$%&'()*+-./:<=>?@[]^_`{|}~", &[b"!#$%&'()*+-./:<=>?@[]^_`{|}~"]),
    // Absent.
    (b"", &[]),
    (b"a=1", &[]),
    (b"a=__Host-id", &[]),
    (b"a=__Host-id=v", &[]),
    (b"__Host-i=v", &[]),
    (b"__Host-id", &[]),
    (b"__Host-id;", &[]),
    (b"; __Host-id", &[]),
    // Nearly the name.
    (b"__Host-id2=v", &[]),
    (b"___Host-id=v", &[]),
    (b"x__Host-id=v", &[]),
    (b"Host-id=v", &[]),
    (b"id=v", &[]),
    (b"__Host-id[0]=v", &[]),
    // Case counts.
    (b"__host-id=v", &[]),
    (b"__Host-ID=v", &[]),
    (b"__host-id=x; __Host-id=v", &[b"v"]),
    (b"__Host-id=v; __HOST-ID=x", &[b"v"]),
    // Nothing is decoded.
    (b"%5F%5FHost-id=v", &[]),
    (b"__Host%2Did=v", &[]),
    (b"__Host-id%3Dv", &[]),
    (b"__Host-id%3D=v", &[]),
    (b"%20__Host-id=v", &[]),
    (b"__Host-id=%76", &[b"%76"]),
    (b"__Host-id=a%3Bb", &[b"a%3Bb"]),
    (b"__Host-id=a+b", &[b"a+b"]),
    (b"__Host-id=\\x76", &[b"\\x76"]),
    (b"__Host-id=&#118;", &[b"&#118"]),
    // Spaces and tabs around a pair.
    (b" __Host-id=v", &[b"v"]),
    (b"\t__Host-id=v", &[b"v"]),
    (b" \t __Host-id=v", &[b"v"]),
    (b"__Host-id=v ", &[b"v"]),
    (b"__Host-id=v\t", &[b"v"]),
    (b"__Host-id=v \t ", &[b"v"]),
    (b"a=1;\t__Host-id=v", &[b"v"]),
    (b"a=1 ;__Host-id=v", &[b"v"]),
    (b"__Host-id=v ; a=1", &[b"v"]),
    (b"__Host-id= ", &[b""]),
    // Spaces and tabs within a pair.
    (b"__Host-id =v", &[]),
    (b"__Host-id\t=v", &[]),
    (b"__Host-id = v", &[]),
    (b"__Host-id= v", &[b" v"]),
    (b"__Host-id=\tv", &[b"\tv"]),
    // Other white space is a character like any other.
    (b"__Host-id\xc2\xa0=v", &[]),
    (b"__Host-id=v\xe2\x80\x83", &[b"v\xe2\x80\x83"]),
    (b"__Host-id=\xef\xbb\xbfv", &[b"\xef\xbb\xbfv"]),
    // Characters that look alike.
    (b"\xef\xbc\xbf_Host-id=v", &[]),
    (b"__\xce\x97ost-id=v", &[]),
    (b"__Host\xe2\x80\x90id=v", &[]),
    (b"__Host-id\xef\xbc\x9dv", &[]),
    (b"__Host-id\xcc\x80=v", &[]),
    // Without a name.
    (b"=v", &[]),
    (b"=__Host-id=v", &[]),
    (b"=;__Host-id=v", &[b"v"]),
    (b"==__Host-id=v", &[]),
    (b"=v; __Host-id=w", &[b"w"]),
    (b"__Host-id; __Host-id=v", &[b"v"]),
    // Quotes are part of the value and hide nothing.
    (b"__Host-id=\"v\"", &[b"\"v\""]),
    (b"__Host-id=\"v", &[b"\"v"]),
    (b"__Host-id=\"a b\"", &[b"\"a b\""]),
    (b"__Host-id=\"a;b\"", &[b"\"a"]),
    (b"__Host-id=\"a\\\"b\"", &[b"\"a\\\"b\""]),
    (b"\"__Host-id\"=v", &[]),
    (b"a=\"__Host-id=v\"", &[]),
    (b"a=\"x; __Host-id=v; b=\"z\"", &[b"v"]),
    (b"a=\"; __Host-id=v", &[b"v"]),
    // Attributes of RFC 2965 are names like any other.
    (b"$Version=1; __Host-id=v; $Path=/", &[b"v"]),
    (b"$Version=\"1\"; __Host-id=\"v\"; $Path=\"/\"; $Domain=\"a.example\"", &[b"\"v\""]),
    (b"$Version=1, __Host-id=v", &[]),
    (b"$__Host-id=v", &[]),
    (b"__Host-id=v; Path=/; Secure; HttpOnly", &[b"v"]),
    // Only the semicolon separates.
    (b"a=1, __Host-id=v", &[]),
    (b"__Host-id=v, a=1", &[b"v, a=1"]),
    (b"__Host-id=v,__Host-id=w", &[b"v,__Host-id=w"]),
    (b"a=1&__Host-id=v", &[]),
    (b"a=1\r\nCookie: __Host-id=v", &[]),
    (b"a=1\xcd\xbe__Host-id=v", &[]),
    (b"a=1\xef\xbc\x9b__Host-id=v", &[]),
    // Empty pairs.
    (b";;", &[]),
    (b";;__Host-id=v", &[b"v"]),
    (b"a=1;;__Host-id=v", &[b"v"]),
    // Junk next to it.
    (b"a=\0; __Host-id=v", &[b"v"]),
    (b"\xff\xfe=\xff; __Host-id=v", &[b"v"]),
    (b"a=\xed\xa0\x80; __Host-id=v", &[b"v"]),
    (b"{\"a\":1}; __Host-id=v", &[b"v"]),
    (b"__proto__=1; __Host-id=v", &[b"v"]),
    // The same name again.
    (b"__Host-id=v; __Host-id=w", &[b"v", b"w"]),
    (b"__Host-id=v; __Host-id=v", &[b"v"]),
    (b"__Host-id=; __Host-id=v", &[b"", b"v"]),
    (b"__Host-id=v; __Host-id= v", &[b"v", b" v"]),
    (b"__Host-id=v; __Host-id=\"v\"", &[b"v", b"\"v\""]),
    (b"__Host-id=v; __Host-id=w; __Host-id=v", &[b"v", b"w"]),
    (b"__Host-id=1; __Host-id=2; __Host-id=3; __Host-id=4", &[b"1", b"2", b"3", b"4"]),
    (
        b"__Host-id=1; __Host-id=2; __Host-id=3; __Host-id=4; __Host-id=5",
        &[b"1", b"2", b"3", b"4"],
    ),
    (
        b"__Host-id=1; __Host-id=1; __Host-id=2; __Host-id=2; __Host-id=3; __Host-id=4; __Host-id=1",
        &[b"1", b"2", b"3", b"4"],
    ),
];

fn values<'h>(line: &'h [u8], name: &str) -> Vec<&'h [u8]> {
    let found: Candidates<'_> = named(line, name).collect();
    found.values().to_vec()
}

#[test]
fn the_table() {
    for (line, expected) in TABLE {
        assert_eq!(values(line, NAME), *expected, "{}", line.escape_ascii());
    }
}

/// A line of the table neither hides nor changes a pair beside it.
#[test]
fn lines_of_the_table_do_not_disturb_each_other() {
    let own: &[u8] = b"own-value";
    let rows = TABLE.iter();
    for (line, expected) in rows.filter(|(_, expected)| expected.len() < LIMIT) {
        let before = [b"__Host-id=own-value;", *line].concat();
        assert_eq!(values(&before, NAME), [&[own], *expected].concat());
        let behind = [*line, b";__Host-id=own-value"].concat();
        assert_eq!(values(&behind, NAME), [*expected, &[own]].concat());
    }
}

/// Those that a header can hold.
fn octets() -> impl Iterator<Item = u8> {
    (0..=0xff).filter(|octet| HeaderValue::from_bytes(&[*octet]).is_ok())
}

#[test]
fn every_octet_at_every_place_of_the_name() {
    let good = b"a=1; __Host-id=value; b=2";
    let name = 5..5 + NAME.len();
    for place in name {
        for octet in octets() {
            let mut line = *good;
            line[place] = octet;
            let same = octet == good[place];
            assert_eq!(
                values(&line, NAME) == [b"value"],
                same,
                "{}",
                line.escape_ascii()
            );
            assert!(same || values(&line, NAME).is_empty());

            let inserted = [&good[..place], &[octet], &good[place..]].concat();
            // In front of the name, blanks are trimmed and a semicolon begins a pair.
            let harmless = place == 5 && matches!(octet, b' ' | b'\t' | b';');
            assert_eq!(
                !values(&inserted, NAME).is_empty(),
                harmless,
                "{}",
                inserted.escape_ascii()
            );
        }
    }
}

#[test]
fn every_octet_at_every_place_of_the_value() {
    let good = b"a=1; __Host-id=value; b=2";
    let (start, end) = (15, 20);
    for place in start..end {
        for octet in octets() {
            let mut line = *good;
            line[place] = octet;
            let expected = match octet {
                b';' => &line[start..place],
                b' ' | b'\t' if place == end - 1 => &line[start..place],
                _ => &line[start..end],
            };
            assert_eq!(values(&line, NAME), [expected], "{}", line.escape_ascii());
        }
    }
}

fn headers(lines: &[&[u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(COOKIE, HeaderValue::from_bytes(line).unwrap());
    }
    headers
}

/// HTTP/2 and HTTP/3 may send each pair in a line of its own (RFC 9113 section 8.2.3).
#[test]
fn several_lines() {
    for lines in 1..=100 {
        for ours in 0..lines {
            let line = |number| {
                if number == ours {
                    "__Host-id=v"
                } else {
                    "a=1; b=2"
                }
            };
            let texts: Vec<&[u8]> = (0..lines).map(|number| line(number).as_bytes()).collect();
            let headers = headers(&texts);
            let found = candidates(&headers, NAME);
            assert_eq!(found.values(), [b"v"]);
            assert!(!found.is_repeated);
        }
    }
}

#[test]
fn a_line_ends_a_pair() {
    let whole = b"a=1; __Host-id=value; b=2";
    for place in 0..=whole.len() {
        let (one, other) = whole.split_at(place);
        let headers = headers(&[one, other]);
        let found: Vec<_> = candidates(&headers, NAME).values().to_vec();
        match place {
            // Split within the name, no pair has it; split within the value, the first line has the start of it.
            6..=14 => assert!(found.is_empty(), "{place}"),
            15..=19 => assert_eq!(found, [&whole[15..place]]),
            _ => assert_eq!(found, [b"value"]),
        }
    }
}

#[test]
fn other_headers_are_not_read() {
    let mut headers = HeaderMap::new();
    for name in ["cookie2", "set-cookie", "x-cookie", "authorization"] {
        headers.insert(name, HeaderValue::from_static("__Host-id=v"));
    }
    assert_eq!(candidates(&headers, NAME).values().len(), 0);
}

#[test]
fn copies_collapse_and_are_noticed() {
    for copies in 1..=64 {
        let line = vec!["__Host-id=v"; copies].join("; ");
        let headers = headers(&[line.as_bytes()]);
        let found = candidates(&headers, NAME);
        assert_eq!(found.values(), [b"v"]);
        assert_eq!(found.is_repeated, copies > 1);
    }
}

#[test]
fn at_most_four_values_are_tried() {
    for values in 0..=64 {
        let line: Vec<String> = (0..values)
            .map(|value| format!("__Host-id={value}"))
            .collect();
        let headers = headers(&[line.join("; ").as_bytes()]);
        let found = candidates(&headers, NAME);
        let expected: Vec<String> = (0..values.min(4)).map(|value| value.to_string()).collect();
        let found_values: Vec<_> = found
            .values()
            .iter()
            .map(|value| value.escape_ascii().to_string())
            .collect();
        assert_eq!(found_values, expected);
        assert_eq!(found.is_repeated, values > 1);
        assert_eq!(found.is_overfull, values > 4);
    }
}

#[test]
fn no_name_finds_nothing() {
    assert!(values(b"=v; =; ; __Host-id=v", "").is_empty());
}

proptest! {
    /// The outcome depends on the pairs of that name alone.
    #[test]
    fn junk_changes_nothing(
        junk in prop::collection::vec("[^;\r\n]{0,12}", 0..8),
        own in prop::collection::vec("[!-:<-~]{0,8}", 0..6),
        places in prop::collection::vec(0..8_usize, 6),
    ) {
        let mut pairs: Vec<String> = junk.into_iter().filter(|pair| !pair.contains(NAME)).collect();
        let mut expected: Vec<&str> = Vec::new();
        let mut last = 0;
        for (value, place) in own.iter().zip(places) {
            // In the same order as `own`, at random places.
            last = (last + place).min(pairs.len());
            pairs.insert(last, format!("{NAME}={value}"));
            last += 1;
            if !expected.contains(&value.as_str()) {
                expected.push(value);
            }
        }
        expected.truncate(4);
        let line = pairs.join(";");
        let expected: Vec<&[u8]> = expected.into_iter().map(str::as_bytes).collect();
        prop_assert_eq!(values(line.as_bytes(), NAME), expected);
    }

    /// Compares with a slow, literal form of the rule.
    #[test]
    fn agrees_with_the_rule(line in prop::collection::vec(prop::sample::select(&b"id=; \t\"x"[..]), 0..40)) {
        let expected: Vec<&[u8]> = line
            .split(|octet| *octet == b';')
            .map(|pair| {
                let keep = |octet: &u8| !matches!(octet, b' ' | b'\t');
                let start = pair.iter().position(keep).unwrap_or(pair.len());
                let end = pair.iter().rposition(keep).map_or(start, |last| last + 1);
                &pair[start..end]
            })
            .filter_map(|pair| pair.strip_prefix(b"id="))
            .fold(Vec::new(), |mut known, value| {
                if known.len() < 4 && !known.contains(&value) {
                    known.push(value);
                }
                known
            });
        prop_assert_eq!(values(&line, "id"), expected);
    }

    #[test]
    fn no_line_panics(line: Vec<u8>, name: String) {
        let found = values(&line, &name);
        prop_assert!(found.len() <= 4);
        prop_assert!(found.iter().map(|value| value.len()).sum::<usize>() <= line.len());
    }
}
