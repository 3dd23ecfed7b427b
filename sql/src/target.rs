//! The table that an INSERT writes to, as the planner sees it: its columns and defaults, and nothing to read.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, Session, TableProvider};
use datafusion::common::{Result, not_impl_err};
use datafusion::datasource::TableType;
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use frostline_catalog::schema::Column;

use crate::column::computed_type;
use crate::context::{CATALOG, QualifiedName};
use crate::error::Error;
use crate::expression::constant;
use crate::instant::Zone;
use crate::parameters::Parameters;
use crate::planning::zone::read_type;

/// The columns and defaults of a table that rows are written to.
#[derive(Debug)]
pub(crate) struct InsertTarget {
    schema: SchemaRef,
    defaults: HashMap<String, Expr>,
}

impl InsertTarget {
    /// The target as a session writes to it: instants bear its zone, so that times without one are read in it.
    pub(crate) fn new(state: &SessionState, columns: &[Column], zone: Zone) -> Result<Self, Error> {
        let zone = zone.label();
        let mut defaults = HashMap::new();
        for column in columns {
            if let Some(text) = &column.default {
                defaults.insert(column.name.to_string(), default_expression(state, text)?);
            }
        }
        let fields: Vec<Field> = columns
            .iter()
            .map(|column| {
                let data_type = read_type(&computed_type(&column.data_type), zone.as_ref());
                Field::new(column.name.as_str(), data_type, true)
            })
            .collect();
        Ok(Self { schema: Arc::new(Schema::new(fields)), defaults })
    }
}

/// The syntax tree of a default's text.
pub(crate) fn default_ast(text: &str) -> Result<ast::Expr, Error> {
    let parsed = Parser::new(&GenericDialect {}).try_with_sql(text).and_then(|mut parser| parser.parse_expr());
    parsed.map_err(|error| Error::statement(format!("the default `{text}` cannot be read: {error}")))
}

/// The expression of a default's text.
fn default_expression(state: &SessionState, text: &str) -> Result<Expr, Error> {
    constant(state, &default_ast(text)?, &Parameters::none())
}

#[async_trait]
impl TableProvider for InsertTarget {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn get_column_default(&self, column: &str) -> Option<&Expr> {
        self.defaults.get(column)
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        not_impl_err!("the target of an INSERT is not read")
    }
}

/// The schema in which the target stands, so that a query may read the same table by its own name.
const TARGET_SCHEMA: &str = "target of insert";

/// The name by which a statement reaches the target.
pub(crate) fn target_name(table: &QualifiedName) -> ast::ObjectName {
    let parts = [CATALOG, TARGET_SCHEMA, &table.name].map(|part| ast::Ident::with_quote('"', part));
    ast::ObjectName::from(parts.to_vec())
}

/// Catalogs with one more schema, in which the target stands; everything else is looked up behind.
pub(crate) fn with_target(
    behind: &Arc<dyn CatalogProviderList>,
    table: &QualifiedName,
    target: InsertTarget,
) -> Arc<dyn CatalogProviderList> {
    let lake = behind.catalog(CATALOG);
    let schema = Arc::new(TargetSchema { name: table.name.clone(), target: Arc::new(target) });
    Arc::new(TargetCatalogs { lake, schema })
}

#[derive(Clone, Debug)]
struct TargetCatalogs {
    lake: Option<Arc<dyn CatalogProvider>>,
    schema: Arc<TargetSchema>,
}

impl CatalogProviderList for TargetCatalogs {
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        (name == CATALOG).then(|| Arc::new(self.clone()) as Arc<dyn CatalogProvider>)
    }
}

impl CatalogProvider for TargetCatalogs {
    fn schema_names(&self) -> Vec<String> {
        self.lake.as_ref().map(|lake| lake.schema_names()).unwrap_or_default()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        if name == TARGET_SCHEMA {
            return Some(Arc::clone(&self.schema) as Arc<dyn SchemaProvider>);
        }
        self.lake.as_ref()?.schema(name)
    }
}

#[derive(Debug)]
struct TargetSchema {
    name: String,
    target: Arc<InsertTarget>,
}

#[async_trait]
impl SchemaProvider for TargetSchema {
    fn table_names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok((name == self.name).then(|| Arc::clone(&self.target) as Arc<dyn TableProvider>))
    }

    fn table_exist(&self, name: &str) -> bool {
        name == self.name
    }
}
