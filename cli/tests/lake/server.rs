//! A server of a test's lake, on ports that are free.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::TestLake;

/// A server that says nothing for so long hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that serves a lake. It is killed with the value, if it still runs.
pub(crate) struct Server {
    child: Child,
    lines: Receiver<String>,
    /// What it said before it was ready.
    said: Vec<String>,
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Server {
    /// Starts one with these flags, and waits until its doors are open.
    pub(crate) fn start(lake: &TestLake, flags: &[&str]) -> Self {
        let local = ["serve", "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"];
        let arguments: Vec<&str> = local.iter().chain(flags).copied().collect();
        let mut child = lake.command(&arguments).spawn().expect("the command starts");
        let stderr = child.stderr.take().expect("standard error is a pipe");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut server = Self { child, lines, said: Vec::new() };
        server.said = server.lines_until("ready");
        server
    }

    /// The lines up to the next one that holds a word, which is the last of them.
    pub(crate) fn lines_until(&self, word: &str) -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => said.push(line),
                Err(error) => unreachable!("{word} is not said ({error}): {said:#?}"),
            }
            if said.last().is_some_and(|line| line.contains(word)) {
                return said;
            }
        }
    }

    /// What the banner says behind a word.
    pub(crate) fn told(&self, word: &str) -> Option<&str> {
        let line = self.said.iter().find_map(|line| line.trim_start().strip_prefix(word))?;
        line.split_whitespace().last()
    }

    /// The admin token that was made.
    pub(crate) fn token(&self) -> String {
        self.told("token").map(str::to_owned).expect("the first start makes a token")
    }

    /// Sends a request and reads the answer to its end.
    pub(crate) fn ask(&self, request: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let url = self.told("HTTP").expect("the banner names the address");
        let address = url.split_once("://").map(|(_, address)| address).expect("a URL");
        let mut stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has timeouts");
        // HTTP 1.0: the body comes as it is, and the connection ends with it.
        let mut text = format!("{request} HTTP/1.0\r\nhost: {address}\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(body);
        stream.write_all(text.as_bytes()).expect("the server reads");
        let mut answer: Vec<u8> = Vec::new();
        stream.read_to_end(&mut answer).expect("the server answers");
        Response::parse(&String::from_utf8_lossy(&answer))
    }

    /// Runs a statement with a token.
    pub(crate) fn sql(&self, token: &str, sql: &str) -> Response {
        self.ask("POST /sql", &[("authorization", &format!("Bearer {token}"))], sql)
    }

    /// Asks the server to end, as an init system does, and waits for that.
    #[cfg(unix)]
    pub(crate) fn stop(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().expect("there is a `kill`");
        assert!(told.success());
        let deadline = Instant::now() + PATIENCE;
        // What it says ends with it.
        while Instant::now() < deadline && self.lines.recv_timeout(PATIENCE).is_ok() {}
        self.child.wait().expect("the process ends")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Response {
    fn parse(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    /// Fails unless the answer has this status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }
}
