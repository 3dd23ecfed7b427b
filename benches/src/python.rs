//! Python, with the drivers that users have: a program of `benches/python`, run as a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::report::Failure;
use crate::samples::Samples;

/// Why a benchmark that needs Python is left out.
pub(crate) const NO_PYTHON: &str = "there is no target/venv/bin/python; `cargo xtask test` makes it";

/// Why a benchmark has no lakehouse formats beside it.
pub(crate) const NO_PEERS: &str = "there is no target/bench-venv; benches/peers.txt says how to make it";

/// The Python of an environment in cargo's target folder.
#[derive(Clone, Debug)]
pub(crate) struct Python {
    interpreter: PathBuf,
    programs: PathBuf,
}

/// What a program measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Measured {
    /// The time of each round, and how many rows the last one had.
    Rounds {
        /// The times.
        times: Samples,
        /// The rows.
        rows: u64,
    },
    /// Nothing, because a package is not installed.
    Missing(String),
}

impl Python {
    /// Python, if the environment is there.
    pub(crate) fn find() -> Option<Self> {
        Self::of_environment("venv")
    }

    /// Python with the lakehouse formats that stand beside us, if their environment is there.
    pub(crate) fn peers() -> Option<Self> {
        Self::of_environment("bench-venv")
    }

    fn of_environment(name: &str) -> Option<Self> {
        let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
        let interpreter = benches.parent()?.join("target").join(name).join("bin").join("python");
        interpreter.is_file().then(|| Self { interpreter, programs: benches.join("python") })
    }

    /// Runs a program to its end. It prints one line of JSON.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Result<Measured, Failure> {
        let mut command = Command::new(&self.interpreter);
        command.arg(self.programs.join(program)).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
        let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output()?;
        if !status.success() {
            return Err(format!("{program} ended with {status}: {}", String::from_utf8_lossy(&stderr).trim()).into());
        }
        let said = String::from_utf8(stdout)?;
        parse(&said).ok_or_else(|| format!("{program} printed {said:?}").into())
    }
}

fn parse(said: &str) -> Option<Measured> {
    let answer: Value = serde_json::from_str(said.lines().next_back()?).ok()?;
    if let Some(package) = answer["missing"].as_str() {
        return Some(Measured::Missing(package.to_owned()));
    }
    let mut times = Samples::default();
    for seconds in answer["seconds"].as_array()? {
        times.push(Duration::try_from_secs_f64(seconds.as_f64()?).ok()?);
    }
    Some(Measured::Rounds { times, rows: answer["rows"].as_u64()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_says_what_was_measured() {
        let mut times = Samples::default();
        times.push(Duration::from_millis(1500));
        times.push(Duration::from_millis(250));
        let said = "a warning\n{\"seconds\": [1.5, 0.25], \"rows\": 3}\n";
        assert_eq!(parse(said), Some(Measured::Rounds { times, rows: 3 }));
        assert_eq!(parse("{\"missing\": \"duckdb\"}\n"), Some(Measured::Missing("duckdb".to_owned())));
        assert_eq!(parse(""), None);
        assert_eq!(parse("{\"seconds\": [1.5]}"), None);
    }
}
