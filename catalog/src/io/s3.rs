//! Opening a bucket of S3, or of a store that speaks its language.
//!
//! * Two clients share one bucket and one set of credentials. The one for slots makes one attempt for each request, so
//!   that one answer describes one attempt; the other tries again by itself.
//! * What the options say comes first, then the environment (`AWS_…`), then the profile.
//! * Plain HTTP is allowed to an endpoint that is written with `http://`, and nowhere else.
//! * What the client would break down at is refused before: an endpoint that is no address, and characters that no
//!   request can carry.

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
use super::machine_role::MachineRole;

/// How often the client tries a request again that is no slot's. Its pauses grow slowly, by chance: so many take eight
/// seconds as a rule, and hardly ever less than three.
const RETRIES_MAX: usize = 20;

/// How long after the first try it does so, at most.
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long one request for a slot may take, from the connection to the last byte of the answer. What comes of it later
/// is found by reading the slot.
const SLOT_TIMEOUT: &str = "15 seconds";

/// The settings that say who asks, or how to find that out.
const WHO: [AmazonS3ConfigKey; 6] = [
    AmazonS3ConfigKey::AccessKeyId,
    AmazonS3ConfigKey::SecretAccessKey,
    AmazonS3ConfigKey::Token,
    AmazonS3ConfigKey::WebIdentityTokenFile,
    AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
    AmazonS3ConfigKey::ContainerCredentialsFullUri,
];

const NO_ADDRESS: &str = "its endpoint is no address; give one such as `http://127.0.0.1:9000` by --s3-endpoint or \
                          AWS_ENDPOINT_URL_S3";
const NO_HOST_NAME: &str = "its bucket cannot stand before an address without a name; use the path style";
const NO_REGION: &str = "its region is no name; give one such as `us-east-1` by --s3-region or AWS_REGION";
const NO_KEY: &str = "its access key or session token holds a character that no request can carry; see where it comes \
                      from";

/// Why a bucket cannot be opened.
#[derive(Debug)]
pub(super) enum S3Error {
    /// The profile cannot be used.
    Profile(ProfileError),
    /// The client does not take what it is told.
    Client(object_store::Error),
    /// How it should be reached makes no sense; what must change.
    Refused(&'static str),
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
    let mut builder = configure(url, options, &environment, profile)?;
    if !WHO.iter().any(|key| builder.get_config_value(key).is_some()) {
        let role = MachineRole::of(&builder, url.as_str())?;
        builder = builder.with_credentials(Arc::new(role));
    }
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

/// The variables that configure S3.
fn environment() -> Vec<(AmazonS3ConfigKey, String)> {
    let variables =
        env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
    known_settings(variables)
}

/// What variables set. Those that mean nothing or are empty are passed over; the line break at the end of a file whose
/// content became a variable is no part of it.
fn known_settings(variables: impl Iterator<Item = (String, String)>) -> Vec<(AmazonS3ConfigKey, String)> {
    variables
        .filter_map(|(key, value)| {
            let value = value.trim();
            if !key.starts_with("AWS_") || value.is_empty() {
                return None;
            }
            let known: AmazonS3ConfigKey = key.to_ascii_lowercase().parse().ok()?;
            Some((known, value.to_owned()))
        })
        .collect()
}

/// Whether the profile's files are looked into: one was named, or the environment does not say who asks.
fn needs_profile(environment: &[(AmazonS3ConfigKey, String)], options: &StoreOptions) -> bool {
    let is_named = options.s3_profile.is_some() || options.s3_credentials_file.is_some();
    is_named || !environment.iter().any(|(key, _)| WHO.contains(key))
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
        if credentials.is_none() || !WHO.contains(key) {
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
    check_words(&builder)?;
    let Some(endpoint) = endpoint_of(&builder) else { return Ok(builder) };
    let mut address = address_of(&endpoint).ok_or(S3Error::Refused(NO_ADDRESS))?;
    if let (true, Some(bucket)) = (is_virtual_hosted(&builder), bucket_of(url)) {
        address = with_bucket(&address, bucket).ok_or(S3Error::Refused(NO_HOST_NAME))?;
    }
    if address.starts_with("http://") {
        builder = builder.with_allow_http(true);
    }
    Ok(builder.with_config(AmazonS3ConfigKey::S3Endpoint, address))
}

/// Refuses what becomes part of a host's name or of a header and cannot be.
fn check_words(builder: &AmazonS3Builder) -> Result<(), S3Error> {
    let region = builder.get_config_value(&AmazonS3ConfigKey::Region);
    let is_name = |region: &String| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !region.is_empty() && region.bytes().all(is_part)
    };
    if !region.as_ref().is_none_or(is_name) {
        return Err(S3Error::Refused(NO_REGION));
    }
    let keys = [AmazonS3ConfigKey::AccessKeyId, AmazonS3ConfigKey::Token];
    let mut sent = keys.iter().filter_map(|key| builder.get_config_value(key));
    match sent.all(|word| word.bytes().all(|byte| byte.is_ascii_graphic())) {
        true => Ok(()),
        false => Err(S3Error::Refused(NO_KEY)),
    }
}

/// Whether the bucket stands in the host's name. The builder keeps the environment's word for it as it is.
fn is_virtual_hosted(builder: &AmazonS3Builder) -> bool {
    let said = builder.get_config_value(&AmazonS3ConfigKey::VirtualHostedStyleRequest).unwrap_or_default();
    matches!(said.to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes" | "y")
}

/// An endpoint as the client takes it; `None` if it is no address of a server.
fn address_of(endpoint: &str) -> Option<String> {
    let url = Url::parse(endpoint).ok()?;
    let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let is_address = is_bare && url.fragment().is_none() && matches!(url.scheme(), "http" | "https");
    is_address.then(|| url.as_str().trim_end_matches('/').to_owned())
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
    if host != bucket && !host.starts_with(&format!("{bucket}.")) {
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
        known_settings(pairs.iter().map(|(key, value)| (key.to_ascii_uppercase(), (*value).to_owned())))
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
    fn an_empty_variable_says_nothing_and_a_line_break_at_the_end_is_no_part_of_one() {
        let found = variables(&[("aws_endpoint_url_s3", ""), ("aws_session_token", "token\n"), ("aws_region", " ")]);
        assert_eq!(found, [(AmazonS3ConfigKey::Token, "token".to_owned())]);
    }

    #[test]
    fn what_no_request_can_carry_is_refused() {
        let refused = |pairs: &[(&str, &str)]| -> Option<&'static str> {
            match configure(&url(), &StoreOptions::default(), &variables(pairs), Profile::default()) {
                Err(S3Error::Refused(reason)) => Some(reason),
                _ => None,
            }
        };
        for endpoint in ["127.0.0.1:9000", "localhost:9000", "s3://host", "http://", "http://key:secret@host"] {
            assert_eq!(refused(&[("aws_endpoint", endpoint)]), Some(NO_ADDRESS), "{endpoint}");
        }
        for region in ["us east", "a:b", "a/b", "köln"] {
            assert_eq!(refused(&[("aws_region", region)]), Some(NO_REGION), "{region}");
        }
        for key in ["aws_access_key_id", "aws_session_token"] {
            assert_eq!(refused(&[(key, "two\nlines")]), Some(NO_KEY), "{key}");
        }
        let sound = [("aws_region", "eu-west-1"), ("aws_endpoint", "http://[::1]:9000/s3/"), ("aws_token", "A/b+c=")];
        assert_eq!(refused(&sound), None);
    }

    #[test]
    fn the_environment_puts_the_bucket_into_the_host_as_the_option_does() {
        let endpoint = ("aws_endpoint", "https://store.example");
        let environment = variables(&[endpoint, ("aws_virtual_hosted_style_request", "True")]);
        let option = StoreOptions { s3_path_style: Some(false), ..StoreOptions::default() };
        for (options, environment) in [(StoreOptions::default(), environment), (option, variables(&[endpoint]))] {
            let builder = configure(&url(), &options, &environment, Profile::default()).unwrap();
            assert_eq!(endpoint_of(&builder).as_deref(), Some("https://bucket.store.example"));
        }
    }

    #[test]
    fn the_bucket_goes_into_the_name_of_the_host_if_that_has_one() {
        assert_eq!(with_bucket("https://store.example/", "lake").as_deref(), Some("https://lake.store.example"));
        assert_eq!(with_bucket("https://lake.store.example", "lake").as_deref(), Some("https://lake.store.example"));
        assert_eq!(with_bucket("http://localhost:9000", "lake").as_deref(), Some("http://lake.localhost:9000"));
        assert_eq!(with_bucket("http://127.0.0.1:9000", "lake"), None);
    }
}
