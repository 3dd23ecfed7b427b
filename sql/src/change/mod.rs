//! What changed: functions behind FROM that compare versions.
//!
//! ```text
//!   the catalog ──timeline──► which segments moved ──load──► windows: which rows of them live when
//!                                                               │
//!                    table_changes, table_diff ◄── net, each ───┤
//!                    table_history             ◄── lives ───────┘
//!
//!   rows ──plan──► rounds ──chosen──► scans of just these rows, joined by id (feed, pairs) or counted (difference)
//! ```
//!
//! * A segment that two versions have alike is never opened; of one that they have differently, only the rows are
//!   read that one of them has and the other has not.
//! * Columns are matched by field id: renamed ones are the same, and another one of an old name is another.
//! * Nothing has to be switched on: the catalog keeps every placement and every kill.

mod arguments;
mod chosen;
mod columns;
mod differ;
mod difference;
mod either;
mod feed;
mod history;
mod load;
mod lookup;
mod pairs;
mod plan;
mod row_set;
mod timeline;
mod window;

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::sql::sqlparser::ast::FunctionArg;
use frostline_catalog::Version;

use crate::context::Context;
use crate::error::Error;

/// The functions that compare versions.
pub(crate) const CHANGE_FUNCTIONS: [&str; 4] = ["table_changes", "table_history", "table_diff", "query_diff"];

/// The relation that a call stands for, in a query whose unversioned names are those of `version`.
pub(crate) async fn open_function(
    context: &Arc<Context>,
    name: &str,
    arguments: &[FunctionArg],
    version: Version,
    depth: usize,
) -> Result<Arc<dyn TableProvider>, Error> {
    let plan = match name {
        "table_changes" => feed::plan(context, arguments, version).await?,
        "table_history" => history::plan(context, arguments, version).await?,
        "table_diff" => difference::plan_tables(context, arguments, version).await?,
        _ => difference::plan_queries(context, arguments, version, depth).await?,
    };
    Ok(Arc::new(ViewTable::new(plan, None)))
}
