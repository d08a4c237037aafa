"""`evaluate` prepares pictures as `predict` does: by the model, whatever the new data are like."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from goodfit.models import vision
from goodfit.workflow.model import load

from .tiny import COLOURS, FORM, QUICK, Shell, class_folders, picture


def photographs(root: Path) -> Path:
    """Pictures of the same colours, larger than those trained on and of several sizes."""
    for k, (name, colour) in enumerate(COLOURS.items()):
        (root / name).mkdir(parents=True)
        for i in range(5):
            whole = picture(colour, 100 * k + i, side=90)
            whole.crop((0, 0, 90, 60 + 5 * i)).save(root / name / f"{i}.png")
    return root


def weights_file(path: Path) -> Path:
    """A weights file with a mean and std of its own."""
    torch.manual_seed(0)
    net = vision.build("torchvision/squeezenet1_1", 5, None, 0.0, 0.0, size=None, width=None, depth=None).net
    said = {"architecture": "torchvision.models.squeezenet1_1", "input_size": "40"}
    save_file(net.state_dict(), path, metadata={**said, "mean": "[0.2, 0.3, 0.4]", "std": "[0.2, 0.2, 0.3]"})
    return path


@pytest.mark.parametrize("pretrained", [False, True])
def test_evaluate_answers_as_predict_on_data_of_other_sizes_and_without_the_weights_file(
    pretrained: bool, tmp_path: Path, goodfit: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = class_folders(tmp_path / "data", {"": 12})
    weights = weights_file(tmp_path / "w.safetensors")
    words = [f"model.weights={weights}", "train.epochs=1", *FORM] if pretrained else QUICK
    model = load(goodfit("train", data, *words).answer["model"])
    weights.unlink()
    photographs(tmp_path / "2024")
    monkeypatch.chdir(tmp_path)
    scored = goodfit("evaluate", model.folder, "2024").answer  # a folder whose name is a number
    files = sorted((tmp_path / "2024").rglob("*.png"))
    answers = replace(model, temperature=1.0).predict(files)
    said = [{top["label"]: top["probability"] for top in answer["top"]} for answer in answers]
    loss = -np.mean([np.log(probs[file.parent.name]) for file, probs in zip(files, said, strict=True)])
    assert scored["metrics"]["log_loss"]["value"] == pytest.approx(loss, rel=1e-4)
    assert scored["test"]["n"] == len(files)


def test_rows_without_any_label_are_refused_in_words(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"": 12})
    model = goodfit("train", data, *QUICK).answer["model"]
    rows = ["file,label,part", *(f"red/{i:03d}.png,,test" for i in range(6))]
    (data / "rows.csv").write_text("\n".join(rows) + "\n", "utf-8")
    said = goodfit("evaluate", model, data / "rows.csv", "data.target=label", code=2)
    assert "no sample here has a label" in said.err
    assert "goodfit predict" in said.err
