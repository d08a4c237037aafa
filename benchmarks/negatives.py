"""Two rare things among ten times as many pictures of nothing: how many of those should train?

250 cats, 250 dogs and 5,000 pictures of eight other classes of CIFAR-10 as `background`; every arm takes as many steps.
Judged by balanced accuracy on a test part with the same shares.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from _data import folder, home
from _fit import train
from _rows import Row, book, parser
from _tables import by_machine, percent, spread, table, values

TITLE = "Samples of nothing"
THINGS = ("cat", "dog")
SEEN = 44_000  # samples that an arm sees: eight passes over all
ARMS = ("all", "5", "3", "2", "1")


def main() -> None:
    """Measure."""
    flags = parser("negatives", __doc__ or "")
    flags.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    asked = flags.parse_args()
    rows = book("negatives", asked)
    for seed in asked.seeds[: 1 if asked.smoke else None]:
        for arm in ARMS[3:] if asked.smoke else ARMS:
            trial = {"negatives": arm, "seed": seed}
            rows.measure(trial, lambda trial=trial: one(trial, 25 if asked.smoke else 1))


def one(trial: dict[str, Any], smaller: int) -> dict[str, Any]:
    """Train one arm."""
    data = _made(250 // smaller, 5000 // smaller)
    positive = 2 * (250 // smaller)
    negative = 5000 // smaller if trial["negatives"] == "all" else int(trial["negatives"]) * positive
    epochs = SEEN / smaller / (0.9 * (positive + negative))
    words = [str(data), "model.name=small_xs", "metric=balanced_accuracy", f"train.epochs={epochs:.2f}"]
    found = train([*words, f"data.negatives={trial['negatives']}", "--seed", str(trial["seed"])])
    return {"positive": positive, **{key: found[key] for key in ("test", "low", "high", "n", "fit_seconds")}}


def _made(things: int, nothing: int) -> Path:
    """Class folders of copies: so many of each thing and of nothing, a fifth as many in test."""
    source, target = folder("cifar10"), home() / f"negatives-{things}-{nothing}"
    if target.is_dir():
        return target
    other = sorted(path.name for path in (source / "train").iterdir() if path.name not in THINGS)
    for part, share in (("train", 1.0), ("test", 0.4)):
        wanted = {name: (name, round(share * things)) for name in THINGS}
        wanted |= {name: ("background", round(share * nothing / len(other))) for name in other}
        for name, (label, count) in wanted.items():
            (target / part / label).mkdir(parents=True, exist_ok=True)
            for path in sorted((source / part / name).iterdir())[:count]:
                shutil.copy(path, target / part / label / f"{name}-{path.name}")
    return target


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    lines = []
    for (machine, version, arm), group in by_machine(rows, "negatives").items():
        took = spread(values(group, "fit_seconds"), "{:.0f} s".format)
        lines.append([machine, version, arm, len(group), spread(values(group, "test"), percent), took])
    heads = ["machine", "goodfit", "data.negatives", "n (seeds)", "balanced accuracy", "training"]
    return (
        "Cats and dogs of CIFAR-10, 250 pictures each, among 5,000 of other things; small_xs with as many steps in "
        "every arm; test has the same shares.\n\n" + table(heads, lines)
    )


if __name__ == "__main__":
    main()
