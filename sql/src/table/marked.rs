//! Frozen segments of which not all rows come out, or whose rows say where they are.
//!
//! ```text
//!   ProjectionExec    says where rows are             only where that is asked for
//!   FilterExec        live_rows(mask, row)            only where rows are left out
//!   DataSourceExec    columns, mask, …, row
//! ```
//!
//! * Filters from above that the scan does not apply to each row join the one that is here: rows are filtered once.
//! * Of a segment whose rows all come out the filter lets all through, so segments of both kinds may share a plan.
//! * Rows carry their ids, or count on from the segment's first. Where ids are asked for, all segments of a plan must
//!   be of one of these kinds.

use std::sync::Arc;

use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::Session;
use datafusion::common::{ColumnStatistics, internal_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column, binary};
use datafusion::physical_expr::projection::ProjectionExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExecBuilder;
use datafusion::physical_plan::projection::ProjectionExec;
use frostline_catalog::segment::RowIds;
use frostline_engine::Lake;

use super::frozen::{FrozenPart, Hidden, HiddenColumn, plan_frozen};
use super::live_rows::{LiveRows, Masks};
use super::places::{Asked, Output, Place};
use super::summary::ScanSummary;

/// How many of the rows that the scan tells of the filter lets through, in percent: the scan tells of those only.
const SELECTIVITY: u8 = 100;

/// The plan that reads the segments and gives what is asked for. `summary`, if given, is shown among its metrics.
pub(super) fn plan_marked(
    lake: &Arc<Lake>,
    session: &dyn Session,
    mut part: FrozenPart,
    asked: &Asked,
    summary: Option<&ScanSummary>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let masks: Vec<Option<BooleanBuffer>> = part.segments.iter().map(|segment| segment.kept.clone()).collect();
    let is_masked = masks.iter().any(Option::is_some);
    let is_stored = part.segments.iter().any(|segment| segment.segment.row_ids == RowIds::Stored);
    if is_masked {
        // The scan gives rows that are left out above it.
        part.limit = None;
    }
    let row_ids: Option<usize> = (asked.has(Place::RowId) && is_stored).then(|| add_row_ids(&mut part));
    let mut told: Vec<Hidden> = Vec::new();
    if is_masked {
        told.push(Hidden::Mask);
    }
    if asked.has(Place::Segment) {
        told.push(Hidden::Segment);
    }
    if asked.has(Place::Born) {
        told.push(Hidden::Born);
    }
    if asked.has(Place::RowId) && !is_stored {
        told.push(Hidden::FirstRow);
    }
    told.push(Hidden::Row);
    let hidden: Vec<HiddenColumn> =
        told.into_iter().map(|what| HiddenColumn::new(what, part.columns.free_name(what.label()))).collect();
    let width = part.projection.len();
    let scan = plan_frozen(lake, session, part, &hidden, summary)?;
    let marks = Marks { hidden, width, row_ids };

    let filtered: Arc<dyn ExecutionPlan> = if is_masked {
        let filter = LiveRows::new(marks.column(Hidden::Mask)?, marks.column(Hidden::Row)?, Masks::new(masks));
        let columns: Option<Vec<usize>> = if asked.has_places() { None } else { Some((0..width).collect()) };
        let filter = FilterExecBuilder::new(Arc::new(filter), scan)
            .with_default_selectivity(SELECTIVITY)
            .with_batch_size(session.config().batch_size())
            .apply_projection(columns)?
            .build()?;
        Arc::new(filter)
    } else {
        scan
    };
    if !asked.has_places() {
        return Ok(filtered);
    }
    let schema = filtered.schema();
    let mut exprs: Vec<ProjectionExpr> = Vec::with_capacity(asked.outputs().len());
    for (output, field) in asked.outputs().iter().zip(asked.schema().fields()) {
        exprs.push(match output {
            Output::Column(place) => {
                let name = schema.field(*place).name();
                ProjectionExpr::new(Arc::new(Column::new(name, *place)), name.as_str())
            }
            Output::Place(place) => ProjectionExpr::new(marks.place(*place, &schema)?, field.name().as_str()),
        });
    }
    Ok(Arc::new(ProjectionExec::try_new(exprs, filtered)?))
}

/// Lets the scan give the ids that rows carry, behind the projected columns. Returns their place in what comes out.
fn add_row_ids(part: &mut FrozenPart) -> usize {
    part.columns = Arc::new(part.columns.with_row_ids());
    for segment in &mut part.segments {
        segment.statistics.column_statistics.push(ColumnStatistics::new_unknown());
    }
    part.projection.push(part.columns.len() - 1);
    part.projection.len() - 1
}

/// Where the columns are that tell of a row what the table's do not.
struct Marks {
    hidden: Vec<HiddenColumn>,
    /// How many columns come out before the hidden ones.
    width: usize,
    /// Where the ids are that rows carry.
    row_ids: Option<usize>,
}

impl Marks {
    fn column(&self, what: Hidden) -> Result<Arc<dyn PhysicalExpr>> {
        let place = self.hidden.iter().position(|column| column.what() == what);
        let found = place.and_then(|place| Some((place, self.hidden.get(place)?)));
        let (place, column) =
            found.ok_or_else(|| internal_datafusion_err!("a scan of segments lacks the column {what:?}"))?;
        Ok(Arc::new(Column::new(column.name(), self.width + place)))
    }

    fn place(&self, place: Place, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
        match place {
            Place::Segment => self.column(Hidden::Segment),
            Place::Born => self.column(Hidden::Born),
            Place::Position => {
                let target = Arc::new(Field::new(place.name(), DataType::UInt64, false));
                Ok(Arc::new(CastExpr::new_with_target_field(self.column(Hidden::Row)?, target, None)))
            }
            Place::RowId => match self.row_ids {
                Some(index) => Ok(Arc::new(Column::new(schema.field(index).name(), index))),
                None => binary(self.column(Hidden::FirstRow)?, Operator::Plus, self.column(Hidden::Row)?, schema),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use datafusion::common::config::ConfigOptions;
    use datafusion::common::stats::Precision;
    use datafusion::physical_expr::expressions::{col, lit};
    use datafusion::physical_optimizer::PhysicalOptimizerRule;
    use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
    use datafusion::physical_plan::displayable;
    use datafusion::physical_plan::filter::FilterExec;
    use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
    use datafusion::prelude::SessionContext;
    use frostline_catalog::Micros;
    use frostline_catalog::io::{Genesis, LakeLocation, ManualClock};
    use frostline_catalog::segment::Segment;
    use frostline_engine::Settings;

    use super::super::columns::tests::{column, columns};
    use super::super::frozen::FrozenSegment;
    use super::super::frozen::tests::{segment, with_dead};
    use super::*;

    /// The plan over segments of a table with the columns `a` and `b`. Nothing of the segments is read.
    async fn planned(
        lake: &str,
        segments: Vec<FrozenSegment>,
        projection: Option<&[usize]>,
        places: bool,
    ) -> Arc<dyn ExecutionPlan> {
        let location = LakeLocation::parse(&format!("memory://{lake}")).unwrap();
        let clock = Arc::new(ManualClock::at(Micros::new(1_000_000)));
        Lake::create(&location, clock.as_ref(), Genesis::default()).await.unwrap();
        let lake = Arc::new(Lake::open(location, clock, Settings::default()).await.unwrap());
        let columns = columns(&[column(1, "a", DataType::Int64, None), column(2, "b", DataType::Int64, None)]);
        let asked = Asked::try_new(&columns, projection, places).unwrap();
        let part = FrozenPart {
            columns: Arc::new(columns),
            projection: asked.columns().to_vec(),
            filtered: HashSet::new(),
            segments,
            limit: None,
        };
        let plan = plan_marked(&lake, &SessionContext::new().state(), part, &asked, None).unwrap();
        assert_eq!(plan.schema().fields(), asked.schema().fields());
        plan
    }

    fn with_stored_ids(found: FrozenSegment) -> FrozenSegment {
        let segment = Segment { row_ids: RowIds::Stored, ..found.segment.as_ref().clone() };
        FrozenSegment { segment: Arc::new(segment), ..found }
    }

    fn nodes(plan: &Arc<dyn ExecutionPlan>) -> Vec<String> {
        let mut found = vec![plan.name().to_owned()];
        for child in plan.children() {
            found.extend(nodes(child));
        }
        found
    }

    #[tokio::test]
    async fn dead_rows_are_filtered_directly_above_the_scan() {
        let plan = planned("marked-dead", vec![segment(1, 10), with_dead(2, 4)], Some(&[1]), false).await;
        assert_eq!(nodes(&plan), ["FilterExec", "DataSourceExec"]);
        let shown = displayable(plan.as_ref()).indent(false).to_string();
        assert!(shown.contains("live_rows(#mask@1, #row@2)"), "{shown}");
        let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new()).unwrap();
        assert_eq!(statistics.num_rows, Precision::Inexact(16));
    }

    #[tokio::test]
    async fn a_filter_of_the_query_joins_that_of_dead_rows() {
        let plan = planned("marked-joined", vec![with_dead(1, 4)], None, false).await;
        let schema = plan.schema();
        let greater = binary(col("b", &schema).unwrap(), Operator::Gt, lit(1_i64), &schema).unwrap();
        let above: Arc<dyn ExecutionPlan> = Arc::new(FilterExec::try_new(greater, plan).unwrap());
        let joined = FilterPushdown::new().optimize(above, &ConfigOptions::default()).unwrap();
        assert_eq!(nodes(&joined), ["FilterExec", "DataSourceExec"]);
        let shown = displayable(joined.as_ref()).indent(false).to_string();
        assert!(shown.contains("b@1 > 1 AND live_rows(#mask@2, #row@3)"), "{shown}");
        assert_eq!(joined.schema().fields().len(), 2);
    }

    #[tokio::test]
    async fn places_are_told_by_a_projection_above() {
        let plan = planned("marked-places", vec![segment(1, 10), with_dead(2, 4)], None, true).await;
        assert_eq!(nodes(&plan), ["ProjectionExec", "FilterExec", "DataSourceExec"]);
    }

    #[tokio::test]
    async fn only_the_places_that_are_asked_for_are_read() {
        let plan = planned("marked-few", vec![segment(1, 10)], Some(&[3, 0]), true).await;
        assert_eq!(nodes(&plan), ["ProjectionExec", "DataSourceExec"]);
        let scanned: Vec<String> =
            plan.children()[0].schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(scanned, ["a", "#row"]);
    }

    #[tokio::test]
    async fn rows_that_carry_their_ids_are_asked_for_them() {
        let stored = with_stored_ids(with_dead(1, 4));
        let plan = planned("marked-stored", vec![stored], Some(&[4]), true).await;
        let scanned: Vec<String> =
            plan.children()[0].schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(scanned, ["#row_id", "#mask", "#row"]);
    }
}
