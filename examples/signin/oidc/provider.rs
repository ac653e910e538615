//! The OpenID provider: requests to it, and the claims of its tokens.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use maud::html;
use openidconnect::core::*;
use openidconnect::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use starsessions::{Flows, LocalPath, SessionError};

use super::{Known, setting};

/// The state of a sign-in attempt, kept until the browser comes back.
#[derive(Serialize, Deserialize)]
pub struct Attempt {
    verifier: PkceCodeVerifier,
    nonce: Nonce,
    next: LocalPath,
}

/// The subject of a token.
#[derive(Serialize, Deserialize)]
pub struct User {
    pub sub: String,
    /// The ID of the session at the provider.
    pub sid: Option<String>,
}

/// A user who has signed out at the provider.
pub struct Ended {
    pub user: User,
    id: String,
    until: DateTime<Utc>,
}

/// Additional claims that are read from ID tokens and logout tokens.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sid: Option<String>,
    jti: Option<String>,
    #[serde(default)]
    events: HashMap<String, Map<String, Value>>,
}

impl AdditionalClaims for Claims {}

type Token =
    IdToken<Claims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// A client type that says which endpoints are always, never or perhaps set.
type OpenId = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

pub struct Provider {
    answers_with_post: bool,
    metadata: ProviderMetadataWithLogout,
    client: OpenId,
    secret: ClientSecret,
    home: PostLogoutRedirectUrl,
    http: reqwest::Client,
    /// The logout tokens already processed, until they expire. Several processes need a shared table instead.
    settled: Mutex<HashMap<String, DateTime<Utc>>>,
}

impl Provider {
    /// Asks the provider for its endpoints. `home` is the address of this application.
    pub async fn discover(home: &str) -> Result<Self, Box<dyn Error>> {
        // The client follows no redirects, because they could lead to any address in this network. It keeps no idle
        // connections, because the provider may close one while a code is being sent, and a code cannot be sent twice.
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(10))
            .build()?;
        let issuer = IssuerUrl::new(setting("OIDC_ISSUER", "http://localhost:9000"))?;
        let metadata = ProviderMetadataWithLogout::discover_async(issuer, &http).await?;
        let id = ClientId::new(setting("OIDC_CLIENT_ID", "app"));
        let secret = ClientSecret::new(setting("OIDC_CLIENT_SECRET", "secret"));
        let client = OpenId::from_provider_metadata(metadata.clone(), id, Some(secret.clone()));
        Ok(Self {
            answers_with_post: setting("OIDC_RESPONSE_MODE", "query") == "form_post",
            client: client.set_redirect_uri(RedirectUrl::new(format!("{home}/login/callback"))?),
            home: PostLogoutRedirectUrl::new(format!("{home}/"))?,
            metadata,
            secret,
            http,
            settled: Mutex::default(),
        })
    }

    /// Begins an attempt; returns the link to the provider.
    pub fn begin(&self, flows: &Flows<Attempt>, next: LocalPath) -> Result<String, SessionError> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = Nonce::new_random();
        let attempt = Attempt {
            verifier,
            nonce: nonce.clone(),
            next,
        };
        let state = match self.answers_with_post {
            true => flows.begin_form_post(attempt)?,
            false => flows.begin(attempt)?,
        };
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let request = self
            .client
            .authorize_url(flow, || CsrfToken::new(state), || nonce);
        let request = match self.answers_with_post {
            true => request.add_extra_param("response_mode", "form_post"),
            false => request,
        };
        let (link, ..) = request.set_pkce_challenge(challenge).url();
        Ok(link.into())
    }

    /// Redeems the code that came back, and returns the user.
    pub async fn finish(&self, attempt: Attempt, code: Option<String>) -> Result<Known, Refused> {
        let code = AuthorizationCode::new(code.ok_or("the user has declined")?);
        let request = self.client.exchange_code(code)?;
        let request = request.set_pkce_verifier(attempt.verifier);
        let tokens = request.request_async(&self.http).await?;
        // Parsed again from the text, to read a claim that the crate does not know.
        let token = tokens.id_token().ok_or("no ID token")?;
        let token: Token = token.to_string().parse()?;
        let claims = token.claims(&self.verifier().await?, &attempt.nonce)?;
        Ok(Known {
            user: User::of(claims),
            next: attempt.next,
        })
    }

    /// The page on which the provider asks whether to sign out there, too.
    pub fn logout_link(&self) -> String {
        let metadata = self.metadata.additional_metadata();
        match metadata.end_session_endpoint.clone() {
            None => "/".to_owned(),
            Some(there) => LogoutRequest::from(there)
                .set_client_id(self.client.client_id().clone())
                .set_post_logout_redirect_uri(self.home.clone())
                .http_get_url()
                .into(),
        }
    }

    /// Verifies a logout token and returns the user (OpenID Connect Back-Channel Logout 1.0, section 2.6).
    pub async fn logged_out(&self, token: &str) -> Result<Ended, Refused> {
        let token: Token = token.parse()?;
        let types = JsonWebTokenType::new("logout+jwt".to_owned()).normalize()?;
        let verifier = self.verifier().await?.set_allowed_jose_types([types]);
        let verifier = verifier.set_issue_time_verifier_fn(|time| {
            let is_recent = (Utc::now() - time).abs() < LONGEST_WAY;
            is_recent.then_some(()).ok_or("it is old".to_owned())
        });
        // A token with a nonce is an ID token, not a logout token.
        let claims = token.claims(&verifier, |nonce: Option<&Nonce>| {
            nonce.map_or(Ok(()), |_| Err("it is for a sign-in".to_owned()))
        })?;
        let more = claims.additional_claims();
        if !more.events.contains_key(LOGOUT) {
            return Err("it is about another event".into());
        }
        let id = more.jti.clone().ok_or("it has no `jti`")?;
        if self.settled().contains_key(&id) {
            return Err("it was here before".into());
        }
        Ok(Ended {
            user: User::of(claims),
            id,
            until: claims.expiration(),
        })
    }

    /// Refuses this logout token from now on.
    pub fn settle(&self, ended: Ended) {
        let mut settled = self.settled();
        settled.retain(|_, until| *until > Utc::now());
        settled.insert(ended.id, ended.until);
    }

    fn settled(&self) -> MutexGuard<'_, HashMap<String, DateTime<Utc>>> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a verifier of the issuer, the audience, the times and the signature. A provider may change its keys at
    /// any time, so the verifier fetches them for each token. A busy site caches them for some minutes.
    async fn verifier(&self) -> Result<CoreIdTokenVerifier<'_>, Refused> {
        let keys = CoreJsonWebKeySet::fetch_async(self.metadata.jwks_uri(), &self.http).await?;
        Ok(CoreIdTokenVerifier::new_confidential_client(
            self.client.client_id().clone(),
            self.secret.clone(),
            self.metadata.issuer().clone(),
            keys,
        ))
    }
}

impl User {
    fn of(claims: &IdTokenClaims<Claims, CoreGenderClaim>) -> Self {
        Self {
            sub: claims.subject().to_string(),
            sid: claims.additional_claims().sid.clone(),
        }
    }
}

/// The reason why a code or a token was refused: for the log, not for the sender.
#[derive(Debug)]
pub struct Refused(Box<dyn Error>);

impl<E: Into<Box<dyn Error>>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        eprintln!("the provider's answer is refused: {}", self.0);
        let page = html! { p { "This did not work." } a href="/" { "Try again" } };
        (StatusCode::BAD_REQUEST, page).into_response()
    }
}

const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// The longest accepted delivery time from the provider, including clock skew.
const LONGEST_WAY: TimeDelta = TimeDelta::minutes(2);
