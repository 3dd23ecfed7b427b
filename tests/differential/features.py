"""What histories have, and what they leave out."""

import os

# What a program may not have yet.
STATEMENTS = {"restore", "undrop", "clone", "widen"}

# What Frostline is known to get wrong. It is left out until it is mended; then its name goes, and what asks for it.
OPEN = {
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
