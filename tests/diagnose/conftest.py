"""Evidence for the tests: hand-made, and from real small trainings on digits with one fault put in."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from goodfit.augment.options import ImageAugment, settle
from goodfit.core.outcome import Predictions
from goodfit.core.randomness import generator
from goodfit.core.recipe import Recipe
from goodfit.core.task import Metric, Record
from goodfit.diagnose import Evidence, chance_score

ACCURACY = Metric(
    name="accuracy",
    value=lambda t, o: float((o.argmax(axis=1) == t).mean()),
    per_sample=lambda t, o: (o.argmax(axis=1) == t).astype(np.float64),
)


def resolved(**changes: Any) -> Recipe:
    """A recipe as a plan of pictures leaves it: no `auto` where remedies look, no task named; as in `train__lr`."""
    recipe = Recipe()
    augment, _ = settle(ImageAugment(), {"height": 32, "width": 32, "channels": 3}, 32)
    plain = {
        **{f"augment.{key}": value for key, value in augment.model_dump().items()},
        "model.size": 32,
        "train.epochs": 10,
        "train.lr": 0.05,
        "train.batch_size": 64,
        "train.optimizer": "sgd",
        "train.weight_decay": 5e-4,
        "train.loss": "ce",
        "train.label_smoothing": 0.0,
        "train.warmup": 0.0,
        "train.patience": 5,
        "engine.loader": "cached",
    }
    for key, value in (plain | {k.replace("__", "."): v for k, v in changes.items()}).items():
        recipe = recipe.with_(key, value)
    return recipe


def logits(target: np.ndarray, k: int, correct: float, sure: float = 4.0, seed: int = 0) -> np.ndarray:
    """(N, K) outputs of which just the share `correct` is right, with near misses where wrong."""
    random = generator(seed, len(target), k)
    outputs = random.normal(0, 0.5, (len(target), k))
    wrong = random.permutation(len(target)) >= round(correct * len(target))
    guess = np.where(wrong, (target + random.integers(1, k, len(target))) % k, target)
    outputs[np.arange(len(target)), target] += sure / 2
    outputs[np.arange(len(target)), guess] += sure
    return outputs.astype(np.float32)


def predictions(target: np.ndarray, outputs: np.ndarray, split: str) -> Predictions:
    ids = np.array([f"{split}/{i}" for i in range(len(target))])
    return Predictions(ids=ids, target=target, outputs=np.asarray(outputs, np.float32), split=split, run_id="run")


def curve(loss: Any, **more: Any) -> tuple[Record, ...]:
    """Epoch records with this train loss; `select`, `accuracy`, `lr`, `ratio`, `wait`, `seconds`: values or lists."""
    n = len(loss)
    of = lambda name, default: np.broadcast_to(more.get(name, default), (n,))  # noqa: E731
    columns = zip(
        loss,
        of("select", 1.0),
        of("accuracy", 0.9),
        of("lr", 0.05),
        of("ratio", 1e-3),
        of("wait", 0.0),
        of("seconds", 10.0),
        strict=True,
    )
    return tuple(
        Record(
            kind="epoch",
            step=10 * (i + 1),
            steps=10 * n,
            epoch=i + 1,
            train={"loss": float(a), "score": 0.9, "grad_norm": 1.0, "update_ratio": float(r)},
            select={"loss": float(s), "accuracy": float(m)},
            lr=float(lr),
            cost={"seconds": float(sec), "wait_share": float(w), "samples_per_s": 100.0},
        )
        for i, (a, s, m, lr, r, w, sec) in enumerate(columns)
    )


def evidence(train: Any = 0.99, val: float = 0.97, *, n: int = 400, k: int = 10, **more: Any) -> Evidence:
    """Hand-made evidence with these accuracies on train (or these predictions, or None) and val."""
    target = np.arange(n) % k
    half = n // 2
    outputs = logits(target, k, val, seed=1)
    values = {
        "recipe": resolved(),
        "records": curve(np.linspace(2.3, 0.1, 10)),
        "metric": ACCURACY,
        "chance": 1 / k,
        "target_kind": "class",
        "train": predictions(target, logits(target, k, train, seed=2), "train") if isinstance(train, float) else train,
        "select": predictions(target[:half], outputs[:half], "select"),
        "confirm": predictions(target[half:], outputs[half:], "confirm"),
        "counts": {"train": 1000, "select": half, "confirm": n - half},
        "run_id": "run",
    }
    return Evidence(**(values | more))


@cache
def digits() -> tuple[torch.Tensor, np.ndarray]:
    from sklearn.datasets import load_digits

    data = load_digits()
    return torch.tensor(data.images[:, None] / 8 - 1, dtype=torch.float32), data.target.astype(np.int64)


def net(width: int) -> nn.Module:
    block = lambda i, o: [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()]  # noqa: E731
    layers = [*block(1, width), *block(width, width), nn.MaxPool2d(2), *block(width, width)]
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(width, 10))


def trained(
    *, lr: float = 0.05, epochs: int = 8, width: int = 16, shuffled: float = 0.0, limit: int = 1400, seed: int = 0
) -> Evidence:
    """A real run on digits, with a fault put in, as the house would have recorded it."""
    inputs, target = digits()
    random = generator(seed, 77)
    order, target = random.permutation(len(target)), target.copy()
    hit = random.random(len(target)) < shuffled
    target[hit] = target[hit][random.permutation(hit.sum())]
    val, train = order[:397], order[397 : 397 + limit]
    torch.manual_seed(seed)
    model = net(width)
    records = list(_train(model, inputs, torch.tensor(target), train, val, lr, epochs, random))
    predict = lambda part, name: predictions(target[part], _outputs(model, inputs[part]), name)  # noqa: E731
    return Evidence(
        recipe=resolved(train__lr=lr, train__epochs=epochs),
        records=tuple(records),
        metric=ACCURACY,
        chance=chance_score(ACCURACY, target[train], target[val]),
        target_kind="class",
        train=predict(train[:400], "train"),
        select=predict(val[:199], "select"),
        confirm=predict(val[199:], "confirm"),
        counts={"train": len(train), "select": 199, "confirm": 198},
        run_id="run",
    )


def _outputs(model: nn.Module, inputs: torch.Tensor) -> np.ndarray:
    model.eval()
    with torch.no_grad():
        return model(inputs).numpy()


def _train(model, inputs, target, train, val, lr, epochs, random):  # type: ignore[no-untyped-def]
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
    size = min(64, len(train))
    steps = epochs * (len(train) // size)
    params, step = list(model.parameters()), 0
    for epoch in range(1, epochs + 1):
        order, losses, ratios = random.permutation(train), [], []
        for i in range(len(train) // size):
            model.train()
            rows = order[i * size : (i + 1) * size]
            for group in optimizer.param_groups:
                group["lr"] = lr * min(step / (0.2 * steps), (steps - step) / (0.8 * steps))
            loss = nn.functional.cross_entropy(model(inputs[rows]), target[rows])
            optimizer.zero_grad()
            loss.backward()
            before = torch.cat([p.detach().flatten().clone() for p in params])
            optimizer.step()
            after = torch.cat([p.detach().flatten() for p in params])
            losses.append(float(loss.detach()))
            ratios.append(float((after - before).norm() / before.norm()))
            step += 1
        outputs = torch.tensor(_outputs(model, inputs[val[:199]]))
        select = float(nn.functional.cross_entropy(outputs, target[val[:199]]))
        score = float((outputs.argmax(1) == target[val[:199]]).float().mean())
        mean = float(np.mean(losses))
        yield Record(
            kind="epoch" if math.isfinite(mean) else "stopped",
            step=step,
            steps=steps,
            epoch=epoch,
            train={"loss": mean, "score": 0.5, "grad_norm": 1.0, "update_ratio": float(np.mean(ratios))},
            select={"loss": select, "accuracy": score},
            lr=optimizer.param_groups[0]["lr"],
            cost={"seconds": 1.0, "wait_share": 0.01, "samples_per_s": 1000.0},
        )
        if not math.isfinite(mean):
            return


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """accuracy, resolved, logits, predictions, curve, evidence."""
    return SimpleNamespace(
        accuracy=ACCURACY, resolved=resolved, logits=logits, predictions=predictions, curve=curve, evidence=evidence
    )


@pytest.fixture(scope="session")
def trial() -> Callable[..., Evidence]:
    """A real training on digits with a fault put in; the same arguments train once a session."""
    return cache(trained)
