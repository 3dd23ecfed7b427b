"""Times how long a query's rows take to be a table of Arrow: through ADBC from a server, or from DuckDB.

Prints one line of JSON: {"seconds": [one number for each round], "rows": the rows of the last}. If DuckDB is not
installed: {"missing": "duckdb"}. Connecting, loading and comparing are not timed, and no round is left out.
"""

import argparse
import json
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sql", required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--url", help="fetch from the server here, such as grpc://127.0.0.1:31337")
    parser.add_argument("--duckdb", metavar="FILE", help="fetch from DuckDB, which loads this Parquet file first")
    parser.add_argument("--table", help="the table that DuckDB loads it into")
    arguments = parser.parse_args()
    fetches = from_duckdb(arguments) if arguments.duckdb else from_server(arguments)
    print(json.dumps(fetches))


def from_server(arguments) -> dict:
    from adbc_driver_flightsql import dbapi

    with dbapi.connect(arguments.url, autocommit=True) as connection, connection.cursor() as cursor:

        def fetch():
            cursor.execute(arguments.sql)
            return cursor.fetch_arrow_table()

        return timed(fetch, arguments.rounds)


def from_duckdb(arguments) -> dict:
    try:
        import duckdb
    except ImportError:
        return {"missing": "duckdb"}
    with duckdb.connect() as connection:
        connection.execute(f'CREATE TABLE "{arguments.table}" AS SELECT * FROM read_parquet(?)', [arguments.duckdb])
        return timed(lambda: connection.sql(arguments.sql).to_arrow_table(), arguments.rounds)


def timed(fetch, rounds: int) -> dict:
    seconds = []
    rows = 0
    for _ in range(rounds):
        started = time.perf_counter()
        table = fetch()
        seconds.append(time.perf_counter() - started)
        rows = table.num_rows
        # The next round has as much room as this one.
        del table
    return {"seconds": seconds, "rows": rows}


if __name__ == "__main__":
    main()
