//! Which client an address opens, and with which options.

use super::*;

fn opened(url: &str, variables: &[(&str, &str)]) -> Result<String> {
    let env = Env::new(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    open(&Address::parse(url)?, &env, runtime.handle()).map(|client| client.store.to_string())
}

const KEY: (&str, &str) = ("AZURE_STORAGE_KEY", "aHVzaC1odXNo");

#[test]
fn each_url_opens_the_store_of_its_cloud() {
    let account = ("AZURE_STORAGE_ACCOUNT", "acme");
    for (url, store) in [
        ("s3://logs/a", "AmazonS3(logs)"),
        ("https://logs.s3.eu-west-1.amazonaws.com/a", "AmazonS3(logs)"),
        ("https://s3.eu-west-1.amazonaws.com/logs/a", "AmazonS3(logs)"),
        ("gs://logs/a", "GoogleCloudStorage(logs)"),
        ("az://logs/a", "MicrosoftAzure { account: acme, container: logs }"),
        ("abfss://logs@other.dfs.core.windows.net/a", "MicrosoftAzure { account: other, container: logs }"),
        ("https://other.blob.core.windows.net/logs/a?sig=x", "MicrosoftAzure { account: other, container: logs }"),
        ("https://example.com/a?token=hush", "HttpStore"),
    ] {
        assert_eq!(opened(url, &[account, KEY]).unwrap(), store, "{url}");
    }
}

#[test]
fn an_account_comes_from_whichever_variable_the_tools_know() {
    let string = "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=aHVzaC1odXNo;EndpointSuffix=x";
    for account in [
        ("AZURE_STORAGE_ACCOUNT", "acme"),
        ("AZURE_STORAGE_ACCOUNT_NAME", "acme"),
        ("AZURE_STORAGE_CONNECTION_STRING", string),
    ] {
        assert_eq!(
            opened("az://logs", &[account]).unwrap(),
            "MicrosoftAzure { account: acme, container: logs }",
            "{account:?}"
        );
    }
    let error = opened("az://logs", &[KEY]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "az://logs: set AZURE_STORAGE_ACCOUNT to the storage account that the container is in"
    );
}

#[test]
fn options_that_do_not_fit_are_usage_errors_without_their_values() {
    for (url, variables) in [
        ("s3://logs", &[("AWS_ACCESS_KEY_ID", "hush-hush")][..]),
        ("s3://logs", &[("AWS_SKIP_SIGNATURE", "hush"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")]),
        ("gs://logs", &[("GOOGLE_SERVICE_ACCOUNT_KEY", "\"hush-hush\"")]),
        ("gs://logs", &[("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")]),
        ("az://logs", &[("AZURE_STORAGE_ACCOUNT", "acme"), ("AZURE_STORAGE_KEY", "hush-hush!")]),
        ("s3://logs", &[("AWS_CA_BUNDLE", "/nowhere/ca.pem")]),
    ] {
        let error = opened(url, variables).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
        assert!(!error.to_string().contains("hush-hush"), "{error}");
    }
}

#[test]
fn no_credentials_are_told_with_what_to_set() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let guessed = Guessed::<object_store::aws::AwsCredential> { inner: None, advice: "set this".to_owned() };
    let error = runtime.block_on(guessed.get_credential()).unwrap_err();
    let fault = Fault::of(&error, &super::super::fault::Secrets::default());
    assert_eq!((fault.kind, fault.text.as_str()), (std::io::ErrorKind::PermissionDenied, "set this"));
}

#[test]
fn the_attempts_of_the_aws_tools_are_heeded_up_to_our_own() {
    let with = |attempts: &str| retries(&Env::new([("AWS_MAX_ATTEMPTS".to_owned(), attempts.to_owned())])).max_retries;
    assert_eq!(
        (with("1"), with("3"), with("1000"), with("x")),
        (0, 2, limits::REMOTE_RETRIES_MAX, limits::REMOTE_RETRIES_MAX)
    );
}
