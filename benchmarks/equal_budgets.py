"""Equal budgets: one command of ours against fastai, Ultralytics classify and a careful user's loop, five minutes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from _data import cifar_subset, folder, mobilenet
from _fit import fit
from _rows import Row, book, call, last_json, parser
from _tables import by_machine, percent, seconds, spread, table, values

TITLE = "Accuracy at equal budgets"
TOOLS = ("goodfit", "goodfit-scratch", "careful", "fastai", "ultralytics")
SETS = ("hymenoptera", "cifar10_5000")
SIZES = {"hymenoptera": 224, "cifar10_5000": 96}  # input side of the rivals' MobileNetV2


def main() -> None:
    """Measure."""
    flags = parser("equal_budgets", __doc__)
    flags.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    flags.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--budget", type=float, default=300.0, help="seconds")
    asked = flags.parse_args()
    rows = book("equal_budgets", asked)
    budget, rounds = (150.0, 1) if asked.smoke else (asked.budget, asked.rounds)
    for turn in range(rounds):
        for name in asked.sets:
            for tool in asked.tools:
                trial = {"data": name, "tool": tool, "budget": budget, "round": turn}
                rows.measure(trial, lambda n=name, t=tool, k=turn: _one(n, t, budget, k, asked.smoke))


def _one(name: str, tool: str, budget: float, seed: int, smoke: bool) -> dict[str, Any]:
    size = 64 if smoke else SIZES[name]
    data = folder(name) if name == "hymenoptera" else cifar_subset(8, 4) if smoke else cifar_subset()
    test = "val" if name == "hymenoptera" else "test"
    if tool.startswith("goodfit"):
        words = [str(data), f"data.test={data / test}", "--budget", f"{budget:g}s", "--seed", str(seed)]
        if tool == "goodfit":
            words += [f"model.weights={mobilenet()}"] + ([] if name == "hymenoptera" else [f"model.size={size}"])
        return fit(words)
    work = {"data": str(data), "test": test, "weights": str(mobilenet()), "size": size, "batch": 64, "budget": budget}
    program = Path(__file__).with_name("_rivals.py")
    output, took = call([sys.executable, str(program), f"{tool}-budget", json.dumps(work)])
    return {**last_json(output), "seconds": round(took, 1)}


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    names = {"careful": "careful user's loop", "goodfit-scratch": "goodfit, no weights", "goodfit": "goodfit, weights"}
    lines = [
        [machine, version, data, f"{budget:g} s", names.get(tool, tool), len(group)]
        + [spread(values(group, "test"), percent), spread(values(group, "seconds"), seconds)]
        for (machine, version, data, budget, tool), group in by_machine(rows, "data", "budget", "tool").items()
    ]
    heads = ["machine", "goodfit", "data", "budget", "tool", "n", "test accuracy", "wall clock"]
    return (
        "The whole process counts for everybody. All may start from the same local MobileNetV2 weights (rivals at 224 "
        "px on hymenoptera, at 96 px on the 5,000-picture CIFAR-10). The rivals' number of epochs is what fits after a "
        "timed epoch or some timed batches (Ultralytics: its own time limit, at 0.9 of the budget). Median [range] "
        "over rounds.\n\n" + table(heads, sorted(lines, key=lambda line: (line[0], line[1], line[2], line[3])))
    )


if __name__ == "__main__":
    main()
