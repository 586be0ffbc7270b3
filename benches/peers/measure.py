"""Measures every peer on every store, one process each, and prints one table. Owns what is measured, and in what order.

Asserts nothing about the figures; ends with 1 when one could not be taken, after saying which.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ours
import server
import table
from table import Row

HERE = Path(__file__).parent
SECONDS_AT_MOST = 900


@dataclass(frozen=True)
class Peer:
    system: str
    program: str
    variant: str = ""


LANGGRAPH = Peer("LangGraph", "langgraph_steps.py")
LANGGRAPH_DELTA = Peer("LangGraph, delta channel", "langgraph_steps.py", "delta")
DBOS = Peer("DBOS", "dbos_steps.py")

KINDS = ["sqlite", "postgres"]
# Who, runs, steps of each, bytes that a step adds.
TASKS = [
    (LANGGRAPH, 1, 100, 0),
    (DBOS, 1, 100, 0),
    (LANGGRAPH, 32, 100, 0),
    (DBOS, 32, 100, 0),
    (LANGGRAPH, 1, 1000, 1024),
    (LANGGRAPH_DELTA, 1, 1000, 1024),
    (DBOS, 1, 1000, 1024),
]


NOTES = """
raw/s: single rows of 1 KB, committed one by one by one client to the same kind of store, around each measurement.
added a step: state that each step adds. MB stored: the whole store afterwards. page ms: 100 entries of a run's history."""


class TaskError(Exception):
    """The text says what came of a task instead of figures."""


def main() -> int:
    options = parse()
    # So that what was started ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    busy = os.getloadavg()[0]
    rows: list[Row] = []
    missing: list[str] = []
    measure_peers(rows, missing)
    if not options.without_ours:
        measure_ours(options.printed, rows, missing)
    print("\n".join(table.lines(rows)))
    print(NOTES)
    print(f"Processes that wanted to run when it began, on {os.cpu_count()} cores: {busy:.1f}. A busy machine says little.")
    for name in missing:
        print(f"not measured: {name}", file=sys.stderr)
    return 1 if missing else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benches/peers/run", description="Durable steps of other systems beside ours.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--without-ours", action="store_true", help="leave out morningai, whose release build takes its time")
    which.add_argument("--ours", type=Path, metavar="FILE", help="what its benches `steps` and `postgres` printed earlier")
    options = parser.parse_args()
    try:
        options.printed = options.ours and options.ours.read_text()
    except (OSError, UnicodeDecodeError) as error:
        parser.error(f"{options.ours} cannot be read: {error}")
    return options


def measure_peers(rows: list[Row], missing: list[str]) -> None:
    with contextlib.ExitStack() as open_ones:
        directory = Path(open_ones.enter_context(tempfile.TemporaryDirectory(prefix="morningai-peers-")))
        try:
            postgres = open_ones.enter_context(server.throwaway())
        except (server.ServerError, OSError) as error:
            postgres = None
            missing.append(f"anything on postgres: {error}")
        for kind in KINDS if postgres else ["sqlite"]:
            for number, (peer, runs, steps, added) in enumerate(TASKS):
                name = f"{peer.system} on {kind}, {runs} × {steps} steps of {added} B"
                print(f"measuring {name}", file=sys.stderr)
                try:
                    with new_store(kind, number, directory, postgres) as store:
                        said = perform(peer, kind, store, runs, steps, added)
                except TaskError as error:
                    missing.append(f"{name}: {error}")
                    continue
                rows.append(
                    Row(
                        peer.system,
                        kind,
                        runs,
                        steps,
                        added,
                        rate=said["steps_per_second"],
                        raw=said["raw_per_second"],
                        stored=said["bytes"],
                        page_ms=said["page_ms"],
                    )
                )


@contextlib.contextmanager
def new_store(kind: str, number: int, directory: Path, postgres: server.Server | None) -> Iterator[str]:
    """An empty store, which no other task has touched."""
    if kind == "sqlite" or postgres is None:
        with tempfile.TemporaryDirectory(dir=directory) as own:
            yield str(Path(own) / "store.db")
    else:
        yield postgres.new_database(f"task_{number}")


def perform(peer: Peer, kind: str, store: str, runs: int, steps: int, added: int) -> dict:
    command = [sys.executable, str(HERE / peer.program), kind, store, str(runs), str(steps), str(added), peer.variant]
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS_AT_MOST
        )
    except subprocess.TimeoutExpired as error:
        raise TaskError(f"not done within {SECONDS_AT_MOST} s") from error
    if ended.returncode != 0:
        said = ended.stderr.strip().splitlines() or ["it said nothing"]
        raise TaskError(f"exited with {ended.returncode}: {said[-1]}")
    return json.loads(ended.stdout.strip().splitlines()[-1])


def measure_ours(printed_earlier: str | None, rows: list[Row], missing: list[str]) -> None:
    try:
        printed = printed_earlier or ours.run_benches()
    except (ours.OursError, OSError) as error:
        missing.append(f"{ours.SYSTEM}: {error}")
        return
    found, not_found = ours.rows(printed)
    rows += found
    missing += not_found


if __name__ == "__main__":
    sys.exit(main())
