//! Where benchmarks work: folders, sizes and the program under test.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use tempfile::TempDir;

use crate::program::Program;
use crate::report::Failure;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// As much as the claims say.
    Full,
    /// So little that it only shows that everything runs.
    Quick,
}

/// Where benchmarks work.
///
/// * Everything is below `bench-data` in cargo's target folder, so that floors and lakes share a file system.
/// * What is expensive to make is made once and kept there; what a benchmark writes to is removed when it ends.
#[derive(Debug)]
pub(crate) struct Workbench {
    data: PathBuf,
    size: Size,
    program: Option<Program>,
}

impl Workbench {
    /// The workbench beside this program.
    pub(crate) fn open(size: Size) -> Result<Self, Failure> {
        let executable = env::current_exe()?;
        let target = executable.ancestors().nth(2).ok_or("this program has no target folder around it")?;
        let data = target.join("bench-data");
        fs::create_dir_all(&data)?;
        Ok(Self { data, size, program: Program::beside(&executable) })
    }

    /// Where data is kept from run to run.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// One of two values, by how much is measured.
    pub(crate) fn pick<T>(&self, full: T, quick: T) -> T {
        match self.size {
            Size::Full => full,
            Size::Quick => quick,
        }
    }

    /// An empty folder, removed when it is dropped.
    pub(crate) fn scratch(&self) -> io::Result<TempDir> {
        tempfile::Builder::new().prefix("scratch-").tempdir_in(&self.data)
    }

    /// The `frostline` program, if it is built.
    pub(crate) fn program(&self) -> Option<&Program> {
        self.program.as_ref()
    }

    /// The machine and the size, in a line.
    pub(crate) fn describe(&self) -> String {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let size = self.pick("full size", "quick: the figures are no evidence");
        format!("{}, {cores} cores, {} {}; {size}", processor(), env::consts::OS, env::consts::ARCH)
    }
}

/// What the operating system calls the processor.
fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'));
    model.map_or_else(|| "a processor".to_owned(), |(_, name)| name.trim().to_owned())
}
