"""Which augmentations suit a scene, by tests on its data; and over-augmentation: planted, found, cured.

Verdicts: digits, a toy whose classes are colours, a toy whose shapes lie at any angle, and a part of CIFAR-10.
Planted: one set of strengths that costs next to nothing, twice and four times of it, on digits and on a part of
CIFAR-10; a training with it is diagnosed, and `improve` is given the study.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _data import cifar_subset
from _rows import Row, book, parser
from _scenes import colours, turned
from _tables import by_machine, percent, table

TITLE = "Augmentation that suits the scene"
SCENES = ("digits", "colours", "turned", "cifar10_part")
PLANTED = ("digits", "cifar10_part")
TIMES = (0, 1, 2, 4)
SHOWN = ("flip", "turn", "hue")
SENSIBLE = {  # at 32 pixels; what is in pixels scales with the side
    "digits": {"rotate": 20.0, "translate": 0.1, "shear": 10.0, "brightness": 0.3, "contrast": 0.3, "erase": 12},
    "cifar10_part": {"crop_pad": 4, "rotate": 10.0, "translate": 0.06, "brightness": 0.2, "contrast": 0.2, "erase": 8},
}
MOST = {"translate": 0.9, "brightness": 0.95, "contrast": 0.95, "shear": 80.0}
NO_TIME: dict[str, Any] = {"kept": "no time", "base": {"values": [0.0]}, "n": 0, "seeds": [], "arms": []}
FOUND = {"GF-F009", "GF-A003"}  # what names over-augmentation
FORM = ("engine.precision=fp32", "engine.threads=1")


def main() -> None:
    """Measure."""
    flags = parser("scene", __doc__ or "")
    flags.add_argument(
        "--budget", type=float, default=240.0, help="seconds of each `goodfit scene`; three times for `improve`"
    )
    flags.add_argument("--seeds", type=int, nargs="+", default=[0])
    flags.add_argument("--parts", nargs="+", default=["verdicts", "planted"])
    asked = flags.parse_args()
    rows = book("scene", asked)
    seconds, seeds = (15.0, [0]) if asked.smoke else (asked.budget, asked.seeds)
    for seed in seeds:
        for name in SCENES[1:2] if asked.smoke else SCENES:
            trial = {"part": "verdicts", "data": name, "budget": seconds, "seed": seed}
            if "verdicts" in asked.parts:
                rows.measure(trial, lambda trial=trial: _verdicts(trial, asked.smoke))
        for name in PLANTED[:1] if asked.smoke else PLANTED:
            for times in TIMES[-1:] if asked.smoke else TIMES:
                trial = {"part": "planted", "data": name, "times": times, "budget": seconds, "seed": seed}
                if "planted" in asked.parts:
                    rows.measure(trial, lambda trial=trial: _planted(trial, asked.smoke))


def _data(name: str, smoke: bool) -> str:
    if name == "digits":
        return "digits"
    if name == "cifar10_part":
        return str(cifar_subset(40 if smoke else 400, 20 if smoke else 50))
    return str({"colours": colours, "turned": turned}[name](20 if smoke else 200))


def _verdicts(trial: dict[str, Any], smoke: bool) -> dict[str, Any]:
    from goodfit.core.asking import asked_recipe
    from goodfit.workflow.scene import scene

    asked = asked_recipe(_data(trial["data"], smoke), FORM, seed=trial["seed"])
    with tempfile.TemporaryDirectory() as runs:
        said = scene(asked, budget=trial["budget"], runs=Path(runs))
    keys = ("kept", "pairs", "points", "points_low", "points_high")
    return {
        "changes": said["changes"],
        "operations": {
            row["name"]: [row["verdict"], row["why"], {k: row["numbers"][k] for k in keys if k in row["numbers"]}]
            for row in said["operations"]
        },
    }


def _planted(trial: dict[str, Any], smoke: bool) -> dict[str, Any]:
    """Train as planted, read the diagnosis, and let `improve` try."""
    from goodfit.core.asking import asked_recipe
    from goodfit.core.run import open_stored
    from goodfit.workflow.improve import improve
    from goodfit.workflow.train import train

    words = [*FORM, "model.name=small_s", f"train.epochs={2 if smoke else 12}", "split.val=0.3", *_strengths(trial)]
    asked = asked_recipe(_data(trial["data"], smoke), words, seed=trial["seed"])
    with tempfile.TemporaryDirectory() as runs:
        study = train(asked, runs=Path(runs))
        run = open_stored(study.folder / "runs" / study.result["winner"])
        parts = {name: run.predictions(name) for name in ("train", "augmented", "select", "confirm")}
        right = {n: float((p.outputs.argmax(1) == p.target).mean()) for n, p in parts.items() if p is not None}
        codes = sorted({finding.code for finding in study.findings if finding.code[:4] in ("GF-F", "GF-A")})
        cured = {}
        if FOUND & set(codes):
            improve(study.folder, budget=3 * trial["budget"])
            told = study.folder / "experiments.json"
            tried = json.loads(told.read_text("utf-8"))[-1] if told.exists() else NO_TIME
            cured = {"kept": tried["kept"], "base": float(np.mean(tried["base"]["values"])), "n": tried["n"]}
            cured["seeds"] = len(tried["seeds"])
            cured["arms"] = {
                arm["name"]: [float(np.mean(arm["values"] or [0.0])), arm["effect"], arm["low"], arm["high"]]
                for arm in tried["arms"]
            }
    return {**right, "codes": codes, "cured": cured}


def _strengths(trial: dict[str, Any]) -> list[str]:
    side, words = 16 if trial["data"] == "digits" else 32, []
    for key, value in SENSIBLE[trial["data"]].items():
        strength = min(value * trial["times"], MOST.get(key, 1e9))
        in_pixels = key in ("crop_pad", "erase")
        words.append(f"augment.{key}={round(strength * side / 32) if in_pixels else strength}")
    return words


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    rows = sorted(rows, key=lambda row: (row["trial"]["data"], row["trial"].get("times", 0)))
    verdicts = [row for row in rows if row["trial"]["part"] == "verdicts"]
    planted = [row for row in rows if row["trial"]["part"] == "planted"]
    parts = [
        "What `goodfit scene DATA --budget 4m` says of mirrors, any turn and any colour: the verdict, its reason, the "
        "share of a net's skill that survives, and the points that training with it gains.",
        table(
            ["machine", "goodfit", "scene", *SHOWN, "the others refused"],
            [
                [machine, version, data, *(_told(row["result"]["operations"][name]) for name in SHOWN), _others(row)]
                for (machine, version, data), group in by_machine(verdicts, "data").items()
                for row in group[-1:]
            ],
        ),
        "A set of strengths that costs little, then twice and four times of it: what the diagnosis says, and what "
        "`improve` keeps, judged on confirm over seeds with an interval corrected for three arms.",
        table(
            ["machine", "goodfit", "data", "times", "train", "train, augmented", "select", "found", "kept", "cured"],
            [
                [machine, version, data, f"{times}x", *_scores(row["result"]), *_cure(row["result"])]
                for (machine, version, data, times), group in by_machine(planted, "data", "times").items()
                for row in group[-1:]
            ],
        ),
    ]
    return "\n\n".join(parts)


def _told(said: list[Any]) -> str:
    verdict, why, numbers = said
    told = [f"**{verdict}** ({why})"]
    told += [f"{numbers['kept']:.0%} kept"] if "kept" in numbers else []
    told += [str(numbers["pairs"])] if "pairs" in numbers else []
    if "points" in numbers:
        told.append(f"{numbers['points']:+.1f} points ({numbers['points_low']:+.1f} to {numbers['points_high']:+.1f})")
    return "; ".join(told)


def _others(row: Row) -> str:
    said = row["result"]["operations"].items()
    return ", ".join(name for name, told in said if told[0] == "refused" and name not in SHOWN) or "–"


def _scores(result: dict[str, Any]) -> list[str]:
    return [percent(result[name]) for name in ("train", "augmented", "select")]


def _cure(result: dict[str, Any]) -> list[str]:
    found = ", ".join(result["codes"]) or "nothing"
    found += " (over-augmentation)" if FOUND & set(result["codes"]) else ""
    cured = result["cured"]
    if not cured:
        return [found, "–", "–"]
    arm = cured["arms"].get(cured["kept"])
    if arm is None:
        return [found, cured["kept"], "no arm was proven better"]
    value, effect, low, high = arm
    said = f"{percent(cured['base'])} to {percent(value)}: {100 * effect:+.1f} points ({100 * low:+.1f} to "
    return [found, cured["kept"], f"{said}{100 * high:+.1f}), n {cured['n']}, {cured['seeds']} seeds"]


if __name__ == "__main__":
    main()
