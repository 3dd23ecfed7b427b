"""A connection to a lake that is served, at its newest version or pinned to a past."""

from __future__ import annotations

import datetime
import operator
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, SupportsIndex, cast

import pyarrow
from adbc_driver_flightsql import DatabaseOptions, dbapi
from adbc_driver_manager.dbapi import ProgrammingError

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
    tls_roots: str | bytes | os.PathLike[str] | None = None,
    options: Mapping[str, str] | None = None,
) -> Connection:
    """Connects to a server. It is asked nothing before the first statement.

    * ``url``: ``grpc://host:port``, ``grpc+tls://host:port`` or ``flightsql://host:port?transport=tcp``.
    * ``token``: by default ``$FROSTLINE_TOKEN``; none for a server that asks nobody.
    * ``schema``: the schema of names that have none; ``public`` otherwise.
    * ``message``: why the commits of this connection are made.
    * ``tls_roots``: certificates in PEM to trust, for a server with one of its own; or the ``pathlib.Path`` of a file.
    * ``options``: further options of the ADBC driver.
    """
    token = token or os.environ.get("FROSTLINE_TOKEN") or None
    driver = dict(options or {})
    if token:
        driver[DatabaseOptions.AUTHORIZATION_HEADER.value] = f"Bearer {token}"
    if tls_roots is not None:
        driver[DatabaseOptions.TLS_ROOT_CERTS.value] = _pem(tls_roots)
    if schema is not None:
        driver.update(_header("schema", schema))
    if message is not None:
        driver.update(_header("message", message))
    return Connection(dbapi.connect(url, db_kwargs=driver, autocommit=True), url, schema or "public")


class Connection:
    """A lake at its newest version, or pinned to a past.

    * Every statement commits by itself, and sees one state of the whole lake.
    * It is for one thread at a time.
    """

    def __init__(self, adbc: dbapi.Connection, url: str, schema: str, as_of: str | None = None) -> None:
        self._adbc = adbc
        self._url = url
        self._schema = schema
        self._as_of = as_of

    @property
    def adbc(self) -> dbapi.Connection:
        """The connection of ADBC, for whatever it does beyond this. It is at the newest version."""
        if self._as_of is not None:
            raise ValueError("ADBC's connection is not pinned; take it from the lake that `at` was asked of")
        return self._adbc

    def sql(self, query: str, parameters: Parameters | None = None) -> Result:
        """Runs one statement.

        ``parameters`` are the values of ``$1``, ``$2`` and so on, or of ``?``; a mapping gives those of ``$name``.
        """
        values = _bound(parameters)
        cursor = self._cursor()
        try:
            cursor.execute(query, values)
        except BaseException:
            cursor.close()
            raise
        return Result(cursor)

    def at(
        self, *, version: SupportsIndex | None = None, time: Time | None = None, tag: str | None = None
    ) -> Connection:
        """The same lake pinned to a past: a version's number, an instant, or a tag. Nothing can be written there.

        Times without a zone are in UTC, and a date is its beginning. A past that there is not is told by the first
        statement. What is given shares the connection, and closing it closes nothing.
        """
        given = [value for value in (version, time, tag) if value is not None]
        if len(given) != 1:
            raise TypeError("give exactly one of version, time and tag")
        if version is not None:
            as_of = _number(version)
        elif time is not None:
            as_of = _instant(time)
        else:
            as_of = cast(str, tag)
            if as_of.isdigit() or not as_of:
                raise ValueError(f"{as_of!r} is no tag; versions are given with version=")
        return Connection(self._adbc, self._url, self._schema, as_of)

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

        * ``table``: its name, or ``schema.table``. With ``schema`` a point is a part of the name.
        * ``data``: anything that speaks Arrow: tables, batches and readers of PyArrow, data frames of pandas (without
          their index) and Polars.
        * ``mode``: ``append`` to a table that is there, ``create`` one that is not, ``replace`` what is there, or
          ``create_append``.
        * ``message``: why.
        """
        if schema is None and "." in table:
            schema, _, table = table.partition(".")
        reader = _reader(data)
        headers = {} if message is None else {"message": message}
        with self._cursor(**headers) as cursor:
            return cursor.adbc_ingest(table, reader, mode=mode, db_schema_name=schema)

    def log(self, table: str | None = None, limit: int | None = None) -> pyarrow.Table:
        """The commits, newest first: all, or those that changed a table, named ``table`` or ``schema.table``."""
        query = "SELECT * FROM system.commits"
        parameters: list[Any] = []
        if table is not None:
            parameters.append(table if "." in table else f"{self._schema}.{table}")
            query += " WHERE array_has(tables, $1)"
        query += " ORDER BY version DESC"
        if limit is not None:
            query += f" LIMIT {int(limit)}"
        commits = self.sql(query, parameters).arrow()
        if table is not None and commits.num_rows == 0 and limit != 0:
            raise ValueError(f"there is and was no table {parameters[0]!r}; upper and lower case differ")
        return commits

    def version(self) -> int:
        """The newest version, or the one that the connection is pinned to."""
        return int(self.sql("SELECT current_version() AS version").scalar())

    def close(self) -> None:
        """Closes the connection, for what ``at`` gave too. What was read stays."""
        if self._as_of is None:
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
        return f"<frostline {self._url}{f' as of {self._as_of}' if self._as_of else ''}>"

    def _cursor(self, **headers: str) -> dbapi.Cursor:
        """A cursor whose statement is sent with these headers, and to the past that is pinned."""
        if self._as_of is not None:
            headers["as_of"] = self._as_of
        try:
            cursor = self._adbc.cursor()
        except ProgrammingError as error:
            raise ValueError("the connection is closed") from error
        for name, value in headers.items():
            # First what the connection says of it is taken away: two values would be sent.
            cursor.adbc_statement.set_options(**{f"{_HEADER}{name}": "", f"{_HEADER}{name}-bin": ""})
            cursor.adbc_statement.set_options(**_header(name, value))
        return cursor


def _pem(roots: str | bytes | os.PathLike[str]) -> str:
    if isinstance(roots, os.PathLike):
        return pathlib.Path(roots).read_text(encoding="ascii")
    return roots.decode() if isinstance(roots, bytes) else roots


def _header(name: str, value: str) -> dict[str, str]:
    """The option of ADBC that sends a header. Plain headers are ASCII; gRPC sends others under a name of their own."""
    is_plain = value.isascii() and value.isprintable()
    return {f"{_HEADER}{name}{'' if is_plain else '-bin'}": value}


def _bound(parameters: Parameters | None) -> Any:
    if parameters is None:
        return None
    if isinstance(parameters, Mapping):
        return pyarrow.RecordBatch.from_pylist([dict(parameters)]) if parameters else None
    if isinstance(parameters, (str, bytes)) or not isinstance(parameters, Sequence):
        raise TypeError(f"parameters are a list of values or a mapping of names to values, not {parameters!r}")
    return list(parameters) or None


def _reader(data: Any) -> pyarrow.RecordBatchReader:
    # pandas by itself would give an index that is not a plain count as one more column.
    if type(data).__module__.partition(".")[0] == "pandas":
        data = pyarrow.Table.from_pandas(data, preserve_index=False)
    if not hasattr(data, "__arrow_c_stream__"):
        raise TypeError(f"rows are a table, a batch or a reader of Arrow, or a data frame, not {type(data).__name__}")
    reader = pyarrow.RecordBatchReader.from_stream(data)
    return pyarrow.RecordBatchReader.from_batches(reader.schema, _at_least_one(reader))


def _at_least_one(reader: pyarrow.RecordBatchReader) -> Iterator[pyarrow.RecordBatch]:
    # The driver sends nothing at all of what has no batch, not even its columns.
    batch = None
    for batch in reader:
        yield batch
    if batch is None:
        columns = [column.combine_chunks() for column in reader.schema.empty_table().columns]
        yield pyarrow.RecordBatch.from_arrays(columns, schema=reader.schema)


def _number(version: SupportsIndex) -> str:
    try:
        number = operator.index(version)
    except TypeError:
        number = 0
    if number < 1 or isinstance(version, bool):
        raise ValueError(f"a version is a whole number from 1 on, not {version!r}")
    return str(number)


def _instant(time: Time) -> str:
    if isinstance(time, datetime.datetime):
        zoned = time if time.tzinfo is not None else time.replace(tzinfo=datetime.timezone.utc)
        return zoned.astimezone(datetime.timezone.utc).isoformat(timespec="microseconds")
    if isinstance(time, datetime.date):
        return time.isoformat()
    return time
