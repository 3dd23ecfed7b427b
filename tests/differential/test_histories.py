"""Random histories in Frostline and in DuckDB: the same answers at every version.

* `FROSTLINE_BIN` is the program. `FROSTLINE_FROZEN_BIN` is that of the lake with frozen rows, if it is another one.
* `FROSTLINE_DIFFERENTIAL_STATEMENTS` is how many statements are run, in histories of 500, and
  `FROSTLINE_DIFFERENTIAL_SEED` the seed of the first; each of the next has one more.
* `FROSTLINE_DIFFERENTIAL_WITHOUT` and `FROSTLINE_DIFFERENTIAL_WITH` name what is left out, and what is not. There are
  the names of `features.py`.
"""

import os
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from history import History, Mismatch
from lake import Kind

BINARY = os.environ.get("FROSTLINE_BIN", "frostline")
FROZEN_BINARY = os.environ.get("FROSTLINE_FROZEN_BIN", BINARY)
STATEMENTS = int(os.environ.get("FROSTLINE_DIFFERENTIAL_STATEMENTS", "1000"))
SEED = int(os.environ.get("FROSTLINE_DIFFERENTIAL_SEED", "1"))
STATEMENTS_EACH = 500

KINDS = [Kind("hot", BINARY, "1MiB"), Kind("frozen", FROZEN_BINARY, "0")]


@contextmanager
def history_of(seed: int, folder):
    history = History(seed, KINDS, folder)
    try:
        yield history
    finally:
        history.close()


@pytest.mark.parametrize("number", range(-(-STATEMENTS // STATEMENTS_EACH)))
def test_a_history_gives_the_same_answers_at_every_version(number, tmp_path):
    count = min(STATEMENTS_EACH, STATEMENTS - number * STATEMENTS_EACH)
    started = time.monotonic()
    with history_of(SEED + number, tmp_path) as history:
        history.run(count)
    took = time.monotonic() - started
    print(f"seed {history.seed}: {history.version} versions, {history.queries_run} queries, {took:.0f} s")
    print(f"  {history.failed} failed; {dict(history.kinds_run)}")


def test_a_copy_that_lacks_a_row_is_found(tmp_path):
    with history_of(SEED, tmp_path) as history:
        history.run(20)
        version, name = next((v, name) for v, tables in history.mirror.versions.items() for name, copy in tables.items()
                             if copy.rows.num_rows)  # fmt: skip
        copy = history.mirror.versions[version][name]
        history.mirror.versions[version][name] = replace(copy, serial=0, rows=copy.rows.slice(1))
        with pytest.raises(Mismatch) as raised:
            history.check_every_version()
        assert f"seed {SEED}" in str(raised.value) and "given and not expected" in str(raised.value)
