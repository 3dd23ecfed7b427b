//! The relations of `information_schema`: what the catalog knows, under the names that the standard gives it.
//!
//! | relation | one row for each |
//! |---|---|
//! | `tables`, `columns` | table and view of any schema, those of `system` too; column of them |
//! | `views` | view, with its query |
//! | `schemata` | schema |
//! | `table_constraints` | CHECK, primary key and unique key of a table |
//! | `key_column_usage` | column of a key |
//! | `check_constraints` | CHECK, with its condition |
//! | `routines`, `parameters` | function, and parameter of one: the planner's own |
//!
//! * They show the version that the statement sees; within a view, the one that the view is read at.
//! * Columns have the names and the order of the standard; its columns that would always be empty are left out, but for
//!   those that clients commonly read.
//! * A view that cannot be planned any more is among the tables and views, and has no columns.

mod columns;
mod constraints;
mod schemata;
mod tables;
mod views;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::information_schema::InformationSchemaProvider;
use datafusion::catalog::{MemoryCatalogProviderList, SchemaProvider, Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::{MemTable, TableType};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use frostline_catalog::Version;

use crate::context::Context;
use crate::error::Error;
use crate::parameters::Parameters;

/// What a row says of something that is so.
const YES: &str = "YES";

/// What a row says of something that is not so.
const NO: &str = "NO";

/// The relations about functions, which are the planner's.
const OF_FUNCTIONS: [&str; 2] = ["parameters", "routines"];

/// A relation that is made from the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Columns,
    Schemata,
    Tables,
    Views,
    TableConstraints,
    KeyColumnUsage,
    CheckConstraints,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Columns,
        Self::Schemata,
        Self::Tables,
        Self::Views,
        Self::TableConstraints,
        Self::KeyColumnUsage,
        Self::CheckConstraints,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Columns => "columns",
            Self::Schemata => "schemata",
            Self::Tables => "tables",
            Self::Views => "views",
            Self::TableConstraints => "table_constraints",
            Self::KeyColumnUsage => "key_column_usage",
            Self::CheckConstraints => "check_constraints",
        }
    }

    fn schema(self) -> SchemaRef {
        match self {
            Self::Columns => columns::schema(),
            Self::Schemata => schemata::schema(),
            Self::Tables => tables::schema(),
            Self::Views => views::schema(),
            Self::TableConstraints => constraints::table_schema(),
            Self::KeyColumnUsage => constraints::key_schema(),
            Self::CheckConstraints => constraints::check_schema(),
        }
    }
}

/// A relation of `information_schema` at a version. Its rows are made when it is scanned: views are planned for them,
/// which may read the same relation.
#[derive(Debug)]
pub(crate) struct InformationTable {
    kind: Kind,
    context: Arc<Context>,
    version: Version,
}

impl InformationTable {
    /// The names of all relations, in order.
    pub(crate) fn names() -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Kind::ALL.iter().map(|kind| kind.name()).chain(OF_FUNCTIONS).collect();
        names.sort_unstable();
        names
    }

    /// The relation of a name, if there is one.
    pub(crate) async fn provider(
        context: &Context,
        name: &str,
        version: Version,
    ) -> std::result::Result<Option<Arc<dyn TableProvider>>, Error> {
        if OF_FUNCTIONS.contains(&name) {
            let functions = context.base.table_functions().clone();
            let own = InformationSchemaProvider::new(Arc::new(MemoryCatalogProviderList::new()));
            return Ok(own.with_table_functions(functions).table(name).await?);
        }
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == name) else { return Ok(None) };
        // A snapshot of its own: the statement's keeps this relation, and the two would keep each other for ever.
        let context = Arc::new(context.with_parameters(Parameters::none()));
        Ok(Some(Arc::new(Self { kind, context, version })))
    }

    async fn rows(&self) -> std::result::Result<RecordBatch, Error> {
        let (state, version) = (&self.context.state, self.version);
        let arrays = match self.kind {
            Kind::Columns => columns::arrays(&self.context, version).await,
            Kind::Schemata => schemata::arrays(state, version),
            Kind::Tables => tables::arrays(state, version),
            Kind::Views => views::arrays(state, version),
            Kind::TableConstraints => constraints::table_arrays(state, version),
            Kind::KeyColumnUsage => constraints::key_arrays(state, version),
            Kind::CheckConstraints => constraints::check_arrays(state, version),
        };
        Ok(RecordBatch::try_new(self.kind.schema(), arrays)?)
    }
}

#[async_trait]
impl TableProvider for InformationTable {
    fn schema(&self) -> SchemaRef {
        self.kind.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = self.rows().await.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let table = MemTable::try_new(rows.schema(), vec![vec![rows]])?;
        table.scan(session, projection, filters, limit).await
    }
}
