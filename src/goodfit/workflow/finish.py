"""The end of a story: calibrate on confirm, refit on train + val, open the test split once, write result and report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..core.outcome import Predictions, Score
from ..core.run import Run
from ..stats.calibration import expected_calibration_error
from ..stats.intervals import interval, known
from .candidates import warn
from .examine import examine
from .refit import refit
from .report import report
from .scoring import predictions
from .session import Candidate, Session
from .story import keep_pictures, result_json, worst


def finish(session: Session, winner: Candidate, *, lang: str, refits: bool, open_test: bool) -> None:
    """Everything after the winner is known."""
    examine(session, winner)  # a winner that a remedy made is looked at too
    temperature, calibration = _calibrate(session, winner)
    session.publish(winner.run, temperature)
    final = refit(session, winner) if refits else None
    if final is not None:
        session.publish(final, temperature)
    judged = _importance(session, winner, final or winner.run)
    test, extras = _test(session, winner, final or winner.run, temperature) if open_test else (None, {})
    told = {**extras, **judged, "temperature": temperature, "calibration": calibration}
    _write(session, winner, final, test, told, lang)


def _calibrate(session: Session, winner: Candidate) -> tuple[float, dict[str, Any]]:
    """The temperature fitted on confirm, and the calibration error on select, unseen by the fit, before and after."""
    task = session.data.task
    confirm, select = winner.run.predictions("confirm"), winner.run.predictions("select")
    if task.temperature is None or confirm is None or not len(confirm):
        return 1.0, {}
    session.tell("stage", name="calibrate")
    temperature = float(task.temperature(confirm.outputs, confirm.target))
    if select is None or not len(select):
        return temperature, {}
    ece = lambda t: task.calibration_error(select.outputs, select.target, t, expected_calibration_error)  # noqa: E731
    return temperature, {"before": ece(1.0), "after": ece(temperature), "n": len(select), "split": "select"}


def _importance(session: Session, winner: Candidate, run: Run) -> dict[str, Any]:
    """What the answers of the model that counts rest on, where it says so."""
    task = session.data.task
    if task.importance is None:
        return {}
    return {"importance": dict(task.importance(session.learner_of(run, winner.plan.engine)))}


def _test(session: Session, winner: Candidate, run: Run, temperature: float) -> tuple[Score | None, dict[str, Any]]:
    """Open the sealed split, once, and score the final model on it."""
    data = session.data
    if not len(data.split.test):
        return None, {}
    session.tell("stage", name="test")
    positions = data.split.test.open(lambda: _write_opening(session, run))
    task = data.task
    recipe = run.recipe
    learner = session.learner_of(run, winner.plan.engine)
    found = run.predictions("test")
    if found is None:
        found = predictions(learner, positions, "test", run.id, recipe, session.work(winner.plan))
        run.save_predictions(found)
    if len(found) < len(positions):
        warn(session, "GF-P006", "warning", n=len(positions) - len(found))
    scores = {name: interval(m, found, recipe.seed) for name, m in task.metrics.items()}
    test = scores[session.metric.name]
    session.tell("score", part="test", metric=test.metric, is_share=session.metric.is_share, **test.as_json())
    said = replace(found, outputs=task.probs(found.outputs, temperature))  # as `predict` says them
    keep_pictures(session.study, data, worst(found, task, session.metric), said)
    extras: dict[str, Any] = {"test_scores": {k: s.as_json() for k, s in scores.items()}}
    if recipe.augment.get("test_time", "none") != "none":
        extras["test_time"] = _with_and_without(session, learner, positions, found, run)
    return test, extras


def _write_opening(session: Session, run: Run) -> None:
    """One line in the ledger; an opening that a cut interrupted is the same opening."""
    if not any(line["run"] == run.id for line in session.study.ledger.events("test_opened")):
        n = len(session.data.split.test)
        session.study.ledger.write("test_opened", run=run.id, samples=n, why="final")


def _with_and_without(
    session: Session, learner: Any, positions: np.ndarray, found: Predictions, run: Run
) -> dict[str, Any]:
    """The leading metric with and without test-time views."""
    data = session.data
    loader = data.task.loader(data.dataset, positions, run.recipe, session.engine_of(run), False)
    outputs = learner.predict(loader, plain=True)
    ids = data.dataset.index.id[loader.positions].astype(str)
    _, mine, theirs = np.intersect1d(found.ids, ids, assume_unique=True, return_indices=True)  # read both times
    viewed = replace(found, ids=found.ids[mine], target=found.target[mine], outputs=found.outputs[mine])
    plain = replace(viewed, outputs=outputs[theirs])
    return {
        "how": run.recipe.augment["test_time"],
        "with": float(session.metric.value(*known(viewed))),
        "without": float(session.metric.value(*known(plain))),
    }


def _write(
    session: Session, winner: Candidate, final: Run | None, test: Score | None, extras: dict[str, Any], lang: str
) -> None:
    study, data = session.study, session.data
    result = winner.run.result()
    assert result is not None
    val = winner.run.predictions("confirm")
    score = interval(session.metric, val, winner.run.recipe.seed) if val is not None and len(val) else None
    run = final or winner.run
    tree = result_json(
        study,
        task=data.task,
        family=result.family,
        metric=session.metric,
        val=score,
        test=test,
        extras={
            **extras,
            "winner": winner.run.id,
            "final": run.id,
            "refit": final is not None,
            "steps": result.steps,
            "cost": {k: v for k, v in vars(result.cost).items() if v == v},
            "ladder": _ladder(session),
            "budget": {"asked": study.clock.budget, "used": study.clock.used, "planned": _planned(session)},
        },
    )
    study.write("result.json", tree)
    session.tell("stage", name="report")
    path = report(study.folder, lang=lang)
    tree["seconds"] = tree["budget"]["used"] = round(study.clock.used, 3)
    study.write("result.json", tree)
    session.tell("saved", path=path)


def _planned(session: Session) -> float | None:
    """Seconds at which the last plan that was made expected to end."""
    lines = [line["numbers"].get("planned") for line in session.study.ledger.events("decision")]
    return next((float(p) for p in reversed(lines) if p is not None), None)


def _ladder(session: Session) -> list[dict[str, Any]]:
    """Each run of the study in a row, for the report."""
    rows = []
    for run in session.study.runs():
        if (r := run.result()) is None:
            continue
        scores = {s: (x.as_json() if (x := r.score(s)) else None) for s in ("select", "confirm", "train")}
        rows.append(
            {
                "run": run.id,
                "rung": run.id.rpartition("-")[0],
                "family": r.family,
                "seconds": r.cost.seconds,
                "parameters": r.cost.parameters,
                "latency_ms": None if r.cost.latency_ms != r.cost.latency_ms else r.cost.latency_ms,
                "refit": r.refit,
                "seed": run.recipe.seed,
                "epochs": float(run.recipe.train.epochs),
                **scores,
            }
        )
    return rows
