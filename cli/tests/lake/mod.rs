//! A lake in a folder of its own, and the command as a user runs it there.

pub(crate) mod server;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder with room for a lake and for files beside it. All of it goes away with the value.
pub(crate) struct TestLake {
    folder: TempDir,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestLake {
    /// A folder in which no lake was created.
    pub(crate) fn missing() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A new lake, at version 1.
    pub(crate) fn create() -> Self {
        let lake = Self::missing();
        lake.run(&["init"]).succeeds();
        lake
    }

    /// A lake with `orders`: version 2 creates it, 3 adds ann and bob, 4 adds cy.
    pub(crate) fn with_orders() -> Self {
        let lake = Self::create();
        lake.sql("CREATE TABLE orders (id BIGINT, buyer VARCHAR, amount DECIMAL(10, 2))").succeeds();
        lake.sql("INSERT INTO orders VALUES (1, 'ann', 2.50), (2, 'bob', NULL)").succeeds();
        lake.sql("INSERT INTO orders VALUES (3, 'cy', 10)").succeeds();
        lake
    }

    /// Where the lake is.
    pub(crate) fn location(&self) -> PathBuf {
        self.path("lake")
    }

    /// A path beside the lake. Commands run there, so that its name alone will do.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file beside the lake.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a temporary folder takes a file");
    }

    /// The bytes of a file beside the lake.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("the file is there")
    }

    /// The command, with nothing of the tester's own settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.program(env!("CARGO_BIN_EXE_frostline"), arguments)
    }

    /// A program that finds the lake as the command does.
    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("FROSTLINE_LAKE", self.location())
            .env("FROSTLINE_AUTHOR", "tester")
            .env("XDG_STATE_HOME", self.path("state"))
            .env_remove("RUST_LOG")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(arguments).output().expect("the command starts"))
    }

    /// Runs one text of SQL.
    pub(crate) fn sql(&self, sql: &str) -> Outcome {
        self.run(&["sql", "-c", sql])
    }

    /// Runs the command with a text on its standard input.
    pub(crate) fn feed(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().expect("the command starts");
        let mut stdin = child.stdin.take().expect("standard input is a pipe");
        // A command that has stopped reading is judged by what it did, not by this.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        Outcome::of(child.wait_with_output().expect("the command ends"))
    }
}

impl Outcome {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Fails unless the command succeeded.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// Fails unless the command ended with this code.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Fails unless exactly this is on standard output.
    #[track_caller]
    pub(crate) fn prints(self, expected: &str) -> Self {
        assert_eq!(self.stdout, expected, "{self:#?}");
        self
    }

    /// Fails unless exactly this is on standard error.
    #[track_caller]
    pub(crate) fn says(self, expected: &str) -> Self {
        assert_eq!(self.stderr, expected, "{self:#?}");
        self
    }

    /// Fails unless each of these is somewhere on standard error.
    #[track_caller]
    pub(crate) fn mentions(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "{part} is missing: {self:#?}");
        }
        self
    }
}

/// Every file below a folder, in order of their paths.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Changes one byte in the middle of a file.
pub(crate) fn damage(file: &Path) {
    let mut bytes = fs::read(file).expect("the file is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(file, bytes).expect("the file can be written");
}
