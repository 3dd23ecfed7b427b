"""A running server, and a table of each test's own.

`FROSTLINE_URL` is where Flight SQL is served, as `grpc://127.0.0.1:4711`, `FROSTLINE_HTTP_URL` where HTTP is, and
`FROSTLINE_TOKEN` an admin's token.
"""

import itertools
import os
import sys
import urllib.parse
from pathlib import Path

import pytest
from adbc_driver_flightsql import DatabaseOptions, dbapi

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

COUNTER = itertools.count(1)


@pytest.fixture(scope="session")
def url() -> str:
    return os.environ["FROSTLINE_URL"]


@pytest.fixture(scope="session")
def address(url) -> tuple[str, int]:
    parts = urllib.parse.urlsplit(url)
    return parts.hostname, parts.port


@pytest.fixture(scope="session")
def http_url() -> str:
    return os.environ["FROSTLINE_HTTP_URL"]


@pytest.fixture(scope="session")
def token() -> str:
    return os.environ["FROSTLINE_TOKEN"]


@pytest.fixture(scope="session")
def options(token) -> dict[str, str]:
    """The options of ADBC that let a client in."""
    return {DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {token}"}


@pytest.fixture
def connection(url, options):
    with dbapi.connect(url, db_kwargs=options, autocommit=True) as connection:
        yield connection


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"table_{os.getpid()}_{next(COUNTER)}"


@pytest.fixture
def orders(connection, name) -> str:
    """A table with three rows: one has no amount."""
    with connection.cursor() as cursor:
        cursor.executescript(f"CREATE TABLE {name} (id BIGINT NOT NULL, buyer VARCHAR, amount DECIMAL(10, 2))")
        cursor.executescript(f"INSERT INTO {name} VALUES (1, 'ann', 2.50), (2, 'bob', NULL), (3, 'cy', 10)")
    return name


@pytest.fixture
def rows(connection):
    """Rows of a query, by a connection of their own statement."""

    def fetch(query: str, parameters=None) -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()

    return fetch
