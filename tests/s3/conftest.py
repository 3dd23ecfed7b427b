"""A lake on S3, and the command as a user runs it there. `FROSTLINE_BIN` names the built binary."""

import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

import server as s3_server

BINARY = os.environ.get("FROSTLINE_BIN", "frostline")
BUCKET = "lake"
PREFIX = "some/where"
LIMIT_SECONDS = 120


@dataclass
class Outcome:
    """What a command did."""

    code: int
    stdout: str
    stderr: str

    def succeeds(self) -> "Outcome":
        assert self.code == 0, self
        return self

    def fails(self, *codes: int) -> "Outcome":
        assert self.code in codes, self
        return self

    def requests(self, work: str) -> list[dict[str, int]]:
        """What `-v` said of the requests of some work, for each time it was done."""
        start = f"requests of {work}: "
        lines = [line.removeprefix(start) for line in self.stderr.splitlines() if line.startswith(start)]
        counts = []
        for line in lines:
            pairs = [] if line == "none" else [part.split(" ", 1) for part in line.split(", ")]
            counts.append({name: int(number) for number, name in pairs})
        return counts


class Server:
    """An S3 server of its own process."""

    def __init__(self):
        command = [sys.executable, s3_server.__file__, "--bucket", BUCKET, "--prefix", PREFIX, "--limit", "300"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on "), line
        self.endpoint = line.removeprefix("listening on ").strip()

    def faults(self, *faults: dict):
        """Lets these things go wrong from now on, and nothing else."""
        self._ask("POST", "faults", json.dumps(faults).encode())

    def requests(self) -> list[dict]:
        """The requests since they were forgotten."""
        return json.loads(self._ask("GET", "requests"))

    def forget_requests(self):
        self._ask("DELETE", "requests")

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(f"{self.endpoint}/_test/{path}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()


class Lake:
    """The place of a lake on a server, and the command there."""

    def __init__(self, server: Server, folder: Path):
        self.server = server
        self.folder = folder
        self.location = f"s3://{BUCKET}/{PREFIX}"

    def environment(self, **changes: str | None) -> dict[str, str]:
        """The variables of a command: none of the tester's own that reach a store. `None` takes one away."""
        own = {
            "FROSTLINE_LAKE": self.location,
            "FROSTLINE_AUTHOR": "tester",
            "AWS_ENDPOINT_URL_S3": self.server.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": s3_server.KEY_ID,
            "AWS_SECRET_ACCESS_KEY": s3_server.SECRET,
            "HOME": str(self.folder),
        }
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "FROSTLINE_", "RUST_"))}
        return {key: value for key, value in {**kept, **own, **changes}.items() if value is not None}

    def start(self, *arguments: str, **environment: str | None) -> subprocess.Popen:
        return subprocess.Popen(
            [BINARY, *arguments],
            cwd=self.folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str | None) -> Outcome:
        return finish(self.start(*arguments, **environment))

    def sql(self, *statements: str, verbose: bool = False) -> Outcome:
        words = [word for statement in statements for word in ("-c", statement)]
        return self.run(*(["-v"] if verbose else []), "sql", *words)

    def number(self, sql: str) -> int:
        return int(self.sql(sql).succeeds().stdout.splitlines()[1])


def finish(process: subprocess.Popen) -> Outcome:
    try:
        stdout, stderr = process.communicate(timeout=LIMIT_SECONDS)
    finally:
        process.kill()
    return Outcome(process.returncode, stdout, stderr)


@pytest.fixture
def server():
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def place(server, tmp_path) -> Lake:
    """A place where no lake was created."""
    return Lake(server, tmp_path)


@pytest.fixture
def lake(place) -> Lake:
    """A lake with an empty table `t (a BIGINT)`, at version 2."""
    return with_table(place)


@pytest.fixture
def two_lakes(tmp_path):
    """Two lakes with such a table, each on a server of its own."""
    servers = [Server(), Server()]
    yield [with_table(Lake(server, tmp_path)) for server in servers]
    for server in servers:
        server.stop()


def with_table(place: Lake) -> Lake:
    place.run("init").succeeds()
    place.sql("CREATE TABLE t (a BIGINT)").succeeds()
    place.server.forget_requests()
    return place
