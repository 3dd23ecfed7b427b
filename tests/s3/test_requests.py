"""What statements cost: requests, as the command counts them and as the server saw them."""


def test_a_small_commit_is_one_put_once_the_head_is_known(lake):
    inserts = [f"INSERT INTO t VALUES ({number})" for number in range(4)]
    outcome = lake.sql(*inserts, verbose=True).succeeds()
    counts = outcome.requests("statement")
    assert len(counts) == 4, outcome
    # The first commit of a process tries out whether the store can be relied on.
    assert (counts[0]["get"], counts[0]["put"], counts[0]["delete"]) == (1, 3, 1), counts
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
    # What was read because the hint names it is not asked for again.
    parts = [ask["key"] for ask in lake.server.requests() if ask["key"].startswith("checkpoints/")]
    assert len(parts) == len(set(parts)) == 4, parts
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


def test_the_first_statement_of_a_command_asks_for_nothing_newer(lake):
    query = "SELECT 1 AS one"
    outcome = lake.sql(query, query, verbose=True).succeeds()
    assert outcome.requests("statement") == [{}, {"get": 1}], outcome
    lake.server.forget_requests()
    outcome = lake.run("-v", "sql", "--as-of", "2", "-c", query).succeeds()
    assert outcome.requests("statement") == [{}], outcome
    assert outcome.requests("open")[0]["get"] == len(lake.server.requests()), outcome
    for command in (["log"], ["tag", "list"]):
        lake.server.forget_requests()
        lake.run(*command).succeeds()
        slots = [ask["key"] for ask in lake.server.requests() if ask["key"].startswith("log/")]
        assert slots and len(slots) == len(set(slots)), slots


def test_statements_of_a_file_ask_for_what_is_newer(lake):
    script = lake.folder / "one.sql"
    script.write_text("SELECT 1 AS one")
    outcome = lake.run("-v", "sql", "-f", str(script)).succeeds()
    assert outcome.requests("statement") == [{"get": 1}], outcome
