"""How do lists of numbers lie in the database? One row for a number on a list."""

from __future__ import annotations

import sqlite3
from typing import Any

from voicecall.calls.number_lists import ListedNumber, NumberList

FIND = """
    SELECT number, at, source, call_id, code, calls FROM numbers WHERE list = ? AND number = ?
"""
ALL = """
    SELECT number, at, source, call_id, code, calls FROM numbers WHERE list = ?
    ORDER BY at, number
"""
_KEEP = "INSERT OR REPLACE INTO numbers VALUES (?, ?, ?, ?, ?, ?, ?)"
_DROP = "DELETE FROM numbers WHERE list = ? AND number = ?"


def keep(connection: sqlite3.Connection, on: NumberList, entry: ListedNumber) -> None:
    """Put `entry` on the list, instead of what was there of its number."""
    row = (on.value, entry.number, entry.at, entry.source, entry.call_id, entry.code, entry.calls)
    connection.execute(_KEEP, row)


def drop(connection: sqlite3.Connection, on: NumberList, number: str) -> None:
    """Take `number` off the list."""
    connection.execute(_DROP, (on.value, number))


def listed(row: tuple[Any, ...]) -> ListedNumber:
    """What a row of `FIND` or `ALL` means."""
    number, at, source, call_id, code, calls = row
    return ListedNumber(
        number=number, at=at, source=source, call_id=call_id, code=code, calls=calls
    )
