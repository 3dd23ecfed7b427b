//! How segments are written.

use std::num::NonZeroUsize;
use std::thread;

use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{DEFAULT_WRITE_BATCH_SIZE, EnabledStatistics, WriterProperties, WriterVersion};

/// How the pages of a frozen segment are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageCompression {
    /// Not at all: the fastest to read where the store is near.
    None,
    /// LZ4: nearly as fast to read, about half the bytes.
    Lz4,
    /// Zstandard at a level from 1 to 22. The level costs time only when writing.
    Zstd {
        /// The level.
        level: i32,
    },
}

/// How frozen segments are cut, laid out and encoded. Every number must be at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteSettings {
    /// A segment is closed once its object has this many bytes. Default: 128 MiB.
    pub segment_bytes_target: usize,
    /// Rows of a row group: the unit that a scan hands to one thread. Default: 122,880.
    pub row_group_rows: usize,
    /// A row group is closed early when its rows take this many bytes in memory. Default: 256 MiB.
    pub row_group_bytes_max: usize,
    /// A data page, the unit that the page index can skip, is closed once it has this many rows. Default: 20,000.
    pub page_rows: usize,
    /// How pages are compressed. Default: Zstandard at level 1.
    pub compression: PageCompression,
    /// Threads that encode the columns of a row group. Default: one for each processor.
    pub encoder_threads: usize,
}

impl Default for WriteSettings {
    fn default() -> Self {
        Self {
            segment_bytes_target: 128 << 20,
            row_group_rows: 122_880,
            row_group_bytes_max: 256 << 20,
            page_rows: 20_000,
            compression: PageCompression::Zstd { level: 1 },
            encoder_threads: thread::available_parallelism().map_or(1, NonZeroUsize::get),
        }
    }
}

impl WriteSettings {
    /// The settings as Parquet's writer takes them.
    ///
    /// Data pages are of version 1: every reader knows them, and plain values decode faster than the delta encodings
    /// that version 2 falls back to. The writer's name has the form that Java's readers parse; they distrust the
    /// statistics of a writer whose name they cannot parse.
    pub(crate) fn writer_properties(&self, sorting: Vec<SortingColumn>) -> Result<WriterProperties, ParquetError> {
        let compression = match self.compression {
            PageCompression::None => Compression::UNCOMPRESSED,
            PageCompression::Lz4 => Compression::LZ4_RAW,
            PageCompression::Zstd { level } => Compression::ZSTD(ZstdLevel::try_new(level)?),
        };
        let sorting = if sorting.is_empty() { None } else { Some(sorting) };
        Ok(WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_created_by(concat!("frostline version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(compression)
            .set_dictionary_enabled(true)
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_data_page_row_count_limit(self.page_rows.max(1))
            // The limit is looked at after each of these.
            .set_write_batch_size(self.page_rows.clamp(1, DEFAULT_WRITE_BATCH_SIZE))
            .set_sorting_columns(sorting)
            .build())
    }
}
