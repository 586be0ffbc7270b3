"""What morningai's own benches print, read into rows. Runs them through cargo where that was not done already.

The lines are those of benches/steps.rs and benches/postgres.rs; a line that is not there is missed by name, not guessed.
"""

import re
import subprocess

from table import Row

SYSTEM = "morningai"

# The last argument of the second is for how many seconds it goes on under a held snapshot, which no row here shows.
BENCHES = [
    ["cargo", "bench", "--locked", "--quiet", "--bench", "steps"],
    ["cargo", "bench", "--locked", "--quiet", "--bench", "postgres", "--", "1"],
]

# Each bench begins with its raw limit, which also says what kind of store the lines after it are about.
RAW = {
    "sqlite": re.compile(r"^raw single-row commit\b.*?(\d+)/s"),
    "postgres": re.compile(r"^one client, single-row commits\b.*?(\d+)/s"),
}
RATES = [
    (re.compile(r"^one run, 1000 steps\b.*?(\d+)/s"), 1, 1000),
    (re.compile(r"^32 runs × 100 steps\b.*?(\d+)/s"), 32, 100),
]
HISTORY = re.compile(r"^1000 steps of 1 KB\b.*?([\d.]+) MB in the store.*?([\d.]+) ms")


class OursError(Exception):
    """The text says which bench failed, and how."""


def run_benches() -> str:
    """What the benches print; builds them in release where that is not done yet."""
    printed = ""
    for command in BENCHES:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if ended.returncode != 0:
            raise OursError(f"`{' '.join(command)}` exited with {ended.returncode}; what it said is above")
        printed += ended.stdout
    return printed


def rows(printed: str) -> tuple[list[Row], list[str]]:
    """The rows, and what should have been among the lines and was not."""
    found: list[Row] = []
    kind, raw = "", 0.0
    for line in printed.splitlines():
        for name, pattern in RAW.items():
            if match := pattern.search(line):
                kind, raw = name, float(match[1])
        for pattern, runs, steps in RATES:
            if raw and (match := pattern.search(line)):
                rate = float(match[1])
                found.append(Row(SYSTEM, kind, runs, steps, 0, rate=rate, raw=raw))
        if kind and (match := HISTORY.search(line)):
            found.append(Row(SYSTEM, kind, 1, 1000, 1024, stored=float(match[1]) * 1e6, page_ms=float(match[2])))
    wanted = [(kind, runs, steps, 0) for kind in RAW for _, runs, steps in RATES] + [("sqlite", 1, 1000, 1024)]
    have = {(row.kind, row.runs, row.steps, row.added_bytes) for row in found}
    missing = [f"{SYSTEM} on {kind}, {runs} × {steps} steps of {added} B" for kind, runs, steps, added in wanted
               if (kind, runs, steps, added) not in have]
    return found, missing
