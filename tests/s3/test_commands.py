"""The whole command line on a lake on S3."""

import random

import pytest
from conftest import finish

import server as s3_server

SLOTS = "log/"


def test_what_was_committed_is_read_at_every_version(lake):
    # What came before a mistake stays.
    lake.sql("INSERT INTO t VALUES (1), (2)", "NO STATEMENT").fails(1)
    lake.sql("INSERT INTO t VALUES (3)").succeeds()
    assert lake.sql("SELECT count(*) AS n FROM t").succeeds().stdout == "n\n3\n"
    assert lake.sql("SELECT count(*) AS n FROM t AS OF VERSION 3").succeeds().stdout == "n\n2\n"
    assert lake.sql("SELECT count(*) AS n FROM t AS OF VERSION 2").succeeds().stdout == "n\n0\n"
    lake.run("tag", "create", "close", "--as-of", "3").succeeds()
    assert lake.run("sql", "--as-of", "close", "-c", "SELECT sum(a) AS s FROM t").succeeds().stdout == "s\n3\n"
    assert len(lake.run("log").succeeds().stdout.splitlines()) == 6
    assert lake.run("show", "4").succeeds().stdout.startswith("version    4\n")
    lake.run("verify", "--deep").succeeds()


def test_a_lake_is_created_once(lake):
    assert "there is a lake at" in lake.run("init").fails(4).stderr


def test_a_large_import_is_one_commit_and_its_segment_goes_up_in_parts(lake):
    drawn = random.Random(7)
    rows = 220_000
    with open(lake.folder / "rows.csv", "w", encoding="ascii") as file:
        file.write("id,noise\n")
        for number in range(rows):
            file.write(f"{number},{drawn.getrandbits(512):0128x}\n")
    outcome = lake.run("-v", "import", "load", "rows.csv").succeeds()
    assert f", {rows} rows" in outcome.stderr
    segments = [ask for ask in lake.server.requests() if ask["key"].startswith("segments/")]
    parts = [ask for ask in segments if "partNumber" in ask["query"]]
    assert len(parts) >= 2, segments
    assert max(ask["bytes"] for ask in segments) < 16 * 1024 * 1024, segments
    slots = [ask for ask in lake.server.requests() if ask["method"] == "PUT" and ask["key"].startswith(SLOTS)]
    assert len(slots) == 1, slots
    counted = outcome.requests("import")[0]
    assert counted["put"] >= len(parts) and counted["bytes written"] > 10_000_000, counted
    assert lake.number("SELECT count(*) AS n FROM load") == rows
    lake.run("verify", "--deep").succeeds()


def test_four_processes_commit_at_once_and_nothing_is_lost(lake):
    processes, rounds = 4, 20
    running = []
    for process in range(processes):
        script = lake.folder / f"{process}.sql"
        script.write_text("".join(f"INSERT INTO t VALUES ({process * rounds + number});\n" for number in range(rounds)))
        running.append(lake.start("sql", "-f", str(script)))
    versions = []
    for outcome in [finish(process) for process in running]:
        told = [int(line.split(" ")[1].rstrip(":")) for line in outcome.succeeds().stderr.splitlines()]
        assert len(told) == rounds and told == sorted(told)
        versions += told
    assert sorted(versions) == list(range(3, 3 + processes * rounds))
    assert lake.number("SELECT count(DISTINCT a) AS n FROM t") == processes * rounds
    counts = lake.sql(*[f"SELECT count(*) AS n FROM t AS OF VERSION {version}" for version in (3, 42, 82)]).succeeds()
    assert [line for line in counts.stdout.split() if line.isdigit()] == ["1", "40", "80"]
    lake.run("verify", "--deep").succeeds()


def test_flags_outdo_the_environment(lake):
    nowhere = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "AWS_REGION": "nowhere"}
    flags = ["--s3-endpoint", lake.server.endpoint, "--s3-region", "us-east-1", "--s3-path-style"]
    outcome = lake.run("sql", "-c", "SELECT count(*) AS n FROM t", *flags, **nowhere)
    assert outcome.succeeds().stdout == "n\n0\n"


def test_credentials_come_from_a_profile(lake):
    folder = lake.folder / ".aws"
    folder.mkdir()
    keys = f"aws_access_key_id = {s3_server.KEY_ID}\naws_secret_access_key = {s3_server.SECRET}\n"
    (folder / "credentials").write_text(f"[default]\naws_access_key_id = A\naws_secret_access_key = B\n[audit]\n{keys}")
    (folder / "config").write_text(f"[profile audit]\nregion = us-east-1\nendpoint_url = {lake.server.endpoint}\n")
    unset = dict.fromkeys(
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL_S3"]
    )
    query = ["sql", "-c", "SELECT count(*) AS n FROM t"]
    assert lake.run(*query, "--s3-profile", "audit", **unset).succeeds().stdout == "n\n0\n"
    assert lake.run(*query, AWS_PROFILE="audit", **unset).succeeds().stdout == "n\n0\n"
    outcome = lake.run(*query, "--s3-profile", "nobody", **unset).fails(2)
    assert "there is no profile `nobody`" in outcome.stderr


@pytest.mark.parametrize(
    ("key", "secret"), [(s3_server.KEY_ID, "not-the-secret"), ("NOBODY", s3_server.SECRET)]
)
def test_wrong_credentials_are_refused_and_not_repeated(lake, key, secret):
    wrong = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
    for arguments in (["sql", "-c", "INSERT INTO t VALUES (1)"], ["init"]):
        outcome = lake.run(*arguments, **wrong).fails(5)
        assert "ermission denied" in outcome.stderr or "privileges" in outcome.stderr, outcome
        assert secret not in outcome.stderr
    assert lake.number("SELECT count(*) AS n FROM t") == 0


def test_without_credentials_the_command_ends_soon_and_says_what_to_set(lake):
    nobody = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_METADATA_ENDPOINT": "http://127.0.0.1:1"}
    for arguments in (["sql", "-c", "SELECT 1"], ["init"]):
        outcome = lake.run(*arguments, **nobody).fails(5)
        assert "no credentials are given" in outcome.stderr and "set AWS_ACCESS_KEY_ID" in outcome.stderr, outcome


@pytest.mark.parametrize("key", ["role_arn", "sso_session", "credential_process"])
def test_a_profile_that_leads_elsewhere_for_its_credentials_is_refused(lake, key):
    config = lake.folder / "config"
    config.write_text(f"[profile far]\n{key} = somewhere\n")
    outcome = lake.run("sql", "-c", "SELECT 1", "--s3-profile", "far", AWS_CONFIG_FILE=str(config)).fails(2)
    assert f"profile `far` says `{key}`, which is not followed" in outcome.stderr


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("AWS_ENDPOINT_URL_S3", "127.0.0.1:9000", "its endpoint is no address"),
        ("AWS_REGION", "no region", "its region is no name"),
        ("AWS_ACCESS_KEY_ID", "two\nlines", "its access key or session token holds a character"),
        ("AWS_SESSION_TOKEN", "two\nlines", "its access key or session token holds a character"),
    ],
)
def test_what_no_request_can_carry_is_refused(lake, variable, value, told):
    assert told in lake.run("sql", "-c", "SELECT 1", **{variable: value}).fails(2).stderr


def test_an_empty_variable_says_nothing_and_a_line_break_at_the_end_is_no_part_of_one(lake):
    changes = {"AWS_ENDPOINT_URL_S3": "", "AWS_ENDPOINT_URL": lake.server.endpoint, "AWS_SESSION_TOKEN": ""}
    keys = {"AWS_ACCESS_KEY_ID": s3_server.KEY_ID + "\n", "AWS_SECRET_ACCESS_KEY": s3_server.SECRET + "\n"}
    assert lake.run("sql", "-c", "SELECT 1 AS one", **changes, **keys).succeeds().stdout == "one\n1\n"


@pytest.mark.parametrize("prefix", ["", "/", "/a b/ünï/", "/a%20b", "/a+b&c=d'(e)!*~", "/%", "/a:b@c"])
def test_a_prefix_may_hold_any_character(place, prefix):
    place.location = f"s3://lake{prefix}"
    place.run("init").succeeds()
    rows = place.sql("CREATE TABLE t (a BIGINT)", "INSERT INTO t VALUES (1)", "SELECT * FROM t").succeeds()
    assert rows.stdout == "a\n1\n"
    assert "there is a lake at" in place.run("init").fails(4).stderr
    place.run("verify", "--deep").succeeds()


def test_an_absent_bucket_is_told_from_an_absent_lake(place):
    assert "there is no lake at" in place.sql("SELECT 1").fails(4).stderr
    place.location = "s3://no-such-bucket/lake"
    assert "there is no bucket for `s3://no-such-bucket/lake`" in place.sql("SELECT 1").fails(4).stderr
    refused = place.run("init").fails(4).stderr
    assert "there is no bucket for `s3://no-such-bucket/lake` (NoSuchBucket); create it" in refused
    assert "<Code>" not in refused


def test_options_for_s3_are_refused_for_a_lake_elsewhere(place):
    place.location = "./folder"
    assert "the options for S3 mean nothing for it" in place.run("init", "--s3-region", "here").fails(2).stderr


def test_explain_analyze_tells_the_requests(lake):
    lake.sql("INSERT INTO t VALUES (1)").succeeds()
    answer = lake.sql("EXPLAIN ANALYZE SELECT sum(a) FROM t").succeeds().stdout
    assert answer.splitlines()[-1].startswith("requests,"), answer
    assert "requests" not in lake.sql("EXPLAIN SELECT sum(a) FROM t").succeeds().stdout
