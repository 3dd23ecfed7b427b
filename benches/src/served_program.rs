//! The `frostline` program as a server: a process of its own, on a port of this machine.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::program::Program;
use crate::report::Failure;

/// How long a server may take to open its doors.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The address and the free ports that servers listen on.
const SERVE: [&str; 5] = ["serve", "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"];

/// A `frostline serve` that runs as long as it is kept, and is killed then.
#[derive(Debug)]
pub(crate) struct ServedProgram {
    child: Child,
    opened: Opened,
}

/// What a server says of itself when its doors are open.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Opened {
    flight: SocketAddr,
    /// The admin token, if the lake had none.
    first_token: Option<String>,
}

impl ServedProgram {
    /// Serves the lake in a folder, with these flags, and waits until the doors are open.
    pub(crate) fn start(program: &Program, lake: &Path, flags: &[&str]) -> Result<Self, Failure> {
        let words: Vec<&str> = SERVE.iter().chain(flags).copied().collect();
        let mut command = program.command(lake, &words);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let stderr = child.stderr.take();
        let (sender, lines) = mpsc::channel::<String>();
        thread::spawn(move || {
            for line in stderr.into_iter().flat_map(|stderr| BufReader::new(stderr).lines().map_while(Result::ok)) {
                // Once the doors are open nobody listens. The pipe is emptied all the same, or the server would wait.
                let _ = sender.send(line);
            }
        });
        match read_opened(&lines) {
            Ok(opened) => Ok(Self { child, opened }),
            Err(said) => {
                // It may have ended by itself.
                let _ = child.kill();
                child.wait()?;
                Err(format!("`frostline serve` does not begin: {said}").into())
            }
        }
    }

    /// Where Flight SQL is served.
    pub(crate) fn address(&self) -> SocketAddr {
        self.opened.flight
    }

    /// The same, as ADBC takes it.
    pub(crate) fn url(&self) -> String {
        format!("grpc://{}", self.opened.flight)
    }

    /// The admin token that the server made because the lake had none.
    pub(crate) fn first_token(&self) -> Result<&str, Failure> {
        self.opened.first_token.as_deref().ok_or_else(|| Failure::from("the lake had a token already"))
    }

    /// The id of the process.
    pub(crate) fn process(&self) -> String {
        self.child.id().to_string()
    }
}

impl Drop for ServedProgram {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a server says until its doors are open; else all that it said.
fn read_opened(lines: &Receiver<String>) -> Result<Opened, String> {
    let mut said: Vec<String> = Vec::new();
    while let Ok(line) = lines.recv_timeout(START_TIMEOUT) {
        said.push(line);
        if said.last().is_some_and(|line| line.starts_with("ready")) {
            break;
        }
    }
    parse_opened(&said).ok_or_else(|| said.join("; "))
}

fn parse_opened(said: &[String]) -> Option<Opened> {
    let behind = |name: &str| said.iter().find_map(|line| line.trim_start().strip_prefix(name)).map(str::trim);
    if !said.last()?.starts_with("ready") {
        return None;
    }
    let flight: SocketAddr = behind("Flight SQL")?.strip_prefix("grpc://")?.parse().ok()?;
    Some(Opened { flight, first_token: behind("token").map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &str, expected: Option<(&str, Option<&str>)>) {
        let lines: Vec<String> = said.lines().map(str::to_owned).collect();
        let expected = expected
            .map(|(flight, token)| Opened { flight: flight.parse().unwrap(), first_token: token.map(str::to_owned) });
        assert_eq!(parse_opened(&lines), expected);
    }

    #[test]
    fn the_address_and_the_token_are_found_in_what_is_said() {
        let open = "serving lake\n  Flight SQL  grpc://127.0.0.1:4711\n  HTTP        http://127.0.0.1:4712\n";
        let token = "  token       fl_1_2\n              for an admin, and shown this once\n";
        let ready = "ready; Ctrl-C ends it";
        check(&format!("{open}{token}{ready}"), Some(("127.0.0.1:4711", Some("fl_1_2"))));
        check(&format!("{open}{ready}"), Some(("127.0.0.1:4711", None)));
        check(open, None);
        check("error: there is no lake", None);
        check("", None);
    }
}
