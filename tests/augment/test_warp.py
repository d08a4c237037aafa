"""Each path against NumPy or Pillow, and all paths against each other: a picture goes where its points go."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from goodfit.augment import geometry as g
from goodfit.augment import warp as w


def noise(n: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, height, width, 3), dtype=np.uint8)


def smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    planes = [127 + 120 * np.sin(x / 9 + 1), 127 + 120 * np.cos(y / 7), 127 + 120 * np.sin((x + y) / 11)]
    return np.stack(planes, axis=-1).round().astype(np.uint8)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(0, 4))
def test_whole_pixel_moves_equal_pad_crop_and_flip(seed: int, height: int, width: int, size: int, pad: int) -> None:
    rng = np.random.default_rng(seed)
    images = noise(6, height, width)
    low, high = -pad, pad + max(0, max(height, width) - size)
    left, top, flip = rng.integers(low, high + 1, 6), rng.integers(low, high + 1, 6), rng.random(6) < 0.5
    matrices = g.then(g.translation(-left, -top), g.mirror(flip, size))
    reach = pad + size + max(height, width)
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="reflect")
    wanted = np.stack(
        [p[row + reach :, column + reach :][:size, :size] for p, column, row in zip(padded, left, top, strict=True)]
    )
    wanted[flip] = wanted[flip][:, :, ::-1]
    moved = w.warp(images, matrices, size)
    assert moved.dtype == torch.uint8
    assert (moved.numpy() == wanted).all()


def test_the_path_for_devices_gives_the_same_bytes_as_the_one_for_the_cpu() -> None:
    rng, images = np.random.default_rng(1), noise(40, 12, 12)
    shifts = g.translation(rng.integers(-3, 4, 40), rng.integers(-3, 4, 40))
    matrices = g.then(shifts, g.mirror(rng.random(40) < 0.5, 12))
    assert torch.equal(w.warp(torch.from_numpy(images), matrices, 12), w.warp(images, matrices, 12))


def test_a_box_of_whole_pixels_is_resized_as_pillow_does_it_within_one_grey_level() -> None:
    image = noise(1, 60, 80)[0]
    matrix = g.box_to_square(np.array([10.0]), np.array([5.0]), np.array([50.0]), np.array([40.0]), 16)
    wanted = Image.fromarray(image[5:45, 10:60]).resize((16, 16), Image.Resampling.BILINEAR)
    moved = w.warp([image], matrix, 16)[0].numpy()
    assert moved.dtype == np.uint8
    assert abs(moved.astype(int) - np.asarray(wanted).astype(int)).max() <= 1


def test_a_mirrored_box_is_the_mirror_of_the_box() -> None:
    image = noise(1, 30, 40)[0]
    box = g.box_to_square(np.array([3.0]), np.array([4.0]), np.array([21.0]), np.array([17.0]), 12)
    mirrored = g.then(box, g.mirror(np.array([True]), 12))
    assert torch.equal(w.warp([image], mirrored, 12), w.warp([image], box, 12).flip(2))


def test_shrinking_by_four_turns_a_chequerboard_grey_on_every_path() -> None:
    board = np.tile((np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[:, :, None], (1, 1, 3))
    straight = g.scaling(np.array([0.25]), np.array([0.25]))
    turned = g.about(g.then(g.scaling(np.array([0.25]), np.array([0.25])), g.rotation(np.array([0.3]))), 8, 8)
    for matrix in (straight, turned):
        assert (w.warp([board], matrix, 16).float() - 127.5).abs().max() < 20


def test_resampling_by_nothing_gives_the_picture_back() -> None:
    image = noise(2, 9, 9)
    assert np.allclose(w._resample(torch.from_numpy(image), g.identity(2), 9).numpy(), image, atol=0.02)


def test_the_exact_and_the_resampling_path_agree_beyond_the_edge_too() -> None:
    images = noise(3, 10, 10)
    matrices = g.translation(np.array([3.0, -2.0, 0.0]), np.array([1.0, 4.0, -3.0]))
    exact = w.warp(images, matrices, 10).float()
    assert (w._resample(torch.from_numpy(images), matrices, 10) - exact).abs().max() < 0.05


@pytest.mark.parametrize("shape", [(70, 90), (40, 40)])
def test_one_by_one_and_whole_batch_resampling_agree(shape: tuple[int, int]) -> None:
    image = smooth(*shape)
    matrix = g.then(g.about(g.rotation(np.array([0.4])), 20, 20), g.translation(np.array([-3.3]), np.array([2.7])))
    single, batch = w.warp([image], matrix, 40)[0], w.warp(image[None], matrix, 40)[0]
    assert (single - batch).abs().max() < 0.05


@pytest.mark.parametrize(("side", "size"), [(8, 32), (40, 32), (24, 24)])
def test_one_by_one_and_whole_batch_boxes_agree_to_the_byte(side: int, size: int) -> None:
    rng = np.random.default_rng(side)
    images = rng.integers(0, 256, (12, side, side + 3, 3), dtype=np.uint8)
    left, top = rng.integers(-2, 4, 12), rng.integers(-2, 3, 12)
    matrices = g.box_to_square(left, top, np.full(12, side), np.full(12, side), size)
    matrices = g.then(matrices, g.mirror(rng.random(12) < 0.5, size))
    together, alone = w.warp(images, matrices, size), w.warp(list(images), matrices, size)
    assert together.dtype == alone.dtype == torch.uint8
    assert torch.equal(together, alone)


@pytest.mark.parametrize("turn", [0.0, 0.7, -2.0])
@pytest.mark.parametrize("zoom", [0.4, 1.0, 1.6])
def test_a_bright_spot_goes_where_its_point_its_box_and_its_mask_go(turn: float, zoom: float) -> None:
    image = np.zeros((160, 180, 3), np.uint8)  # so large that no reflection of the spot is seen
    image[80:85, 90:95] = 255
    scaled = g.then(g.rotation(np.array([turn])), g.scaling(np.array([zoom]), np.array([zoom])))
    away, back = g.translation(np.array([-92.5]), np.array([-82.5])), g.translation(np.array([24.0]), np.array([16.0]))
    matrix = g.then(away, scaled, back)
    light = w.warp([image], matrix, 40)[0, :, :, 0].float().numpy()
    y, x = np.mgrid[:40, :40] + 0.5
    centre = np.array([(light * x).sum(), (light * y).sum()]) / light.sum()
    assert centre == pytest.approx(g.move_points(np.array([92.5, 82.5]), matrix[0]), abs=0.15)
    box = g.move_boxes(np.array([[90.0, 80.0, 95.0, 85.0]]), matrix[0], 40)[0][0]
    rows, columns = np.nonzero(light > 127)
    margin = 1.01
    assert box[0] - margin <= columns.min()
    assert columns.max() + 1 <= box[2] + margin
    assert box[1] - margin <= rows.min()
    assert rows.max() + 1 <= box[3] + margin
    mask = g.move_masks([image[:, :, 0] // 255], matrix, 40, outside=0)[0]
    assert abs(mask.astype(float) - light / 255).mean() < 0.01


def test_whole_pixel_masks_equal_whole_pixel_pictures() -> None:
    images = noise(5, 12, 12)
    shifts = g.translation(np.array([1, -2, 3, 0, 2]), np.array([0, 2, -1, 3, -2]))
    matrices = g.then(shifts, g.mirror(np.array([True, False, True, True, False]), 12))
    assert (g.move_masks(images[..., 0], matrices, 12) == w.warp(images, matrices, 12).numpy()[..., 0]).all()


def test_each_picture_of_a_mixed_batch_takes_its_own_path() -> None:
    """Shifted a little, shifted far, mirrored, turned by 0.3, turned and shrunk to a third, a quarter turn."""
    images, one = np.stack([smooth(24, 24)] * 6), np.ones(1)
    steps = [g.translation(one * 3, one), g.translation(one * -20, one * 17), g.mirror(np.array([True]), 24)]
    steps += [g.about(g.rotation(one * 0.3), 12, 12), g.quarter_turns(np.array([1]), 24)]
    steps.insert(4, g.about(g.then(g.rotation(one), g.scaling(one / 3, one / 3)), 12, 12))
    matrices = np.concatenate(steps)
    together = w.warp(images, matrices, 24)
    assert together.dtype == torch.float32
    for i in range(6):
        for alone in (w.warp(images[i : i + 1], matrices[i : i + 1], 24), w.warp([images[i]], matrices[i : i + 1], 24)):
            assert torch.allclose(together[i], alone[0].float(), atol=0.02), i


@pytest.mark.parametrize("far", [1.4, 2.9, 7.0])
def test_coordinates_are_folded_as_grid_sample_folds_them(far: float) -> None:
    image = torch.from_numpy(smooth(20, 20)).permute(2, 0, 1)[None].float()
    steps = torch.arange(20) * 2 / 19 - 1
    grid = torch.stack([steps + 0.1 * steps[:, None] + far - 1, steps[:, None] + torch.zeros(20) + 1 - far])[None]
    wanted = torch.nn.functional.grid_sample(
        image, grid.permute(0, 2, 3, 1), padding_mode="reflection", align_corners=True
    )
    unit = np.array([[[2 / 19, 0.2 / 19, far - 2.1], [0.0, 2 / 19, -far]]])
    folded = grid.clone()
    mode = "border" if w._reflected(folded, unit, 20) else "reflection"
    assert mode == ("reflection" if far > 3 else "border")
    found = torch.nn.functional.grid_sample(image, folded.permute(0, 2, 3, 1), padding_mode=mode, align_corners=True)
    assert torch.allclose(found, wanted, atol=0.01)


def test_resizing_to_the_same_side_is_free_and_a_flat_picture_stays_flat() -> None:
    flat = torch.full((2, 8, 8, 3), 77, dtype=torch.uint8)
    assert w.resize_square(flat, 8) is flat
    assert torch.equal(w.resize_square(flat, 5), torch.full((2, 5, 5, 3), 77, dtype=torch.uint8))


def test_pictures_mapped_read_only_are_taken_without_complaint() -> None:
    image = noise(1, 20, 20)[0]
    image.setflags(write=False)
    box = g.box_to_square(np.array([0.0]), np.array([0.0]), np.array([20.0]), np.array([20.0]), 10)
    assert w.warp([image], box, 10).shape == (1, 10, 10, 3)


def test_the_number_of_threads_changes_no_byte_and_is_left_as_it_was() -> None:
    images = [smooth(30 + i, 40) for i in range(11)]
    box = g.box_to_square(np.full(11, 2.0), np.full(11, 3.0), np.full(11, 20.0), np.full(11, 25.0), 12)
    slanted = g.then(box, g.rotation(np.linspace(-0.5, 0.5, 11)))
    before = torch.get_num_threads()
    results = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        results.append([w.warp(images, matrices, 12) for matrices in (box, slanted)])
        with torch.inference_mode():  # as in prediction
            results.append([w.warp(images, matrices, 12) for matrices in (box, slanted)])
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert all(torch.equal(a, b) for other in results[1:] for a, b in zip(results[0], other, strict=True))
