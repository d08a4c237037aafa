"""The small family: residual in every stage, right shapes from 8 to 224 pixels, whitened stem, roles that cover all."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from goodfit.core.errors import RecipeError, UsageError
from goodfit.models.small import SMALL, OffsetNorm, SmallNet, Stage, build_small, drop_path, scaled_widths, shape_for


def tiny(**options: object) -> SmallNet:
    return SmallNet((8, 8, 8), 3, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("residual", ["after", "before"])
@pytest.mark.parametrize("depth", [2, 3])
def test_every_stage_has_an_identity_sum(residual: str, depth: int) -> None:
    """With the branch's convolutions at zero, a stage passes on what its first half made; a plain stage would not."""
    for stage in tiny(residual=residual, depth=depth).eval().stages:
        assert isinstance(stage, Stage)
        for conv in list(stage.convs)[1:]:
            nn.init.zeros_(conv.weight)
        x = torch.randn(2, stage.convs[0].in_channels, 8, 8)
        first = stage.convs[0](x)
        first = F.gelu(stage.norms[0](F.max_pool2d(first, 2) if stage.pool else first))
        passed = first
        if residual == "before":
            for _ in range(depth - 1):
                passed = F.gelu(passed)
        assert torch.equal(stage(x), passed)


@pytest.mark.parametrize("side", [8, 9, 12, 16, 24, 28, 32, 47, 48, 64, 96, 128, 160, 224])
def test_output_is_batch_by_classes_in_fp32_at_every_side(side: int) -> None:
    net = tiny(side=side).eval()
    out = net(torch.randn(2, 3, side, side))
    assert out.shape == (2, 3)
    assert out.dtype == torch.float32


@pytest.mark.parametrize(
    ("side", "least", "most"), [(8, 3, 3), (32, 3, 3), (64, 4, 4), (96, 4, 4), (224, 7, 7), (512, 8, 8)]
)
def test_last_map_keeps_between_3_and_9_pixels(side: int, least: int, most: int) -> None:
    net = tiny(side=side).eval()
    x = net.stem(torch.randn(1, 3, side, side))
    last = net.stages(F.max_pool2d(x, net.shape.shrink)).shape[-1]
    assert least <= last <= most


def test_a_net_for_32_pixels_also_takes_8_and_24_for_growing_sizes() -> None:
    net = tiny(side=32).eval()
    assert [net(torch.randn(1, 3, side, side)).shape for side in (8, 12, 24, 40)] == [(1, 3)] * 4


def test_digits_of_8_pixels_are_halved_once() -> None:
    assert shape_for(8, 3).pools == (True, False, False)


def test_sides_below_8_are_refused_by_key() -> None:
    with pytest.raises(RecipeError, match="model.size"):
        shape_for(7, 3)


def test_family_has_five_sizes_that_grow() -> None:
    sizes = [sum(p.numel() for p in build_small(name, 10).parameters()) for name in SMALL]
    assert len(sizes) == 5
    assert sizes == sorted(sizes)
    assert sizes[2] == 1_972_792  # three stages of 64, 256, 256


def test_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'small_m'"):
        build_small("smal_m", 10)


def test_width_scales_all_stages_in_steps_of_eight() -> None:
    assert scaled_widths((64, 256, 256), 128) == (32, 128, 128)
    assert scaled_widths((64, 256, 256), 100) == (24, 96, 96)
    with pytest.raises(RecipeError, match="model.width"):
        scaled_widths((64, 256, 256), 4)


def test_depth_one_has_no_room_for_a_residual() -> None:
    with pytest.raises(RecipeError, match="model.depth"):
        build_small("small_xs", 10, depth=1)


def test_whitened_patches_have_unit_variance_along_each_direction() -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 3, 12, 12) @ torch.diag(torch.linspace(0.5, 2, 12))
    x[:, 1] = 0.7 * x[:, 0] + 0.3 * x[:, 1]  # correlated colours, as in pictures
    net = tiny()
    net.whiten(x, eps=0.0)
    out = F.conv2d(x, net.stem.weight)[:, :12].permute(1, 0, 2, 3).flatten(1)
    moment = out @ out.T / out.shape[1]
    assert torch.allclose(moment, torch.eye(12), atol=1e-3)  # fp32 sums over 36,300 patches


def test_second_half_of_the_stem_is_the_negative_of_the_first() -> None:
    net = tiny()
    net.whiten(torch.rand(50, 3, 10, 10))
    assert torch.equal(net.stem.weight[:12], -net.stem.weight[12:])


def test_grey_pictures_repeat_the_directions_that_vary() -> None:
    """Of 12 directions one colour leaves 4; the empty ones would carry rounding, blown up behind a norm."""
    net, x = tiny(), torch.rand(50, 1, 10, 10).expand(-1, 3, -1, -1)
    net.whiten(x)
    filters = net.stem.weight[:12]
    assert torch.equal(filters[:4], filters[4:8])
    assert torch.equal(filters[:4], filters[8:])
    assert float(F.conv2d(x, filters).std(dim=(0, 2, 3)).min()) > 0.1


def test_pictures_of_one_colour_leave_a_finite_stem() -> None:
    net = tiny()
    net.whiten(torch.zeros(5, 3, 10, 10))
    assert torch.isfinite(net.stem.weight).all()


def test_whitening_in_parts_equals_whitening_at_once() -> None:
    x, y = torch.rand(600, 3, 9, 9), tiny()
    y.whiten(x)
    patches = x.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12)
    value, vector = torch.linalg.eigh((patches.T @ patches / len(patches)).double())
    expected = (vector / (value + 5e-4).sqrt()).T.reshape(-1, 3, 2, 2).flip(0).float()
    overlap = (y.stem.weight[:12] * expected).flatten(1).sum(1) / expected.flatten(1).pow(2).sum(1)
    assert torch.allclose(overlap.abs(), torch.ones(12), atol=1e-3)  # the sign of a direction is free


def test_roles_hold_every_trainable_parameter_once_and_no_frozen_one() -> None:
    net = tiny(depth=3)
    listed = [p for group in net.roles().values() for p in group]
    assert {id(p) for p in listed} == {id(p) for p in net.parameters() if p.requires_grad}
    assert len(listed) == len({id(p) for p in listed})
    assert {k: len(v) for k, v in net.roles().items()} == {"kernels": 9, "offsets": 9, "stem_bias": 1, "head": 1}


def test_stem_filters_and_norm_scales_are_frozen() -> None:
    net = tiny()
    assert not net.stem.weight.requires_grad
    assert all(not m.weight.requires_grad for m in net.modules() if isinstance(m, OffsetNorm))


def test_logits_start_near_unit_size_for_any_width() -> None:
    torch.manual_seed(0)
    for width in (16, 64):
        net = SmallNet((width,) * 3, 10).train()
        net.whiten(torch.randn(64, 3, 32, 32))
        spread = float(net(torch.randn(64, 3, 32, 32)).detach().std())
        assert 0.05 < spread < 5


def test_drop_path_keeps_the_mean_and_is_off_in_evaluation() -> None:
    torch.manual_seed(0)
    branch = torch.ones(20_000, 1, 1, 1)
    dropped = drop_path(branch, 0.25, training=True)
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])
    assert float(dropped.mean()) == pytest.approx(1.0, abs=0.02)  # 4 standard errors of a share of 20,000
    assert drop_path(branch, 0.25, training=False) is branch


def test_drop_path_rises_to_the_last_block() -> None:
    assert [stage.rates for stage in tiny(drop_path=0.2).stages] == [[0.0], [pytest.approx(0.1)], [pytest.approx(0.2)]]


def test_dropout_changes_training_only() -> None:
    net, x = tiny(dropout=0.5), torch.randn(4, 3, 32, 32)
    net.eval()
    assert torch.equal(net(x), net(x))
    net.train()
    assert not torch.equal(net(x), net(x))


@pytest.mark.parametrize("residual", ["after", "before"])
def test_a_net_learns_two_colours_in_thirty_steps(residual: str) -> None:
    torch.manual_seed(0)
    y = torch.arange(64) % 2
    x = torch.randn(64, 3, 8, 8) + y.view(-1, 1, 1, 1) * 0.7
    net = SmallNet((8, 16), 2, 8, residual=residual)  # type: ignore[arg-type]
    net.whiten(x)
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1, momentum=0.9)
    for _ in range(30):
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float((net(x).argmax(1) == y).float().mean()) > 0.95
