//! The `frostline` program, run as a process of its own.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::report::Failure;

/// Why a benchmark that needs the program is left out.
pub(crate) const NOT_BUILT: &str =
    "there is no `frostline` beside this program; build it with `cargo build --profile dist`";

/// The `frostline` program that stands beside this one.
#[derive(Clone, Debug)]
pub(crate) struct Program(PathBuf);

/// A process that has ended well.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// From before it was started until it had ended.
    pub(crate) took: Duration,
    /// What it wrote to standard output.
    pub(crate) output: String,
}

impl Program {
    /// The program in the folder of this executable, if it is there.
    pub(crate) fn beside(executable: &Path) -> Option<Self> {
        let path = executable.with_file_name(format!("frostline{}", env::consts::EXE_SUFFIX));
        path.is_file().then_some(Self(path))
    }

    /// A command on a lake, without anything that this process's environment says to it.
    pub(crate) fn command(&self, lake: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.0);
        command.arg("--lake").arg(lake).args(arguments);
        command.env_remove("FROSTLINE_LAKE").env_remove("RUST_LOG").env("FROSTLINE_AUTHOR", "benches");
        command.stdin(Stdio::null());
        command
    }

    /// Runs a query on a lake, with CSV as its output.
    pub(crate) fn query(&self, lake: &Path, sql: &str) -> Result<Ended, Failure> {
        self.query_with(lake, &[], sql)
    }

    /// Runs a query on a lake that takes flags to reach, with CSV as its output.
    pub(crate) fn query_with(&self, lake: &Path, flags: &[String], sql: &str) -> Result<Ended, Failure> {
        let mut command = self.command(lake, &["sql", "--format", "csv", "-c", sql]);
        command.args(flags);
        run(command)
    }

    /// Starts the program to do nothing: what any process costs.
    pub(crate) fn start_only(&self) -> Result<Ended, Failure> {
        let mut command = Command::new(&self.0);
        command.arg("--version").stdin(Stdio::null());
        run(command)
    }
}

fn run(mut command: Command) -> Result<Ended, Failure> {
    let started = Instant::now();
    let Output { status, stdout, stderr } = command.output()?;
    let took = started.elapsed();
    if !status.success() {
        return Err(format!("`frostline` ended with {status}: {}", String::from_utf8_lossy(&stderr).trim()).into());
    }
    Ok(Ended { took, output: String::from_utf8(stdout)? })
}
