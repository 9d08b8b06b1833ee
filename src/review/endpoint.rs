//! Whom to ask: an OpenAI-compatible endpoint that the user named, and the key for it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use url::{Host, Url};

use crate::error::{Error, Result};
use crate::limits::{REVIEW_CONNECT_SECONDS, REVIEW_KEY_BYTES_MAX};

/// The last part of every such API's address.
const PATH: &str = "chat/completions";

/// A key for an endpoint. Nothing shows it.
#[derive(Clone)]
pub struct Key(String);

impl Key {
    /// Takes a key, as it stands in the environment.
    pub fn new(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > REVIEW_KEY_BYTES_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::usage("KUBESIFT_REVIEW_KEY is no key: it is empty, too long, or has odd characters"));
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// `Authorization: Bearer ...`, kept out of the client's own logs.
    pub(super) fn header(&self) -> Result<HeaderValue> {
        let value = HeaderValue::from_str(&format!("Bearer {}", self.0));
        let mut value = value.map_err(|_| Error::usage("KUBESIFT_REVIEW_KEY cannot stand in an HTTP header"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// An endpoint, its model, and how long it may take.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub(super) url: Url,
    pub(super) host: String,
    pub(super) model: String,
    pub(super) timeout: Duration,
    pub(super) key: Option<Key>,
}

impl Endpoint {
    /// Takes the base of an API, such as `https://llm.example.com/v1` or `http://127.0.0.1:11434/v1`, and checks that
    /// what is sent there cannot be read on the way. `timeout` is for all of the answer.
    pub fn new(base: &str, model: &str, timeout: Duration, key: Option<Key>) -> Result<Self> {
        // the address is not repeated: it may hold a password
        let wrong = |why: &str| Error::usage(format!("review.url: {why}"));
        let mut url = Url::parse(base.trim())
            .map_err(|error| wrong(&format!("{error}; write it like https://llm.example.com/v1")))?;
        if !["https", "http"].contains(&url.scheme()) {
            return Err(wrong("it must begin with https://, or http:// for this machine"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("it holds a user or a password; put the key into KUBESIFT_REVIEW_KEY instead"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("leave out what begins with ? or #; a key belongs into KUBESIFT_REVIEW_KEY"));
        }
        let mut host = url.host_str().unwrap_or_default().to_owned();
        if let Some(port) = url.port() {
            host += &format!(":{port}");
        }
        if url.scheme() == "http" && !is_this_machine(&url) {
            return Err(wrong(&format!(
                "plain HTTP to {host}: whoever is between can read and change the review; use https, or a model on \
                 this machine"
            )));
        }
        if model.trim().is_empty() || model.chars().any(char::is_control) {
            return Err(Error::usage("review.model: the name of the model is empty or has odd characters"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if !path.ends_with(PATH) {
            url.set_path(&format!("{path}/{PATH}"));
        }
        Ok(Self { url, host, model: model.trim().to_owned(), timeout, key })
    }

    /// The host, and its port if it is not the usual one.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The model's name.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// A client for this endpoint alone: it follows no redirect, keeps no connection and tries nothing again by itself.
    /// `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` count as everywhere, but not for this machine.
    pub(super) fn client(&self) -> reqwest::Result<Client> {
        let mut builder: ClientBuilder = Client::builder()
            .user_agent(concat!("kubesift/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(REVIEW_CONNECT_SECONDS))
            .timeout(self.timeout)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .pool_max_idle_per_host(0);
        if is_this_machine(&self.url) {
            // whatever a hosts file says
            let addresses = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
            builder = builder.no_proxy().resolve_to_addrs("localhost", &addresses.map(|ip| SocketAddr::new(ip, 0)));
        }
        if self.url.scheme() == "http" {
            // a machine without any authority can still ask itself
            builder = builder.tls_certs_only([]);
        }
        builder.build()
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(base: &str) -> Result<Endpoint> {
        Endpoint::new(base, "some-model", Duration::from_secs(1), None)
    }

    #[test]
    fn the_address_is_made_of_its_base() {
        for (base, url, host) in [
            ("https://llm.example.com/v1", "https://llm.example.com/v1/chat/completions", "llm.example.com"),
            (
                "https://llm.example.com:8443/v1/",
                "https://llm.example.com:8443/v1/chat/completions",
                "llm.example.com:8443",
            ),
            ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1/chat/completions", "127.0.0.1:11434"),
            ("http://[::1]:8080", "http://[::1]:8080/chat/completions", "[::1]:8080"),
            ("http://localhost/v1/chat/completions", "http://localhost/v1/chat/completions", "localhost"),
        ] {
            let endpoint = endpoint(base).unwrap();
            assert_eq!((endpoint.url.as_str(), endpoint.host()), (url, host));
        }
    }

    #[test]
    fn an_unsafe_address_is_refused_and_not_repeated() {
        for (base, why) in [
            ("http://llm.example.com/v1", "plain HTTP to llm.example.com"),
            ("http://192.0.2.1/v1", "plain HTTP"),
            ("http://localhost.example.com/v1", "plain HTTP"),
            ("https://alice:hunter2@llm.example.com/v1", "a user or a password"),
            ("https://hunter2@llm.example.com/v1", "a user or a password"),
            ("https://llm.example.com/v1?key=hunter2", "begins with ?"),
            ("https://llm.example.com/v1#hunter2", "or #"),
            ("ftp://llm.example.com", "must begin with https"),
            ("llm.example.com/v1", "write it like"),
            ("", "write it like"),
        ] {
            let error = endpoint(base).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            let text = error.to_string();
            assert!(text.starts_with("review.url: ") && text.contains(why), "{base}: {text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
        assert!(Endpoint::new("https://llm.example.com", " ", Duration::from_secs(1), None).is_err());
    }

    #[test]
    fn a_key_is_never_shown() {
        let key = Key::new(" sk-abcdef\n").unwrap();
        let endpoint = Endpoint::new("https://llm.example.com", "m", Duration::from_secs(1), Some(key)).unwrap();
        assert!(!format!("{endpoint:?}").contains("sk-abc"));
        assert!(!format!("{:?}", endpoint.key.unwrap().header().unwrap()).contains("sk-abc"));
        for text in ["", " ", "sk\nx", "sk-ü", &"x".repeat(REVIEW_KEY_BYTES_MAX + 1)] {
            let error = Key::new(text).unwrap_err().to_string();
            assert!(error.starts_with("KUBESIFT_REVIEW_KEY is no key"), "{error}");
        }
    }
}
