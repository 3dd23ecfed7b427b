//! `frostline.json`: what holds for a lake for ever.

use object_store::ObjectStoreExt;
use object_store::path::Path;
use object_store::{ObjectStore, PutMode, PutPayload};
use serde_json::{Value, json};

use super::{LedgerError, StoreError, StoreFailure, keys};
use crate::digest::Digest;
use crate::id::LakeId;

/// The format of a lake that this release creates, and the newest it opens.
pub const FORMAT: u64 = 1;

/// What holds for a lake for ever.
///
/// ```json
/// { "frostline": "lake", "format": 1, "lake_id": "…", "digest": "…" }
/// ```
///
/// `digest` is the SHA-256 of the text `frostline <format> <lake id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The lake.
    pub lake: LakeId,
}

impl Identity {
    fn digest(format: u64, lake: &str) -> String {
        Digest::of(format!("frostline {format} {lake}").as_bytes()).to_string()
    }

    fn encode(&self) -> Vec<u8> {
        let lake = self.lake.to_string();
        let digest = Self::digest(FORMAT, &lake);
        let value = json!({ "frostline": "lake", "format": FORMAT, "lake_id": lake, "digest": digest });
        let mut text = format!("{value:#}").into_bytes();
        text.push(b'\n');
        text
    }

    /// Reads what `frostline.json` says.
    pub(super) fn decode(bytes: &[u8], location: &str) -> Result<Self, LedgerError> {
        let damaged = |reason: &str| LedgerError::Identity { reason: reason.to_owned() };
        let value: Value = serde_json::from_slice(bytes).map_err(|_| damaged("it is not JSON"))?;
        let format = value.get("format").and_then(Value::as_u64).ok_or_else(|| damaged("it names no format"))?;
        if format > FORMAT {
            return Err(LedgerError::NewerFormat { location: location.to_owned(), found: format, supported: FORMAT });
        }
        let text = |key| value.get(key).and_then(Value::as_str);
        let id = text("lake_id").ok_or_else(|| damaged("it names no lake id"))?;
        let lake = LakeId::parse(id).ok_or_else(|| damaged("its lake id is none"))?;
        if text("digest") != Some(Self::digest(format, id).as_str()) {
            return Err(damaged("its digest does not match"));
        }
        Ok(Self { lake })
    }

    pub(super) async fn read(store: &dyn ObjectStore, location: &str) -> Result<Self, LedgerError> {
        let key = Path::from(keys::IDENTITY);
        let absent = |error: &object_store::Error| {
            let location = location.to_owned();
            if lacks_bucket(error) { LedgerError::NoBucket { location } } else { LedgerError::NoLake { location } }
        };
        let read = match store.get(&key).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        match read {
            Ok(bytes) => Self::decode(&bytes, location),
            Err(error) if StoreFailure::of(&error) == StoreFailure::NotFound => Err(absent(&error)),
            Err(error) => Err(StoreError::new("read", &key, error).into()),
        }
    }

    /// Creates `frostline.json`; gives what lies there if it was there before.
    pub(super) async fn create(
        store: &dyn ObjectStore,
        lake: LakeId,
        location: &str,
    ) -> Result<(Self, bool), LedgerError> {
        let key = Path::from(keys::IDENTITY);
        let identity = Self { lake };
        let options = PutMode::Create.into();
        match store.put_opts(&key, PutPayload::from(identity.encode()), options).await {
            Ok(_) => Ok((identity, true)),
            Err(error) if StoreFailure::of(&error) == StoreFailure::AlreadyExists => {
                Ok((Self::read(store, location).await?, false))
            }
            Err(error) => Err(StoreError::new("write", &key, error).into()),
        }
    }
}

/// Whether an object is not there because its bucket is not. The client hands S3's code on as text only.
pub(super) fn lacks_bucket(error: &object_store::Error) -> bool {
    error.to_string().contains("<Code>NoSuchBucket</Code>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_survives_its_bytes_and_no_changed_byte_passes_for_another_lake() {
        let identity = Identity { lake: LakeId::from_bytes([9; 16]) };
        let bytes = identity.encode();
        assert_eq!(Identity::decode(&bytes, "x").unwrap(), identity);
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            if let Ok(found) = Identity::decode(&altered, "x") {
                assert_eq!(found, identity, "byte {at}");
            }
        }
    }

    #[test]
    fn a_newer_format_is_named() {
        let text = r#"{ "frostline": "lake", "format": 2 }"#;
        let error = Identity::decode(text.as_bytes(), "here").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the lake at `here` has format 2; this release reads format 1: use a newer release"
        );
    }
}
