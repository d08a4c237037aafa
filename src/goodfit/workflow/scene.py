"""`scene`: which augmentations suit these pictures, tested on the data; the verdicts as a table and as a page."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..augment.scene import answers, ceilings, everything_off, held, operations
from ..core.errors import UsageError
from ..core.files import write_json
from ..core.finding import Remedy
from ..core.interrupt import asked_to_stop
from ..core.recipe import Recipe
from ..core.telling import Tell, silent
from ..engine.engine import Engine
from ..report import scene_page
from .lengths import SCENE
from .planning import Plan, make_plan
from .prepare import Prepared, about, prepare
from .scene_tests import EPOCHS, Clocked, Judgement, Scene, advised_changes, can_ask, inspect
from .scene_trials import drawn, with_augment
from .session import Candidate, Session
from .study import safe_name, study_id
from .watch import stop_if_asked, watched

DEFAULT_BUDGET = 180.0  # seconds
SHARE = 0.10  # of the budget that `fit` gives to the scene, cheap tests first, experiments as far as it goes
ASKED = 1000  # samples that the first model is asked about at most: the share kept is then known to 3 points
STRIP = 5  # draws shown beside the original
LOOK = 64  # samples among which the one is sought that an operation changes most
_FORM = ("engine.device", "engine.precision", "engine.layout", "engine.threads")


def scene(
    asked: Recipe, *, budget: float | None = None, runs: Path = Path("runs"), lang: str = "en", tell: Tell = silent
) -> dict[str, Any]:
    """Test each augmentation for label safety on the data, and say which suit the scene.

    Args:
        asked: names the data; keys under `scene.` that are answered are not measured.
        budget: seconds; None = 3 minutes.
        runs: folder in which the answer's own folder lies.
        lang: the language that the page shows first.
        tell: hears what happens.
    Returns: data; operations (name, verdict, why, numbers, changes); changes under `augment.` that follow; experiments;
        scene_file and page, absolute paths.
    Raises: UsageError where the samples are no pictures with classes.
    """
    began = time.monotonic()
    if budget is None:
        tell("note", key="note.default_budget", minutes=DEFAULT_BUDGET / 60)
    clock = Clocked(ends=began + (budget or DEFAULT_BUDGET), stop=lambda: bool(asked_to_stop()))
    data = prepare(asked, tell)
    if not can_ask(data):
        raise UsageError(
            "there is nothing to ask about this scene",
            got=data.task.name,
            allowed="pictures with classes",
            do="`goodfit audit` looks at data of every kind",
        )
    tell("stage", name="scene")
    base = _without_mirrors(asked)
    plan = make_plan(_first_rung(base, data), data)
    data.task.warm(data.dataset, plan.recipe, plan.sample_seconds, watched(tell, "decode", lambda: float("inf")))
    found = inspect(data, plan, _fresh(base, data, plan), clock, tell)
    stop_if_asked()
    name = safe_name(Path(asked.data.path).name or "data")
    folder = runs.absolute() / f"{name}-scene-{study_id('scene', asked, data.whole.fingerprint, budget)}"
    page = keep(folder, found, data, plan.recipe, plan.engine, lang)
    return {
        **about(data),
        "operations": [_plain(judged) for judged in found.judgements],
        "changes": advised_changes(found, asked.augment),
        "experiments": found.experiments,
        "scene_file": str(folder / "scene.json"),
        "page": str(page),
    }


def safe_changes(session: Session, candidate: Candidate) -> dict[str, Any]:
    """What the scene allows, by the first model of a study, which saw no mirrors, and by quick ones of its kind."""
    if not can_ask(session.data):
        return {}

    def ask() -> dict[str, Any]:
        data, plan = session.data, candidate.plan
        budget = session.study.clock.budget or 0.0
        seconds = max(0.0, min(SHARE * budget, session.left / 2))
        clock = Clocked(ends=time.monotonic() + seconds, stop=lambda: bool(asked_to_stop()))
        learner = session.learner_of(candidate.run, plan.engine)
        known = [(learner, data.split.select[:: -(-len(data.split.select) // ASKED)])]
        base = _without_mirrors(session.asked)
        found = inspect(data, plan, _fresh(base, data, plan), clock, session.tell, known)
        stop_if_asked()
        keep(session.study.folder, found, data, plan.recipe, plan.engine, "en")
        return {
            "value": advised_changes(found, session.asked.augment),
            "why": "augment.scene",
            "numbers": _summary(found),
        }

    return dict(session.decide(SCENE, ask)["value"])


def asks_about_mirrors(session: Session) -> bool:
    """Whether a first model must see no mirrors, so that it can be asked about them."""
    return can_ask(session.data) and _mirrors_are_open(session.asked)


def guarded(session: Session, recipe: Recipe, remedies: Sequence[Remedy]) -> list[Remedy]:
    """Remedies that switch nothing on that the scene or the person refused; what has nothing left is dropped."""
    lines = [line for line in session.study.ledger.events("decision") if line["key"].endswith(SCENE)]
    measured = lines[-1]["numbers"]["refused_names"] if lines else []
    said = [name for name, (answer, _) in answers(session.asked.scene).items() if answer == "refused"]
    side = recipe.model.size
    caps = ceilings({*measured, *said}, side if isinstance(side, int) else 32)

    def bounded(remedy: Remedy) -> Remedy:
        def apply(before: Recipe) -> Recipe:
            after = remedy.apply(before)
            return with_augment(after, held(before.augment, after.augment, caps))

        return Remedy(name=remedy.name, treats=remedy.treats, apply=apply, cost=remedy.cost, source=remedy.source)

    if not caps:
        return list(remedies)
    return [safe for remedy in remedies if (safe := bounded(remedy)).apply(recipe) != recipe]


def keep(folder: Path, found: Scene, data: Prepared, recipe: Recipe, engine: Engine, lang: str) -> Path:
    """Write scene.json and scene.html; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "scene.json", found.to_json())
    strips = {judged.name: _strip(judged, data, recipe, engine) for judged in found.judgements}
    facts = {
        "name": Path(recipe.data.path).name or recipe.data.path,
        "format": data.schema.format,
        "experiments": found.experiments,
        "samples": found.samples,
    }
    return scene_page.write(folder / "scene.html", found.to_json()["judgements"], strips, facts, lang)


def _strip(judged: Judgement, data: Prepared, recipe: Recipe, engine: Engine) -> list[dict[str, str]]:
    """The original and what the operation makes of it, as pictures; of the class that moves where one does."""
    operation = next(o for o in operations(int(recipe.model.size)) if o.name == judged.name)
    plain = with_augment(recipe, everything_off())
    moved = with_augment(plain, operation.changes)
    seen = data.split.select
    if (moving := judged.numbers.get("from")) is not None:
        of_class = seen[data.dataset.index.target[seen] == data.schema.classes.index(moving)]
        seen = of_class if len(of_class) else seen

    def look(positions: np.ndarray, view: str, draw: int) -> np.ndarray:
        assert data.task.seen is not None
        batch = next(iter(drawn(data, positions, plain if view else moved, engine, view, draw).epoch(0)))
        return data.task.seen(batch.inputs, recipe, data.dataset)

    some = seen[:LOOK]
    change = [np.abs(look(some, "plain", 0).astype(int) - look(some, "", k)).mean((1, 2, 3)) for k in range(2)]
    shown = some[[int(np.maximum(*change).argmax())]]
    looks = [("plain", 0), *((view, 0) for view in operation.views), *(("", draw) for draw in range(2 * STRIP))]
    pictures: list[np.ndarray] = []
    for view, draw in looks:
        picture = look(shown, view, draw)[0]
        if len(pictures) <= STRIP and not any(np.array_equal(picture, other) for other in pictures):
            pictures.append(picture)
    return [data.task.show(picture) for picture in pictures]


def _first_rung(base: Recipe, data: Prepared) -> Recipe:
    return data.task.ladder(base, data.schema, data.counts)[0].apply(base)


def _without_mirrors(asked: Recipe) -> Recipe:
    """The recipe for models that see no mirrors, unless a person asked for them."""
    return asked.with_("augment.flip", False) if _mirrors_are_open(asked) else asked


def _mirrors_are_open(asked: Recipe) -> bool:
    return asked.augment.get("flip", "auto") == "auto" and asked.scene.mirrors == "auto"


def _fresh(base: Recipe, data: Prepared, plan: Plan) -> Callable[[int], Recipe]:
    """Samples -> recipe of a quick model on so many, in the form that this machine computes fastest."""

    def recipe(samples: int) -> Recipe:
        counts = {**data.counts, "train": samples}
        settled, _ = data.task.settle(_first_rung(base, data), data.schema, counts)
        for key in _FORM:
            settled = settled.with_(key, plan.recipe.get(key))
        return settled.with_("train.epochs", min(EPOCHS, float(settled.train.epochs)))

    return recipe


def _summary(found: Scene) -> dict[str, Any]:
    """What the ledger says in a sentence, and what remedies keep to."""
    named = {v: [j.name for j in found.judgements if j.verdict == v] for v in ("refused", "allowed", "advised")}
    told = {verdict: ", ".join(names) or "–" for verdict, names in named.items()}
    return {**told, "refused_names": named["refused"], "experiments": found.experiments}


def _plain(judged: Judgement) -> Mapping[str, Any]:
    return {
        "name": judged.name,
        "verdict": judged.verdict,
        "why": judged.why,
        "numbers": dict(judged.numbers),
        "changes": dict(judged.changes),
    }
