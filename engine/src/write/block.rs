//! Payload blocks that hold one batch of rows.
//!
//! ```text
//! byte 0      codec: 0 the rest as it is, 1 the rest as one Zstandard frame
//! bytes 1…    an Arrow IPC stream: the schema, one record batch, the end marker
//! ```
//!
//! * Buffers in the stream are aligned to 8 bytes. There are no dictionaries.
//! * String and binary views are written as plain strings and binaries, nested ones too: views would carry whatever
//!   else their buffers hold. They are views again when the block is read.
//! * Fields keep their names, their nullability and their field ids, so a block describes itself.
//! * Zstandard is used only where it makes the block smaller.

use std::cell::RefCell;
use std::io::{self, Read};
use std::panic::{self, AssertUnwindSafe};

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::error::ArrowError;
use arrow::ipc::MetadataVersion;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use bytes::Bytes;
use thiserror::Error;
use zstd::zstd_safe::{DCtx, ResetDirective, get_error_name};

use super::layout::{to_plain, to_views};

const AS_IS: u8 = 0;
const ZSTANDARD: u8 = 1;
const ZSTANDARD_LEVEL: i32 = 1;

/// The alignment of buffers in the stream, in bytes.
const ALIGNMENT: usize = 8;

/// A block that claims to be longer than this when decompressed is not read.
const STREAM_BYTES_MAX: u64 = 1 << 31;

/// Why a block could not be written or read.
#[derive(Debug, Error)]
pub enum BlockError {
    /// The rows cannot be encoded.
    #[error("the rows cannot be encoded as Arrow IPC")]
    Encode {
        /// What Arrow found.
        source: ArrowError,
    },
    /// The rows cannot be compressed.
    #[error("the rows cannot be compressed")]
    Compress {
        /// What the compressor found.
        source: io::Error,
    },
    /// The block was written by a newer version, or is none.
    #[error("the block begins with codec {codec}, which this version does not know; use a newer version of frostline")]
    UnknownCodec {
        /// The first byte.
        codec: u8,
    },
    /// The block's compressed part is damaged.
    #[error("the block cannot be decompressed; verify the lake")]
    Decompress {
        /// What the decompressor found.
        source: io::Error,
    },
    /// The block's Arrow stream is damaged.
    #[error("the block holds no readable Arrow stream; verify the lake")]
    Decode {
        /// What Arrow found.
        source: ArrowError,
    },
    /// The block is cut off, or holds more than one batch.
    #[error("the block does not hold exactly one batch of rows; verify the lake")]
    NotOneBatch,
}

/// Writes a batch as a block.
pub(crate) fn encode_block(batch: &RecordBatch) -> Result<Bytes, BlockError> {
    let stream = encode_stream(batch).map_err(|source| BlockError::Encode { source })?;
    let packed = zstd::bulk::compress(&stream, ZSTANDARD_LEVEL).map_err(|source| BlockError::Compress { source })?;
    let (codec, body) = if packed.len() < stream.len() { (ZSTANDARD, packed) } else { (AS_IS, stream) };
    let mut block: Vec<u8> = Vec::with_capacity(1 + body.len());
    block.push(codec);
    block.extend_from_slice(&body);
    Ok(Bytes::from(block))
}

/// Reads a block. Damaged bytes are an error, or a batch that is not the one written; never a panic.
pub(crate) fn decode_block(block: &Bytes) -> Result<RecordBatch, BlockError> {
    let Some(codec) = block.first() else { return Err(BlockError::NotOneBatch) };
    let body = block.slice(1..);
    let stream = match *codec {
        AS_IS => Buffer::from(body),
        ZSTANDARD => Buffer::from(Bytes::from(decompress(&body)?)),
        codec => return Err(BlockError::UnknownCodec { codec }),
    };
    // The decoder checks what it reads, but it indexes and unwraps by what a damaged header claims.
    let decoded = panic::catch_unwind(AssertUnwindSafe(|| decode_stream(stream)));
    decoded.unwrap_or_else(|_| {
        let source = ArrowError::IpcError("a header claims what the stream does not hold".to_owned());
        Err(BlockError::Decode { source })
    })
}

fn encode_stream(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let batch = to_plain(batch)?;
    let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)?;
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), batch.schema().as_ref(), options)?;
    writer.write(&batch)?;
    writer.into_inner()
}

fn decode_stream(mut stream: Buffer) -> Result<RecordBatch, BlockError> {
    let mut decoder = StreamDecoder::new();
    let mut rows: Option<RecordBatch> = None;
    while let Some(batch) = decoder.decode(&mut stream).map_err(|source| BlockError::Decode { source })? {
        if rows.replace(batch).is_some() {
            return Err(BlockError::NotOneBatch);
        }
    }
    decoder.finish().map_err(|source| BlockError::Decode { source })?;
    let rows = rows.ok_or(BlockError::NotOneBatch)?;
    to_views(&rows).map_err(|source| BlockError::Decode { source })
}

thread_local! {
    /// Making one takes longer than decompressing a small block, of which a lake has thousands.
    static CONTEXT: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

fn decompress(body: &[u8]) -> Result<Vec<u8>, BlockError> {
    CONTEXT.with_borrow_mut(|context| decompress_in(context, body)).map_err(|source| BlockError::Decompress { source })
}

fn decompress_in(context: &mut DCtx<'static>, body: &[u8]) -> io::Result<Vec<u8>> {
    // A damaged block may have left it in the middle of a frame.
    let reset = context.reset(ResetDirective::SessionOnly);
    reset.map_err(|code| io::Error::other(get_error_name(code)))?;
    let mut stream: Vec<u8> = Vec::new();
    let decoder = zstd::stream::read::Decoder::with_context(body, context);
    let length = decoder.take(STREAM_BYTES_MAX).read_to_end(&mut stream)?;
    if length as u64 == STREAM_BYTES_MAX {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok(stream)
}
