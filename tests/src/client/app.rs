//! An application that keeps a token and no cookies.

use axum::Router;
use http::Method;

use super::{Client, Reply};

/// An application on a phone that uses a site. It keeps a token and no cookies.
///
/// A clone acts as a thief or another thread, and begins with the same token.
#[derive(Clone, Debug)]
pub struct App {
    client: Client,
    /// The token that is sent after `Bearer `.
    pub token: Option<String>,
}

impl App {
    /// An application without a token.
    #[must_use]
    pub fn new(site: &Router) -> Self {
        Self {
            client: Client::new(site),
            token: None,
        }
    }

    /// The same application with another token.
    #[must_use]
    pub fn showing(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same token, used at another site.
    #[must_use]
    pub fn at(&self, site: &Router) -> Self {
        Self {
            client: Client::new(site),
            ..self.clone()
        }
    }

    /// Sends a GET.
    pub async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path).await
    }

    /// Sends a POST without a body.
    pub async fn post(&self, path: &str) -> Reply {
        self.ask(Method::POST, path).await
    }

    /// Sends a POST whose response is a token, and keeps the token.
    ///
    /// # Panics
    /// If the status is not 200, or the response may be cached.
    pub async fn take(&mut self, path: &str) -> &str {
        let reply = self.post(path).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        assert_eq!(reply.all("cache-control"), ["private, no-store"]);
        self.token.insert(reply.body)
    }

    /// Sends a request.
    pub fn ask(&self, method: Method, path: &str) -> impl Future<Output = Reply> + Send + use<> {
        let (client, token, path) = (self.client.clone(), self.token.clone(), path.to_owned());
        async move {
            let shown = token.map(|token| format!("Bearer {token}"));
            let headers = shown
                .as_ref()
                .map(|shown| ("authorization", shown.as_str()));
            let reply = client.ask_with(method, &path, headers.as_slice()).await;
            assert!(!reply.sets_cookie(), "{path}: {reply:?}");
            reply
        }
    }
}
