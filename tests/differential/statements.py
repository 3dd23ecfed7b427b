"""Random statements, the same for both engines.

Where the engines' rules differ, a statement is made so that they do not:

* a source has each key once: DuckDB takes any of several rows for an UPDATE … FROM, Frostline refuses them;
* CREATE TABLE … AS casts each column: the engines give literals and sums different types;
* what only Frostline has (INSERT OVERWRITE, UPDATE SET *, RESTORE, UNDROP, CLONE) is spelled out for DuckDB, or done by
  means of the copies;
* a statement that may fail says so, and then fails on both sides or on none.
"""

from dataclasses import dataclass
from random import Random

from expressions import Expressions, Place
from features import has
from mirror import Mirror, Statement, past
from tables import Column, Table
from values import BIGINT, INTEGER, Type, bare_literal, literal, random_type, wider

NAMES = ["t0", "t1", "t2", "t3"]
COLUMN_NAMES = [f"c{number}" for number in range(7)]
ROWS_MAX = 150


@dataclass(frozen=True)
class Source:
    """Rows called s, at most one of which matches a row of the table called a. Their key is s.k."""

    sql: str
    columns: tuple[Column, ...]
    on: str


@dataclass
class Ended:
    """A table that was dropped or replaced; at which version, once that is known."""

    name: str
    id: int
    version: int | None
    was_committed: bool


class Statements:
    """Makes one statement after the other, for the tables that there are."""

    def __init__(self, rng: Random, mirror: Mirror):
        self.rng = rng
        self.mirror = mirror
        self.ended: list[Ended] = []
        self.settled: list[Ended] = []
        self._tables_made = 0

    # What became of the statements.

    def committed(self, version: int):
        for ended in self.ended:
            ended.version = ended.version or version
        self.settled = list(self.ended)

    def rolled_back(self):
        self.ended = list(self.settled)

    def taken(self, statement: Statement, before: dict[str, Table | None]):
        """To be told of each statement that succeeded, with the tables that it changed as they were."""
        alive = {copy.table.id for copy in self.mirror.tables.values()}
        known = {ended.id for ended in self.ended}
        for name, table in before.items():
            if table is not None and table.id not in alive and table.id not in known:
                newest = self.mirror.versions[max(self.mirror.versions)]
                was_committed = any(copy.table.id == table.id for copy in newest.values())
                self.ended.append(Ended(name, table.id, None, was_committed))
        self.ended = [ended for ended in self.ended if ended.id not in alive]

    # Choosing.

    def random(self, in_transaction: bool) -> Statement:
        rng = self.rng
        name = rng.choice(sorted(self.mirror.tables)) if self.mirror.tables else None
        if name is None or (len(self.mirror.tables) < 2 and rng.random() < 0.7):
            return self._create()
        rows = self.mirror.tables[name].rows.num_rows
        if rows > ROWS_MAX:
            return rng.choice([self._delete, self._truncate, self._overwrite])(name)
        if rows < 4 and rng.random() < 0.6:
            return self._insert(name)
        weighted = {
            self._insert: 8, self._insert_query: 6, self._insert_by_name: 2, self._update: 10, self._update_from: 6,
            self._delete: 7, self._delete_using: 3, self._merge: 14, self._merge_all: 4, self._truncate: 1,
            self._overwrite: 3, self._add_column: 4, self._drop_column: 3, self._rename_column: 3, self._drop: 2,
            self._failing: 5,
        }  # fmt: skip
        if has("widen"):
            weighted[self._widen] = 4
        if has("restore"):
            weighted[self._restore] = 5
        made = None
        chance = rng.random()
        if chance < 0.06:
            made = self._create()
        elif chance < 0.08 and has("clone"):
            made = self._clone()
        elif chance < 0.12 and has("undrop"):
            made = self._undrop()
        elif chance < 0.13 and has("restore") and not in_transaction:
            made = self._restore_lake()
        while made is None:
            made = rng.choices(list(weighted), list(weighted.values()))[0](name)
        return made

    # Rows.

    def _plain(self, kind: str, name: str, sql: str, may_fail: bool = False) -> Statement:
        """A statement that both engines take as it is, and that leaves the columns as they are."""
        changes = {name: self.mirror.tables[name].table}
        return Statement(kind, sql, changes, lambda mirror: mirror.run(sql), may_fail)

    def _table(self, name: str) -> Table:
        return self.mirror.tables[name].table

    def _expressions(self, *of: tuple[str, tuple[Column, ...]]) -> Expressions:
        places = [Place(f"{alias}.{column.name}", column.type) for alias, columns in of for column in columns]
        return Expressions(self.rng, places)

    def _value(self, column: Column, expressions: Expressions | None = None) -> str:
        """A value for a column; not NULL where the column takes none."""
        value = expressions.of(column.type) if expressions else literal(self.rng, column.type, 0.15)
        return value if column.is_nullable else f"coalesce({value}, {literal(self.rng, column.type)})"

    def _key(self) -> int:
        return self.rng.randint(0, 40)

    def _some(self, columns: tuple[Column, ...]) -> list[Column]:
        """Some columns, in any order, with all that take no NULL."""
        chosen = [column for column in columns if not column.is_nullable or self.rng.random() < 0.7] or [columns[0]]
        return self.rng.sample(chosen, len(chosen))

    def _insert(self, name: str) -> Statement:
        rng = self.rng
        columns, listed = list(self._table(name).columns), ""
        if rng.random() < 0.4:
            columns = self._some(tuple(columns))
            listed = f" ({', '.join(column.name for column in columns)})"
        write = rng.choice([literal, bare_literal])
        rows = []
        for _ in range(rng.choice([1, 1, 2, 5, 20])):
            values = []
            for column in columns:
                if column.name == "k" and rng.random() < 0.95:
                    values.append(str(self._key()))
                elif rng.random() < 0.05 and (column.is_nullable or column.default):
                    values.append("DEFAULT")
                else:
                    values.append(write(rng, column.type, 0.15 if column.is_nullable else 0.0))
            rows.append(f"({', '.join(values)})")
        return self._plain("insert", name, f"INSERT INTO {name}{listed} VALUES {', '.join(rows)}")

    def _from(self) -> tuple[str, Table]:
        """A table to read from: one that there is, or one of the past."""
        rng = self.rng
        if rng.random() < 0.35:
            found = [(v, name) for v, tables in self.mirror.versions.items() for name in tables]
            if found:
                version, name = rng.choice(found)
                return past(name, version), self.mirror.versions[version][name].table
        name = rng.choice(sorted(self.mirror.tables))
        return name, self._table(name)

    def _query_for(self, columns: list[Column], limit: int = 60) -> str:
        """A query whose columns fit these."""
        source, table = self._from()
        expressions = self._expressions(("b", table.columns))
        items = []
        for column in columns:
            value = self._value(column, expressions)
            items.append(f"CAST({value} AS {column.type.sql}) AS {column.name}")
        bound = f"(b.k < {self.rng.randint(0, limit)} OR b.k IS NULL)"
        return f"SELECT {', '.join(items)} FROM {source} b WHERE {bound} AND {expressions.condition(1)}"

    def _insert_query(self, name: str) -> Statement:
        columns = self._some(self._table(name).columns)
        listed = ", ".join(column.name for column in columns)
        return self._plain("insert query", name, f"INSERT INTO {name} ({listed}) {self._query_for(columns, 20)}")

    def _insert_by_name(self, name: str) -> Statement:
        columns = self._some(self._table(name).columns)
        return self._plain("insert by name", name, f"INSERT INTO {name} BY NAME {self._query_for(columns, 20)}")

    def _overwrite(self, name: str) -> Statement:
        columns = list(self._table(name).columns)
        query = self._query_for(columns)
        sql, changes = f"INSERT OVERWRITE {name} {query}", {name: self._table(name)}
        return Statement("insert overwrite", sql, changes, lambda mirror: mirror.overwrite(name, query))

    def _truncate(self, name: str) -> Statement:
        sql = self.rng.choice([f"TRUNCATE TABLE {name}", f"TRUNCATE {name}"])
        changes = {name: self._table(name)}
        return Statement("truncate", sql, changes, lambda mirror: mirror.run(f"DELETE FROM {name}"))

    def _condition(self, name: str, alias: str) -> str:
        """Which rows to change: by columns, by other tables, or none at all."""
        rng = self.rng
        expressions = self._expressions((alias, self._table(name).columns))
        if rng.random() < 0.65:
            return expressions.condition()
        source, table = self._from()
        inner = self._expressions(("b", table.columns)).condition(1)
        forms = [
            f"{alias}.k IN (SELECT b.k FROM {source} b WHERE {inner})",
            f"{alias}.k NOT IN (SELECT b.k FROM {source} b WHERE b.k IS NOT NULL AND {inner})",
            f"{alias}.k NOT IN (SELECT b.k FROM {source} b WHERE {inner})",
            f"EXISTS (SELECT 1 FROM {source} b WHERE b.k = {alias}.k AND {inner})",
            f"NOT EXISTS (SELECT 1 FROM {source} b WHERE b.k = {alias}.k AND {inner})",
            f"{alias}.k > (SELECT avg(b.k % 50) FROM {source} b WHERE {inner})",
            f"{alias}.k = {self._key()}",
            f"{alias}.k % {rng.randint(2, 5)} = 0 AND {expressions.condition(0)}",
            "false",
            "NULL",
        ]
        return rng.choice(forms)

    def _assignments(self, columns: tuple[Column, ...], expressions: Expressions, may_look_up: str | None) -> str:
        rng = self.rng
        chosen = rng.sample(columns, rng.randint(1, min(3, len(columns))))
        assigned = []
        for column in chosen:
            value = self._value(column, expressions)
            if rng.random() < 0.06 and (column.is_nullable or column.default):
                value = "DEFAULT"
            elif may_look_up and rng.random() < 0.15:
                source, table = self._from()
                same = [other.name for other in table.columns if other.type == column.type]
                if same:
                    most = f"{rng.choice(['min', 'max'])}(b.{rng.choice(same)})"
                    looked_up = f"(SELECT {most} FROM {source} b WHERE b.k = {may_look_up}.k)"
                    value = looked_up if column.is_nullable else f"coalesce({looked_up}, {literal(rng, column.type)})"
                    # Of two zeros, either is the least.
                    value = f"({value}{self._plus_zero(column)})"
            assigned.append(f"{column.name} = {value}")
        return ", ".join(assigned)

    def _update(self, name: str) -> Statement:
        columns = self._table(name).columns
        assigned = self._assignments(columns, self._expressions(("a", columns)), "a")
        where = "" if self.rng.random() < 0.05 else f" WHERE {self._condition(name, 'a')}"
        return self._plain("update", name, f"UPDATE {name} AS a SET {assigned}{where}")

    def _delete(self, name: str) -> Statement:
        where = "" if self.rng.random() < 0.03 else f" WHERE {self._condition(name, 'a')}"
        return self._plain("delete", name, f"DELETE FROM {name} AS a{where}")

    def _source(self, columns: tuple[Column, ...]) -> Source:
        """Listed rows, or those of a query, each with its own key: as a rule what matches the column k."""
        rng = self.rng
        if rng.random() < 0.6:
            chosen = [Column("k", BIGINT)]
            others = rng.sample(columns, min(2, len(columns)))
            chosen += [Column(f"v{number}", column.type) for number, column in enumerate(others)]
            return Source(self._listed(chosen), tuple(chosen), "a.k = s.k")
        source, table = self._from()
        to, key = columns[0], table.columns[0]
        if rng.random() < 0.4:
            to, key = rng.choice([(c, d) for c in columns for d in table.columns if c.type == d.type])
        # Of two zeros, either is the group's, and the least.
        plus = self._plus_zero(key)
        chosen, items = [Column("k", key.type)], [f"b.{key.name}{plus} AS k"]
        for number, column in enumerate(rng.sample(table.columns, min(2, len(table.columns)))):
            chosen.append(Column(f"v{number}", column.type))
            items.append(f"{rng.choice(['min', 'max'])}(b.{column.name}){self._plus_zero(column)} AS v{number}")
        condition = self._expressions(("b", table.columns)).condition(1)
        query = f"SELECT {', '.join(items)} FROM {source} b WHERE {condition} GROUP BY b.{key.name}{plus}"
        return Source(f"({query}) AS s", tuple(chosen), f"a.{to.name} = s.k")

    def _plus_zero(self, column: Column) -> str:
        """What makes 0.0 of -0.0, and leaves other values as they are."""
        return f" + CAST(0.0 AS {column.type.sql})" if column.type.is_float else ""

    def _listed(self, columns: list[Column]) -> str:
        keys = self.rng.sample(range(45), self.rng.choice([1, 2, 5, 20]))
        rows = []
        for key in keys:
            values = [self._value(column) for column in columns if column.name != "k"]
            rows.append(f"(CAST({key} AS BIGINT), {', '.join(values)})" if values else f"(CAST({key} AS BIGINT))")
        names = ", ".join(["k", *(column.name for column in columns if column.name != "k")])
        return f"(VALUES {', '.join(rows)}) AS s ({names})"

    def _update_from(self, name: str) -> Statement:
        columns = self._table(name).columns
        source = self._source(columns)
        expressions = self._expressions(("a", columns), ("s", source.columns))
        assigned = self._assignments(columns, expressions, None)
        more = f" AND {expressions.condition(1)}" if self.rng.random() < 0.5 else ""
        sql = f"UPDATE {name} AS a SET {assigned} FROM {source.sql} WHERE {source.on}{more}"
        return self._plain("update from", name, sql)

    def _delete_using(self, name: str) -> Statement:
        columns = self._table(name).columns
        source = self._source(columns)
        more = self._expressions(("a", columns), ("s", source.columns)).condition(1)
        sql = f"DELETE FROM {name} AS a USING {source.sql} WHERE {source.on} AND {more}"
        return self._plain("delete using", name, sql)

    def _merge(self, name: str) -> Statement:
        rng = self.rng
        columns = self._table(name).columns
        source = self._source(columns)
        here, there = ("a", columns), ("s", source.columns)
        both = self._expressions(here, there)
        on = source.on + (f" AND {both.condition(0)}" if rng.random() < 0.2 else "")
        key = f"coalesce(s.k, {self._key()})" if source.columns[0].type == BIGINT else str(self._key())
        clauses = []
        for number in reversed(range(rng.choice([0, 1, 1, 2]))):
            condition = f" AND {both.condition(1)}" if number or rng.random() < 0.5 else ""
            update = f"UPDATE SET {self._assignments(columns, both, None)}"
            clauses.append(f"WHEN MATCHED{condition} THEN {rng.choice([update, update, 'DELETE', 'DO NOTHING'])}")
        for number in reversed(range(rng.choice([0, 1, 1, 2]))):
            theirs = self._expressions(there)
            condition = f" AND {theirs.condition(1)}" if number or rng.random() < 0.4 else ""
            to = [column for column in self._some(columns) if column.name != "k"]
            listed = ", ".join(["k", *(column.name for column in to)])
            values = ", ".join([key, *(self._value(column, theirs) for column in to)])
            insert = f"INSERT ({listed}) VALUES ({values})"
            words = rng.choice(["WHEN NOT MATCHED", "WHEN NOT MATCHED BY TARGET"])
            clauses.append(f"{words}{condition} THEN {rng.choice([insert, insert, insert, 'DO NOTHING'])}")
        for number in reversed(range(rng.choice([0, 0, 1, 2]))):
            ours = self._expressions(here)
            condition = f" AND {ours.condition(1)}" if number or rng.random() < 0.8 else ""
            update = f"UPDATE SET {self._assignments(columns, ours, None)}"
            clauses.append(f"WHEN NOT MATCHED BY SOURCE{condition} THEN {rng.choice([update, 'DELETE', 'DO NOTHING'])}")
        if not clauses:
            clauses.append("WHEN MATCHED THEN DELETE")
        return self._plain("merge", name, f"MERGE INTO {name} AS a USING {source.sql} ON {on} {' '.join(clauses)}")

    def _merge_all(self, name: str) -> Statement:
        """UPDATE SET * and INSERT *, which DuckDB has spelled out."""
        columns = self._table(name).columns
        source = self._listed(list(columns))
        head = f"MERGE INTO {name} AS a USING {source} ON a.k = s.k"
        names = [column.name for column in columns]
        assigned = ", ".join(f"{column} = s.{column}" for column in names)
        listed, values = ", ".join(names), ", ".join(f"s.{column}" for column in names)
        sql = f"{head} WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
        spelled = f"WHEN MATCHED THEN UPDATE SET {assigned} WHEN NOT MATCHED THEN INSERT ({listed}) VALUES ({values})"
        changes = {name: self._table(name)}
        return Statement("merge all", sql, changes, lambda mirror: mirror.run(f"{head} {spelled}"))

    # Tables and columns.

    def _new_id(self) -> int:
        self._tables_made += 1
        return self._tables_made

    def _column(self, name: str) -> Column:
        of = random_type(self.rng)
        default = literal(self.rng, of) if self.rng.random() < 0.35 else None
        return Column(name, of, default)

    def _create(self) -> Statement | None:
        rng = self.rng
        name = rng.choice(NAMES)
        words = "CREATE TABLE"
        if name in self.mirror.tables:
            if rng.random() < 0.5:
                return self._drop(name)
            words = "CREATE OR REPLACE TABLE"
        key = Column("k", BIGINT, None, rng.random() < 0.75)
        others = [self._column(column) for column in rng.sample(COLUMN_NAMES, rng.randint(1, 5))]
        table = Table(self._new_id(), (key, *others))
        if rng.random() < 0.5 and self.mirror.tables:
            # A query says nothing of defaults, and its columns take NULL.
            table = table.with_columns(Column(column.name, column.type) for column in table.columns)
            sql = f"{words} {name} AS {self._query_for(list(table.columns))}"
        else:
            sql = f"{words} {name} ({table.definition})"
        return Statement("create", sql, {name: table}, lambda mirror: self._run_only(mirror, sql))

    def _run_only(self, mirror: Mirror, sql: str) -> None:
        """Runs a statement whose count is no question."""
        mirror.run(sql)

    def _drop(self, name: str) -> Statement:
        sql = f"DROP TABLE {name}"
        return Statement("drop", sql, {name: None}, lambda mirror: self._run_only(mirror, sql))

    def _alter(self, kind: str, name: str, action: str, columns) -> Statement:
        sql, table = f"ALTER TABLE {name} {action}", self._table(name).with_columns(columns)
        return Statement(kind, sql, {name: table}, lambda mirror: self._run_only(mirror, sql))

    def _free_column(self, name: str) -> str | None:
        taken = {column.name for column in self._table(name).columns}
        free = [column for column in COLUMN_NAMES if column not in taken]
        return self.rng.choice(free) if free else None

    def _add_column(self, name: str) -> Statement | None:
        free = self._free_column(name)
        if free is None:
            return None
        column = self._column(free)
        return self._alter("add column", name, f"ADD COLUMN {column.definition}", [*self._table(name).columns, column])

    def _drop_column(self, name: str) -> Statement | None:
        columns = self._table(name).columns
        if len(columns) < 3:
            return None
        gone = self.rng.choice(columns[1:])
        return self._alter("drop column", name, f"DROP COLUMN {gone.name}", [c for c in columns if c is not gone])

    def _rename_column(self, name: str) -> Statement | None:
        columns, free = self._table(name).columns, self._free_column(name)
        if free is None or len(columns) < 2:
            return None
        old = self.rng.choice(columns[1:])
        renamed = [Column(free, c.type, c.default, c.is_nullable) if c is old else c for c in columns]
        return self._alter("rename column", name, f"RENAME COLUMN {old.name} TO {free}", renamed)

    def _widen(self, name: str) -> Statement | None:
        columns = self._table(name).columns
        wide = {column.name: wider(self.rng, column.type) for column in columns[1:]}
        chosen = [column for column in columns[1:] if wide[column.name] is not None]
        if not chosen:
            return None
        column = self.rng.choice(chosen)
        of: Type = wide[column.name]
        changed = [Column(c.name, of, c.default, c.is_nullable) if c is column else c for c in columns]
        return self._alter("widen", name, f"ALTER COLUMN {column.name} TYPE {of.sql}", changed)

    # Going back.

    def _restore(self, name: str) -> Statement | None:
        table = self._table(name)
        had = {version: tables.get(name) for version, tables in self.mirror.versions.items()}
        versions = [version for version, copy in had.items() if copy and copy.table.id == table.id]
        if not versions:
            return None
        version = self.rng.choice(versions)
        copy = self.mirror.versions[version][name]
        sql = f"RESTORE TABLE {name} TO VERSION {version}"
        return Statement("restore", sql, {name: copy.table}, lambda mirror: mirror.put(name, copy))

    def _restore_lake(self) -> Statement:
        version = self.rng.choice(list(self.mirror.versions))
        tables = self.mirror.versions[version]
        changes = {name: None for name in self.mirror.tables}
        changes |= {name: copy.table for name, copy in tables.items()}

        def act(mirror: Mirror):
            for name in changes:
                mirror.put(name, tables.get(name))

        return Statement("restore lake", f"RESTORE LAKE TO VERSION {version}", changes, act)

    def _undrop(self) -> Statement | None:
        free = [name for name in NAMES if name not in self.mirror.tables]
        self.rng.shuffle(free)
        for name in free:
            ended = [ended for ended in self.ended if ended.name == name]
            if not ended or any(one.version is None for one in ended):
                continue
            last = max(ended, key=lambda one: one.version)
            if not last.was_committed or sum(one.version == last.version for one in ended) > 1:
                continue
            copy = self.mirror.versions[last.version - 1][name]
            return Statement(
                "undrop", f"UNDROP TABLE {name}", {name: copy.table}, lambda mirror: mirror.put(name, copy)
            )
        return None

    def _clone(self) -> Statement | None:
        free = [name for name in NAMES if name not in self.mirror.tables]
        if not free:
            return None
        name, of = self.rng.choice(free), self.rng.choice(sorted(self.mirror.tables))
        copy, at = self.mirror.tables[of], ""
        versions = [v for v, tables in self.mirror.versions.items() if of in tables]
        if versions and self.rng.random() < 0.5:
            version = self.rng.choice(versions)
            copy, at = self.mirror.versions[version][of], f" AS OF VERSION {version}"
        elif self.mirror.versions[max(self.mirror.versions)].get(of) is not copy:
            # What a transaction changed cannot be cloned by it.
            return None
        table = Table(self._new_id(), copy.table.columns)
        sql = f"CREATE TABLE {name} CLONE {of}{at}"
        return Statement("clone", sql, {name: table}, lambda mirror: mirror.put(name, copy))

    # Errors.

    def _failing(self, name: str) -> Statement | None:
        """What fails on both sides, or does if there is a row for it."""
        rng = self.rng
        table = self._table(name)
        integers = [column.name for column in table.columns if column.type == INTEGER]
        forms = [
            f"INSERT INTO {name} (k) VALUES ('no number')",
            f"INSERT INTO {name} (k) VALUES (1), (9223372036854775808)",
            f"INSERT INTO {name} (no_such_column) VALUES (1)",
            f"UPDATE {name} SET no_such_column = 1",
            f"DELETE FROM {name} WHERE no_such_column = 1",
            f"DELETE FROM no_such_table WHERE k IN (SELECT k FROM {name})",
            f"CREATE TABLE {name} (k BIGINT)",
            f"ALTER TABLE {name} ADD COLUMN k BIGINT",
            f"ALTER TABLE {name} DROP COLUMN no_such_column",
            f"INSERT INTO {name} SELECT * FROM {name} b WHERE b.k = (SELECT c.k FROM no_such_table c)",
        ]
        if not table.columns[0].is_nullable:
            forms.append(f"INSERT INTO {name} (k) VALUES (1), (NULL)")
            forms.append(f"UPDATE {name} SET k = NULL WHERE k > {self._key()}")
        for column in integers:
            forms.append(f"UPDATE {name} SET {column} = {column} + 2147483647 WHERE {column} > 0")
            forms.append(f"INSERT INTO {name} (k, {column}) VALUES (1, 2147483648)")
        return self._plain("failing", name, rng.choice(forms), may_fail=True)
