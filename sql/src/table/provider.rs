//! One table at one version, as DataFusion's planner knows tables.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::not_impl_err;
use datafusion::error::Result;
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use frostline_catalog::schema::Column;
use frostline_catalog::{ObjectId, State, Version};
use frostline_engine::Lake;

use super::blend::{Scan, is_usable, names_only};
use super::columns::plain_schema;
use super::places;
use super::summary::ScanLog;
use super::wide::wide_columns;

/// A table at a version.
///
/// * It never changes: it holds the state that it was made from, and that state knows no later version.
/// * Its fields carry no field ids; they are found by name again through the state.
/// * It only reads. Writes are the session's own statements, because DataFusion's hooks for them lose filters.
#[derive(Clone)]
pub(crate) struct TableAt {
    lake: Arc<Lake>,
    state: Arc<State>,
    table: ObjectId,
    version: Version,
    /// Up to which version its columns hold rows, if not only its own.
    reach: Option<Version>,
    /// The table's columns.
    columns: SchemaRef,
    /// What scans give.
    schema: SchemaRef,
    places: bool,
    log: Option<ScanLog>,
}

impl TableAt {
    /// The table with this id, as it was at a version of the state.
    pub(crate) fn new(lake: Arc<Lake>, state: Arc<State>, table: ObjectId, version: Version) -> Self {
        let columns = plain_schema(&state.columns_at(table, version));
        let schema = Arc::clone(&columns);
        Self { lake, state, table, version, reach: None, columns, schema, places: false, log: None }
    }

    /// The same table, whose columns hold the rows of any version up to another: see [`wide`](super::wide).
    pub(crate) fn reaching(mut self, until: Version) -> Self {
        let columns: Vec<Column> = wide_columns(&self.state, self.table, self.version, until);
        self.columns = plain_schema(&columns.iter().collect::<Vec<&Column>>());
        self.schema = Arc::clone(&self.columns);
        self.reach = Some(until);
        self
    }

    /// The same table with four columns more, which say where its rows are; see [`places`].
    pub(crate) fn with_places(mut self) -> Self {
        self.schema = places::with_places(&self.columns);
        self.places = true;
        self
    }

    /// The same table, whose scans note what they decide.
    pub(crate) fn with_scan_log(mut self, log: ScanLog) -> Self {
        self.log = Some(log);
        self
    }
}

impl fmt::Debug for TableAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableAt").field("table", &self.table).field("version", &self.version).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for TableAt {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Filters rule out segments, row groups and pages; rows that pass them by are filtered above the scan.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let answer = |filter: &Expr| {
            if is_usable(filter) && names_only(filter, &self.columns) {
                TableProviderFilterPushDown::Inexact
            } else {
                TableProviderFilterPushDown::Unsupported
            }
        };
        Ok(filters.iter().map(|filter| answer(filter)).collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let scan = Scan {
            lake: &self.lake,
            state: &self.state,
            table: self.table,
            version: self.version,
            reach: self.reach,
            projection: projection.map(Vec::as_slice),
            filters,
            limit,
            places: self.places,
            chosen: None,
        };
        let (plan, summary) = scan.plan(session).await?;
        if let Some(log) = &self.log {
            summary.note(log);
        }
        Ok(plan)
    }

    async fn insert_into(
        &self,
        _session: &dyn Session,
        _input: Arc<dyn ExecutionPlan>,
        _operation: InsertOp,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        not_impl_err!("a table at a version is only read; INSERT is a statement of the session")
    }

    async fn delete_from(&self, _session: &dyn Session, _filters: Vec<Expr>) -> Result<Arc<dyn ExecutionPlan>> {
        not_impl_err!("a table at a version is only read; DELETE is a statement of the session")
    }

    async fn update(
        &self,
        _session: &dyn Session,
        _assignments: Vec<(String, Expr)>,
        _filters: Vec<Expr>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        not_impl_err!("a table at a version is only read; UPDATE is a statement of the session")
    }

    async fn truncate(&self, _session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        not_impl_err!("a table at a version is only read; TRUNCATE is a statement of the session")
    }
}
