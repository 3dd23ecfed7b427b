//! The command line on S3: the tests in `tests/s3`, each against an S3 server of its own process.

mod venv;

#[test]
fn a_lake_on_s3_keeps_what_it_promises() {
    let variables = [("FROSTLINE_BIN", env!("CARGO_BIN_EXE_frostline"))];
    venv::run_pytest("tests/s3", &variables, venv::TIME_LIMIT);
}
