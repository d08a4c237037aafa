"""ResNet-18 on CIFAR-10: the DataLoader script that a user would write, against our engine as its probe chooses.

Each turn is a process of its own, so that neither side gains from what the other set. The script: torchvision's
ResNet-18 with a 3x3 stem and no max-pooling, ImageFolder, two workers, PIL decoding in every epoch, random crop and
flip, SGD with Nesterov momentum, one-cycle over 30 epochs, batch 128, fp32.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from _data import cifar_subset, folder
from _rows import ROWS, Row, book, call, last_json, parser, read
from _tables import by_machine, judged, machine_has_bf16, seconds, spread, table, values, verdict

TITLE = "ResNet-18: a user's script against ours"
EPOCHS, PICTURES, TESTED = 30, 50_000, 10_000
FORWARD_SHARE = 1 / 3  # of a training step's work: one pass of three


def main() -> None:
    """Measure, or play one side."""
    if "--side" in sys.argv:
        side, data, steps, batch = sys.argv[2:6]
        print(json.dumps(SIDES[side](Path(data), int(steps), int(batch))))
        return
    flags = parser("resnet18_script", __doc__)
    flags.add_argument("--pairs", type=int, default=4, help="how often the sides take turns")
    flags.add_argument("--steps", type=int, default=30, help="timed steps of each turn, behind three of warm-up")
    asked = flags.parse_args()
    steps, batch, pairs = (2, 8, 1) if asked.smoke else (asked.steps, 128, asked.pairs)
    rows = book("resnet18_script", asked)
    for pair in range(pairs):
        trial = {"steps": steps, "batch": batch, "pair": pair}
        rows.measure(trial, lambda: _pair(cifar_subset(30, 20) if asked.smoke else folder("cifar10"), steps, batch))


def _pair(data: Path, steps: int, batch: int) -> dict[str, Any]:
    said = {}
    for side in SIDES:
        words = [sys.executable, __file__, "--side", side, str(data), str(steps), str(batch)]
        said[side] = last_json(call(words)[0])
    ours, script = said["ours"], said["script"]
    epoch = PICTURES / script["img_s"] + FORWARD_SHARE * TESTED / script["img_s"]
    return {
        "script_img_s": script["img_s"],
        "ours_img_s": ours["img_s"],
        "ratio": round(ours["img_s"] / script["img_s"], 4),
        "precision": ours["precision"],
        "layout": ours["layout"],
        "script_epoch_s": round(epoch, 1),
        "script_30_epochs_s": round(EPOCHS * epoch),
        "extrapolated": ["script_epoch_s", "script_30_epochs_s"],
    }


def adapted_resnet18(classes: int = 10) -> Any:
    """torchvision's ResNet-18 as people adapt it to 32 pixels."""
    from torch import nn
    from torchvision.models import resnet18

    net = resnet18(num_classes=classes)
    net.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    net.maxpool = nn.Identity()
    return net


def _script(data: Path, steps: int, batch: int) -> dict[str, Any]:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    torch.manual_seed(0)
    prepare = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
        ]
    )
    loader = DataLoader(datasets.ImageFolder(str(data / "train"), prepare), batch, shuffle=True, num_workers=2)
    net, loss = adapted_resnet18(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=EPOCHS * len(loader))
    net.train()
    began, batches = 0.0, iter(loader)
    for step in range(steps + 3):
        if step == 3:
            began = time.perf_counter()
        x, y = next(batches)
        optimizer.zero_grad()
        loss(net(x), y).backward()
        optimizer.step()
        schedule.step()
    return {"img_s": round(steps * batch / (time.perf_counter() - began), 2)}


def _ours(data: Path, steps: int, batch: int) -> dict[str, Any]:
    from _engine import bench

    from goodfit.engine.engine import Engine

    words = ["model.name=torchvision/resnet18", "model.size=32", f"train.batch_size={batch}", "train.optimizer=sgd"]
    words += ["train.schedule=one_cycle", "train.lr=0.1", "augment.flip=true", "augment.crop_pad=4"]
    ready = bench(data, words)
    engine = ready.chosen(Engine.start(ready.recipe.engine), adapted_resnet18)
    learner = ready.learner(engine, adapted_resnet18())
    ready.images_per_second(engine, learner, 3)
    speed = ready.images_per_second(engine, learner, steps)
    return {"img_s": round(speed, 2), "precision": engine.precision, "layout": engine.layout}


SIDES = {"script": _script, "ours": _ours}


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md, with time to 90 % from the rows of cifar10."""
    lines = []
    for (machine, version), group in by_machine(rows).items():
        ratio, whole = values(group, "ratio"), "{:,.0f}".format
        least = 1.9 if all(machine_has_bf16(r) for r in group) else 1.3
        form = ", ".join(sorted({f"{r['result']['precision']} {r['result']['layout']}" for r in group}))
        lines.append(
            [machine, version, form, len(group), spread(values(group, "script_img_s"), whole)]
            + [spread(values(group, "ours_img_s"), whole), spread(ratio), verdict(judged(ratio, least), f">= {least}")]
        )
    heads = [
        "machine",
        "goodfit",
        "our form",
        "pairs",
        "script img/s",
        "ours img/s",
        "ratio of pairs",
        "must (goal 2.3)",
    ]
    return (
        "The script decodes with PIL in two workers and trains in fp32; ours trains the same ResNet-18 from the "
        "decoded cache in the form that its probe chose. Median [range].\n\n" + table(heads, lines) + _time_to_90(rows)
    )


def _time_to_90(rows: list[Row]) -> str:
    """A table of what `fit` took to 90 % against the script's 30 epochs; empty without rows of both."""
    lines = []
    fits = read(ROWS / "cifar10.jsonl")
    for (machine, version), group in by_machine(rows).items():
        hardware = group[0]["hardware"]
        good = [
            r["result"]["seconds"]
            for r in fits
            if (r["result"]["test"] or 0) >= 0.90
            and all(r["hardware"][k] == hardware[k] for k in ("processor", "cores"))
            and not r["smoke"]
        ]
        if good:
            epochs30 = values(group, "script_30_epochs_s")
            middle = sorted(epochs30)[len(epochs30) // 2]
            lines.append(
                [machine, version, seconds(min(good)), f"{seconds(middle)} (extrapolated)"]
                + [f"{middle / min(good):.1f} (extrapolated)", f"{0.8 * middle / min(good):.1f} (extrapolated)"]
            )
    if not lines:
        return ""
    heads = [
        "machine",
        "goodfit",
        "ours, whole command, >= 90 % test",
        "script, 30 epochs",
        "ratio",
        "ratio to epoch 24",
    ]
    return (
        "\n\n**Time to 90 % test accuracy** (goal >= 10). The script's 30 one-cycle epochs are extrapolated from its "
        "measured images a second, scoring included; it was not run to the end. A one-cycle run gains its last points "
        "as the rate falls, so its end is taken; the last column is kinder and takes epoch 24.\n\n"
        + table(heads, lines)
    )


if __name__ == "__main__":
    main()
