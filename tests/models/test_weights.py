"""Weights files: what is read, what is refused, and that every refusal says the way out."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from goodfit.core.errors import RecipeError
from goodfit.models import download
from goodfit.models.weights import fill, inspect_weights, locate, read_tensors

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def saved(path: Path, tensors: dict[str, torch.Tensor] | None = None, **metadata: str) -> Path:
    save_file(tensors or {"weight": torch.zeros(2, 2), "bias": torch.zeros(2)}, path, metadata=metadata or None)
    return path


def test_metadata_gives_architecture_mean_std_and_side(shared_data: Path) -> None:
    info = inspect_weights(shared_data / "weights" / "mobilenet_v2_imagenet1k.safetensors")
    assert info.architecture == "torchvision/mobilenet_v2"
    assert (info.outputs, info.size, info.resize) == (1000, 224, 256)
    assert info.mean == (0.485, 0.456, 0.406)
    assert info.std == (0.229, 0.224, 0.225)
    assert info.licence == "Apache-2.0"


def test_words_behind_the_architecture_are_not_part_of_its_name(shared_data: Path) -> None:
    info = inspect_weights(shared_data / "weights" / "cifar_resnet20_cifar10.safetensors")
    assert info.architecture == "cifar_resnet20"


def test_config_beside_the_file_is_read_in_timms_form(tmp_path: Path) -> None:
    config = {
        "architecture": "resnet18",
        "num_classes": 7,
        "pretrained_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "input_size": [3, 160, 160]},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    info = inspect_weights(saved(tmp_path / "model.safetensors"))
    assert (info.architecture, info.outputs, info.size, info.mean) == ("timm/resnet18", 7, 160, (0.5, 0.5, 0.5))


def test_a_folder_stands_for_the_file_in_it(tmp_path: Path) -> None:
    path = saved(tmp_path / "model.safetensors")
    assert locate(str(tmp_path)) == path.resolve()


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".ckpt", ".pkl"])
def test_pickled_weights_are_refused_with_the_way_to_convert(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"net{suffix}").write_bytes(b"\x80\x02")
    with pytest.raises(RecipeError, match="safetensors.*save_file"):
        locate(str(tmp_path / f"net{suffix}"))


def test_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="nowhere.safetensors"):
        inspect_weights(tmp_path / "nowhere.safetensors")


def test_truncated_file_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.safetensors", {"weight": torch.zeros(100, 100)})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RecipeError, match="not a whole safetensors file"):
        inspect_weights(path)


def test_pickle_named_safetensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(b"\x80\x02}q\x00." * 20)
    with pytest.raises(RecipeError, match="not a whole safetensors file"):
        inspect_weights(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("std", "[0, 1, 1]"), ("mean", "[NaN, 0, 0]"), ("mean", "[1]"), ("input_size", "[3, 99999, 99999]"), ("std", "x")],
)
def test_senseless_metadata_is_refused_by_key(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(RecipeError, match=f"'{key}' makes no sense"):
        inspect_weights(saved(tmp_path / "net.safetensors", None, **{key: value}))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_tensors_that_are_not_finite_are_refused_by_name(tmp_path: Path, value: float) -> None:
    path = saved(tmp_path / "net.safetensors", {"layer.weight": torch.tensor([1.0, value])})
    with pytest.raises(RecipeError, match="'layer.weight' holds NaN"):
        read_tensors(path)


def test_half_precision_is_widened(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.safetensors", {"a": torch.ones(2, dtype=torch.bfloat16), "n": torch.ones(1).long()})
    tensors = read_tensors(path)
    assert tensors["a"].dtype == torch.float32
    assert tensors["n"].dtype == torch.int64


def two_layers() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))


def test_fill_copies_all_but_the_head() -> None:
    net, donor = two_layers(), two_layers()
    fresh = net[1].weight.clone()
    fill(net, donor.state_dict(), skip="1", what="two layers")
    assert torch.equal(net[0].weight, donor[0].weight)
    assert torch.equal(net[1].weight, fresh)


def test_missing_and_unexpected_tensors_are_counted_and_named() -> None:
    tensors = {**two_layers().state_dict(), "stray.weight": torch.zeros(1)}
    del tensors["0.bias"]
    with pytest.raises(RecipeError, match=r"1 tensors missing \(0.bias\), 1 unexpected \(stray.weight\)"):
        fill(two_layers(), tensors, skip=None, what="two layers")


def test_wrong_shape_is_refused_before_anything_is_copied() -> None:
    net = two_layers()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    tensors = {**two_layers().state_dict(), "1.weight": torch.zeros(9, 4)}
    with pytest.raises(RecipeError, match=r"got \(9, 4\); allowed: \(2, 4\)"):
        fill(net, tensors, skip=None, what="two layers")
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


@pytest.mark.parametrize("revision", ["", "@main", "@v1.0", "@0123abc"])
def test_hub_names_need_a_pinned_commit(revision: str) -> None:
    with pytest.raises(RecipeError, match="40 hex digits.*hub:timm/resnet18@COMMIT"):
        locate(f"hub:timm/resnet18{revision}")


@pytest.mark.parametrize("name", ["hub:resnet18", "hub:a/b/c", "hub:../x/y", "hub:a b/c"])
def test_malformed_hub_names_are_refused(name: str) -> None:
    with pytest.raises(RecipeError, match="hub:owner/name@commit"):
        locate(name)


def test_off_line_hub_names_the_exact_file_wanted_in_under_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://192.0.2.1")  # TEST-NET-1: never answers, RFC 5737
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    start = time.monotonic()
    with pytest.raises(RecipeError, match=f"model.safetensors of https://huggingface.co/timm/resnet18 at {COMMIT}"):
        locate(f"hub:timm/resnet18@{COMMIT}")
    assert time.monotonic() - start < 5


def test_a_name_lookup_that_hangs_counts_as_off_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_FIRST_ANSWER_S", 0.05)

    def hang(*address: object, **options: object) -> None:
        time.sleep(0.5)
        raise OSError("no such host")

    monkeypatch.setattr(download.socket, "create_connection", hang)
    assert not download._answers("https://example.invalid")
