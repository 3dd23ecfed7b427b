"""Random queries of tables at versions. Each has one answer, but for the order of rows where it says so."""

from dataclasses import dataclass
from random import Random

from expressions import Expressions, Place
from mirror import Mirror, past
from values import BIGINT, BOOLEAN


@dataclass(frozen=True)
class Query:
    """A query for both engines."""

    sql: str
    is_ordered: bool = False
    # Whether the lakes must give the same bits: the two zeros are equal, so a computed one may be either.
    is_exact: bool = False


def whole(name: str, version: int | None = None) -> Query:
    """All rows of a table, now or at a version."""
    return Query(f"SELECT * FROM {name if version is None else past(name, version)}", is_exact=True)


class Queries:
    """Queries of what a mirror knows."""

    def __init__(self, rng: Random, mirror: Mirror):
        self.rng = rng
        self.mirror = mirror

    def random(self, version: int) -> Query | None:
        """A query that has to do with a version; `None` if there was no table."""
        names = sorted(self.mirror.versions[version])
        if not names:
            return None
        name = self.rng.choice(names)
        shapes = [self._filtered, self._grouped, self._aggregated, self._ordered, self._distinct, self._joined]
        shapes += [self._two_versions, self._subquery, self._counted, self._windowed]
        return self.rng.choice(shapes)(name, version)

    def _places(self, name: str, version: int, alias: str) -> list[Place]:
        columns = self.mirror.versions[version][name].table.columns
        return [Place(f"{alias}.{column.name}", column.type) for column in columns]

    def _other(self, name: str, version: int) -> tuple[str, int]:
        """Another table of the version, or the same one at another version."""
        rng = self.rng
        if rng.random() < 0.6:
            versions = [v for v, tables in self.mirror.versions.items() if name in tables]
            return name, rng.choice(versions)
        return rng.choice(sorted(self.mirror.versions[version])), version

    def _filtered(self, name: str, version: int) -> Query:
        places = self._places(name, version, "a")
        expressions = Expressions(self.rng, places)
        chosen = self.rng.sample(places, self.rng.randint(1, len(places)))
        items = [place.sql for place in chosen]
        if self.rng.random() < 0.4:
            items.append(f"{expressions.of(self.rng.choice(places).type)} AS computed")
        return Query(f"SELECT {', '.join(items)} FROM {past(name, version)} a WHERE {expressions.condition()}")

    def _counted(self, name: str, version: int) -> Query:
        """What statistics may answer."""
        places = self._places(name, version, "a")
        place = self.rng.choice(places)
        items = f"count(*), count({place.sql}), min({place.sql}), max({place.sql})"
        condition = f" WHERE {Expressions(self.rng, places).condition(0)}" if self.rng.random() < 0.5 else ""
        return Query(f"SELECT {items} FROM {past(name, version)} a{condition}")

    def _aggregates(self, places: list[Place]) -> str:
        items = ["count(*)"]
        for place in self.rng.sample(places, min(3, len(places))):
            of = place.type
            items += [f"count({place.sql})", f"count(DISTINCT {place.sql})"]
            items += [f"min({place.sql})", f"max({place.sql})"]
            if of == BIGINT:
                items.append(f"sum(CAST({place.sql} AS DECIMAL(38,0)))")
            elif of == BOOLEAN:
                items += [f"bool_and({place.sql})", f"bool_or({place.sql})"]
            elif of.is_integer or of.is_float:
                items += [f"sum({place.sql})", f"avg({place.sql})"]
            elif of.kind == "DECIMAL":
                items += [f"sum({place.sql})", f"CAST(avg(CAST({place.sql} AS DOUBLE)) AS REAL)"]
        if self.rng.random() < 0.4:
            items.append(f"count(*) FILTER (WHERE {Expressions(self.rng, places).condition(0)})")
        return ", ".join(items)

    def _aggregated(self, name: str, version: int) -> Query:
        places = self._places(name, version, "a")
        condition = Expressions(self.rng, places).condition()
        return Query(f"SELECT {self._aggregates(places)} FROM {past(name, version)} a WHERE {condition}")

    def _grouped(self, name: str, version: int) -> Query:
        places = self._places(name, version, "a")
        expressions = Expressions(self.rng, places)
        keys = [place.sql for place in self.rng.sample(places, min(self.rng.randint(1, 2), len(places)))]
        if self.rng.random() < 0.3:
            keys.append(expressions.of(self.rng.choice(places).type, 1))
        having = self.rng.choice(["", "", " HAVING count(*) > 1"])
        items = ", ".join(f"{key} AS key_{number}" for number, key in enumerate(keys))
        groups = ", ".join(str(number + 1) for number in range(len(keys)))
        sql = f"SELECT {items}, {self._aggregates(places)} FROM {past(name, version)} a"
        return Query(f"{sql} WHERE {expressions.condition(1)} GROUP BY {groups}{having}")

    def _ordered(self, name: str, version: int) -> Query:
        """What is sorted by is all that is selected, so that ties do not show."""
        places = self._places(name, version, "a")
        chosen = self.rng.sample(places, min(self.rng.randint(1, 3), len(places)))
        items = ", ".join(place.sql for place in chosen)
        order = [self._order(place.sql) for place in chosen]
        limit = f" LIMIT {self.rng.randint(1, 10)}" if self.rng.random() < 0.5 else ""
        condition = f" WHERE {Expressions(self.rng, places).condition(1)}" if self.rng.random() < 0.4 else ""
        sql = f"SELECT {items} FROM {past(name, version)} a{condition} ORDER BY {', '.join(order)}{limit}"
        return Query(sql, is_ordered=True)

    def _order(self, item: str) -> str:
        return f"{item} {self.rng.choice(['ASC', 'DESC'])} NULLS {self.rng.choice(['FIRST', 'LAST'])}"

    def _distinct(self, name: str, version: int) -> Query:
        places = self._places(name, version, "a")
        items = ", ".join(place.sql for place in self.rng.sample(places, min(2, len(places))))
        return Query(f"SELECT DISTINCT {items} FROM {past(name, version)} a")

    def _joined(self, name: str, version: int) -> Query:
        """Two tables, or two versions of one, by columns of one type."""
        other, other_version = self._other(name, version)
        left, right = self._places(name, version, "a"), self._places(other, other_version, "b")
        pairs = [f"{a.sql} = {b.sql}" for a in left for b in right if a.type == b.type and a.type != BOOLEAN]
        on = self.rng.choice(pairs)
        if self.rng.random() < 0.3:
            on += f" AND {self.rng.choice(pairs)}"
        if self.rng.random() < 0.2:
            on += f" AND {Expressions(self.rng, left + right).condition(0)}"
        kind = self.rng.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
        tables = f"{past(name, version)} a {kind} {past(other, other_version)} b ON {on}"
        if self.rng.random() < 0.5:
            return Query(f"SELECT {self._aggregates(left + right)} FROM {tables}")
        items = ", ".join(place.sql for place in self.rng.sample(left + right, min(4, len(left + right))))
        return Query(f"SELECT {items} FROM {tables}")

    def _windowed(self, name: str, version: int) -> Query:
        places = self._places(name, version, "a")
        part, by = self.rng.choice(places).sql, self.rng.choice(places).sql
        order = f"ORDER BY {self._order(by)}"
        items = f"{part}, {by}, count(*) OVER (PARTITION BY {part}), rank() OVER (PARTITION BY {part} {order})"
        items += f", dense_rank() OVER ({order}), min({by}) OVER (PARTITION BY {part})"
        return Query(f"SELECT {items} FROM {past(name, version)} a")

    def _two_versions(self, name: str, version: int) -> Query:
        """Which rows differ, by value, in the columns that both have."""
        versions = [v for v, tables in self.mirror.versions.items() if name in tables]
        other = self.rng.choice(versions)
        here, there = (self.mirror.versions[v][name].table.columns for v in (version, other))
        both = [column for column in here if any((c.name, c.type) == (column.name, column.type) for c in there)]
        columns = ", ".join(column.name for column in both)
        operator = self.rng.choice(["EXCEPT", "INTERSECT", "UNION", "UNION ALL"])
        sql = f"SELECT {columns} FROM {past(name, version)} {operator} SELECT {columns} FROM {past(name, other)}"
        return Query(sql)

    def _subquery(self, name: str, version: int) -> Query:
        other, other_version = self._other(name, version)
        left, right = self._places(name, version, "a"), self._places(other, other_version, "b")
        inner = past(other, other_version)
        condition = Expressions(self.rng, right).condition(1)
        forms = [
            f"a.k {self.rng.choice(['IN', 'NOT IN'])} (SELECT b.k FROM {inner} b WHERE {condition})",
            f"{self.rng.choice(['', 'NOT '])}EXISTS (SELECT 1 FROM {inner} b WHERE b.k = a.k AND {condition})",
            f"a.k {self.rng.choice(['<', '>=', '='])} (SELECT max(b.k) FROM {inner} b WHERE {condition})",
        ]
        items = ", ".join(place.sql for place in self.rng.sample(left, min(3, len(left))))
        return Query(f"SELECT {items} FROM {past(name, version)} a WHERE {self.rng.choice(forms)}")
