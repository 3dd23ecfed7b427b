//! What a statement gives and takes, without running it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::context::Context;
use crate::error::Error;
use crate::files::check_local_files;
use crate::parameters::Parameters;
use crate::parse::{Parsed, PropertyValue, Statement};
use crate::planning::zone::yield_utc;
use crate::session::{Purpose, Session};
use crate::statement::{self, Work};

/// What a statement does, as far as a caller has to know before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatementKind {
    /// It gives rows and changes nothing.
    Rows,
    /// It changes the lake, in one commit of its own or of its transaction.
    Write,
    /// It changes the session.
    Session,
    /// It begins or ends a transaction, or says what is asked of it.
    Transaction,
    /// It checks something, and gives nothing.
    Check,
}

/// What a statement gives and takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// What it does.
    pub kind: StatementKind,
    /// The columns of its rows; `None` if it gives none. A column whose type hangs on a parameter of unknown type is
    /// described as if that were text or, where no text can stand, NULL.
    pub columns: Option<SchemaRef>,
    /// Its parameters as they are written, `$1` or `$name`, by number and then by name, with their types as far as the
    /// statement tells them.
    pub parameters: Vec<(String, Option<DataType>)>,
}

/// The parameters of a statement by name, and their types.
type Types = BTreeMap<String, Option<DataType>>;

impl Statement {
    /// What the statement does. EXECUTE does what was prepared, which the session knows.
    fn kind(&self) -> StatementKind {
        match self {
            _ if self.writes() => StatementKind::Write,
            Self::Use(_)
            | Self::Prepare(_)
            | Self::Deallocate(_)
            | Self::Set(_)
            | Self::SetAsOf(_)
            | Self::Reset(_) => StatementKind::Session,
            Self::Begin(_) | Self::CommitTransaction(_) | Self::Rollback | Self::SetTransaction(_) => {
                StatementKind::Transaction
            }
            Self::Assert(_) => StatementKind::Check,
            _ => StatementKind::Rows,
        }
    }
}

impl Session {
    /// What a statement does.
    ///
    /// # Errors
    /// If it executes what was not prepared.
    pub fn kind(&self, statement: &Statement) -> Result<StatementKind, Error> {
        match statement {
            Statement::Execute(execute) => {
                let prepared = statement::prepared_statement(self, execute)?;
                Ok(prepared.statement.kind())
            }
            other => Ok(other.kind()),
        }
    }

    /// What a statement gives and takes on the version that the session sees. Nothing is run, nothing changes.
    ///
    /// # Errors
    /// Those that planning the statement meets. In a transaction, they abort it.
    pub async fn describe(&self, statement: &Parsed) -> Result<Description, Error> {
        let open = self.open_transaction();
        let attempt = open.as_ref().map(|transaction| transaction.attempt());
        let context = self.make_context(&Parameters::none(), Purpose::Describe, open.as_ref()).await?;
        let description = self.describe_in(&context, statement).await?;
        if let Some(attempt) = attempt {
            attempt.succeeded();
        }
        Ok(description)
    }

    fn describe_in<'a>(
        &'a self,
        context: &'a Arc<Context>,
        parsed: &'a Parsed,
    ) -> BoxFuture<'a, Result<Description, Error>> {
        async move {
            let statement = &parsed.statement;
            let kind = self.kind(statement)?;
            let mut types = Types::new();
            // The parameters of what is prepared get their values when it is executed.
            if let Some(query) = statement.query()
                && !matches!(statement, Statement::Prepare(_))
            {
                collect_parameters(query, &mut types);
            }
            if let Some(parts) = statement.parts() {
                collect_parameters(&parts, &mut types);
            }
            let columns = match statement {
                Statement::Query(query) => {
                    let (plan, names) = context.plan_result(query).await?;
                    Some(names.columns(&described(context, plan, &mut types)?))
                }
                Statement::Explain(explain) => {
                    let plan = statement::plan_explain(context, explain).await?;
                    add_types(&plan, &mut types)?;
                    Some(Arc::new(plan.schema().as_arrow().clone()))
                }
                Statement::Insert(insert) => {
                    let (plan, of_columns) = statement::plan_source(context, insert).await?;
                    for (name, data_type) in of_columns {
                        types.entry(name).or_default().get_or_insert(data_type);
                    }
                    add_types(&plan, &mut types)?;
                    None
                }
                Statement::Delete(_) | Statement::Update(_) | Statement::Merge(_) => {
                    let (plan, of_columns) = statement::describe_change(context, statement).await?;
                    for (name, data_type) in of_columns {
                        types.entry(name).or_default().get_or_insert(data_type);
                    }
                    add_types(&plan, &mut types)?;
                    None
                }
                Statement::CreateTable(table) => {
                    if let Some(query) = &table.query {
                        add_types(&context.plan_query(query, context.visible, 0).await?, &mut types)?;
                    }
                    None
                }
                Statement::DescribeQuery(query) => {
                    let (plan, _) = context.plan_result(query).await?;
                    described(context, plan, &mut types)?;
                    self.assembled_columns(context, parsed).await?
                }
                Statement::SummarizeQuery(query) => {
                    let plan = context.plan_query(query, context.visible, 0).await?;
                    described(context, plan, &mut types)?;
                    self.assembled_columns(context, parsed).await?
                }
                Statement::Execute(execute) => {
                    for value in &execute.parameters {
                        collect_parameters(value, &mut types);
                    }
                    let prepared = statement::prepared_statement(self, execute)?;
                    self.describe_in(context, &prepared).await?.columns
                }
                Statement::Assert(assert) => {
                    add_types(&context.plan_query(&assert.condition, context.visible, 0).await?, &mut types)?;
                    None
                }
                Statement::CommitTransaction(with) => {
                    for (_, value) in &with.properties {
                        if let PropertyValue::Parameter(name) = value {
                            types.entry(name.clone()).or_default().get_or_insert(DataType::Utf8);
                        }
                    }
                    None
                }
                Statement::CopyTo(_) | Statement::CopyFrom(_) => {
                    check_local_files(context)?;
                    self.assembled_columns(context, parsed).await?
                }
                _ => self.assembled_columns(context, parsed).await?,
            };
            Ok(Description { kind, columns, parameters: in_order(types) })
        }
        .boxed()
    }

    /// The columns of an answer that is put together and not planned as a query.
    pub(crate) async fn assembled_columns(
        &self,
        context: &Arc<Context>,
        parsed: &Parsed,
    ) -> Result<Option<SchemaRef>, Error> {
        match &parsed.statement {
            Statement::Summarize(_) | Statement::SummarizeQuery(_) => Ok(Some(statement::summarize_schema())),
            Statement::ShowColumns(_) | Statement::Describe(_) | Statement::DescribeQuery(_) => {
                Ok(Some(statement::describe_schema()))
            }
            Statement::CopyTo(_) => Ok(Some(Arc::new(Schema::new(vec![Field::new("count", DataType::Int64, true)])))),
            // These read nothing but the catalog, so that asking them is the cheapest description.
            Statement::ShowTables(_) | Statement::ShowCreateTable(_) | Statement::Show(_) => {
                match statement::run(self, context, parsed).await? {
                    Work::Answer(answer) => Ok(Some(all_nullable(&answer.into_rows()?.schema))),
                    Work::Commit(_) => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }
}

/// Whether an expression holds a parameter.
pub(crate) fn has_parameter(expr: &ast::Expr) -> bool {
    let mut found = Types::new();
    collect_parameters(expr, &mut found);
    !found.is_empty()
}

/// Notes every parameter of a part of the syntax tree.
fn collect_parameters<T: ast::Visit>(part: &T, types: &mut Types) {
    let _: ControlFlow<()> = ast::visit_expressions(part, |expr: &ast::Expr| {
        if let ast::Expr::Value(value) = expr
            && let ast::Value::Placeholder(name) = &value.value
        {
            types.entry(name.clone()).or_default();
        }
        ControlFlow::Continue(())
    });
}

/// Adds the types that a plan gives its parameters.
fn add_types(plan: &LogicalPlan, types: &mut Types) -> Result<(), Error> {
    for (name, data_type) in plan.get_parameter_types()? {
        let known = types.entry(name).or_default();
        if known.is_none() {
            *known = data_type;
        }
    }
    // The planner gives none to the parameters of LIMIT and OFFSET.
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Limit(limit) = node {
            for bound in [&limit.skip, &limit.fetch].into_iter().flatten() {
                if let Expr::Placeholder(parameter) = bound.as_ref() {
                    types.entry(parameter.id.clone()).or_default().get_or_insert(DataType::Int64);
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// The columns that a query yields, whatever values its parameters get.
fn described(context: &Context, plan: LogicalPlan, types: &mut Types) -> Result<SchemaRef, Error> {
    add_types(&plan, types)?;
    let as_text = columns_with(context, plan.clone(), types, &DataType::Utf8);
    as_text.or_else(|error| columns_with(context, plan, types, &DataType::Null).map_err(|_| error))
}

/// The columns that a query yields if the parameters whose type nothing tells are of this one.
fn columns_with(context: &Context, plan: LogicalPlan, types: &Types, untold: &DataType) -> Result<SchemaRef, Error> {
    let named = plan.get_parameter_names()?;
    let mut stand_ins = Parameters::none();
    for (name, data_type) in types.iter().filter(|(name, _)| named.contains(*name)) {
        let value = ScalarValue::try_from(data_type.as_ref().unwrap_or(untold))?;
        stand_ins.named.push((name.trim_start_matches('$').to_owned(), value));
    }
    let filled = match named.is_empty() {
        true => plan,
        false => plan.with_param_values(stand_ins.to_param_values())?,
    };
    let yielded = yield_utc(filled, context.zone.label().as_ref())?;
    let optimized = context.base.optimize(&yielded)?;
    let columns = optimized.schema().as_arrow();
    // What never is NULL beside a stand-in may be beside a value.
    Ok(if named.is_empty() { Arc::new(columns.clone()) } else { all_nullable(columns) })
}

/// The same columns, each of which may lack values.
pub(crate) fn all_nullable(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<Field>>()))
}

/// Numbers first, in their order.
fn in_order(types: Types) -> Vec<(String, Option<DataType>)> {
    let mut parameters: Vec<(String, Option<DataType>)> = types.into_iter().collect();
    let number = |name: &str| name.trim_start_matches('$').parse::<usize>().unwrap_or(usize::MAX);
    parameters.sort_by(|(one, _), (other, _)| number(one).cmp(&number(other)).then_with(|| one.cmp(other)));
    parameters
}
