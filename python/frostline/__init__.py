"""Frostline from Python: SQL over every version of a lake.

    lake = frostline.connect("grpc://127.0.0.1:31337", token="…")
    lake.sql("SELECT count(*) FROM orders").scalar()
    lake.at(tag="q1-close").sql("SELECT * FROM orders").pandas()
"""

from adbc_driver_manager.dbapi import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)

from .connection import Connection, connect
from .result import Result

__all__ = [
    "Connection",
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Result",
    "connect",
]

__version__ = "0.1.0"
