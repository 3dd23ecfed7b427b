//! DESCRIBE and SHOW COLUMNS.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringViewArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::sql::sqlparser::ast;
use frostline_catalog::{Relation, Version};

use super::Work;
use crate::answer::Answer;
use crate::context::{Context, INFORMATION_SCHEMA, SYSTEM, no_as_of};
use crate::error::Error;
use crate::parse::TableAt;
use crate::system::constraints_of;
use crate::type_name::sql_type;

/// A column, described.
#[derive(Default)]
struct Descriptions {
    names: Vec<String>,
    types: Vec<String>,
    nullable: Vec<bool>,
    defaults: Vec<Option<String>>,
    comments: Vec<Option<String>>,
    constraints: Vec<Option<String>>,
}

impl Descriptions {
    fn into_answer(self, version: Version) -> Result<Work, Error> {
        let batch = RecordBatch::try_from_iter([
            ("column_name", Arc::new(StringViewArray::from_iter_values(self.names)) as ArrayRef),
            ("data_type", Arc::new(StringViewArray::from_iter_values(self.types))),
            ("is_nullable", Arc::new(BooleanArray::from(self.nullable))),
            ("column_default", Arc::new(StringViewArray::from_iter(self.defaults))),
            ("comment", Arc::new(StringViewArray::from_iter(self.comments))),
            ("constraints", Arc::new(StringViewArray::from_iter(self.constraints))),
        ])?;
        Ok(Work::Answer(Answer::of_batch(version, batch)))
    }

    fn push(&mut self, name: &str, data_type: &DataType, nullable: bool) {
        self.names.push(name.to_owned());
        self.types.push(sql_type(data_type));
        self.nullable.push(nullable);
        self.defaults.push(None);
        self.comments.push(None);
        self.constraints.push(None);
    }
}

/// The columns of a description.
pub(crate) fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8View, true);
    Arc::new(Schema::new(vec![
        text("column_name"),
        text("data_type"),
        Field::new("is_nullable", DataType::Boolean, true),
        text("column_default"),
        text("comment"),
        text("constraints"),
    ]))
}

/// The version that a statement about a table looks at.
pub(super) fn version_of(context: &Context, at: &TableAt) -> Result<Version, Error> {
    at.as_of.as_ref().map_or(Ok(context.visible), |clause| context.resolve_version(clause))
}

pub(super) async fn relation(context: &Arc<Context>, at: &TableAt) -> Result<Work, Error> {
    let version = version_of(context, at)?;
    let qualified = context.qualify(&at.table)?;
    let mut found = Descriptions::default();
    match context.find(&qualified, version) {
        Some(Relation::Table(table, definition)) => {
            let columns = context.state.columns_at(table, version);
            for column in &columns {
                found.push(column.name.as_str(), &column.data_type, column.nullable);
                found.defaults.pop();
                found.defaults.push(column.default.clone());
                found.comments.pop();
                found.comments.push(column.comment.clone());
                found.constraints.pop();
                found.constraints.push(constraints_of(column, &definition.constraints, &columns));
            }
        }
        other => {
            let of_information_schema = qualified.schema == INFORMATION_SCHEMA;
            if of_information_schema && at.as_of.is_some() {
                return Err(no_as_of(&qualified));
            }
            let known = other.is_some() || qualified.schema == SYSTEM || of_information_schema;
            let provider = match known {
                true => context.relation(&qualified, version, 0).await?,
                false => None,
            };
            let provider = provider.ok_or_else(|| context.missing(&qualified, version))?;
            for field in provider.schema().fields() {
                found.push(field.name(), field.data_type(), field.is_nullable());
            }
        }
    }
    found.into_answer(version)
}

pub(super) async fn query(context: &Arc<Context>, query: &ast::Query) -> Result<Work, Error> {
    let (plan, names) = context.plan_result(query).await?;
    let plan = crate::execution::fill_parameters(plan, &context.parameters)?;
    let mut found = Descriptions::default();
    for field in plan.schema().fields() {
        found.push(names.asked(field.name()), field.data_type(), field.is_nullable());
    }
    found.into_answer(context.visible)
}
