"""Detectors of transformers, tiny ones made on the spot: built from a configuration, filled from a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from goodfit.core.errors import RecipeError
from goodfit.models.found import MOST
from goodfit.models.hub_boxes import (
    HUB_DETECTORS,
    KINDS,
    WORK,
    build_hub_detector,
    config_of,
    is_hub_folder,
    pixel_range,
)

from .tiny_detectors import TINY

transformers = pytest.importorskip("transformers")


def folder(path: Path, kind: str, classes: int = 2) -> Path:
    """A folder with a tiny detector of this kind, as the library saves it."""
    made = transformers.AutoConfig.for_model(kind, **TINY[kind], num_labels=classes)
    transformers.AutoModelForObjectDetection.from_config(made).save_pretrained(path)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_learns_and_answers_in_our_form(kind: str) -> None:
    torch.manual_seed(0)
    net, family = build_hub_detector({"model_type": kind, **TINY[kind]}, None, 2)
    assert family == kind
    target = torch.full((2, 3, 6), -1.0)
    target[0, :2] = torch.tensor([[0.0, 4, 8, 40, 30, 0], [1.0, 20, 20, 60, 60, 0]])
    target[1, 0] = torch.tensor([1.0, 0, 0, 64, 64, 1])  # a region to be ignored: a picture without a box
    with torch.inference_mode():  # what a prediction leaves behind is no hindrance to training
        net.eval()(torch.rand(2, 3, 64, 64))
    losses = net.train()({"pixels": torch.rand(2, 3, 64, 64), "target": target})
    assert losses.shape == (2,) and bool(torch.isfinite(losses).all())
    losses.mean().backward()
    assert any(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in net.roles()["kernels"])
    with torch.inference_mode():
        found = net.eval()(torch.rand(2, 3, 64, 64))
    real = found[0][found[0, :, 0] >= 0]
    assert found.shape == (2, MOST, 6) and len(real) == 2 * TINY[kind]["num_queries"]  # each query with each class
    assert bool((real[:, 1].diff() <= 0).all()) and bool(((real[:, 1] >= 0) & (real[:, 1] <= 1)).all())
    assert bool((real[:, 2] <= real[:, 4]).all())


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_gives_all_but_the_class_heads(kind: str, tmp_path: Path) -> None:
    path = folder(tmp_path / "m", kind, classes=7)
    assert is_hub_folder(str(path))
    config = config_of("auto", str(path))
    first, _ = build_hub_detector(config, str(path), 3)
    second, _ = build_hub_detector(config, str(path), 3)
    for (name, one), two in zip(first.net.named_parameters(), second.net.parameters(), strict=True):
        assert "class" in name or "score" in name or bool(torch.equal(one, two)), name


def test_roles_hold_every_weight_once() -> None:
    net, _ = build_hub_detector({"model_type": "rt_detr", **TINY["rt_detr"]}, None, 2)
    placed = [id(p) for params in net.roles().values() for p in params]
    assert sorted(placed) == sorted(id(p) for p in net.parameters() if p.requires_grad)


def test_what_can_be_trained_from_scratch_is_a_known_kind_and_priced() -> None:
    for name, config in HUB_DETECTORS.items():
        assert config["model_type"] in KINDS and WORK[name] > 0
        assert config_of(name, None) is config


def test_other_models_and_broken_folders_are_refused(tmp_path: Path) -> None:
    path = folder(tmp_path / "m", "rt_detr")
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "model_type": "yolos"}))
    assert not is_hub_folder(str(path))
    with pytest.raises(RecipeError, match=r"no detector that can be trained here; got yolos"):
        config_of("transformers/yolos", str(path))
    (path / "config.json").write_text(json.dumps({**config, "decoder_layers": 3}))
    with pytest.raises(RecipeError, match=r"cannot be built; got \d+ weights are not in the file"):
        build_hub_detector(config_of("auto", str(path)), str(path), 2)
    with pytest.raises(RecipeError, match=r"model\.name=.*config\.json"):
        config_of("transformers/nowhere", None)
    assert not is_hub_folder(str(tmp_path / "absent"))


def test_pixels_are_scaled_as_the_folder_says(tmp_path: Path) -> None:
    path = folder(tmp_path / "m", "rt_detr")
    assert pixel_range(str(path)) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    said = {"do_normalize": True, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.2]}
    (path / "preprocessor_config.json").write_text(json.dumps(said))
    assert pixel_range(str(path)) == ((0.5, 0.4, 0.3), (0.2, 0.2, 0.2))
    (path / "preprocessor_config.json").write_text(json.dumps({**said, "do_normalize": False}))
    assert pixel_range(str(path)) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    for broken in (json.dumps({**said, "image_std": [0, 1, 1]}), '{"do_normalize": true}', "[]", "{"):
        (path / "preprocessor_config.json").write_text(broken)
        with pytest.raises(RecipeError, match="does not say how pixels are scaled"):
            pixel_range(str(path))


def test_a_hub_name_without_a_connection_is_a_friendly_error() -> None:
    with pytest.raises(RecipeError, match="off-line"):
        is_hub_folder("hub:owner/name@" + "0" * 40)
