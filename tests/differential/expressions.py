"""Random expressions and conditions over columns, which mean the same to both engines.

What is left out, because the engines differ, each within its own rules:

* division and rounding: DuckDB's `/` yields a double for integers, DataFusion's an integer;
* casts of floats to text and to integers;
* comparisons of columns of different kinds, whose common type each engine chooses for itself;
* a date plus an interval is a timestamp in DuckDB and a date in DataFusion: it is cast back.

What Frostline gets wrong as yet is left out, too, each thing under a name in `OPEN`, so that one can have it back.
"""

from dataclasses import dataclass
from random import Random

from features import has
from values import BIGINT, BOOLEAN, DATE, DOUBLE, INTEGER, TIMESTAMP, VARCHAR, Type, literal, quote


@dataclass(frozen=True)
class Place:
    """A column as an expression names it, such as `a.k`."""

    sql: str
    type: Type


class Expressions:
    """Expressions over some columns."""

    def __init__(self, rng: Random, places: list[Place]):
        self.rng = rng
        self.places = places

    def of(self, wanted: Type, depth: int = 2) -> str:
        """An expression of a type, or of one that fits it."""
        rng = self.rng
        same = [place.sql for place in self.places if place.type == wanted]
        if depth == 0 or rng.random() < 0.3:
            return rng.choice(same) if same and rng.random() < 0.7 else literal(rng, wanted, 0.1)
        shape = rng.random()
        if shape < 0.12:
            return f"CASE WHEN {self.condition(1)} THEN {self.of(wanted, depth - 1)} ELSE {self.of(wanted, 0)} END"
        if shape < 0.22:
            return f"coalesce({self.of(wanted, depth - 1)}, {literal(rng, wanted)})"
        if shape < 0.27:
            return f"nullif({self.of(wanted, 0)}, {self.of(wanted, 0)})"
        return self._computed(wanted, depth - 1)

    def condition(self, depth: int = 2) -> str:
        """A condition, which may be NULL."""
        rng = self.rng
        if depth > 0 and rng.random() < 0.4:
            left, right = self.condition(depth - 1), self.condition(depth - 1)
            return rng.choice([f"({left} AND {right})", f"({left} OR {right})", f"NOT ({left})"])
        if not self.places or rng.random() < 0.02:
            return rng.choice(["true", "false", "NULL", "1 = 1"])
        place = rng.choice(self.places)
        return self._test(place)

    def _computed(self, wanted: Type, depth: int) -> str:
        rng = self.rng
        inner = self.of(wanted, depth)
        match wanted.kind:
            case "INTEGER" | "BIGINT":
                forms = [f"({inner} + {rng.randint(-9, 9)})", f"({inner} % {rng.choice([2, 3, 7])})"]
                for place in self.places:
                    if place.type == VARCHAR:
                        forms.append(f"length({place.sql})")
                    elif place.type in (DATE, TIMESTAMP):
                        forms.append(f"CAST(extract(year FROM {place.sql}) AS {wanted.sql})")
                    elif place.type == INTEGER and wanted == BIGINT:
                        forms.append(f"CAST({place.sql} AS BIGINT)")
                return rng.choice(forms)
            case "REAL" | "DOUBLE":
                eighths = f"CAST({rng.randint(-9, 9) / 8} AS {wanted.sql})"
                forms = [f"(-{inner})", f"abs({inner})", f"({inner} + {eighths})"]
                forms += [f"CAST({place.sql} AS {wanted.sql})" for place in self.places if place.type == INTEGER]
                return rng.choice(forms)
            case "DECIMAL":
                number = rng.choice(["0.5", "0.01", "0.125", "(1 - 0.07)"])
                forms = [f"(-{inner})", f"({inner} + 1)", f"abs({inner})", f"({inner} - {number})"]
                return rng.choice([*forms, f"coalesce({inner}, {number})"])
            case "VARCHAR":
                forms = [f"substr({inner} || {literal(rng, VARCHAR)}, 1, 20)", f"substr({inner}, 2, 3)"]
                forms += [f"CAST({place.sql} AS VARCHAR)" for place in self.places if place.type.is_integer]
                return rng.choice(forms)
            case "DATE":
                forms = [f"CAST({inner} + INTERVAL '{rng.randint(1, 400)} days' AS DATE)"]
                forms += [f"CAST({place.sql} AS DATE)" for place in self.places if place.type == TIMESTAMP]
                return rng.choice(forms)
            case "TIMESTAMP":
                forms = [f"({inner} + INTERVAL '{rng.randint(1, 99)} minutes')", f"date_trunc('hour', {inner})"]
                forms += [f"CAST({place.sql} AS TIMESTAMP)" for place in self.places if place.type == DATE]
                return rng.choice(forms)
            case _:
                return f"({self.condition(1)})"

    def _test(self, place: Place) -> str:
        rng = self.rng
        column, of = place.sql, place.type
        compare = rng.choice(["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"])
        shape = rng.random()
        if shape < 0.12:
            return rng.choice([f"{column} IS NULL", f"{column} IS NOT NULL"])
        if shape < 0.22:
            values = ", ".join(literal(rng, of, 0.05) for _ in range(rng.randint(1, 6)))
            return f"{column} {rng.choice(['IN', 'NOT IN'])} ({values})"
        if shape < 0.32 and of != BOOLEAN:
            return f"{column} BETWEEN {literal(rng, of)} AND {literal(rng, of)}"
        if of == VARCHAR and shape < 0.5:
            pattern = rng.choice(["%a%", "a%", "%b", "_", "__%", "%ü%", "%", ""])
            return f"{column} {rng.choice(['LIKE', 'NOT LIKE'])} {quote(pattern)}"
        if of == DOUBLE and shape < 0.42:
            return f"isnan({column})"
        if of == BOOLEAN and shape < 0.5:
            return column
        others = [other.sql for other in self.places if other.type == of and other is not place]
        if others and shape < 0.6:
            return f"{column} {compare} {rng.choice(others)}"
        return f"{column} {compare} {self.of(of, 1)}"
