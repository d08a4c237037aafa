"""The thin ResNets: tensor names, parameter counts and shortcuts as in the paper."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from goodfit.core.errors import RecipeError
from goodfit.models.cifar_resnet import BasicBlock, build_cifar_resnet


@pytest.mark.parametrize(("name", "millions"), [("cifar_resnet20", 0.27), ("cifar_resnet56", 0.85)])
def test_parameter_count_is_the_papers(name: str, millions: float) -> None:
    count = sum(p.numel() for p in build_cifar_resnet(name).parameters())
    assert round(count / 1e6, 2) == millions


@pytest.mark.parametrize("layers", [20, 56])
def test_published_weights_load_strictly(shared_data: Path, layers: int) -> None:
    net = build_cifar_resnet(f"cifar_resnet{layers}")
    net.load_state_dict(load_file(shared_data / "weights" / f"cifar_resnet{layers}_cifar10.safetensors"), strict=True)
    assert net.eval()(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_shortcut_takes_every_second_pixel_and_pads_channels_with_zeros() -> None:
    block = BasicBlock(2, 4).eval()
    torch.nn.init.zeros_(block.conv2.weight)
    x = torch.rand(1, 2, 6, 6)
    out = block(x).detach()
    assert torch.equal(out[:, 1:3], x[:, :, ::2, ::2])
    assert float(out[:, [0, 3]].abs().max()) == 0


def test_plain_block_adds_its_input() -> None:
    block = BasicBlock(4, 4).eval()
    torch.nn.init.zeros_(block.conv2.weight)
    x = torch.randn(1, 4, 6, 6)
    assert torch.equal(block(x), F.relu(x))


@pytest.mark.parametrize("name", ["cifar_resnet21", "cifar_resnet", "cifar_resnet2", "cifar_resnet99999"])
def test_other_depths_are_refused(name: str) -> None:
    with pytest.raises(RecipeError, match="6n \\+ 2"):
        build_cifar_resnet(name)
