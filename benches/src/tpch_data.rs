//! The eight tables of TPC-H as Parquet files, one each, made once by the generator `tpchgen`.
//!
//! * Pages, row groups and compression are those of frozen segments, so that a peer which reads the files reads what
//!   the lake reads, and neither is ahead by its layout.
//! * The files carry no Arrow schema: like those of most writers, they say `string` and leave the layout to the reader.
//! * Rows stand in the generator's order.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use frostline_engine::write::{PageCompression, WriteSettings};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};
use tpchgen_arrow::{
    CustomerArrow, LineItemArrow, NationArrow, OrderArrow, PartArrow, PartSuppArrow, RecordBatchIterator, RegionArrow,
    SupplierArrow,
};

use crate::report::Failure;

/// A table of TPC-H.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TpchTable {
    Customer,
    LineItem,
    Nation,
    Orders,
    Part,
    PartSupp,
    Region,
    Supplier,
}

impl TpchTable {
    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::Customer,
        Self::LineItem,
        Self::Nation,
        Self::Orders,
        Self::Part,
        Self::PartSupp,
        Self::Region,
        Self::Supplier,
    ];

    /// Its name in the queries.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::LineItem => "lineitem",
            Self::Nation => "nation",
            Self::Orders => "orders",
            Self::Part => "part",
            Self::PartSupp => "partsupp",
            Self::Region => "region",
            Self::Supplier => "supplier",
        }
    }

    /// Its Parquet file below a folder, made now if it is not there.
    pub(crate) fn file(self, data: &Path, scale: f64) -> Result<PathBuf, Failure> {
        let folder = data.join(format!("tpch-{scale}"));
        let path = folder.join(format!("{}.parquet", self.name()));
        if path.is_file() {
            return Ok(path);
        }
        eprintln!("    making TPC-H's {} at scale {scale}, once", self.name());
        fs::create_dir_all(&folder)?;
        let partial = folder.join(format!("{}.partial", self.name()));
        let batches = self.generate(scale);
        let schema: SchemaRef = Arc::clone(batches.schema());
        let properties = segment_properties(&WriteSettings::default())?;
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let mut writer = ArrowWriter::try_new_with_options(File::create(&partial)?, schema, options)?;
        for batch in batches {
            writer.write(&batch)?;
        }
        writer.close()?;
        fs::rename(&partial, &path)?;
        Ok(path)
    }

    fn generate(self, scale: f64) -> Box<dyn RecordBatchIterator> {
        match self {
            Self::Customer => Box::new(CustomerArrow::new(CustomerGenerator::new(scale, 1, 1))),
            Self::LineItem => Box::new(LineItemArrow::new(LineItemGenerator::new(scale, 1, 1))),
            Self::Nation => Box::new(NationArrow::new(NationGenerator::new(scale, 1, 1))),
            Self::Orders => Box::new(OrderArrow::new(OrderGenerator::new(scale, 1, 1))),
            Self::Part => Box::new(PartArrow::new(PartGenerator::new(scale, 1, 1))),
            Self::PartSupp => Box::new(PartSuppArrow::new(PartSuppGenerator::new(scale, 1, 1))),
            Self::Region => Box::new(RegionArrow::new(RegionGenerator::new(scale, 1, 1))),
            Self::Supplier => Box::new(SupplierArrow::new(SupplierGenerator::new(scale, 1, 1))),
        }
    }
}

/// The writer's properties that frozen segments are written with.
pub(crate) fn segment_properties(settings: &WriteSettings) -> Result<WriterProperties, ParquetError> {
    let compression = match settings.compression {
        PageCompression::None => Compression::UNCOMPRESSED,
        PageCompression::Lz4 => Compression::LZ4_RAW,
        PageCompression::Zstd { level } => Compression::ZSTD(ZstdLevel::try_new(level)?),
    };
    Ok(WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(compression)
        .set_dictionary_enabled(true)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_data_page_row_count_limit(settings.page_rows)
        .set_max_row_group_row_count(Some(settings.row_group_rows))
        .build())
}
