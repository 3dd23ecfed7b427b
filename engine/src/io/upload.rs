//! Uploading frozen segments.

use frostline_catalog::io::StoreError;
use frostline_catalog::segment::FrozenObject;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use crate::write::EncodedSegment;

/// Puts a segment's object and says what it is. The key is this upload's own, so nothing can be there yet.
///
/// # Errors
/// If the store fails; then nothing names the object, if it is there.
pub async fn upload_segment(store: &dyn ObjectStore, segment: EncodedSegment) -> Result<FrozenObject, StoreError> {
    let object = segment.object(&nonce());
    let key = Path::from(object.key.as_str());
    let put = store.put(&key, PutPayload::from_bytes(segment.bytes)).await;
    put.map(|_| object).map_err(|error| StoreError::new("write", &key, error))
}

/// 64 random bits in hexadecimal.
fn nonce() -> String {
    let bytes = frostline_catalog::CommitId::random();
    bytes.bytes()[8..].iter().map(|byte| format!("{byte:02x}")).collect()
}
