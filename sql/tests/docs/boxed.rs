//! Rows as a box, as the command line draws them: the documents show what their readers see.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// A column of a box.
struct Column {
    heads: [String; 2],
    stands_right: bool,
    values: Vec<String>,
    width: usize,
}

/// Draws rows. Every column must have a type that the documents use.
pub(super) fn draw(schema: &Schema, batches: &[RecordBatch]) -> String {
    let mut columns: Vec<Column> = (0..schema.fields().len()).map(|place| column(schema, batches, place)).collect();
    let count: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let footer = if count == 1 { "1 row".to_owned() } else { format!("{count} rows") };
    let inner = |columns: &[Column]| columns.iter().map(|column| column.width + 3).sum::<usize>().saturating_sub(1);
    let missing = (footer.len() + 2).saturating_sub(inner(&columns));
    if let Some(last) = columns.last_mut() {
        last.width += missing;
    }

    let mut lines = vec![rule(&columns, ['┌', '┬', '┐'])];
    for head in 0..2 {
        lines.push(line(&columns, |column| centred(&column.heads[head], column.width)));
    }
    lines.push(rule(&columns, ['├', '┼', '┤']));
    for row in 0..count {
        let height = columns.iter().map(|column| column.values[row].split('\n').count()).max().unwrap_or(1);
        for place in 0..height {
            lines.push(line(&columns, |column| {
                let value = column.values[row].split('\n').nth(place).unwrap_or_default();
                let room = " ".repeat(column.width.saturating_sub(width(value)));
                if column.stands_right { format!("{room}{value}") } else { format!("{value}{room}") }
            }));
        }
    }
    lines.push(rule(&columns, ['├', '┴', '┤']));
    let room = inner(&columns).saturating_sub(footer.len() + 2);
    lines.push(format!("│ {footer}{} │", " ".repeat(room)));
    lines.push(rule(&columns, ['└', '─', '┘']));
    lines.join("\n")
}

fn column(schema: &Schema, batches: &[RecordBatch], place: usize) -> Column {
    let field = schema.field(place);
    let heads = [field.name().clone(), type_name(field.data_type())];
    let values: Vec<String> = batches.iter().flat_map(|batch| values(batch, place)).collect();
    let width = heads.iter().chain(&values).map(|text| width(text)).max().unwrap_or(0);
    Column { heads, stands_right: field.data_type().is_numeric(), values, width }
}

fn values(batch: &RecordBatch, place: usize) -> Vec<String> {
    let options = FormatOptions::new()
        .with_null("NULL")
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"));
    let formatter = ArrayFormatter::try_new(batch.column(place).as_ref(), &options).expect("every type is printed");
    (0..batch.num_rows()).map(|row| formatter.value(row).to_string()).collect()
}

fn line(columns: &[Column], cell: impl Fn(&Column) -> String) -> String {
    let cells: Vec<String> = columns.iter().map(|column| format!(" {} │", cell(column))).collect();
    format!("│{}", cells.concat())
}

fn rule(columns: &[Column], [left, joint, right]: [char; 3]) -> String {
    let parts: Vec<String> = columns.iter().map(|column| "─".repeat(column.width + 2)).collect();
    format!("{left}{}{right}", parts.join(&joint.to_string()))
}

fn centred(text: &str, room: usize) -> String {
    let free = room.saturating_sub(width(text));
    format!("{}{text}{}", " ".repeat(free / 2), " ".repeat(free - free / 2))
}

/// Of the widest line.
fn width(text: &str) -> usize {
    text.split('\n').map(|line| line.chars().count()).max().unwrap_or(0)
}

/// The type as the command line calls it.
fn type_name(data_type: &DataType) -> String {
    let name = match data_type {
        DataType::Null => "null",
        DataType::Boolean => "boolean",
        DataType::Int8 => "tinyint",
        DataType::Int16 => "smallint",
        DataType::Int32 => "int",
        DataType::Int64 => "bigint",
        DataType::UInt8 => "tinyint unsigned",
        DataType::UInt16 => "smallint unsigned",
        DataType::UInt32 => "int unsigned",
        DataType::UInt64 => "bigint unsigned",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "bytea",
        DataType::Date32 => "date",
        DataType::Time64(_) => "time",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Timestamp(_, Some(_)) => "timestamptz",
        DataType::Decimal128(precision, scale) => return format!("decimal({precision},{scale})"),
        DataType::List(element) => return format!("{}[]", type_name(element.data_type())),
        other => return other.to_string(),
    };
    name.to_owned()
}
