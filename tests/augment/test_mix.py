"""Mixed targets sum to one, mixed areas are what the targets say."""

import numpy as np
import pytest
import torch

from goodfit.augment import mix


def batch(n: int = 4, side: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    inputs = torch.arange(1, n + 1).float().view(n, 1, 1, 1).expand(n, 3, side, side).clone()
    return inputs, mix.one_hot(torch.arange(n), n)


def test_mixup_target_rows_sum_to_one_and_hold_the_share() -> None:
    inputs, target = batch()
    mixed, rows = mix.mixup(inputs, target, np.array([0.25, 1.0, 0.5, 0.0]))
    assert rows.sum(1).tolist() == pytest.approx([1.0] * 4)
    assert rows[0].tolist() == pytest.approx([0.25, 0, 0, 0.75])
    assert rows[1].tolist() == pytest.approx([0, 1, 0, 0])
    assert mixed[0, 0, 0, 0].item() == pytest.approx(0.25 * 1 + 0.75 * 4)


def test_cutmix_target_is_the_area_that_stayed() -> None:
    inputs, target = batch()
    mixed, rows = mix.cutmix(inputs, target, np.full(4, 0.75), np.full(4, 0.5), np.full(4, 0.5))
    for i in range(4):
        own = (mixed[i, 0] == inputs[i, 0]).float().mean().item()
        assert own == pytest.approx(0.75)
        assert rows[i, i].item() == pytest.approx(own)


def test_cutmix_counts_only_the_part_of_the_box_inside_the_picture() -> None:
    inputs, target = batch()
    mixed, rows = mix.cutmix(inputs, target, np.full(4, 0.75), np.zeros(4), np.zeros(4))
    assert (mixed[0, 0] == inputs[0, 0]).float().mean().item() == pytest.approx(1 - 4 / 64)
    assert rows[0, 0].item() == pytest.approx(1 - 4 / 64)


def test_share_one_leaves_everything_as_it_was() -> None:
    inputs, target = batch()
    for mixed, rows in (
        mix.mixup(inputs, target, np.ones(4)),
        mix.cutmix(inputs, target, np.ones(4), np.full(4, 0.5), np.full(4, 0.5)),
    ):
        assert torch.equal(mixed, inputs)
        assert torch.equal(rows, target)


@pytest.mark.parametrize(("at", "blank"), [(0.5, 16), (0.0, 4), (0.999, 6)])
def test_erasing_blanks_a_square_cut_off_at_the_edge(at: float, blank: int) -> None:
    erased = mix.erase(torch.ones(2, 3, 8, 8), 4, np.full(2, at), np.full(2, at))
    blanks = (erased[0, 0] == 0).sum().item()
    assert blanks == {16: 16, 4: 9, 6: 4}[blank]


def test_blanked_rectangles_lie_inside_and_cover_up_to_the_share_asked_for() -> None:
    draws = np.random.default_rng(0).random((400, 4))
    erased = mix.erase_area(torch.ones(400, 3, 40, 40), 0.3, draws)
    share = (erased[:, 0] == 0).float().mean((1, 2)).numpy()
    uncut = np.abs(np.log(10 / 3) * (draws[:, 1] * 2 - 1)) < np.log(1 / 0.3)
    assert share.max() == pytest.approx(0.3, abs=0.01)
    assert share[uncut] == pytest.approx(0.3 * draws[uncut, 0], abs=0.05)  # sides are whole pixels
    filled = [(p == 0).any(0).sum() * (p == 0).any(1).sum() == (p == 0).sum() for p in erased[:, 0]]
    assert all(filled)  # a rectangle


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("form", [torch.contiguous_format, torch.channels_last])
def test_boxes_are_filled_alike_in_every_type_and_layout(dtype: torch.dtype, form: torch.memory_format) -> None:
    inputs = torch.rand(3, 3, 8, 8).to(dtype)
    edges = tuple(np.array(edge) for edge in ([1, 0, 4], [2, 3, 0], [5, 8, 4], [4, 7, 8]))
    made = mix._filled(inputs.clone().contiguous(memory_format=form), edges, inputs)
    inside = mix._boxes(*edges, 8, 8, inputs.device)[:, None]
    assert torch.equal(made, torch.where(inside, inputs.roll(1, 0), inputs))


def test_several_labels_and_numbers_are_blended_as_they_are() -> None:
    labels = torch.tensor([[1.0, 1.0], [0.0, 1.0]])
    assert mix.one_hot(labels, 2) is labels
    _, rows = mix.mixup(torch.ones(2, 3, 2, 2), torch.tensor([10.0, 20.0]), np.array([0.5, 1.0]))
    assert rows.tolist() == [15.0, 20.0]


def test_blends_within_a_class_keep_to_their_class_and_its_target() -> None:
    inputs = torch.tensor([[1.0], [10.0], [3.0], [20.0], [5.0]])
    blended = mix.within_class(inputs, np.array([0, 1, 0, 1, 0]), np.array([0.5, 0.25, 1.0, 1.0, 0.0]))
    assert blended[:, 0].tolist() == pytest.approx([2.0, 0.25 * 10 + 0.75 * 20, 3.0, 20.0, 1.0])


def test_a_sample_alone_in_its_class_is_blended_with_itself() -> None:
    assert mix.within_class(torch.tensor([[7.0], [9.0]]), np.array([0, 1]), np.zeros(2))[:, 0].tolist() == [7.0, 9.0]
