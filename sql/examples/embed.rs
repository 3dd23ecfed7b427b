//! A lake inside a program: `cargo run -p frostline-sql --example embed`

use std::error::Error;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::util::pretty::pretty_format_batches;
use frostline_sql::{CreateOptions, Lake, OpenOptions, Parameters};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let location = folder.path().to_string_lossy();
    Lake::create(&location, CreateOptions::default()).await?;
    let lake = Lake::open(&location, OpenOptions::default()).await?;
    let session = lake.session().with_author("ann").with_message(Some("spring"));
    let none = Parameters::none();

    session.sql("CREATE TABLE readings (degrees BIGINT)", &none).await?;
    let degrees: ArrayRef = Arc::new(Int64Array::from(vec![12, 14]));
    let spring = session.append("readings", vec![RecordBatch::try_from_iter([("degrees", degrees)])?]).await?;
    session.sql("INSERT INTO readings VALUES (31), (33)", &none).await?;

    for clause in ["".to_owned(), format!(" AS OF VERSION {spring}")] {
        let sql = format!("SELECT count(*) AS readings, max(degrees) AS warmest FROM readings{clause}");
        let rows = session.sql(&sql, &none).await?.into_rows()?;
        let version = rows.version;
        println!("{sql}\nread at version {version}\n{}", pretty_format_batches(&rows.collect().await?)?);
    }
    lake.settle().await;
    Ok(())
}
