"""HTTP, as curl and Prometheus use it."""

import io
import json
import subprocess

import pyarrow as pa
import pytest
from prometheus_client.openmetrics import parser


def curl(*arguments: str, body: str | None = None) -> tuple[int, bytes]:
    """What the server answered: status and body."""
    command = ["curl", "--silent", "--show-error", "--max-time", "30", "--write-out", "\n%{http_code}", *arguments]
    if body is not None:
        command += ["--data-binary", body]
    done = subprocess.run(command, capture_output=True, check=True)
    answer, _, status = done.stdout.rpartition(b"\n")
    return int(status), answer


@pytest.fixture
def sql(http_url, token):
    def run(query: str, accept: str, *more: str) -> tuple[int, bytes]:
        headers = ["-H", f"Authorization: Bearer {token}", "-H", f"Accept: {accept}", "-H", "Content-Type: text/plain"]
        return curl(*headers, *more, f"{http_url}/sql", body=query)

    return run


def test_the_server_is_well_and_ready(http_url):
    for path in ("/health", "/ready"):
        assert curl(f"{http_url}{path}")[0] == 200, path


def test_prometheus_reads_the_metrics(http_url, token, sql):
    sql("SELECT 1", "text/csv")
    status, text = curl("-H", f"Authorization: Bearer {token}", f"{http_url}/metrics")
    assert status == 200, text
    families = {family.name: family for family in parser.text_string_to_metric_families(text.decode())}
    assert "frostline_statements" in families, sorted(families)
    assert sum(sample.value for sample in families["frostline_statements"].samples) >= 1
    assert "frostline_statement_seconds" in families


def test_rows_come_in_the_form_that_is_asked_for(sql, orders):
    query = f"SELECT id, buyer FROM {orders} ORDER BY id"
    status, text = sql(query, "text/csv")
    assert (status, text.decode()) == (200, "id,buyer\n1,ann\n2,bob\n3,cy\n")
    status, text = sql(query, "application/json")
    expected = [{"id": 1, "buyer": "ann"}, {"id": 2, "buyer": "bob"}, {"id": 3, "buyer": "cy"}]
    assert (status, json.loads(text)) == (200, expected)
    status, text = sql(query, "application/vnd.apache.arrow.stream")
    assert status == 200
    assert pa.ipc.open_stream(io.BytesIO(text)).read_all().to_pylist() == expected


def test_a_result_without_rows_is_whole_in_every_form(sql, orders):
    query = f"SELECT id, buyer FROM {orders} WHERE id > 100"
    assert sql(query, "text/csv") == (200, b"id,buyer\n")
    assert sql(query, "application/json") == (200, b"[]\n")
    assert sql(query, "application/x-ndjson") == (200, b"")
    status, text = sql(query, "application/vnd.apache.arrow.stream")
    table = pa.ipc.open_stream(io.BytesIO(text)).read_all()
    assert (status, table.num_rows, table.column_names) == (200, 0, ["id", "buyer"])


def test_parameters_come_as_json(http_url, token, orders):
    body = json.dumps({"sql": f"SELECT buyer FROM {orders} WHERE id = $1", "params": [3]})
    headers = ["-H", f"Authorization: Bearer {token}", "-H", "Content-Type: application/json", "-H", "Accept: text/csv"]
    assert curl(*headers, f"{http_url}/sql", body=body) == (200, b"buyer\ncy\n")


def test_the_version_is_a_header(sql, orders):
    status, answer = sql(f"SELECT count(*) AS n FROM {orders}", "text/csv", "--include")
    assert status == 200
    assert b"x-frostline-version: " in answer.lower(), answer


def test_mistakes_have_their_status(http_url, sql):
    assert curl(f"{http_url}/sql", body="SELECT 1")[0] == 401
    assert curl("-H", "Authorization: Bearer wrong", f"{http_url}/sql", body="SELECT 1")[0] == 401
    for query in ("SELEC 1", "SELECT * FROM no_such_table", "SELECT 1; SELECT 2", "SELECT * FROM '/etc/passwd'"):
        status, text = sql(query, "text/csv")
        assert 400 <= status < 500, (query, status, text)
    assert curl(f"{http_url}/no/such/page")[0] == 404
