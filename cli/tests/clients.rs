//! The server with the clients that people have: the tests in `tests/clients`, against a running `frostline serve`.

mod venv;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// A server that says nothing for so long hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that serves a lake. It is killed with the value.
struct Server {
    child: Child,
    lines: Receiver<String>,
}

impl Server {
    /// Serves a lake on ports that are free.
    fn start(folder: &Path) -> Self {
        let local = ["serve", "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"];
        let mut child = command(folder).args(local).stderr(Stdio::piped()).spawn().expect("the command starts");
        let stderr = child.stderr.take().expect("standard error is a pipe");
        let (sender, lines) = mpsc::channel();
        // It reads on to the end, so that the server never waits for somebody to read its log.
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// The last word of the next line whose first word this is.
    fn told(&self, word: &str) -> String {
        let mut said: Vec<String> = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.trim_start().starts_with(word) => {
                    return line.split_whitespace().last().unwrap_or_default().to_owned();
                }
                Ok(line) => said.push(line),
                Err(error) => unreachable!("{word} is not said ({error}): {said:#?}"),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command, with nothing of the tester's own settings.
fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frostline"));
    command
        .current_dir(folder)
        .env("FROSTLINE_LAKE", folder.join("lake"))
        .env("FROSTLINE_AUTHOR", "tester")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

#[test]
fn the_clients_that_people_have_work_with_the_server() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let created = command(folder.path()).arg("init").status().expect("the command starts");
    assert!(created.success());
    let server = Server::start(folder.path());
    let url = server.told("Flight SQL");
    let http = server.told("HTTP");
    let token = server.told("token");
    let data = venv::root().join("datasets");
    let variables = [
        ("FROSTLINE_BIN", env!("CARGO_BIN_EXE_frostline")),
        ("FROSTLINE_URL", url.as_str()),
        ("FROSTLINE_HTTP_URL", http.as_str()),
        ("FROSTLINE_TOKEN", token.as_str()),
        ("FROSTLINE_DATASETS", data.to_str().expect("the source tree's path is text")),
    ];
    venv::run_pytest("tests/clients", &variables, venv::TIME_LIMIT);
}
