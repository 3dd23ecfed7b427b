"""What a statement gave."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow
from adbc_driver_flightsql import dbapi

if TYPE_CHECKING:
    import pandas
    import polars

_SHOWN_ROWS = 20


class Result:
    """The rows of a statement; none for one that gives none.

    They are fetched when they are first asked for, and kept, unless they are taken with :meth:`batches`.
    """

    def __init__(self, cursor: dbapi.Cursor) -> None:
        self._cursor: dbapi.Cursor | None = cursor
        self._table: pyarrow.Table | None = None
        self._written = cursor.rowcount

    def batches(self) -> Iterator[pyarrow.RecordBatch]:
        """One batch after the other, as they come. They can be taken once."""
        if self._table is not None:
            yield from self._table.to_batches()
            return
        cursor = self._take()
        try:
            yield from cursor.fetch_record_batch()
        finally:
            cursor.close()

    def arrow(self) -> pyarrow.Table:
        """All rows, as a table of PyArrow."""
        if self._table is None:
            cursor = self._take()
            try:
                self._table = cursor.fetch_arrow_table()
            finally:
                cursor.close()
        return self._table

    def pandas(self) -> pandas.DataFrame:
        """All rows, as a data frame of pandas."""
        frame: pandas.DataFrame = self.arrow().to_pandas()
        return frame

    def polars(self) -> polars.DataFrame:
        """All rows, as a data frame of Polars."""
        import polars

        frame = polars.from_arrow(self.arrow())
        return frame if isinstance(frame, polars.DataFrame) else frame.to_frame()

    def rows(self) -> list[tuple[Any, ...]]:
        """All rows, as tuples of Python's own values."""
        table = self.arrow()
        columns = [column.to_pylist() for column in table.columns]
        return list(zip(*columns)) if columns else []

    def scalar(self) -> Any:
        """The only value of a result of one row and one column."""
        table = self.arrow()
        if (table.num_rows, table.num_columns) != (1, 1):
            raise ValueError(f"the result has {table.num_rows} rows and {table.num_columns} columns, not one value")
        return table.column(0)[0].as_py()

    def close(self) -> None:
        """Ends the statement, if its rows were not fetched yet."""
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        table: Any = self.arrow()
        return table.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return int(self.arrow().num_rows)

    def __repr__(self) -> str:
        if self._is_gone():
            return "<frostline result: taken or closed>"
        table = self.arrow()
        if table.num_columns == 0:
            return f"<frostline result: {max(self._written, 0)} rows written>"
        return f"<frostline result: {table.num_rows} rows, {table.num_columns} columns>"

    def _repr_html_(self) -> str:
        if self._is_gone() or self.arrow().num_columns == 0:
            return f"<p>{html.escape(repr(self))}</p>"
        table = self.arrow()
        columns = [column.to_pylist() for column in table.slice(0, _SHOWN_ROWS).columns]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in table.column_names)
        body = "".join(f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in zip(*columns))
        count = f"<p>{table.num_rows} rows</p>" if table.num_rows > _SHOWN_ROWS else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{count}"

    def _is_gone(self) -> bool:
        return self._table is None and self._cursor is None

    def _take(self) -> dbapi.Cursor:
        if self._cursor is None:
            raise ValueError("the rows were taken already, or the result was closed")
        cursor, self._cursor = self._cursor, None
        return cursor


def _cell(value: Any) -> str:
    return f"<td>{html.escape('NULL' if value is None else str(value))}</td>"
