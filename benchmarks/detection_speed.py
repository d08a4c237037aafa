"""Our training engine on pictures with boxes against a bare PyTorch loop: same detector, loss, optimiser, precision.

Both run in one process in turns A B A B. The bare loop takes rows of a uint8 tensor that holds the pictures resized
already, and their boxes as a tensor: normalise, forward, loss, backward, step; no figures are kept. Neither augments.
"""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import numpy as np
from _rows import Row, book, parser
from _tables import by_machine, judged, spread, table, values, verdict
from detection import DATA, place

TITLE = "Speed of the engine on boxes"
MUST = 0.95
PLAIN = ["flip=false", "zoom=null", "stretch=0", "translate=0", "brightness=0", "contrast=0", "saturation=0", "hue=0"]


def main() -> None:
    """Measure."""
    flags = parser("detection_speed", __doc__)
    flags.add_argument("--data", choices=list(DATA), default="bccd_voc")
    flags.add_argument("--pairs", type=int, default=4, help="how often A and B take turns")
    flags.add_argument("--steps", type=int, default=20)
    flags.add_argument("--batch", type=int, default=8)
    flags.add_argument("--models", nargs="+", default=["det_xs", "det_s"])
    asked = flags.parse_args()
    if asked.smoke:
        asked.pairs, asked.steps, asked.batch, asked.models = 1, 2, 2, ["det_xs"]
    rows = book("detection_speed", asked)
    for model in asked.models:
        form = {"data": asked.data, "model": model, "batch": asked.batch, "steps": asked.steps}
        trials = [{**form, "pair": pair} for pair in range(asked.pairs)]
        if all(rows.done(trial) for trial in trials):
            continue
        race = _Race(asked.data, model, asked.batch, asked.steps)
        for trial in trials:
            rows.measure(trial, race.pair)


class _Race:
    """Both sides, warmed up."""

    def __init__(self, name: str, model: str, batch: int, steps: int) -> None:
        import torch
        from _engine import bench

        from goodfit.engine.engine import Engine
        from goodfit.train.optim import build_optimizer, roles_of

        words = [f"model.name={model}", f"train.batch_size={batch}", "train.schedule=constant", "train.warmup=0"]
        self.bench = bench(place(name), [*words, *(f"augment.{word}" for word in PLAIN)])
        self.steps, self.batch = steps, batch
        self.engine = self.bench.chosen(Engine.start(self.bench.recipe.engine))
        self.ours = self.bench.learner(self.engine)
        self.net = self.engine.place(copy.deepcopy(self.ours.net))
        train = self.bench.recipe.train
        dtype = torch.bfloat16 if self.engine.precision == "bf16" else torch.float32
        roles = roles_of(self.net, self.net.head.outs)
        self.optimizers = build_optimizer(roles, train, batch_size=batch, fast_dtype=dtype).parts
        self.clip = float(train.clip)
        self.x, self.y = self._samples()
        self.pair(warm_up=True)

    def pair(self, warm_up: bool = False) -> dict[str, Any]:
        """One turn of each side."""
        found = self.bench.turn(self.engine, self.ours, self._bare, 3 if warm_up else self.steps)
        return {**found, "side": int(self.bench.recipe.model.size)}

    def _samples(self) -> tuple[Any, Any]:
        """(N, S, S, 3) uint8 pictures and (N, M, 6) boxes in their pixels, made before the clock starts."""
        import torch
        from PIL import Image

        data, side = self.bench.data.dataset, int(self.bench.recipe.model.size)
        pictures, boxes = [], []
        for position in self.bench.positions:
            picture = data[int(position)]
            pictures.append(np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR)))
            rows = np.array(data.index.target[int(position)], dtype=np.float32)
            height, width = picture.shape[:2]
            rows[rows[:, 0] >= 0, 1:5] *= np.array([side / width, side / height] * 2, dtype=np.float32)
            boxes.append(rows)
        return torch.from_numpy(np.stack(pictures)), torch.from_numpy(np.stack(boxes))

    def _bare(self, steps: int) -> float:
        import torch
        from _engine import bare_rate

        from goodfit.models.detector import points, side_of
        from goodfit.train.box_losses import detection_loss

        loss_of = partial(detection_loss, points=lambda count, device: points(side_of(count), device))
        dtype, form = self.engine.dtype, self.engine.memory_format
        params = list(self.net.parameters())
        self.net.train()

        def take(chosen: Any, step: int) -> None:
            x = self.x[chosen].permute(0, 3, 1, 2).to(torch.float32).sub_(127.5).mul_(1 / 63.75)
            x = x.to(dtype).contiguous(memory_format=form)
            y = self.y[chosen]
            y = y[:, : int((y[..., 0] >= 0).sum(1).max())]
            with self.engine.autocast():
                outputs = self.net(x)
            loss_of(outputs, y).mean().backward()
            torch.nn.utils.clip_grad_norm_(params, self.clip, foreach=True)
            for optimizer in self.optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)

        return bare_rate(len(self.x), self.batch, steps, take)


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    lines = []
    for (machine, version, data, model, batch), group in by_machine(rows, "data", "model", "batch").items():
        ratio, form = values(group, "ratio"), "{:,.1f}".format
        last = group[-1]["result"]
        lines.append(
            [machine, version, data, f"{model}, batch {batch}, {last['side']} px"]
            + [f"{last['precision']} {last['layout']}", len(group), spread(values(group, "ours_img_s"), form)]
            + [spread(values(group, "bare_img_s"), form), spread(ratio), verdict(judged(ratio, MUST), ">= 0.95")]
        )
    heads = ["machine", "goodfit", "data", "work", "form", "pairs", "ours img/s", "bare img/s", "ratio of pairs"]
    return (
        "Images a second of training a detector: the engine (decoded cache, resizing, loop, records, finiteness "
        "checks) against a bare loop over pictures that were resized before. Median [range].\n\n"
        + table([*heads, "must"], lines)
    )


if __name__ == "__main__":
    main()
