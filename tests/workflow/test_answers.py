"""Other targets, forms and wishes, end to end: numbers, several labels, archives, limits, replayed plans."""

from __future__ import annotations

import json
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .tiny import COLOURS, FORM, QUICK, Shell, class_folders, picture, same


def table(root: Path, header: str, rows: list[str]) -> Path:
    (root / "labels.csv").write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return root / "labels.csv"


def grey_pictures(root: Path, count: int = 60) -> list[int]:
    """Pictures whose brightness is the value to be told; returns the values."""
    root.mkdir(parents=True)
    values = [20 + 3 * i for i in range(count)]
    for i, value in enumerate(values):
        picture((value, value, value), i).save(root / f"{i:03d}.png")
    return values


def test_image_regression_learns_a_number_and_gives_it_in_its_own_unit(tmp_path: Path, goodfit: Shell) -> None:
    values = grey_pictures(tmp_path / "pictures")
    data = table(tmp_path, "path,age", [f"pictures/{i:03d}.png,{v / 10:.1f}" for i, v in enumerate(values)])
    quick = [word if "epochs" not in word else "train.epochs=12" for word in QUICK]
    said = goodfit("train", data, *quick).answer
    assert said["task"] == "image_regression"
    scored = goodfit("evaluate", said["model"], data).answer
    assert scored["primary"] == said["primary"]
    assert scored["test"]["value"] < np.std(values) / 10  # the mean alone would be so far off
    answer = goodfit("predict", said["model"], tmp_path / "pictures" / "030.png").answer
    assert abs(answer["value"] - 11.0) < 4
    assert goodfit("diagnose", said["study"]).answer["findings"] is not None


def test_several_labels_a_picture_end_to_end(tmp_path: Path, goodfit: Shell) -> None:
    (tmp_path / "pictures").mkdir()
    rows = []
    for i in range(80):
        left, right = i % 2, (i // 2) % 2
        colour = (60 + 150 * left, 60, 60 + 150 * right)
        picture(colour, i).save(tmp_path / "pictures" / f"{i}.png")
        rows.append(f"pictures/{i}.png,{left},{right}")
    data = table(tmp_path, "path,reddish,bluish", rows)
    said = goodfit("train", data, "data.target=reddish,bluish", *QUICK).answer
    assert said["task"] == "image_multilabel"
    scored = goodfit("evaluate", said["model"], data, "data.target=reddish,bluish").answer
    assert set(scored["test"]) == {"value", "low", "high", "n"}
    answer = goodfit("predict", said["model"], tmp_path / "pictures" / "0.png").answer
    assert {"input"} < set(answer)
    assert goodfit("diagnose", said["study"]).answer["run"]


def test_archives_tables_and_arrays_of_the_same_samples_give_the_same_counts(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"train": 12, "test": 6})
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for file in sorted(data.rglob("*.png")):
            archive.write(file, file.relative_to(tmp_path))
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(data, "data")
    files = {part: sorted((data / part).rglob("*.png")) for part in ("train", "test")}
    rows = {part: [{"path": str(f), "label": f.parent.name} for f in found] for part, found in files.items()}
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows["train"]))
    arrays = {}
    for part, found in rows.items():
        arrays[f"x_{part}"] = np.stack([np.asarray(Image.open(row["path"])) for row in found])
        arrays[f"y_{part}"] = np.array([list(COLOURS).index(row["label"]) for row in found])
    np.savez(tmp_path / "a.npz", **arrays)
    names = ("a.zip", "a.tar.gz", "a.npz", "data")
    counts = {name: goodfit("audit", tmp_path / name).answer["counts"] for name in names}
    assert len({json.dumps(c) for c in counts.values()}) == 1, counts
    assert sum(counts["data"].values()) == 54
    assert counts["data"]["test"] == 18
    assert goodfit("audit", tmp_path / "train.jsonl").answer["kept"] == 36


def test_plan_of_a_run_replays_bit_for_bit_without_probing(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"": 20})
    first = goodfit("train", data, *QUICK, "train.lr=0.01")
    plan = next(first.study.glob("runs/*/plan.yaml"))
    shutil.copy(plan, tmp_path / "plan.yaml")
    again = goodfit("train", data, "--recipe", tmp_path / "plan.yaml", "--new")
    assert again.study != first.study
    assert same(first.weights, again.weights)


def test_limit_trains_on_fewer_and_keeps_test_whole(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"train": 20, "test": 8})
    counts = goodfit("audit", data, "data.limit=30").answer["counts"]
    assert (counts["train"] + counts["select"] + counts["confirm"], counts["test"]) == (30, 24)


@pytest.mark.parametrize("limit", ["target.latency_ms=0.000001", "target.size_mb=0.001", "target.memory_mb=0.001"])
def test_limits_that_nothing_keeps_end_with_exit_1_and_the_reason(limit: str, tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"": 12})
    said = goodfit("fit", data, *QUICK, limit, "--budget", "5m", code=1)
    assert "limits of the target" in said.err


def test_size_limit_drops_the_larger_rungs_before_training(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"": 20})
    words = [word for word in QUICK if not word.startswith("model.name")]
    said = goodfit("fit", data, *words, "target.size_mb=1", "--budget", "5m")
    assert (said.study / "model" / "model.safetensors").stat().st_size < 1e6
    lines = [json.loads(line) for line in (said.study / "ledger.jsonl").read_text("utf-8").splitlines()]
    dropped = [line["numbers"] for line in lines if line.get("why") == "limits.dropped"]
    assert dropped
    assert all(numbers["size_mb"] > 1 for numbers in dropped)


def test_predict_goes_on_past_bad_files_and_exits_2(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"": 20})
    model = goodfit("train", data, *QUICK).answer["model"]
    good = tmp_path / "good.png"
    picture(COLOURS["red"], 5000, side=40).save(good)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:200])
    names = [tmp_path / name for name in ("text.png", "good.png", "empty.png", "cut.png")]
    said = goodfit("predict", model, *names, code=2)
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["input"] for line in lines] == [str(name) for name in names]
    assert ["error" in line for line in lines] == [True, False, True, True]
    assert 0 < lines[1]["probability"] <= 1
    goodfit("predict", model, tmp_path / "absent.png", code=1)


def test_python_answers_as_the_command_does(tmp_path: Path, goodfit: Shell) -> None:
    import goodfit as library

    data = class_folders(tmp_path / "data", {"": 20})
    model = goodfit("train", data, *QUICK).answer["model"]
    file = data / "red" / "000.png"
    said = goodfit("predict", model, file).answer
    (answer,) = library.load(model).predict(str(file))
    assert answer["label"] == said["label"]
    assert answer["probability"] == pytest.approx(said["probability"], abs=1e-6)


def test_memory_limit_drops_only_the_rungs_that_it_excludes(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"": 20})
    words = ["train.epochs=1", *FORM]
    said = goodfit("fit", data, *words, "target.memory_mb=4", "--budget", "5m")
    lines = [json.loads(line) for line in (said.study / "ledger.jsonl").read_text("utf-8").splitlines()]
    limits = {line["numbers"]["rung"]: line["value"] for line in lines if line.get("key", "").startswith("limits.")}
    assert limits["small_xs"]
    assert not limits["small_m"]


def test_improve_after_fit_decides_anew_and_leaves_test_sealed(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"train": 30, "test": 10})
    first = goodfit("fit", data, *QUICK, "--budget", "5m")
    again = goodfit("improve", first.study, "--budget", "2m")
    text = (first.study / "ledger.jsonl").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    keys = [line["key"] for line in lines if line["event"] == "decision"]
    assert "improve.1.remedies" in keys
    assert text.count('"test_opened"') == 1
    assert again.study == first.study
