"""Tables: one command of ours against scikit-learn's and LightGBM's boosting with defaults, same splits, five seeds."""

from __future__ import annotations

import csv
import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from _data import SHARED, home
from _fit import fit
from _rows import Row, book, parser
from _tables import by_machine, grouped, interval, seconds, spread, table, values

TITLE = "Tables: Adult and Ames"
TOOLS = ("goodfit", "hist_gradient_boosting", "lightgbm")
SETS = {"adult": ("adult.csv", "income-per-year", ()), "ames": ("ames_housing.csv", "SalePrice", ("Id",))}
METRICS = {"adult": ("accuracy", "log_loss", "roc_auc"), "ames": ("rmse", "mae")}
HIGHER = frozenset({"accuracy", "roc_auc"})
TEST_SHARE = 0.2
MISSING = frozenset({"", "?", "NA"})


def main() -> None:
    """Measure."""
    flags = parser("tables", __doc__)
    flags.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    flags.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    flags.add_argument(
        "--seeds", type=int, nargs="+", default=[10, 11, 12, 13, 14], help="none that a default was found on"
    )
    flags.add_argument("--budget", type=float, default=60.0, help="seconds of goodfit")
    asked = flags.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # one thread for everybody
    rows = book("tables", asked)
    for seed in asked.seeds[: 1 if asked.smoke else None]:
        for name in asked.sets:
            for tool in asked.tools:
                trial = {"data": name, "tool": tool, "seed": seed}
                budget = (30.0 if asked.smoke else asked.budget) if tool == "goodfit" else None
                trial |= {"budget": budget} if budget else {}
                rows.measure(trial, lambda n=name, t=tool, s=seed, b=budget: _one(n, t, s, b))


def _one(name: str, tool: str, seed: int, budget: float | None) -> dict[str, Any]:
    folder = _split(name, seed)
    if tool == "goodfit":
        words = [str(folder), f"data.target={SETS[name][1]}", "engine.threads=1"]
        found = fit([*words, "--budget", f"{budget:g}s", "--seed", str(seed)])
        scores = {metric: found["scores"][metric]["value"] for metric in METRICS[name]}
        return {**scores, "seconds": found["seconds"], "winner": found["winner"], "findings": found["findings"]}
    began = time.perf_counter()
    scores = _rival(folder, name, tool, seed)
    return {**scores, "seconds": round(time.perf_counter() - began, 2)}


def _split(name: str, seed: int) -> Path:
    """A folder with train.csv and test.csv: four fifths and one, drawn by the seed."""
    folder = home() / "tables" / f"{name}-{seed}"
    if (folder / "test.csv").exists():
        return folder
    source = Path(os.environ.get("GOODFIT_BENCH_DATA", SHARED)) / SETS[name][0]
    if not source.exists():
        raise SystemExit(f"no {source}: name its folder in GOODFIT_BENCH_DATA")
    with source.open(encoding="utf-8", newline="") as file:
        head, *rows = list(csv.reader(file))
    order = np.random.default_rng(seed).permutation(len(rows))
    cut = round(TEST_SHARE * len(rows))
    folder.mkdir(parents=True, exist_ok=True)
    for part, places in (("train", order[cut:]), ("test", order[:cut])):
        with (folder / f"{part}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *(rows[k] for k in places)])
    return folder


def _rival(folder: Path, name: str, tool: str, seed: int) -> dict[str, float]:
    """Defaults, with categories declared as such and missing cells left missing, as their manuals advise."""
    import lightgbm
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    x, y, categories, cut = _encoded(folder, name)
    number = name == "ames"
    if tool == "lightgbm":
        made = lightgbm.LGBMRegressor if number else lightgbm.LGBMClassifier
        model = made(random_state=seed, n_jobs=1, verbosity=-1).fit(x[:cut], y[:cut], categorical_feature=categories)
    else:
        made = HistGradientBoostingRegressor if number else HistGradientBoostingClassifier
        model = made(random_state=seed, categorical_features=categories).fit(x[:cut], y[:cut])
    answer = model.predict(x[cut:]) if number else model.predict_proba(x[cut:])[:, 1]
    return _scores(name, y[cut:], np.asarray(answer, dtype=np.float64))


def _encoded(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray, list[int], int]:
    """(inputs, target, places of categories, training rows); categories are numbered over train and test."""
    parts = []
    for part in ("train", "test"):
        with (folder / f"{part}.csv").open(encoding="utf-8", newline="") as file:
            head, *rows = list(csv.reader(file))
            parts.append(rows)
    _, target, dropped = SETS[name]
    cells = [[row[k].strip() for row in (*parts[0], *parts[1])] for k in range(len(head))]
    columns = {column: _numbers(cells[k]) for k, column in enumerate(head) if column not in dropped}
    y, _ = columns.pop(target)
    categories = [k for k, (_, is_category) in enumerate(columns.values()) if is_category]
    return np.stack([column for column, _ in columns.values()], 1), y, categories, len(parts[0])


def _numbers(cells: list[str]) -> tuple[np.ndarray, bool]:
    """(numbers, whether they are codes of categories)."""
    try:
        return np.array([math.nan if cell in MISSING else float(cell) for cell in cells]), False
    except ValueError:
        names = {name: k for k, name in enumerate(sorted(set(cells) - MISSING))}
        return np.array([math.nan if cell in MISSING else float(names[cell]) for cell in cells]), True


def _scores(name: str, y: np.ndarray, answer: np.ndarray) -> dict[str, float]:
    if name == "ames":
        return {"rmse": float(np.sqrt(np.mean((answer - y) ** 2))), "mae": float(np.abs(answer - y).mean())}
    from sklearn.metrics import log_loss, roc_auc_score

    right = float(np.mean((answer > 0.5) == y))
    return {"accuracy": right, "log_loss": float(log_loss(y, answer)), "roc_auc": float(roc_auc_score(y, answer))}


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    lines, against = [], []
    for (machine, version, data, tool), group in by_machine(rows, "data", "tool").items():
        shown = [spread(values(group, metric), "{:.4g}".format) for metric in METRICS[data]]
        said = ", ".join(f"{metric} {text}" for metric, text in zip(METRICS[data], shown, strict=True))
        lines.append([machine, version, data, tool, len(group), said, spread(values(group, "seconds"), seconds)])
    for (machine, version, data), group in by_machine(rows, "data").items():
        against += [[machine, version, data, *line] for line in _against(data, group)]
    heads = ["machine", "goodfit", "data", "tool", "n", "test, median [range]", "wall clock"]
    pairs = ["machine", "goodfit", "data", "metric", "against", "mean difference, 95 % interval", "never worse"]
    return (
        "The same random fifth is the test set of everybody, drawn anew for each seed. goodfit is one command with the "
        "budget of the row, one thread, on a folder of train.csv and test.csv; the rivals fit with their defaults, "
        "categories declared. Differences are signed so that above zero goodfit is better; the interval is Student's "
        "over the paired seeds; *never worse* asks that it reaches zero or lies above.\n\n"
        + table(heads, sorted(lines, key=lambda line: (line[0], line[2], line[3])))
        + "\n\n"
        + table(pairs, against)
    )


def _against(data: str, rows: list[Row]) -> list[list[Any]]:
    """A line for each metric and rival: mean paired difference with its interval."""
    of = {key: group[-1] for key, group in grouped(rows, lambda r: (r["trial"]["tool"], r["trial"]["seed"])).items()}
    lines = []
    for metric in METRICS[data]:
        for rival in TOOLS[1:]:
            pairs = [(of["goodfit", s], of[rival, s]) for tool, s in of if tool == "goodfit" and (rival, s) in of]
            sign = 1 if metric in HIGHER else -1
            found = [sign * (ours["result"][metric] - other["result"][metric]) for ours, other in pairs]
            if len(found) < 2:
                continue
            mean, low, high = interval(found)
            said = f"{mean:+.4g} [{low:+.4g}, {high:+.4g}], n {len(found)}"
            lines.append([metric, rival, said, "yes" if high >= 0 else "**no**"])
    return lines


if __name__ == "__main__":
    main()
