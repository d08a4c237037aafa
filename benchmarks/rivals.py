"""Seconds an epoch against fastai, Lightning, Ultralytics classify and a bare loop: same 5,000 pictures, same batch."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any

from _data import cifar_subset
from _rows import Row, book, call, last_json, parser
from _tables import by_machine, spread, table, values

TITLE = "Seconds an epoch against other tools"
TOOLS = ("bare", "goodfit", "lightning", "fastai", "ultralytics")


def main() -> None:
    """Measure."""
    flags = parser("rivals", __doc__)
    flags.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--epochs", type=int, default=3, help="of each round; the first warms up")
    asked = flags.parse_args()
    rows = book("rivals", asked)
    epochs, batch, rounds = (2, 16, 1) if asked.smoke else (asked.epochs, 128, asked.rounds)
    for turn in range(rounds):
        for tool in asked.tools:
            trial = {"tool": tool, "batch": batch, "epochs": epochs, "round": turn}
            rows.measure(trial, lambda tool=tool: _epochs(tool, epochs, batch, asked.smoke))


def _epochs(tool: str, epochs: int, batch: int, smoke: bool) -> dict[str, Any]:
    work = {"data": str(cifar_subset(8, 4) if smoke else cifar_subset()), "epochs": epochs, "batch": batch}
    output, _ = call([sys.executable, str(Path(__file__).with_name("_rivals.py")), f"{tool}-epochs", json.dumps(work)])
    return {**last_json(output), "version": importlib.metadata.version("torch" if tool == "bare" else tool)}


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    lines = []
    for (machine, version, tool), group in by_machine(rows, "tool").items():
        bare = [r for r in rows if r["trial"]["tool"] == "bare" and r["machine"] == machine and r["goodfit"] == version]
        by_round = {r["trial"]["round"]: r["result"]["epoch_s"] for r in bare}
        against = [
            r["result"]["epoch_s"] / by_round[r["trial"]["round"]] for r in group if r["trial"]["round"] in by_round
        ]
        name = f"{'PyTorch loop' if tool == 'bare' else tool} {group[-1]['result']['version']}"
        lines.append(
            [machine, name, group[-1]["result"]["model"], len(group), spread(values(group, "epoch_s")), spread(against)]
        )
    heads = ["machine", "tool", "model", "rounds", "s/epoch", "against the bare loop of the same round"]
    return (
        "5,000 CIFAR-10 pictures at 32 px, batch 128, two workers, no pretrained weights; the best epoch behind the "
        "first of each round, training only. fastai and Ultralytics apply their own default augmentation, Ultralytics "
        "its head and weight average; ours runs as its probe chooses. Median [range] over rounds; no extrapolation.\n\n"
        + table(heads, lines)
    )


if __name__ == "__main__":
    main()
