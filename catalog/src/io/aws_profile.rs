//! Profiles in the files of the AWS command line: credentials, region and endpoint by name.
//!
//! ```text
//! ~/.aws/credentials            ~/.aws/config
//! [default]                     [default]
//! aws_access_key_id = …         region = eu-central-1
//! aws_secret_access_key = …
//! [audit]                       [profile audit]
//! …                             endpoint_url = https://…
//! ```
//!
//! Of a profile, what stands in the file of credentials comes first. Indented lines are settings of single services,
//! and are passed over. A profile that leads to its credentials by a role to assume, a sign-on or a program is refused:
//! without them the request would be made in another name.

use std::collections::HashMap;
use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::StoreOptions;

/// The profile that is used when none is named.
const DEFAULT: &str = "default";

/// The key of a role to assume. What else the profile gives is only for assuming it.
const ROLE: &str = "role_arn";

/// Keys that lead to credentials by ways that are not gone.
const NOT_FOLLOWED: [&str; 5] = [ROLE, "sso_session", "sso_start_url", "credential_process", "web_identity_token_file"];

/// Why a profile cannot be used.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// No file has it.
    #[error("there is no profile `{name}` in {}; check its name, or give another file", listed(files))]
    Missing {
        /// The profile.
        name: String,
        /// Where it was looked for.
        files: Vec<PathBuf>,
    },
    /// It has one half of the credentials.
    #[error("profile `{name}` lacks `{key}`; add it, or take the other half away")]
    Half {
        /// The profile.
        name: String,
        /// What is not there.
        key: &'static str,
    },
    /// It has no credentials, but says how to get some.
    #[error(
        "profile `{name}` says `{key}`, which is not followed; put what it leads to into the environment: `aws \
         configure export-credentials --profile {name} --format env` tells it"
    )]
    NotFollowed {
        /// The profile.
        name: String,
        /// What it says.
        key: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read `{}`, which should hold profiles", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn listed(files: &[PathBuf]) -> String {
    let names: Vec<String> = files.iter().map(|file| format!("`{}`", file.display())).collect();
    names.join(" or ")
}

/// What a profile says.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) credentials: Option<Credentials>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
}

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) key_id: String,
    pub(super) secret: String,
    pub(super) token: Option<String>,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = self.credentials.as_ref().map(|_| "…");
        f.debug_struct("Profile")
            .field("credentials", &secret)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .finish()
    }
}

/// Reads the profile that is asked for, by the options or by `AWS_PROFILE`; else the one called `default`, if there is
/// one.
pub(super) fn read_profile(options: &StoreOptions) -> Result<Profile, ProfileError> {
    let from_environment = |key: &str| env::var_os(key).filter(|value| !value.is_empty());
    let in_home = |name: &str| env::home_dir().map(|home| home.join(".aws").join(name));
    let named = options.s3_profile.clone().or_else(|| env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty()));
    let given = options.s3_credentials_file.clone();
    let credentials_path = given
        .clone()
        .or_else(|| from_environment("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from))
        .or_else(|| in_home("credentials"));
    let config_path = from_environment("AWS_CONFIG_FILE").map(PathBuf::from).or_else(|| in_home("config"));
    let credentials = credentials_path.as_deref().map_or(Ok(None), read_if_there)?;
    if let (Some(path), None) = (given, &credentials) {
        return Err(ProfileError::Read { path, source: io::ErrorKind::NotFound.into() });
    }
    let config = config_path.as_deref().map_or(Ok(None), read_if_there)?;
    let texts = (credentials.unwrap_or_default(), config.unwrap_or_default());
    match find_profile(named.as_deref().unwrap_or(DEFAULT), &texts.0, &texts.1)? {
        Some(found) => Ok(found),
        None => match named {
            Some(name) => {
                let files = [credentials_path, config_path].into_iter().flatten().collect();
                Err(ProfileError::Missing { name, files })
            }
            None => Ok(Profile::default()),
        },
    }
}

fn read_if_there(path: &Path) -> Result<Option<String>, ProfileError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ProfileError::Read { path: path.to_path_buf(), source }),
    }
}

/// What two files say of a profile; `None` if neither names it.
fn find_profile(name: &str, credentials: &str, config: &str) -> Result<Option<Profile>, ProfileError> {
    let mut in_config = section(config, &format!("profile {name}"));
    if name == DEFAULT {
        in_config = in_config.or_else(|| section(config, name));
    }
    let (first, second) = (section(credentials, name), in_config);
    if first.is_none() && second.is_none() {
        return Ok(None);
    }
    let sections: [HashMap<&str, &str>; 2] = [first.unwrap_or_default(), second.unwrap_or_default()];
    let value = |key: &str| sections.iter().find_map(|section| section.get(key)).map(|value| (*value).to_owned());
    let lacks = |key: &'static str| ProfileError::Half { name: name.to_owned(), key };
    let credentials = match (value("aws_access_key_id"), value("aws_secret_access_key")) {
        (Some(key_id), Some(secret)) => Some(Credentials { key_id, secret, token: value("aws_session_token") }),
        (Some(_), None) => return Err(lacks("aws_secret_access_key")),
        (None, Some(_)) => return Err(lacks("aws_access_key_id")),
        (None, None) => None,
    };
    let asks = |key: &str| sections.iter().any(|section| section.contains_key(key));
    if let Some(key) = NOT_FOLLOWED.into_iter().find(|key| asks(key))
        && (credentials.is_none() || key == ROLE)
    {
        return Err(ProfileError::NotFollowed { name: name.to_owned(), key });
    }
    Ok(Some(Profile { credentials, region: value("region"), endpoint: value("endpoint_url") }))
}

/// The keys and values of a section; `None` if it is not there.
fn section<'a>(text: &'a str, name: &str) -> Option<HashMap<&'a str, &'a str>> {
    let mut found: Option<HashMap<&'a str, &'a str>> = None;
    let mut is_in_it = false;
    for line in text.lines() {
        let is_indented = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(heading) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(heading, _)| heading)
        {
            // `[profile  audit]` is the same as `[profile audit]`.
            let words: Vec<&str> = heading.split_whitespace().collect();
            is_in_it = words.join(" ") == name;
            if is_in_it {
                found.get_or_insert_default();
            }
        } else if is_in_it
            && !is_indented
            && let Some((key, value)) = line.split_once('=')
            && let Some(section) = found.as_mut()
        {
            let value = value.split_once(" #").map_or(value, |(value, _)| value);
            section.insert(key.trim(), value.trim());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: &str = "\
# who we are
[default]
aws_access_key_id = AKONE
aws_secret_access_key = one/+=secret

[audit]
aws_access_key_id=AKTWO
aws_secret_access_key=two # not for writing
aws_session_token = token==
region = eu-west-1

[half]
aws_access_key_id = AK
";

    const CONFIG: &str = "\
[default]
region = eu-central-1
s3 =
    endpoint_url = https://not.this.one
[profile  audit]
region = us-west-2
endpoint_url = https://store.example
[profile only-config]
region = ap-south-1
";

    fn found(name: &str) -> Profile {
        find_profile(name, CREDENTIALS, CONFIG).unwrap().unwrap()
    }

    #[test]
    fn a_profile_takes_what_both_files_say_and_credentials_first() {
        let credentials = Credentials { key_id: "AKONE".to_owned(), secret: "one/+=secret".to_owned(), token: None };
        let expected =
            Profile { credentials: Some(credentials), region: Some("eu-central-1".to_owned()), endpoint: None };
        assert_eq!(found("default"), expected);
        let audit = found("audit");
        assert_eq!(audit.region.as_deref(), Some("eu-west-1"));
        assert_eq!(audit.endpoint.as_deref(), Some("https://store.example"));
        let credentials = audit.credentials.unwrap();
        assert_eq!((credentials.secret.as_str(), credentials.token.as_deref()), ("two", Some("token==")));
    }

    #[test]
    fn a_profile_without_credentials_may_give_the_rest() {
        let profile = found("only-config");
        assert_eq!((profile.credentials.is_none(), profile.region.as_deref()), (true, Some("ap-south-1")));
    }

    #[test]
    fn half_of_the_credentials_is_an_error_and_an_absent_profile_is_none() {
        let error = find_profile("half", CREDENTIALS, CONFIG).unwrap_err();
        assert_eq!(
            error.to_string(),
            "profile `half` lacks `aws_secret_access_key`; add it, or take the other half away"
        );
        assert!(find_profile("nobody", CREDENTIALS, CONFIG).unwrap().is_none());
    }

    #[test]
    fn a_profile_that_leads_elsewhere_for_its_credentials_is_refused() {
        for key in NOT_FOLLOWED {
            let config = format!("[profile far]\n{key} = somewhere\nregion = eu-west-1\n");
            let error = find_profile("far", CREDENTIALS, &config).unwrap_err();
            assert!(error.to_string().starts_with(&format!("profile `far` says `{key}`, which is not")), "{error}");
        }
        // Keys are used as they are, unless they are only there to assume a role.
        let config = "[profile audit]\nsso_session = somewhere\n";
        assert!(find_profile("audit", CREDENTIALS, config).unwrap().unwrap().credentials.is_some());
        assert!(find_profile("audit", CREDENTIALS, "[profile audit]\nrole_arn = arn\n").is_err());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let shown = format!("{:?}", found("default"));
        assert!(!shown.contains("secret") && !shown.contains("AKONE"), "{shown}");
    }
}
