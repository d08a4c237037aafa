"""The preparer: exact where it can be, the same whatever the batch's company, and every view accounted for."""

from typing import Any

import numpy as np
import pytest
import torch

from goodfit.augment import geometry
from goodfit.augment.images import ImagePreparer, as_target, random_box, test_time_views
from goodfit.augment.options import ENTRIES, ImageAugment
from goodfit.core.errors import UsageError
from goodfit.data.loader import Moment
from goodfit.data.preprocess import Preprocess

PLAIN = ImageAugment(flip=False, crop_pad=0, scale=None, test_time="none")
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
PHOTOS = [np.random.default_rng(i).integers(0, 256, (30 + i, 50 - i, 3), dtype=np.uint8) for i in range(12)]
TARGET = np.arange(12) % 3


def preparer(options: ImageAugment = PLAIN, size: int = 16, crop: float = 1.0, **changes: Any) -> ImagePreparer:
    return ImagePreparer(
        options=options, plain=Preprocess(size=size, crop=crop), **({"seed": 5, "classes": 3} | changes)
    )


def moment(places: Any = None, epoch: int = 0, size: int = 0, training: bool = True) -> Moment:
    places = np.arange(12) if places is None else np.asarray(places)
    return Moment(epoch=epoch, places=places, positions=places + 100, size=size, training=training)


def plain_inputs(images: np.ndarray = IMAGES) -> torch.Tensor:
    return ((torch.from_numpy(images).float() / 255 - 0.5) / 0.25).permute(0, 3, 1, 2)


def test_nothing_switched_on_gives_the_normalised_pixels() -> None:
    inputs, target = preparer()(IMAGES, TARGET, moment())
    assert torch.allclose(inputs, plain_inputs(), atol=1e-5)
    assert torch.equal(target, torch.from_numpy(TARGET))


def test_the_plain_pass_ignores_augmentation() -> None:
    options = PLAIN.model_copy(update={"flip": True, "crop_pad": 3, "erase": 5, "mixup": 1.0, "rotate": 40.0})
    inputs, _ = preparer(options)(IMAGES, TARGET, moment(training=False))
    assert torch.allclose(inputs, plain_inputs(), atol=1e-5)


@pytest.mark.parametrize("images", [IMAGES, PHOTOS], ids=["uniform", "photographs"])
@pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if entry.name not in ("mixup", "cutmix")], ids=lambda e: e.name
)
def test_a_sample_depends_on_its_place_and_not_on_its_company(entry: Any, images: Any) -> None:
    prepare = preparer(PLAIN.model_copy(update=dict(entry.mild)), size=28, crop=0.875)
    whole, _ = prepare(images, TARGET, moment())
    some = [7, 2, 9]
    few = images[some] if isinstance(images, np.ndarray) else [images[i] for i in some]
    part, _ = prepare(few, TARGET[some], moment(some))
    assert torch.allclose(part, whole[some], atol=1e-4)


@pytest.mark.parametrize("images", [IMAGES, PHOTOS], ids=["uniform", "photographs"])
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
def test_every_entry_changes_pixels_repeats_itself_and_differs_by_epoch(entry: Any, images: Any) -> None:
    size = 32 if entry.name == "blur" else 12  # a share of 12 pixels is too little to see
    prepare = preparer(PLAIN.model_copy(update=dict(entry.mild)), size=size)
    first, again, later = (prepare(images, TARGET, moment(epoch=e))[0] for e in (0, 0, 1))
    plain = preparer(size=size)(images, TARGET, moment())[0]
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    assert not torch.equal(first, plain)
    assert first.shape == (12, 3, size, size)
    assert torch.isfinite(first).all()


MOVING = [
    entry for entry in ENTRIES if entry.kind in ("geometry", "policy") and entry.name not in ("crop_pad", "scale")
]


@pytest.mark.parametrize("entry", MOVING, ids=lambda e: e.name)
@pytest.mark.parametrize("listed", [False, True], ids=["uniform", "one by one"])
def test_a_marked_spot_lands_where_its_point_and_its_mask_land(entry: Any, listed: bool) -> None:
    """A white spot of 5 pixels about (20, 27) on black, 48 wide; moved so far that it leaves is not judged."""
    images, n = np.zeros((24, 48, 48, 3), np.uint8), 24
    images[:, 25:30, 18:23] = 255
    prepare = preparer(PLAIN.model_copy(update=dict(entry.mild)), size=48)
    inputs, _ = prepare(list(images) if listed else images, np.zeros(n, int), moment(np.arange(n)))
    matrices = prepare.matrices(images, moment(np.arange(n)), 48)
    masks = geometry.move_masks(images[..., 0] // 255, matrices, 48, outside=0)
    light = (inputs.mean(1).numpy() * 0.25 + 0.5).clip(0, 1)
    light = light * (light > 0.25)  # brightness may have changed, the spot stays the brightest
    y, x = np.mgrid[:48, :48] + 0.5
    judged = 0
    for i in range(n):
        wanted = geometry.move_points(np.array([20.5, 27.5]), matrices[i])
        inside = ((wanted > 8) & (wanted < 40)).all()
        if inside and light[i].sum() > 5 and light[i].max() - np.median(light[i]) > 0.2:
            centre = np.array([(light[i] * x).sum(), (light[i] * y).sum()]) / light[i].sum()
            assert centre == pytest.approx(wanted, abs=0.3)
            where = np.array([(masks[i] * x).sum(), (masks[i] * y).sum()]) / masks[i].sum()
            assert where == pytest.approx(wanted, abs=0.5)
            judged += 1
    assert judged > n / 3


def test_upside_down_and_quarter_turns_copy_pixels_and_use_every_case() -> None:
    prepare = preparer(PLAIN.model_copy(update={"quarter_turns": True, "flip_vertical": True}))
    images, seen = np.tile(IMAGES, (5, 1, 1, 1)), set()
    inputs = prepare(images, np.tile(TARGET, 5), moment(np.arange(60)))[0]
    for picture, turned in zip(plain_inputs(images), inputs, strict=True):
        cases = {(k, f): torch.rot90(picture.flip(1) if f else picture, -k, (1, 2)) for k in range(4) for f in (0, 1)}
        found = [case for case, wanted in cases.items() if torch.allclose(turned, wanted, atol=1e-5)]
        assert len(found) == 1
        seen.add(found[0])
    assert len({k for k, _ in seen}) == 4
    assert len({f for _, f in seen}) == 2


def test_a_zoom_of_a_half_changes_the_side_by_two_thirds_to_three_halves() -> None:
    prepare = preparer(PLAIN.model_copy(update={"zoom": 0.5}))
    where = Moment(epoch=0, places=np.arange(300), positions=np.arange(300), size=0, training=True)
    factors = prepare.matrices(np.repeat(IMAGES[:1], 300, axis=0), where, 16)[:, 0, 0]
    assert factors.min() == pytest.approx(2 / 3, abs=0.02)
    assert factors.max() == pytest.approx(3 / 2, abs=0.02)


def test_alternating_flips_show_each_side_in_every_second_epoch() -> None:
    prepare = preparer(PLAIN.model_copy(update={"flip": True}))
    even, odd, next_even = (prepare(IMAGES, TARGET, moment(epoch=e))[0] for e in (0, 1, 2))
    assert torch.equal(even, odd.flip(-1))
    assert torch.equal(even, next_even)
    mirrored = [not torch.allclose(a, b, atol=1e-5) for a, b in zip(even, plain_inputs(), strict=True)]
    assert 0 < sum(mirrored) < 12


def test_the_facing_of_a_picture_follows_its_position_and_not_its_place() -> None:
    prepare = preparer(PLAIN.model_copy(update={"flip": True}))
    order = np.random.default_rng(3).permutation(12)
    straight = prepare(IMAGES, TARGET, moment())[0]
    shuffled = Moment(epoch=0, places=np.arange(12), positions=order + 100, size=0, training=True)
    assert torch.equal(prepare(IMAGES[order], TARGET, shuffled)[0], straight[order])


def test_a_crop_pad_of_2_moves_by_at_most_2_and_uses_all_25_shifts() -> None:
    prepare = preparer(PLAIN.model_copy(update={"crop_pad": 2}))
    images = np.repeat(IMAGES[:1], 600, axis=0)
    where = Moment(epoch=0, places=np.arange(600), positions=np.arange(600), size=0, training=True)
    offsets = prepare.matrices(images, where, 16)[:, :, 2]
    assert {tuple(o) for o in offsets} == {(x, y) for x in range(-2, 3) for y in range(-2, 3)}


def test_a_growing_input_has_the_size_asked_for() -> None:
    for options in (PLAIN, PLAIN.model_copy(update={"scale": (0.5, 1.0)})):
        assert preparer(options)(PHOTOS, TARGET, moment(size=10))[0].shape == (12, 3, 10, 10)
    assert preparer()(IMAGES, TARGET, moment(size=10, training=False))[0].shape == (12, 3, 10, 10)


def test_photographs_are_viewed_plainly_as_preprocess_views_them() -> None:
    prepare = preparer(size=14, crop=0.875)
    inputs, _ = prepare(PHOTOS, TARGET, moment(training=False))
    wanted = np.stack([prepare.plain.view(photo) for photo in PHOTOS])
    assert torch.allclose(inputs, plain_inputs(wanted), atol=1e-5)


def test_a_batch_held_on_the_device_as_a_tensor_gives_the_same() -> None:
    prepare = preparer(PLAIN.model_copy(update={"flip": True, "crop_pad": 2}))
    held = prepare(torch.from_numpy(IMAGES), TARGET, moment())[0]
    assert torch.equal(held, prepare(IMAGES, TARGET, moment())[0])


@pytest.mark.parametrize("key", ["mixup", "cutmix"])
def test_mixed_targets_sum_to_one(key: str) -> None:
    _, target = preparer(PLAIN.model_copy(update={key: 1.0}))(IMAGES, TARGET, moment())
    assert target.shape == (12, 3)
    assert torch.allclose(target.sum(1), torch.ones(12))
    assert not torch.equal(target, target.round())


def test_layout_and_type_are_as_asked() -> None:
    wide, _ = preparer(dtype=torch.bfloat16)(IMAGES, TARGET, moment())
    flat, _ = preparer(layout="contiguous")(IMAGES, TARGET, moment())
    assert wide.dtype == torch.bfloat16
    assert wide.is_contiguous(memory_format=torch.channels_last)
    assert flat.is_contiguous()
    assert torch.allclose(wide.float(), flat, atol=0.01)


def test_unsettled_options_are_refused() -> None:
    with pytest.raises(UsageError):
        preparer(ImageAugment())


def test_targets_become_what_losses_take() -> None:
    assert as_target(np.array([1, 2])).dtype == torch.int64
    assert as_target(np.array([[1, 0]], dtype=np.uint8)).dtype == torch.float32
    assert as_target(np.array([1.5])).dtype == torch.float32


def test_random_boxes_lie_inside_and_have_the_area_asked_for() -> None:
    draws = np.random.default_rng(0).random((500, 4))
    height, width = np.full(500, 200.0), np.full(500, 200.0)
    left, top, across, down = random_box(height, width, draws, (0.25, 0.5))
    assert (left >= 0).all()
    assert (left + across <= 200).all()
    assert (top >= 0).all()
    assert (top + down <= 200).all()
    share = across * down / 40_000
    assert share.min() > 0.24
    assert share.max() < 0.51


@pytest.mark.parametrize(("how", "views"), [("none", 1), ("flip", 2), ("flip_shift", 6)])
def test_views_at_test_time_have_weights_that_sum_to_one(how: Any, views: int) -> None:
    inputs = plain_inputs()
    seen = test_time_views(inputs, how)
    assert len(seen) == views
    assert sum(weight for _, weight in seen) == pytest.approx(1.0)
    assert all(view.shape == inputs.shape for view, _ in seen)
    assert torch.equal(seen[0][0], inputs)


def test_shifted_views_weigh_half_and_move_by_one_pixel_either_way() -> None:
    inputs = plain_inputs()
    seen = test_time_views(inputs, "flip_shift")
    assert [weight for _, weight in seen] == [0.25, 0.25, 0.125, 0.125, 0.125, 0.125]
    assert torch.equal(seen[2][0][:, :, 1:, 1:], inputs[:, :, :-1, :-1])
    assert torch.equal(seen[4][0][:, :, :-1, :-1], inputs[:, :, 1:, 1:])
