"""Train on where memory runs out: the same samples a step, in micro-batches of half the size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..core.errors import UsageError, printable
from ..core.finding import Finding
from ..core.run import Run, identity
from ..core.task import Reason
from ..core.telling import Tell
from ..engine import memory
from ..train.batch_size import BatchPlan, halved
from .planning import Plan
from .story import note_findings
from .study import Study


def within_memory(
    study: Study, tell: Tell, name: str, plan: Plan, fingerprint: str, start: Callable[[Path, Plan], Run]
) -> Run:
    """The run of a plan, or of the first with smaller micro-batches that does not run out of memory.

    Smaller batches are another recipe and so another run, begun from its first step. The ledger keeps them, so that a
    resume goes on with that run, bit for bit, and does not meet the overflow again.

    Args:
        study: where runs lie.
        tell: hears what happens.
        name: of the run.
        plan: resolved.
        fingerprint: of the data.
        start: trains a plan in a folder.
    Raises: UsageError if not even one sample at a time fits.
    """
    of = identity(plan.recipe, fingerprint)
    for line in study.ledger.events("overflow"):
        if line["of"] == of:
            plan = _with_batch(plan, line["batch_size"], line["accumulate"])
    while True:
        try:
            return start(study.run_folder(name, plan.recipe, fingerprint), plan)
        except (MemoryError, RuntimeError) as error:
            if not memory.ran_out(error):
                raise
            said = printable(error, 200)
        memory.release()
        plan = _smaller(plan, said)
        train = plan.recipe.train
        numbers = {"batch_size": train.batch_size, "accumulate": train.accumulate}
        study.ledger.write("overflow", of=of, run=name, said=said, **numbers)
        run_id = study.run_folder(name, plan.recipe, fingerprint).name
        note_findings(study, [Finding(code="GF-P007", severity="warning", numbers=numbers, run_id=run_id)], tell)


def _smaller(plan: Plan, said: str) -> Plan:
    train = plan.recipe.train
    now = BatchPlan(batch_size=int(train.batch_size), accumulate=train.accumulate, memory_mb=0.0)
    half = halved(now)
    if half is None:
        raise UsageError(
            "memory ran out even with one sample at a time",
            got=said,
            do="choose a smaller model.name or model.size, or end what else uses this memory",
        )
    return _with_batch(plan, half.batch_size, half.accumulate)


def _with_batch(plan: Plan, batch_size: int, accumulate: int) -> Plan:
    numbers = {"wanted": int(plan.recipe.train.batch_size) * plan.recipe.train.accumulate}
    changes = {"train.batch_size": batch_size, "train.accumulate": accumulate}
    recipe = plan.recipe
    for key, value in changes.items():
        recipe = recipe.with_(key, value)
    kept = [reason for reason in plan.reasons if reason.key not in changes]
    new = [Reason(key=k, value=v, why="batch_after_overflow", numbers=numbers) for k, v in changes.items()]
    return replace(plan, recipe=recipe, reasons=(*kept, *new))
