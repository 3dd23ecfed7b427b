"""A connection to a lake that is served, at its newest version or pinned to a past."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, cast

import pyarrow
from adbc_driver_flightsql import DatabaseOptions, dbapi

from .result import Result

Mode = Literal["append", "create", "replace", "create_append"]
Time = datetime.datetime | datetime.date | str
Parameters = Sequence[Any] | Mapping[str, Any]

_HEADER = DatabaseOptions.RPC_CALL_HEADER_PREFIX.value


def connect(
    url: str,
    *,
    token: str | None = None,
    schema: str | None = None,
    message: str | None = None,
    tls_roots: str | bytes | None = None,
    options: Mapping[str, str] | None = None,
) -> Connection:
    """Connects to a server.

    * ``url``: ``grpc://host:port``, ``grpc+tls://host:port`` or ``flightsql://host:port?transport=tcp``.
    * ``token``: by default ``$FROSTLINE_TOKEN``; none for a server that asks nobody.
    * ``schema``: the schema of names that have none; ``public`` otherwise.
    * ``message``: why the commits of this connection are made.
    * ``tls_roots``: certificates in PEM to trust, for a server with one of its own.
    * ``options``: further options of the ADBC driver.
    """
    token = token or os.environ.get("FROSTLINE_TOKEN") or None
    driver = dict(options or {})
    if token:
        driver[DatabaseOptions.AUTHORIZATION_HEADER.value] = f"Bearer {token}"
    if tls_roots is not None:
        pem = tls_roots.decode() if isinstance(tls_roots, bytes) else tls_roots
        driver[DatabaseOptions.TLS_ROOT_CERTS.value] = pem
    headers = {name: value for name, value in (("schema", schema), ("message", message)) if value is not None}
    return Connection(url, driver, headers)


class Connection:
    """A lake at its newest version, or pinned to a past.

    * Every statement commits by itself, and sees one state of the whole lake.
    * It is for one thread at a time.
    """

    def __init__(self, url: str, driver: Mapping[str, str], headers: Mapping[str, str]) -> None:
        self._url = url
        self._driver = dict(driver)
        self._headers = dict(headers)
        self._derived: list[Connection] = []
        named = {f"{_HEADER}{name}": value for name, value in self._headers.items()}
        self._adbc = dbapi.connect(url, db_kwargs={**self._driver, **named}, autocommit=True)

    @property
    def adbc(self) -> dbapi.Connection:
        """The connection of ADBC, for whatever it does beyond this."""
        return self._adbc

    def sql(self, query: str, parameters: Parameters | None = None) -> Result:
        """Runs one statement.

        ``parameters`` are the values of ``$1``, ``$2`` and so on, or of ``?``; a mapping gives those of ``$name``.
        """
        cursor = self._adbc.cursor()
        try:
            cursor.execute(query, _bound(parameters))
        except BaseException:
            cursor.close()
            raise
        return Result(cursor)

    def at(
        self, *, version: int | None = None, time: Time | None = None, tag: str | None = None
    ) -> Connection:
        """The same lake pinned to a past: a version's number, an instant, or a tag. Nothing can be written there.

        Times without a zone are in UTC, and a date is its beginning.
        """
        given = [value for value in (version, time, tag) if value is not None]
        if len(given) != 1:
            raise TypeError("give exactly one of version, time and tag")
        if version is not None:
            if isinstance(version, bool) or not isinstance(version, int) or version < 1:
                raise ValueError(f"a version is a whole number from 1 on, not {version!r}")
            as_of = str(version)
        elif time is not None:
            as_of = _instant(time)
        else:
            as_of = cast(str, tag)
            if as_of.isdigit() or not as_of:
                raise ValueError(f"{as_of!r} is no tag; versions are given with version=")
        return self._with_headers(as_of=as_of)

    def ingest(
        self,
        table: str,
        data: Any,
        *,
        mode: Mode = "append",
        schema: str | None = None,
        message: str | None = None,
    ) -> int:
        """Writes rows into a table, in one commit, and gives their number.

        * ``data``: anything that speaks Arrow: tables, batches and readers of PyArrow, data frames of pandas (without
          their index) and Polars.
        * ``mode``: ``append`` to a table that is there, ``create`` one that is not, ``replace`` what is there, or
          ``create_append``.
        """
        if message is not None:
            writer = self._with_headers(message=message)
            try:
                return writer.ingest(table, data, mode=mode, schema=schema)
            finally:
                writer.close()
                self._derived.remove(writer)
        with self._adbc.cursor() as cursor:
            return cursor.adbc_ingest(table, _arrow(data), mode=mode, db_schema_name=schema)

    def log(self, table: str | None = None, limit: int | None = None) -> pyarrow.Table:
        """The commits, newest first: all, or those that changed a table, named ``table`` or ``schema.table``."""
        query = "SELECT * FROM system.commits"
        parameters: list[Any] = []
        if table is not None:
            name = table if "." in table else f"{self._headers.get('schema', 'public')}.{table}"
            query += " WHERE array_has(tables, $1)"
            parameters.append(name)
        query += " ORDER BY version DESC"
        if limit is not None:
            query += f" LIMIT {int(limit)}"
        return self.sql(query, parameters or None).arrow()

    def version(self) -> int:
        """The newest version, or the one that the connection is pinned to."""
        return int(self.sql("SELECT current_version() AS version").scalar())

    def close(self) -> None:
        """Closes the connection, and what ``at`` gave. What was read stays."""
        while self._derived:
            self._derived.pop().close()
        self._adbc.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        pinned = self._headers.get("as_of")
        return f"<frostline {self._url}{f' as of {pinned}' if pinned else ''}>"

    def _with_headers(self, **headers: str) -> Connection:
        derived = Connection(self._url, self._driver, {**self._headers, **headers})
        self._derived.append(derived)
        return derived


def _bound(parameters: Parameters | None) -> Any:
    if not parameters:
        return None
    if isinstance(parameters, Mapping):
        return pyarrow.RecordBatch.from_pylist([dict(parameters)])
    return list(parameters)


def _arrow(data: Any) -> Any:
    # pandas by itself would give an index that is not a plain count as one more column.
    if type(data).__module__.partition(".")[0] == "pandas":
        return pyarrow.Table.from_pandas(data, preserve_index=False)
    return data


def _instant(time: Time) -> str:
    if isinstance(time, datetime.datetime):
        zoned = time if time.tzinfo is not None else time.replace(tzinfo=datetime.timezone.utc)
        return zoned.astimezone(datetime.timezone.utc).isoformat(timespec="microseconds")
    if isinstance(time, datetime.date):
        return time.isoformat()
    return time
