"""ADBC below the DB-API: statements that are not prepared, schemas without rows, partitions."""

import adbc_driver_flightsql
import adbc_driver_manager
import pyarrow as pa
import pytest


@pytest.fixture
def low(url, options):
    with adbc_driver_flightsql.connect(url, db_kwargs=options) as database:
        with adbc_driver_manager.AdbcConnection(database) as connection:
            yield connection


def read(stream) -> pa.Table:
    return pa.RecordBatchReader._import_from_c(stream.address).read_all()


def test_a_statement_is_run_without_being_prepared(low, orders):
    with adbc_driver_manager.AdbcStatement(low) as statement:
        statement.set_sql_query(f"SELECT id FROM {orders} ORDER BY id")
        stream, _ = statement.execute_query()
        assert read(stream).to_pydict() == {"id": [1, 2, 3]}


def test_an_update_tells_how_many_rows_it_wrote(low, orders):
    with adbc_driver_manager.AdbcStatement(low) as statement:
        statement.set_sql_query(f"INSERT INTO {orders} VALUES (4, 'dee', 1), (5, 'eve', 2)")
        assert statement.execute_update() == 2
        statement.set_sql_query(f"SELECT count(*) AS n FROM {orders}")
        stream, _ = statement.execute_query()
        assert read(stream).to_pydict() == {"n": [5]}


def test_the_schema_is_told_without_rows(low, orders):
    with adbc_driver_manager.AdbcStatement(low) as statement:
        statement.set_sql_query(f"SELECT id, buyer FROM {orders}")
        handle = statement.execute_schema()
        schema = pa.Schema._import_from_c(handle.address)
        assert schema.names == ["id", "buyer"]


def test_partitions_are_read_one_by_one(low, orders):
    with adbc_driver_manager.AdbcStatement(low) as statement:
        statement.set_sql_query(f"SELECT id FROM {orders} ORDER BY id")
        partitions, _, _ = statement.execute_partitions()
        found = [read(low.read_partition(partition)).to_pydict()["id"] for partition in partitions]
    assert sum(found, []) == [1, 2, 3]
