//! Tests the jar itself with the examples of the specifications.

use super::*;

const HERE: &str = "https://app.example.com/a/b";

fn jar(lines: &[&str], url: &str) -> Jar {
    let mut jar = Jar::new();
    for line in lines {
        jar.set_cookie(line.as_bytes(), url, Initiator::Same);
    }
    jar
}

fn sent(line: &str, to: &str) -> Option<String> {
    jar(&[line], HERE).cookie_header(to)
}

#[test]
fn hosts_and_domains() {
    let here = Some("a=1".to_owned());
    assert_eq!(sent("a=1; Path=/", "https://app.example.com/"), here);
    assert_eq!(sent("a=1; Path=/", "https://example.com/"), None);
    assert_eq!(sent("a=1; Path=/", "https://x.app.example.com/"), None);
    assert_eq!(
        sent("a=1; Path=/; Domain=.example.com", "https://x.example.com/"),
        here
    );
    assert_eq!(
        sent("a=1; Path=/; Domain=example.com", "https://badexample.com/"),
        None
    );
    assert_eq!(
        sent(
            "a=1; Path=/; Domain=other.example",
            "https://other.example/"
        ),
        None
    );
    assert_eq!(
        sent("a=1; Path=/; Domain=com", "https://example.com/"),
        None
    );
}

#[test]
fn paths() {
    let here = Some("a=1".to_owned());
    assert_eq!(sent("a=1", "https://app.example.com/a"), here);
    assert_eq!(sent("a=1", "https://app.example.com/a/x"), here);
    assert_eq!(sent("a=1", "https://app.example.com/ab"), None);
    assert_eq!(sent("a=1; Path=/x", "https://app.example.com/x?q"), here);
    assert_eq!(sent("a=1; Path=x", "https://app.example.com/x"), None);
}

#[test]
fn prefixes_are_promises() {
    for (line, kept) in [
        ("__Host-a=1; Secure; Path=/", true),
        ("__Host-a=1; Secure", false),
        ("__Host-a=1; Path=/", false),
        ("__Host-a=1; Secure; Path=/a", false),
        ("__Host-a=1; Secure; Path=/; Domain=example.com", false),
        ("__hOsT-a=1; Path=/", false),
        ("__Secure-a=1", false),
        ("__Secure-a=1; Secure", true),
        ("__Http-a=1; Secure", false),
        ("__Http-a=1; Secure; HttpOnly", true),
        ("__Host-Http-a=1; Secure; Path=/", false),
        ("__Host-Http-a=1; Secure; Path=/; HttpOnly", true),
        ("=__Host-a=1; Secure; Path=/", false),
        ("__Host-a", false),
        ("a=1; SameSite=None", false),
        ("a=1; Partitioned", false),
        ("a=\u{7f}", false),
    ] {
        assert_eq!(jar(&[line], HERE).cookies().count() == 1, kept, "{line}");
    }
}

#[test]
fn a_plain_connection_neither_sets_nor_overwrites_secure_cookies() {
    let mut jar = jar(&["a=1; Secure; Path=/"], HERE);
    jar.set_cookie(b"a=2; Path=/", "http://app.example.com/", Initiator::Same);
    jar.set_cookie(b"b=2; Secure", "http://app.example.com/", Initiator::Same);
    assert_eq!(jar.cookie_header(HERE), Some("a=1".to_owned()));
    assert_eq!(jar.cookie_header("http://app.example.com/"), None);
}

#[test]
fn lifetimes() {
    let mut jar = jar(&["a=1; Max-Age=10; Path=/", "b=2; Path=/"], HERE);
    assert_eq!(jar.cookie_header(HERE), Some("a=1; b=2".to_owned()));
    jar.close();
    assert_eq!(jar.cookie_header(HERE), Some("a=1".to_owned()));
    jar.advance(Duration::from_secs(10));
    assert_eq!(jar.cookie_header(HERE), None);
}

#[test]
fn other_sites() {
    let lines = [
        "s=1; SameSite=Strict",
        "l=1; SameSite=Lax",
        "d=1",
        "n=1; SameSite=None; Secure",
    ];
    let jar = jar(&lines, HERE);
    let sent = |initiator| jar.cookie_header_in(HERE, initiator).unwrap();
    assert_eq!(sent(Initiator::Same), "s=1; l=1; d=1; n=1");
    assert_eq!(sent(Initiator::Link), "l=1; d=1; n=1");
    assert_eq!(sent(Initiator::Form), "n=1");
    assert_eq!(sent(Initiator::Frame("https://portal.example/")), "n=1");
}

#[test]
fn partitions() {
    let mut jar = Jar::new();
    let line = |value| format!("a={value}; Secure; SameSite=None; Partitioned; Path=/");
    let one = Initiator::Frame("https://one.example/");
    let two = Initiator::Frame("https://two.example/");
    jar.set_cookie(line(1).as_bytes(), HERE, one);
    jar.set_cookie(line(2).as_bytes(), HERE, two);
    assert_eq!(jar.cookie_header_in(HERE, one), Some("a=1".to_owned()));
    assert_eq!(jar.cookie_header_in(HERE, two), Some("a=2".to_owned()));
    assert_eq!(jar.cookie_header(HERE), None);
    // A cookie without a partition but with the same name is sent as well.
    jar.set_cookie(b"a=3; Secure; SameSite=None; Path=/", HERE, Initiator::Same);
    assert_eq!(jar.cookie_header_in(HERE, one), Some("a=1; a=3".to_owned()));
}
