"""CIFAR-10 with a long tail (imbalance 100), balanced test: each cure for uneven classes, and what goodfit chooses.

Class k of the training set keeps 5000 x 0.01^(k / 9) files (Cui et al. 2019): 5,000 of the first class, 50 of the last.
Every arm is one `goodfit train` of the same recipe, seeds alike; `chosen` names no cure. Also the same on an even set
of as many files, where the choice must lose nothing.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from _data import folder, home
from _fit import program
from _rows import Row, book, call, last_json, parser
from _tables import by_machine, grouped, interval, percent, seconds, spread, table, values, verdict

from goodfit.core.recipe_yaml import load

TITLE = "Uneven classes"
IMBALANCE, CLASSES, MOST = 100, 10, 5000
ARMS: dict[str, list[str]] = {
    "plain": ["train.rebalance=none"],
    "chosen": [],
    "weights": ["train.rebalance=weights"],
    "effective": ["train.rebalance=effective"],
    "oversample": ["train.rebalance=oversample"],
    "interpolate": ["train.rebalance=interpolate"],
    "undersample": ["train.rebalance=undersample"],
    "sampler": ["train.rebalance=sampler"],
    "focal": ["train.rebalance=none", "train.loss=focal"],
    "logit_adjustment": ["train.rebalance=logit_adjustment"],
    "posthoc": ["train.rebalance=posthoc"],
}
EVEN_ARMS = ("plain", "chosen", "logit_adjustment")
GAIN = 0.05  # must: of the choice over plain


def main() -> None:
    """Measure."""
    flags = parser("long_tail", __doc__)
    flags.add_argument("--seeds", type=int, default=3)
    flags.add_argument("--arms", default=",".join(ARMS))
    flags.add_argument("--even", action="store_true", help="an even set of as many files instead")
    asked = flags.parse_args()
    rows = book("long_tail", asked)
    names = [arm for arm in asked.arms.split(",") if not asked.even or arm in EVEN_ARMS]
    if asked.smoke:
        asked.seeds, names = 1, names[:2]
    with tempfile.TemporaryDirectory(dir=home(), prefix="long-tail-") as made:
        data = subset(Path(made) / "cifar10", even=asked.even, most=60 if asked.smoke else MOST)
        for seed in range(asked.seeds):
            for arm in names:
                trial = {"set": "even" if asked.even else "long tail", "arm": arm, "seed": seed}
                rows.measure(trial, lambda a=arm, s=seed: measured(data, a, s, asked.smoke, Path(made) / "cache"))


def counts(most: int, even: bool) -> list[int]:
    """Training files of each class."""
    tail = [round(most * IMBALANCE ** (-k / (CLASSES - 1))) for k in range(CLASSES)]
    return [round(sum(tail) / CLASSES)] * CLASSES if even else tail


def subset(made: Path, even: bool, most: int) -> Path:
    """A folder with copies of the first files of each class, and of the whole test part."""
    source = folder("cifar10")
    for name, kept in zip(sorted(p.name for p in (source / "train").iterdir()), counts(most, even), strict=True):
        for part, take in (("train", kept), ("test", None if most == MOST else 20)):
            (made / part / name).mkdir(parents=True)
            for file in sorted((source / part / name).iterdir())[:take]:
                shutil.copy(file, made / part / name / file.name)
    return made


def measured(data: Path, arm: str, seed: int, smoke: bool, cache: Path) -> dict[str, Any]:
    """One training and its balanced accuracy on the test part; the audit and the decoded files are shared by all arms.

    Test holds as many files of each class, so that accuracy and balanced accuracy are the same there.
    """
    env = {"GOODFIT_CACHE": str(cache)}
    with tempfile.TemporaryDirectory(dir=cache.parent, prefix="runs-") as runs:
        words = [str(data), *ARMS[arm], *(["train.epochs=1"] if smoke else []), "--seed", str(seed), "--runs", runs]
        said = last_json(call([*program(), "train", *words, "--json"], env=env)[0])
        judged = last_json(call([*program(), "evaluate", said["study"], str(data), "--json"], env=env)[0])
        run = next((Path(said["study"]) / "runs").iterdir())
        way = load((run / "plan.yaml").read_text("utf-8")).train.rebalance
        cost = json.loads((run / "result.json").read_text("utf-8"))["cost"]
    return {
        "test": round(judged["metrics"]["accuracy"]["value"], 4),
        "f1_macro": round(judged["metrics"]["f1_macro"]["value"], 4),
        "rebalance": way,
        "fit_seconds": round(cost["seconds"], 1),
    }


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    lines = []
    for (machine, version, kind), group in by_machine(rows, "set").items():
        plain = {row["trial"]["seed"]: row["result"]["test"] for row in group if row["trial"]["arm"] == "plain"}
        for arm, mine in grouped(group, lambda row: row["trial"]["arm"]).items():
            pairs = [r["result"]["test"] - plain[r["trial"]["seed"]] for r in mine if r["trial"]["seed"] in plain]
            ways = ", ".join(sorted({row["result"]["rebalance"] for row in mine}))
            lines.append(
                [machine, version, kind, arm if arm != "chosen" else f"**chosen**: {ways}", len(mine)]
                + [spread(values(mine, "test"), percent), spread(values(mine, "f1_macro"), percent)]
                + ["-" if arm == "plain" or len(pairs) < 2 else _gain(pairs)]
                + [_must(kind, pairs) if arm == "chosen" else "-"]
                + [spread(values(mine, "fit_seconds"), seconds)]
            )
    heads = ["machine", "goodfit", "training set", "arm", "n", "test accuracy (balanced)", "macro F1"]
    return table([*heads, "against plain, by seed, 95 %", "must", "training"], lines)


def _gain(pairs: list[float]) -> str:
    mean, low, high = interval(pairs)
    return f"{100 * mean:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}]"


def _must(kind: str, pairs: list[float]) -> str:
    """At least 5 points on the long tail; nothing lost on the even set."""
    mean = sum(pairs) / len(pairs) if pairs else 0.0
    if len(pairs) < 3:
        return "three seeds wanted"
    return verdict(mean >= GAIN, "+5 points") if kind == "long tail" else verdict(min(pairs) >= 0, "nothing lost")


if __name__ == "__main__":
    main()
