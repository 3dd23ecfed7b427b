//! Rows of segments that were chosen one by one, as the planner knows tables.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use frostline_catalog::{ObjectId, State, Version};
use frostline_engine::Lake;

use super::plan::Chosen;
use crate::context::Context;
use crate::table::{ChosenRows, TableAt, scan_chosen};

/// Some rows of some segments, dead or alive, with the columns that a table has at a version, and then their places.
///
/// * The columns hold the rows of every version up to another: they may be NULL, and be wider than the version's.
/// * Segments that are not chosen are never opened, nor are those that the pushed filters rule out.
pub(super) struct ChosenTable {
    lake: Arc<Lake>,
    state: Arc<State>,
    table: ObjectId,
    version: Version,
    until: Version,
    whole: TableAt,
    own_columns: usize,
    rows: Vec<Chosen>,
}

impl ChosenTable {
    /// The rows, each of some version up to `until`, with the columns of a version.
    pub(super) fn new(context: &Context, table: ObjectId, version: Version, until: Version, rows: Vec<Chosen>) -> Self {
        let own_columns = context.state.columns_at(table, version).len();
        let (lake, state) = (Arc::clone(&context.lake), Arc::clone(&context.state));
        let whole = TableAt::new(Arc::clone(&lake), Arc::clone(&state), table, version).reaching(until).with_places();
        Self { lake, state, table, version, until, whole, own_columns, rows }
    }

    /// How many columns are the table's own. Behind them are the segment, the position and the id of the row.
    pub(super) fn own_columns(&self) -> usize {
        self.own_columns
    }
}

impl fmt::Debug for ChosenTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChosenTable")
            .field("table", &self.table)
            .field("version", &self.version)
            .field("segments", &self.rows.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for ChosenTable {
    fn schema(&self) -> SchemaRef {
        self.whole.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Filters on the table's own columns rule out segments, row groups and pages, as they do for the table.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let mut answers = self.whole.supports_filters_pushdown(filters)?;
        let schema = self.schema();
        let is_place = |name: &str| schema.fields().iter().skip(self.own_columns).any(|field| field.name() == name);
        for (filter, answer) in filters.iter().zip(&mut answers) {
            if filter.column_refs().iter().any(|column| is_place(column.name())) {
                *answer = TableProviderFilterPushDown::Unsupported;
            }
        }
        Ok(answers)
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.rows.is_empty() {
            let schema = self.schema();
            let schema: SchemaRef = match projection {
                Some(projection) => Arc::new(schema.project(projection)?),
                None => schema,
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let chosen = |one: &Chosen| ChosenRows { placed: one.placed.clone(), positions: one.positions.clone() };
        let rows: Vec<ChosenRows> = self.rows.iter().map(chosen).collect();
        let projection = projection.map(Vec::as_slice);
        let (table, version, until) = (self.table, self.version, self.until);
        scan_chosen(&self.lake, &self.state, table, version, until, rows, session, projection, filters, true).await
    }
}
