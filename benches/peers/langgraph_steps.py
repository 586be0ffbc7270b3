"""Runs of LangGraph with its own checkpointer, every step written before the next begins (`durability="sync"`).

A step is one node that counts, and adds its kilobyte to a list where the task asks for one. Threads rather than
coroutines, for they were the faster of the two alone and no slower together.
"""

import contextlib
import operator
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated
from typing import Any
from typing import TypedDict

import psycopg
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END
from langgraph.graph import START
from langgraph.graph import StateGraph
from psycopg.rows import dict_row

from task import PAGE
from task import Measured
from task import Task
from task import answer
from task import best_page_ms
from task import open_sqlite


class Plain(TypedDict):
    done: int
    added: Annotated[list[str], operator.add]


def extend(state: list[str], writes: list[list[str]]) -> list[str]:
    return state + [line for write in writes for line in write]


class Delta(TypedDict):
    """What LangGraph offers, in beta, for lists that only grow."""

    done: int
    added: Annotated[list[str], DeltaChannel(extend)]


STATES = {"": Plain, "delta": Delta}


def graph(state: type, saver: BaseCheckpointSaver, task: Task) -> Any:
    added = task.added()
    step = lambda state: {"done": state["done"] + 1, "added": [added[state["done"]]] if task.added_bytes else []}
    builder = StateGraph(state)
    builder.add_node("step", step)
    builder.add_edge(START, "step")
    builder.add_conditional_edges("step", lambda state: END if state["done"] == task.steps else "step")
    return builder.compile(checkpointer=saver)


@contextlib.contextmanager
def savers(task: Task) -> Iterator[list[BaseCheckpointSaver]]:
    """One for each run.

    On SQLite it is the same one, since there is one writer anyway; on Postgres a saver lets one run at a time through.
    """
    with contextlib.ExitStack() as open_ones:
        if task.is_sqlite:
            connection = open_ones.enter_context(contextlib.closing(open_sqlite(task.store)))
            # As the saver's own way to open one does: it commits what it began.
            connection.isolation_level = "DEFERRED"
            made: list[BaseCheckpointSaver] = [SqliteSaver(connection)] * task.runs
        else:
            options: dict[str, Any] = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
            connect = lambda: open_ones.enter_context(psycopg.connect(task.store, **options))
            made = [PostgresSaver(connect()) for _ in range(task.runs)]
        made[0].setup()
        yield made


def perform(task: Task) -> Measured:
    with savers(task) as made:
        graphs = [graph(STATES[task.variant], saver, task) for saver in made]
        config = lambda run: {"configurable": {"thread_id": str(run)}, "recursion_limit": task.steps + 10}
        begin = {"done": 0, "added": []}
        run = lambda number: graphs[number].invoke(begin, config(number), durability="sync")
        with ThreadPoolExecutor(task.runs) as threads:
            began = time.perf_counter()
            ends = list(threads.map(run, range(task.runs)))
            seconds = time.perf_counter() - began
        if any(end["done"] != task.steps for end in ends):
            raise SystemExit("a run ended before its last step")
        if not task.added_bytes:
            return Measured(seconds)
        page = best_page_ms(lambda: list(graphs[0].get_state_history(config(0), limit=PAGE)))
        return Measured(seconds, page)


if __name__ == "__main__":
    answer(perform, {"sqlite": "checkpoints", "postgres": "checkpoints"})
