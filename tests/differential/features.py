"""What histories have, and what they leave out."""

import os

# What a program may not have yet.
STATEMENTS = {"restore", "undrop", "clone", "widen"}

# What Frostline is known to get wrong. It is left out until it is mended; then its name goes, and what asks for it.
OPEN = {
    "negative-nan": "a NaN with a sign, as -x and inf - inf make it, is no NaN to =, GROUP BY and ORDER BY",
    "nullif-zeros": "nullif takes the two zeros for different values",
    "listed-zeros": "so does IN with a list of more than three values",
    "windowed-zeros": "so do PARTITION BY and ORDER BY of a window",
    "distinct-zeros": "count(DISTINCT x) counts both zeros, if the query has another aggregate",
    "joined-zeros": "a join on floats, IN (SELECT …) or INTERSECT passes over -0.0 where the other side has 0.0",
    "grouped-cast": "GROUP BY a, CAST(a AS …) fails: two expressions of one name",
    "date-of-timestamp": "WHERE d < CAST(ts AS DATE) fails: a selectivity above 1",
    "far-date-trunc": "date_trunc fails on timestamps that 64 bits of nanoseconds do not hold",
}

_without = {word for word in os.environ.get("FROSTLINE_DIFFERENTIAL_WITHOUT", "").split(",") if word}
_with = {word for word in os.environ.get("FROSTLINE_DIFFERENTIAL_WITH", "").split(",") if word}
_unknown = (_without | _with) - STATEMENTS - set(OPEN)
if _unknown:
    raise ValueError(f"no such features: {sorted(_unknown)}; there are {sorted(STATEMENTS | set(OPEN))}")

_given = (STATEMENTS | _with) - _without


def has(feature: str) -> bool:
    """Whether histories have it."""
    return feature in _given
