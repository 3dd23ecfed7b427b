//! A relation at a version, under a name that no other version of it has in a plan.
//!
//! The planner holds two scans for one if they read the same name with the same columns: it does not look at what is
//! behind the name. Two versions of a table in one statement would then be read once, and one of them wrongly. So a
//! relation at a version that is not the statement's own brings a plan of its own, whose scan bears the version in its
//! name; the name that the statement uses stands above it as an alias.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, TableReference};
use datafusion::datasource::{TableType, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use frostline_catalog::Version;

use crate::context::{CATALOG, QualifiedName};

/// A relation whose scans are told apart from those of its other versions.
#[derive(Debug)]
pub(crate) struct AtVersion {
    inner: Arc<dyn TableProvider>,
    plan: LogicalPlan,
}

impl AtVersion {
    /// The relation as it is at a version.
    pub(crate) fn new(inner: Arc<dyn TableProvider>, name: &QualifiedName, version: Version) -> Result<Self> {
        let catalog = format!("{CATALOG}@{version}");
        let reference = TableReference::full(catalog, name.schema.as_str(), name.name.as_str());
        let plan = LogicalPlanBuilder::scan(reference, provider_as_source(Arc::clone(&inner)), None)?.build()?;
        Ok(Self { inner, plan })
    }
}

#[async_trait]
impl TableProvider for AtVersion {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn table_type(&self) -> TableType {
        self.inner.table_type()
    }

    fn get_logical_plan(&'_ self) -> Option<Cow<'_, LogicalPlan>> {
        Some(Cow::Borrowed(&self.plan))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.inner.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.inner.scan(session, projection, filters, limit).await
    }
}
