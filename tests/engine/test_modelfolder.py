"""Model folders: there and back, and whole after a cut at any moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from goodfit.core.errors import CheckpointError, UsageError
from goodfit.core.task import State
from goodfit.engine import modelfolder
from goodfit.engine.modelfolder import read_model, write_model


def _state(value: float) -> State:
    return State(tensors={"head.weight": torch.full((2, 3), value)}, meta={"family": "resnet", "steps": 7})


def test_model_comes_back_with_its_tree(tmp_path: Path) -> None:
    write_model(tmp_path / "model", _state(1.5), {"classes": ["猫", "dog"], "temperature": 1.25})
    state, tree = read_model(tmp_path / "model")
    assert torch.equal(state.tensors["head.weight"], torch.full((2, 3), 1.5))
    assert state.meta == {"family": "resnet", "steps": 7}
    assert tree == {"schema": 1, "classes": ["猫", "dog"], "temperature": 1.25}
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == ["model.json", "model.safetensors"]


def test_edited_tree_counts_as_long_as_the_weights_are_its_own(tmp_path: Path) -> None:
    write_model(tmp_path, _state(1.0), {"temperature": 1.0})
    tree = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**tree, "temperature": 2.0}))
    assert read_model(tmp_path)[1]["temperature"] == 2.0


def test_cut_between_the_two_files_leaves_a_whole_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path, _state(1.0), {"temperature": 1.0})
    plain = modelfolder.write_atomic

    def cut(path: Path, data: Any) -> None:
        if path.suffix == ".json":
            raise KeyboardInterrupt
        plain(path, data)

    monkeypatch.setattr(modelfolder, "write_atomic", cut)
    with pytest.raises(KeyboardInterrupt):
        write_model(tmp_path, _state(2.0), {"temperature": 3.0})
    state, tree = read_model(tmp_path)
    assert (float(state.tensors["head.weight"][0, 0]), tree["temperature"]) == (2.0, 3.0)


def test_full_disk_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path, _state(1.0), {})

    def full(path: Path, data: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(modelfolder, "write_atomic", full)
    with pytest.raises(OSError, match="No space"):
        write_model(tmp_path, _state(2.0), {})
    assert float(read_model(tmp_path)[0].tensors["head.weight"][0, 0]) == 1.0


def test_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no model.*model.safetensors and model.json"):
        read_model(tmp_path)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    write_model(tmp_path, _state(1.0), {})
    (tmp_path / "model.safetensors").write_bytes(b"\x00" * 50)
    with pytest.raises(CheckpointError, match="damaged"):
        read_model(tmp_path)


@pytest.mark.parametrize("at", [-5, 300])
def test_one_flipped_bit_is_refused(at: int, tmp_path: Path) -> None:
    write_model(tmp_path, _state(1.0), {"note": "x" * 500})
    data = bytearray((tmp_path / "model.safetensors").read_bytes())
    data[at] ^= 1
    (tmp_path / "model.safetensors").write_bytes(bytes(data))
    with pytest.raises(CheckpointError, match="model.safetensors is not as it was written"):
        read_model(tmp_path)


def test_weights_that_are_not_finite_are_refused_by_name(tmp_path: Path) -> None:
    write_model(tmp_path, _state(float("nan")), {})
    with pytest.raises(CheckpointError, match="head.weight holds NaN"):
        read_model(tmp_path)


def test_model_of_another_schema_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path, _state(1.0), {"schema": 99})
    with pytest.raises(UsageError, match="another version of goodfit; got 99"):
        read_model(tmp_path)


def test_number_that_json_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_model(tmp_path, _state(1.0), {"temperature": float("nan")})
