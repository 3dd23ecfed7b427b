//! COPY … TO and COPY … FROM, and the import that stands behind the second.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{FieldRef, SchemaRef};
use datafusion::sql::sqlparser::ast;
use frostline_catalog::schema::{Column, SortKey, arrow_schema};
use frostline_catalog::transaction::{Proposal, TableTarget};
use frostline_catalog::{FieldId, ObjectId, Relation};
use frostline_engine::RowWriter;
use frostline_engine::export::Provenance;
use frostline_engine::import::{self, FileFormat, ImportOptions, Progress, SourceFile, resolve_sources};

use super::Work;
use super::create::counted;
use super::name::{distinct, new_name};
use super::output_file::{OutputFile, OutputForm};
use crate::answer::Answer;
use crate::column::{NewColumn, assign_ids, from_field};
use crate::column_default::ColumnDefault;
use crate::constraint::{Checks, column_constraints};
use crate::context::{Context, QualifiedName};
use crate::error::Error;
use crate::files::{check_local_files, set_option};
use crate::parse::{CopyFrom, CopySource, CopyTo, parse_one};
use crate::rows::RowOrder;
use crate::session::{Commit, Session};
use datafusion::arrow::array::{ArrayRef, Int64Array};

/// How many batches wait between the reader of the files and the writer of the rows.
const WAITING_BATCHES: usize = 4;

pub(super) async fn from(session: &Session, context: &Arc<Context>, copy: &CopyFrom) -> Result<Work, Error> {
    check_local_files(context)?;
    let _ = session;
    let mut options = ImportOptions::default();
    for (name, value) in &copy.options {
        set_option(&mut options, name, value)?;
    }
    let format = copy.format.as_deref().map(format_named).transpose()?;
    let sources = copy.sources.clone();
    let files = tokio::task::spawn_blocking(move || resolve_sources(&sources, format));
    let files = files.await.map_err(|_| Error::statement("reading the files was broken off"))??;
    let qualified = context.qualify(&copy.table)?;
    let table = context.find_table(&qualified, context.visible)?;
    let columns: Vec<String> = copy.columns.iter().map(crate::context::fold).collect();
    let named = (!columns.is_empty()).then_some(columns);
    let target = Target::existing(context, table, &qualified, named)?;
    append(context, target, files, options, Arc::default(), "copy").await
}

fn format_named(name: &str) -> Result<FileFormat, Error> {
    name.to_lowercase().parse().map_err(|error: import::UnknownFormat| Error::statement(error.to_string()))
}

/// Imports files into a table, which is created if it is not there, in one commit.
pub(crate) async fn import_files(
    context: &Arc<Context>,
    table: &ast::ObjectName,
    files: Vec<SourceFile>,
    options: ImportOptions,
    declared: Option<&str>,
    progress: Arc<Progress>,
) -> Result<Work, Error> {
    let qualified = context.qualify(table)?;
    let target = match context.find(&qualified, context.visible) {
        Some(Relation::View(..)) => return Err(Error::statement(format!("`{qualified}` is a view, not a table"))),
        Some(Relation::Table(id, _)) if declared.is_none() => Target::existing(context, id, &qualified, None)?,
        Some(Relation::Table(..)) => {
            return Err(Error::statement(format!(
                "table `{qualified}` exists already, so its columns are not declared"
            )));
        }
        None => Target::new(context, table, &files, &options, declared).await?,
    };
    append(context, target, files, options, progress, "import").await
}

/// The table that files are read into.
struct Target {
    name: QualifiedName,
    table: TableTarget,
    /// What creates the table, if it is not there.
    create: Option<Proposal>,
    columns: Vec<Column>,
    sort_by: Vec<SortKey>,
    /// The columns that the files hold, in their order, where not all of the table's.
    in_files: Option<Vec<String>>,
    /// Whether the columns were told from the files.
    is_inferred: bool,
}

impl Target {
    fn existing(
        context: &Context,
        table: ObjectId,
        name: &QualifiedName,
        in_files: Option<Vec<String>>,
    ) -> Result<Self, Error> {
        let columns: Vec<Column> = context.state.columns_at(table, context.visible).into_iter().cloned().collect();
        let listed: &[String] = in_files.as_deref().unwrap_or_default();
        for (place, named) in listed.iter().enumerate() {
            if !columns.iter().any(|column| column.name.as_str() == named) {
                return Err(Error::statement(format!("table `{name}` has no column `{named}`")));
            }
            if listed[..place].contains(named) {
                return Err(Error::statement(format!("column `{named}` is named twice")));
            }
        }
        let sort_by = context.state.table_at(table, context.visible).map(|table| table.sort_by.clone());
        Ok(Self {
            name: name.clone(),
            table: TableTarget::Existing(table),
            create: None,
            columns,
            sort_by: sort_by.unwrap_or_default(),
            in_files,
            is_inferred: false,
        })
    }

    async fn new(
        context: &Arc<Context>,
        table: &ast::ObjectName,
        files: &[SourceFile],
        options: &ImportOptions,
        declared: Option<&str>,
    ) -> Result<Self, Error> {
        let (schema, name, qualified) = new_name(context, table)?;
        let new: Vec<NewColumn> = match declared {
            Some(text) => declared_columns(context, text)?,
            None => {
                let (files, options) = (files.to_vec(), options.clone());
                let inferred = tokio::task::spawn_blocking(move || import::infer_schema(&files, &options));
                let inferred = inferred.await.map_err(|_| Error::statement("reading the files was broken off"))??;
                let column = |field: &FieldRef| Ok(NewColumn { nullable: field.is_nullable(), ..from_field(field)? });
                inferred.fields().iter().map(column).collect::<Result<_, Error>>()?
            }
        };
        distinct(new.iter().map(|column| &column.name))?;
        let (columns, next_field) = assign_ids(new, FieldId::FIRST);
        let create = Proposal::CreateTable {
            schema,
            name,
            columns: columns.clone(),
            next_field,
            sort_by: Vec::new(),
            options: Vec::new(),
            comment: None,
            constraints: Vec::new(),
        };
        Ok(Self {
            name: qualified,
            table: TableTarget::Created(0),
            create: Some(create),
            columns,
            sort_by: Vec::new(),
            in_files: None,
            is_inferred: declared.is_none(),
        })
    }

    /// The columns that the files hold, in the files' order: without a header it alone tells them apart.
    fn read_columns(&self) -> Vec<Column> {
        let column = |name: &String| self.columns.iter().find(|column| column.name.as_str() == name).cloned();
        match &self.in_files {
            None => self.columns.clone(),
            Some(named) => named.iter().filter_map(column).collect(),
        }
    }
}

/// The columns of a declaration such as `a bigint, b varchar not null`.
fn declared_columns(context: &Context, text: &str) -> Result<Vec<NewColumn>, Error> {
    let parsed = parse_one(&format!("CREATE TABLE declared ({text})"))
        .map_err(|error| Error::statement(format!("the declared columns cannot be read: {error}")))?;
    let crate::parse::Statement::CreateTable(create) = parsed.statement else {
        return Err(Error::statement("the declared columns cannot be read"));
    };
    let of_columns = create.columns.iter().flat_map(column_constraints);
    if let Some(constraint) = create.constraints.iter().cloned().chain(of_columns).next() {
        return Err(Error::statement(format!("an import declares columns, not the constraint `{constraint}`"))
            .with_hint("make the table with CREATE TABLE first, or ALTER TABLE … ADD CONSTRAINT after the import"));
    }
    let has_more = !create.sort_by.is_empty()
        || !create.options.is_empty()
        || create.comment.is_some()
        || create.like.is_some()
        || create.clone_of.is_some()
        || create.query.is_some();
    if has_more {
        return Err(Error::statement("the declared columns are followed by something else")
            .with_hint("an import takes columns alone, as in `a bigint, b varchar`; CREATE TABLE takes the rest"));
    }
    create.columns.iter().map(|column| crate::column::declared(&context.base, column)).collect()
}

async fn append(
    context: &Arc<Context>,
    target: Target,
    files: Vec<SourceFile>,
    options: ImportOptions,
    progress: Arc<Progress>,
    verb: &'static str,
) -> Result<Work, Error> {
    let read = target.read_columns();
    let read_schema: SchemaRef = arrow_schema(&read);
    let schema: SchemaRef = arrow_schema(&target.columns);
    let missing = Missing::new(context, &target, &read)?;
    let file_count = files.len();
    let (sender, mut batches) = tokio::sync::mpsc::channel(WAITING_BATCHES);
    let mut reader = import::open_counted(files, read_schema, options, progress);
    if target.is_inferred {
        reader = reader.with_inferred_types();
    }
    let reading = tokio::task::spawn_blocking(move || {
        for batch in reader {
            let failed = batch.is_err();
            if sender.blocking_send(batch).is_err() || failed {
                break;
            }
        }
    });
    let mut writer = RowWriter::new(Arc::clone(&context.lake), Arc::clone(&schema), target.sort_by.clone());
    let checks = match target.table {
        TableTarget::Existing(table) => Checks::of(context, table)?,
        TableTarget::Created(_) => Checks::new(context, target.columns.clone(), &[])?,
    };
    let mut rows_before = 0;
    while let Some(batch) = batches.recv().await {
        let batch = missing.fill(batch?, &schema)?;
        checks.test(&batch, RowOrder::After(rows_before))?;
        rows_before += batch.num_rows() as u64;
        writer.write(batch).await?;
    }
    reading.await.map_err(|_| Error::statement("reading the files was broken off"))?;
    let rows = writer.finish().await?;
    let count = rows.rows();
    if count == 0 && target.create.is_none() {
        return Ok(Work::Answer(Answer::NoChange { version: context.visible }));
    }
    let created = if target.create.is_some() { "created, " } else { "" };
    let from = if file_count == 1 { String::new() } else { format!(" from {file_count} files") };
    let mut changes: Vec<Proposal> = target.create.into_iter().collect();
    let mut blocks = Vec::new();
    changes.extend(rows.into_proposals(target.table, &mut blocks));
    Ok(Work::Commit(Commit {
        operation: "import",
        summary: format!("{verb} {}, {created}{}{from}", target.name, counted(count)),
        rows: count,
        reads: Vec::new(),
        changes,
        blocks,
    }))
}

/// The columns of a table that the files do not hold: their defaults, or NULL.
struct Missing {
    /// For each column of the table, its place in the files or its default.
    sources: Vec<Source>,
}

enum Source {
    File(usize),
    Default(ColumnDefault),
}

impl Missing {
    fn new(context: &Context, target: &Target, read: &[Column]) -> Result<Self, Error> {
        let source = |column: &Column| -> Result<Source, Error> {
            if let Some(place) = read.iter().position(|found| found.id == column.id) {
                return Ok(Source::File(place));
            }
            Ok(Source::Default(ColumnDefault::new(&context.base, column)?))
        };
        Ok(Self { sources: target.columns.iter().map(source).collect::<Result<_, _>>()? })
    }

    fn fill(&self, batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, Error> {
        let rows = batch.num_rows();
        let columns: Vec<ArrayRef> = self
            .sources
            .iter()
            .map(|source| match source {
                Source::File(place) => Ok(Arc::clone(batch.column(*place))),
                Source::Default(default) => default.rows(rows),
            })
            .collect::<Result<_, Error>>()?;
        let nullable: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        Ok(RecordBatch::try_new(Arc::new(datafusion::arrow::datatypes::Schema::new(nullable)), columns)?)
    }
}

pub(super) async fn to(session: &Session, context: &Arc<Context>, copy: &CopyTo) -> Result<Work, Error> {
    check_local_files(context)?;
    if copy.target.contains("://") {
        return Err(Error::statement(format!("COPY writes to files of this machine, not to `{}`", copy.target)));
    }
    let path = PathBuf::from(&copy.target);
    let format = match &copy.format {
        Some(name) => format_named(name)?,
        None => FileFormat::of_path(&path).map_err(|error| Error::statement(error.to_string()))?,
    };
    let form = OutputForm::try_new(format, &copy.options)?;
    let plan = match &copy.source {
        CopySource::Query(query) => context.plan_query(query, context.visible, 0).await?,
        CopySource::Table(name) => {
            let parsed = parse_one(&format!("SELECT * FROM {name}"))?;
            let query = parsed.statement.query().ok_or_else(|| Error::statement("COPY takes a table or a query"))?;
            context.plan_query(query, context.visible, 0).await?
        }
    };
    let mut rows = session.rows(context, plan).await?.into_rows()?;
    let version = rows.version;
    let provenance = Provenance { version: version.number(), lake_id: context.state.lake().to_string() };
    let mut file = OutputFile::create(&path, form, &rows.schema, &provenance)?;
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        count += batch.num_rows() as i64;
        file.write(&batch)?;
    }
    file.finish()?;
    let column: ArrayRef = Arc::new(Int64Array::from(vec![count]));
    let batch = RecordBatch::try_from_iter([("count", column)])?;
    Ok(Work::Answer(Answer::of_batch(version, batch)))
}
