"""A store that fails: every commit is decided, and none is made twice."""

import re

import pytest
from conftest import finish

SLOTS = "log/"
INSERT = "INSERT INTO t VALUES (7)"


def check_once(lake):
    """There is one row, made by one commit, and the lake is sound."""
    assert lake.sql("SELECT count(*) AS n, min(a) AS a FROM t").succeeds().stdout == "n,a\n1,7\n"
    assert lake.number("SELECT count(*) AS n FROM system.commits WHERE operation = 'insert'") == 1
    lake.run("verify", "--deep").succeeds()


@pytest.mark.parametrize(
    "fault",
    [
        {"do": "lose-request"},
        {"do": "lose-answer"},
        {"do": "status", "status": 503, "times": 3},
        {"do": "status", "status": 500},
        {"do": "status", "status": 409, "times": 2},
        {"do": "gone-before", "seconds": 3},
        {"do": "gone-after", "seconds": 3},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_a_commit_whose_put_goes_wrong_is_made_once(lake, fault):
    lake.server.faults({"method": "PUT", "key": SLOTS, **fault})
    assert "version 3: insert t, 1 row" in lake.sql(INSERT).succeeds().stderr
    check_once(lake)


def test_a_commit_on_a_server_that_stays_away_is_unknown_and_then_found_or_not(two_lakes):
    # It takes as long as a commit may go on, so that both ways are tried at once.
    ways = dict(zip(("gone-before", "gone-after"), two_lakes))
    running = {}
    for do, lake in ways.items():
        lake.server.faults({"method": "PUT", "key": SLOTS, "do": do, "seconds": 1000})
        running[do] = lake.start("sql", "-c", INSERT)
    for do, lake in ways.items():
        outcome = finish(running[do]).fails(3)
        commit_id = re.search(r"commit ([0-9a-f-]{36})", outcome.stderr)
        assert commit_id, outcome
        lake.server.faults()
        found = lake.number(f"SELECT count(*) AS n FROM system.commits WHERE commit_id = '{commit_id[1]}'")
        assert found == (1 if do == "gone-after" else 0)
        if not found:
            lake.sql(INSERT).succeeds()
        check_once(lake)


@pytest.mark.parametrize("fault", [{"do": "lose-request"}, {"do": "status", "status": 503}])
def test_reads_are_tried_again(lake, fault):
    lake.sql(INSERT).succeeds()
    lake.server.faults({"method": "GET", "times": 4, **fault})
    check_once(lake)


def test_a_server_that_is_away_for_some_seconds_is_waited_for(lake):
    lake.sql(INSERT).succeeds()
    lake.server.faults({"do": "gone-before", "method": "GET", "seconds": 2.5})
    check_once(lake)


def test_the_trial_of_a_store_that_asks_for_patience_is_repeated(lake):
    lake.server.faults({"do": "status", "method": "PUT", "key": "probe/", "status": 503, "times": 3})
    lake.sql(INSERT).succeeds()
    check_once(lake)


@pytest.mark.parametrize("key", ["frostline.json", "segments/"])
def test_a_store_that_fails_is_not_a_lake_that_is_damaged(lake, key):
    (lake.folder / "rows.csv").write_text("a\n" + "".join(f"{number}\n" for number in range(200_000)))
    lake.run("import", "t", "rows.csv").succeeds()
    query = ["sql", "-c", "SELECT sum(a) FROM t"]
    lake.server.faults({"do": "status", "method": "GET", "key": key, "status": 503, "times": 1000})
    assert "503" in lake.run(*query).fails(5).stderr
    lake.server.faults({"do": "status", "method": "GET", "key": key, "status": 404, "times": 1000})
    lake.run(*query).fails(4)


def test_a_store_that_ignores_conditions_gets_no_lake(place):
    place.server.faults({"do": "ignore-condition", "times": 1000})
    assert "the store ignores `If-None-Match: *`" in place.run("init").fails(5).stderr
    assert not [ask for ask in place.server.requests() if not ask["key"].startswith(("probe/", "lake"))]


def test_a_store_that_begins_to_ignore_conditions_gets_no_commit(lake):
    lake.server.faults({"do": "ignore-condition", "times": 1000})
    assert "the store ignores `If-None-Match: *`" in lake.sql(INSERT).fails(5).stderr
    lake.server.faults()
    assert lake.number("SELECT count(*) AS n FROM t") == 0


def test_a_server_that_cannot_be_reached_is_an_error_of_the_store(lake):
    outcome = lake.run("sql", "-c", INSERT, AWS_ENDPOINT_URL_S3="http://127.0.0.1:1")
    assert "the store was not reached" in outcome.fails(5).stderr
