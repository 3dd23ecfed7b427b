//! Everything that must hold before a change is shared, in one list, in order of what it costs.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::{chain, program, setup, tidy};

/// The steps. Further test programs are added at the end.
const STEPS: &[Step] = &[
    Step { name: "set-up", action: Action::SetUp },
    Step { name: "fmt", action: Action::Cargo { arguments: &["fmt", "--all", "--check"], variable: None } },
    Step { name: "tidy", action: Action::Tidy },
    Step {
        name: "clippy",
        action: Action::Cargo {
            arguments: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
            variable: None,
        },
    },
    // After clippy: both need no more of a dependency than its metadata, so they share it.
    Step {
        name: "doc",
        action: Action::Cargo {
            arguments: &["doc", "--workspace", "--no-deps"],
            variable: Some(("RUSTDOCFLAGS", "-D warnings")),
        },
    },
    Step { name: "test", action: Action::Cargo { arguments: &["test", "--workspace"], variable: None } },
];

/// Runs the steps until one fails, and prints how long each took.
pub(crate) fn run(root: &Path) -> ExitCode {
    let mut timings: Vec<Timing> = Vec::new();
    let mut failure: Option<String> = None;
    for step in STEPS {
        println!("\n==> {}", step.name);
        let started = Instant::now();
        let outcome = step.action.run(root);
        timings.push(Timing { name: step.name, took: started.elapsed() });
        if let Err(error) = outcome {
            failure = Some(format!("{} failed: {}", step.name, chain(&*error)));
            break;
        }
    }
    println!("\n{}", table(&timings));
    match failure {
        None => {
            println!("all {} steps passed", timings.len());
            ExitCode::SUCCESS
        }
        Some(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

struct Step {
    name: &'static str,
    action: Action,
}

enum Action {
    SetUp,
    Tidy,
    Cargo { arguments: &'static [&'static str], variable: Option<(&'static str, &'static str)> },
}

impl Action {
    fn run(&self, root: &Path) -> Result<(), Box<dyn Error>> {
        match self {
            Self::SetUp => setup::prepare(root)?,
            Self::Tidy => tidy::run(root)?,
            Self::Cargo { arguments, variable } => {
                let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
                let mut command = Command::new(cargo);
                command.args(*arguments).current_dir(root).envs(*variable);
                for name in own_variables() {
                    command.env_remove(name);
                }
                program::run(&mut command)?;
            }
        }
        Ok(())
    }
}

/// What cargo says of xtask itself. Build scripts that look at it would run again, and all that rests on them be built
/// again, whenever cargo is called by hand in between.
fn own_variables() -> impl Iterator<Item = OsString> {
    let is_own = |name: &OsString| {
        name.to_str().is_some_and(|name| name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_"))
    };
    env::vars_os().map(|(name, _)| name).filter(is_own)
}

struct Timing {
    name: &'static str,
    took: Duration,
}

/// A line for each step, with its minutes, and their sum.
fn table(timings: &[Timing]) -> String {
    let total: Duration = timings.iter().map(|timing| timing.took).sum();
    let rows = timings.iter().map(|timing| (timing.name, timing.took)).chain([("total", total)]);
    let mut text = format!("{:<12}{:>8}\n", "step", "minutes");
    for (name, took) in rows {
        let minutes = took.as_secs_f64() / 60.0;
        writeln!(text, "{name:<12}{minutes:>8.2}").expect("a string takes everything that is written to it");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_the_minutes_of_each_step_and_their_sum() {
        let timings = [
            Timing { name: "clippy", took: Duration::from_secs(90) },
            Timing { name: "test", took: Duration::from_secs(630) },
        ];
        let expected = "\
step         minutes
clippy          1.50
test           10.50
total          12.00
";
        assert_eq!(table(&timings), expected);
    }

    #[test]
    fn every_step_has_a_name_of_its_own() {
        let mut names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }
}
