//! A device with a key, as a browser uses it: the client side of Device Bound Session Credentials.

use base64ct::{Base64UrlUnpadded, Encoding};
use http::{Method, StatusCode};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};

use crate::client::{Client, Reply};

/// A device whose private key never leaves it.
#[derive(Clone)]
pub struct Device {
    key: SigningKey,
}

/// A session that is bound to a device, as the browser stores it.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The device.
    pub device: Device,
    /// The server's identifier of the binding.
    pub identifier: String,
    /// The path of the refresh endpoint.
    pub refresh: String,
    /// The challenge that the server has sent in advance for the next signature.
    pub challenge: Option<String>,
    /// The configuration of the binding that the server has sent.
    pub configuration: Value,
}

impl Device {
    /// A device with a key that is derived from this number.
    ///
    /// # Panics
    /// If the seed is zero.
    #[must_use]
    pub fn new(seed: u8) -> Self {
        let key = SigningKey::from_slice(&[seed; 32]).expect("a key");
        Self { key }
    }

    /// The public key as a JWK.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let point = self.key.verifying_key().to_sec1_point(false);
        let coordinate = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
        let (x, y) = point.as_bytes()[1..].split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "x": coordinate(x), "y": coordinate(y) })
    }

    /// A signed JWT with this header and these claims.
    #[must_use]
    pub fn sign(&self, head: &Value, claims: &Value) -> String {
        let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(head), part(claims));
        let signature: Signature = self.key.sign(signed.as_bytes());
        let signature = Base64UrlUnpadded::encode_string(&signature.to_bytes());
        format!("{signed}.{signature}")
    }

    /// The proof of a registration.
    #[must_use]
    pub fn registration(&self, challenge: &str) -> String {
        let head = json!({ "alg": "ES256", "typ": "dbsc+jwt", "jwk": self.jwk() });
        self.sign(&head, &json!({ "jti": challenge }))
    }

    /// The proof of a refresh.
    #[must_use]
    pub fn proof(&self, challenge: &str) -> String {
        let head = json!({ "alg": "ES256", "typ": "dbsc+jwt" });
        self.sign(&head, &json!({ "jti": challenge }))
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Device(..)")
    }
}

/// The path and the challenge of an invitation, if a reply has one.
///
/// # Panics
/// If the header has a form that browsers do not accept.
#[must_use]
pub fn invitation(reply: &Reply) -> Option<(String, String)> {
    let header = reply.headers.get("secure-session-registration")?;
    let header = header.to_str().expect("text");
    let rest = header.strip_prefix("(ES256);").expect("the algorithm");
    let (path, challenge) = rest.split_once(';').expect("two parameters");
    let quoted = |text: &str, name: &str| {
        let value = text
            .strip_prefix(name)
            .and_then(|it| it.strip_prefix("=\""));
        let value = value.and_then(|it| it.strip_suffix('"'));
        value.expect("a quoted parameter").to_owned()
    };
    Some((quoted(path, "path"), quoted(challenge, "challenge")))
}

/// The challenge of a reply, for this binding.
#[must_use]
pub fn challenge(reply: &Reply, identifier: &str) -> Option<String> {
    let header = reply
        .headers
        .get("secure-session-challenge")?
        .to_str()
        .ok()?;
    let (challenge, id) = header.split_once("\";id=\"")?;
    (id.strip_suffix('"')? == identifier).then(|| challenge.trim_start_matches('"').to_owned())
}

impl Client {
    /// Registers a device as the reply invites, and returns the answer.
    ///
    /// # Panics
    /// If the reply has no invitation.
    pub async fn register(&mut self, device: &Device, invited: &Reply) -> Reply {
        let (path, challenge) = invitation(invited).expect("an invitation");
        let proof = device.registration(&challenge);
        let headers = [("secure-session-response", proof.as_str())];
        let reply = self.ask_with(Method::POST, &path, &headers).await;
        self.keep(&reply);
        reply
    }

    /// Like [`register`](Self::register), but must succeed.
    ///
    /// # Panics
    /// If the registration fails.
    pub async fn bind(&mut self, device: &Device, invited: &Reply) -> Bound {
        let reply = self.register(device, invited).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        let configuration: Value = serde_json::from_str(&reply.body).expect("JSON");
        let text = |name: &str| configuration[name].as_str().expect("text").to_owned();
        let identifier = text("session_identifier");
        Bound {
            device: device.clone(),
            challenge: challenge(&reply, &identifier),
            identifier,
            refresh: text("refresh_url"),
            configuration,
        }
    }

    /// Refreshes as a browser does: with the challenge sent in advance, and again if the server sends another
    /// challenge.
    pub async fn refresh(&mut self, bound: &mut Bound) -> Reply {
        for _ in 0..5 {
            let proof = bound.challenge.take();
            let proof = proof.map(|challenge| bound.device.proof(&challenge));
            let reply = self.refresh_with(bound, proof.as_deref()).await;
            bound.challenge = challenge(&reply, &bound.identifier);
            if reply.status != StatusCode::FORBIDDEN || bound.challenge.is_none() {
                return reply;
            }
        }
        panic!("asked for five proofs in a row")
    }

    /// Sends one request of a refresh.
    pub async fn refresh_with(&mut self, bound: &Bound, proof: Option<&str>) -> Reply {
        let mut headers = vec![("sec-secure-session-id", bound.identifier.as_str())];
        headers.extend(proof.map(|proof| ("secure-session-response", proof)));
        let reply = self.ask_with(Method::POST, &bound.refresh, &headers).await;
        self.keep(&reply);
        reply
    }
}
