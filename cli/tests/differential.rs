//! Frostline beside a second engine: the random histories of `tests/differential`, in a lake with hot rows, in one with
//! frozen rows, and in DuckDB.

mod venv;

use std::env;
use std::time::Duration;

/// How long more histories may take than are run by default.
const LONG_TIME_LIMIT: Duration = Duration::from_secs(4 * 3600);

#[test]
fn random_histories_give_the_same_answers_as_duckdb_at_every_version() {
    let asks_for_more = env::var_os("FROSTLINE_DIFFERENTIAL_STATEMENTS").is_some();
    let limit = if asks_for_more { LONG_TIME_LIMIT } else { venv::TIME_LIMIT };
    venv::run_pytest("tests/differential", &[("FROSTLINE_BIN", env!("CARGO_BIN_EXE_frostline"))], limit);
}
