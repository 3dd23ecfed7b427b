"""The comparison finds what differs, and nothing else."""

import datetime
import decimal

import pyarrow as pa

from compare import Floats, difference


def same(left: list, right: list, floats: Floats = Floats.BY_VALUE, is_ordered: bool = False) -> bool:
    return difference(pa.table({"a": left}), pa.table({"a": right}), floats, is_ordered) is None


def test_rows_are_a_multiset_unless_they_are_ordered():
    assert same([1, 2, 2], [2, 1, 2])
    assert not same([1, 2], [1, 2, 2])
    assert not same([1, 2], [2, 1], is_ordered=True)


def test_values_are_compared_whatever_their_type_is_called():
    assert same([1, 2], [decimal.Decimal("1.00"), decimal.Decimal("2.00")])
    assert same([datetime.date(2024, 1, 1)], [datetime.datetime(2024, 1, 1)])
    assert not same([None], [0])
    assert not same([""], [None])
    long = "1234567890123456789012345678901234"
    assert not same([decimal.Decimal(f"{long}.5")], [decimal.Decimal(f"{long}.6")])


def test_nan_equals_nan_and_zeros_differ_by_their_bits_only():
    assert same([float("nan")], [float("nan")])
    assert not same([float("nan")], [None])
    assert same([0.0], [-0.0])
    assert not same([0.0], [-0.0], Floats.BY_BITS)
    assert not same([1.0], [1.0000000001], Floats.BY_BITS)
