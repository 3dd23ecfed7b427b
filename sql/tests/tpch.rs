//! The 22 queries of TPC-H, with their default parameters, against plain DataFusion on the same Parquet files.
//!
//! ```text
//! files    base ─────────── import ──> tag `loaded` ──┐
//!          later, tail ──── import, append ──> head   │
//! answers  DataFusion on base = lake AS OF TAG 'loaded', pinned and spelled out
//!          DataFusion on all  = lake at its head, frozen and hot rows together
//! ```
//!
//! `FROSTLINE_TPCH_SCALE` sets the scale factor.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use frostline_engine::import::{Progress, resolve_sources};
use frostline_sql::{Answer, CreateOptions, ImportRequest, Lake, OpenOptions, Settings};
use parquet::arrow::ArrowWriter;
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};
use tpchgen_arrow::{
    CustomerArrow, LineItemArrow, NationArrow, OrderArrow, PartArrow, PartSuppArrow, RecordBatchIterator, RegionArrow,
    SupplierArrow,
};

use crate::door::{Checked, answer, commit, from_environment, number, query};
use crate::lake::{describe, run_to_end};

/// A query's name and its text.
macro_rules! queries {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("tpch/", $name, ".sql")))),*]
    };
}

const QUERIES: [(&str, &str); 22] = queries![
    "q01", "q02", "q03", "q04", "q05", "q06", "q07", "q08", "q09", "q10", "q11", "q12", "q13", "q14", "q15", "q16",
    "q17", "q18", "q19", "q20", "q21", "q22",
];

const TABLES: [&str; 8] = ["region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem"];

/// The tables that get more rows after the tag.
const GROWING: [&str; 2] = ["orders", "lineitem"];

/// Orders and their items are cut into this many parts, of which the last comes after the tag.
const PARTS: i32 = 4;

/// How many appends of this many rows come last. They stay hot.
const TAIL: (usize, usize) = (10, 150);

/// How far floats may be apart, in proportion to their size: sums depend on their order.
const TOLERANCE: f64 = 1e-9;

/// A part of a table, as the generator of the benchmark makes it.
fn generate(table: &str, scale: f64, part: i32, parts: i32) -> Box<dyn RecordBatchIterator> {
    match table {
        "region" => Box::new(RegionArrow::new(RegionGenerator::new(scale, part, parts))),
        "nation" => Box::new(NationArrow::new(NationGenerator::new(scale, part, parts))),
        "supplier" => Box::new(SupplierArrow::new(SupplierGenerator::new(scale, part, parts))),
        "customer" => Box::new(CustomerArrow::new(CustomerGenerator::new(scale, part, parts))),
        "part" => Box::new(PartArrow::new(PartGenerator::new(scale, part, parts))),
        "partsupp" => Box::new(PartSuppArrow::new(PartSuppGenerator::new(scale, part, parts))),
        "orders" => Box::new(OrderArrow::new(OrderGenerator::new(scale, part, parts))),
        "lineitem" => Box::new(LineItemArrow::new(LineItemGenerator::new(scale, part, parts))),
        other => unreachable!("TPC-H has no table `{other}`"),
    }
}

/// The files of a run.
struct Files {
    folder: PathBuf,
    /// The last rows of each growing table, in the order of [`GROWING`].
    tails: Vec<RecordBatch>,
}

impl Files {
    /// Writes the files: all of the tables that stay, three quarters of those that grow; then the last quarter, but for
    /// a tail; then the tail.
    fn write(folder: &Path, scale: f64) -> Self {
        let files = Self { folder: folder.to_path_buf(), tails: Vec::new() };
        let mut tails = Vec::new();
        for table in TABLES {
            if !GROWING.contains(&table) {
                files.write_one("base", table, generate(table, scale, 1, 1));
                continue;
            }
            let base = (1..PARTS).flat_map(|part| generate(table, scale, part, PARTS));
            files.write_one("base", table, base);
            let last: Vec<RecordBatch> = generate(table, scale, PARTS, PARTS).collect();
            let last = arrow::compute::concat_batches(&last[0].schema(), &last).expect("batches of one table");
            let begin = last.num_rows() - TAIL.0 * TAIL.1;
            files.write_one("later", table, [last.slice(0, begin)]);
            let tail = last.slice(begin, TAIL.0 * TAIL.1);
            files.write_one("tail", table, [tail.clone()]);
            tails.push(tail);
        }
        Self { tails, ..files }
    }

    fn path(&self, set: &str, table: &str) -> PathBuf {
        self.folder.join(set).join(format!("{table}.parquet"))
    }

    fn write_one(&self, set: &str, table: &str, batches: impl IntoIterator<Item = RecordBatch>) {
        let path = self.path(set, table);
        fs::create_dir_all(path.parent().expect("the file is in a folder")).expect("a temporary folder takes a folder");
        let mut writer: Option<ArrowWriter<File>> = None;
        for batch in batches {
            let open = || {
                let file = File::create(&path).expect("a temporary folder takes a file");
                ArrowWriter::try_new(file, batch.schema(), None).expect("the rows fit Parquet")
            };
            writer.get_or_insert_with(open).write(&batch).expect("the rows are written");
        }
        writer.expect("every table has rows").close().expect("the file is complete");
    }

    /// Plain DataFusion on the files of some sets.
    async fn plain(&self, sets: &[&str]) -> SessionContext {
        let plain = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
        for table in TABLES {
            let paths = sets.iter().map(|set| self.path(set, table)).filter(|path| path.exists());
            let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
            let frame = plain.read_parquet(paths, ParquetReadOptions::default()).await.expect("the files are Parquet");
            plain.register_table(table, frame.into_view()).expect("each name is registered once");
        }
        plain
    }

    /// A lake with the same rows: the base imported and tagged, then the rest.
    async fn lake(&self) -> Checked<Lake> {
        let location = self.folder.join("lake").display().to_string();
        Lake::create(&location, CreateOptions::default()).await.map_err(|error| describe(&error))?;
        let settings = Settings { segment_bytes_target: 2 * 1024 * 1024, ..Settings::default() };
        let options = OpenOptions { settings, ..OpenOptions::default() };
        let lake = Lake::open(&location, options).await.map_err(|error| describe(&error))?;
        for table in TABLES {
            self.import(&lake, "base", table).await?;
        }
        commit(&lake.session(), "CREATE TAG loaded").await?;
        for (table, tail) in GROWING.into_iter().zip(&self.tails) {
            self.import(&lake, "later", table).await?;
            for part in 0..TAIL.0 {
                let rows = tail.slice(part * TAIL.1, TAIL.1);
                lake.append(table, vec![rows]).await.map_err(|error| describe(&error))?;
            }
        }
        Ok(lake)
    }

    async fn import(&self, lake: &Lake, set: &str, table: &str) -> Checked {
        let path = self.path(set, table).display().to_string();
        let files = resolve_sources(&[path], None).map_err(|error| error.to_string())?;
        let imported = lake.import(table, files, ImportRequest::default(), Arc::new(Progress::default())).await;
        match imported.map_err(|error| describe(&error))? {
            Answer::Committed(_) => Ok(()),
            other => Err(format!("the import of {set}/{table} committed nothing: {other:?}")),
        }
    }
}

/// A value as it is compared.
#[derive(Clone, Debug)]
enum Cell {
    Float(f64),
    /// Every other value, as Arrow prints it.
    Exact(String),
}

impl Cell {
    fn is_close_to(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1.0),
            (Self::Exact(a), Self::Exact(b)) => a == b,
            _ => false,
        }
    }

    /// By which rows are sorted: floats with so few digits that their last ones do not matter.
    fn key(&self) -> String {
        match self {
            Self::Float(value) => format!("{value:.5e}"),
            Self::Exact(text) => text.clone(),
        }
    }
}

/// The rows of an answer, sorted.
fn rows_of(batches: &[RecordBatch]) -> Vec<Vec<Cell>> {
    let options = FormatOptions::default().with_null("NULL");
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for batch in batches {
        let begin = rows.len();
        rows.resize_with(begin + batch.num_rows(), Vec::new);
        for column in batch.columns() {
            let formatter = ArrayFormatter::try_new(column.as_ref(), &options).expect("every type is printed");
            for (place, row) in rows[begin..].iter_mut().enumerate() {
                let is_float = *column.data_type() == DataType::Float64 && column.is_valid(place);
                row.push(if is_float {
                    Cell::Float(column.as_primitive::<Float64Type>().value(place))
                } else {
                    Cell::Exact(formatter.value(place).to_string())
                });
            }
        }
    }
    rows.sort_by_cached_key(|row| row.iter().map(Cell::key).collect::<Vec<String>>());
    rows
}

fn are_close(found: &[Vec<Cell>], expected: &[Vec<Cell>]) -> bool {
    let is_close = |(found, expected): (&Vec<Cell>, &Vec<Cell>)| {
        found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| a.is_close_to(b))
    };
    found.len() == expected.len() && found.iter().zip(expected).all(is_close)
}

fn check(name: &str, found: &[Vec<Cell>], expected: &[Vec<Cell>]) {
    if are_close(found, expected) {
        return;
    }
    let differs = found.iter().zip(expected).find(|(a, b)| !are_close(&[a.to_vec()], &[b.to_vec()]));
    unreachable!("{name}: {} rows instead of {}; the first that differ: {differs:?}", found.len(), expected.len());
}

async fn run_plain(plain: &SessionContext, sql: &str) -> Vec<Vec<Cell>> {
    let frame = plain.sql(sql).await.expect("DataFusion plans the query");
    rows_of(&frame.collect().await.expect("DataFusion runs the query"))
}

/// The query with every growing table at the tag.
fn at_loaded(sql: &str) -> String {
    let mut versioned = String::with_capacity(sql.len() * 2);
    let mut word = String::new();
    for letter in sql.chars().chain(['\n']) {
        if letter.is_alphanumeric() || letter == '_' {
            word.push(letter);
            continue;
        }
        versioned.push_str(&word);
        if GROWING.contains(&word.as_str()) {
            versioned.push_str(" AS OF TAG 'loaded'");
        }
        word.clear();
        versioned.push(letter);
    }
    versioned
}

#[test]
fn a_growing_table_gets_its_clause_wherever_it_stands() {
    assert_eq!(
        at_loaded("from customer left join orders on o_orderkey, lineitem l1"),
        "from customer left join orders AS OF TAG 'loaded' on o_orderkey, lineitem AS OF TAG 'loaded' l1\n"
    );
    assert_eq!(at_loaded("c_orders (c_count)"), "c_orders (c_count)\n");
}

#[test]
fn every_query_answers_as_datafusion_does_at_the_head_and_as_of_the_past() {
    run_to_end(|| async {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::write(folder.path(), from_environment("FROSTLINE_TPCH_SCALE", 0.1));
        let lake = files.lake().await.unwrap();
        let head = lake.session();
        for kind in ["hot", "frozen"] {
            let sql = format!("SELECT count(*) FROM system.segments WHERE table_name = 'lineitem' AND kind = '{kind}'");
            assert!(number(&head, &sql).await.unwrap() > 1, "{kind} rows are there");
        }
        let pinned = lake.session();
        answer(&pinned, "SET frostline.as_of = 'loaded'").await.unwrap();
        let (base, all) = (files.plain(&["base"]).await, files.plain(&["base", "later", "tail"]).await);
        let (mut answered, mut moved) = (0, 0);
        for (name, sql) in QUERIES {
            let (then, now) = (run_plain(&base, sql).await, run_plain(&all, sql).await);
            check(name, &rows_of(&query(&head, sql).await.unwrap()), &now);
            check(&format!("{name}, pinned"), &rows_of(&query(&pinned, sql).await.unwrap()), &then);
            check(&format!("{name} AS OF"), &rows_of(&query(&head, &at_loaded(sql)).await.unwrap()), &then);
            answered += usize::from(!now.is_empty());
            moved += usize::from(!are_close(&then, &now));
        }
        assert!(answered >= 18, "{answered} of 22 queries give rows");
        assert!(moved >= 12, "{moved} of 22 answers changed after the tag");
    });
}
