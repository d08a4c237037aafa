"""torchvision's reference recipe for detection in a bare loop: the same detector, data, split and seconds.

SGD 0.02 x batch / 16, momentum 0.9, weight decay 1e-4, a linear warm-up of at most 1,000 steps, two drops by ten at
16/26 and 22/26 of the epochs, horizontal flips. Source: torchvision, references/detection/train.py and its README.

Run as `python benchmarks/_detection_reference.py DATA MODEL SECONDS SEED [WEIGHTS]`; prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch

LR, BATCH, DROPS, WARM_UP = 0.02, 8, (16 / 26, 22 / 26), 1000
SPARE = 0.93  # of the seconds that training is planned for: the rest answers the test part


def main(data: str, model: str, seconds: float, seed: int, weights: str | None) -> None:
    """Train and test."""
    from goodfit.core.recipe import Recipe
    from goodfit.core.recipe_yaml import apply_pairs
    from goodfit.core.telling import silent
    from goodfit.engine.engine import Engine
    from goodfit.tasks import TASKS
    from goodfit.workflow.prepare import prepare

    began = time.perf_counter()
    pairs = [f"model.name={model}", f"train.batch_size={BATCH}", "engine.precision=fp32", "engine.layout=channels_last"]
    pairs += [f"model.weights={weights}"] if weights else []
    asked = apply_pairs(Recipe(), pairs).with_("data.path", data).with_("seed", seed)
    plain = {"zoom": None, "stretch": 0.0, "translate": 0.0, "brightness": 0.0, "contrast": 0.0, "saturation": 0.0}
    asked = asked.model_copy(update={"augment": {**plain, "hue": 0.0, "flip": True}})
    ready = prepare(asked, silent)
    task = TASKS["detection"]
    recipe, _ = task.settle(asked, ready.schema, ready.counts)
    recipe = recipe.with_("train.clip", 1e9)
    engine = Engine.start(recipe.engine)
    task.warm(ready.dataset, recipe, 0.1, lambda done, total: None)
    learner = task.learner(recipe, ready.schema, engine, None)
    net, loss = learner.net, learner._loss
    known = np.sort(np.concatenate([ready.split.train, ready.split.val]))  # as `fit` refits its winner
    loader = task.loader(ready.dataset, known, recipe, engine, True)
    optimizer = torch.optim.SGD(net.parameters(), lr=LR * BATCH / 16, momentum=0.9, weight_decay=1e-4)
    epochs, steps, taken = 0.0, loader.steps_per_epoch, 0
    start = time.perf_counter()
    room = SPARE * (seconds - (start - began))
    number = 0
    while (used := time.perf_counter() - start) < room:
        net.train()
        for batch in loader.epoch(number):
            used = time.perf_counter() - start
            if used >= room:
                break
            progress = used / room  # epochs are as many as the seconds hold
            warm = min(1.0, (taken + 1) / min(WARM_UP, steps))
            factor = warm * 0.1 ** sum(progress >= drop for drop in DROPS)
            for group in optimizer.param_groups:
                group["lr"] = LR * BATCH / 16 * factor
            value = loss(net(batch.inputs), batch.target).mean()
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
            taken += 1
        number += 1
    epochs = taken / steps
    test = ready.split.test.open(lambda: None)
    plain_loader = task.loader(ready.dataset, test, recipe, engine, False)
    outputs = learner.predict(plain_loader)
    target = ready.dataset.index.target[plain_loader.positions]
    scores = {name: task.metrics[name].value(target, outputs) for name in ("map", "map50")}
    told = {"seconds": round(time.perf_counter() - began, 2), "epochs": round(epochs, 2), "n": len(target)}
    print(json.dumps({**told, "test": scores["map"], "map50": scores["map50"], "loss": float(value.detach())}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), sys.argv[5] if len(sys.argv) > 5 else None)
