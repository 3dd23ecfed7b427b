//! The session's time zone, in which times without one are read, and times with one are taken apart.
//!
//! What is stored and what is yielded is in UTC. In between, in a session with another zone, every TIMESTAMP WITH TIME
//! ZONE bears that zone in its type: columns as they are scanned, casts, literals, `now()`. The instants are the same,
//! and what DataFusion does with a zone follows by itself: `extract`, `date_trunc`, days of 23 or 25 hours, texts
//! without an offset. In UTC, the default, nothing of this happens.
//!
//! Two casts need help, in any session, since a zone may also come from `AT TIME ZONE`: DataFusion takes the value of a
//! timestamp with zone for its local time, and moves the casts of columns in comparisons to the constant as if local
//! times and instants were the same. Here they are functions, which it does not move.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::compute::CastOptions;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, SchemaRef};
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::Transformed;
use datafusion::common::utils::take_function_args;
use datafusion::common::{DFSchema, DataFusionError, Result, TableReference};
use datafusion::datasource::{TableType, provider_as_source};
use datafusion::functions::datetime::to_local_time;
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, TableProviderFilterPushDown, TryCast, Volatility, cast,
};
use datafusion::physical_plan::ExecutionPlan;
use frostline_catalog::schema::UTC;

use super::cast::OnFailure;

/// A table's type as a session reads it: instants bear the session's zone. `None` is UTC.
pub(crate) fn read_type(data_type: &DataType, zone: Option<&Arc<str>>) -> DataType {
    match zone {
        Some(zone) => with_zone(data_type, UTC, zone),
        None => data_type.clone(),
    }
}

/// A type in which one zone takes the place of another.
fn with_zone(data_type: &DataType, from: &str, to: &Arc<str>) -> DataType {
    let field = |field: &FieldRef| -> FieldRef {
        Arc::new(field.as_ref().clone().with_data_type(with_zone(field.data_type(), from, to)))
    };
    match data_type {
        DataType::Timestamp(unit, Some(zone)) if zone.as_ref() == from => {
            DataType::Timestamp(*unit, Some(Arc::clone(to)))
        }
        DataType::List(element) => DataType::List(field(element)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect()),
        DataType::Map(entries, sorted) => DataType::Map(field(entries), *sorted),
        other => other.clone(),
    }
}

/// A relation as a session in a zone reads it. No other may have its name: the planner would hold the two for one.
pub(crate) fn read_relation(
    provider: Arc<dyn TableProvider>,
    name: TableReference,
    zone: &Arc<str>,
) -> Result<Arc<dyn TableProvider>> {
    let schema = provider.schema();
    if schema.fields().iter().all(|field| read_type(field.data_type(), Some(zone)) == *field.data_type()) {
        return Ok(provider);
    }
    let table_type = provider.table_type();
    let scan = LogicalPlanBuilder::scan(name, provider_as_source(provider), None)?;
    let columns = scan.schema().columns();
    let read: Vec<Expr> = columns
        .into_iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            let data_type = read_type(field.data_type(), Some(zone));
            match data_type == *field.data_type() {
                true => Expr::Column(column),
                false => cast(Expr::Column(column), data_type).alias(field.name().as_str()),
            }
        })
        .collect();
    let plan = scan.project(read)?.build()?;
    Ok(Arc::new(ReadInZone { table_type, view: ViewTable::new(plan, None) }))
}

/// A table whose instants bear the session's zone: a plan of its own above its scan.
#[derive(Debug)]
struct ReadInZone {
    table_type: TableType,
    view: ViewTable,
}

#[async_trait]
impl TableProvider for ReadInZone {
    fn schema(&self) -> SchemaRef {
        self.view.schema()
    }

    fn table_type(&self) -> TableType {
        self.table_type
    }

    fn get_logical_plan(&'_ self) -> Option<Cow<'_, LogicalPlan>> {
        self.view.get_logical_plan()
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.view.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.view.scan(session, projection, filters, limit).await
    }
}

/// The type in which a session's results are yielded: instants in UTC.
pub(crate) fn yielded_type(data_type: &DataType, zone: Option<&Arc<str>>) -> DataType {
    match zone {
        Some(zone) => with_zone(data_type, zone, &Arc::from(UTC)),
        None => data_type.clone(),
    }
}

/// A query of a session in a zone, whose instants are yielded in UTC.
pub(crate) fn yield_utc(plan: LogicalPlan, zone: Option<&Arc<str>>) -> Result<LogicalPlan> {
    if zone.is_none() {
        return Ok(plan);
    }
    let schema = Arc::clone(plan.schema());
    let yielded = |field: &FieldRef| yielded_type(field.data_type(), zone);
    if schema.fields().iter().all(|field| yielded(field) == *field.data_type()) {
        return Ok(plan);
    }
    let columns: Vec<Expr> = schema
        .columns()
        .into_iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            let data_type = yielded(field);
            match data_type == *field.data_type() {
                true => Expr::Column(column),
                false => {
                    let (relation, name) = (column.relation.clone(), column.name.clone());
                    cast(Expr::Column(column), data_type).alias_qualified(relation, name)
                }
            }
        })
        .collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// The same expression, or the function that does what its cast between local times and instants means.
pub(crate) fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::Cast(Cast { expr, field }) => match Crossing::of(&expr, field.data_type(), schema) {
            Some(crossing) => Transformed::yes(crossing.call(*expr, field.data_type().clone(), OnFailure::Fail)),
            None => Transformed::no(Expr::Cast(Cast { expr, field })),
        },
        Expr::TryCast(TryCast { expr, field }) => match Crossing::of(&expr, field.data_type(), schema) {
            Some(crossing) => Transformed::yes(crossing.call(*expr, field.data_type().clone(), OnFailure::Null)),
            None => Transformed::no(Expr::TryCast(TryCast { expr, field })),
        },
        other => Transformed::no(other),
    })
}

/// A cast between local times and the instants of a zone other than UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Crossing {
    ToInstant,
    ToLocal,
}

impl Crossing {
    fn of(value: &Expr, target: &DataType, schema: &DFSchema) -> Option<Self> {
        let DataType::Timestamp(_, target_zone) = target else { return None };
        let Ok(DataType::Timestamp(_, zone)) = value.get_type(schema) else { return None };
        match (zone, target_zone) {
            (None, Some(zone)) if zone.as_ref() != UTC => Some(Self::ToInstant),
            (Some(zone), None) if zone.as_ref() != UTC => Some(Self::ToLocal),
            _ => None,
        }
    }

    fn call(self, value: Expr, target: DataType, on_failure: OnFailure) -> Expr {
        let signature = Signature::any(1, Volatility::Immutable);
        ScalarUDF::from(ZoneCast { crossing: self, target, on_failure, signature }).call(vec![value])
    }
}

/// What a zone's clock showed at an instant, or the instant at which it showed that.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ZoneCast {
    crossing: Crossing,
    target: DataType,
    on_failure: OnFailure,
    signature: Signature,
}

impl ZoneCast {
    /// Arrow does not say more of a local time that its clock showed twice, or never.
    fn explained(&self, error: DataFusionError) -> DataFusionError {
        match &self.target {
            DataType::Timestamp(_, Some(zone)) if error.to_string().contains("Cannot cast timezone") => {
                DataFusionError::Execution(format!(
                    "a time happened twice or never in {zone}, when its clock was set; TRY_CAST gives NULL for it"
                ))
            }
            _ => error,
        }
    }
}

impl ScalarUDFImpl for ZoneCast {
    fn name(&self) -> &str {
        match self.crossing {
            Crossing::ToInstant => "local_to_instant",
            Crossing::ToLocal => "instant_to_local",
        }
    }

    /// Casts are not part of a column's name.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [value] = take_function_args(self.name(), args)?;
        Ok(value.schema_name().to_string())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.target.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let nullable = self.on_failure == OnFailure::Null || args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.target.clone(), nullable)))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = match self.crossing {
            Crossing::ToInstant => {
                let [local] = take_function_args(self.name(), args.args)?;
                local
            }
            Crossing::ToLocal => to_local_time().inner().invoke_with_args(args)?,
        };
        let options = CastOptions { safe: self.on_failure == OnFailure::Null, ..CastOptions::default() };
        value.cast_to(&self.target, Some(&options)).map_err(|error| self.explained(error))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::TimeUnit;

    use super::*;

    #[test]
    fn only_instants_in_utc_take_the_sessions_zone() {
        let zone: Arc<str> = "Europe/Zurich".into();
        let stamp = |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
        let read = |data_type: &DataType| read_type(data_type, Some(&zone));
        assert_eq!(read(&stamp(Some("UTC"))), stamp(Some("Europe/Zurich")));
        assert_eq!(read(&stamp(None)), stamp(None));
        assert_eq!(read(&stamp(Some("Asia/Tokyo"))), stamp(Some("Asia/Tokyo")));
        let list = |zone: &str| DataType::List(Arc::new(Field::new("item", stamp(Some(zone)), true)));
        assert_eq!(read(&list("UTC")), list("Europe/Zurich"));
        assert_eq!(read_type(&list("UTC"), None), list("UTC"));
    }
}
