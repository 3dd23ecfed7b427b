//! One benchmark for each claim about speed, size and memory, side by side with a floor or a peer in the same run.
//!
//! ```text
//!   request ──► Benchmark::run ──► Report: claims and notes ──► table on standard output
//!                    │
//!                    ├── floor, import_floor, s3_floor       what would be taken at best by what is underneath
//!                    ├── history, tpch_data, lineitem_lake   data that is made once and kept in target/bench-data
//!                    ├── program, served_program, python     processes of their own
//!                    └── served, slow_store                  servers in this process: a lake's, and one like S3
//! ```
//!
//! `cargo run --profile dist -p frostline-benches -- [name…]`; README.md says what each claim means. Progress and
//! details go to standard error.

mod as_of_plan;
mod benchmark;
mod bound;
mod changing_lake;
mod claim;
mod commit_latency;
mod commit_throughput;
mod cpu_time;
mod flight_client;
mod flight_fetch;
mod flight_ingest;
mod flight_latency;
mod flight_mixed;
mod floor;
mod folder_size;
mod going_back;
mod history;
mod import_floor;
mod import_memory;
mod import_speed;
mod lake_growth;
mod lakes;
mod lineitem_lake;
mod open_count;
mod open_sum;
mod peer;
mod points;
mod program;
mod prune;
mod python;
mod quantity;
mod replayed;
mod report;
mod request;
mod rows_delete;
mod rows_update;
mod s3_commit;
mod s3_floor;
mod s3_open;
mod samples;
mod served;
mod served_program;
mod slow_store;
mod table;
mod table_changes;
mod tpch;
mod tpch_answers;
mod tpch_data;
mod tpch_queries;
mod whole_process;
mod workbench;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use tokio::runtime::{Builder, Runtime};

use benchmark::Benchmark;
use claim::{Claim, Verdict};
use report::Failure;
use request::{HELP, Request};
use workbench::{Size, Workbench};

/// As in the `frostline` program: plans of deep queries recurse.
const STACK_BYTES: usize = 8 * 1024 * 1024;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    match Request::parse(&words) {
        Ok(Request::Help) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(Request::List) => {
            for benchmark in Benchmark::ALL {
                println!("{:<20}{}", benchmark.name(), benchmark.summary());
            }
            ExitCode::SUCCESS
        }
        Ok(Request::Run { benchmarks, size }) => match run(&benchmarks, size) {
            Ok(claims) => conclude(&claims, size),
            Err(failure) => {
                eprintln!("{}", chain(&*failure));
                ExitCode::FAILURE
            }
        },
        Err(problem) => {
            eprint!("{problem}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

/// Runs benchmarks one after the other. One that fails does not keep the others from running.
fn run(benchmarks: &[Benchmark], size: Size) -> Result<Vec<Claim>, Failure> {
    let workbench = Workbench::open(size)?;
    let runtime: Runtime = Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build()?;
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build: its figures say nothing; run it with --profile dist");
    }
    let mut claims: Vec<Claim> = Vec::new();
    for benchmark in benchmarks {
        eprintln!("==> {}", benchmark.name());
        match runtime.block_on(benchmark.run(&workbench)) {
            Ok(report) => {
                report.notes.iter().for_each(|note| eprintln!("    {note}"));
                claims.extend(report.claims);
            }
            Err(failure) => {
                eprintln!("{} failed: {}", benchmark.name(), chain(&*failure));
                claims.push(Claim::failed(benchmark.name()));
            }
        }
    }
    println!("{}\n", workbench.describe());
    println!("{}", table::format_claims(&claims));
    Ok(claims)
}

/// Success if nothing failed and, in a full run, no claim was missed.
fn conclude(claims: &[Claim], size: Size) -> ExitCode {
    let is_bad = |claim: &Claim| match claim.verdict() {
        Verdict::Failed => true,
        Verdict::Miss => size == Size::Full,
        Verdict::Ok | Verdict::Reported | Verdict::Skipped => false,
    };
    if claims.iter().any(is_bad) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// An error and what caused it, on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
