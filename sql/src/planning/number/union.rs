//! The parts of a UNION, whose columns are of one type.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Projection, Union, cast};

use super::super::day;
use super::decimal::Digits;
use super::{Outside, Scope, exact};

/// What becomes of a column whose parts are of several types.
enum Mixed {
    /// There are doubles among decimals.
    Doubles,
    /// There are timestamps among dates.
    Timestamps(DataType),
}

impl Mixed {
    fn of(types: &[DataType]) -> Option<Self> {
        let has_doubles = types.iter().any(DataType::is_floating);
        if has_doubles && types.iter().any(DataType::is_decimal) {
            return Some(Self::Doubles);
        }
        let unit = day::unit_beside(types.iter())?;
        (!has_doubles && types.contains(&DataType::Date32)).then_some(Self::Timestamps(DataType::Timestamp(unit, None)))
    }

    /// What a part's column becomes, if it is of another type.
    fn target(&self, found: &DataType) -> Option<DataType> {
        match self {
            Self::Doubles => found.is_decimal().then_some(DataType::Float64),
            Self::Timestamps(target) => (*found == DataType::Date32).then(|| target.clone()),
        }
    }
}

/// Makes a column one of decimals if all that is a double among them are numbers, else one of doubles; and one of
/// timestamps if there are timestamps among dates.
pub(super) fn rewrite_union(union: Union) -> Result<Transformed<LogicalPlan>> {
    let mut inputs: Vec<Arc<LogicalPlan>> = union.inputs.clone();
    let mut is_same = true;
    for place in 0..union.schema.fields().len() {
        let types: Vec<DataType> =
            inputs.iter().filter_map(|input| Some(input.schema().fields().get(place)?.data_type().clone())).collect();
        let Some(mixed) = Mixed::of(&types) else { continue };
        is_same = false;
        let exact: Option<Vec<Arc<LogicalPlan>>> = match mixed {
            Mixed::Doubles => inputs.iter().map(|input| with_exact_column(input, place, &types)).collect(),
            Mixed::Timestamps(_) => None,
        };
        inputs = match exact {
            Some(exact) => exact,
            None => inputs.iter().map(|input| with_cast(input, place, &mixed)).collect::<Result<_>>()?,
        };
    }
    // The types of its columns may be others also where nothing is mixed.
    let exact = Union::try_new_with_loose_types(inputs)?;
    is_same = is_same && exact.schema == union.schema;
    let plan = LogicalPlan::Union(if is_same { union } else { exact });
    Ok(Transformed::new(plan, !is_same, TreeNodeRecursion::Continue))
}

/// A part whose column is the decimal that a number spells, if it is a number; `None` if it is a double in truth.
fn with_exact_column(input: &Arc<LogicalPlan>, place: usize, types: &[DataType]) -> Option<Arc<LogicalPlan>> {
    if !input.schema().field(place).data_type().is_floating() {
        return Some(Arc::clone(input));
    }
    let LogicalPlan::Projection(projection) = input.as_ref() else { return None };
    let scope = Scope { schema: projection.input.schema(), outside: Outside::Unknown };
    let mut exprs: Vec<Expr> = projection.expr.clone();
    let column = exprs.get_mut(place)?;
    let number = exact(&column.clone().unalias(), &scope)?;
    let digits = scope.digits_of(&number)?;
    if !types.iter().filter_map(Digits::of).all(|other| digits.fits(other)) {
        return None;
    }
    let (relation, name) = column.qualified_name();
    *column = number.alias_qualified(relation, name);
    let exact = Projection::try_new(exprs, Arc::clone(&projection.input)).ok()?;
    Some(Arc::new(LogicalPlan::Projection(exact)))
}

fn with_cast(input: &Arc<LogicalPlan>, place: usize, mixed: &Mixed) -> Result<Arc<LogicalPlan>> {
    let Some(target) = mixed.target(input.schema().field(place).data_type()) else { return Ok(Arc::clone(input)) };
    let mut columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
    if let Some(column) = columns.get_mut(place) {
        let name = input.schema().field(place).name();
        *column = cast(column.clone(), target).alias(name);
    }
    Ok(Arc::new(LogicalPlanBuilder::from(Arc::clone(input)).project(columns)?.build()?))
}
