//! How a store is reached, beyond what its location says.

use std::path::PathBuf;

/// How a store is reached, beyond what its location says. What is not given comes from the environment, else from the
/// profile, else it is the store's usual value.
///
/// No secret is among them: an argument of a process is there for all to read. Secrets come from the environment
/// (`AWS_SECRET_ACCESS_KEY`), from a file of credentials, or from the machine's role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreOptions {
    /// S3: the address of the server, such as `http://127.0.0.1:9000`. `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT`
    /// otherwise.
    pub s3_endpoint: Option<String>,
    /// S3: the region. `AWS_REGION` or `AWS_DEFAULT_REGION` otherwise, else the profile's, else `us-east-1`.
    pub s3_region: Option<String>,
    /// S3: whether the bucket stands in the path, `https://host/bucket`, which is usual, or in the host's name,
    /// `https://bucket.host`.
    pub s3_path_style: Option<bool>,
    /// S3: the profile in the files of the AWS command line that gives credentials, region and endpoint. If it is
    /// given, its credentials are used and not those of the environment; `AWS_PROFILE` does not outdo the environment.
    pub s3_profile: Option<String>,
    /// S3: the file of credentials. `AWS_SHARED_CREDENTIALS_FILE` otherwise, else `~/.aws/credentials`.
    pub s3_credentials_file: Option<PathBuf>,
}

impl StoreOptions {
    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
