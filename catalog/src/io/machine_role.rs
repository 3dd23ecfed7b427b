//! Who asks S3 if nobody says so: the role of the machine.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use object_store::aws::{AmazonS3Builder, AwsCredential, AwsCredentialProvider};
use object_store::{CredentialProvider, Error, RetryConfig};
use thiserror::Error as ThisError;

/// Nobody says who asks, and the machine has no role.
#[derive(Debug, ThisError)]
#[error(
    "no credentials are given, and this machine has no role that gives some; set AWS_ACCESS_KEY_ID and \
     AWS_SECRET_ACCESS_KEY, or name a profile"
)]
struct NoCredentials {
    source: Error,
}

/// The credentials of the machine's role, asked for when a request first needs them, and again before they end.
///
/// * A machine that has a role says so at once. On any other nobody may answer, so that each attempt takes a second:
///   there are only two.
/// * Where there is no role, the error says what to do. It counts as a missing permission, not as a store that is out
///   of reach.
pub(super) struct MachineRole {
    inner: AwsCredentialProvider,
    location: String,
}

impl MachineRole {
    /// The machine's role, for the lake at a location. Sends no request.
    pub(super) fn of(builder: &AmazonS3Builder, location: &str) -> Result<Self, Error> {
        let quickly = RetryConfig { max_retries: 1, ..RetryConfig::default() };
        let client = builder.clone().with_retry(quickly).build()?;
        Ok(Self { inner: Arc::clone(client.credentials()), location: location.to_owned() })
    }
}

impl fmt::Debug for MachineRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MachineRole").field("location", &self.location).finish_non_exhaustive()
    }
}

#[async_trait]
impl CredentialProvider for MachineRole {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>, Error> {
        self.inner.get_credential().await.map_err(|source| Error::Unauthenticated {
            path: self.location.clone(),
            source: Box::new(NoCredentials { source }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::StoreFailure;
    use super::*;

    #[tokio::test]
    async fn a_machine_without_a_role_is_told_what_to_do() {
        let nobody = AmazonS3Builder::new().with_bucket_name("lake").with_metadata_endpoint("http://127.0.0.1:1");
        let error = MachineRole::of(&nobody, "s3://lake").unwrap().get_credential().await.unwrap_err();
        assert_eq!(StoreFailure::of(&error), StoreFailure::Permission);
        assert!(error.to_string().contains("set AWS_ACCESS_KEY_ID"), "{error}");
    }
}
