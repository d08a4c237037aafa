"""The door: each family builds by name, heads are replaced, local files fill networks from their metadata alone."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from goodfit.core.errors import RecipeError, UsageError
from goodfit.models.heads import Head
from goodfit.models.vision import build, family_of, features, full_name, head_name, head_of


def weights(shared_data: Path, name: str) -> str:
    return str(shared_data / "weights" / f"{name}.safetensors")


@pytest.mark.parametrize(
    ("file", "name", "family", "size", "width"),
    [
        ("mobilenet_v2_imagenet1k", "torchvision/mobilenet_v2", "mobilenet", 224, 1280),
        ("squeezenet1_1_imagenet1k", "torchvision/squeezenet1_1", "squeezenet", 224, 512),
        ("cifar_resnet20_cifar10", "cifar_resnet20", "resnet", 32, 64),
        ("cifar_resnet56_cifar10", "cifar_resnet56", "resnet", 32, 64),
    ],
)
def test_local_weights_load_from_their_metadata_alone(
    shared_data: Path, file: str, name: str, family: str, size: int, width: int
) -> None:
    built = build("auto", 2, weights(shared_data, file))
    assert (built.name, built.family, built.size) == (name, family, size)
    assert built.mean == (0.485, 0.456, 0.406)
    x = torch.zeros(2, 3, 64, 64)
    assert built.net.eval()(x).shape == (2, 2)
    assert features(built.net, x).shape == (2, width)
    stored = load_file(weights(shared_data, file))
    own = built.net.state_dict()
    backbone = [k for k in own if not k.startswith(head_name(built.net) + ".")]
    assert all(torch.equal(own[k], stored[k]) for k in backbone)


def test_the_weights_own_head_can_be_kept(shared_data: Path) -> None:
    built = build("auto", None, weights(shared_data, "cifar_resnet20_cifar10"))
    stored = load_file(weights(shared_data, "cifar_resnet20_cifar10"))
    assert torch.equal(built.net.state_dict()["fc.weight"], stored["fc.weight"])


def test_pretrained_mobilenet_knows_ants_from_bees(shared_data: Path) -> None:
    """77 % of 153 pictures were measured as the very class of 1,000; half of 16 is far above chance and cheap."""
    built = build("auto", None, weights(shared_data, "mobilenet_v2_imagenet1k"))
    pictures, target = [], []
    with zipfile.ZipFile(shared_data / "hymenoptera.zip") as archive:
        names = sorted(n for n in archive.namelist() if "/val/" in n and n.endswith(".jpg"))
        for name in names[:8] + names[-8:]:
            picture = Image.open(io.BytesIO(archive.read(name))).convert("RGB")
            side = min(picture.size)
            left, top = (picture.width - side) // 2, (picture.height - side) // 2
            picture = picture.crop((left, top, left + side, top + side)).resize((224, 224), Image.Resampling.BILINEAR)
            pictures.append(np.asarray(picture))
            target.append(310 if "ants" in name else 309)
    x = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    x = (x - torch.tensor(built.mean).view(1, 3, 1, 1)) / torch.tensor(built.std).view(1, 3, 1, 1)
    with torch.no_grad():
        said = built.net.eval()(x).argmax(1).numpy()
    assert np.mean(said == target) >= 0.5


@pytest.mark.parametrize(
    ("name", "family", "side"),
    [
        ("resnet18", "resnet", 64),
        ("mobilenet_v3_small", "mobilenet", 64),
        ("regnet_y_400mf", "regnet", 64),
        ("efficientnet_b0", "efficientnet", 64),
        ("densenet121", "densenet", 64),
        ("timm/convnext_atto", "convnext", 64),
        ("timm/vit_tiny_patch16_224", "vit", 64),
        ("timm/mobilenetv3_small_050", "mobilenet", 64),
        ("small_xs", "resnet", 16),
    ],
)
def test_families_build_by_name_and_give_k_outputs(name: str, family: str, side: int) -> None:
    built = build(name, 5, size=side)
    assert built.family == family
    assert built.mean is None
    assert built.source == ""
    assert built.net.eval()(torch.zeros(2, 3, side, side)).shape == (2, 5)
    assert head_of(built.net).weight.shape[0] == 5  # type: ignore[union-attr,index]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("vgg11", "vgg"),
        ("inception_v3", "inception"),
        ("vit_b_16", "vit"),
        ("convnext_tiny", "convnext"),
        ("timm/resnet18", "resnet"),
        ("timm/vgg11", "vgg"),
        ("timm/inception_v3", "inception"),
        ("timm/efficientnet_b0", "efficientnet"),
        ("timm/regnety_002", "regnet"),
        ("timm/densenet121", "densenet"),
    ],
)
def test_heavy_families_build_by_name_and_give_k_outputs(name: str, family: str) -> None:
    built = build(name, 5)
    assert built.family == family
    assert built.size is not None
    assert built.net.eval()(torch.zeros(1, 3, built.size, built.size)).shape == (1, 5)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("timm/seresnext50_32x4d", "resnet"),
        ("timm/tf_efficientnetv2_s", "efficientnet"),
        ("timm/mobilevit_s", "vit"),
        ("timm/inception_resnet_v2", "inception"),
        ("timm/deit_small_patch16_224", "vit"),
        ("torchvision/wide_resnet50_2", "resnet"),
        ("torchvision/alexnet", "alexnet"),
    ],
)
def test_family_follows_from_the_name(name: str, family: str) -> None:
    assert family_of(name) == family


def test_bare_names_prefer_torchvision_and_fall_to_timm() -> None:
    assert full_name("resnet18") == "torchvision/resnet18"
    assert full_name("vit_tiny_patch16_224") == "timm/vit_tiny_patch16_224"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("resnet81", "resnet18"),
        ("torchvision/mobilenet_v22", "mobilenet_v2"),
        ("smal_m", "small_m"),
        ("timm/squeezenet1_1", "torchvision/squeezenet1_1"),
    ],
)
def test_unknown_names_offer_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"Did you mean '{hint}'"):
        build(name, 2)


@pytest.mark.parametrize("name", ["hf-hub:timm/resnet18", "timm/hf-hub:x", "timm/../resnet18", "os.system", "timm/"])
def test_names_that_would_reach_elsewhere_are_unknown(name: str) -> None:
    with pytest.raises(UsageError, match="no network of this name"):
        build(name, 2)


def test_auto_without_a_named_architecture_asks_for_one(tmp_path: Path) -> None:
    save_file({"w": torch.zeros(1)}, tmp_path / "net.safetensors")
    with pytest.raises(RecipeError, match="add model.name="):
        build("auto", 2, str(tmp_path / "net.safetensors"))


def test_weights_of_another_network_are_refused(shared_data: Path) -> None:
    with pytest.raises(RecipeError, match="not those of torchvision/resnet18"):
        build("resnet18", 2, weights(shared_data, "mobilenet_v2_imagenet1k"))


def test_new_head_starts_near_zero_and_drops_only_in_training() -> None:
    net = build("mobilenet_v3_small", 4, dropout=0.5).net
    head = head_of(net)
    assert isinstance(head, Head)
    assert float(head.weight.detach().abs().max()) < 0.1  # ten deviations of 0.01
    assert float(head.bias.detach().abs().max()) == 0
    x = torch.randn(8, head.in_features)
    net.eval()
    assert torch.equal(head(x), head(x))
    net.train()
    assert not torch.equal(head(x), head(x))


def test_only_the_recipes_dropout_is_left() -> None:
    for name in ("mobilenet_v2", "efficientnet_b0", "squeezenet1_1"):
        net = build(name, 4).net
        assert [m.p for m in net.modules() if isinstance(m, torch.nn.Dropout) and m.p > 0] == []


@pytest.mark.parametrize(
    "name", ["resnet18", "mobilenet_v2", "regnet_y_400mf", "efficientnet_b0", "timm/convnext_atto"]
)
def test_drop_path_changes_training_only(name: str) -> None:
    torch.manual_seed(0)
    net = build(name, 4, drop_path=0.5).net
    x = torch.randn(4, 3, 64, 64)
    torch.nn.init.normal_(head_of(net).weight)  # type: ignore[arg-type]
    for module in net.modules():
        if type(module).__name__ == "LayerScale2d" or hasattr(module, "gamma"):
            torch.nn.init.ones_(module.gamma)  # type: ignore[arg-type]
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.0  # keeps evaluation the same before and after
    with torch.no_grad():
        first = net.eval()(x)
        net.train()
        assert not torch.equal(net(x), net(x))
        assert torch.equal(net.eval()(x), first)


def test_drop_path_without_residual_blocks_is_an_error() -> None:
    with pytest.raises(RecipeError, match="model.drop_path"):
        build("squeezenet1_1", 2, drop_path=0.1)


def test_width_of_a_fixed_network_is_an_error() -> None:
    with pytest.raises(RecipeError, match="model.width"):
        build("resnet18", 2, width=64)


def test_squeezenet_gives_negative_logits_too() -> None:
    torch.manual_seed(0)
    net = build("squeezenet1_1", 50).net.eval()
    with torch.no_grad():
        assert float(net(torch.randn(4, 3, 64, 64)).min()) < 0


def test_features_are_what_the_head_sees() -> None:
    net = build("resnet18", 3).net.eval()
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(head_of(net)(features(net, x)), net(x), atol=1e-6)


def test_vision_transformers_of_two_heads_are_refused() -> None:
    with pytest.raises(RecipeError, match="two heads"):
        build("timm/deit_tiny_distilled_patch16_224", 2)
