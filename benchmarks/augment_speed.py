"""Augmentation against torchvision v2 and kornia: pictures a second, an operation and whole policies, in turns.

Every tool gets decoded uint8 batches and gives normalised float batches, in the layout that it works in: channels last
for ours, planes for the others. One process, the
same threads, the same allocator.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import _augment_rivals as rivals
from _rows import Row, book, parser
from _tables import by_machine, judged, spread, table, values, verdict

TITLE = "Speed of augmentation"
MUST, GOAL = 1.0, 3.0
WARM = 0.5  # seconds of calls before the clock
LEAST, MOST = 0.1, 5  # seconds of ours in a turn; calls
SHAPES = {32: 512, 224: 32}  # side -> pictures of a batch
STILL: Mapping[str, Any] = {"flip": False, "flip_alternate": False, "crop_pad": 0, "scale": None, "test_time": "none"}
JITTER = {"brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "hue": 0.02}
WORKS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "flip": {"flip": True},
    "flip_vertical": {"flip_vertical": True},
    "quarter_turns": {"quarter_turns": True},
    "crop_pad": {"crop_pad": 1 / 8},
    "scale": {"scale": (0.35, 1.0)},
    "rotate": {"rotate": 10.0},
    "zoom": {"zoom": 0.1},
    "translate": {"translate": 0.1},
    "shear": {"shear": 8.0},
    "colour": JITTER,
    "grey": {"grey": 0.2},
    "blur": {"blur": 0.015},
    "noise": {"noise": 0.05},
    "erase_area": {"erase_area": 0.2},
    "crop+flip": {"crop_pad": 1 / 8, "flip": True},
    "jitter": {"rotate": 15.0, "zoom": 0.2, **JITTER, "erase_area": 0.2},
    "trivial": {"policy": "trivial"},
}
POLICIES = ("crop+flip", "jitter", "trivial")


def main() -> None:
    """Measure."""
    flags = parser("augment_speed", __doc__)
    flags.add_argument("--pairs", type=int, default=5, help="how often the tools take turns")
    flags.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    flags.add_argument("--works", nargs="+", choices=list(WORKS), default=list(WORKS))
    asked = flags.parse_args()
    if asked.smoke:
        asked.pairs, asked.threads = 1, [1]
    from goodfit.engine.allocator import tune

    tune()
    rows = book("augment_speed", asked)
    for threads in asked.threads:
        for side, batch in SHAPES.items():
            for work in asked.works:
                form = {"work": work, "side": side, "batch": batch, "threads": threads}
                trials = [{**form, "pair": pair} for pair in range(asked.pairs)]
                if not all(rows.done(trial) for trial in trials):
                    race = _race(work, side, batch, threads)
                    least = 0.0 if asked.smoke else LEAST
                    for trial in trials:
                        rows.measure(trial, partial(_pair, race, batch, threads, least))


def _race(work: str, side: int, batch: int, threads: int) -> dict[str, Callable[[], Any]]:
    """Each tool with its batch, warmed up."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    pictures = torch.randint(0, 256, (batch, side, side, 3), dtype=torch.uint8)
    planes = pictures.permute(0, 3, 1, 2).contiguous()
    try:
        each, whole = rivals.torchvision(work, side) if work != "quarter_turns" else (None, None)
        kornia = rivals.kornia(work, side)
    except ImportError as error:
        raise SystemExit(f"{error}; `pip install torchvision kornia` into the Python that runs this script") from None
    found = {"ours": _ours(work, side, pictures.numpy()), "torchvision": each, "batched": whole, "kornia": kornia}
    race = {name: (lambda run=run: run(planes)) for name, run in found.items() if run is not None and name != "ours"}
    race = {"ours": found["ours"], **race}  # type: ignore[dict-item]
    for name, run in race.items():
        began = time.perf_counter()
        seen = run()
        while time.perf_counter() - began < WARM:  # libraries compile kernels for shapes that they meet first
            run()
        assert tuple(seen.shape) == (batch, 3, side, side), (work, name, seen.shape)
    return race  # type: ignore[return-value]


def _ours(work: str, side: int, pictures: Any) -> Callable[[], Any]:
    import numpy as np

    from goodfit.augment.images import ImagePreparer
    from goodfit.augment.options import ImageAugment
    from goodfit.data.loader import Moment
    from goodfit.data.preprocess import Preprocess

    options = {**STILL, **WORKS[work]}
    options["crop_pad"] = round(options["crop_pad"] * side)
    plain = Preprocess(size=side, mean=rivals.MEAN, std=rivals.STD)
    prepare = ImagePreparer(options=ImageAugment(**options), plain=plain, seed=0, classes=10)  # channels last
    places, target = np.arange(len(pictures)), np.zeros(len(pictures), np.int64)
    epoch = iter(range(1 << 30))

    def run() -> Any:
        moment = Moment(epoch=next(epoch), places=places, positions=places, size=0, training=True)
        return prepare(pictures, target, moment)[0]

    return run


def _pair(race: Mapping[str, Callable[[], Any]], batch: int, threads: int, least: float) -> dict[str, Any]:
    """Calls in turns until ours took `least` seconds, or MOST calls; ratios to the faster of those that draw a sample.

    Other work on the machine comes and goes within tens of milliseconds, so the tools take turns call by call. With one
    thread the processor time of the process counts, which leaves out what others took; with more, the wall clock.
    """
    clock = time.process_time if threads == 1 else time.perf_counter
    took: dict[str, list[float]] = {name: [] for name in race}
    while not took["ours"] or (sum(took["ours"]) < least and len(took["ours"]) < MOST):
        for name, run in race.items():
            began = clock()
            run()
            took[name].append(clock() - began)
    rates = {name: batch / statistics.median(times) for name, times in took.items()}
    rival = max(rates[name] for name in ("torchvision", "kornia") if name in rates)
    return {**{f"{name}_img_s": round(rate) for name, rate in rates.items()}, "ratio": rates["ours"] / rival}


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    lines = []
    groups = by_machine(rows, "threads", "side", "batch", "work")
    for (machine, version, threads, side, batch, work), group in groups.items():
        ratio, whole = values(group, "ratio"), "{:,.0f}".format
        promise = verdict(judged(ratio, MUST), "not slower")
        goal = verdict(judged(ratio, GOAL), "3x") if work == "jitter" else "-"
        name = f"**{work}**" if work in POLICIES else work
        rates = [spread(values(group, f"{tool}_img_s"), whole) for tool in ("ours", "torchvision", "kornia", "batched")]
        lines.append([machine, version, f"{batch} x {side} px, {threads} thr.", name, len(group), *rates])
        lines[-1] += [spread(ratio), promise, goal]
    heads = ["machine", "goodfit", "batch", "work", "pairs", "ours img/s", "torchvision img/s", "kornia img/s"]
    heads += ["torchvision, same for the batch", "ratio of pairs", "must", "goal"]
    return (
        "Pictures a second from decoded uint8 batches to normalised float batches, in turns in one process; by "
        "processor time with one thread, by the wall clock with two. Each "
        "sample has random parameters of its own: torchvision v2 goes picture by picture for that, kornia takes the "
        "batch (its TrivialAugment picture by picture). torchvision on a whole batch gives all of it the same "
        "parameters, which is another thing; it is shown, not judged. *jitter* is rotation, zoom, brightness, "
        "contrast, saturation, hue and a blanked rectangle. The ratio is to the faster of the two. Median [range].\n\n"
        + table([*heads], lines)
    )


if __name__ == "__main__":
    main()
