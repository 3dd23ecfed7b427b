"""Published data, replayed into a lake by MERGE, and DuckDB to compare the two.

`FROSTLINE_BIN` names the built binary. The data lie beside the project in `shared/data`, or where
`FROSTLINE_PUBLISHED_DATA` says; where they do not, the tests are skipped, and say so.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

BINARY = os.environ.get("FROSTLINE_BIN", "frostline")
DATA = Path(os.environ.get("FROSTLINE_PUBLISHED_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
LIMIT_SECONDS = 300
TIME = "%Y-%m-%d %H:%M:%S.%f"


@dataclass(frozen=True)
class Dataset:
    """One table that was published again and again."""

    table: str
    key: str
    versions: int
    rows: int
    # What a column was called before, by what it is called now.
    renamed: dict[str, str]


KEV = Dataset("kev", "cveid", 76, 100_523, {})
SP500 = Dataset("sp500", "symbol", 190, 95_576, {"security": "name", "gics_sector": "sector"})


@dataclass(frozen=True)
class Edition:
    """What was published at one time."""

    # The version that replays it.
    version: int
    time: str
    # Which column of the table each is that has a value in some row: renamed ones are the same, and one that was
    # dropped and came back under its name is another.
    columns: dict[str, int]
    # What makes these columns of those of the edition before.
    alterations: tuple[str, ...]


class Replay:
    """A lake in which each edition of a dataset is one version: the rows that differ from the edition before, merged.

    In DuckDB, `published` has all rows of the file, with the version that replays each.
    """

    def __init__(self, dataset: Dataset, folder: Path):
        self.dataset = dataset
        self.folder = folder
        self.duck = duckdb.connect()
        self.duck.execute("SET TimeZone = 'UTC'")
        self.editions = self._read(DATA / f"{dataset.table}.parquet")
        self.run("init", "--allow-asserted-times")
        self.sql(*self._statements())

    def steps(self) -> list[tuple[Edition, Edition]]:
        """Each edition with the next."""
        return list(zip(self.editions, self.editions[1:]))

    def rows_of(self, edition: Edition, layout: Edition | None = None) -> str:
        """The query of an edition's rows in DuckDB, with the columns of `layout`. What it has none of is NULL."""
        named = {column: name for name, column in edition.columns.items()}
        chosen = {name: named.get(column) for name, column in (layout or edition).columns.items()}
        values = {name: f'"{own}"' if own else "CAST(NULL AS VARCHAR)" for name, own in chosen.items()}
        listed = ", ".join(f'{value} AS "{name}"' for name, value in values.items())
        return f"SELECT {listed} FROM published WHERE version = {edition.version}"

    def run(self, *arguments: str) -> str:
        """What a command says, which must succeed."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FROSTLINE_", "RUST_"))}
        finished = subprocess.run(
            [BINARY, *arguments],
            cwd=self.folder,
            env={**kept, "FROSTLINE_LAKE": str(self.folder / "lake"), "FROSTLINE_AUTHOR": "tester"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    def sql(self, *statements: str) -> str:
        """Runs statements in one session."""
        script = self.folder / "script.sql"
        script.write_text("".join(f"{statement};\n" for statement in statements), encoding="utf-8")
        return self.run("sql", "-f", str(script))

    def copies(self, queries: dict[str, str]) -> dict[str, str]:
        """What queries give, each in a Parquet file of its own: the relation of each in DuckDB."""
        paths = {name: self.folder / f"{name}.parquet" for name in queries}
        self.sql(*(f"COPY ({query}) TO '{paths[name]}'" for name, query in queries.items()))
        return {name: f"read_parquet('{path}')" for name, path in paths.items()}

    def differences(self, left: str, right: str) -> list[tuple]:
        """The rows that one query of DuckDB gives more often than the other. Both must have columns of the same names,
        in any order."""
        names, others = self._columns(left), self._columns(right)
        assert sorted(names) == sorted(others)
        listed = ", ".join(f'"{name}"' for name in names)
        left, right = (f"SELECT {listed} FROM ({query})" for query in (left, right))
        missing = f"SELECT 'left' AS side, * FROM ({left} EXCEPT ALL {right})"
        return self.duck.execute(f"{missing} UNION ALL SELECT 'right', * FROM ({right} EXCEPT ALL {left})").fetchall()

    def _columns(self, query: str) -> list[str]:
        return [name for name, *_ in self.duck.execute(f"DESCRIBE {query}").fetchall()]

    def _read(self, path: Path) -> list[Edition]:
        if not path.exists():
            pytest.skip(f"there is no `{path}`")
        names = self._columns(f"SELECT * FROM '{path}'")
        listed = ", ".join(f'"{name}" AS "{name.lower()}"' for name in names)
        # Version 1 made the lake.
        numbered = f"SELECT {listed}, 1 + dense_rank() OVER (ORDER BY as_of) AS version FROM '{path}'"
        self.duck.execute(f"CREATE TABLE published AS {numbered}")
        names = [name.lower() for name in names if name != "as_of"]
        counts = ", ".join(f'count("{name}")' for name in names)
        found = self.duck.execute(
            f"SELECT version, strftime(as_of, '{TIME}'), {counts} FROM published GROUP BY ALL ORDER BY version"
        ).fetchall()
        editions, columns, made = [], {}, 0
        for version, time, *counts in found:
            wanted = [name for name, count in zip(names, counts) if count > 0]
            columns, made, alterations = self._altered(columns, made, wanted)
            editions.append(Edition(version, time, columns, tuple(alterations)))
        return editions

    def _altered(self, columns: dict[str, int], made: int, wanted: list[str]) -> tuple[dict[str, int], int, list[str]]:
        """Columns made those that are wanted; how many were ever made; and what ALTER TABLE is told. Those that only
        get another name keep their values."""
        alterations, columns = [], dict(columns)
        for new, old in self.dataset.renamed.items():
            if new in wanted and old in columns and new not in columns:
                alterations.append(f"RENAME COLUMN {old} TO {new}")
                columns[new] = columns.pop(old)
        for name in [name for name in columns if name not in wanted]:
            alterations.append(f"DROP COLUMN {name}")
            del columns[name]
        for name in [name for name in wanted if name not in columns]:
            alterations.append(f"ADD COLUMN {name} VARCHAR")
            made += 1
            columns[name] = made
        return columns, made, alterations

    def _statements(self) -> list[str]:
        """The replay: each edition at its time, and each a version."""
        statements, before = [], None
        for edition in self.editions:
            path = self.folder / f"edition_{edition.version}.parquet"
            self.duck.execute(f"COPY ({self.rows_of(edition)}) TO '{path}' (FORMAT parquet)")
            statements.append(f"SET frostline.commit_time = '{edition.time}'")
            if before is None:
                columns = ", ".join(f"{name} VARCHAR" for name in edition.columns)
                changes = [f"CREATE TABLE {self.dataset.table} ({columns})"]
            else:
                changes = [f"ALTER TABLE {self.dataset.table} {alteration}" for alteration in edition.alterations]
            is_same = not changes and not self.differences(self.rows_of(before), self.rows_of(edition))
            merge = self._merge(edition, path, is_same)
            statements += ["BEGIN", *changes, merge, "COMMIT"] if changes else [merge]
            before = edition
        return statements

    def _merge(self, edition: Edition, path: Path, is_same: bool) -> str:
        """Merges the rows that differ. Where none does, all are written anew with the values that they have, which
        makes a version and changes nothing."""
        table, key = self.dataset.table, self.dataset.key
        differs = " OR ".join(f"(t.{name} IS DISTINCT FROM s.{name})" for name in edition.columns if name != key)
        condition = "" if is_same else f" AND ({differs})"
        return (
            f"MERGE INTO {table} AS t USING read_parquet('{path}') AS s ON t.{key} = s.{key} "
            f"WHEN MATCHED{condition} THEN UPDATE SET * "
            "WHEN NOT MATCHED THEN INSERT * "
            "WHEN NOT MATCHED BY SOURCE THEN DELETE"
        )


@pytest.fixture(scope="session", params=[KEV, SP500], ids=lambda dataset: dataset.table)
def replay(request, tmp_path_factory) -> Replay:
    return Replay(request.param, tmp_path_factory.mktemp(request.param.table))
