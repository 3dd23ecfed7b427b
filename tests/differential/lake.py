"""A lake that a `frostline serve` of its own serves, and a session there."""

import os
import re
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from adbc_driver_flightsql import dbapi

PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Kind:
    """How a lake keeps new rows: in the slot that commits them, or as Parquet."""

    name: str
    binary: str
    hot_size: str


class Lake:
    """A served lake. All its statements go through one session."""

    def __init__(self, kind: Kind, folder: Path):
        self.kind = kind
        others = ("FROSTLINE_", "RUST_")
        self._environment = {key: value for key, value in os.environ.items() if not key.startswith(others)}
        self._environment |= {"FROSTLINE_LAKE": str(folder / kind.name), "FROSTLINE_AUTHOR": "tester"}
        self._environment |= {"FROSTLINE_WRITE_HOT_SIZE": kind.hot_size}
        subprocess.run([kind.binary, "init"], env=self._environment, check=True, capture_output=True)
        self._serve()

    def execute(self, sql: str) -> int:
        """Runs what writes, or is about a transaction, and says how many rows it changed; -1 if that is no question."""
        self._cursor.execute(sql)
        return self._cursor.rowcount

    def query(self, sql: str) -> pa.Table:
        self._cursor.execute(sql)
        return self._cursor.fetch_arrow_table()

    def version(self) -> int:
        return self.query("SELECT current_version()").column(0)[0].as_py()

    def kinds_of_segments(self) -> set[str]:
        """`hot`, `frozen` or both."""
        return set(self.query("SELECT DISTINCT kind FROM system.segments").column(0).to_pylist())

    def reopen(self):
        """Another server, which knows nothing but what the lake holds."""
        self.close()
        self._serve()

    def close(self):
        self._cursor.close()
        self._connection.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _serve(self):
        local = ["--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--no-auth"]
        command = [self.kind.binary, "serve", *local]
        self._process = subprocess.Popen(command, env=self._environment, stderr=subprocess.PIPE, text=True)
        url = None
        for line in self._process.stderr:
            if found := re.search(r"Flight SQL\s+(\S+)", line):
                url = found[1]
                break
        assert url, "the server does not say where it is"
        # It is read on to the end, so that the server never waits for somebody to read its log.
        threading.Thread(target=self._process.stderr.read, daemon=True).start()
        self._connection = dbapi.connect(url, autocommit=True)
        self._cursor = self._connection.cursor()
