"""Transactions of ADBC's DB-API: without autocommit, from one `commit()` to the next."""

import adbc_driver_manager
import pytest
from adbc_driver_flightsql import dbapi


@pytest.fixture
def transactional(url, options):
    with dbapi.connect(url, db_kwargs=options, autocommit=False) as connection:
        yield connection


def execute(connection, sql, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def count(connection, table):
    return execute(connection, f"SELECT count(*) FROM {table}")[0][0]


def test_a_commit_is_one_version(transactional, rows, orders):
    before = rows("SELECT current_version()")[0][0]
    execute(transactional, f"INSERT INTO {orders} VALUES (4, 'dee', 1)")
    execute(transactional, f"INSERT INTO {orders} VALUES ($1, $2, $3)", [5, "eve", None])
    assert count(transactional, orders) == 5, "it sees what it wrote"
    assert rows(f"SELECT count(*) FROM {orders}") == [(3,)], "nobody else does"
    transactional.commit()
    assert rows(f"SELECT count(*) FROM {orders}") == [(5,)]
    assert rows("SELECT current_version()") == [(before + 1,)]


def test_a_rollback_leaves_nothing(transactional, rows, orders, name):
    execute(transactional, f"INSERT INTO {orders} VALUES (4, 'dee', 1)")
    execute(transactional, f"CREATE TABLE {name}_made AS SELECT * FROM {orders}")
    transactional.rollback()
    assert rows(f"SELECT count(*) FROM {orders}") == [(3,)]
    assert rows("SELECT count(*) FROM system.tables WHERE table_name = $1", [f"{name}_made"]) == [(0,)]
    assert count(transactional, orders) == 3, "the next transaction has begun"


def test_what_is_not_committed_is_gone_with_its_connection(url, options, rows, orders):
    with dbapi.connect(url, db_kwargs=options, autocommit=False) as connection:
        execute(connection, f"INSERT INTO {orders} VALUES (4, 'dee', 1)")
    assert rows(f"SELECT count(*) FROM {orders}") == [(3,)]


def test_a_connection_that_only_waits_sees_what_came_since(transactional, connection, orders):
    with connection.cursor() as cursor:
        cursor.executescript(f"INSERT INTO {orders} VALUES (4, 'dee', 1)")
    assert count(transactional, orders) == 4
    with connection.cursor() as cursor:
        cursor.executescript(f"INSERT INTO {orders} VALUES (5, 'eve', 1)")
    assert count(transactional, orders) == 4, "its snapshot is taken by its first statement"
    transactional.commit()
    assert count(transactional, orders) == 5


def test_a_conflict_is_told_and_the_transaction_can_be_run_again(url, options, connection, rows, orders):
    def add_one(transactional):
        execute(transactional, f"INSERT INTO {orders} SELECT max(id) + 1, 'next', 1 FROM {orders}")

    with dbapi.connect(url, db_kwargs=options, autocommit=False) as transactional:
        add_one(transactional)
        with connection.cursor() as cursor:
            cursor.executescript(f"INSERT INTO {orders} VALUES (4, 'dee', 1)")
        with pytest.raises(dbapi.Error) as raised:
            transactional.commit()
        assert "conflict" in str(raised.value) and "version" in str(raised.value)
    # The driver has lost its transaction together with the commit: it begins another when it connects.
    with dbapi.connect(url, db_kwargs=options, autocommit=False) as transactional:
        add_one(transactional)
        transactional.commit()
    assert rows(f"SELECT max(id), count(*) FROM {orders}") == [(5, 5)]


def test_after_an_error_it_is_rolled_back(transactional, rows, orders):
    execute(transactional, f"INSERT INTO {orders} VALUES (4, 'dee', 1)")
    with pytest.raises(dbapi.Error):
        execute(transactional, f"SELECT no_such_column FROM {orders}")
    with pytest.raises(dbapi.Error) as raised:
        count(transactional, orders)
    assert "ROLLBACK ends it" in str(raised.value)
    transactional.rollback()
    assert count(transactional, orders) == 3
    assert rows(f"SELECT count(*) FROM {orders}") == [(3,)]


def test_what_failed_is_not_committed(transactional, rows, orders):
    execute(transactional, f"INSERT INTO {orders} VALUES (4, 'dee', 1)")
    with pytest.raises(dbapi.Error):
        execute(transactional, f"SELECT no_such_column FROM {orders}")
    with pytest.raises(dbapi.Error) as raised:
        transactional.commit()
    code = adbc_driver_manager.AdbcStatusCode
    assert raised.value.status_code not in (code.INTERNAL, code.UNKNOWN, code.IO), raised.value
    assert rows(f"SELECT count(*) FROM {orders}") == [(3,)]


def test_rows_are_ingested_into_a_transaction(transactional, rows, orders, name):
    pa = pytest.importorskip("pyarrow")
    data = pa.table({"id": pa.array([10, 11], pa.int64()), "buyer": ["x", "y"]})
    with transactional.cursor() as cursor:
        assert cursor.adbc_ingest(orders, data, mode="append") == 2
        assert cursor.adbc_ingest(f"{name}_new", data, mode="create") == 2
    assert count(transactional, orders) == 5
    assert rows(f"SELECT count(*) FROM {orders}") == [(3,)]
    transactional.commit()
    assert rows(f"SELECT count(*) FROM {orders}") == [(5,)]
    assert rows(f"SELECT count(*) FROM {name}_new") == [(2,)]


def test_a_commit_may_say_what_it_is_for(transactional, rows, orders):
    execute(transactional, f"INSERT INTO {orders} VALUES (4, 'dee', 1)")
    execute(transactional, "COMMIT WITH (message => $1, ticket => 'OPS-7')", ["by hand"])
    transactional.commit()
    said = rows("SELECT message, properties['ticket'] FROM system.commits ORDER BY version DESC LIMIT 1")
    assert said == [("by hand", "OPS-7")]


def test_one_cursor_runs_its_statement_in_one_transaction_after_the_other(url, token, rows, orders):
    keys = {"username": "anybody", "password": token}
    with dbapi.connect(url, db_kwargs=keys, autocommit=False) as connection, connection.cursor() as cursor:
        for number in range(4, 7):
            cursor.execute(f"INSERT INTO {orders} VALUES ($1, 'again', 1)", [number])
            connection.commit()
    assert rows(f"SELECT count(*) FROM {orders}") == [(6,)]
