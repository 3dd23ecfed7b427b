//! SQL over every version of a lake.
//!
//! ```text
//!   text ──parse──► Statement ──context──► the statement snapshot: one state, every name resolved at its version
//!                                   │
//!                                   ├── rows:    DataFusion plans and runs, tables are read by `table`
//!                                   └── commit:  proposals for the ledger, run again if another commit stands against
//! ```
//!
//! [`Lake`] and [`Session`] are the door for embedding:
//!
//! * [`Session::sql`] gives an [`Answer`]: rows with the version they were read at, or the commit that was made.
//! * A statement sees one state of the whole lake, whatever other writers do meanwhile; so do all from BEGIN to COMMIT.
//! * Between BEGIN and COMMIT, what a statement proposes is kept in the session, and committed as one version.
//! * An AS OF that cannot be honoured is an error, never the newest rows.
//! * Dropping the rows of an answer cancels the statement; a [`Stop`] breaks one off that still runs.
//! * [`Session::plan`] plans a query without running it; [`Session::describe`] says what a statement gives and takes.

pub mod parse;

mod answer;
mod as_of;
mod at_version;
mod calls;
mod catalog;
mod change;
mod column;
mod column_default;
mod column_names;
mod constraint;
mod context;
mod description;
mod error;
mod execution;
mod expression;
mod files;
mod fit;
mod function;
mod grouped_casts;
mod information_schema;
mod instant;
mod lake;
mod memory;
mod missing;
mod options;
mod own_call;
mod parameters;
mod planned;
mod planner;
mod planning;
mod references;
mod result_names;
mod rows;
mod session;
mod settings;
mod shape;
mod snapshot;
mod sql_types;
mod statement;
mod stop;
mod system;
mod table;
mod table_name;
mod target;
mod type_name;
mod widening;

pub use answer::{Answer, Committed, Rows};
pub use datafusion::scalar::ScalarValue;
pub use description::{Description, StatementKind};
pub use error::{Error, ErrorKind};
pub use frostline_catalog::{AsOf, Conflict, ConflictReason};
pub use frostline_engine::{Settings, VerifyNote, VerifySummary};
pub use lake::{CreateOptions, ImportRequest, Lake, OpenOptions, SettingsChange};
pub use memory::RuntimeLimits;
pub use parameters::Parameters;
pub use planned::Planned;
pub use session::{Ending, Session, SharedTransaction, TransactionStatus};
pub use settings::RESERVED_SETTINGS;
pub use snapshot::{PrimaryKey, RelationInfo, RelationKind, Snapshot};
pub use statement::{IfExists, IfMissing, Ingest};
pub use stop::Stop;
