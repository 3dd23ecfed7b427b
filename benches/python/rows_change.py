"""Times how long another engine takes to change rows of a table that it keeps in files: DuckLake or delta-rs.

Prints one line of JSON: {"seconds": [one number for each round], "rows": the rows that the last changed}. If a package
is not installed: {"missing": its name}. Each round has a table of its own, loaded before and not timed.
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", choices=["ducklake", "delta", "duckdb"], required=True)
    parser.add_argument("--action", choices=["delete", "update", "merge", "except"], required=True)
    parser.add_argument("--file", required=True, help="the Parquet file with the table's rows")
    parser.add_argument("--where", help="which rows are deleted or updated")
    parser.add_argument("--source", help="the Parquet file that is merged, or the table's later rows")
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--folder", required=True, help="where scratch folders are made")
    arguments = parser.parse_args()
    run = {"ducklake": in_ducklake, "delta": in_delta, "duckdb": in_duckdb}[arguments.peer]
    try:
        print(json.dumps(run(arguments)))
    except ImportError as error:
        print(json.dumps({"missing": error.name}))


def in_ducklake(arguments) -> dict:
    import duckdb
    from duckdb_extensions import import_extension

    import_extension("ducklake")
    seconds, rows = [], 0
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder, duckdb.connect() as connection:
            connection.execute("LOAD ducklake")
            # Rows go to files whatever their number, as the table's own do.
            connection.execute(
                f"ATTACH 'ducklake:{folder}/catalog' AS lake (DATA_PATH '{folder}/data', DATA_INLINING_ROW_LIMIT 0)"
            )
            connection.execute("CREATE TABLE lake.lineitem AS SELECT * FROM read_parquet(?)", [arguments.file])
            if arguments.source:
                connection.execute("CREATE TABLE source AS SELECT * FROM read_parquet(?)", [arguments.source])
            statement = sql(arguments, "lake.lineitem")
            started = time.perf_counter()
            changed = connection.execute(statement).fetchall()
            seconds.append(time.perf_counter() - started)
            rows = changed[0][0]
    return {"seconds": seconds, "rows": rows}


def sql(arguments, table: str) -> str:
    if arguments.action == "delete":
        return f"DELETE FROM {table} WHERE {arguments.where}"
    if arguments.action == "update":
        return f"UPDATE {table} SET l_quantity = l_quantity + 1, l_comment = 'changed' WHERE {arguments.where}"
    return (
        f"MERGE INTO {table} AS t USING source AS s ON t.l_orderkey = s.l_orderkey AND t.l_linenumber = s.l_linenumber "
        "WHEN MATCHED THEN UPDATE SET l_quantity = s.l_quantity, l_comment = s.l_comment WHEN NOT MATCHED THEN INSERT"
    )


def in_delta(arguments) -> dict:
    import pyarrow.parquet
    from deltalake import DeltaTable, write_deltalake

    seconds, rows = [], 0
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        loaded = Path(folder) / "loaded"
        write_deltalake(loaded, pyarrow.parquet.read_table(arguments.file))
        source = pyarrow.parquet.read_table(arguments.source) if arguments.source else None
        for _ in range(arguments.rounds):
            own = Path(folder) / "own"
            shutil.copytree(loaded, own)
            table = DeltaTable(own)
            started = time.perf_counter()
            rows = change_delta(table, arguments, source)
            seconds.append(time.perf_counter() - started)
            shutil.rmtree(own)
    return {"seconds": seconds, "rows": rows}


def change_delta(table, arguments, source) -> int:
    if arguments.action == "delete":
        return table.delete(arguments.where)["num_deleted_rows"]
    if arguments.action == "update":
        updates = {"l_quantity": "l_quantity + 1", "l_comment": "'changed'"}
        return table.update(updates=updates, predicate=arguments.where)["num_updated_rows"]
    merge = table.merge(
        source,
        "t.l_orderkey = s.l_orderkey AND t.l_linenumber = s.l_linenumber",
        source_alias="s",
        target_alias="t",
    )
    merge = merge.when_matched_update(updates={"l_quantity": "s.l_quantity", "l_comment": "s.l_comment"})
    done = merge.when_not_matched_insert_all().execute()
    return done["num_target_rows_updated"] + done["num_target_rows_inserted"]


def in_duckdb(arguments) -> dict:
    """What differs between two states of a table, each a table in memory."""
    import duckdb

    seconds, rows = [], 0
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE earlier AS SELECT * FROM read_parquet(?)", [arguments.file])
        connection.execute("CREATE TABLE later AS SELECT * FROM read_parquet(?)", [arguments.source])
        for _ in range(arguments.rounds):
            started = time.perf_counter()
            gone = connection.sql("SELECT * FROM earlier EXCEPT ALL SELECT * FROM later").to_arrow_table()
            new = connection.sql("SELECT * FROM later EXCEPT ALL SELECT * FROM earlier").to_arrow_table()
            seconds.append(time.perf_counter() - started)
            rows = gone.num_rows + new.num_rows
    return {"seconds": seconds, "rows": rows}


if __name__ == "__main__":
    main()
