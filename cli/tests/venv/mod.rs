//! Tests in Python, in the environment that `cargo xtask test` makes: `target/venv`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long all tests of a folder may take, usually.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(900);

/// The root of the source tree.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in a workspace").to_path_buf()
}

/// Runs the tests in a folder of the source tree. Without the environment it says so, and tests nothing.
pub(crate) fn run_pytest(folder: &str, variables: &[(&str, &str)], limit: Duration) {
    let root = root();
    let python = root.join("target").join("venv").join("bin").join("python");
    if !python.exists() {
        eprintln!("not tested: {folder}, because there is no {}; `cargo xtask test` makes it", python.display());
        return;
    }
    let mut command = Command::new(python);
    command
        .args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider", "--durations=5", "."])
        .current_dir(root.join(folder))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let (said, succeeded) = finish(command.spawn().expect("python starts"), limit);
    assert!(succeeded, "the tests in {folder} failed:\n{said}");
    println!("{said}");
}

/// What a process said to its end, and whether that was a success. One that takes too long is killed.
fn finish(mut child: Child, limit: Duration) -> (String, bool) {
    let mut stdout = child.stdout.take().expect("standard output is a pipe");
    let (sender, ended) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut said = Vec::new();
        // What cannot be read is missing from the message, and no more.
        let _ = stdout.read_to_end(&mut said);
        let _ = sender.send(());
        String::from_utf8_lossy(&said).into_owned()
    });
    let in_time = ended.recv_timeout(limit).is_ok();
    if !in_time {
        // It may have ended by itself.
        let _ = child.kill();
    }
    let status = child.wait().expect("python ends");
    let said = reader.join().expect("the reader ends with the process");
    (said, in_time && status.success())
}
