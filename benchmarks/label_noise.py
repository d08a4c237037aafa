"""Wrong labels planted in CIFAR-10: found, counted, and what mending them is worth, beside cleanlab on equal terms.

`find`: predictions out of sample by the audit's own small models; the same array is given to cleanlab and to "predicted
differs from given". `train`: one small net on the labels as given, without the suspects, under the proposed labels,
without as many samples at random (the control), and under the true labels (what could be reached at best).
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from _data import cifar_subset, home
from _rows import Row, book, parser
from _tables import by_machine, grouped, interval, judged, percent, spread, table, values, verdict

TITLE = "Wrong labels"
PER_CLASS = 1000
KINDS = ("symmetric", "pairs", "none")
RATE = 0.2
PAIRS = {9: 1, 2: 0, 4: 7, 3: 5, 5: 3}  # truck, bird, deer, cat, dog -> automobile, airplane, horse, dog, cat
ARMS = ("given", "left_out", "relabelled", "random", "true")
RIVAL = "GOODFIT_BENCH_AUDIT_RIVAL"
_CLEANLAB = """
import json, sys
import numpy as np
from cleanlab.count import compute_confident_joint, estimate_joint
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
p, y = np.load(sys.argv[1]), np.load(sys.argv[2])
p = p / p.sum(1, keepdims=True)
joint = estimate_joint(y, p, confident_joint=compute_confident_joint(y, p))
np.save(sys.argv[3], get_label_quality_scores(y, p))
print(json.dumps({"rate": float(1 - np.trace(joint)), "issues": np.flatnonzero(find_label_issues(y, p)).tolist()}))
"""


def main() -> None:
    """Measure."""
    flags = parser("label_noise", __doc__)
    flags.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    flags.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    flags.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    asked = flags.parse_args()
    rival = os.environ.get(RIVAL)
    if rival is None:
        raise SystemExit(f"name a Python with cleanlab in {RIVAL}")
    per_class = 60 if asked.smoke else PER_CLASS
    rows = book("label_noise", asked)
    for seed in asked.seeds[:1] if asked.smoke else asked.seeds:
        for kind in asked.kinds[:2] if asked.smoke else asked.kinds:
            trial = {"kind": kind, "seed": seed}
            rows.measure({"part": "find", **trial}, lambda k=kind, s=seed: find(k, s, per_class, rival))
            for arm in asked.arms if kind != "none" else []:
                work = lambda k=kind, s=seed, a=arm: train(k, s, a, per_class)  # noqa: E731
                rows.measure({"part": "train", "arm": arm, **trial}, work)


def corrupted(true: np.ndarray, kind: str, seed: int) -> np.ndarray:
    """(N,) labels of which RATE are wrong on average: any other class, or each of five classes as one other."""
    rng = np.random.default_rng([seed, 20])
    if kind == "symmetric":
        return np.where(rng.random(len(true)) < RATE, (true + rng.integers(1, 10, len(true))) % 10, true)
    hidden = np.array([PAIRS.get(k, k) for k in range(10)])[true]
    return np.where((rng.random(len(true)) < 2 * RATE) & (kind == "pairs"), hidden, true)


@functools.cache
def prepared(kind: str, seed: int, per_class: int) -> tuple[Any, Any, np.ndarray, np.ndarray]:
    """(recipe, data whose training labels are corrupted, training positions, their true labels)."""
    from goodfit.core.asking import asked_recipe
    from goodfit.core.telling import silent
    from goodfit.workflow.prepare import prepare

    asked = asked_recipe(str(cifar_subset(per_class, per_class if per_class < 100 else None)), [], seed=seed)
    data = prepare(asked, silent)
    target = data.dataset.index.target
    side = np.flatnonzero(data.dataset.index.part != "test")
    given = target.copy()
    given[side] = corrupted(target[side], kind, seed)
    return asked, replace(data, dataset=data.dataset.with_target(given)), side, target[side]


def find(kind: str, seed: int, per_class: int, rival: str) -> dict[str, Any]:
    """Ranking, count and what cleanlab says of the same predictions."""
    from goodfit.core.telling import silent
    from goodfit.stats.label_noise import folds_of, judge
    from goodfit.workflow.cross import FOLDS, cross
    from goodfit.workflow.watch import watched

    asked, data, side, true = prepared(kind, seed, per_class)
    given, groups = data.dataset.index.target[side], data.audit.groups
    fold = np.full(len(data.dataset), -1)
    fold[side] = folds_of(side if groups is None else groups[side], given, FOLDS, seed)
    models = cross(asked, data, fold)
    assert models is not None
    data.task.warm(data.dataset, models.plan.recipe, 0.0, lambda done, total: None)
    tell = watched(silent, "folds", lambda: float("inf"))
    probabilities = models.predicted(np.ones(len(fold), dtype=bool), tell)[side]
    found, wrong = judge(probabilities, given), given != true
    np.savez(_kept(kind, seed, per_class), true=found.true, given=given)
    quality, theirs = _cleanlab(rival, probabilities, given)
    differs = probabilities.argmax(1) != given
    mine = found.trust(given) < 0.5
    noise = found.noise
    return {
        "wrong": float(wrong.mean()),
        "rate": None if noise is None else noise.rate,
        "low": None if noise is None else noise.low,
        "high": None if noise is None else noise.high,
        "cleanlab_rate": theirs["rate"],
        "differs_rate": float(differs.mean()),
        "accuracy": float((probabilities.argmax(1) == true).mean()),
        "ap": _ap(found.trust(given), wrong),
        "cleanlab_ap": _ap(quality, wrong),
        "differs_ap": _ap(np.random.default_rng(seed).random(len(given)) - differs, wrong),
        "flagged": int(mine.sum()),
        "precision": _share(wrong[mine]),
        "recall": _share(mine[wrong]),
        "cleanlab_precision": _share(wrong[theirs["issues"]]),
        "cleanlab_recall": _share(np.isin(np.arange(len(wrong)), theirs["issues"])[wrong]),
    }


def train(kind: str, seed: int, arm: str, per_class: int) -> dict[str, Any]:
    """Accuracy on the clean test part of the net that `fit` would take at first, by this arm's labels."""
    from goodfit.audit.wrong_labels import TRUSTED
    from goodfit.workflow.cleaned import RELABELLED
    from goodfit.workflow.planning import make_plan

    asked, data, side, true = prepared(kind, seed, per_class)
    with np.load(_kept(kind, seed, per_class), allow_pickle=False) as kept:
        posterior, given = kept["true"], kept["given"]
    rows = np.arange(len(side))
    suspect = posterior[rows, given] < TRUSTED
    labels, used = given.copy(), np.ones(len(side), dtype=bool)
    if arm == "left_out":
        used = ~suspect
    elif arm == "random":
        used[np.random.default_rng([seed, 21]).choice(len(side), int(suspect.sum()), replace=False)] = False
    elif arm == "relabelled":
        best = posterior.argmax(1)
        labels = np.where(posterior[rows, best] >= RELABELLED, best, given)
    elif arm == "true":
        labels = true
    target = data.dataset.index.target.copy()
    target[side] = labels
    data = replace(data, dataset=data.dataset.with_target(target))
    quick = asked.with_("model.name", "small_s").with_("train.epochs", 2.0 if per_class < 100 else 16.0)
    plan = make_plan(quick, data)
    accuracy, seconds = _fitted(plan, data, side[used])
    return {
        "accuracy": accuracy,
        "seconds": seconds,
        "samples": int(used.sum()),
        "wrong": _share((labels != true)[used]),
    }


def _fitted(plan: Any, data: Any, positions: np.ndarray) -> tuple[float, float]:
    """(accuracy on test, seconds) of one training."""
    import time

    task, recipe, dataset = data.task, plan.recipe, data.dataset
    task.warm(dataset, recipe, 0.0, lambda done, total: None)
    began = time.perf_counter()
    learner = task.learner(
        recipe, data.schema, plan.engine, task.loader(dataset, positions[::2], recipe, plan.engine, False)
    )
    for _ in learner.fit(task.loader(dataset, positions, recipe, plan.engine, True), dict, None, lambda: False):
        pass
    tests = np.flatnonzero(dataset.index.part == "test")
    loader = task.loader(dataset, tests, recipe, plan.engine, False)
    outputs = learner.predict(loader)
    right = outputs.argmax(1) == dataset.index.target[loader.positions]
    return float(right.mean()), round(time.perf_counter() - began, 1)


def _kept(kind: str, seed: int, per_class: int) -> Path:
    return home() / f"label_noise_{kind}_{seed}_{per_class}.npz"


def _cleanlab(rival: str, probabilities: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as made:
        paths = [str(Path(made) / f"{name}.npy") for name in ("p", "y", "q")]
        np.save(paths[0], probabilities)
        np.save(paths[1], given)
        done = subprocess.run([rival, "-c", _CLEANLAB, *paths], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
        return np.load(paths[2]), json.loads(done.stdout.splitlines()[-1])


def _ap(score: np.ndarray, wrong: np.ndarray) -> float | None:
    """Average precision of wrong labels by a score that is lowest for the worst; None where none is wrong."""
    hits = wrong[np.argsort(score, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean()) if hits.any() else None


def _share(flags: np.ndarray) -> float | None:
    return float(flags.mean()) if len(flags) else None


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    found, trained = [], []
    for (where, version, kind), group in by_machine(rows, "kind").items():
        finds = [r for r in group if r["trial"]["part"] == "find"]
        wrong, rate = values(finds, "wrong"), values(finds, "rate")
        off = [abs(a - b) for a, b in zip(rate, wrong, strict=False)]
        for who, prefix in (("goodfit", ""), ("cleanlab", "cleanlab_"), ("predicted differs", "differs_")):
            share = [spread(values(finds, prefix + name), percent) for name in ("rate", "precision", "recall")]
            kept = verdict(judged([-x for x in off], -0.03), "rate within 3 points") if not prefix else ""
            heads = [where, version, kind, who, len(finds), spread(wrong, percent), share[0]]
            found.append([*heads, spread(values(finds, f"{prefix}ap")), share[1], share[2], kept])
        arms = grouped([r for r in group if r["trial"]["part"] == "train"], lambda r: r["trial"]["arm"])
        of = {arm: {r["trial"]["seed"]: r["result"]["accuracy"] for r in mine} for arm, mine in arms.items()}
        for arm, mine in arms.items():
            pairs = [value - of["given"][seed] for seed, value in of[arm].items() if seed in of.get("given", {})]
            gain = (
                "-"
                if arm == "given" or len(pairs) < 2
                else "{:+.2f} [{:+.2f}, {:+.2f}]".format(*(100 * x for x in interval(pairs)))
            )
            cells = [spread(values(mine, name), percent) for name in ("wrong", "accuracy")]
            trained.append(
                [where, version, kind, arm, len(mine), spread(values(mine, "samples"), "{:,.0f}".format), *cells, gain]
            )
    names = [
        "machine",
        "goodfit",
        "noise",
        "by",
        "n",
        "wrong",
        "estimated",
        "average precision",
        "precision",
        "recall",
        "must",
    ]
    heads = [
        "machine",
        "goodfit",
        "noise",
        "trained on",
        "n",
        "samples",
        "of them wrong",
        "test accuracy",
        "gain, points",
    ]
    return (
        f"{10 * PER_CLASS:,} training pictures of CIFAR-10, about {RATE:.0%} of the labels wrong: any other class "
        "(symmetric), or two fifths of five classes under the name of one other (pairs). The three rankings judge the "
        "same predictions, by small nets that had not seen the sample. Then one net of 16 passes for each set of "
        "labels, on the whole clean test part; `random` leaves out as many samples as `left_out`, by chance. Gains "
        "over `given` are paired by seed, with Student's 95 % interval.\n\n"
        + table(names, found)
        + "\n\n"
        + table(heads, trained)
    )


if __name__ == "__main__":
    main()
