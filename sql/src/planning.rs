//! The planner's settings: what every statement of every session begins with.
//!
//! Where DataFusion would give a wrong value without a word, Frostline computes the right one, or says why not:
//!
//! | what | here | instead of |
//! |---|---|---|
//! | [`checked`], [`exact_sum`] | an overflow is an error | a number that wrapped |
//! | [`extreme`] | `min()` and `max()` of infinities and NaN | the largest finite number; by the order of rows |
//! | [`nan`], [`zero`] | NaN is one value, and so is zero, wherever values are compared | told apart by their bits |
//! | [`top_groups`] | the first few groups of floats | a panic if there is NaN |
//! | [`cast`] | a cast that is compared loses and refuses what it does elsewhere | the cast dropped |
//! | [`in_list`] | two lists for one value, NULL among the values | false or true instead of NULL |
//! | [`coarse_cast`] | a filter on the date of a timestamp | an error of the estimate |
//! | [`date_trunc`] | far timestamps | an error |
//! | [`day`] | a date beside a timestamp, however far | an error after 2262 |
//! | [`grouping_key`] | ROLLUP and its like of what is computed | a column that is not found |
//! | [`interval`] | intervals compare by length | by months, then days, then nanoseconds |
//! | [`zone`] | times are read and taken apart in the session's zone | in UTC |
//! | [`map_key`] | a map's key has the type of its keys | the type of the literal |
//! | [`number`] | a number with a point is a decimal beside decimals | a DOUBLE, and the decimals too |
//!
//! [`exact`] applies them to a plan's expressions. [`yielding`] lets every plan be cancelled soon.

pub(crate) mod cast;
pub(crate) mod checked;
pub(crate) mod coarse_cast;
pub(crate) mod date_trunc;
mod day;
pub(crate) mod empty_subquery;
pub(crate) mod exact;
pub(crate) mod exact_sum;
pub(crate) mod extreme;
pub(crate) mod grouping_key;
pub(crate) mod in_list;
pub(crate) mod interval;
pub(crate) mod map_key;
pub(crate) mod nan;
pub(crate) mod number;
mod one_form;
mod top_groups;
pub(crate) mod yielding;
pub(crate) mod zero;
pub(crate) mod zone;

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, FieldRef};
use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::SessionState;
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::prelude::SessionConfig;
use datafusion::sql::sqlparser::ast;
use frostline_catalog::io::DEFAULT_SCHEMA;

use crate::context::CATALOG;
use crate::grouped_casts::Typed;
use crate::memory::{RuntimeLimits, lake_runtime};
use crate::sql_types::arrow_type;
use coarse_cast::CoarseCasts;
use date_trunc::DateTrunc;
use exact::ExactExpressions;
use exact_sum::ExactSum;
use extreme::Extreme;
use map_key::MapKeys;
use number::AsWritten;
use top_groups::AllFloatGroups;
use yielding::YieldAboveJoins;
use zero::OneZero;

/// From how many bytes on the smaller side of a join is partitioned. The planner's own limits, 1 MiB and 131,072 rows,
/// partition joins whose smaller side would fit into memory many times over: `tpch` among the benchmarks shows it.
const SINGLE_PARTITION_JOIN_BYTES: usize = 64 * 1024 * 1024;

/// As above, in rows.
const SINGLE_PARTITION_JOIN_ROWS: usize = 4_000_000;

/// The least memory of a statement for each core that works on it.
const PARTITION_MEMORY_BYTES: usize = 16 * 1024 * 1024;

/// The part of a statement's memory that each sort keeps back for merging what it wrote to disk.
const MERGE_PART: usize = 16;

/// The state that statements are planned with.
pub(crate) fn base_state(limits: Option<&RuntimeLimits>) -> Result<SessionState> {
    let mut config = SessionConfig::new()
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, DEFAULT_SCHEMA);
    let options = config.options_mut();
    options.execution.time_zone = Some("UTC".to_owned());
    options.sql_parser.collect_spans = true;
    options.optimizer.hash_join_single_partition_threshold = SINGLE_PARTITION_JOIN_BYTES;
    options.optimizer.hash_join_single_partition_threshold_rows = SINGLE_PARTITION_JOIN_ROWS;
    if let Some(limits) = limits {
        // Each partition of a sort or aggregate has to hold some batches, however many cores there are.
        let partitions = (limits.statement_memory_bytes / PARTITION_MEMORY_BYTES).max(1);
        options.execution.target_partitions = options.execution.target_partitions.min(partitions);
        let part = limits.statement_memory_bytes / MERGE_PART;
        options.execution.sort_spill_reservation_bytes = options.execution.sort_spill_reservation_bytes.min(part);
    }
    let runtime = lake_runtime(limits)?;
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        // The first planner that plans an access wins, so ours stands before the default ones.
        .with_expr_planners(vec![Arc::new(MapKeys)])
        .with_default_features()
        .with_type_planner(Arc::new(OwnTypes { zone: None }))
        .with_analyzer_rule(Arc::new(ExactExpressions))
        .with_optimizer_rule(Arc::new(OneZero))
        .with_optimizer_rule(Arc::new(CoarseCasts))
        .with_physical_optimizer_rule(Arc::new(AllFloatGroups))
        .with_physical_optimizer_rule(Arc::new(YieldAboveJoins))
        .build();
    for function in [AggregateUDF::from(ExactSum::new()), Extreme::min().into(), Extreme::max().into()] {
        state.register_udaf(Arc::new(function))?;
    }
    let functions =
        [ScalarUDF::from(AsWritten::new()), ScalarUDF::from(DateTrunc::new()), ScalarUDF::from(Typed::new())];
    for function in functions {
        state.register_udf(Arc::new(function))?;
    }
    Ok(state)
}

/// The same state for a session in another zone than UTC: what types mean, and what `now()` and its like yield.
///
/// The state's setting of the zone must be in place.
pub(crate) fn in_zone(state: SessionState, zone: &Arc<str>) -> SessionState {
    // Functions whose type has the zone in it learn of it only when a state is built.
    SessionStateBuilder::new_from_existing(state)
        .with_type_planner(Arc::new(OwnTypes { zone: Some(Arc::clone(zone)) }))
        .build()
}

/// Gives types in casts and typed literals the meaning that they have in tables: a plain TIMESTAMP counts microseconds,
/// so that the year 9999 can be written. Types that tables do not have, intervals among them, stay the planner's.
///
/// A TIMESTAMP WITH TIME ZONE is in the session's zone, so that a text without an offset is read in it.
#[derive(Debug)]
struct OwnTypes {
    /// The session's zone; `None` is UTC.
    zone: Option<Arc<str>>,
}

impl TypePlanner for OwnTypes {
    fn plan_type_field(&self, sql_type: &ast::DataType) -> Result<Option<FieldRef>> {
        let own = arrow_type(sql_type).ok();
        let own = own.map(|data_type| zone::read_type(&data_type, self.zone.as_ref()));
        Ok(own.map(|data_type| Arc::new(Field::new("", data_type, true))))
    }
}
