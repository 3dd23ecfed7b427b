"""What statements cost: requests, as the command counts them and as the server saw them."""


def test_a_small_commit_is_one_put_once_the_head_is_known(lake):
    inserts = [f"INSERT INTO t VALUES ({number})" for number in range(4)]
    outcome = lake.sql(*inserts, verbose=True).succeeds()
    counts = outcome.requests("statement")
    assert len(counts) == 4, outcome
    # The first commit of a process tries out whether the store can be relied on.
    assert (counts[0]["put"], counts[0]["delete"]) == (3, 1), counts
    for count in counts[1:]:
        written = count.pop("bytes written")
        assert 0 < written < 1000, outcome
        assert count == {"get": 1, "put": 1}, outcome
    # What the server saw is what was told.
    asked = lake.server.requests()
    slots = [ask for ask in asked if ask["method"] == "PUT" and ask["key"].startswith("log/")]
    assert [ask["status"] for ask in slots] == [200] * 4
    told = {"get": 0, "put": 0}
    for work in ("open", "statement", "settle"):
        for count in outcome.requests(work):
            told = {name: told[name] + count.get(name, 0) for name in told}
    seen = {name: sum(ask["method"] == name.upper() for ask in asked) for name in told}
    assert told == seen, outcome


def test_nothing_is_listed_by_opening_reading_and_writing(lake):
    script = lake.folder / "many.sql"
    script.write_text("".join(f"INSERT INTO t VALUES ({number});\n" for number in range(300)))
    lake.run("sql", "-f", str(script)).succeeds()
    lake.server.forget_requests()
    outcome = lake.sql("SELECT count(*) AS n, sum(a) AS s FROM t", verbose=True).succeeds()
    assert outcome.stdout == f"n,s\n300,{sum(range(300))}\n"
    opened = outcome.requests("open")[0]
    assert "list" not in opened and "head" not in opened, opened
    # The identity, the hint, the index and the record of a checkpoint, its runs, the slots behind it, and a few more.
    assert opened["get"] <= 80, opened
    assert not [ask for ask in lake.server.requests() if "list-type" in ask["query"]]
    assert not [ask for ask in lake.server.requests() if ask["method"] == "HEAD"]


def test_a_small_segment_is_read_in_one_request(lake):
    # Too many rows for a slot, and so alike that they take little room.
    lake.sql("INSERT INTO t SELECT value % 100 FROM generate_series(1, 300000)").succeeds()
    lake.server.forget_requests()
    outcome = lake.sql("SELECT sum(a) AS s FROM t WHERE a = 5").succeeds()
    assert outcome.stdout == "s\n15000\n"
    asked = [ask for ask in lake.server.requests() if ask["key"].startswith("segments/")]
    assert [ask["method"] for ask in asked] == ["GET"], asked


def test_a_new_lake_is_opened_without_a_listing(place):
    place.run("init").succeeds()
    outcome = place.sql("SELECT 1 AS one", verbose=True).succeeds()
    assert "list" not in outcome.requests("open")[0], outcome
