"""The thin ResNets for 32-pixel pictures, 20 to 110 layers, which no model library carries; with their usual names.

Source: He et al. 2015, "Deep Residual Learning for Image Recognition", arXiv:1512.03385, section 4.2, option A.
"""

from __future__ import annotations

import re

import torch
import torch.nn.functional as F
from torch import nn

from ..core.errors import RecipeError


def build_cifar_resnet(name: str, outputs: int = 10) -> CifarResNet:
    """The net named cifar_resnet<layers>.

    Args:
        name: layers are 6n + 2: cifar_resnet20, 32, 44, 56, 110.
        outputs: K.
    Raises: RecipeError for another number of layers.
    """
    match = re.fullmatch(r"cifar_resnet(\d{1,4})", name)
    layers = int(match[1]) if match else 0
    if layers < 8 or (layers - 2) % 6:
        raise RecipeError(
            "no such network",
            got=name,
            allowed="cifar_resnet20, 32, 44, 56, 110 (6n + 2 layers)",
            do="choose one of these",
            where="model.name",
        )
    return CifarResNet((layers - 2) // 6, outputs)


class CifarResNet(nn.Module):
    """Three groups of basic blocks with 16, 32 and 64 channels, mean over pixels, linear head.

    Args:
        blocks: n, blocks in each group.
        outputs: K.
    Shape: (B, 3, H, W) -> (B, K).
    """

    family = "resnet"

    def __init__(self, blocks: int, outputs: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _group(16, 16, blocks)
        self.layer2 = _group(16, 32, blocks)
        self.layer3 = _group(32, 64, blocks)
        self.fc = nn.Linear(64, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) -> (B, K)."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return torch.as_tensor(self.fc(x.mean((2, 3))))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and an identity sum; where the size changes, every second pixel and channels of zeros."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.stride, self.pad = (1, 0) if cin == cout else (2, (cout - cin) // 2)
        self.conv1 = nn.Conv2d(cin, cout, 3, stride=self.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, cin, H, W) -> (B, cout, H / stride, W / stride)."""
        shortcut = x
        if self.pad:
            shortcut = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.pad, self.pad))
        branch = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(branch + shortcut)


def _group(cin: int, cout: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*[BasicBlock(cin if i == 0 else cout, cout) for i in range(blocks)])
