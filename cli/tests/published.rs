//! Published data that is replayed into a lake, compared with DuckDB: the tests in `tests/published`. They are skipped
//! where the data are not beside the project.

mod venv;

#[test]
fn each_version_of_what_was_published_is_its_edition_and_changed_what_differs_from_the_one_before() {
    venv::run_pytest("tests/published", &[("FROSTLINE_BIN", env!("CARGO_BIN_EXE_frostline"))], venv::TIME_LIMIT);
}
