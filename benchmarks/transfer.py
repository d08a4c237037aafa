"""Transfer to 243 photographs: `goodfit fit hymenoptera` with MobileNetV2's weights, and the same net from scratch."""

from __future__ import annotations

from _data import folder, mobilenet
from _fit import fit
from _rows import Row, book, parser
from _tables import by_machine, judged, percent, seconds, spread, table, values, verdict

TITLE = "Transfer learning"
LEAST = 0.93
ARMS = ("weights", "scratch")


def main() -> None:
    """Measure."""
    flags = parser("transfer", __doc__)
    flags.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    flags.add_argument("--budget", default="5m", help="of each run")
    flags.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    asked = flags.parse_args()
    rows = book("transfer", asked)
    data = folder("hymenoptera")
    weights = mobilenet()
    arms = {"weights": [f"model.weights={weights}"], "scratch": ["model.name=torchvision/mobilenet_v2"]}
    budget, small = ("150s", ["data.limit=24", "model.size=64"]) if asked.smoke else (asked.budget, [])
    for seed in asked.seeds[: 1 if asked.smoke else None]:
        for arm in asked.arms[: 1 if asked.smoke else None]:
            words = ["hymenoptera", "data.test=hymenoptera/val", *arms[arm], *small]
            rows.measure(
                {"arm": arm, "budget": budget, "seed": seed},
                lambda words=words, seed=seed: fit([*words, "--budget", budget, "--seed", str(seed)], cwd=data.parent),
            )


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    lines = []
    for (machine, version, budget, arm), group in by_machine(rows, "budget", "arm").items():
        test = values(group, "test")
        said = verdict(judged(test, LEAST), ">= 93 %") if arm == "weights" else "-"
        what = "ImageNet weights" if arm == "weights" else "from scratch"
        lines.append(
            [
                machine,
                version,
                what,
                budget,
                len(group),
                spread(test, percent),
                spread(values(group, "seconds"), seconds),
            ]
            + [said]
        )
    heads = ["machine", "goodfit", "MobileNetV2", "budget", "n (seeds)", "test accuracy", "wall clock", "must"]
    return (
        "`goodfit fit hymenoptera data.test=hymenoptera/val model.weights=...`: ants and bees, tested on 153 "
        "pictures.\n\n" + table(heads, lines)
    )


if __name__ == "__main__":
    main()
