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
        Response::read(self.send(&format!("{request} HTTP/1.1"), headers, body))
    }

    /// Sends a request, and leaves the answer to whoever reads it.
    pub(crate) fn send(&self, request: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
        let url = self.told("HTTP").expect("the banner names the address");
        let address = url.split_once("://").map(|(_, address)| address).expect("a URL");
        let mut stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has timeouts");
        let length = body.len();
        let mut text = format!("{request}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(body);
        stream.write_all(text.as_bytes()).expect("the server reads");
        stream
    }

    /// Runs a statement with a token.
    pub(crate) fn sql(&self, token: &str, sql: &str) -> Response {
        self.ask("POST /sql", &[("authorization", &format!("Bearer {token}"))], sql)
    }

    /// Asks the server to end, as an init system does.
    #[cfg(unix)]
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().expect("there is a `kill`");
        assert!(told.success());
    }

    /// Waits for the server to end.
    #[cfg(unix)]
    pub(crate) fn wait(mut self) -> ExitStatus {
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
    /// Reads an answer to its end.
    #[track_caller]
    pub(crate) fn read(mut stream: TcpStream) -> Self {
        let mut answer: Vec<u8> = Vec::new();
        stream.read_to_end(&mut answer).expect("the server answers");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len());
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let rest = answer.get(end + 4..).unwrap_or_default();
        let body = match head.contains("transfer-encoding: chunked") {
            true => joined(rest).expect("the answer does not break off"),
            false => rest.to_vec(),
        };
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head, body: String::from_utf8_lossy(&body).into_owned() }
    }

    /// Fails unless the answer has this status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }
}

/// The bytes of a body that came in chunks; `None` if the last of them is missing.
fn joined(mut chunks: &[u8]) -> Option<Vec<u8>> {
    let mut body: Vec<u8> = Vec::new();
    loop {
        let end = chunks.windows(2).position(|two| two == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&chunks[..end]).ok()?, 16).ok()?;
        if length == 0 {
            return Some(body);
        }
        let start = end + 2;
        body.extend_from_slice(chunks.get(start..start + length)?);
        chunks = chunks.get(start + length + 2..)?;
    }
}
