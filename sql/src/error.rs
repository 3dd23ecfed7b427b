//! What a caller does about an error.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, DataFusionError, SchemaError};
use frostline_catalog::conflict::ResolveError;
use frostline_catalog::io::{
    CommitError, CreateError, LedgerError, LocationError, StoreError, StoreFailure, plain_answer,
};
use frostline_catalog::ledger::Refusal;
use frostline_catalog::{AsOfError, Conflict, NameError, SealedError};
use frostline_engine::export::{CsvOptionError, ExportError};
use frostline_engine::import::ImportError;
use frostline_engine::io::ReadError;
use frostline_engine::{LakeError, TakeError, VerifyError};

use crate::parse::ParseError;
use crate::target::is_own_name;

/// What kind of mistake or mishap it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The statement or its input is wrong: mend it.
    Statement,
    /// The statement was used in a way that cannot work here.
    Usage,
    /// It needs more memory or disk than it may use: ask for less, or allow more.
    Resources,
    /// Another commit stands against it: run it again.
    Conflict,
    /// It is not known whether it was committed: look before running it again.
    Unknown,
    /// It was broken off from outside, and nothing was committed.
    Stopped,
    /// There is no lake, or it is newer than this release or damaged.
    Lake,
    /// The store failed or cannot be used, and nothing was committed: disk full, permission, network, a wrong clock.
    Store,
}

/// An error of a statement or a lake.
///
/// * [`Error::kind`] says what a caller can do about it.
/// * Its text says what was wrong and what exists instead, without its source; print the chain of sources once.
#[derive(Clone, Debug)]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    conflict: Option<Conflict>,
}

impl Error {
    /// An error of the statement.
    pub(crate) fn statement(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Statement, message, None)
    }

    /// An error of a statement that was broken off.
    pub fn stopped() -> Self {
        Self::new(ErrorKind::Stopped, "the statement was cancelled", None)
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>, hint: Option<String>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), hint, source: None, conflict: None }))
    }

    /// The same error with a hint.
    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        let (kind, message, conflict) = (self.0.kind, self.0.message.clone(), self.0.conflict.clone());
        Self(Arc::new(Inner { kind, message, hint: Some(hint.into()), source: None, conflict }))
    }

    /// The same error of a statement, met in one of several rows of parameters; the first is row 1.
    pub(crate) fn in_row(self, row: usize) -> Self {
        let kind = self.kind();
        if kind != ErrorKind::Statement {
            return self;
        }
        let message = format!("row {row} of the parameters: {}", self.0.message);
        let next = chain(StdError::source(&self));
        let source = next.map(|text| Box::new(Cause(text)) as Box<dyn StdError + Send + Sync>);
        Self(Arc::new(Inner { kind, message, hint: self.0.hint.clone(), source, conflict: None }))
    }

    fn caused(kind: ErrorKind, source: impl StdError + Send + Sync + 'static) -> Self {
        let (message, next) = (source.to_string(), chain(source.source()));
        let source = next.map(|text| Box::new(Cause(text)) as Box<dyn StdError + Send + Sync>);
        Self(Arc::new(Inner { kind, message, hint: None, source, conflict: None }))
    }

    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The two versions that stand against each other, and why, if that is the error.
    pub fn conflict(&self) -> Option<&Conflict> {
        self.0.conflict.as_ref()
    }

    /// What to try instead, if there is something.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

/// The texts of a chain of errors, joined; those that the one before repeats are left out.
fn chain(mut source: Option<&(dyn StdError + 'static)>) -> Option<String> {
    let mut texts: Vec<String> = Vec::new();
    while let Some(error) = source {
        let text = plain_answer(&error.to_string());
        if texts.last().is_none_or(|last| !last.contains(&text)) {
            texts.push(text);
        }
        source = error.source();
    }
    (!texts.is_empty()).then(|| texts.join(": "))
}

/// What stood behind an error, as text.
#[derive(Debug)]
struct Cause(String);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Cause {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// Implements `From` for errors that are always of one kind.
macro_rules! of_kind {
    ($($source:ty => $kind:ident),* $(,)?) => {
        $(impl From<$source> for Error {
            fn from(error: $source) -> Self {
                Self::caused(ErrorKind::$kind, error)
            }
        })*
    };
}

of_kind! {
    ParseError => Statement,
    NameError => Statement,
    ImportError => Statement,
    frostline_catalog::schema::UnsupportedType => Statement,
    frostline_engine::import::normalise::UnsupportedType => Statement,
    frostline_engine::import::normalise::NormaliseError => Statement,
    SealedError => Lake,
    ExportError => Statement,
    CsvOptionError => Statement,
}

impl From<VerifyError> for Error {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Ledger(error) => error.into(),
            VerifyError::Unread(_) => Self::caused(ErrorKind::Store, error),
            VerifyError::Slot { .. }
            | VerifyError::Hot { .. }
            | VerifyError::Frozen { .. }
            | VerifyError::Catalog
            | VerifyError::Kill { .. }
            | VerifyError::Dead(_) => Self::caused(ErrorKind::Lake, error),
        }
    }
}

impl From<AsOfError> for Error {
    fn from(error: AsOfError) -> Self {
        match error {
            AsOfError::Sealed(error) => error.into(),
            other => Self::caused(ErrorKind::Statement, other),
        }
    }
}

fn kind_of_store(error: &StoreError) -> ErrorKind {
    match (error.action, error.failure) {
        // What a version needs is not there. Any other failure says nothing of the lake.
        ("read", StoreFailure::NotFound) => ErrorKind::Lake,
        _ => ErrorKind::Store,
    }
}

fn kind_of_read(error: &ReadError) -> ErrorKind {
    match error {
        ReadError::Store { .. } => ErrorKind::Store,
        ReadError::Missing { .. }
        | ReadError::Damaged { .. }
        | ReadError::Digests { .. }
        | ReadError::Decode { .. }
        | ReadError::Hot { .. } => ErrorKind::Lake,
    }
}

fn kind_of_location(error: &LocationError) -> ErrorKind {
    match error {
        LocationError::Create { .. } => ErrorKind::Store,
        LocationError::Empty
        | LocationError::NoStore { .. }
        | LocationError::Refused { .. }
        | LocationError::Profile { .. } => ErrorKind::Usage,
        LocationError::NoCurrentDirectory { .. } | LocationError::Missing { .. } | LocationError::Open { .. } => {
            ErrorKind::Lake
        }
    }
}

impl From<LocationError> for Error {
    fn from(error: LocationError) -> Self {
        Self::caused(kind_of_location(&error), error)
    }
}

fn kind_of_ledger(error: &LedgerError) -> ErrorKind {
    match error {
        LedgerError::Location(error) => kind_of_location(error),
        LedgerError::Store(error) => kind_of_store(error),
        _ => ErrorKind::Lake,
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::caused(kind_of_store(&error), error)
    }
}

impl From<LedgerError> for Error {
    fn from(error: LedgerError) -> Self {
        Self::caused(kind_of_ledger(&error), error)
    }
}

impl From<LakeError> for Error {
    fn from(error: LakeError) -> Self {
        match error {
            LakeError::Ledger(error) => error.into(),
            LakeError::Read(error) => Self::caused(kind_of_read(&error), ReadError::clone(&error)),
            other => Self::caused(ErrorKind::Lake, other),
        }
    }
}

impl From<CreateError> for Error {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Ledger(error) => error.into(),
            CreateError::Exists { .. } => Self::caused(ErrorKind::Lake, error),
            CreateError::Store { .. } | CreateError::Clock(_) => Self::caused(ErrorKind::Store, error),
        }
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict(conflict) => conflict.into(),
            CommitError::Refused(_) => Self::caused(ErrorKind::Statement, error),
            CommitError::Unknown { .. } => Self::caused(ErrorKind::Unknown, error),
            CommitError::Probe(_) | CommitError::Clock(_) | CommitError::Store(_) | CommitError::Closed => {
                Self::caused(ErrorKind::Store, error)
            }
            CommitError::Ledger(error) => error.into(),
        }
    }
}

impl From<Conflict> for Error {
    fn from(conflict: Conflict) -> Self {
        let (kind, message) = (ErrorKind::Conflict, conflict.to_string());
        Self(Arc::new(Inner { kind, message, hint: None, source: None, conflict: Some(conflict) }))
    }
}

impl From<ResolveError> for Error {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Conflict(conflict) => conflict.into(),
            ResolveError::Sealed(error) => error.into(),
            ResolveError::Malformed(malformed) => CommitError::Refused(Refusal::Malformed(malformed)).into(),
        }
    }
}

impl From<TakeError> for Error {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Store(error) => error.into(),
            other => Self::caused(ErrorKind::Statement, other),
        }
    }
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        DataFusionError::from(error).into()
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        if let Some(own) = find::<Self>(&error) {
            return own.clone();
        }
        if let Some(lake) = find::<LakeError>(&error) {
            return lake.clone().into();
        }
        if let Some(sealed) = find::<SealedError>(&error) {
            return sealed.clone().into();
        }
        if let Some(read) = find::<ReadError>(&error) {
            return Self::caused(kind_of_read(read), read.clone());
        }
        if let Some(import) = find::<ImportError>(&error) {
            let message = import.to_string();
            let source = chain(import.source()).map(|text| Box::new(Cause(text)) as Box<dyn StdError + Send + Sync>);
            let kind = ErrorKind::Statement;
            return Self(Arc::new(Inner { kind, message, hint: None, source, conflict: None }));
        }
        if let Some(message) = exhausted(&error) {
            let mut cause = plain(error.find_root());
            // What follows names a setting of the planner's that nobody can reach here.
            cause.truncate(cause.find(". Please try increasing").unwrap_or(cause.len()));
            let source = Box::new(Cause(cause)) as Box<dyn StdError + Send + Sync>;
            let hint = Some("filter earlier, ask for fewer columns, or allow more".to_owned());
            let (kind, source) = (ErrorKind::Resources, Some(source));
            return Self(Arc::new(Inner { kind, message, hint, source, conflict: None }));
        }
        if let DataFusionError::ArrowError(arrow, _) = error.find_root()
            && matches!(arrow.as_ref(), ArrowError::DivideByZero)
        {
            return Self::statement("division by zero").with_hint("`x / nullif(y, 0)` is NULL where `y` is 0");
        }
        let message = plain(&error);
        if message.contains(SEVERAL_ROWS) {
            return Self::statement("a subquery that reads the row around it could give several rows for one value")
                .with_hint(
                    "put its value into an aggregate: `(SELECT max(x) FROM …)`; or join, as in `UPDATE … FROM`",
                );
        }
        Self::statement(message)
    }
}

/// What the planner says of a subquery for one value that reads the row around it, and may give several.
const SEVERAL_ROWS: &str = "Correlated scalar subquery must be aggregated";

/// What is used up, if that is the error.
fn exhausted(error: &DataFusionError) -> Option<String> {
    let root = error.find_root();
    if matches!(root, DataFusionError::ResourcesExhausted(_)) {
        return Some("the statement needs more memory than it may use".to_owned());
    }
    // The writer of temporary files has no type for it.
    let is_quota = root.to_string().contains("exceeded the allowable limit");
    is_quota.then(|| "the statement needs more disk for what does not fit into memory than it may use".to_owned())
}

/// An error of one type somewhere in a chain.
fn find<E: StdError + 'static>(error: &DataFusionError) -> Option<&E> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<E>() {
            return Some(found);
        }
        if let Some(shared) = current.downcast_ref::<Arc<DataFusionError>>() {
            next = Some(shared.as_ref());
            continue;
        }
        next = current.source();
    }
    None
}

/// What a planner's error says to a user, without the names of the planner's own parts.
fn plain(error: &DataFusionError) -> String {
    match error {
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => column_not_found(field, valid_fields),
            SchemaError::DuplicateQualifiedField { qualifier, .. } => {
                format!("two relations are called `{qualifier}`; give one of them another name: `{qualifier} AS other`")
            }
            SchemaError::AmbiguousReference { field } if field.relation.is_some() => format!(
                "column `{}` is one of two relations, and one of them has no name; give it one: `(SELECT …) AS q`",
                field.name
            ),
            other => other.to_string(),
        },
        DataFusionError::Diagnostic(_, inner) | DataFusionError::Context(_, inner) => plain(inner),
        DataFusionError::Shared(inner) => plain(inner),
        DataFusionError::Collection(errors) => errors.first().map(plain).unwrap_or_default(),
        DataFusionError::Plan(text) | DataFusionError::Execution(text) => text.clone(),
        DataFusionError::NotImplemented(text) => format!("not supported: {}", not_implemented(text)),
        // What this displays asks the reader to report it to the planner's project.
        DataFusionError::Internal(text) => format!("the statement cannot be run: {text}"),
        DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
            ArrowError::ExternalError(inner) => inner.to_string(),
            ArrowError::CastError(text)
            | ArrowError::ParseError(text)
            | ArrowError::ComputeError(text)
            | ArrowError::InvalidArgumentError(text)
            | ArrowError::ArithmeticOverflow(text) => text.clone(),
            other => other.to_string(),
        },
        DataFusionError::ResourcesExhausted(text) => text.clone(),
        other => other.strip_backtrace(),
    }
}

/// What is said of a column that none of the relations in view has.
fn column_not_found(field: &Column, in_view: &[Column]) -> String {
    let known: Vec<&Column> = in_view.iter().filter(|column| !is_own_name(&column.name)).collect();
    // Another relation has it: the one that is named is not in view, or its name is hidden by an alias.
    if let Some(relation) = &field.relation
        && let Some(elsewhere) = known.iter().find(|column| column.name == field.name)
    {
        let meant = match &elsewhere.relation {
            Some(other) => format!("{other}.{}", field.name),
            None => field.name.clone(),
        };
        return format!("column `{relation}.{}` not found; did you mean `{meant}`?", field.name);
    }
    if let Some(nearest) = frostline_catalog::nearest(&field.name, known.iter().map(|column| column.name.as_str())) {
        return format!("column `{}` not found; did you mean `{nearest}`?", field.name);
    }
    let mut names: Vec<String> = Vec::new();
    for column in known {
        let name = format!("`{}`", column.name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match names.is_empty() {
        true => format!("column `{}` not found", field.name),
        false => format!("column `{}` not found; there are {}", field.name, names.join(", ")),
    }
}

/// How the planner begins when it cannot run an expression; its own structures follow.
const NO_EXPRESSION: &str = "Physical plan does not support logical expression ";

/// What is said of something that the planner knows and cannot run.
fn not_implemented(text: &str) -> &str {
    match text.strip_prefix(NO_EXPRESSION) {
        Some(expr) if expr.starts_with("InSubquery") || expr.starts_with("Exists") => {
            "IN (SELECT …) and EXISTS (SELECT …) outside of WHERE; compare `(SELECT count(*) …)` with 0, or join"
        }
        Some(expr) if expr.starts_with("ScalarSubquery") || expr.starts_with("OuterReference") => {
            "a subquery in this place, or that reads the query around it in this way; join its rows instead"
        }
        Some(_) => "an expression of this kind in this place",
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_run_is_named_without_the_planners_structures() {
        let check = |text: &str, expected: &str| {
            let message = Error::from(DataFusionError::NotImplemented(text.to_owned())).to_string();
            assert!(message.starts_with(expected), "{message}");
            assert!(!message.contains("Subquery {"), "{message}");
        };
        check(&format!("{NO_EXPRESSION}InSubquery(InSubquery {{ expr: 1 }})"), "not supported: IN (SELECT …)");
        check(&format!("{NO_EXPRESSION}ScalarSubquery(<subquery>)"), "not supported: a subquery in this place");
        check("FETCH clause is not supported yet", "not supported: FETCH clause");
        let internal = Error::from(DataFusionError::Internal("a plan is wrong".to_owned())).to_string();
        assert_eq!(internal, "the statement cannot be run: a plan is wrong");
    }

    #[test]
    fn a_subquery_of_several_rows_is_told_with_what_to_write_instead() {
        let text = format!("{SEVERAL_ROWS} to return at most one row");
        let error: Error = DataFusionError::Plan(text).context("a rule").into();
        assert!(error.to_string().ends_with("could give several rows for one value"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("UPDATE … FROM")));
    }

    #[test]
    fn a_division_by_zero_is_told_with_what_to_do() {
        let direct = Error::from(ArrowError::DivideByZero);
        let within: Error = DataFusionError::from(ArrowError::DivideByZero).context("a rule").into();
        for error in [direct, within] {
            assert_eq!(error.to_string(), "division by zero");
            assert_eq!(error.hint(), Some("`x / nullif(y, 0)` is NULL where `y` is 0"));
            assert_eq!(error.kind(), ErrorKind::Statement);
        }
    }

    #[test]
    fn a_store_that_fails_is_told_from_a_lake_that_lacks_something() {
        use datafusion::object_store::{Error as Failure, path::Path};

        let failed = || Failure::Generic { store: "S3", source: "503 Service Unavailable".into() };
        let absent = || Failure::NotFound { path: "log/1".to_owned(), source: "404".into() };
        let key = Path::from("log/1");
        let kind = |source| Error::from(StoreError::new("read", &key, source)).kind();
        assert_eq!((kind(failed()), kind(absent())), (ErrorKind::Store, ErrorKind::Lake));
    }
}
