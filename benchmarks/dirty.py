"""The audit against planted faults: precision and recall of each kind, on the shared set and on sets of our own."""

from __future__ import annotations

import csv
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from _data import file, folder, home, mobilenet
from _fit import program
from _planted import plant
from _rows import Row, book, call, last_json, parser
from _tables import by_machine, percent, seconds, table, verdict

TITLE = "Planted faults"
SETS = ("dirty_seed1", "hymenoptera")
GROUPS = {
    "files": (
        "zero_byte truncated broken_header text_named_as_image non_image_file wrong_extension cmyk palette rgba "
        "sixteen_bit animated exif_rotated grayscale blank tiny extreme_aspect",
        0.95,
    ),
    "copies": ("exact_duplicate exact_duplicate_other_class near_duplicate leak_exact leak_near", 0.95),
    "light": ("too_dark over_exposed blurred near_duplicate_mirrored", 0.9),
}


def main() -> None:
    """Measure."""
    flags = parser("dirty", __doc__)
    flags.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="of the sets of our own")
    flags.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    asked = flags.parse_args()
    rows = book("dirty", asked)
    for name in asked.sets:
        for seed in (asked.seeds if name != "dirty_seed1" else [1])[: 1 if asked.smoke else None]:
            rows.measure({"set": name, "seed": seed}, lambda name=name, seed=seed: one(name, seed))


def one(name: str, seed: int) -> dict[str, Any]:
    """Kind -> right, false and missed, and what the audit took."""
    if name == "dirty_seed1":
        data = folder("dirty_seed1")
        with open(file("dirty_seed1_manifest.csv"), encoding="utf-8") as opened:
            manifest = list(csv.DictReader(opened))
    else:
        data = home() / "planted" / f"{name}-{seed}"
        manifest = plant(folder(name), data, seed)
    with tempfile.TemporaryDirectory() as made:
        cache = {"GOODFIT_CACHE": f"{made}/cache"}
        words = ["audit", str(data), f"model.weights={mobilenet()}", "--runs", made, "--json"]
        output, took = call([*program(), *words], env=cache)
        found = json.loads(Path(last_json(output)["findings_file"]).read_text("utf-8"))
    files = sum(1 for path in data.rglob("*") if path.is_file())
    return {"seconds": round(took, 2), "files": files, **judged(found, manifest)}


def judged(found: list[dict[str, Any]], manifest: list[dict[str, str]]) -> dict[str, Any]:
    """Right, false and missed samples of each kind; of a pair either side counts."""
    planted: dict[str, list[dict[str, str]]] = {}
    for row in manifest:
        planted.setdefault(row["kind"], []).append(row)
    faulty = {row["path"] for row in manifest}
    counts: dict[str, dict[str, int]] = {}
    for kind in sorted({*planted} & {kind for words, _ in GROUPS.values() for kind in words.split()}):
        samples = [sample for entry in found if entry["kind"] == kind for sample in entry["samples"]]
        told = {sample.get(side) for sample in samples for side in ("path", "other")} - {None}
        meant = {row[side] for row in planted[kind] for side in ("path", "related_path")} - {""}
        false = [
            sample
            for sample in samples
            if not {sample["path"], sample.get("other")} & meant
            and not (kind == "exact_duplicate" and {sample["path"], sample.get("other")} <= faulty)
        ]
        hits = sum(row["path"] in told or row["related_path"] in told for row in planted[kind])
        counts[kind] = {"right": hits, "false": len(false), "missed": len(planted[kind]) - hits}
    ranked = [sample for entry in found if entry["kind"] == "mislabelled" for sample in entry["samples"]]
    wrong = {row["path"] for row in planted.get("mislabelled", ())}
    return {"kinds": counts, "label_ap": average_precision([sample["path"] in wrong for sample in ranked], len(wrong))}


def average_precision(right: list[bool], total: int) -> float | None:
    """Mean over all that should be found of the precision at its place; None where nothing was ranked."""
    if not right or not total:
        return None
    hits, sum_ = 0, 0.0
    for place, good in enumerate(right, start=1):
        hits += good
        sum_ += good * hits / place
    return round(sum_ / total, 4)


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    pooled, each = [], []
    for (machine, version, name), group in by_machine(rows, "set").items():
        total: dict[str, Counter[str]] = {}
        for row in group:
            for kind, counts in row["result"]["kinds"].items():
                total.setdefault(kind, Counter()).update(counts)
        for title, (words, least) in GROUPS.items():
            here = sum((total[kind] for kind in words.split() if kind in total), Counter())
            precision, recall = _rates(here)
            kept = verdict(min(precision, recall) >= least, f">= {least:.2f}")
            pooled.append([machine, version, name, len(group), title, percent(precision), percent(recall), kept])
        for kind, here in total.items():
            shown = [here[k] for k in ("right", "false", "missed")]
            each.append([name, kind, *shown, *(percent(v) for v in _rates(here))])
        aps = [row["result"]["label_ap"] for row in group if row["result"]["label_ap"] is not None]
        if aps:
            kept = verdict(min(aps) >= 0.8, "average precision >= 0.80")
            shown = " / ".join(f"{v:.3f}" for v in aps)
            pooled.append([machine, version, name, len(aps), "wrong labels", shown, "", kept])
        took = " / ".join(seconds(row["result"]["seconds"]) for row in group)
        pooled.append([machine, version, name, len(group), f"{group[-1]['result']['files']:,} files", took, "", ""])
    heads = ["machine", "goodfit", "set", "n (sets)", "group", "precision", "recall", "must"]
    return (
        "`goodfit audit` with a pretrained MobileNetV2 for the labels. The shared set of flowers, and sets made by "
        "`benchmarks/_planted.py` from photographs of ants and bees with other faults; these were not screened before, "
        "so a natural fault counts as a false alarm.\n\n"
        + table(heads, pooled)
        + "\n\n"
        + table(["set", "kind", "right", "false", "missed", "precision", "recall"], each)
    )


def _rates(counts: Counter[str]) -> tuple[float, float]:
    """(precision, recall)."""
    told, there = counts["right"] + counts["false"], counts["right"] + counts["missed"]
    return counts["right"] / max(1, told), counts["right"] / max(1, there)


if __name__ == "__main__":
    main()
