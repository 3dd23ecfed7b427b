//! The statement snapshot: everything that one statement sees, resolved to one state of the whole lake.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::common::TableReference;
use datafusion::datasource::MemTable;
use datafusion::execution::{SessionState, TaskContext};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, ScalarUDF};
use datafusion::prelude::Expr;
use datafusion::sql::parser::Statement as DFStatement;
use datafusion::sql::sqlparser::ast;
use frostline_catalog::schema::View;
use frostline_catalog::{Micros, ObjectId, Relation, State, Version};
use frostline_engine::HeldBlocks;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::answer::{Answer, Rows};
use crate::at_version::AtVersion;
use crate::calls::check_calls;
use crate::catalog::LakeCatalogs;
use crate::column_names::{Renamed, Taker, name_columns};
use crate::error::Error;
use crate::function::CurrentVersion;
use crate::grouped_casts::tell_casts_apart;
use crate::information_schema::InformationTable;
use crate::instant::Zone;
use crate::memory::statement_runtime;
use crate::parameters::Parameters;
use crate::parse::{Statement, parse_one};
use crate::planner::VersionPlanner;
use crate::planning::empty_subquery::tell_nulls;
use crate::planning::grouping_key::keys_as_columns;
use crate::planning::number::{exact_numbers, keep_digits};
use crate::planning::zone;
use crate::references::{Reference, references};
use crate::result_names::{ResultNames, distinct_columns};
use crate::session::OpenTransaction;
use crate::settings::{self, OwnSettings};
use crate::system::{SettingRow, SystemTable};
use crate::table::{ScanLog, TableAt};
use crate::target::{check_names, target_name, target_rows};

/// The name of the one catalog.
pub(crate) const CATALOG: &str = "lake";

/// The schema of the system tables.
pub(crate) const SYSTEM: &str = "system";

/// The schema that SQL keeps for itself.
pub(crate) const INFORMATION_SCHEMA: &str = "information_schema";

/// What the rows of parameters are called where they are a relation. No statement writes it.
pub(crate) const BOUND_ROWS: &str = "rows of the parameters";

/// How deep views may rest on views.
const VIEW_DEPTH_MAX: usize = 32;

/// Everything that one statement sees.
///
/// * One state of the lake, read once; whatever other writers do, the statement does not see it.
/// * Unversioned names are those of `visible`: the newest version, or the one that the session is pinned to; in a
///   transaction that changed something, the one that it would make. `state` has it, `committed` does not.
/// * Names without a schema are those of `schema`: the session's, or within a view the one that keeps the view.
pub(crate) struct Context {
    pub(crate) lake: Arc<frostline_engine::Lake>,
    pub(crate) state: Arc<State>,
    pub(crate) visible: Version,
    /// The state without what the statement's transaction changed: versions are looked for in it.
    pub(crate) committed: Arc<State>,
    /// Whether the statement runs in a transaction, and is not committed by itself.
    pub(crate) in_transaction: bool,
    pub(crate) transaction: Option<Arc<OpenTransaction>>,
    /// Keeps the rows readable that the transaction wrote.
    pub(crate) held: Option<Arc<HeldBlocks>>,
    pub(crate) started: Micros,
    pub(crate) schema: String,
    pub(crate) zone: Zone,
    pub(crate) parameters: Parameters,
    /// The rows of parameters, where a statement runs for all of them as one.
    pub(crate) bound: Option<Arc<dyn TableProvider>>,
    pub(crate) own: OwnSettings,
    pub(crate) local_files: bool,
    /// Whether the statement is only described: parameters without a value may stand in version clauses.
    pub(crate) describing: bool,
    pub(crate) base: SessionState,
    pub(crate) scans: ScanLog,
    pub(crate) reads: Mutex<BTreeSet<ObjectId>>,
    /// The same of all snapshots that are made of this one.
    pub(crate) all_reads: Arc<Mutex<BTreeSet<ObjectId>>>,
    pub(crate) versions: Arc<Mutex<BTreeSet<Version>>>,
    pub(crate) relations: Mutex<HashMap<RelationKey, Arc<dyn TableProvider>>>,
}

/// A relation by schema, name and version.
type RelationKey = (String, String, Version);

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("visible", &self.visible).field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// A schema and a name in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct QualifiedName {
    pub(crate) schema: String,
    pub(crate) name: String,
}

impl std::fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.schema == frostline_catalog::io::DEFAULT_SCHEMA {
            f.write_str(&self.name)
        } else {
            write!(f, "{}.{}", self.schema, self.name)
        }
    }
}

/// An identifier as SQL reads it: its ASCII letters in lower case unless quoted, as the planner folds them.
pub(crate) fn fold(ident: &ast::Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    }
}

/// The error of a version clause on a relation of `information_schema`.
pub(crate) fn no_as_of(name: &QualifiedName) -> Error {
    Error::statement(format!("`{name}` has no AS OF"))
        .with_hint("use the tables of schema `system`, which answer AS OF, or `SET frostline.as_of`")
}

impl Context {
    /// What a name in the statement stands for: schema and name.
    pub(crate) fn qualify(&self, name: &ast::ObjectName) -> Result<QualifiedName, Error> {
        Self::qualify_in(&self.schema, name)
    }

    /// What a name stands for where names without a schema are those of `schema`.
    pub(crate) fn qualify_in(schema: &str, name: &ast::ObjectName) -> Result<QualifiedName, Error> {
        let mut parts = Vec::with_capacity(name.0.len());
        for part in &name.0 {
            let ident = part.as_ident().ok_or_else(|| Error::statement(format!("`{name}` is not a table's name")))?;
            parts.push(fold(ident));
        }
        let (schema, name) = match parts.as_slice() {
            [name] => (schema.to_owned(), name.clone()),
            [schema, name] => (schema.clone(), name.clone()),
            [catalog, schema, name] if catalog == CATALOG => (schema.clone(), name.clone()),
            _ => {
                return Err(Error::statement(format!(
                    "`{name}` has too many parts; a table is named `table` or `schema.table`"
                )));
            }
        };
        Ok(QualifiedName { schema, name })
    }

    /// Plans a query whose unversioned names are those of `version`, and whose rows something else takes: no two of its
    /// columns have one name.
    pub(crate) fn plan_query<'a>(
        self: &'a Arc<Self>,
        query: &'a ast::Query,
        version: Version,
        depth: usize,
    ) -> BoxFuture<'a, Result<LogicalPlan, Error>> {
        async move {
            let mut named = query.clone();
            self.name_columns(&mut named, Taker::Statement);
            distinct_columns(self.plan_named(named, version, depth).await?)
        }
        .boxed()
    }

    /// Plans a query whose rows the user takes, and says what the columns are called there.
    pub(crate) async fn plan_result(self: &Arc<Self>, query: &ast::Query) -> Result<(LogicalPlan, ResultNames), Error> {
        let mut named = query.clone();
        let renamed = self.name_columns(&mut named, Taker::User);
        let plan = self.plan_named(named, self.visible, 0).await?;
        Ok((plan, ResultNames::new(renamed)))
    }

    /// Names the columns of a query that is to be planned.
    pub(crate) fn name_columns(&self, query: &mut ast::Query, taker: Taker) -> Vec<Renamed> {
        name_columns(query, taker, &|name: &str| self.base.aggregate_functions().contains_key(name))
    }

    /// Plans a query as it stands: its columns keep the relations that they are of, and may have one name.
    pub(crate) async fn plan_named(
        self: &Arc<Self>,
        mut query: ast::Query,
        version: Version,
        depth: usize,
    ) -> Result<LogicalPlan, Error> {
        tell_casts_apart(&mut query);
        let state = self.planning_state(&query, version, depth).await?;
        let mut query = Box::new(query);
        keep_digits(&mut query);
        let statement = ast::Statement::Query(query);
        let plan = state.statement_to_plan(DFStatement::Statement(Box::new(statement))).await?;
        Ok(tell_nulls(exact_numbers(keys_as_columns(plan)?)?)?)
    }

    /// A planner's state in which every relation of `query` is resolved.
    pub(crate) async fn planning_state(
        self: &Arc<Self>,
        query: &ast::Query,
        version: Version,
        depth: usize,
    ) -> Result<SessionState, Error> {
        if depth > VIEW_DEPTH_MAX {
            return Err(Error::statement(format!("views rest on views more than {VIEW_DEPTH_MAX} deep")));
        }
        check_calls(&self.base, query)?;
        let mut found = references(query)?;
        let mut planned: HashMap<String, Arc<dyn TableProvider>> = HashMap::new();
        for reference in std::mem::take(&mut found.relations) {
            match reference {
                Reference::Plain(name) => {
                    let qualified = self.qualify(&name)?;
                    match self.relation(&qualified, version, depth).await {
                        Ok(Some(_)) => {
                            self.note_read(&qualified, version);
                            self.note_version(version);
                        }
                        // The planner takes the name for the query itself.
                        Ok(None) | Err(_) if found.may_be_recursive(&name) => {}
                        Ok(None) => return Err(self.missing(&qualified, version)),
                        Err(error) => return Err(error),
                    }
                }
                Reference::At { name, clause, key } => {
                    let qualified = self.qualify(&name)?;
                    if qualified.schema == INFORMATION_SCHEMA {
                        return Err(no_as_of(&qualified));
                    }
                    let at = self.resolve_version(&clause)?;
                    match self.relation(&qualified, at, depth).await? {
                        Some(provider) => planned.insert(key, provider),
                        None => return Err(self.missing(&qualified, at)),
                    };
                    self.note_version(at);
                }
                Reference::Target { name, key } => {
                    let qualified = self.qualify(&name)?;
                    planned.insert(key, self.target(&qualified)?);
                    self.note_read(&qualified, self.visible);
                    self.note_version(self.visible);
                }
                Reference::File { path, key } => {
                    let provider = crate::files::open_path(self, &path).await?;
                    let provider = self.read_in_zone(provider, TableReference::bare(key.as_str()))?;
                    planned.insert(key, provider);
                }
                Reference::ReadFunction { name, arguments, key } => {
                    let provider = crate::files::open_function(self, &name, &arguments).await?;
                    let provider = self.read_in_zone(provider, TableReference::bare(key.as_str()))?;
                    planned.insert(key, provider);
                }
                Reference::ChangeFunction { name, arguments, key } => {
                    let provider = crate::change::open_function(self, &name, &arguments, version, depth).await?;
                    let provider = self.read_in_zone(provider, TableReference::bare(key.as_str()))?;
                    planned.insert(key, provider);
                }
            }
        }
        let mut state = self.base.clone();
        if self.is_elsewhere() {
            state.config_mut().options_mut().catalog.default_schema.clone_from(&self.schema);
        }
        state.register_catalog_list(Arc::new(LakeCatalogs::new(Arc::clone(self), version, depth)));
        state.register_relation_planner(Arc::new(VersionPlanner::new(planned)))?;
        Ok(state)
    }

    /// A table or view of a version, ready to be scanned.
    pub(crate) fn relation<'a>(
        self: &'a Arc<Self>,
        qualified: &'a QualifiedName,
        version: Version,
        depth: usize,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn TableProvider>>, Error>> {
        async move {
            if let Some(bound) = &self.bound
                && qualified.name == BOUND_ROWS
            {
                return Ok(Some(Arc::clone(bound)));
            }
            let key: RelationKey = (qualified.schema.clone(), qualified.name.clone(), version);
            if let Some(found) = self.relations().get(&key) {
                return Ok(Some(Arc::clone(found)));
            }
            let Some(mut provider) = self.make_relation(qualified, version, depth).await? else { return Ok(None) };
            // The relations of a view were made here, too.
            let is_view = provider.get_logical_plan().is_some();
            // Within a view of another schema, a name without one is not what it is in the statement.
            if (version != self.visible || self.is_elsewhere()) && !is_view {
                provider = Arc::new(AtVersion::new(provider, qualified, version)?);
            }
            if !is_view {
                let name = TableReference::partial(qualified.schema.as_str(), qualified.name.as_str());
                provider = self.read_in_zone(provider, name)?;
            }
            self.relations().insert(key, Arc::clone(&provider));
            Ok(Some(provider))
        }
        .boxed()
    }

    /// The table that the statement changes, with what says where each of its rows is.
    fn target(&self, qualified: &QualifiedName) -> Result<Arc<dyn TableProvider>, Error> {
        let table = self.find_table(qualified, self.visible)?;
        check_names(qualified, &self.state.columns_at(table, self.visible))?;
        let provider = TableAt::new(Arc::clone(&self.lake), Arc::clone(&self.state), table, self.visible)
            .with_scan_log(self.scans.clone())
            .with_places();
        let name = target_name(qualified);
        let provider = self.read_in_zone(Arc::new(provider), name.clone())?;
        Ok(target_rows(provider, name)?)
    }

    /// A relation as the session's zone has it read.
    fn read_in_zone(
        &self,
        provider: Arc<dyn TableProvider>,
        name: TableReference,
    ) -> Result<Arc<dyn TableProvider>, Error> {
        match self.zone.label() {
            Some(zone) => Ok(zone::read_relation(provider, name, &zone)?),
            None => Ok(provider),
        }
    }

    /// Notes a table or view that is read without a version of its own: a later change of its rows, or of its
    /// definition, is a conflict.
    pub(crate) fn note_read(&self, qualified: &QualifiedName, version: Version) {
        if version != self.visible {
            return;
        }
        let read: ObjectId = match self.find(qualified, version) {
            Some(Relation::Table(table, _)) => table,
            Some(Relation::View(view, _)) => view,
            None => return,
        };
        self.reads.lock().unwrap_or_else(PoisonError::into_inner).insert(read);
        self.all_reads.lock().unwrap_or_else(PoisonError::into_inner).insert(read);
    }

    /// Tells the statement's transaction which tables and views were read.
    pub(crate) fn tell_reads(&self) {
        if let Some(transaction) = &self.transaction {
            transaction.note_reads(self.all_reads.lock().unwrap_or_else(PoisonError::into_inner).iter().copied());
        }
    }

    /// A version as it is told: what a transaction would make has no number yet, and stands for what it began from.
    pub(crate) fn told_version(&self, version: Version) -> Version {
        version.min(self.newest())
    }

    /// Rows as they are told: in a transaction, an error among them aborts it.
    pub(crate) fn told_rows(&self, rows: Rows) -> Rows {
        let Some(transaction) = &self.transaction else { return rows };
        let rows = Rows { version: self.told_version(rows.version), ..rows };
        transaction.watched(rows, self.held.clone())
    }

    /// An answer as it is told.
    pub(crate) fn told_answer(&self, answer: Answer) -> Answer {
        match answer {
            Answer::NoChange { version } => Answer::NoChange { version: self.told_version(version) },
            Answer::Rows(rows) => Answer::Rows(self.told_rows(rows)),
            other => other,
        }
    }

    /// Notes a version that the statement names something of.
    pub(crate) fn note_version(&self, version: Version) {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner).insert(version);
    }

    /// The version that everything which the statement names is read at, or the one that it sees, if there are several
    /// or none.
    pub(crate) fn version_read(&self) -> Version {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut versions = versions.iter().copied();
        match (versions.next(), versions.next()) {
            (Some(only), None) => only,
            _ => self.visible,
        }
    }

    fn relations(&self) -> std::sync::MutexGuard<'_, HashMap<RelationKey, Arc<dyn TableProvider>>> {
        self.relations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn make_relation(
        self: &Arc<Self>,
        qualified: &QualifiedName,
        version: Version,
        depth: usize,
    ) -> Result<Option<Arc<dyn TableProvider>>, Error> {
        if qualified.schema == SYSTEM {
            let Some(table) = SystemTable::from_name(&qualified.name) else { return Ok(None) };
            let rows = table.rows(&self.state, version, &self.settings())?;
            return Ok(Some(Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?)));
        }
        if qualified.schema == INFORMATION_SCHEMA {
            return InformationTable::provider(self, &qualified.name, version).await;
        }
        match self.find(qualified, version) {
            None => Ok(None),
            Some(Relation::Table(table, _)) => {
                let provider = TableAt::new(Arc::clone(&self.lake), Arc::clone(&self.state), table, version)
                    .with_scan_log(self.scans.clone());
                Ok(Some(Arc::new(provider)))
            }
            Some(Relation::View(_, view)) => {
                let plan = match qualified.schema == self.schema {
                    true => self.plan_view(view, version, depth + 1).await?,
                    false => {
                        let inner = Arc::new(self.in_schema(&qualified.schema));
                        let plan = inner.plan_view(view, version, depth + 1).await?;
                        self.reads.lock().unwrap_or_else(PoisonError::into_inner).extend(inner.tables_read());
                        plan
                    }
                };
                Ok(Some(Arc::new(ViewTable::new(plan, Some(view.query.clone())))))
            }
        }
    }

    /// The table or view of a name at a version.
    pub(crate) fn find(&self, qualified: &QualifiedName, version: Version) -> Option<Relation<'_>> {
        let schema = self.state.schema_named(&qualified.schema, version)?;
        self.state.relation_named(schema, &qualified.name, version)
    }

    /// The table of a name at a version.
    pub(crate) fn find_table(&self, qualified: &QualifiedName, version: Version) -> Result<ObjectId, Error> {
        match self.find(qualified, version) {
            Some(Relation::Table(table, _)) => Ok(table),
            Some(Relation::View(..)) => Err(Error::statement(format!("`{qualified}` is a view, not a table"))),
            None => Err(self.missing(qualified, version)),
        }
    }

    async fn plan_view(self: &Arc<Self>, view: &View, version: Version, depth: usize) -> Result<LogicalPlan, Error> {
        let parsed = parse_one(&view.query)?;
        let Statement::Query(query) = parsed.statement else {
            return Err(Error::statement(format!("the text of view `{}` is not a query", view.name)));
        };
        let plan = self.plan_query(&query, version, depth).await?;
        if view.columns.is_empty() {
            return Ok(plan);
        }
        if view.columns.len() != plan.schema().fields().len() {
            return Err(Error::statement(format!(
                "view `{}` names {} columns, and its query yields {} now",
                view.name,
                view.columns.len(),
                plan.schema().fields().len()
            )));
        }
        let named: Vec<Expr> = plan
            .schema()
            .columns()
            .into_iter()
            .zip(&view.columns)
            .map(|(column, name)| Expr::Column(column).alias(name.as_str()))
            .collect();
        Ok(LogicalPlanBuilder::from(plan).project(named)?.build()?)
    }

    /// Every setting that the session sees.
    pub(crate) fn settings(&self) -> Vec<SettingRow> {
        settings::rows(&self.own, self.base.config_options(), &self.state, self.visible)
    }

    /// The same snapshot with other values for the parameters.
    pub(crate) fn with_parameters(&self, parameters: Parameters) -> Self {
        Self {
            lake: Arc::clone(&self.lake),
            state: Arc::clone(&self.state),
            visible: self.visible,
            committed: Arc::clone(&self.committed),
            in_transaction: self.in_transaction,
            transaction: self.transaction.clone(),
            held: self.held.clone(),
            started: self.started,
            schema: self.schema.clone(),
            zone: self.zone,
            parameters,
            bound: self.bound.clone(),
            own: self.own.clone(),
            local_files: self.local_files,
            describing: self.describing,
            base: self.base.clone(),
            scans: self.scans.clone(),
            reads: Mutex::default(),
            all_reads: Arc::clone(&self.all_reads),
            versions: Arc::clone(&self.versions),
            relations: Mutex::default(),
        }
    }

    /// The same snapshot without parameters, whose plans run in one partition: rows stay in the order of what is read.
    pub(crate) fn in_one_partition(&self) -> Self {
        let mut own = self.with_parameters(Parameters::none());
        own.base.config_mut().options_mut().execution.target_partitions = 1;
        own
    }

    /// What the statement's plans run in. Each call gives memory of its own.
    pub(crate) fn task(&self) -> Arc<TaskContext> {
        let runtime = statement_runtime(self.base.runtime_env());
        Arc::new(TaskContext::from(&self.base).with_runtime(runtime))
    }

    /// The same snapshot where names without a schema are those of another one: within a view that is kept there.
    fn in_schema(&self, schema: &str) -> Self {
        Self { schema: schema.to_owned(), ..self.with_parameters(self.parameters.clone()) }
    }

    /// Whether names without a schema are not those of the statement.
    fn is_elsewhere(&self) -> bool {
        self.base.config_options().catalog.default_schema != self.schema
    }

    /// The tables and views read at the statement's own version.
    pub(crate) fn tables_read(&self) -> Vec<ObjectId> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// The function that says which version a statement sees.
    pub(crate) fn current_version_function(version: Version) -> ScalarUDF {
        ScalarUDF::from(CurrentVersion::new(version))
    }
}
