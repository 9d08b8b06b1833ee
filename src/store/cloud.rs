//! Clients for each cloud, with the credentials and options that its own tools would take.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::SpawnedReqwestConnector;
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::list::PaginatedListStore;
use object_store::{BackoffConfig, Certificate, ClientOptions, CredentialProvider, ObjectStore, RetryConfig};
use tokio::runtime::Handle;

use super::address::{self, Address, Cloud};
use super::env::Env;
use super::fault::Fault;
use super::profile::Profile;
use crate::error::{Error, Result};
use crate::limits;

/// A bucket, ready to be asked.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) store: Arc<dyn ObjectStore>,
    /// The same store, where it lists by any beginning of a key rather than by folders.
    pub(super) pages: Option<Arc<dyn PaginatedListStore>>,
}

impl Client {
    fn of<S: ObjectStore + PaginatedListStore>(store: S) -> Self {
        let store = Arc::new(store);
        Self { store: store.clone(), pages: Some(store) }
    }
}

/// Makes the client of an address. Nothing is asked over the network yet.
pub(super) fn open(address: &Address, env: &Env, runtime: &Handle) -> Result<Client> {
    let connector = SpawnedReqwestConnector::new(runtime.clone());
    match address.cloud {
        Cloud::S3 => s3(address, env, connector),
        Cloud::Gcs => gcs(address, env, connector),
        Cloud::Azure => azure(address, env, connector),
        Cloud::Http => http(address, env),
        Cloud::Own => Err(Error::usage(format!("{}: there is no such store", address.root))),
    }
}

/// An error of a builder: bad options, or credentials that cannot be read.
fn unusable(address: &Address, env: &Env, error: &object_store::Error) -> Error {
    let fault = Fault::of(error, &env.secrets(address.secret.as_deref()));
    Error::usage(format!("{}: the options of the environment do not fit: {}", address.root, fault.text))
}

fn retries(env: &Env) -> RetryConfig {
    let attempts = env.get("AWS_MAX_ATTEMPTS").and_then(|attempts| attempts.parse::<usize>().ok());
    RetryConfig {
        backoff: BackoffConfig {
            max_backoff: Duration::from_secs(limits::REMOTE_BACKOFF_SECONDS),
            ..BackoffConfig::default()
        },
        max_retries: attempts
            .map_or(limits::REMOTE_RETRIES_MAX, |attempts| attempts.saturating_sub(1).min(limits::REMOTE_RETRIES_MAX)),
        retry_timeout: Duration::from_secs(limits::REMOTE_RETRY_SECONDS),
    }
}

/// Retries where a store guesses that the machine lends credentials, which it may not.
fn guesses() -> RetryConfig {
    RetryConfig {
        max_retries: 1,
        retry_timeout: Duration::from_secs(limits::REMOTE_CREDENTIAL_SECONDS),
        ..RetryConfig::default()
    }
}

/// Client options, plain HTTP among them if `endpoint` needs and may use it.
fn options(endpoint: Option<&str>, env: &Env) -> Result<ClientOptions> {
    let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    let allowed = ["KUBESIFT_ALLOW_HTTP", "AWS_ALLOW_HTTP", "AZURE_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP"];
    if let Some(endpoint) = endpoint.filter(|endpoint| address::is_open(endpoint))
        && !allowed.iter().any(|name| env.is_true(name))
    {
        return Err(Error::usage(format!(
            "{}: plain HTTP to another machine: whoever is between can read and change the logs; use https, or set \
             KUBESIFT_ALLOW_HTTP=true",
            address::shown(endpoint)
        )));
    }
    Ok(ClientOptions::new()
        .with_user_agent(object_store::HeaderValue::from_static(concat!("kubesift/", env!("CARGO_PKG_VERSION"))))
        .with_connect_timeout(Duration::from_secs(limits::REMOTE_CONNECT_SECONDS))
        .with_timeout(Duration::from_secs(limits::REMOTE_REQUEST_SECONDS))
        .with_allow_http(plain))
}

/// Credentials that a cloud's client guesses to be there; where they are not, a user wants to know which to set.
#[derive(Debug)]
struct Guessed<T: Debug> {
    inner: Option<Arc<dyn CredentialProvider<Credential = T>>>,
    advice: String,
}

#[async_trait]
impl<T: Debug + Send + Sync + 'static> CredentialProvider for Guessed<T> {
    type Credential = T;

    async fn get_credential(&self) -> object_store::Result<Arc<T>> {
        if let Some(inner) = &self.inner
            && let Ok(credential) = inner.get_credential().await
        {
            return Ok(credential);
        }
        Err(object_store::Error::Unauthenticated { path: String::new(), source: self.advice.clone().into() })
    }
}

fn s3(address: &Address, env: &Env, connector: SpawnedReqwestConnector) -> Result<Client> {
    let profile = Profile::read(env)?;
    let endpoint = env.first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]);
    let endpoint = endpoint.or_else(|| profile.get("endpoint_url"));
    let mut options = options(endpoint, env)?;
    for certificate in certificates(env)? {
        options = options.with_root_certificate(certificate);
    }
    let mut builder = AmazonS3Builder::new().with_client_options(options).with_http_connector(connector);
    if let Some(region) = profile.get("region") {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    for (name, value) in env.with_prefix("AWS_") {
        let Ok(key) = name.to_ascii_lowercase().parse() else { continue };
        // the profile's region must not shut out that of the environment
        let key = if key == AmazonS3ConfigKey::DefaultRegion { AmazonS3ConfigKey::Region } else { key };
        let is_ours = matches!(key, AmazonS3ConfigKey::Bucket | AmazonS3ConfigKey::Endpoint)
            || key == AmazonS3ConfigKey::Client(object_store::ClientConfigKey::AllowHttp);
        if !is_ours {
            builder = builder.with_config(key, value);
        }
    }
    builder = match address.bucket.as_str() {
        "" => builder.with_url(&address.root),
        bucket => builder.with_bucket_name(bucket),
    };
    let fail = |error| unusable(address, env, &error);
    let has_keys = env.first(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]).is_some();
    let has_role = env.get("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() && env.get("AWS_ROLE_ARN").is_some()
        || env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").is_some()
        || env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI").is_some();
    if !has_keys && !has_role {
        if let (Some(id), Some(secret)) = (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")) {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
            if let Some(token) = profile.get("aws_session_token") {
                builder = builder.with_token(token);
            }
        } else {
            let guess = builder.clone().with_retry(guesses()).build().map_err(fail)?;
            let may_ask = !env.is_true("AWS_EC2_METADATA_DISABLED") && !profile.is_indirect();
            let inner = may_ask.then(|| guess.credentials().clone());
            builder = builder.with_credentials(Arc::new(Guessed { inner, advice: aws_advice(&profile) }));
        }
    }
    Ok(Client::of(builder.with_retry(retries(env)).build().map_err(fail)?))
}

fn aws_advice(profile: &Profile) -> String {
    if profile.is_indirect() {
        return format!(
            "profile {name} gets its credentials from a role, a login or a program, which Kubesift does not run; first \
             run: eval \"$(aws configure export-credentials --profile {name} --format env)\"",
            name = profile.name
        );
    }
    "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine or \
     pod a role (for a public bucket AWS_SKIP_SIGNATURE=true)"
        .to_owned()
}

/// The authorities that `AWS_CA_BUNDLE` names, beside those of the system.
fn certificates(env: &Env) -> Result<Vec<Certificate>> {
    let Some(path) = env.get("AWS_CA_BUNDLE") else { return Ok(Vec::new()) };
    let wrong = |reason: String| Error::usage(format!("AWS_CA_BUNDLE: {path}: {reason}"));
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    Certificate::from_pem_bundle(&pem).map_err(|_| wrong("no certificates in PEM".to_owned()))
}

fn gcs(address: &Address, env: &Env, connector: SpawnedReqwestConnector) -> Result<Client> {
    let url_of = |host: &str| if host.contains("://") { host.to_owned() } else { format!("http://{host}") };
    let emulator = env.get("STORAGE_EMULATOR_HOST").map(url_of);
    let endpoint = emulator.as_deref().or_else(|| env.get("GOOGLE_BASE_URL"));
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_client_options(options(endpoint, env)?)
        .with_http_connector(connector)
        .with_bucket_name(&address.bucket);
    for (name, value) in env.with_prefix("GOOGLE_").chain(env.with_prefix("SERVICE_ACCOUNT")) {
        let Ok(key) = name.to_ascii_lowercase().parse() else { continue };
        let is_ours =
            key == GoogleConfigKey::Bucket || key == GoogleConfigKey::Client(object_store::ClientConfigKey::AllowHttp);
        if !is_ours {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(emulator) = &emulator {
        builder = builder.with_base_url(emulator).with_skip_signature(true);
    }
    let fail = |error| unusable(address, env, &error);
    let login = env
        .get("HOME")
        .map(|home| std::path::Path::new(home).join(".config/gcloud/application_default_credentials.json"));
    let named = [
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_PATH",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "SERVICE_ACCOUNT",
        "GOOGLE_SKIP_SIGNATURE",
    ];
    if emulator.is_none() && env.first(&named).is_none() && !login.is_some_and(|path| path.exists()) {
        let guess = builder.clone().with_retry(guesses()).build().map_err(fail)?;
        let advice = "no credentials were found; set GOOGLE_APPLICATION_CREDENTIALS, run `gcloud auth \
                      application-default login`, or give the machine or pod a service account (for a public bucket \
                      GOOGLE_SKIP_SIGNATURE=true)";
        let inner = Some(guess.credentials().clone());
        builder = builder.with_credentials(Arc::new(Guessed { inner, advice: advice.to_owned() }));
    }
    Ok(Client::of(builder.with_retry(retries(env)).build().map_err(fail)?))
}

fn azure(address: &Address, env: &Env, connector: SpawnedReqwestConnector) -> Result<Client> {
    let connection = env.get("AZURE_STORAGE_CONNECTION_STRING").map(connection_string).unwrap_or_default();
    let named: Vec<(AzureConfigKey, &str)> = env
        .with_prefix("AZURE_")
        .filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, value)))
        // names that the az command knows and object_store does not
        .chain(env.get("AZURE_STORAGE_ACCOUNT").map(|value| (AzureConfigKey::AccountName, value)))
        .chain(env.get("AZURE_STORAGE_KEY").map(|value| (AzureConfigKey::AccessKey, value)))
        .chain(env.get("IDENTITY_ENDPOINT").map(|value| (AzureConfigKey::MsiEndpoint, value)))
        .collect();
    let settings: Vec<(AzureConfigKey, &str)> = connection.into_iter().chain(named).collect();
    let endpoint = settings.iter().rev().find(|(key, _)| *key == AzureConfigKey::Endpoint).map(|(_, value)| *value);
    let emulator = env.is_true("AZURE_STORAGE_USE_EMULATOR").then_some("http://127.0.0.1");
    let mut builder = MicrosoftAzureBuilder::new()
        .with_client_options(options(endpoint.or(emulator), env)?)
        .with_http_connector(connector);
    let mut has_credentials = address.secret.is_some() || emulator.is_some();
    for (key, value) in settings {
        has_credentials |= is_azure_credential(key);
        let is_ours = key == AzureConfigKey::ContainerName
            || key == AzureConfigKey::Client(object_store::ClientConfigKey::AllowHttp);
        if !is_ours {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(signature) = &address.secret {
        builder = builder.with_config(AzureConfigKey::SasKey, signature);
    }
    builder = builder.with_url(&address.root);
    let fail = |error: object_store::Error| {
        if error.to_string().contains("Account must be specified") {
            let advice = "set AZURE_STORAGE_ACCOUNT to the storage account that the container is in";
            return Error::usage(format!("{}: {advice}", address.root));
        }
        unusable(address, env, &error)
    };
    if !has_credentials {
        let guess = builder.clone().with_retry(guesses()).build().map_err(fail)?;
        let advice = "no credentials were found; set AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, AZURE_CLIENT_ID with \
                      AZURE_CLIENT_SECRET and AZURE_TENANT_ID, or AZURE_USE_AZURE_CLI=true, or give the machine or pod \
                      an identity";
        let inner = Some(guess.credentials().clone());
        builder = builder.with_credentials(Arc::new(Guessed { inner, advice: advice.to_owned() }));
    }
    Ok(Client::of(builder.with_retry(retries(env)).build().map_err(fail)?))
}

fn is_azure_credential(key: AzureConfigKey) -> bool {
    use AzureConfigKey::{
        AccessKey, ClientSecret, FabricSessionToken, FederatedTokenFile, MsiEndpoint, SasKey, SkipSignature, Token,
        UseAzureCli, UseEmulator,
    };
    let credentials = [
        AccessKey,
        ClientSecret,
        FabricSessionToken,
        FederatedTokenFile,
        MsiEndpoint,
        SasKey,
        SkipSignature,
        Token,
        UseAzureCli,
        UseEmulator,
    ];
    credentials.contains(&key)
}

/// The settings of a connection string, as the portal shows it.
fn connection_string(text: &str) -> Vec<(AzureConfigKey, &str)> {
    let setting = |part| {
        let (name, value): (&str, &str) = str::split_once(part, '=')?;
        let key = match name.trim() {
            "AccountName" => AzureConfigKey::AccountName,
            "AccountKey" => AzureConfigKey::AccessKey,
            "SharedAccessSignature" => AzureConfigKey::SasKey,
            "BlobEndpoint" => AzureConfigKey::Endpoint,
            _ => return None,
        };
        Some((key, value))
    };
    text.split(';').filter_map(setting).collect()
}

fn http(address: &Address, env: &Env) -> Result<Client> {
    let query = address.secret.as_ref().map_or_else(String::new, |query| format!("?{query}"));
    let store = HttpBuilder::new()
        .with_client_options(options(Some(&address.root), env)?)
        .with_retry(retries(env))
        .with_url(format!("{}/{query}", address.root))
        .build()
        .map_err(|error| unusable(address, env, &error))?;
    Ok(Client { store: Arc::new(store), pages: None })
}

#[cfg(test)]
mod tests;
