"""Times how long a table of Arrow in memory takes to be a new table of a served lake, through ADBC.

Prints one line of JSON: {"seconds": [one number], "rows": the rows that the server says it has}. Reading the file and
connecting are not timed.
"""

import argparse
import json
import time

import pyarrow
import pyarrow.parquet
from adbc_driver_flightsql import DatabaseOptions, dbapi

# A message must be smaller than the 16 MiB that the driver sends at most.
ROWS_PER_BATCH = 32_768


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="the server, such as grpc://127.0.0.1:31337")
    parser.add_argument("--token", required=True)
    parser.add_argument("--file", required=True, help="the rows, as Parquet")
    parser.add_argument("--table", required=True, help="the table to create")
    arguments = parser.parse_args()
    whole = pyarrow.parquet.read_table(arguments.file)
    table = pyarrow.Table.from_batches(whole.to_batches(max_chunksize=ROWS_PER_BATCH), whole.schema)
    options = {DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {arguments.token}"}
    with dbapi.connect(arguments.url, db_kwargs=options, autocommit=True) as connection, connection.cursor() as cursor:
        started = time.perf_counter()
        rows = cursor.adbc_ingest(arguments.table, table, mode="create")
        seconds = time.perf_counter() - started
    print(json.dumps({"seconds": [seconds], "rows": rows}))


if __name__ == "__main__":
    main()
