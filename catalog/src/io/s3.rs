//! Opening a bucket of S3, or of a store that speaks its language.
//!
//! * Two clients share one bucket and one set of credentials. The one for slots makes one attempt for each request, so
//!   that one answer describes one attempt; the other tries again by itself.
//! * What the options say comes first, then the environment (`AWS_…`), then the profile.
//! * Plain HTTP is allowed to an endpoint that is written with `http://`, and nowhere else.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{ClientConfigKey, RetryConfig};
use url::{Host, Url};

use super::StoreOptions;
use super::aws_profile::{Profile, ProfileError, read_profile};
use super::location::{LakeStore, rooted};

/// How often the client tries a request again that is no slot's.
const RETRIES_MAX: usize = 8;

/// How long after the first try it does so.
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long one request for a slot may take, from the connection to the last byte of the answer. What comes of it later
/// is found by reading the slot.
const SLOT_TIMEOUT: &str = "15 seconds";

/// Why a bucket cannot be opened.
#[derive(Debug)]
pub(super) enum S3Error {
    /// The profile cannot be used.
    Profile(ProfileError),
    /// The client does not take what it is told.
    Client(object_store::Error),
    /// The bucket should stand in the name of a host that has none.
    NoHostName,
}

impl From<ProfileError> for S3Error {
    fn from(error: ProfileError) -> Self {
        Self::Profile(error)
    }
}

impl From<object_store::Error> for S3Error {
    fn from(error: object_store::Error) -> Self {
        Self::Client(error)
    }
}

/// Opens the bucket at a URL. Sends no request.
pub(super) fn open_s3(url: &Url, prefix: &Path, options: &StoreOptions) -> Result<LakeStore, S3Error> {
    let environment = environment();
    let profile = if needs_profile(&environment, options) { read_profile(options)? } else { Profile::default() };
    let builder = configure(url, options, &environment, profile)?;
    let again = RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
    let objects = builder.clone().with_retry(again).build()?;
    let once = RetryConfig { max_retries: 0, ..RetryConfig::default() };
    let mut builder = builder.with_retry(once).with_credentials(Arc::clone(objects.credentials()));
    let timeout = AmazonS3ConfigKey::Client(ClientConfigKey::Timeout);
    if !environment.iter().any(|(key, _)| *key == timeout) {
        builder = builder.with_config(timeout, SLOT_TIMEOUT);
    }
    let slots = builder.build()?;
    Ok(LakeStore::new(rooted(objects, prefix), rooted(slots, prefix)).counted())
}

/// The variables that configure S3. Those that are not Unicode, or mean nothing, are passed over.
fn environment() -> Vec<(AmazonS3ConfigKey, String)> {
    env::vars_os()
        .filter_map(|(key, value)| {
            let key = key.into_string().ok()?;
            if !key.starts_with("AWS_") {
                return None;
            }
            let known: AmazonS3ConfigKey = key.to_ascii_lowercase().parse().ok()?;
            Some((known, value.into_string().ok()?))
        })
        .collect()
}

/// Whether the profile's files are looked into: one was named, or the environment does not say who asks.
fn needs_profile(environment: &[(AmazonS3ConfigKey, String)], options: &StoreOptions) -> bool {
    let is_named = options.s3_profile.is_some() || options.s3_credentials_file.is_some();
    is_named || !environment.iter().any(|(key, _)| says_who(*key))
}

/// Whether a variable says who asks, or how to find that out.
fn says_who(key: AmazonS3ConfigKey) -> bool {
    matches!(
        key,
        AmazonS3ConfigKey::AccessKeyId
            | AmazonS3ConfigKey::SecretAccessKey
            | AmazonS3ConfigKey::Token
            | AmazonS3ConfigKey::WebIdentityTokenFile
            | AmazonS3ConfigKey::ContainerCredentialsRelativeUri
            | AmazonS3ConfigKey::ContainerCredentialsFullUri
    )
}

fn configure(
    url: &Url,
    options: &StoreOptions,
    environment: &[(AmazonS3ConfigKey, String)],
    profile: Profile,
) -> Result<AmazonS3Builder, S3Error> {
    let Profile { credentials, region, endpoint } = profile;
    let mut builder = AmazonS3Builder::new().with_url(url.as_str());
    for (key, value) in environment {
        // A token of the environment does not belong to the keys of a profile.
        if credentials.is_none() || !says_who(*key) {
            builder = builder.with_config(*key, value);
        }
    }
    if let Some(credentials) = credentials {
        builder = builder.with_access_key_id(credentials.key_id).with_secret_access_key(credentials.secret);
        if let Some(token) = credentials.token {
            builder = builder.with_token(token);
        }
    }
    let known_region = builder.get_config_value(&AmazonS3ConfigKey::Region);
    if let Some(region) = options.s3_region.clone().or(known_region).or(region) {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = options.s3_endpoint.clone().or_else(|| endpoint_of(&builder)).or(endpoint) {
        builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint);
    }
    if let Some(path_style) = options.s3_path_style {
        builder = builder.with_virtual_hosted_style_request(!path_style);
    }
    let endpoint = endpoint_of(&builder);
    if endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://")) {
        builder = builder.with_allow_http(true);
    }
    match (options.s3_path_style, endpoint, bucket_of(url)) {
        (Some(false), Some(endpoint), Some(bucket)) => {
            let named = with_bucket(&endpoint, bucket).ok_or(S3Error::NoHostName)?;
            Ok(builder.with_config(AmazonS3ConfigKey::S3Endpoint, named))
        }
        _ => Ok(builder),
    }
}

fn endpoint_of(builder: &AmazonS3Builder) -> Option<String> {
    let own = builder.get_config_value(&AmazonS3ConfigKey::S3Endpoint);
    own.or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Endpoint))
}

/// The bucket, where the URL has it in the host's place.
fn bucket_of(url: &Url) -> Option<&str> {
    if matches!(url.scheme(), "s3" | "s3a") { url.host_str() } else { None }
}

/// The endpoint with the bucket before its host's name; `None` if it has no name.
fn with_bucket(endpoint: &str, bucket: &str) -> Option<String> {
    let mut url = Url::parse(endpoint).ok()?;
    let Some(Host::Domain(host)) = url.host() else { return None };
    if !host.starts_with(&format!("{bucket}.")) {
        let named = format!("{bucket}.{host}");
        url.set_host(Some(&named)).ok()?;
    }
    Some(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::aws_profile::Credentials;
    use super::*;

    fn url() -> Url {
        Url::parse("s3://bucket/lake").unwrap()
    }

    fn variables(pairs: &[(&str, &str)]) -> Vec<(AmazonS3ConfigKey, String)> {
        pairs.iter().map(|(key, value)| (key.parse().unwrap(), (*value).to_owned())).collect()
    }

    fn profile() -> Profile {
        let credentials = Credentials { key_id: "PROFILE".to_owned(), secret: "secret".to_owned(), token: None };
        let (region, endpoint) = (Some("eu-west-1".to_owned()), Some("https://profile.example".to_owned()));
        Profile { credentials: Some(credentials), region, endpoint }
    }

    fn value(builder: &AmazonS3Builder, key: &str) -> Option<String> {
        builder.get_config_value(&key.parse().unwrap())
    }

    #[test]
    fn options_outdo_the_environment_and_that_the_profile() {
        let environment = variables(&[("aws_region", "us-west-2"), ("aws_endpoint", "https://environment.example")]);
        let builder = configure(&url(), &StoreOptions::default(), &environment, profile()).unwrap();
        assert_eq!(value(&builder, "aws_region").as_deref(), Some("us-west-2"));
        assert_eq!(endpoint_of(&builder).as_deref(), Some("https://environment.example"));

        let options = StoreOptions {
            s3_endpoint: Some("http://127.0.0.1:9000".to_owned()),
            s3_region: Some("here".to_owned()),
            ..StoreOptions::default()
        };
        let builder = configure(&url(), &options, &environment, profile()).unwrap();
        assert_eq!(value(&builder, "aws_region").as_deref(), Some("here"));
        assert_eq!(endpoint_of(&builder).as_deref(), Some("http://127.0.0.1:9000"));
    }

    #[test]
    fn the_keys_of_a_profile_are_not_mixed_with_those_of_the_environment() {
        let environment = variables(&[("aws_access_key_id", "ENVIRONMENT"), ("aws_session_token", "token")]);
        let builder = configure(&url(), &StoreOptions::default(), &environment, profile()).unwrap();
        assert_eq!(value(&builder, "aws_access_key_id").as_deref(), Some("PROFILE"));
        assert_eq!(value(&builder, "aws_session_token"), None);
    }

    #[test]
    fn a_profile_is_looked_for_when_it_is_named_or_nobody_is() {
        let nobody = variables(&[("aws_region", "us-west-2")]);
        let somebody = variables(&[("aws_access_key_id", "ENVIRONMENT")]);
        let named = StoreOptions { s3_profile: Some("audit".to_owned()), ..StoreOptions::default() };
        assert!(needs_profile(&nobody, &StoreOptions::default()));
        assert!(!needs_profile(&somebody, &StoreOptions::default()));
        assert!(needs_profile(&somebody, &named));
    }

    #[test]
    fn plain_http_is_for_endpoints_that_say_so() {
        let with = |endpoint: &str| -> Option<String> {
            let options = StoreOptions { s3_endpoint: Some(endpoint.to_owned()), ..StoreOptions::default() };
            let builder = configure(&url(), &options, &[], Profile::default()).unwrap();
            value(&builder, "aws_allow_http")
        };
        assert_eq!(with("http://127.0.0.1:9000").as_deref(), Some("true"));
        assert_eq!(with("https://store.example").as_deref(), Some("false"));
    }

    #[test]
    fn the_bucket_goes_into_the_name_of_the_host_if_that_has_one() {
        assert_eq!(with_bucket("https://store.example/", "lake").as_deref(), Some("https://lake.store.example"));
        assert_eq!(with_bucket("https://lake.store.example", "lake").as_deref(), Some("https://lake.store.example"));
        assert_eq!(with_bucket("http://localhost:9000", "lake").as_deref(), Some("http://lake.localhost:9000"));
        assert_eq!(with_bucket("http://127.0.0.1:9000", "lake"), None);
    }
}
