"""flightsql-dbapi with SQLAlchemy, as Superset and JupySQL use it."""

import pytest
import sqlalchemy
from flightsql import FlightSQLClient
from flightsql.dbapi import connect


@pytest.fixture
def engine(address, token):
    host, port = address
    return sqlalchemy.create_engine(f"datafusion://{host}:{port}?insecure=True&token={token}")


def test_the_dialect_connects_and_looks_around(engine, orders):
    inspector = sqlalchemy.inspect(engine)
    assert "public" in inspector.get_schema_names()
    assert orders in inspector.get_table_names(schema="public")
    columns = inspector.get_columns(orders, schema="public")
    assert [column["name"] for column in columns] == ["id", "buyer", "amount"]


def test_the_dialect_runs_queries(engine, orders):
    with engine.connect() as connection:
        found = connection.execute(sqlalchemy.text(f"SELECT id, buyer FROM {orders} ORDER BY id")).fetchall()
    assert [tuple(row) for row in found] == [(1, "ann"), (2, "bob"), (3, "cy")]


def test_the_db_api_runs_queries(address, token, orders):
    host, port = address
    client = FlightSQLClient(host=host, port=port, token=token, insecure=True)
    cursor = connect(client).cursor()
    cursor.execute(f"SELECT count(*) AS n FROM {orders}")
    assert [tuple(row) for row in cursor.fetchall()] == [(3,)]
