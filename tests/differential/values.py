"""Types of columns, and values of them as SQL that both engines read alike.

* Floats are multiples of 1/8 of moderate size, besides NaN, the infinities and -0.0. Sums of them are exact, so that it
  does not matter in which order an engine adds.
* Text holds no NUL, which DuckDB's Python package cuts text at.
* Integers near the limits of BIGINT are rare; arithmetic on columns adds small numbers only, so that whether it
  overflows never depends on which rows of a filtered table an engine computes first.
"""

from dataclasses import dataclass
from random import Random

TEXTS = ["", "a", "b", "ab", "B", "z", " ", "a b", "%", "_", "it's", "ü", "Zürich", "e\u0301", "日本", "🧊", "\n"]
TEXTS += ["NULL", "twelve bytes", "thirteen byte", "a text that is longer than what a view holds in itself", "x" * 300]
DATES = ["1969-12-31", "1970-01-01", "2000-02-29", "2023-12-31", "2024-02-29", "2024-06-01", "2262-04-12", "0001-01-01"]
CLOCKS = ["00:00:00", "00:00:00.000001", "12:30:00", "23:59:59.999999", "06:07:08.123"]
FLOATS = ["NaN", "Infinity", "-Infinity", "-0.0", "0.0"]


@dataclass(frozen=True)
class Type:
    """A column's type. Precision and scale are those of a decimal."""

    kind: str
    precision: int = 0
    scale: int = 0

    @property
    def sql(self) -> str:
        return f"DECIMAL({self.precision},{self.scale})" if self.kind == "DECIMAL" else self.kind

    @property
    def is_integer(self) -> bool:
        return self.kind in ("INTEGER", "BIGINT")

    @property
    def is_float(self) -> bool:
        return self.kind in ("REAL", "DOUBLE")


INTEGER, BIGINT, REAL, DOUBLE = Type("INTEGER"), Type("BIGINT"), Type("REAL"), Type("DOUBLE")
VARCHAR, DATE, TIMESTAMP, BOOLEAN = Type("VARCHAR"), Type("DATE"), Type("TIMESTAMP"), Type("BOOLEAN")


def random_type(rng: Random) -> Type:
    """A type for a column."""
    decimals = [Type("DECIMAL", 6, 2), Type("DECIMAL", 12, 3), Type("DECIMAL", 20, 0), Type("DECIMAL", 24, 6)]
    others = [INTEGER, BIGINT, REAL, DOUBLE, DOUBLE, VARCHAR, VARCHAR, DATE, TIMESTAMP, BOOLEAN]
    return rng.choice([*others, rng.choice(decimals), rng.choice(decimals)])


def wider(rng: Random, narrow: Type) -> Type | None:
    """A type that holds every value of a type, if there is one that ALTER TABLE takes."""
    match narrow.kind:
        case "INTEGER":
            return BIGINT
        case "REAL":
            return DOUBLE
        case "DATE":
            return TIMESTAMP
        case "DECIMAL" if narrow.precision <= 30:
            return Type("DECIMAL", narrow.precision + rng.choice([1, 3, 8]), narrow.scale)
    return None


def quote(text: str) -> str:
    """A text as a literal."""
    return "'" + text.replace("'", "''") + "'"


def null(of: Type) -> str:
    return f"CAST(NULL AS {of.sql})"


def literal(rng: Random, of: Type, null_share: float = 0.0) -> str:
    """A value of a type, with its type; NULL in that share of cases."""
    if rng.random() < null_share:
        return null(of)
    match of.kind:
        case "INTEGER":
            number = rng.choice([0, 1, -1, rng.randint(-50, 50), rng.randint(-(10**6), 10**6)])
            return f"CAST({number} AS INTEGER)"
        case "BIGINT":
            number = rng.choice([0, rng.randint(-50, 50), rng.randint(0, 40)])
            if rng.random() < 0.08:
                number = rng.choice([2**53 + 1, -(2**53) - 1, 4 * 10**18, -4 * 10**18, 2**31, -(2**31) - 1])
            return f"CAST({number} AS BIGINT)"
        case "REAL" | "DOUBLE":
            if rng.random() < 0.35:
                return f"CAST('{rng.choice(FLOATS)}' AS {of.sql})"
            return f"CAST({rng.randint(-400, 400) / 8} AS {of.sql})"
        case "DECIMAL":
            return f"CAST('{_decimal(rng, of)}' AS {of.sql})"
        case "VARCHAR":
            return quote(rng.choice(TEXTS))
        case "DATE":
            return f"DATE '{rng.choice(DATES)}'"
        case "TIMESTAMP":
            return f"TIMESTAMP '{rng.choice(DATES)} {rng.choice(CLOCKS)}'"
        case _:
            return rng.choice(["true", "false"])


def bare_literal(rng: Random, of: Type, null_share: float = 0.0) -> str:
    """A value as people write it, so that the column it goes to says its type."""
    if rng.random() < null_share:
        return "NULL"
    match of.kind:
        case "INTEGER" | "BIGINT":
            return str(rng.randint(-50, 50))
        case "REAL" | "DOUBLE":
            return f"'{rng.choice(FLOATS)}'" if rng.random() < 0.35 else str(rng.randint(-400, 400) / 8)
        case "DECIMAL":
            return _decimal(rng, of)
        case "DATE":
            return quote(rng.choice(DATES))
        case "TIMESTAMP":
            return quote(f"{rng.choice(DATES)} {rng.choice(CLOCKS)}")
        case _:
            return literal(rng, of)


def _decimal(rng: Random, of: Type) -> str:
    """Digits that a decimal holds, none rounded."""
    whole_digits = min(of.precision - of.scale, rng.choice([1, 2, 3, 3, 10])) - 1
    whole = rng.randint(0, 10 ** max(whole_digits, 0))
    sign = rng.choice(["", "", "-"])
    if of.scale == 0:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rng.randint(0, 10**of.scale - 1):0{of.scale}}"
