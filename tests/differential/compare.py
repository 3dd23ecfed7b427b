"""Whether two answers are the same.

Rows are compared as a multiset: the order of rows without ORDER BY is nobody's promise. Numbers are compared by value,
whatever their type is called: DuckDB sums integers into 128 bits, Frostline into 64. NaN equals NaN.
"""

import datetime
import decimal
import math
from collections import Counter
from enum import Enum

import pyarrow as pa

DIFFERENT_ROWS_MAX = 8
DIGITS = 10


class Floats(Enum):
    """When two floats are the same.

    Between DuckDB and a lake it is their value, as far as `DIGITS` tell it: -0.0 equals 0.0, and DuckDB itself takes
    the one for the other where a statement has both among its constants. Two lakes have the same bits in a column.
    """

    BY_BITS = 1
    BY_VALUE = 2


def rows_of(table: pa.Table, floats: Floats) -> list[tuple]:
    """The rows, each value in a form in which equal ones are equal."""
    columns = [[_normal(value, floats) for value in column.to_pylist()] for column in table.columns]
    return list(zip(*columns)) if columns else []


def difference(expected: pa.Table, given: pa.Table, floats: Floats, is_ordered: bool = False) -> str | None:
    """In which way an answer differs from what it should be; `None` if it does not."""
    if expected.num_columns != given.num_columns:
        return f"columns {expected.schema.names} expected, {given.schema.names} given"
    wanted, got = rows_of(expected, floats), rows_of(given, floats)
    missing, surplus = Counter(wanted) - Counter(got), Counter(got) - Counter(wanted)
    if not missing and not surplus:
        if is_ordered and wanted != got:
            return f"in another order:\n  expected {wanted[:40]}\n  given    {got[:40]}"
        return None
    return (
        f"{len(wanted)} rows expected, {len(got)} given\n"
        f"  expected and not given: {_shown(missing)}\n  given and not expected: {_shown(surplus)}"
    )


def _normal(value, floats: Floats):
    match value:
        case bool() | None | str() | datetime.datetime():
            return value
        case int():
            return decimal.Decimal(value)
        case float() if math.isnan(value):
            return "NaN"
        case float() if value == 0.0:
            return "-0.0" if floats is Floats.BY_BITS and math.copysign(1.0, value) < 0 else decimal.Decimal(0)
        case float() if math.isinf(value):
            return str(value)
        case float():
            return decimal.Decimal(f"{value:.{DIGITS}g}") if floats is Floats.BY_VALUE else decimal.Decimal(value)
        case datetime.date():
            return datetime.datetime(value.year, value.month, value.day)
    return value


def _shown(rows: Counter) -> str:
    shown = ", ".join(str(row) for row in list(rows.elements())[:DIFFERENT_ROWS_MAX])
    return shown + (f", … ({rows.total()} in all)" if rows.total() > DIFFERENT_ROWS_MAX else "")
