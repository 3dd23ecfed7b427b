"""ADBC's DB-API, as a notebook uses it."""

import warnings
from decimal import Decimal

import adbc_driver_manager
import pyarrow as pa
import pytest
from adbc_driver_flightsql import dbapi


def test_rows_come_with_their_types(connection, orders):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, buyer, amount FROM {orders} ORDER BY id")
        table = cursor.fetch_arrow_table()
    assert table.schema.names == ["id", "buyer", "amount"]
    assert table.schema.field("id").type == pa.int64() and not table.schema.field("id").nullable
    assert table.schema.field("buyer").type == pa.string(), "clients that do not know string views need none"
    assert table.schema.field("amount").type == pa.decimal128(10, 2)
    assert table.to_pylist()[1] == {"id": 2, "buyer": "bob", "amount": None}


def test_aggregates_have_the_schema_that_was_promised(rows, orders):
    # The planner's statistics make some of these columns non-null only when it runs.
    assert rows(f"SELECT min(id), max(id), count(*), sum(amount) FROM {orders}") == [(1, 3, 3, Decimal("12.50"))]
    assert rows(f"SELECT max(id) FROM {orders} WHERE id > 100") == [(None,)]


def test_an_empty_result_has_its_columns(connection, orders):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, buyer FROM {orders} WHERE id > 100")
        table = cursor.fetch_arrow_table()
    assert (table.num_rows, table.column_names) == (0, ["id", "buyer"])


def test_a_large_result_streams_in_order(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM generate_series(1, 1000000) ORDER BY value")
        seen = 0
        for batch in cursor.fetch_record_batch():
            values = batch.column(0)
            assert values[0].as_py() == seen + 1
            seen += len(values)
    assert seen == 1_000_000


@pytest.mark.parametrize("mark", ["$1", "?"])
def test_parameters_are_bound(rows, orders, mark):
    assert rows(f"SELECT buyer FROM {orders} WHERE id = {mark}", [3]) == [("cy",)]
    assert rows(f"SELECT count(*) FROM {orders} WHERE buyer = {mark}", ["nobody"]) == [(0,)]
    assert rows(f"SELECT count(*) FROM {orders} WHERE id = {mark}", [None]) == [(0,)]


def test_a_parameter_may_stand_where_no_text_can(connection, rows, orders):
    # The driver prepares the statement before it says what the value is.
    assert rows(f"SELECT buyer FROM {orders} ORDER BY id LIMIT $1 OFFSET $2", [1, 1]) == [("bob",)]
    assert rows(f"SELECT count(*) FROM {orders} WHERE array_has($1, buyer)", [["ann", "cy"]]) == [(2,)]
    assert rows("SELECT abs($1)", [-7]) == [(7,)]
    with connection.cursor() as cursor:
        told = cursor.adbc_prepare(f"SELECT buyer FROM {orders} LIMIT $1")
    assert told.types == [pa.int64()]


def test_a_parameter_that_is_missing_or_too_many_is_told(connection, orders):
    for parameters in (None, [1, 2]):
        with connection.cursor() as cursor, pytest.raises(dbapi.Error) as raised:
            cursor.execute(f"SELECT buyer FROM {orders} WHERE id = $1", parameters)
            cursor.fetchall()
        assert_users_mistake(raised.value)


def test_the_past_is_read(connection, rows, orders):
    version = rows("SELECT current_version()")[0][0]
    with connection.cursor() as cursor:
        cursor.executescript(f"INSERT INTO {orders} VALUES (4, 'dee', 1)")
    assert rows(f"SELECT count(*) FROM {orders} AS OF VERSION {version}") == [(3,)]
    assert rows(f"SELECT count(*) FROM {orders} AS OF VERSION $1", [version]) == [(3,)]
    assert rows(f"SELECT count(*) FROM {orders}") == [(4,)]
    with connection.cursor() as cursor, pytest.raises(dbapi.Error) as raised:
        cursor.execute(f"SELECT * FROM {orders} AS OF VERSION 9000000")
        cursor.fetchall()
    assert "version 9000000 does not exist" in str(raised.value)
    assert_users_mistake(raised.value)


@pytest.mark.parametrize("fetches", [True, False])
def test_an_insert_is_made_once_whether_its_result_is_fetched_or_not(connection, rows, orders, fetches):
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {orders} VALUES (4, 'dee', 1)")
        if fetches:
            cursor.fetchall()
    assert rows(f"SELECT count(*) FROM {orders}") == [(4,)]


def test_a_prepared_insert_is_made_once_for_each_row(connection, rows, orders):
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {orders} VALUES ($1, $2, $3)", [(4, "dee", 1.5), (5, None, None)])
    assert rows(f"SELECT count(*), count(amount) FROM {orders}") == [(5, 3)]


def test_a_prepared_change_is_made_for_each_row_in_one_version(connection, rows, orders):
    before = rows("SELECT current_version()")[0][0]
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {orders} SET buyer = $1 WHERE id = $2", [("x", 1), ("y", 2), ("z", 1), ("no", 9)])
    assert rows(f"SELECT buyer FROM {orders} ORDER BY id") == [("z",), ("y",), ("cy",)]
    assert rows("SELECT current_version()") == [(before + 1,)]
    with connection.cursor() as cursor:
        cursor.executemany(f"DELETE FROM {orders} WHERE id = ?", [(1,), (3,)])
    assert rows(f"SELECT id FROM {orders}") == [(2,)]
    merge = (
        f"MERGE INTO {orders} AS t USING (SELECT CAST(? AS BIGINT) AS id, CAST(? AS VARCHAR) AS buyer) AS s"
        " ON t.id = s.id WHEN MATCHED THEN UPDATE SET buyer = s.buyer"
        " WHEN NOT MATCHED THEN INSERT (id, buyer) VALUES (s.id, s.buyer)"
    )
    with connection.cursor() as cursor:
        cursor.executemany(merge, [(2, "bo"), (4, "di"), (4, "dee")])
    assert rows(f"SELECT id, buyer FROM {orders} ORDER BY id") == [(2, "bo"), (4, "dee")]
    assert rows("SELECT current_version()") == [(before + 3,)]


def test_a_prepared_change_of_which_one_row_fails_changes_nothing(connection, rows, orders):
    with connection.cursor() as cursor, pytest.raises(dbapi.Error) as raised:
        cursor.executemany(f"UPDATE {orders} SET id = ? WHERE id = ?", [(7, 1), (None, 2)])
    assert "row 2 of the parameters" in str(raised.value)
    assert_users_mistake(raised.value)
    assert rows(f"SELECT id FROM {orders} ORDER BY id") == [(1,), (2,), (3,)]


def test_what_is_only_prepared_does_nothing(connection, rows, orders):
    with connection.cursor() as cursor:
        cursor.adbc_prepare(f"INSERT INTO {orders} VALUES (4, 'dee', 1)")
        cursor.adbc_prepare(f"DROP TABLE {orders}")
    assert rows(f"SELECT count(*) FROM {orders}") == [(3,)]


def test_a_prepared_query_tells_its_parameters_and_columns(connection, orders):
    with connection.cursor() as cursor:
        parameters = cursor.adbc_prepare(f"SELECT buyer FROM {orders} WHERE id = $1")
        assert len(parameters) == 1
        schema = cursor.adbc_execute_schema(f"SELECT id, buyer FROM {orders}")
    assert schema.names == ["id", "buyer"]


def test_rows_are_ingested_in_one_commit(connection, rows, name):
    data = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "text": ["a", None, "c"]})
    before = rows("SELECT current_version()")[0][0]
    with connection.cursor() as cursor:
        assert cursor.adbc_ingest(name, data, mode="create") == 3
    assert rows("SELECT current_version()")[0][0] <= before + 2
    with connection.cursor() as cursor:
        assert cursor.adbc_ingest(name, data.to_reader(max_chunksize=1), mode="append") == 3
        assert rows(f"SELECT count(*), count(text) FROM {name}") == [(6, 4)]
        assert cursor.adbc_ingest(name, data, mode="create_append") == 3
        assert rows(f"SELECT count(*) FROM {name}") == [(9,)]
        assert cursor.adbc_ingest(name, data, mode="replace") == 3
        assert rows(f"SELECT count(*) FROM {name}") == [(3,)]


def test_an_ingest_that_cannot_be_made_leaves_nothing(connection, rows, orders, name):
    absent = f"{name}_absent"
    data = pa.table({"id": [1], "no_such_column": ["a"]})
    wrong = [
        (orders, data, {"mode": "append"}),
        (orders, data, {"mode": "create"}),
        (absent, data, {"mode": "append"}),
        (absent, data, {"mode": "create", "temporary": True}),
        (orders, pa.table({"id": ["not a number"]}), {"mode": "append"}),
    ]
    for table, rows_of_it, keywords in wrong:
        with connection.cursor() as cursor, pytest.raises(dbapi.Error) as raised:
            cursor.adbc_ingest(table, rows_of_it, **keywords)
        assert_users_mistake(raised.value)
    assert rows(f"SELECT count(*) FROM {orders}") == [(3,)]
    assert rows("SELECT count(*) FROM system.tables WHERE table_name = $1", [absent]) == [(0,)]


def test_the_catalog_is_told(connection, orders):
    found = connection.adbc_get_objects(depth="all", table_name_filter=orders).read_all().to_pylist()
    tables = [
        (catalog["catalog_name"], schema["db_schema_name"], table["table_name"], table["table_columns"])
        for catalog in found
        for schema in catalog["catalog_db_schemas"] or []
        for table in schema["db_schema_tables"] or []
    ]
    assert [table[:3] for table in tables] == [("lake", "public", orders)]
    assert [column["column_name"] for column in tables[0][3]] == ["id", "buyer", "amount"]
    schema = connection.adbc_get_table_schema(orders)
    assert schema.names == ["id", "buyer", "amount"]
    assert connection.adbc_get_table_types()
    assert connection.adbc_current_catalog == "lake"
    assert connection.adbc_current_db_schema == "public"
    info = connection.adbc_get_info()
    assert "frostline" in info["vendor_name"].lower()


def test_the_default_of_the_db_api_works_too(url, options, orders):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        connection = dbapi.connect(url, db_kwargs=options)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {orders}")
        assert cursor.fetchone() == (3,)


def test_a_user_name_and_a_password_let_in_if_the_password_is_the_token(url, token, orders):
    keys = {"username": "anybody", "password": token}
    with dbapi.connect(url, db_kwargs=keys, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {orders}")
        assert cursor.fetchone() == (3,)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"adbc.flight.sql.authorization_header": "Bearer wrong"},
        {"adbc.flight.sql.authorization_header": "Bearer None"},
        {"username": "admin", "password": "wrong"},
    ],
)
def test_without_the_token_nobody_is_let_in(url, keys):
    with pytest.raises(dbapi.Error) as raised:
        with dbapi.connect(url, db_kwargs=keys, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchall()
    assert raised.value.status_code == adbc_driver_manager.AdbcStatusCode.UNAUTHENTICATED, raised.value


@pytest.mark.parametrize(
    "query",
    [
        "SELEC 1",
        "SELECT * FROM no_such_table",
        "SELECT no_such_column FROM system.commits",
        "SELECT 1; SELECT 2",
        "SELECT 1 / 0",
        "COPY (SELECT 1) TO '/tmp/frostline-was-here.csv'",
        "SELECT * FROM '/etc/passwd'",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "SET datafusion.runtime.memory_limit = '1M'",
        "",
    ],
)
def test_a_users_mistake_is_told_as_one(connection, query):
    with connection.cursor() as cursor, pytest.raises(dbapi.Error) as raised:
        cursor.execute(query)
        cursor.fetchall()
    assert_users_mistake(raised.value)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,), "the connection goes on"


def assert_users_mistake(error: dbapi.Error):
    code = adbc_driver_manager.AdbcStatusCode
    assert error.status_code not in (code.INTERNAL, code.UNKNOWN, code.IO), error
