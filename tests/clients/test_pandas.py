"""pandas, reading and writing by ADBC."""

import pandas as pd


def test_a_query_is_a_data_frame(connection, orders):
    frame = pd.read_sql(f"SELECT id, buyer, amount FROM {orders} ORDER BY id", connection)
    assert list(frame.columns) == ["id", "buyer", "amount"]
    assert frame["buyer"].tolist() == ["ann", "bob", "cy"]
    assert frame["amount"].isna().tolist() == [False, True, False]


def test_a_data_frame_is_written_and_read_back(connection, name):
    frame = pd.DataFrame({"id": [1, 2, 3], "value": [0.5, 1.5, 2.5]})
    assert frame.to_sql(name, connection, index=False) == 3
    assert frame.to_sql(name, connection, index=False, if_exists="append") == 3
    found = pd.read_sql(f"SELECT sum(value) AS total, count(*) AS n FROM {name}", connection)
    assert found.to_dict("records") == [{"total": 9.0, "n": 6}]
