//! `m[key]` of a map: the key has the type that the map's keys have, whatever type it was written in.
//!
//! DataFusion compares a key as it was written, so that `m['a']` of a stored map, whose texts are views, would fail.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::functions::expr_fn::get_field;
use datafusion::functions_nested::expr_fn::{array_element, map_extract};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawFieldAccessExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, GetFieldAccess, cast, lit};
use datafusion::scalar::ScalarValue;

use crate::type_name::sql_type;

/// Plans the subscripts of maps, and leaves those of lists and structs to DataFusion.
///
/// A key that is not in the map yields NULL; one that cannot be in any such map is an error.
#[derive(Debug)]
pub(crate) struct MapKeys;

impl ExprPlanner for MapKeys {
    fn plan_field_access(
        &self,
        access: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let Some(key_type) = key_type(&access.expr, schema) else { return Ok(PlannerResult::Original(access)) };
        let RawFieldAccessExpr { field_access, expr } = access;
        let key = match field_access {
            GetFieldAccess::NamedStructField { name } => Expr::Literal(name, None),
            GetFieldAccess::ListIndex { key } => *key,
            range @ GetFieldAccess::ListRange { .. } => {
                return Ok(PlannerResult::Original(RawFieldAccessExpr { field_access: range, expr }));
            }
        };
        Ok(PlannerResult::Planned(match key {
            Expr::Literal(key, _) => get_field(expr, typed(&key, &key_type)?),
            computed => array_element(map_extract(expr, cast(computed, key_type)), lit(1_i64)),
        }))
    }
}

/// The type of a map's keys; `None` for anything else.
fn key_type(expr: &Expr, schema: &DFSchema) -> Option<DataType> {
    let Ok(DataType::Map(entries, _)) = expr.get_type(schema) else { return None };
    match entries.data_type() {
        DataType::Struct(fields) => fields.first().map(|key| key.data_type().clone()),
        _ => None,
    }
}

/// A key in the type of the map's keys.
fn typed(key: &ScalarValue, key_type: &DataType) -> Result<ScalarValue> {
    let written = key.data_type();
    let refused = || DataFusionError::Plan(format!("the keys of this map are {}, not {key}", sql_type(key_type)));
    let typed = key.cast_to(key_type).map_err(|_| refused())?;
    // A number that changed, such as 1.5 to 1, would find another key.
    if written.is_numeric() && typed.cast_to(&written).ok().as_ref() != Some(key) {
        return Err(refused());
    }
    Ok(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_type_of_the_maps_keys() {
        let found = typed(&ScalarValue::from("a"), &DataType::Utf8View).unwrap();
        assert_eq!(found, ScalarValue::Utf8View(Some("a".to_owned())));
        assert_eq!(typed(&ScalarValue::Int64(Some(1)), &DataType::Int32).unwrap(), ScalarValue::Int32(Some(1)));
    }

    #[test]
    fn a_key_that_no_such_map_holds_is_refused() {
        let refused = |key: ScalarValue, key_type: DataType| typed(&key, &key_type).unwrap_err().to_string();
        assert!(refused(ScalarValue::from("x"), DataType::Int64).contains("the keys of this map are BIGINT, not x"));
        assert!(refused(ScalarValue::Float64(Some(1.5)), DataType::Int64).contains("not 1.5"));
        assert!(refused(ScalarValue::Int64(Some(300)), DataType::Int8).contains("TINYINT"));
    }
}
