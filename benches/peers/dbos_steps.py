"""Workflows of DBOS with its own store, each step's outcome written before the next begins, as it always does.

A step returns nothing, or its kilobyte where the task asks for one.
"""

import contextlib
import time

from dbos import DBOS
from dbos import SetWorkflowID
from sqlalchemy.engine import make_url

from task import PAGE
from task import Measured
from task import Task
from task import answer
from task import best_page_ms
from task import open_sqlite


ADDED: list[str] = []


@DBOS.step()
def step(number: int) -> str:
    return ADDED[number]


@DBOS.workflow()
def workflow(steps: int) -> int:
    for number in range(steps):
        step(number)
    return steps


def perform(task: Task) -> Measured:
    if task.is_sqlite:
        # It would keep SQLite's rollback journal, which is slower; the mode stays with the file.
        with contextlib.closing(open_sqlite(task.store)):
            pass
        url = f"sqlite:///{task.store}"
    else:
        url = make_url(task.store).set(drivername="postgresql+psycopg").render_as_string()
    # Its defaults have fewer threads than there are runs, and fewer connections.
    DBOS(
        config={
            "name": "peers",
            "system_database_url": url,
            "sys_db_pool_size": task.runs + 8,
            "max_executor_threads": task.runs + 8,
            "log_level": "WARNING",
        }
    )
    DBOS.launch()
    try:
        return measured(task)
    finally:
        DBOS.destroy()


def measured(task: Task) -> Measured:
    ADDED.extend(task.added())
    began = time.perf_counter()
    handles = []
    for run in range(task.runs):
        with SetWorkflowID(str(run)):
            handles.append(DBOS.start_workflow(workflow, task.steps))
    if any(handle.get_result() != task.steps for handle in handles):
        raise SystemExit("a workflow ended before its last step")
    seconds = time.perf_counter() - began
    if not task.added_bytes:
        return Measured(seconds)
    page = best_page_ms(lambda: DBOS.list_workflow_steps("0", limit=PAGE, offset=task.steps - PAGE))
    return Measured(seconds, page)


if __name__ == "__main__":
    answer(perform, {"sqlite": "operation_outputs", "postgres": "dbos.operation_outputs"})
