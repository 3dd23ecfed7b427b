"""The package `frostline`."""

import datetime

import frostline
import pyarrow as pa
import pytest


@pytest.fixture
def lake(url, token):
    with frostline.connect(url, token=token) as lake:
        yield lake


def test_a_statement_gives_rows_in_every_form(lake, orders):
    query = f"SELECT id, buyer FROM {orders} ORDER BY id"
    assert lake.sql(query).rows() == [(1, "ann"), (2, "bob"), (3, "cy")]
    assert lake.sql(query).arrow().column_names == ["id", "buyer"]
    assert lake.sql(query).pandas()["id"].tolist() == [1, 2, 3]
    assert lake.sql(query).polars()["buyer"].to_list() == ["ann", "bob", "cy"]
    assert sum(batch.num_rows for batch in lake.sql(query).batches()) == 3
    assert lake.sql(f"SELECT count(*) FROM {orders}").scalar() == 3
    assert lake.sql(f"SELECT buyer FROM {orders} WHERE id = $1", [2]).scalar() == "bob"
    assert "<td>ann</td>" in lake.sql(query)._repr_html_()
    assert pa.table(lake.sql(query)).num_rows == 3


def test_a_result_that_is_not_one_value_says_so(lake, orders):
    with pytest.raises(ValueError, match="3 rows and 1 columns"):
        lake.sql(f"SELECT id FROM {orders}").scalar()
    result = lake.sql(f"SELECT id FROM {orders}")
    list(result.batches())
    with pytest.raises(ValueError, match="taken already"):
        result.arrow()


def test_the_past_is_a_lake_of_its_own(lake, orders):
    version = lake.version()
    lake.sql(f"INSERT INTO {orders} VALUES (4, 'dee', 1)").close()
    assert lake.version() == version + 1
    count = f"SELECT count(*) FROM {orders}"
    then = lake.at(version=version)
    assert (then.sql(count).scalar(), then.version()) == (3, version)
    assert lake.sql(count).scalar() == 4
    lake.sql(f"CREATE TAG close_{orders} AS OF {version}").close()
    assert lake.at(tag=f"close_{orders}").sql(count).scalar() == 3
    made = lake.sql("SELECT time FROM system.commits WHERE version = $1", [version]).scalar()
    assert lake.at(time=made).sql(count).scalar() == 3
    assert lake.at(time=made + datetime.timedelta(days=-3650)) is not None
    with pytest.raises(frostline.Error, match="past"):
        then.sql(f"INSERT INTO {orders} VALUES (5, 'eve', 1)").arrow()


def test_a_past_that_is_not_there_is_told(lake, orders):
    for past in ({"version": 9_000_000}, {"tag": "no-such-tag"}):
        with pytest.raises(frostline.Error):
            lake.at(**past).sql(f"SELECT * FROM {orders}").arrow()
    with pytest.raises(TypeError):
        lake.at()
    with pytest.raises(TypeError):
        lake.at(version=1, tag="a")
    with pytest.raises(ValueError):
        lake.at(version=0)
    with pytest.raises(ValueError):
        lake.at(tag="42")


def test_rows_are_ingested_and_the_log_says_why(lake, name):
    import pandas as pd
    import polars as pl

    assert lake.ingest(name, pa.table({"id": [1, 2]}), mode="create", message="first load") == 2
    assert lake.ingest(name, pd.DataFrame({"id": [3]})) == 1
    assert lake.ingest(name, pl.DataFrame({"id": [4, 5]}), message="second load") == 2
    assert lake.sql(f"SELECT sum(id) FROM {name}").scalar() == 15
    log = lake.log(name).to_pylist()
    assert [entry["rows_added"] for entry in log if entry["rows_added"]] == [2, 1, 2]
    messages = [entry["message"] for entry in log if entry["rows_added"]]
    assert messages == ["second load", "", "first load"]
    assert lake.log(name, limit=1).num_rows == 1
    assert lake.log().num_rows == lake.version()


def test_rows_that_are_none_make_a_table_too(lake, name):
    import pandas as pd
    import polars as pl

    assert lake.ingest(name, pa.table({"id": pa.array([], pa.int64())}), mode="create") == 0
    assert lake.ingest(name, pd.DataFrame({"id": pd.Series([], dtype="int64")})) == 0
    assert lake.ingest(name, pl.DataFrame({"id": []}, schema={"id": pl.Int64})) == 0
    assert lake.ingest(name, pl.DataFrame({"id": [None]})) == 1
    assert lake.ingest(name, lake.sql("SELECT 7 AS id")) == 1
    assert lake.sql(f"SELECT id FROM {name} ORDER BY id").rows() == [(7,), (None,)]


def test_a_point_parts_the_schema_from_the_table(lake, name):
    lake.sql(f"CREATE SCHEMA schema_of_{name}").close()
    table = pa.table({"id": [1]})
    lake.ingest(f"schema_of_{name}.{name}", table, mode="create")
    assert lake.sql(f"SELECT count(*) FROM schema_of_{name}.{name}").scalar() == 1
    assert lake.log(f"schema_of_{name}.{name}").num_rows > 0
    lake.ingest(f"{name}.with.points", table, mode="create", schema="public")
    assert lake.sql(f'SELECT count(*) FROM public."{name}.with.points"').scalar() == 1


def test_what_is_no_rows_and_no_values_is_told(lake, orders):
    for rows in ([{"id": 1}], {"id": [1]}, "id"):
        with pytest.raises(TypeError, match="rows are"):
            lake.ingest(orders, rows)
    for parameters in ("ann", 7):
        with pytest.raises(TypeError, match="parameters are"):
            lake.sql("SELECT $1", parameters)
    with pytest.raises(ValueError, match="no table"):
        lake.log("no_such_table")


def test_tags_and_messages_need_not_be_ascii(lake, url, token, orders, name):
    table = f"{name}_new"
    version = lake.version()
    lake.sql(f'CREATE TAG "Jahresabschluß {name}" AS OF {version}').close()
    assert lake.at(tag=f"Jahresabschluß {name}").version() == version
    lake.ingest(table, pa.table({"id": [1]}), mode="create", message="für alle\nund immer")
    with frostline.connect(url, token=token, message="grün") as green:
        green.sql(f"INSERT INTO {table} VALUES (2)").close()
        green.ingest(table, pa.table({"id": [3]}), message="rot")
    messages = [entry["message"] for entry in lake.log(table).to_pylist() if entry["rows_added"]]
    assert messages == ["rot", "grün", "für alle\nund immer"]


def test_a_past_costs_no_connection(lake, orders):
    newest = lake.log()["version"].to_pandas().max()
    assert lake.at(version=newest).version() == newest, "numbers of NumPy are numbers"
    with lake.at(version=newest) as then:
        assert "as of" in repr(then)
        with pytest.raises(ValueError, match="pinned"):
            then.adbc
    assert lake.version() == newest, "what is pinned closes nothing"
    lake.close()
    for closed in (lake, then):
        with pytest.raises(ValueError, match="closed"):
            closed.version()


def test_a_result_is_shown_whatever_became_of_it(lake, orders):
    assert repr(lake.sql(f"INSERT INTO {orders} VALUES (4, 'dee', 1), (5, 'eve', 1)")) == (
        "<frostline result: 2 rows written>"
    )
    assert "<td>1</td><td>2</td>" in lake.sql("SELECT 1 AS a, 2 AS a")._repr_html_()
    result = lake.sql("SELECT 1 AS a")
    result.close()
    assert "closed" in repr(result) and "closed" in result._repr_html_()


def test_a_wrong_token_is_refused(url):
    with pytest.raises(frostline.Error):
        with frostline.connect(url, token="wrong") as lake:
            lake.version()
