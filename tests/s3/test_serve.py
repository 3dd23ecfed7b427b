"""A server whose lake is on S3."""

import signal
import subprocess
import urllib.request

import pytest


@pytest.fixture
def served(lake):
    """Where HTTP is served, for whoever asks."""
    local = ["--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--no-auth"]
    process = lake.start("serve", *local)
    try:
        for line in process.stderr:
            words = line.split()
            if words and words[0] == "HTTP":
                yield words[1]
                break
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
    assert process.returncode == 0


def ask(url: str, query: str) -> str:
    headers = {"Accept": "text/csv", "Content-Type": "text/plain"}
    request = urllib.request.Request(f"{url}/sql", data=query.encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


def test_what_the_server_writes_others_read_and_the_other_way_round(lake, served):
    ask(served, "INSERT INTO t VALUES (1), (2)")
    assert lake.number("SELECT count(*) AS n FROM t") == 2
    lake.sql("INSERT INTO t VALUES (3)").succeeds()
    assert ask(served, "SELECT count(*) AS n, sum(a) AS s FROM t") == "n,s\n3,6\n"
    assert ask(served, "SELECT count(*) AS n FROM t AS OF VERSION 3") == "n\n2\n"


def test_following_another_writer_is_one_request_for_each_slot(lake, served):
    query = "SELECT count(*) AS n FROM t"
    ask(served, query)
    for number in range(3):
        lake.sql(f"INSERT INTO t VALUES ({number})").succeeds()
        lake.server.forget_requests()
        assert ask(served, query) == f"n\n{number + 1}\n"
        asked = [request["method"] for request in lake.server.requests() if request["key"].startswith("log/")]
        # The slot that is new, and the next, which is not there.
        assert set(asked) == {"GET"} and len(asked) <= 2, asked
