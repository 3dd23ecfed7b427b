//! Hands the planner the relations that were resolved before planning: those with a version, files, functions that
//! compare versions, and the target of a statement that changes rows.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, Result, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, lit};
use datafusion::sql::sqlparser::ast::TableFactor;

use crate::parse::is_source_mark;
use crate::references::planned_key;
use crate::target::SOURCE_ROW;

/// Plans the relations that carry a version clause, stand for files, or compare versions.
///
/// * Every relation with a version clause is planned here, or planning fails: the default planner would drop the
///   clause and read the newest rows.
/// * Every other relation is left to the default planner, which knows common table expressions.
#[derive(Debug)]
pub(crate) struct VersionPlanner {
    planned: HashMap<String, Arc<dyn TableProvider>>,
}

impl VersionPlanner {
    pub(crate) fn new(planned: HashMap<String, Arc<dyn TableProvider>>) -> Self {
        Self { planned }
    }
}

impl RelationPlanner for VersionPlanner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        if let TableFactor::NestedJoin { table_with_joins, alias: Some(alias) } = &relation
            && is_source_mark(alias)
        {
            return plan_source(table_with_joins.relation.clone(), context);
        }
        let key = planned_key(&relation).map_err(|error| DataFusionError::External(Box::new(error)))?;
        let (Some(key), TableFactor::Table { name, alias, args, .. }) = (key, &relation) else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let provider = self.planned.get(&key).ok_or_else(|| {
            DataFusionError::Plan(format!("`{relation}` was not resolved before planning; it cannot be read"))
        })?;
        let reference = match context.object_name_to_table_reference(name.clone()) {
            Ok(reference) => reference,
            Err(_) => TableReference::bare(name.to_string()),
        };
        let source = provider_as_source(Arc::clone(provider));
        // Calls of one function with other arguments are other relations: each scan bears its arguments in its name.
        let plan = match args {
            Some(_) => LogicalPlanBuilder::scan(TableReference::bare(key), source, None)?.alias(reference)?.build()?,
            None => LogicalPlanBuilder::scan(reference, source, None)?.build()?,
        };
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias.clone()))))
    }
}

/// Plans the source of a MERGE, with the column that tells its rows from none.
fn plan_source(source: TableFactor, context: &mut dyn RelationPlannerContext) -> Result<RelationPlanning> {
    let source = context.plan(source)?;
    let mut columns: Vec<Expr> = source.schema().columns().into_iter().map(Expr::Column).collect();
    columns.push(lit(true).alias(SOURCE_ROW));
    let plan = LogicalPlanBuilder::from(source).project(columns)?.build()?;
    Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, None))))
}
