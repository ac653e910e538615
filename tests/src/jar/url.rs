//! URLs of requests, and whether a cookie matches them.

use super::Initiator;

pub(super) struct Url {
    pub(super) host: String,
    pub(super) path: String,
    pub(super) secure: bool,
}

impl Url {
    pub(super) fn parse(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").expect("an absolute URL");
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/"),
        };
        let host = authority
            .split(':')
            .next()
            .unwrap_or(authority)
            .to_ascii_lowercase();
        Self {
            path: path.split(['?', '#']).next().unwrap_or("/").to_owned(),
            secure: scheme == "https" || host == "localhost" || host == "127.0.0.1",
            host,
        }
    }

    /// Section 5.1.4.
    pub(super) fn default_path(&self) -> String {
        match self.path.rfind('/') {
            None | Some(0) => "/".to_owned(),
            Some(slash) => self.path[..slash].to_owned(),
        }
    }

    pub(super) fn top_level_site(&self, initiator: Initiator<'_>) -> String {
        match initiator {
            Initiator::Frame(page) => site(&Self::parse(page).host),
            Initiator::Same | Initiator::Link | Initiator::Form => site(&self.host),
        }
    }
}

fn site(host: &str) -> String {
    let labels: Vec<&str> = host.rsplitn(3, '.').collect();
    match labels.as_slice() {
        [top, domain, ..] => format!("{domain}.{top}"),
        _ => host.to_owned(),
    }
}

/// Section 5.1.3.
pub(super) fn domain_matches(host: &str, domain: &str) -> bool {
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    host == domain
        || (!is_address
            && host
                .strip_suffix(domain)
                .is_some_and(|start| start.ends_with('.')))
}

/// Section 5.1.4.
pub(super) fn path_matches(request: &str, cookie: &str) -> bool {
    request
        .strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}
