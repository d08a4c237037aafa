"""Our training engine against a bare PyTorch loop: the same net, layout, precision, optimiser and decoded pictures.

Both run in one process with the same threads and allocator, in turns A B A B. The bare loop is the plainest that does
the work: take rows of a uint8 tensor, normalise, forward, loss, backward, fused step; it keeps no figures at all.
"""

from __future__ import annotations

import copy

from _data import cifar_subset
from _rows import Row, book, parser
from _tables import by_machine, judged, spread, table, values, verdict

TITLE = "Speed of the engine"
MUST, GOAL = 0.95, 0.98
AUGMENTS = {
    "none": ["augment.flip=false", "augment.crop_pad=0"],
    "ours_only": ["augment.flip=true", "augment.crop_pad=2"],
}


def main() -> None:
    """Measure."""
    flags = parser("engine_speed", __doc__)
    flags.add_argument("--pairs", type=int, default=4, help="how often A and B take turns")
    flags.add_argument("--steps", type=int, default=40)
    flags.add_argument("--batch", type=int, default=500)
    flags.add_argument("--model", default="small_m")
    flags.add_argument("--optimizers", nargs="+", choices=["sgd", "muon"], default=["sgd"])
    asked = flags.parse_args()
    if asked.smoke:
        asked.pairs, asked.steps, asked.batch, asked.model = 1, 3, 64, "small_xs"
    rows = book("engine_speed", asked)
    for optimizer in asked.optimizers:
        for augment in AUGMENTS:
            trials = [
                {"model": asked.model, "batch": asked.batch, "steps": asked.steps, "optimizer": optimizer}
                | {"augment": augment, "pair": pair}
                for pair in range(asked.pairs)
            ]
            if all(rows.done(t) for t in trials):
                continue
            race = _Race(asked.smoke, asked.model, asked.batch, asked.steps, optimizer, augment)
            for trial in trials:
                rows.measure(trial, race.pair)


class _Race:
    """Both sides, warmed up.

    Args:
        smoke: on few pictures.
        model: rung of ours.
        batch: pictures a step.
        steps: of each turn.
        optimizer: of both.
        augment: key of AUGMENTS; the bare loop never augments.
    """

    def __init__(self, smoke: bool, model: str, batch: int, steps: int, optimizer: str, augment: str) -> None:
        import torch
        from _engine import bench

        from goodfit.engine.engine import Engine
        from goodfit.train.optim import build_optimizer, roles_of

        words = [f"model.name={model}", f"train.batch_size={batch}", f"train.optimizer={optimizer}"]
        words += ["train.schedule=constant", "train.warmup=0", "train.lr=0.01", *AUGMENTS[augment]]
        self.bench = bench(cifar_subset(30, 20) if smoke else cifar_subset(), words)
        self.steps, self.batch = steps, batch
        self.engine = self.bench.chosen(Engine.start(self.bench.recipe.engine))
        self.ours = self.bench.learner(self.engine)
        self.net = self.engine.place(copy.deepcopy(self.ours.net))
        train = self.bench.recipe.train
        if optimizer == "sgd":
            kinds = [[p for p in self.net.parameters() if p.requires_grad and (p.ndim > 1) == d] for d in (True, False)]
            groups = [{"params": kinds[0], "weight_decay": float(train.weight_decay)}, {"params": kinds[1]}]
            momentum = float(train.momentum)
            self.optimizers = [torch.optim.SGD(groups, lr=0.01, momentum=momentum, nesterov=True, fused=True)]
        else:  # the same Muon; what is compared is the loop around it
            dtype = torch.bfloat16 if self.engine.precision == "bf16" else torch.float32
            parts = build_optimizer(roles_of(self.net), train, batch_size=batch, own=True, fast_dtype=dtype).parts
            self.optimizers = list(parts)
        self.x, self.y = self._pictures()
        self.pair(warm_up=True)

    def pair(self, warm_up: bool = False) -> dict[str, object]:
        """One turn of each side."""
        return self.bench.turn(self.engine, self.ours, self._bare, 3 if warm_up else self.steps)

    def _pictures(self) -> tuple[object, object]:
        """(N, H, W, 3) uint8 and (N,), decoded before the clock starts."""
        import numpy as np
        import torch

        data, positions = self.bench.data, self.bench.positions
        pictures = torch.from_numpy(np.stack([data.dataset[int(i)] for i in positions]))
        return pictures, torch.from_numpy(np.ascontiguousarray(data.dataset.index.target[positions]))

    def _bare(self, steps: int) -> float:
        import torch
        import torch.nn.functional as F
        from _engine import bare_rate

        from goodfit.train.optim import roles_of
        from goodfit.train.schedule import STEM_SHARE

        side = int(self.bench.recipe.model.size)
        assert self.x.shape[1] == side  # type: ignore[attr-defined]
        smoothing = float(self.bench.recipe.train.label_smoothing)
        mean = torch.tensor([127.5, 127.5, 127.5]).view(1, 3, 1, 1)
        scale = 1 / torch.tensor([63.75, 63.75, 63.75]).view(1, 3, 1, 1)
        dtype, form = self.engine.dtype, self.engine.memory_format
        self.net.train()
        stem = roles_of(self.net).get("stem_bias", ())

        def take(chosen: torch.Tensor, step: int) -> None:
            for p in stem:  # freezes when ours does, so that both do the same work
                p.requires_grad_(step < STEM_SHARE * steps)
            x = self.x[chosen].permute(0, 3, 1, 2).to(torch.float32).sub_(mean).mul_(scale)  # type: ignore[index]
            x = x.to(dtype).contiguous(memory_format=form)
            with self.engine.autocast():
                outputs = self.net(x)
            F.cross_entropy(outputs.float(), self.y[chosen], label_smoothing=smoothing).backward()  # type: ignore[index]
            for optimizer in self.optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)

        return bare_rate(len(self.x), self.batch, steps, take)  # type: ignore[arg-type]


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    lines = []
    keys = ("model", "batch", "optimizer", "augment")
    for (machine, version, model, batch, optimizer, augment), group in by_machine(rows, *keys).items():
        ratio, whole = values(group, "ratio"), "{:,.0f}".format
        form = ", ".join(sorted({f"{r['result']['precision']} {r['result']['layout']}" for r in group}))
        both = "neither augments" if augment == "none" else "ours crops and flips, the bare loop does nothing"
        said = verdict(judged(ratio, MUST), ">= 0.95") if augment == "none" else "-"
        lines.append(
            [machine, version, f"{model}, batch {batch}, {optimizer}", form, both, len(group)]
            + [
                spread(values(group, "ours_img_s"), whole),
                spread(values(group, "bare_img_s"), whole),
                spread(ratio),
                said,
            ]
        )
    heads = [
        "machine",
        "goodfit",
        "work",
        "form",
        "augmentation",
        "pairs",
        "ours img/s",
        "bare img/s",
        "ratio of pairs",
    ]
    return (
        "Images a second of the engine (cache, loader, loop, records, finiteness checks) against a bare PyTorch loop "
        "with the same net, layout, precision, threads, allocator and optimiser on the same decoded CIFAR-10 pictures, "
        "in turns. Median [range].\n\n" + table([*heads, "must (goal 0.98)"], lines)
    )


if __name__ == "__main__":
    main()
