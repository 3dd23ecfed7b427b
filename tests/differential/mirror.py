"""The second engine: the tables as they are now in DuckDB, and a full copy of each as it was at every version.

* A version's copies are never changed. A table that a version did not change shares its copy with the version before.
* Transactions are not DuckDB's: a rollback puts copies back, so that nothing rests on how DuckDB alters tables in one.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Callable

import duckdb
import pyarrow as pa

from tables import Table

# A table in the past, as the generators write it: ⟦orders@7⟧.
PAST = re.compile(r"⟦(\w+)@(\d+)⟧")

TABLES_AT_HAND = 64


def past(name: str, version: int) -> str:
    """A table at a version, to be written into a statement."""
    return f"⟦{name}@{version}⟧"


def for_lake(sql: str) -> str:
    """A statement as Frostline takes it."""
    return PAST.sub(r"\1 AS OF VERSION \2", sql)


@dataclass(frozen=True, eq=False)
class Copy:
    """All rows of a table at some time."""

    serial: int
    table: Table
    rows: pa.Table


@dataclass(frozen=True)
class Statement:
    """One statement for both engines."""

    kind: str
    sql: str
    # The tables that it changes, as they are afterwards; None where one is no more.
    changes: dict[str, Table | None]
    # What it does to the mirror, and how many rows it says to have changed, if it is asked.
    act: Callable[["Mirror"], int | None]
    may_fail: bool = False


class Mirror:
    """DuckDB's side."""

    def __init__(self):
        self.duck = duckdb.connect(config={"threads": 1})
        self.tables: dict[str, Copy] = {}
        self.versions: dict[int, dict[str, Copy]] = {}
        self._before: dict[str, Copy] | None = None
        self._at_hand: OrderedDict[int, str] = OrderedDict()
        self._copies = 0

    # Reading.

    def query(self, sql: str) -> pa.Table:
        """An answer, also about the past."""
        return self.duck.sql(self._rendered(sql)).to_arrow_table()

    def table_at(self, name: str, version: int) -> Table | None:
        copy = self.versions[version].get(name)
        return copy and copy.table

    # Changing.

    def take(self, statement: Statement) -> int | None:
        """Runs a statement. One that fails changes nothing."""
        before = {name: self.tables.get(name) for name in statement.changes}
        try:
            count = statement.act(self)
            for name, table in statement.changes.items():
                if table is None:
                    self.tables.pop(name, None)
                else:
                    self.tables[name] = self._copied(name, table)
            return count
        except duckdb.Error:
            for name, copy in before.items():
                self._put(name, copy)
            raise

    def run(self, sql: str) -> int | None:
        """Runs a statement of DuckDB's, and says how many rows it changed, if it does."""
        answer = self.duck.execute(self._rendered(sql)).fetchall()
        return answer[0][0] if answer and isinstance(answer[0][0], int) else None

    def overwrite(self, name: str, query: str) -> int | None:
        """Replaces a table's rows by those of a query, which still reads the rows before."""
        self.run(f"CREATE OR REPLACE TEMP TABLE incoming AS {query}")
        self.run(f"DELETE FROM {name}")
        return self.run(f"INSERT INTO {name} SELECT * FROM incoming")

    def put(self, name: str, copy: Copy | None):
        """Makes a table what it was at some time; without a copy it is no more."""
        self._put(name, copy)

    # Versions and transactions.

    def begin(self):
        self._before = dict(self.tables)

    def rollback(self):
        before, self._before = self._before or {}, None
        for name in {*before, *self.tables}:
            if self.tables.get(name) is not before.get(name):
                self._put(name, before.get(name))

    def commit(self, version: int):
        """Keeps what there is as a version."""
        self._before = None
        self.versions[version] = dict(self.tables)

    def _put(self, name: str, copy: Copy | None):
        self.duck.execute(f"DROP TABLE IF EXISTS {name}")
        if copy is None:
            self.tables.pop(name, None)
            return
        self.duck.execute(f"CREATE TABLE {name} ({copy.table.definition})")
        self._fill(name, copy)
        self.tables[name] = copy

    def _fill(self, name: str, copy: Copy):
        self.duck.register("copied", copy.rows)
        self.duck.execute(f"INSERT INTO {name} SELECT * FROM copied")
        self.duck.unregister("copied")

    def _copied(self, name: str, table: Table) -> Copy:
        rows = self.duck.sql(f"SELECT * FROM {name}").to_arrow_table()
        self._copies += 1
        return Copy(self._copies, table, rows)

    def _rendered(self, sql: str) -> str:
        return PAST.sub(lambda found: self._table_of(self.versions[int(found[2])][found[1]]), sql)

    def _table_of(self, copy: Copy) -> str:
        """A table of DuckDB's with these rows. Few are kept: a table takes more than a copy."""
        name = f"copy_{copy.serial}"
        if copy.serial not in self._at_hand:
            self.duck.execute(f"CREATE TABLE {name} ({copy.table.definition})")
            self._fill(name, copy)
            self._at_hand[copy.serial] = name
            if len(self._at_hand) > TABLES_AT_HAND:
                _, oldest = self._at_hand.popitem(last=False)
                self.duck.execute(f"DROP TABLE {oldest}")
        self._at_hand.move_to_end(copy.serial)
        return name
