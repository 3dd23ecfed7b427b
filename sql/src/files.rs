//! Files as relations: `FROM 'file.parquet'`, `read_parquet('…')`, `read_csv('…')`, `read_json('…')`.
//!
//! ```text
//!   resolve_sources ─► columns of all files ─┬─ parquet    DataFusion's scan: the columns, row groups and pages
//!                                            │             that a query needs, on all cores
//!                                            └─ streamed   our own readers, row by row: CSV, JSON, mixed files, and
//!                                                          Parquet files whose values may not fit a common type
//! ```

mod adapt;
mod checked;
mod parquet;
mod reader;
mod streamed;

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast;
use frostline_engine::import::{FileFormat, ImportOptions, infer_parquet_schema, infer_schema, resolve_sources};

use crate::context::Context;
use crate::error::Error;
use crate::expression::evaluate;

use self::parquet::ParquetFiles;
use self::streamed::StreamedFiles;

/// Refuses files where a session may not reach them.
pub(crate) fn check_local_files(context: &Context) -> Result<(), Error> {
    match context.local_files {
        true => Ok(()),
        false => Err(Error::statement("this session reads and writes no files of the machine it runs on")
            .with_hint("import the file with `frostline import`, or ask on the machine itself")),
    }
}

/// The file or files behind a path or pattern.
pub(crate) async fn open_path(context: &Context, path: &str) -> Result<Arc<dyn TableProvider>, Error> {
    open(context, vec![path.to_owned()], None, ImportOptions::default()).await
}

/// The files that a reading function names.
pub(crate) async fn open_function(
    context: &Context,
    name: &str,
    arguments: &[ast::FunctionArg],
) -> Result<Arc<dyn TableProvider>, Error> {
    let format = match name {
        "read_parquet" => FileFormat::Parquet,
        "read_csv" => FileFormat::Csv,
        _ => FileFormat::Json,
    };
    let (mut paths, mut options) = (Vec::new(), ImportOptions::default());
    for argument in arguments {
        match argument {
            ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => {
                paths.extend(texts(&evaluate(&context.base, expr, &context.parameters)?)?);
            }
            ast::FunctionArg::Named { name: option, arg: ast::FunctionArgExpr::Expr(expr), .. } => {
                let value = evaluate(&context.base, expr, &context.parameters)?;
                let value = texts(&value)?.join(",");
                set_option(&mut options, &crate::context::fold(option), &value)?;
            }
            other => return Err(Error::statement(format!("`{name}` does not take the argument `{other}`"))),
        }
    }
    if paths.is_empty() {
        return Err(Error::statement(format!("`{name}` takes a path, as in {name}('data/*.csv')")));
    }
    open(context, paths, Some(format), options).await
}

/// A value as text, or a list as texts.
fn texts(value: &ScalarValue) -> Result<Vec<String>, Error> {
    if let ScalarValue::List(list) = value {
        let values = list.values();
        return (0..values.len())
            .map(|place| {
                let value = ScalarValue::try_from_array(values, place)?;
                Ok(texts(&value)?.join(","))
            })
            .collect();
    }
    match value.cast_to(&datafusion::arrow::datatypes::DataType::Utf8)? {
        ScalarValue::Utf8(Some(text)) => Ok(vec![text]),
        _ => Err(Error::statement("a path or option must not be NULL")),
    }
}

/// Sets an option of reading files by its name in SQL.
pub(crate) fn set_option(options: &mut ImportOptions, name: &str, value: &str) -> Result<(), Error> {
    let flag = || match value.to_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Ok(true),
        "false" | "0" | "off" | "no" => Ok(false),
        _ => Err(Error::statement(format!("option `{name}` is true or false, not `{value}`"))),
    };
    let byte = || match value.as_bytes() {
        [byte] => Ok(*byte),
        b"\\t" => Ok(b'\t'),
        _ => Err(Error::statement(format!("option `{name}` is one character, not `{value}`"))),
    };
    match name {
        "header" => options.header = Some(flag()?),
        "delimiter" | "delim" | "sep" => options.delimiter = Some(byte()?),
        "quote" => options.quote = Some(byte()?),
        "null" | "nullstr" | "null_text" => options.null_text = vec![value.to_owned()],
        "keep_case" => options.keep_case = flag()?,
        "sample_size" | "sample_rows" => {
            let rows = value.parse().ok().filter(|rows| *rows > 0);
            options.sample_rows =
                rows.ok_or_else(|| Error::statement(format!("option `{name}` is a number of rows, not `{value}`")))?;
        }
        other => {
            let known = ["header", "delimiter", "quote", "null", "keep_case", "sample_rows"];
            let error = match frostline_catalog::nearest(other, known) {
                Some(nearest) => format!("option `{other}` does not exist; did you mean `{nearest}`?"),
                None => format!("option `{other}` does not exist; there are {}", known.join(", ")),
            };
            return Err(Error::statement(error));
        }
    }
    Ok(())
}

async fn open(
    context: &Context,
    paths: Vec<String>,
    format: Option<FileFormat>,
    options: ImportOptions,
) -> Result<Arc<dyn TableProvider>, Error> {
    check_local_files(context)?;
    tokio::task::spawn_blocking(move || relation(&paths, format, options))
        .await
        .map_err(|_| Error::statement("reading the files was broken off"))?
}

/// The relation of some files. Reads their beginnings or footers, and blocks.
fn relation(
    paths: &[String],
    format: Option<FileFormat>,
    options: ImportOptions,
) -> Result<Arc<dyn TableProvider>, Error> {
    let files = resolve_sources(paths, format)?;
    if files.iter().any(|file| file.format != FileFormat::Parquet) {
        let schema = infer_schema(&files, &options)?;
        return Ok(Arc::new(StreamedFiles::new(files, schema, options)));
    }
    let (schema, footers) = infer_parquet_schema(&files, &options)?;
    let relation: Arc<dyn TableProvider> = match ParquetFiles::try_new(&schema, footers, options.keep_case) {
        Some(parquet) => Arc::new(parquet),
        None => Arc::new(StreamedFiles::new(files, schema, options)),
    };
    Ok(relation)
}
