//! From a URL to the cloud, the bucket and the key that it names, with what is secret in it kept apart.

use percent_encoding::percent_decode_str;
use url::Url;

use crate::error::{Error, Result};

/// Which protocol a bucket speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cloud {
    /// Amazon S3 and what speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
    /// A web server with one file.
    Http,
    /// A store that the program brought along.
    Own,
}

/// A URL, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) cloud: Cloud,
    /// Scheme, and bucket, container or host: `s3://bucket`. Never holds a secret.
    pub(super) root: String,
    /// The bucket's name; empty where the root alone tells it.
    pub(super) bucket: String,
    /// What follows, as object stores write it: not percent-encoded, without the first slash. May be a pattern.
    pub(super) key: String,
    /// The query of a signed URL, or a shared access signature. Never shown.
    pub(super) secret: Option<String>,
}

/// Whether a text names a place by URL rather than by path.
pub(super) fn is_url(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once("://") else { return false };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

impl Address {
    /// Takes a URL apart. Keys of `s3`, `gs` and `az` URLs are taken as they stand, as the clouds' own tools do; those
    /// of `https` URLs are percent-decoded.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
        match scheme.as_str() {
            "s3" | "s3a" => Self::of_bucket(text, Cloud::S3, &scheme),
            "gs" => Self::of_bucket(text, Cloud::Gcs, &scheme),
            "az" | "azure" | "abfs" | "abfss" => Self::of_bucket(text, Cloud::Azure, &scheme),
            "memory" => Self::of_bucket(text, Cloud::Own, &scheme),
            "http" | "https" => Self::of_web(text),
            _ => Err(Error::usage(format!(
                "{}: unknown kind of URL; use s3://, gs://, az://, https:// or a path",
                shown(text)
            ))),
        }
    }

    fn of_bucket(text: &str, cloud: Cloud, scheme: &str) -> Result<Self> {
        let rest = text.split_once("://").map_or("", |(_, rest)| rest);
        let (authority, key) = rest.split_once('/').unwrap_or((rest, ""));
        let (container, bucket) = match authority.rsplit_once('@') {
            // container@account.dfs.core.windows.net
            Some((container, host)) if cloud == Cloud::Azure && !container.contains(':') => (container, host),
            Some(_) => return Err(credentials_inside(text)),
            None => ("x", authority),
        };
        if !is_name(container) || !is_name(bucket) {
            return Err(Error::usage(format!("{}: {bucket:?} is not the name of a bucket", shown(text))));
        }
        Ok(Self {
            cloud,
            root: format!("{scheme}://{authority}"),
            bucket: authority.to_owned(),
            key: key.to_owned(),
            secret: None,
        })
    }

    fn of_web(text: &str) -> Result<Self> {
        let wrong = |reason: &str| Error::usage(format!("{}: {reason}", shown(text)));
        let url = Url::parse(text).map_err(|error| wrong(&format!("not a URL: {error}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(credentials_inside(text));
        }
        let host = url.host_str().unwrap_or_default();
        let root = url[..url::Position::BeforePath].to_owned();
        let path = percent_decode_str(url.path().trim_start_matches('/'));
        let path = path.decode_utf8().map_err(|_| wrong("its path is not UTF-8"))?.into_owned();
        let query = url.query().map(str::to_owned);
        let is_azure = is_azure_host(host) && url.scheme() == "https";
        let is_s3 = (host.ends_with(".amazonaws.com") || host.ends_with(".r2.cloudflarestorage.com"))
            && url.scheme() == "https"
            // a signed URL is good for this one object only, and by a plain GET
            && query.is_none();
        if !is_azure && !is_s3 {
            return Ok(Self { cloud: Cloud::Http, root, bucket: String::new(), key: path, secret: query });
        }
        let cloud = if is_azure { Cloud::Azure } else { Cloud::S3 };
        let in_host = is_s3 && !host.starts_with("s3.") && !host.ends_with(".r2.cloudflarestorage.com");
        if in_host {
            return Ok(Self { cloud, root, bucket: String::new(), key: path, secret: None });
        }
        let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
        if !is_name(bucket) {
            return Err(wrong("names no bucket"));
        }
        let root = format!("{root}/{bucket}");
        Ok(Self { cloud, root, bucket: String::new(), key: key.to_owned(), secret: query })
    }
}

/// Whether an endpoint is reached without TLS, and is not this machine.
pub(super) fn is_open(endpoint: &str) -> bool {
    let Ok(url) = Url::parse(endpoint) else { return false };
    let is_here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && !is_here
}

fn is_azure_host(host: &str) -> bool {
    let services =
        ["dfs.core.windows.net", "blob.core.windows.net", "dfs.fabric.microsoft.com", "blob.fabric.microsoft.com"];
    host.split_once('.').is_some_and(|(_, service)| services.contains(&service))
}

fn is_name(bucket: &str) -> bool {
    !bucket.is_empty() && bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_$".contains(&byte))
}

fn credentials_inside(text: &str) -> Error {
    Error::usage(format!(
        "{}: credentials in a URL end up in process lists and histories; put them into the environment",
        shown(text)
    ))
}

/// A URL for people: without user, password and query. Keys of buckets may hold a `?`, so that theirs stay.
pub(super) fn shown(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let is_web = matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https");
    let cut = |text: &str| match text.find(['?', '#']) {
        Some(at) if is_web => text[..at].to_owned(),
        _ => text.to_owned(),
    };
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) if is_web || user.contains(':') => host,
        _ => authority,
    };
    match path {
        Some(path) => format!("{scheme}://{}/{}", cut(authority), cut(path)),
        None => format!("{scheme}://{}", cut(authority)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Cloud, String, String, Option<String>) {
        let address = Address::parse(text).unwrap();
        (address.cloud, address.root, address.key, address.secret)
    }

    #[test]
    fn the_forms_of_each_cloud_lead_to_its_store() {
        for (text, cloud, root, key) in [
            ("s3://logs/audit/a.gz", Cloud::S3, "s3://logs", "audit/a.gz"),
            ("s3a://logs", Cloud::S3, "s3a://logs", ""),
            ("gs://logs/audit/", Cloud::Gcs, "gs://logs", "audit/"),
            ("az://logs/audit/", Cloud::Azure, "az://logs", "audit/"),
            ("abfs://logs/x", Cloud::Azure, "abfs://logs", "x"),
            ("abfss://logs@acme.dfs.core.windows.net/x", Cloud::Azure, "abfss://logs@acme.dfs.core.windows.net", "x"),
            ("https://acme.blob.core.windows.net/logs/x", Cloud::Azure, "https://acme.blob.core.windows.net/logs", "x"),
            (
                "https://logs.s3.eu-west-1.amazonaws.com/a/b",
                Cloud::S3,
                "https://logs.s3.eu-west-1.amazonaws.com",
                "a/b",
            ),
            ("https://s3.eu-west-1.amazonaws.com/logs/a", Cloud::S3, "https://s3.eu-west-1.amazonaws.com/logs", "a"),
            ("https://logs.example.com/a%20b.gz", Cloud::Http, "https://logs.example.com", "a b.gz"),
            ("http://127.0.0.1:8000/a", Cloud::Http, "http://127.0.0.1:8000", "a"),
        ] {
            assert_eq!(parsed(text), (cloud, root.to_owned(), key.to_owned(), None), "{text}");
        }
    }

    #[test]
    fn keys_of_buckets_are_taken_as_they_stand() {
        assert_eq!(parsed("s3://logs/a%20b/2026-11-2?/[ab]/**/*#1.gz").2, "a%20b/2026-11-2?/[ab]/**/*#1.gz");
    }

    #[test]
    fn a_signature_is_kept_apart_and_never_shown() {
        let azure = parsed("https://acme.blob.core.windows.net/logs/x?sv=2026&sig=hush");
        assert_eq!(azure.3.as_deref(), Some("sv=2026&sig=hush"));
        let signed = parsed("https://logs.s3.eu-west-1.amazonaws.com/a?X-Amz-Signature=hush");
        assert_eq!((signed.0, signed.2.as_str()), (Cloud::Http, "a"));
        assert_eq!(signed.1, "https://logs.s3.eu-west-1.amazonaws.com");
        for text in
            ["https://u:hush@example.com/a?t=hush#hush", "s3://u:hush@logs/a", "https://u:hush@example.com?hush"]
        {
            assert!(!shown(text).contains("hush"), "{}", shown(text));
        }
        assert_eq!(shown("s3://logs/a?b"), "s3://logs/a?b");
    }

    #[test]
    fn what_is_no_bucket_is_a_usage_error_without_the_secrets() {
        for text in [
            "s3://",
            "s3:///a",
            "s3://a b/c",
            "ftp://example.com/a",
            "file:///var/log",
            "s3://key:hush@logs/a",
            "https://key:hush@example.com/a",
            "https://",
            "https://acme.blob.core.windows.net/",
            "az://a@b@c/d",
            "https://example.com/%ff",
        ] {
            let Err(error) = Address::parse(text) else { panic!("{text} was taken") };
            assert_eq!(error.exit_code(), 2);
            assert!(!error.to_string().contains("hush"), "{error}");
        }
    }

    #[test]
    fn only_this_machine_is_reached_without_tls() {
        for (endpoint, open) in [
            ("http://localhost:9000", false),
            ("http://127.0.0.1:9000/x", false),
            ("http://[::1]:9000", false),
            ("https://example.com", false),
            ("http://example.com", true),
            ("http://localhost.example.com", true),
            ("http://127.0.0.1.example.com", true),
            ("http://127.0.0.1\\@example.com", false),
            ("http://example.com\\@127.0.0.1", true),
        ] {
            assert_eq!(is_open(endpoint), open, "{endpoint}");
        }
    }

    #[test]
    fn paths_are_not_taken_for_urls() {
        for text in ["audit.log", "/var/log/a", "C:\\a", "-", "a/b://c", "://x", "1s://x"] {
            assert!(!is_url(text), "{text}");
        }
        assert!(is_url("s3://x") && is_url("HTTPS://x"));
    }
}
