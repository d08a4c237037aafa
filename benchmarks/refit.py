"""The same time for a refit from scratch and for a warm one: which gives the better final model?

Scratch: a training on the train part, then the same number of steps on train + val. Warm: a longer training on the
train part, then a fifth of its steps on train + val from its weights, at 0.4 of the peak rate. Judged on 5,000 training
pictures that neither saw; the test part stays closed.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from _data import cifar_subset, folder
from _engine import Bench, bench
from _rows import Row, book, parser
from _tables import by_machine, percent, seconds, spread, table, values

TITLE = "Refit: anew or going on"
ARMS = ("scratch", "warm")
GROWING = ((0.0, 24), (0.5, 32))


def main() -> None:
    """Measure."""
    flags = parser("refit", __doc__ or "")
    flags.add_argument("--model", default="small_s")
    flags.add_argument("--passes", type=float, default=18.0, help="passes over train that both parts cost together")
    flags.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    asked = flags.parse_args()
    rows = book("refit", asked)
    passes, seeds = (2.0, [0]) if asked.smoke else (asked.passes, asked.seeds)
    for seed in seeds:
        for arm in ARMS:
            trial = {"arm": arm, "model": asked.model, "passes": passes, "seed": seed}
            rows.measure(trial, lambda trial=trial: _arm(trial, asked.smoke))


def _arm(trial: dict[str, Any], smoke: bool) -> dict[str, Any]:
    from goodfit.workflow.lengths import WARM_PART, WARM_RATE

    data = cifar_subset(60, 20) if smoke else folder("cifar10")
    work = bench(data, [f"model.name={trial['model']}", f"seed={trial['seed']}", "augment.flip=true"])
    order = np.random.default_rng(100 + trial["seed"]).permutation(work.positions)
    tenth = len(order) // 10
    held, train, whole = (np.sort(part) for part in (order[:tenth], order[2 * tenth :], order[tenth:]))
    share = len(train) / len(whole)
    if trial["arm"] == "scratch":
        half = trial["passes"] / 2
        first, second = _fit(work, train, half, held), _fit(work, whole, half * share, held)
    else:
        full = 1 / 0.78  # a pass at full size against one that grows
        length = trial["passes"] / (1 + WARM_PART * full)
        first = _fit(work, train, length, held)
        second = _fit(work, whole, WARM_PART * length * share, held, (first["weights"], WARM_RATE))
    return {
        "before": first["accuracy"],
        "after": second["accuracy"],
        "seconds": round(first["seconds"] + second["seconds"], 1),
    }


def _fit(work: Bench, positions: np.ndarray, epochs: float, held: np.ndarray, start: Any = None) -> dict[str, Any]:
    """Train on some positions and score the held ones; from weights and a share of the rate, or fresh."""
    from goodfit.engine.engine import Engine

    recipe = work.recipe.with_("train.epochs", epochs).with_("train.sizes", () if start else GROWING)
    if start:
        recipe = recipe.with_("train.lr", float(recipe.train.lr) * start[1])
    task, data, engine = work.data.task, work.data, work.chosen(Engine.start(recipe.engine))
    loader = task.loader(data.dataset, positions, recipe, engine, True)
    plain = task.loader(data.dataset, positions[:: max(1, len(positions) // 5000)], recipe, engine, False)
    learner = task.learner(recipe, data.schema, engine, plain)
    if start:
        learner.load_weights(start[0])
    began = time.perf_counter()
    for _ in learner.fit(loader, dict, None, lambda: False):
        pass
    took = time.perf_counter() - began
    judge = task.loader(data.dataset, held, recipe, engine, False)
    right = learner.predict(judge).argmax(1) == data.dataset.index.target[judge.positions]
    return {"weights": learner.weights(), "accuracy": float(right.mean()), "seconds": took}


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    lines = [
        [machine, version, model, f"{passes:g}", arm, len(group)]
        + [spread(values(group, "before"), percent), spread(values(group, "after"), percent)]
        + [spread(values(group, "seconds"), seconds)]
        for (machine, version, model, passes, arm), group in by_machine(rows, "model", "passes", "arm").items()
    ]
    heads = ["machine", "goodfit", "model", "passes", "refit", "n (seeds)", "before the refit", "after", "training"]
    return (
        "CIFAR-10 from JPEG files, nine tenths of train, one ninth of them as val; accuracy on the other tenth. "
        "Both arms cost about the same time; `fit` goes on from the winner's weights where the budget is what limits "
        "the training, and trains anew where there is time.\n\n" + table(heads, lines)
    )


if __name__ == "__main__":
    main()
