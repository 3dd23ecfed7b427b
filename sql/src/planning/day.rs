//! A DATE beside a TIMESTAMP: a timestamp of the same unit.
//!
//! The planner makes both timestamps of nanoseconds, which 64 bits count from 1677 to 2262: `ts < DATE '9999-12-31'`
//! would be an error, and so would every row of that date.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, ExprSchemable, cast};

/// Makes the dates timestamps if something among these is one that has no zone and is coarser than nanoseconds. Says
/// whether it did.
pub(super) fn as_timestamps(all: &mut [&mut Expr], schema: &DFSchema) -> bool {
    let types: Vec<Option<DataType>> = all.iter().map(|expr| expr.get_type(schema).ok()).collect();
    let Some(unit) = unit_beside(types.iter().flatten()) else { return false };
    let mut changed = false;
    for (expr, found) in all.iter_mut().zip(types) {
        if found == Some(DataType::Date32) {
            let date: Expr = (**expr).clone();
            **expr = cast(date, DataType::Timestamp(unit, None));
            changed = true;
        }
    }
    changed
}

/// The unit that a date takes beside these types.
pub(super) fn unit_beside<'a>(types: impl Iterator<Item = &'a DataType>) -> Option<TimeUnit> {
    let mut finest: Option<TimeUnit> = None;
    for found in types {
        match found {
            DataType::Timestamp(_, Some(_)) => return None,
            DataType::Timestamp(unit, None) => finest = finest.max(Some(*unit)),
            _ => {}
        }
    }
    finest.filter(|unit| *unit < TimeUnit::Nanosecond)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{Field, Schema};
    use datafusion::logical_expr::col;

    use super::*;

    fn check(names: &[&str], expected: &[&str]) {
        let stamp = |unit: TimeUnit, zone: Option<&str>| DataType::Timestamp(unit, zone.map(Into::into));
        let schema = DFSchema::try_from(Schema::new(vec![
            Field::new("day", DataType::Date32, true),
            Field::new("ms", stamp(TimeUnit::Millisecond, None), true),
            Field::new("us", stamp(TimeUnit::Microsecond, None), true),
            Field::new("ns", stamp(TimeUnit::Nanosecond, None), true),
            Field::new("tz", stamp(TimeUnit::Microsecond, Some("UTC")), true),
        ]))
        .unwrap();
        let mut exprs: Vec<Expr> = names.iter().map(|name| col(*name)).collect();
        let mut all: Vec<&mut Expr> = exprs.iter_mut().collect();
        let changed = as_timestamps(&mut all, &schema);
        let found: Vec<String> = exprs.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
        assert_eq!(changed, names != expected);
    }

    #[test]
    fn a_date_takes_the_finest_unit_beside_it() {
        check(&["us", "day"], &["us", "CAST(day AS Timestamp(µs))"]);
        check(&["day", "ms", "us"], &["CAST(day AS Timestamp(µs))", "ms", "us"]);
    }

    #[test]
    fn others_are_left_to_the_planner() {
        check(&["day", "day"], &["day", "day"]);
        check(&["day", "ns"], &["day", "ns"]);
        check(&["day", "tz"], &["day", "tz"]);
        check(&["ms", "us"], &["ms", "us"]);
    }
}
