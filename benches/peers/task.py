"""What a peer's program is asked and answers: so many runs of so many steps on a store, as one line of JSON.

Owns the clock and the raw limit: single rows of a kilobyte, one a transaction, committed by one client to a store of the
same kind on the same disk, half of them right before the runs and half right after. Knows no peer.
"""

import argparse
import contextlib
import json
import os
import random
import sqlite3
import time
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

# On each side of the runs.
RAW_COMMITS = 500
PAGE = 100
WORDS = "the run of a test failed with this message while step output read from file line in build was not found".split()


@dataclass(frozen=True)
class Task:
    """`store` is a path for SQLite and a connection string for Postgres; both stores are empty when a task begins.

    `variant` names one of the ways a peer has of doing it, and is empty for its usual one.
    """

    kind: str
    store: str
    runs: int
    steps: int
    added_bytes: int
    variant: str

    @property
    def is_sqlite(self) -> bool:
        return self.kind == "sqlite"

    def added(self) -> list[str]:
        """What each step adds: as many bytes as asked, which compress like words and not like zeros."""
        chance = random.Random(1)
        longest = self.added_bytes // 2
        return [" ".join(chance.choices(WORDS, k=longest))[: self.added_bytes] for _ in range(self.steps)]

    def bytes_stored(self) -> int:
        """The size of the SQLite file, or of the Postgres database."""
        if self.is_sqlite:
            with contextlib.closing(sqlite3.connect(self.store)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return os.path.getsize(self.store)
        return self.count("SELECT pg_database_size(current_database())")

    def count(self, query: str) -> int:
        """The one number that a query gives, through a connection of its own."""
        connect = sqlite3.connect if self.is_sqlite else psycopg.connect
        with contextlib.closing(connect(self.store)) as connection:
            return connection.execute(query).fetchone()[0]


@dataclass
class Measured:
    """`page_ms` stays None where no page of history is read."""

    seconds: float
    page_ms: float | None = None


def asked() -> Task:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["sqlite", "postgres"])
    parser.add_argument("store")
    parser.add_argument("runs", type=int)
    parser.add_argument("steps", type=int)
    parser.add_argument("added_bytes", type=int)
    parser.add_argument("variant", nargs="?", default="")
    return Task(**vars(parser.parse_args()))


def answer(perform: Callable[[Task], Measured], tables: dict[str, str]) -> None:
    """Performs the task that this program was asked for.

    `tables` names, by kind of store, the one with a row a step. They are counted: a rate at which steps were lost would
    be no rate.
    """
    task = asked()
    raw_seconds = commit_rows(task)
    empty = 0 if task.is_sqlite else task.bytes_stored()
    measured = perform(task)
    total = task.runs * task.steps
    stored = task.count(f"SELECT count(*) FROM {tables[task.kind]}")
    if stored < total:
        raise SystemExit(f"of {total} steps only {stored} are in the store")
    stored_bytes = task.bytes_stored() - empty
    raw_seconds += commit_rows(task)
    result = {
        "steps_per_second": total / measured.seconds,
        "raw_per_second": 2 * RAW_COMMITS / raw_seconds,
        "bytes": stored_bytes,
        "page_ms": measured.page_ms,
    }
    print(json.dumps(result))


def commit_rows(task: Task) -> float:
    """How many seconds the commits of one side take."""
    with raw_inserts(task) as insert:
        began = time.perf_counter()
        for _ in range(RAW_COMMITS):
            insert("x" * 1024)
        return time.perf_counter() - began


@contextlib.contextmanager
def raw_inserts(task: Task) -> Iterator[Callable[[str], Any]]:
    """Something that commits one row, on a table that is gone afterwards."""
    if task.is_sqlite:
        path = Path(task.store).with_name("raw.db")
        with contextlib.closing(open_sqlite(str(path))) as connection:
            connection.execute("CREATE TABLE raw (id INTEGER PRIMARY KEY, body TEXT)")
            yield lambda body: connection.execute("INSERT INTO raw (body) VALUES (?)", (body,))
        path.unlink()
    else:
        with psycopg.connect(task.store, autocommit=True, prepare_threshold=0) as connection:
            connection.execute("CREATE TABLE raw (id bigserial PRIMARY KEY, body text)")
            yield lambda body: connection.execute("INSERT INTO raw (body) VALUES (%s)", (body,))
            connection.execute("DROP TABLE raw")


def open_sqlite(path: str) -> sqlite3.Connection:
    """In WAL, with an fsync at every commit; each statement is a transaction unless one is begun."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def best_page_ms(read: Callable[[], list[Any]]) -> float:
    """The best of three readings of one page of history."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        page = read()
        times.append(time.perf_counter() - began)
        if len(page) != PAGE:
            raise SystemExit(f"a page of history has {len(page)} entries instead of {PAGE}")
    return 1000 * min(times)
