"""A small made-up study folder, as the workflow writes it: drawn shapes, three rungs, an experiment, one opening."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from goodfit.core.experiment import Arm, Experiment
from goodfit.core.files import write_json
from goodfit.core.finding import Finding
from goodfit.core.ledger import Ledger
from goodfit.core.outcome import Cost, Predictions, Result, Score
from goodfit.core.recipe import Recipe
from goodfit.core.run import Run
from goodfit.core.task import Reason, Record
from goodfit.tasks import TASKS

CLASSES = ("circle", "cross", "diamond", "ring", "square", "star", "triangle")
COUNTS = {"train": 1680, "select": 210, "confirm": 210, "test": 420}
STARTED = 1_763_700_000.0
GAP = {"train_text": "98.8%", "val_text": "95.4%", "metric": "accuracy", "n": 420, "gap_points": 3.4, "loss_rise": 0.12}
SURE = {"n": 420, "confidence": 0.984, "accuracy": 0.943, "ece": 0.041, "temperature": 1.42}
RUNGS = (
    ("small_s", 96.0, 0.9, 291_000, 0.8),
    ("small_m", 233.0, 0.955, 1_170_000, 1.6),
    ("small_l", 268.0, 0.949, 2_640_000, 3.1),
)


def make_study(folder: Path, classes: tuple[str, ...] = CLASSES, seed: int = 0) -> Path:
    """A finished `fit` study. Class names may be as hostile as one likes; all else is fixed by the seed."""
    random = np.random.default_rng(seed)
    runs = [_run(folder, k, classes, random) for k in range(len(RUNGS))]
    smooth = [_arm_run(folder, k, classes, random) for k in range(2)]
    winner = runs[1]
    final = _refit(folder, winner)
    _open_test(final, classes, random)
    _about(folder, classes)
    _ledger(folder, runs, final)
    _findings(folder, winner)
    _audit(folder, classes)
    _experiments(folder, winner, smooth)
    _pictures(folder, final, classes)
    _result(folder, [*runs, *smooth], winner, final)
    return folder


def make_lone_train(folder: Path, classes: tuple[str, ...] = CLASSES) -> Path:
    """A `train` study: one run, no ladder, no experiments, test still sealed."""
    random = np.random.default_rng(1)
    run = _run(folder, 1, classes, random)
    _about(folder, classes, verb="train", budget_seconds=None)
    result = run.result()
    assert result is not None
    val = result.scores["confirm"]["accuracy"].as_json()
    told = {"study": str(folder), "task": "image_classification", "family": "resnet", "primary": "accuracy", "val": val}
    write_json(folder / "result.json", {**told, "test": None, "seconds": 251.0, "winner": run.id, "findings": []})
    return folder


def make_cut(folder: Path) -> Path:
    """A study cut half-way: a plan, five epochs of records, no result, a ledger line half written."""
    random = np.random.default_rng(2)
    _about(folder, CLASSES)
    run = Run(folder / "runs" / "small_s-00aa", Recipe(), _recipe("small_s"), ())
    for record in _records(0, 0.9, random)[:5]:
        run.append(record)
    Ledger(folder / "ledger.jsonl").write("session")
    with open(folder / "ledger.jsonl", "ab") as file:
        file.write(b'{"n": 1, "event": "deci')
    return folder


def make_numbers(folder: Path) -> Path:
    """An image regression study: MAE leads, targets are ages."""
    random = np.random.default_rng(3)
    _about(folder, (), task="image_regression", target_kind="number")
    run = Run(folder / "runs" / "small_s-77", Recipe(), _recipe("small_s"), ())
    target = random.uniform(1, 90, 300)
    outputs = (target + random.normal(0, 6, 300)).astype(np.float32)[:, None]
    ids = np.array([f"faces/{k}.png" for k in range(300)])
    run.save_predictions(Predictions(ids=ids, target=target, outputs=outputs, split="test", run_id=run.id))
    score = Score(metric="mae", value=6.02, low=5.6, high=6.5, n=300, higher_is_better=False)
    for record in _records(0, 0.9, random):
        run.append(record)
    run.close(
        Result(
            run_id=run.id,
            task="image_regression",
            family="resnet",
            primary="mae",
            scores={"test": {"mae": score}},
            cost=Cost(seconds=12.0),
            steps=200,
        )
    )
    write_json(folder / "result.json", {"primary": "mae", "test": score.as_json(), "winner": run.id, "seconds": 20.0})
    return folder


def make_labels(folder: Path) -> Path:
    """A multilabel study: three labels that can hold together."""
    random = np.random.default_rng(4)
    classes = ("sun", "sea", "people")
    _about(folder, classes, task="image_multilabel", target_kind="multilabel")
    run = Run(folder / "runs" / "small_s-88", Recipe(), _recipe("small_s"), ())
    target = (random.random((200, 3)) < 0.4).astype(np.uint8)
    outputs = (4.0 * target - 2 + random.normal(0, 1.6, (200, 3))).astype(np.float32)
    ids = np.array([f"beach/{k}.png" for k in range(200)])
    run.save_predictions(Predictions(ids=ids, target=target, outputs=outputs, split="confirm", run_id=run.id))
    score = Score(metric="f1_samples", value=0.87, low=0.83, high=0.9, n=200)
    loss = Score(metric="bce", value=0.31, low=0.29, high=0.33, n=200, higher_is_better=False)
    run.close(
        Result(
            run_id=run.id,
            task="image_multilabel",
            family="resnet",
            primary="f1_samples",
            scores={"confirm": {"f1_samples": score, "bce": loss}},
            cost=Cost(seconds=12.0),
            steps=200,
        )
    )
    write_json(
        folder / "result.json", {"primary": "f1_samples", "val": score.as_json(), "test": None, "winner": run.id}
    )
    return folder


def _recipe(model: str, seed: int = 0) -> Recipe:
    pairs = {
        "data.path": "shapes",
        "model.name": model,
        "train.epochs": 12,
        "train.lr": 0.053,
        "train.batch_size": 84,
        "seed": seed,
    }
    recipe = Recipe()
    for key, value in pairs.items():
        recipe = recipe.with_(key, value)
    return recipe


def _run(folder: Path, k: int, classes: tuple[str, ...], random: np.random.Generator) -> Run:
    rung, seconds, accuracy, parameters, latency = RUNGS[k]
    reasons = (
        Reason(key="train.epochs", value=12, why="epochs_by_budget", numbers={"seconds": seconds}),
        Reason(key="train.lr", value=0.053, why="family_default"),
    )
    run = Run(folder / "runs" / f"{rung}-{3 * k + 1:02x}f{k}", Recipe(), _recipe(rung), reasons)
    for record in _records(k, accuracy, random):
        run.append(record)
    cost = Cost(
        seconds=seconds,
        parameters=parameters,
        macs=parameters * 90,
        size_bytes=parameters * 4,
        latency_ms=latency,
        memory_mb=610,
    )
    scores = {"train": _scores(min(accuracy + 0.03, 0.999), 1680), "select": _scores(accuracy + 0.004, 210)}
    predictions = _predict(run.id, "confirm", COUNTS["confirm"], accuracy, classes, random)
    run.save_predictions(predictions)
    scores["confirm"] = _scores(float((predictions.outputs.argmax(1) == predictions.target).mean()), 210)
    run.close(
        Result(
            run_id=run.id,
            task="image_classification",
            family="resnet",
            primary="accuracy",
            scores=scores,
            cost=cost,
            steps=220,
        )
    )
    return run


def _arm_run(folder: Path, seed: int, classes: tuple[str, ...], random: np.random.Generator) -> Run:
    recipe = _recipe("small_m", seed).with_("train.label_smoothing", 0.1)
    run = Run(folder / "runs" / f"small_m-ls{seed}", Recipe(), recipe, ())
    for record in _records(1, 0.957, random):
        run.append(record)
    scores = {"select": _scores(0.957, 210), "confirm": _scores(0.955, 210)}
    run.close(
        Result(
            run_id=run.id,
            task="image_classification",
            family="resnet",
            primary="accuracy",
            scores=scores,
            cost=Cost(seconds=120.0),
            steps=220,
            stopped="patience",
        )
    )
    return run


def _records(k: int, accuracy: float, random: np.random.Generator) -> list[Record]:
    records = []
    for epoch in range(1, 13):
        share = 1 - np.exp(-epoch / (2.6 + 0.5 * k))
        train = min(accuracy + 0.03, 0.995) * share + 0.14 * (1 - share)
        select = accuracy * share + 0.14 * (1 - share) + random.normal(0, 0.008)
        train_loss, select_loss = (
            1.9 * (1 - share) + 0.09,
            1.9 * (1 - share) + 0.19 + 0.006 * epoch + random.normal(0, 0.012),
        )
        records.append(
            Record(
                kind="epoch",
                step=20 * epoch,
                steps=240,
                epoch=epoch,
                train={"loss": float(train_loss), "score": float(train), "grad_norm": 1.0, "update_ratio": 1e-3},
                select={"loss": float(select_loss), "accuracy": float(select), "mae": float(9 - 4 * share)},
                lr=0.05,
                size=32,
                cost={"seconds": 8.0 * epoch * (k + 1), "samples_per_s": 900.0, "wait_share": 0.02, "rss_mb": 400.0},
            )
        )
    return records


def _predict(
    run_id: str, split: str, n: int, accuracy: float, classes: tuple[str, ...], random: np.random.Generator
) -> Predictions:
    """Logits that are right as often as asked, too sure, and mix up neighbours more than strangers."""
    k = len(classes)
    target = np.arange(n) % k
    outputs = random.normal(0, 1, (n, k))
    wrong = random.random(n) > accuracy + 0.02 * (target % 3 - 1)
    answer = np.where(wrong, (target + random.choice([1, 1, 1, 2, k - 1], n)) % k, target)
    outputs[np.arange(n), answer] += random.gamma(6.0, 1.1, n) * np.where(wrong, 0.7, 1.1) + 2.2
    ids = np.array([f"{split}/{target[i]}/{i:04d}.png" for i in range(n)])
    return Predictions(ids=ids, target=target, outputs=outputs.astype(np.float32), split=split, run_id=run_id)


def _scores(value: float, n: int) -> dict[str, Score]:
    half = 1.96 * np.sqrt(max(value * (1 - value), 1e-4) / n)
    make = lambda m, v: Score(metric=m, value=v, low=v - half, high=min(v + half, 1.0), n=n)  # noqa: E731
    return {"accuracy": make("accuracy", float(value)), "f1_macro": make("f1_macro", float(value) - 0.003)}


def _refit(folder: Path, winner: Run) -> Run:
    """The winner's recipe on train + val: records without select, no score but the test's to come."""
    run = Run(folder / "runs" / "small_m-refit-5e0d", Recipe(), _recipe("small_m").with_("train.refit", True), ())
    for record in winner.records:
        fields = {name: getattr(record, name) for name in record.__dataclass_fields__}
        run.append(Record(**{**fields, "select": {}}))
    cost = Cost(seconds=201.0, parameters=1_170_000, latency_ms=1.6)
    run.close(
        Result(
            run_id=run.id,
            task="image_classification",
            family="resnet",
            primary="accuracy",
            scores={},
            cost=cost,
            steps=220,
            refit=True,
        )
    )
    return run


def _open_test(winner: Run, classes: tuple[str, ...], random: np.random.Generator) -> None:
    predictions = _predict(winner.id, "test", COUNTS["test"], 0.95, classes, random)
    winner.save_predictions(predictions)
    result = winner.result()
    assert result is not None
    right = float((predictions.outputs.argmax(1) == predictions.target).mean())
    scores = {**result.scores, "test": _scores(right, COUNTS["test"])}
    fields = {name: getattr(result, name) for name in result.__dataclass_fields__}
    winner.close(Result(**{**fields, "scores": scores}))


def _about(folder: Path, classes: tuple[str, ...], **changes: Any) -> None:
    per_class = {p: {c: n // max(len(classes), 1) for c in classes} for p, n in COUNTS.items()}
    if classes:
        per_class["train"][classes[-1]] -= 96
    about = {
        "id": folder.name,
        "verb": "fit",
        "command": ["goodfit", "fit", "my pictures/shapes", "--budget", "20m"],
        "version": "0.1.0",
        "data": "/home/someone/pictures/shapes",
        "format": "class folders with train and test",
        "task": "image_classification",
        "target_kind": "class",
        "classes": list(classes),
        "facts": {"height": 48, "width": 48, "same_size": True, "max_side": 48, "channels": 3, "n": 2520},
        "counts": COUNTS,
        "class_counts": per_class,
        "budget_seconds": 1200.0,
        "started": STARTED,
        "split": ["stratified", "given test"],
        "metrics": {
            name: {"higher_is_better": m.higher_is_better, "is_share": m.is_share}
            for task in TASKS.values()
            for name, m in task.metrics.items()
        },
        "machine": {"processor": "Example 9000", "cores": 2, "memory_gb": 16, "python": "3.11.9", "torch": "2.15.0"},
        "fingerprint": "5f0c2a91d7e34b60",
    }
    write_json(folder / "study.json", {**about, **changes})


def _ledger(folder: Path, runs: list[Run], final: Run) -> None:
    lines: list[dict[str, Any]] = [
        {"t": 0, "event": "session", "budget": 1200},
        {
            "t": 4,
            "event": "decision",
            "key": "engine.precision",
            "value": "bf16",
            "why": "faster in the probe",
            "numbers": {"bf16_ms": 61.2, "fp32_ms": 118.9},
        },
        {
            "t": 11,
            "event": "decision",
            "key": "split",
            "value": "stratified",
            "why": "a test folder is given; val drawn from train",
            "numbers": {"val": 420},
        },
        {
            "t": 14,
            "event": "decision",
            "key": "ladder.1",
            "value": "small_s",
            "why": "the cheapest rung gives a first answer",
            "numbers": {"seconds": 90},
            "cost": 90,
        },
        {"t": 121, "event": "published", "run": runs[0].id, "select": 0.904},
        {
            "t": 122,
            "event": "decision",
            "key": "ladder.2.climb",
            "value": True,
            "why": "train loss is still high and flat: capacity holds it back",
            "numbers": {"run": runs[0].id, "train_loss": 0.31, "slope": -0.004},
            "cost": 240,
        },
        {
            "t": 371,
            "event": "decision",
            "key": "ladder.3.climb",
            "value": True,
            "why": "time is left and the gap is small",
            "numbers": {"run": runs[1].id, "gap": 0.021},
            "cost": 400,
        },
        {
            "t": 650,
            "event": "decision",
            "key": "ladder.stop",
            "value": "small_m",
            "why": "the larger rung is no better on confirm",
            "numbers": {"difference": -0.006},
        },
        {
            "t": 655,
            "event": "decision",
            "key": "experiment.1",
            "value": ["label_smoothing", "dropout"],
            "why": "overconfident on confirm",
            "numbers": {"ece": 0.041},
            "cost": 300,
        },
        {"t": 1104, "event": "test_opened", "run": final.id},
    ]
    ledger = Ledger(folder / "ledger.jsonl")
    for line in lines:
        t = line.pop("t")
        ledger.write(line.pop("event"), **line)
        ledger.lines[-1]["time"] = STARTED + t
    ledger.path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in ledger.lines), "utf-8")


def _findings(folder: Path, winner: Run) -> None:
    overfit = Finding(code="GF-F001", severity="warning", numbers=GAP, run_id=winner.id)
    sure = Finding(code="GF-F008", severity="info", numbers=SURE, run_id=winner.id)
    broken = Finding(
        code="GF-D999", severity="warning", numbers={"count": 2}, ids=("train/ring/0007.png", "train/star/notes.txt")
    )
    write_json(folder / "findings.json", [f.to_json() for f in (sure, broken, overfit)])
    winner.save_findings([overfit])


def _audit(folder: Path, classes: tuple[str, ...]) -> None:
    tree = {
        "quarantined": [
            {"id": "train/ring/0007.png", "fault": "truncated"},
            {"id": "train/star/notes.txt", "fault": "not_image"},
        ],
        "duplicates": [
            ["train/square/0010.png", "train/square/0011.png"],
            ["train/star/0001.png", "train/star/0100.png", "train/star/0101.png"],
        ],
        "conflicts": [["train/circle/0044.png", "train/ring/0023.png"]],
        "leaks": [],
        "class_counts": {},
        "samples": {c: [f"train/{k}/{i}.png" for i in range(8)] for k, c in enumerate(classes)},
    }
    write_json(folder / "audit.json", tree)


def _experiments(folder: Path, winner: Run, smooth: list[Run]) -> None:
    base = Arm(
        name="base",
        changes={},
        runs=(winner.id, ""),
        values=(0.952, 0.948),
        effect=0.0,
        low=0.0,
        high=0.0,
        p=1.0,
        verdict="no effect",
        seconds=119.0,
    )
    arm = lambda name, changes, values, effect, low, high, p, verdict, runs=("", ""): Arm(  # noqa: E731
        name=name,
        changes=changes,
        runs=tuple(runs),
        values=values,
        effect=effect,
        low=low,
        high=high,
        p=p,
        verdict=verdict,
        seconds=120.0,
    )
    arms = (
        arm(
            "label_smoothing",
            {"train.label_smoothing": 0.1},
            (0.971, 0.967),
            0.019,
            0.004,
            0.034,
            0.012,
            "better",
            [r.id for r in smooth],
        ),
        arm("dropout", {"model.dropout": 0.2}, (0.948, 0.955), 0.0015, -0.019, 0.022, 0.81, "cannot tell"),
        arm("weight_decay_up", {"train.weight_decay": 0.01}, (0.921, 0.93), -0.0245, -0.043, -0.006, 0.003, "worse"),
        arm("drop_path", {"model.drop_path": 0.1}, (0.951, 0.949), 0.0002, -0.0042, 0.0046, 0.94, "no effect"),
    )
    experiment = Experiment(
        question="remedy",
        finding="GF-F001",
        metric="accuracy",
        n=210,
        seeds=(0, 1),
        base=base,
        arms=arms,
        kept="label_smoothing",
        equivalence=0.005,
    )
    write_json(folder / "experiments.json", [experiment.to_json()])


def _pictures(folder: Path, winner: Run, classes: tuple[str, ...]) -> None:
    random = np.random.default_rng(9)
    stored = {f"train/{k}/{i}.png": _shape(k, random) for k in range(len(classes)) for i in range(8)}
    test = winner.predictions("test")
    assert test is not None
    for i in np.flatnonzero(test.outputs.argmax(1) != test.target):
        stored[str(test.ids[i])] = _shape(int(test.target[i]), random)
    stored["train/ring/0007.png"] = _shape(3, random)
    write_json(folder / "pictures.json", stored)


def _shape(kind: int, random: np.random.Generator) -> Mapping[str, str]:
    """A shape of its class in random colours on a noisy ground, as base64 PNG."""
    ground, ink = random.integers(20, 110, 3), random.integers(130, 255, 3)
    image = Image.new("RGB", (48, 48), tuple(int(v) for v in ground))
    draw = ImageDraw.Draw(image)
    x, y, r = *random.integers(18, 31, 2), int(random.integers(9, 17))
    colour = tuple(int(v) for v in ink)
    box = (x - r, y - r, x + r, y + r)
    turn = random.uniform(0, 0.5)
    around = lambda n, inner=1.0: [  # noqa: E731
        (
            x + r * (inner if k % 2 else 1) * np.cos(turn + 2 * np.pi * k / n),
            y + r * (inner if k % 2 else 1) * np.sin(turn + 2 * np.pi * k / n),
        )
        for k in range(n)
    ]
    kind %= len(CLASSES)
    if kind == 0:
        draw.ellipse(box, fill=colour)
    elif kind == 1:
        draw.line((x - r, y, x + r, y), fill=colour, width=6)
        draw.line((x, y - r, x, y + r), fill=colour, width=6)
    elif kind == 3:
        draw.ellipse(box, outline=colour, width=5)
    else:
        draw.polygon(
            {
                2: around(4),
                4: [(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)],
                5: around(10, 0.45),
                6: around(3),
            }[kind],
            fill=colour,
        )
    noisy = np.clip(np.asarray(image, dtype=np.int16) + random.normal(0, 9, (48, 48, 3)), 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noisy).save(stream, "PNG")
    return {"png": base64.b64encode(stream.getvalue()).decode("ascii")}


def _result(folder: Path, runs: list[Run], winner: Run, final: Run) -> None:
    result, refitted = winner.result(), final.result()
    assert result is not None and refitted is not None
    test = refitted.scores["test"]["accuracy"]
    ladder = [_row(run) for run in [*runs, final]]
    tree = {
        "study": str(folder),
        "task": "image_classification",
        "family": "resnet",
        "primary": "accuracy",
        "val": result.scores["confirm"]["accuracy"].as_json(),
        "test": test.as_json(),
        "seconds": 1117.4,
        "model": str(folder / "model"),
        "report": str(folder / "report.html"),
        "findings": ["GF-D999", "GF-F001", "GF-F008"],
        "winner": winner.id,
        "final": final.id,
        "refit": True,
        "test_scores": {name: score.as_json() for name, score in refitted.scores["test"].items()},
        "temperature": 1.42,
        "test_time": {"how": "flip", "with": test.value, "without": test.value - 0.004},
        "budget": {"asked": 1200.0, "used": 1117.4, "planned": 1105.0},
        "ladder": ladder,
        "calibration": {"before": 0.041, "after": 0.017, "n": 210, "split": "select"},
    }
    write_json(folder / "result.json", tree)


def _row(run: Run) -> dict[str, Any]:
    result = run.result()
    assert result is not None
    scores = {split: s.as_json() if (s := result.score(split)) else None for split in ("select", "confirm", "train")}
    own = {"run": run.id, "rung": run.id.rpartition("-")[0], "family": "resnet", "seconds": result.cost.seconds}
    costs = {"parameters": result.cost.parameters, "latency_ms": None if run.id.endswith("ls1") else 1.6}
    return {**own, **costs, "refit": result.refit, "seed": run.recipe.seed, "epochs": 12.0, **scores}
