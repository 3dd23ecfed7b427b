//! The floor on S3: one request, as the client that the lake uses sends it.
// tidy: object_store because the floor is a request of that client

use std::time::{Duration, Instant};

use axum::body::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload, RetryConfig};

use crate::report::Failure;
use crate::slow_store::{BUCKET, KEY_ID, REGION, SECRET, SlowStore};

/// Objects of one size in a bucket, put and got one at a time.
#[derive(Debug)]
pub(crate) struct RawObjects {
    client: AmazonS3,
    content: Bytes,
    count: u64,
}

impl RawObjects {
    /// No object yet; each will have so many bytes.
    pub(crate) fn on(store: &SlowStore, bytes: usize) -> Result<Self, Failure> {
        let once = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let client = AmazonS3Builder::new()
            .with_endpoint(store.endpoint())
            .with_region(REGION)
            .with_bucket_name(BUCKET)
            .with_access_key_id(KEY_ID)
            .with_secret_access_key(SECRET)
            .with_allow_http(true)
            .with_retry(once)
            .build()?;
        Ok(Self { client, content: Bytes::from(vec![0x5a_u8; bytes]), count: 0 })
    }

    /// Puts one more object, if there is none of its name, and says how long that took.
    pub(crate) async fn put(&mut self) -> Result<Duration, Failure> {
        self.count += 1;
        let (key, payload) = (self.key(), PutPayload::from_bytes(self.content.clone()));
        let started = Instant::now();
        self.client.put_opts(&key, payload, PutMode::Create.into()).await?;
        Ok(started.elapsed())
    }

    /// Gets the object that was put last, and says how long that took.
    pub(crate) async fn get(&self) -> Result<Duration, Failure> {
        let key = self.key();
        let started = Instant::now();
        let found = self.client.get(&key).await?.bytes().await?;
        let took = started.elapsed();
        if found != self.content {
            return Err(format!("the store gives another `{key}` than was put").into());
        }
        Ok(took)
    }

    fn key(&self) -> Path {
        Path::from(format!("raw/{:06}", self.count))
    }
}
