"""Detection in a stated budget: `goodfit fit`, from scratch and pretrained, against torchvision's recipe."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from _data import folder, home, mobilenet
from _fit import fit
from _rows import HERE, Row, book, call, last_json, parser
from _tables import by_machine, percent, seconds, spread, table, values, verdict

TITLE = "Detection"
DATA = {"bccd_voc": "BCCD", "pennfudan": "PennFudanPed", "coco_mini": "coco_mini"}  # archive -> the folder inside it
ARMS = ("fit", "fit det_s", "recipe det_s", "fit weights", "recipe weights")


def main() -> None:
    """Measure."""
    flags = parser("detection", __doc__)
    flags.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    flags.add_argument("--minutes", type=float, default=4.0, help="of each run")
    flags.add_argument("--data", nargs="+", choices=list(DATA), default=list(DATA))
    flags.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    asked = flags.parse_args()
    rows = book("detection", asked)
    minutes = 1.0 if asked.smoke else asked.minutes
    for seed in asked.seeds[: 1 if asked.smoke else None]:
        for name in asked.data[: 1 if asked.smoke else None]:
            for arm in asked.arms:
                rows.measure(
                    {"data": name, "arm": arm, "minutes": minutes, "seed": seed},
                    lambda name=name, arm=arm, seed=seed: one(place(name), arm, minutes, seed),
                )


def place(name: str) -> Path:
    """The folder of a set; its archive holds it under another name."""
    return folder(name, inside=DATA[name])


def one(data: Path, arm: str, minutes: float, seed: int) -> dict[str, Any]:
    """Test mAP and mAP at IoU 0.5 of one arm, and what it took."""
    weights = str(mobilenet()) if arm.endswith("weights") else None
    if arm.startswith("recipe"):
        model = "det/mobilenet_v2" if weights else "det_s"
        words = [str(data), model, str(60 * minutes), str(seed), *([weights] if weights else [])]
        cache = {"GOODFIT_CACHE": str(home() / "detection-reference")}
        output, _ = call([sys.executable, str(HERE / "_detection_reference.py"), *words], env=cache)
        return last_json(output)
    pairs = [f"model.weights={weights}"] if weights else ["model.name=det_s"] if arm.endswith("det_s") else []
    return fit([str(data), *pairs, "--budget", f"{60 * minutes:g}s", "--seed", str(seed)], also=("map50",))


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    lines = []
    for (machine, version, name, minutes, arm), group in by_machine(rows, "data", "minutes", "arm").items():
        lines.append(
            [machine, version, name, f"{minutes:g} min", arm, len(group)]
            + [spread(values(group, "test"), percent), spread(values(group, "map50"), percent)]
            + [spread(values(group, "seconds"), seconds)]
        )
    heads = ["machine", "goodfit", "data", "budget", "arm", "n (seeds)", "test mAP", "test mAP at 0.5", "wall clock"]
    pairs = [
        "machine",
        "goodfit",
        "data",
        "budget",
        "detector",
        "n (seeds)",
        "difference of each seed in points",
        "must",
    ]
    return (
        "`goodfit fit` chooses its detector (`fit`), is given one from scratch (`fit det_s`) or a pretrained "
        "MobileNetV2 (`fit weights`); `recipe` is torchvision's reference recipe in a bare loop with the same "
        "detector, data, split and seconds. *must*: `fit det_s` not below `recipe det_s`, `fit weights` not below "
        "`recipe weights`.\n\n" + table(heads, lines) + "\n\n" + table(pairs, _against(rows))
    )


def _against(rows: list[Row]) -> list[list[Any]]:
    """A line for each set and detector: test mAP of `fit` over that of the recipe, seed by seed."""
    lines = []
    for (machine, version, name, minutes), group in by_machine(rows, "data", "minutes").items():
        of = {(row["trial"]["arm"], row["trial"]["seed"]): float(row["result"]["test"]) for row in group}
        for detector in ("det_s", "weights"):
            seeds = [s for arm, s in of if arm == f"fit {detector}" and (f"recipe {detector}", s) in of]
            gains = [of[f"fit {detector}", s] - of[f"recipe {detector}", s] for s in sorted(seeds)]
            if gains:
                shown = ", ".join(f"{100 * gain:+.1f}" for gain in gains)
                said = verdict(min(gains) >= 0, "never below")
                lines.append([machine, version, name, f"{minutes:g} min", detector, len(gains), shown, said])
    return lines


if __name__ == "__main__":
    main()
