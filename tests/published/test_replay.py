"""Every version of the lake is an edition of the file, and what changed is what differs between two editions."""

import random

from conftest import TIME

SEED = 7
PAIRS = 25


def file_changes(replay, before, after, layout) -> str:
    """What leads from one edition to another by its key, in DuckDB: inserts, deletes, and both sides of updates, with
    the columns of `layout`."""
    old, new = replay.rows_of(before, layout), replay.rows_of(after, layout)
    key = replay.dataset.key
    differs = " OR ".join(f'(o."{name}" IS DISTINCT FROM n."{name}")' for name in layout.columns)
    updated = f'({old}) AS o JOIN ({new}) AS n ON o."{key}" = n."{key}" WHERE {differs}'
    return " UNION ALL ".join([
        f"""SELECT 'insert' AS _change_type, n.* FROM ({new}) AS n ANTI JOIN ({old}) AS o USING ("{key}")""",
        f"""SELECT 'delete', o.* FROM ({old}) AS o ANTI JOIN ({new}) AS n USING ("{key}")""",
        f"SELECT 'update_preimage', o.* FROM {updated}",
        f"SELECT 'update_postimage', n.* FROM {updated}",
    ])


def lake_changes(replay, before, after) -> str:
    """The same by the lake, with the columns of the later edition."""
    columns = ", ".join(["_change_type", *after.columns])
    return f"SELECT {columns} FROM table_changes('{replay.dataset.table}', {before.version}, {after.version})"


def test_each_edition_is_one_version(replay):
    assert len(replay.editions) == replay.dataset.versions
    assert replay.duck.execute("SELECT count(*) FROM published").fetchone() == (replay.dataset.rows,)
    commits = replay.copies({"commits": "SELECT version, time FROM system.commits WHERE version > 1"})["commits"]
    made = f"SELECT version, strftime(time, '{TIME}') AS time FROM {commits}"
    published = f"SELECT DISTINCT version, strftime(as_of, '{TIME}') AS time FROM published"
    assert replay.differences(published, made) == []
    replay.run("verify", "--deep")


def test_each_version_and_each_time_is_its_edition(replay):
    table = replay.dataset.table
    queries = {}
    for edition in replay.editions:
        queries[f"version_{edition.version}"] = f"SELECT * FROM {table} AS OF VERSION {edition.version}"
        queries[f"time_{edition.version}"] = f"SELECT * FROM {table} AS OF TIMESTAMP '{edition.time}'"
    copies = replay.copies(queries)
    for edition in replay.editions:
        for kind in ("version", "time"):
            copy = f"SELECT * FROM {copies[f'{kind}_{edition.version}']}"
            assert replay.differences(replay.rows_of(edition), copy) == [], (kind, edition)


def test_what_each_version_changed_is_what_differs_between_the_files(replay):
    queries = {f"step_{after.version}": lake_changes(replay, before, after) for before, after in replay.steps()}
    copies = replay.copies(queries)
    changes = 0
    for before, after in replay.steps():
        found = f"SELECT * FROM {copies[f'step_{after.version}']}"
        assert replay.differences(file_changes(replay, before, after, after), found) == [], after
        changes += replay.duck.execute(f"SELECT count(*) FROM ({found})").fetchone()[0]
    assert changes > len(replay.editions)


def test_the_changes_of_all_versions_at_once_are_those_of_each(replay):
    first, last = replay.editions[0], replay.editions[-1]
    table, key = replay.dataset.table, replay.dataset.key
    called = f"table_changes('{table}', {first.version}, {last.version}, mode => 'versions')"
    found = replay.copies({"all_steps": f"SELECT _version, _change_type, {key} FROM {called}"})["all_steps"]
    # The columns are the last version's, so that what happened to others is no change.
    for before, after in replay.steps():
        expected = f'SELECT _change_type, "{key}" FROM ({file_changes(replay, before, after, last)})'
        of_step = f'SELECT _change_type, "{key}" FROM {found} WHERE _version = {after.version}'
        assert replay.differences(expected, of_step) == [], after


def test_changes_between_any_two_versions_lead_from_one_to_the_other(replay):
    drawn = random.Random(SEED)
    pairs = [sorted(drawn.sample(replay.editions, 2), key=lambda edition: edition.version) for _ in range(PAIRS)]
    table = replay.dataset.table
    queries = {}
    for number, (before, after) in enumerate(pairs):
        queries[f"changes_{number}"] = lake_changes(replay, before, after)
        queries[f"diff_{number}"] = f"SELECT * FROM table_diff('{table}', {before.version}, {after.version})"
    copies = replay.copies(queries)
    for number, (before, after) in enumerate(pairs):
        old, new = replay.rows_of(before, after), replay.rows_of(after)
        columns = ", ".join(f'"{name}"' for name in after.columns)
        gone, come = (
            f"SELECT {columns} FROM {copies[f'changes_{number}']} WHERE _change_type IN ({types})"
            for types in ("'delete', 'update_preimage'", "'insert', 'update_postimage'")
        )
        assert replay.duck.execute(f"{gone} EXCEPT ALL {old}").fetchall() == [], (before, after)
        assert replay.differences(new, f"({old} EXCEPT ALL {gone}) UNION ALL {come}") == [], (before, after)
        for side, one, other in (("removed", old, new), ("added", new, old)):
            found = f"SELECT {columns} FROM {copies[f'diff_{number}']} WHERE _diff = '{side}'"
            assert replay.differences(f"{one} EXCEPT ALL {other}", found) == [], (side, before, after)


def test_rows_live_as_long_as_their_keys_are_published(replay):
    table, key = replay.dataset.table, replay.dataset.key
    lives = replay.copies({"lives": f"SELECT _row_id, _born, _died, {key} FROM table_history('{table}')"})["lives"]
    there = (
        f'SELECT v.version, "{key}" FROM (SELECT DISTINCT version FROM published) AS v '
        f"JOIN {lives} ON _born <= v.version AND (_died IS NULL OR v.version < _died)"
    )
    assert replay.differences(f'SELECT version, "{key}" FROM published', there) == []
    # A row's id is one key's, and a key keeps it as long as it stays.
    stay = f'version - row_number() OVER (PARTITION BY "{key}" ORDER BY version)'
    stays = replay.duck.execute(f'SELECT count(*) FROM (SELECT DISTINCT {stay}, "{key}" FROM published)').fetchone()
    ids = f'SELECT count(DISTINCT _row_id), count(DISTINCT (_row_id, "{key}")) FROM {lives}'
    assert replay.duck.execute(ids).fetchone() == stays * 2


def test_one_value_that_is_another_is_noticed(replay):
    before, after = replay.steps()[-1]
    version = replay.copies({"last": f"SELECT * FROM {replay.dataset.table} AS OF VERSION {after.version}"})["last"]
    step = replay.copies({"last_step": lake_changes(replay, before, after)})["last_step"]
    replay.duck.execute("BEGIN")
    column = next(name for name in after.columns if name != replay.dataset.key)
    replay.duck.execute(f"""UPDATE published SET "{column}" = 'another' WHERE rowid IN (
        SELECT max(rowid) FROM published WHERE version = {after.version})""")
    assert len(replay.differences(replay.rows_of(after), f"SELECT * FROM {version}")) == 2
    assert replay.differences(file_changes(replay, before, after, after), f"SELECT * FROM {step}") != []
    replay.duck.execute("ROLLBACK")
