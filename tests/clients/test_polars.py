"""Polars, reading and writing by ADBC."""

import polars as pl


def test_a_query_is_a_data_frame(connection, orders):
    frame = pl.read_database(f"SELECT id, buyer FROM {orders} ORDER BY id", connection)
    assert frame.to_dict(as_series=False) == {"id": [1, 2, 3], "buyer": ["ann", "bob", "cy"]}


def test_a_data_frame_is_written_and_read_back(connection, name):
    frame = pl.DataFrame({"day": ["a", "b", None], "value": [1.5, None, 3.0], "count": [1, 2, 3]})
    assert frame.write_database(name, connection, engine="adbc", if_table_exists="fail") == 3
    assert frame.write_database(name, connection, engine="adbc", if_table_exists="append") == 3
    found = pl.read_database(f"SELECT * FROM {name} ORDER BY count", connection)
    assert found.height == 6
    assert found.unique(maintain_order=True).rows() == frame.rows()
