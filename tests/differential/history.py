"""One history: random statements on both engines, compared after each of them, and at every version at the end."""

import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa
from adbc_driver_flightsql import dbapi

from compare import Floats, difference
from lake import Kind, Lake
from mirror import Mirror, Statement, for_lake
from queries import Queries, Query, whole
from statements import Statements

# Of how many statements one is followed by a query of a random version.
QUERIES_SHARE = 0.3
TRANSACTIONS_SHARE = 0.06
COUNTED = {"insert", "insert query", "insert by name", "update", "update from", "delete", "delete using", "merge"}


class Mismatch(AssertionError):
    """The engines differ."""


class History:
    """A history of a lake of each kind, and of its mirror."""

    def __init__(self, seed: int, kinds: list[Kind], folder: Path):
        self.seed = seed
        self.rng = Random(seed)
        self.mirror = Mirror()
        self.statements = Statements(self.rng, self.mirror)
        self.queries = Queries(self.rng, self.mirror)
        self.done: list[str] = []
        self.kinds_run: Counter = Counter()
        self.failed = 0
        self.queries_run = 0
        self.in_transaction = False
        self.pool = ThreadPoolExecutor(len(kinds))
        self.lakes = [Lake(kind, folder) for kind in kinds]
        self.version = 1
        self.mirror.commit(1)

    def run(self, count: int):
        """Runs so many statements, and then looks at every version."""
        for _ in range(count):
            self._step()
        if self.in_transaction:
            self._end_transaction()
        self._check_kinds()
        for lake in self.lakes:
            lake.reopen()
        self.check_every_version()

    def close(self):
        for lake in self.lakes:
            lake.close()
        self.pool.shutdown()

    def check_every_version(self):
        """Each copy at the first and the last version that has it, and a query of each version."""
        last: dict[int, tuple[str, int]] = {}
        first: set[tuple[str, int]] = set()
        for version in sorted(self.mirror.versions):
            for name, copy in self.mirror.versions[version].items():
                if copy.serial not in last:
                    first.add((name, version))
                    self._ask(whole(name, version))
                last[copy.serial] = (name, version)
            query = self.queries.random(version)
            if query is not None:
                self._ask(query)
        for name, version in last.values():
            if (name, version) not in first:
                self._ask(whole(name, version))

    def _step(self):
        if self.in_transaction and self.rng.random() < 0.18:
            self._end_transaction()
        elif not self.in_transaction and self.rng.random() < TRANSACTIONS_SHARE:
            self._on_lakes("BEGIN")
            self.mirror.begin()
            self.in_transaction = True
        self._take(self.statements.random(self.in_transaction))
        if self.rng.random() < QUERIES_SHARE:
            query = self.queries.random(self.rng.choice(list(self.mirror.versions)))
            if query is not None:
                self._ask(query)

    def _take(self, statement: Statement):
        before = {name: self.mirror.tables.get(name) for name in statement.changes}
        expected: int | Exception | None
        try:
            expected = self.mirror.take(statement)
        except duckdb.Error as error:
            expected = error
        given = self._on_lakes(statement.sql)
        self.kinds_run[statement.kind] += 1
        if isinstance(expected, Exception):
            self._failed(statement, expected, given)
            return
        for lake, outcome in zip(self.lakes, given):
            if isinstance(outcome, Exception):
                self._differ(lake, statement.sql, f"DuckDB: {expected} rows", f"error: {outcome}")
            if statement.kind in COUNTED and outcome >= 0 and expected is not None and outcome != expected:
                self._differ(lake, statement.sql, f"{expected} rows changed", f"{outcome} rows changed")
        self.statements.taken(statement, {name: copy and copy.table for name, copy in before.items()})
        self._check_tables(statement)
        if not self.in_transaction:
            self._settle(statement.sql)

    def _failed(self, statement: Statement, expected: Exception, given: list):
        self.failed += 1
        for lake, outcome in zip(self.lakes, given):
            if not isinstance(outcome, Exception):
                self._differ(lake, statement.sql, f"error: {expected}", f"{outcome} rows changed")
            if not statement.may_fail:
                self._differ(lake, statement.sql, f"error: {expected}", f"error: {outcome}")
        if self.in_transaction:
            self._rollback()
        self._check_tables(statement)
        if not self.in_transaction:
            self._settle(statement.sql)

    def _end_transaction(self):
        if self.rng.random() < 0.35:
            self._rollback()
            return
        outcomes = self._on_lakes("COMMIT")
        for lake, outcome in zip(self.lakes, outcomes):
            if isinstance(outcome, Exception):
                self._differ(lake, "COMMIT", "a commit", f"error: {outcome}")
        self.in_transaction = False
        self._settle("COMMIT")

    def _rollback(self):
        touched = set(self.mirror.tables)
        self._on_lakes("ROLLBACK")
        self.mirror.rollback()
        self.statements.rolled_back()
        self.in_transaction = False
        for name in sorted(touched & set(self.mirror.tables)):
            self._ask(whole(name))

    def _settle(self, sql: str):
        """Keeps the version that a commit has made, if it made one."""
        versions = list(self.pool.map(lambda lake: lake.version(), self.lakes))
        if len(set(versions)) > 1:
            raise Mismatch(self._told(sql, "all lakes at one version", f"versions {versions}"))
        version = versions[0]
        if version == self.version:
            now, then = self.mirror.tables, self.mirror.versions[version]
            same = set(now) == set(then) and all(
                now[name].table == then[name].table
                and not difference(then[name].rows, now[name].rows, Floats.BY_BITS)
                for name in now
            )
            if not same:
                raise Mismatch(self._told(sql, "another version", f"still version {version}"))
            # The copies of the version stand for the same rows.
            self.mirror.tables = dict(then)
            self.statements.rolled_back()
            return
        if version != self.version + 1:
            raise Mismatch(self._told(sql, f"version {self.version + 1}", f"version {version}"))
        self.version = version
        self.mirror.commit(version)
        self.statements.committed(version)

    def _check_tables(self, statement: Statement):
        for name in statement.changes:
            if name in self.mirror.tables:
                self._ask(whole(name))
            else:
                # Not by reading it: an error would end the transaction.
                self._tell_apart(f"SELECT count(*) FROM system.tables WHERE table_name = '{name}'", [(0,)])

    def _ask(self, query: Query):
        """Asks everybody, and compares."""
        self.queries_run += 1
        try:
            expected = self.mirror.query(query.sql)
        except duckdb.Error as error:
            told = self._told(query.sql, f"error: {error}", "not asked; the generator made a bad query")
            raise Mismatch(told) from error
        answers = self._on_lakes(query.sql, is_query=True)
        for lake, given in zip(self.lakes, answers):
            if isinstance(given, Exception):
                self._differ(lake, query.sql, f"{expected.num_rows} rows", f"error: {given}")
            if found := difference(expected, given, Floats.BY_VALUE, query.is_ordered):
                self._differ(lake, query.sql, "the rows expected", found)
            if query.is_exact and (found := difference(answers[0], given, Floats.BY_BITS)):
                first = self.lakes[0].kind.name
                self._differ(lake, query.sql, f"not asked; the {first} lake's rows are expected", found)

    def _tell_apart(self, sql: str, expected: list[tuple]):
        """Asks the lakes what DuckDB cannot be asked."""
        for lake, given in zip(self.lakes, self._on_lakes(sql, is_query=True)):
            rows = given if isinstance(given, Exception) else list(zip(*(c.to_pylist() for c in given.columns)))
            if rows != expected:
                self._differ(lake, sql, f"{expected}", f"{rows}")

    def _on_lakes(self, sql: str, is_query: bool = False) -> list:
        """What each lake gives: rows, a count, or an error."""
        if not is_query:
            self.done.append(for_lake(sql))

        def run(lake: Lake) -> pa.Table | int | Exception:
            try:
                return lake.query(for_lake(sql)) if is_query else lake.execute(for_lake(sql))
            except dbapi.Error as error:
                return error

        return list(self.pool.map(run, self.lakes))

    def _check_kinds(self):
        for lake in self.lakes:
            kinds = lake.kinds_of_segments()
            if not kinds <= {lake.kind.name}:
                raise Mismatch(self._told("", f"only {lake.kind.name} segments", f"{kinds}"))

    def _differ(self, lake: Lake, sql: str, expected: str, given: str):
        raise Mismatch(self._told(sql, expected, f"({lake.kind.name} lake) {given}"))

    def _told(self, sql: str, expected: str, given: str) -> str:
        names = {"prefix": f"differential-{self.seed}-", "suffix": ".sql"}
        with tempfile.NamedTemporaryFile("w", delete=False, **names) as script:
            script.writelines(f"{statement};\n" for statement in self.done)
        return (
            f"seed {self.seed}, statement {sum(self.kinds_run.values())}, version {self.version}\n"
            f"{for_lake(sql)}\n  DuckDB: {expected}\n  Frostline: {given}\n"
            f"the statements before it: {script.name}, of which the last are\n  " + "\n  ".join(self.done[-6:])
        )
