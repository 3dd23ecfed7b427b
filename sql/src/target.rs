//! The table that a statement changes, as a relation: its columns, and behind them what says where each row is.
//!
//! The scan calls those columns as other relations may call theirs. Here they get names that no statement writes, so
//! that whatever a statement names is what it would be in a query. The scan bears a name of its own, too: the same
//! table in FROM or in a subquery is another relation, without these columns.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::common::{Result as PlanResult, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use frostline_catalog::schema::{Column, ROW_ID_NAME};

use crate::context::{CATALOG, QualifiedName};
use crate::error::Error;

/// The segment that a row is in.
pub(crate) const SEGMENT: &str = "segment of the row";

/// The row's position there.
pub(crate) const POSITION: &str = "position of the row";

/// The row's id.
pub(crate) const ROW_ID: &str = "id of the row";

/// The column of a MERGE's source that is never NULL: where it is, no row of the source matched.
pub(crate) const SOURCE_ROW: &str = "row of the source";

/// The number of the clause of a MERGE that holds for a row.
pub(crate) const ACTION: &str = "clause of the merge";

/// Whether a column has one of the names above: no statement means it.
pub(crate) fn is_own_name(name: &str) -> bool {
    [SEGMENT, POSITION, ROW_ID, SOURCE_ROW, ACTION].contains(&name)
}

/// What stands behind the columns of a table that is scanned with its rows' places, in order: what the scan calls it,
/// and what it is called here, if anybody asks for it.
const PLACES: [(&str, Option<&str>); 4] =
    [("_segment", Some(SEGMENT)), ("_position", Some(POSITION)), ("_row_id", Some(ROW_ID)), ("_born", None)];

/// What the scan of a target is called.
pub(crate) fn target_name(table: &QualifiedName) -> TableReference {
    TableReference::full(format!("{CATALOG}@target"), table.schema.as_str(), table.name.as_str())
}

/// The relation of a table that is scanned with its rows' places: they are its last columns.
pub(crate) fn target_rows(table: Arc<dyn TableProvider>, name: TableReference) -> PlanResult<Arc<dyn TableProvider>> {
    let scan = LogicalPlanBuilder::scan(name, provider_as_source(table), None)?;
    let all = scan.schema().columns();
    let own = all.len().saturating_sub(PLACES.len());
    let mut columns: Vec<Expr> = Vec::with_capacity(all.len());
    for (place, column) in all.into_iter().enumerate() {
        match place.checked_sub(own).map(|hidden| PLACES[hidden].1) {
            None => columns.push(Expr::Column(column)),
            Some(Some(name)) => columns.push(Expr::Column(column).alias(name)),
            Some(None) => {}
        }
    }
    let plan = scan.project(columns)?.build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

/// Refuses a table with a column that is called as a place is called here, which nobody could tell apart, or as
/// segments call the ids that rows carry. No column gets that name any more.
pub(crate) fn check_names(table: &QualifiedName, columns: &[&Column]) -> Result<(), Error> {
    let taken = |column: &&&Column| {
        let name = column.name.as_str();
        is_own_name(name) || name == ROW_ID_NAME
    };
    let Some(column) = columns.iter().find(taken) else { return Ok(()) };
    let name = column.name.as_str();
    let written = if name.contains(' ') { format!("\"{name}\"") } else { name.to_owned() };
    Err(Error::statement(format!(
        "the rows of `{table}` cannot be changed as long as it has a column `{name}`: the engine needs that name"
    ))
    .with_hint(format!("`ALTER TABLE {table} RENAME COLUMN {written} TO another_name`")))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::DataType;
    use frostline_catalog::{FieldId, Name};

    use super::*;

    fn refused(name: &str) -> Option<String> {
        let column = Column {
            id: FieldId::FIRST,
            name: Name::try_new(name).unwrap(),
            data_type: DataType::Int64,
            nullable: true,
            default: None,
            initial: None,
            comment: None,
        };
        let table = QualifiedName { schema: "public".to_owned(), name: "t".to_owned() };
        check_names(&table, &[&column]).err().map(|error| error.hint().unwrap_or_default().to_owned())
    }

    #[test]
    fn only_the_name_of_row_ids_and_our_own_stand_against_changes() {
        for name in ["_segment", "_position", "_born", "__row_id", "_ROW_ID"] {
            assert_eq!(refused(name), None, "{name}");
        }
        let renamed = |written: &str| Some(format!("`ALTER TABLE t RENAME COLUMN {written} TO another_name`"));
        assert_eq!(refused("_row_id"), renamed("_row_id"));
        assert_eq!(refused(SEGMENT), renamed("\"segment of the row\""));
    }
}
