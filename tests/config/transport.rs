//! Transports that cannot work are refused.

use starsessions::config::{ConfigError, Transport, TransportConfigError};
use starsessions::python::Sessions;
use starsessions::takeover::TakeOver;
use starsessions::{CookieStore, KeyRing, MemoryStore, SessionLayer, SessionLayerBuilder};

use super::{build, said};

fn refused(set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder) -> TransportConfigError {
    match build(set).unwrap_err() {
        ConfigError::Transport(error) => error,
        error => panic!("{error}"),
    }
}

#[test]
fn every_transport_is_taken_by_itself() {
    for transport in [
        Transport::default(),
        Transport::cookie(),
        Transport::bearer(),
        Transport::header("x-session"),
        Transport::bearer().beside_cookie(),
        Transport::header("x-session").beside_cookie(),
    ] {
        assert_eq!(said(|layer| layer.transport(transport)), "");
    }
}

#[test]
fn a_token_needs_a_store_of_our_own() {
    for transport in [
        Transport::bearer(),
        Transport::header("x-session").beside_cookie(),
    ] {
        let keys = KeyRing::generate().unwrap();
        let revocable = CookieStore::sealed().revoked_in(MemoryStore::new());
        let layer = SessionLayer::builder(revocable, keys).transport(transport.clone());
        let error = layer.build().unwrap_err();
        assert!(
            error.to_string().contains("use a server-side store"),
            "{error}"
        );
        let store = Sessions::new(starsessions::python::CookieStore::new("secret"));
        let layer = SessionLayer::shared_with_python(store, KeyRing::generate().unwrap());
        let error = layer.transport(transport).build().unwrap_err();
        assert!(error.to_string().contains("Python"), "{error}");
    }
}

#[test]
fn what_goes_by_a_cookie_needs_one() {
    let bearer = || Transport::bearer();
    let bound = |layer: SessionLayerBuilder| layer.device_bound(|device| device);
    let former =
        |layer: SessionLayerBuilder| layer.former_cookie(|cookie| cookie.partitioned(true));
    let error = refused(|layer| bound(layer).transport(bearer()));
    assert_eq!(error, TransportConfigError::DeviceBinding);
    let error = refused(|layer| former(layer).transport(bearer()));
    assert_eq!(error, TransportConfigError::FormerCookie);
    for set in [bound as fn(_) -> _, former] {
        assert_eq!(
            said(|layer| set(layer).transport(bearer().beside_cookie())),
            ""
        );
    }
}

#[test]
fn sessions_are_not_taken_over_beside_a_token() {
    let store = || Sessions::new(starsessions::python::CookieStore::new("secret"));
    let takeover = || TakeOver::new(store(), |_, _| Ok(()));
    for transport in [Transport::bearer(), Transport::bearer().beside_cookie()] {
        let error = refused(|layer| layer.transport(transport).take_over(takeover()));
        assert_eq!(error, TransportConfigError::TakeOver);
        assert!(error.to_string().contains("another realm"), "{error}");
    }
}

#[test]
fn a_header_has_a_name_of_its_own() {
    let error = refused(|layer| layer.transport(Transport::header("a b")));
    assert_eq!(error, TransportConfigError::HeaderName("a b".to_owned()));
    let error = refused(|layer| layer.transport(Transport::header("Cookie")));
    assert_eq!(
        error,
        TransportConfigError::HeaderTaken("cookie".to_owned())
    );
    assert!(format!("{error:?}").contains("call yours"), "{error:?}");
}
