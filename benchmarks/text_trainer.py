"""Reviews a second: our engine against a bare loop over the same batches, and against the Hugging Face Trainer.

All three fine-tune the same weights with the same batch, length cap, precision and optimiser on the same IMDb reviews,
in one process, in turns. The bare loop takes our batches and keeps no figures; the Trainer pads each random batch to
its longest review, as it does by default, and its clock runs from its first step to its last. Each turn of ours and of
the Trainer is one pass from the same pretrained weights, its rate falling to 0, and the accuracy of both on the same
held-out reviews stands beside the speed. Speeds want the machine alone; with `--busy` accuracies alone are kept.
"""

from __future__ import annotations

import copy
import tempfile
import time
from typing import Any

import numpy as np
from _rows import Row, book, parser
from _tables import by_machine, grouped, judged, percent, spread, table, values, verdict
from texts import minilm, texts

TITLE = "Speed on texts"
MUST_ENGINE, MUST_TRAINER = 0.95, 1.2
HELD_OUT = 2000  # of the test part
BOOTSTRAPS = 2000
_RIGHT = ("ours_right", "trainer_right")
LR = 1e-4  # as goodfit plans for this width
BARE_STEPS = 24  # enough for a rate
PARTS = 8  # into which our loader cuts a batch


def main() -> None:
    """Measure."""
    flags = parser("text_trainer", __doc__)
    flags.add_argument("--pairs", type=int, default=3, help="how often the sides take turns")
    flags.add_argument("--steps", type=int, default=48, help="of each turn")
    flags.add_argument("--batch", type=int, default=32)
    flags.add_argument("--length", type=int, default=256, help="longest input in tokens")
    flags.add_argument("--busy", action="store_true", help="the machine has other work: keep accuracies, not speeds")
    asked = flags.parse_args()
    if asked.smoke:
        asked.pairs, asked.steps, asked.batch, asked.length = 1, 2, 4, 32
    rows = book("text_trainer", asked)
    form = {"batch": asked.batch, "length": asked.length, "steps": asked.steps, "busy": asked.busy, "held": HELD_OUT}
    form["parts"] = PARTS
    trials = [{**form, "pair": pair} for pair in range(asked.pairs)]
    if all(rows.done(trial) for trial in trials):
        return
    race = _Race(asked.batch, asked.length, asked.steps, asked.smoke)
    assert asked.smoke or race.training.parts == PARTS
    for trial in trials:
        rows.measure(trial, lambda trial=trial: race.pair(trial["pair"], speeds=not asked.busy))


class _Race:
    """The three sides, warmed up."""

    def __init__(self, batch: int, length: int, steps: int, smoke: bool) -> None:
        from goodfit.core.asking import asked_recipe
        from goodfit.core.telling import silent
        from goodfit.engine import probe
        from goodfit.engine.engine import Engine
        from goodfit.workflow.prepare import prepare

        keys = [f"model.weights={minilm()}", f"model.size={length}", f"train.batch_size={batch}", f"train.lr={LR}"]
        keys += ["train.schedule=linear", "train.warmup=0", "train.layer_decay=1", "data.limit=6000"]
        asked = asked_recipe(str(texts("imdb")), keys, seed=0)
        self.data = prepare(asked, silent)
        self.recipe, _ = self.data.task.settle(asked, self.data.schema, self.data.counts)
        start = Engine.start(self.recipe.engine)
        trial = self.data.task.trial(self.recipe, self.data.schema, 4 if smoke else 16)
        self.engine = probe.choose(trial, start, key="bench", fresh=True).engine(start)
        drawn = np.random.default_rng(0).permutation(self.data.split.train)  # a turn is one whole pass over them
        self.positions, self.steps, self.batch, self.length = drawn[: steps * batch], steps, batch, length
        judges = self.data.split.test.open(lambda: None)  # the row is the record; nothing is chosen by it
        held = np.random.default_rng(0).permutation(judges)[: 8 if smoke else HELD_OUT]
        self.training = self.data.task.loader(self.data.dataset, self.positions, self.recipe, self.engine, True)
        self.held = self.data.task.loader(self.data.dataset, held, self.recipe, self.engine, False)
        self.ours = self.data.task.learner(self.recipe, self.data.schema, self.engine, self.training)
        self.bare = copy.deepcopy(self.ours.net)
        self.theirs = copy.deepcopy(self.ours.net)
        self.turn = 0
        self.optimizer = _adamw(self.bare)
        self.start = copy.deepcopy(self.theirs.state_dict())
        self.ours_rate(2), self.bare_rate(2), self.their_rate(2)

    def pair(self, number: int, speeds: bool = True) -> dict[str, Any]:
        """One turn of each side, from the same weights and the same fresh head."""
        import torch

        self.turn = number
        torch.manual_seed(number)
        head = {k: 0.02 * torch.randn_like(v) for k, v in self.start.items() if k == "head.weight"}
        for net in (self.ours.net, self.theirs):
            net.load_state_dict({**self.start, **head})
        self.training.seed = number
        ours = self.ours_rate(self.steps)
        bare = self.bare_rate(self.steps) if speeds else 1.0
        theirs = self.their_rate(self.steps)
        measured = {
            "ours": round(ours, 2),
            "bare": round(bare, 2),
            "trainer": round(theirs, 2),
            "to_bare": round(ours / bare, 4),
            "to_trainer": round(ours / theirs, 4),
        }
        return (measured if speeds else {}) | {
            "padded": round(self.training.padded_share(), 4),
            **self.right("ours", self.ours.net),
            **self.right("trainer", self.theirs),
            "precision": self.engine.precision,
            "reviews": self.steps * self.batch,
            "held": len(self.held.positions),
        }

    def ours_rate(self, steps: int) -> float:
        """Reviews a second of our learner over so many steps."""
        passes = steps * self.training.parts / self.training.steps_per_epoch
        train = self.recipe.train.model_copy(update={"epochs": passes})
        self.ours.train = train
        began = time.perf_counter()
        for _ in self.ours.fit(self.training, dict, None, lambda: False):
            pass
        return steps * self.batch / (time.perf_counter() - began)

    def bare_rate(self, steps: int) -> float:
        """Reviews a second of the plainest loop over the same batches."""
        import torch.nn.functional as F

        self.bare.train()
        steps, parts = min(steps, BARE_STEPS), self.training.parts
        began = time.perf_counter()
        for taken, batch in enumerate(self.training.epoch(0), 1):
            with self.engine.autocast():
                outputs = self.bare(batch.inputs)
                loss = F.cross_entropy(outputs.float(), batch.target.long())
            (loss / parts).backward()
            if taken % parts:
                continue
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            if taken == steps * parts:
                break
        return steps * self.batch / (time.perf_counter() - began)

    def their_rate(self, steps: int) -> float:
        """Reviews a second of the Trainer, from the start of `train` to its end."""
        import torch
        from transformers import Trainer, TrainerCallback, TrainingArguments

        clock: list[float] = []

        class Clock(TrainerCallback):
            def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
                clock.append(time.perf_counter())

            def on_train_end(self, *args: Any, **kwargs: Any) -> None:
                clock.append(time.perf_counter())

        class Wrapped(torch.nn.Module):
            def __init__(self, net: Any) -> None:
                super().__init__()
                self.net = net

            def forward(self, input_ids: Any, attention_mask: Any, labels: Any) -> dict[str, Any]:
                outputs = self.net({"ids": input_ids, "mask": attention_mask.bool()}).float()
                return {"loss": torch.nn.functional.cross_entropy(outputs, labels), "logits": outputs}

        with tempfile.TemporaryDirectory() as made:
            given = TrainingArguments(
                output_dir=made,
                per_device_train_batch_size=self.batch,
                max_steps=steps,
                learning_rate=LR,
                lr_scheduler_type="linear",
                weight_decay=0.01,
                max_grad_norm=0.0,
                logging_strategy="no",
                save_strategy="no",
                report_to=[],
                use_cpu=self.engine.kind == "cpu",
                bf16=self.engine.precision == "bf16",
                disable_tqdm=True,
                seed=self.turn,
                optim="adamw_torch_fused",
            )
            rows = _Reviews(self.data, self.positions, self.training.tokens, self.length)
            net = Wrapped(self.theirs)
            trainer = Trainer(net, given, self._collate, rows, callbacks=[Clock()])
            trainer.train()
            return steps * self.batch / (clock[1] - clock[0])

    def _collate(self, rows: list[tuple[Any, int]]) -> dict[str, Any]:
        """A batch padded to its longest review, as the Trainer's own collator does."""
        import torch

        wide = max(len(ids) for ids, _ in rows)
        ids = torch.full((len(rows), wide), self.training.pad, dtype=torch.long)
        mask = torch.zeros(len(rows), wide, dtype=torch.long)
        for k, (row, _) in enumerate(rows):
            ids[k, : len(row)] = torch.from_numpy(row)
            mask[k, : len(row)] = 1
        return {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([label for _, label in rows])}

    def right(self, name: str, net: Any) -> dict[str, Any]:
        """Share of the held-out reviews that a network answers rightly, and which, as hex of their bits."""
        import torch

        net.eval()
        right: list[bool] = []
        with torch.inference_mode(), self.engine.autocast():
            for batch in self.held.epoch(0):
                right += (net(batch.inputs).argmax(1) == batch.target).tolist()
        return {
            f"{name}_accuracy": round(sum(right) / len(right), 4),
            f"{name}_right": np.packbits(right).tobytes().hex(),
        }


class _Reviews:
    """What the Trainer's own loader takes: (token numbers, label) of each training review."""

    def __init__(self, data: Any, positions: Any, tokens: Any, most: int) -> None:
        self.data, self.positions, self.tokens, self.most = data, positions, tokens, most

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, i: int) -> tuple[Any, int]:
        place = int(self.positions[i])
        return self.tokens.cut(place, self.most), int(self.data.dataset.index.target[place])


def _adamw(net: Any) -> Any:
    import torch

    kinds = [[p for p in net.parameters() if (p.ndim >= 2) == decayed] for decayed in (True, False)]
    groups = [{"params": kinds[0], "weight_decay": 0.01}, {"params": kinds[1], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=LR, fused=True)


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    for row in rows:
        row["trial"].setdefault("parts", 1)  # batches of like length, before they were cut
    speeds = [row for row in rows if "to_bare" in row["result"]]
    lines = []
    kinds = by_machine(speeds, "batch", "length", "steps", "parts")
    for (machine, version, batch, length, steps, parts), group in kinds.items():
        bare, trainer = values(group, "to_bare"), values(group, "to_trainer")
        lines.append(
            [machine, version, batch, length, steps, _batches(parts), group[-1]["result"]["precision"], len(group)]
            + [spread(values(group, name)) for name in ("ours", "bare", "trainer")]
            + [spread(bare), spread(trainer), percent(group[-1]["result"]["padded"])]
            + [verdict(judged(bare, MUST_ENGINE), ">= 0.95"), verdict(judged(trainer, MUST_TRAINER), ">= 1.2")]
        )
    heads = ["machine", "goodfit", "batch", "tokens", "steps", "batches", "precision", "n", "ours", "bare loop"]
    heads += ["HF Trainer", "ours / bare", "ours / Trainer", "padding", "must", "must"]
    exact = []
    for (machine, version, batch, length, parts), group in by_machine(rows, "batch", "length", "parts").items():
        most = max(row["result"]["reviews"] for row in group)  # after fewer the accuracies still move by points
        last = [row for row in group if row["result"]["reviews"] == most]
        for here in grouped(last, lambda row: row["result"].get("held")).values():
            ours, theirs = values(here, "ours_accuracy"), values(here, "trainer_accuracy")
            shown = [" / ".join(percent(v) for v in found) for found in (ours, theirs)]
            said, kept = f"{100 * (sum(ours) - sum(theirs)) / len(here):+.2f} points", None
            if "held" in here[0]["result"]:
                mean, low, high = _apart(here)
                said, kept = f"{100 * mean:+.2f} points [{100 * low:+.2f}, {100 * high:+.2f}]", low <= 0 <= high
            judges = here[0]["result"].get("held", 978)
            exact.append(
                [machine, version, batch, length, _batches(parts), f"{most:,}", f"{judges:,}", len(here), *shown, said]
            )
            exact[-1].append(verdict(kept, "within noise"))
    names = [
        "machine",
        "goodfit",
        "batch",
        "tokens",
        "batches",
        "reviews",
        "judged by",
        "n",
        "accuracy ours",
        "accuracy HF Trainer",
    ]
    names += ["mean difference, 95 % interval (pairs and reviews drawn anew)", "must"]
    return (
        "MiniLM-L6 on IMDb, reviews a second of training.\n\n"
        + table(heads, lines)
        + "\n\nOne pass over so many reviews, judged by others.\n\n"
        + table(names, exact)
    )


def _batches(parts: int) -> str:
    """How our batches were made."""
    return f"random, in {parts} parts" if parts > 1 else "of like length"


def _apart(rows: list[Row]) -> tuple[float, float, float]:
    """Mean difference in accuracy with its 95 % interval, by bootstrap over the pairs and over the reviews."""
    held = [[np.frombuffer(bytes.fromhex(r["result"][n]), np.uint8) for r in rows] for n in _RIGHT]
    ours, theirs = (np.unpackbits(np.stack(side), axis=1).astype(float) for side in held)
    apart = ours - theirs
    apart = apart[:, : rows[0]["result"]["held"]]
    rng = np.random.default_rng(0)
    pairs, reviews = apart.shape
    draws = [
        apart[rng.integers(0, pairs, pairs)][:, rng.integers(0, reviews, reviews)].mean() for _ in range(BOOTSTRAPS)
    ]
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(apart.mean()), float(low), float(high)


if __name__ == "__main__":
    main()
