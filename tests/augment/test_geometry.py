"""One matrix moves points, boxes and masks; figures worked out by hand."""

import numpy as np
import pytest

from goodfit.augment import geometry as g

ONE = np.ones(1)


def test_a_quarter_turn_about_the_centre_of_8_takes_the_left_edge_to_the_top() -> None:
    turn = g.about(g.rotation(ONE * np.pi / 2), 4, 4)[0]
    assert g.move_points(np.array([[0.0, 2.0], [4.0, 4.0]]), turn) == pytest.approx(np.array([[6.0, 0.0], [4.0, 4.0]]))


def test_steps_are_done_in_the_order_written() -> None:
    both = g.then(g.translation(ONE, ONE * 0), g.scaling(ONE * 2, ONE * 3))[0]
    assert g.move_points(np.array([1.0, 1.0]), both).tolist() == [4.0, 3.0]


def test_a_matrix_and_its_inverse_move_nothing() -> None:
    matrix = g.then(g.rotation(ONE * 0.3), g.shear(ONE * 0.2, ONE * 0), g.translation(ONE * 3, ONE * -2))
    assert g.then(matrix, g.inverse(matrix)) == pytest.approx(g.identity(1))


def test_mirroring_swaps_left_and_right_within_the_width() -> None:
    flipped = g.mirror(np.array([True, False]), 10)
    assert g.move_points(np.array([[1.0, 5.0]]), flipped[0]).tolist() == [[9.0, 5.0]]
    assert g.move_points(np.array([[1.0, 5.0]]), flipped[1]).tolist() == [[1.0, 5.0]]


def test_a_box_fills_the_square() -> None:
    matrix = g.box_to_square(ONE * 2, ONE * 4, ONE * 5, ONE * 10, 20)[0]
    assert g.move_points(np.array([[2.0, 4.0], [7.0, 14.0]]), matrix).tolist() == [[0.0, 0.0], [20.0, 20.0]]


def test_a_box_moved_half_out_keeps_half_its_area() -> None:
    boxes, share = g.move_boxes(np.array([[0.0, 0.0, 4.0, 4.0]]), g.translation(ONE * -2, ONE * 0)[0], 8)
    assert boxes.tolist() == [[0.0, 0.0, 2.0, 4.0]]
    assert share.tolist() == [0.5]


def test_a_box_moved_out_is_gone_and_one_without_area_too() -> None:
    boxes = np.array([[0.0, 0.0, 4.0, 4.0], [3.0, 3.0, 3.0, 5.0]])
    moved, share = g.move_boxes(boxes, g.translation(ONE * 50, ONE * 0)[0], 8)
    assert share.tolist() == [0.0, 0.0]
    assert moved[0].tolist() == [8.0, 0.0, 8.0, 4.0]


def test_a_mirrored_box_keeps_left_below_right() -> None:
    moved, share = g.move_boxes(np.array([[1.0, 2.0, 3.0, 5.0]]), g.mirror(np.array([True]), 10)[0], 10)
    assert moved.tolist() == [[7.0, 2.0, 9.0, 5.0]]
    assert share.tolist() == [1.0]


def test_a_turned_box_is_the_upright_hull_of_its_corners() -> None:
    turn = g.about(g.rotation(ONE * np.pi / 4), 10, 10)[0]
    moved, _ = g.move_boxes(np.array([[8.0, 8.0, 12.0, 12.0]]), turn, 20)
    reach = 2 * np.sqrt(2)
    assert moved[0] == pytest.approx([10 - reach, 10 - reach, 10 + reach, 10 + reach])


def test_a_shifted_mask_shows_its_reflection_or_the_given_value_outside() -> None:
    mask = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    shift = g.translation(ONE, ONE * 0)
    assert g.move_masks(mask, shift, 4)[0, 0].tolist() == [1, 0, 1, 2]
    assert g.move_masks(mask, shift, 4, outside=255)[0, 0].tolist() == [255, 0, 1, 2]


def test_reflection_counts_the_edge_pixel_once_like_numpy_pad() -> None:
    wanted = np.pad(np.arange(5), 7, mode="reflect")
    assert (g.reflect(np.arange(-7, 12), 5) == wanted).all()
    assert g.reflect(np.arange(-3, 3), 1).tolist() == [0] * 6


def test_boxes_of_whole_pixels_are_told_from_parts_of_a_pixel_and_from_turns() -> None:
    assert g.views(g.translation(ONE * 2, ONE * -3), 8).whole.tolist() == [True]
    assert g.views(g.translation(ONE * 2.5, ONE * -3), 8).whole.tolist() == [False]
    assert g.views(g.rotation(ONE * 0.1), 8).whole.tolist() == [False]
    assert g.views(g.scaling(ONE * 2, ONE * 2), 8).width.tolist() == [4]


def test_a_quarter_turn_of_a_shifted_window_is_a_crossed_and_mirrored_view() -> None:
    turned = g.then(g.translation(ONE * -2, ONE * -1), g.quarter_turns(np.array([1]), 8))
    seen = g.views(turned, 8)
    assert (seen.whole[0], seen.left[0], seen.top[0], seen.width[0], seen.height[0]) == (True, 2, 1, 8, 8)
    assert seen.turn.tolist() == [g.CROSSED + g.MIRRORED]  # clockwise = rows and columns exchanged, then mirrored


def test_upending_swaps_top_and_bottom_within_the_height() -> None:
    flipped = g.upend(np.array([True, False]), 10)
    assert g.move_points(np.array([[1.0, 4.0]]), flipped[0]).tolist() == [[1.0, 6.0]]
    assert g.move_points(np.array([[1.0, 4.0]]), flipped[1]).tolist() == [[1.0, 4.0]]


def test_four_quarter_turns_are_none_and_one_takes_the_left_top_corner_to_the_right() -> None:
    corner = np.array([[0.0, 0.0]])
    assert g.move_points(corner, g.quarter_turns(np.array([1]), 8)[0]).tolist() == [[8.0, 0.0]]
    assert g.move_points(corner, g.quarter_turns(np.array([3]), 8)[0]).tolist() == [[0.0, 8.0]]
    assert g.quarter_turns(np.array([4]), 8).tolist() == g.identity(1).tolist()


def test_a_mirrored_left_eye_takes_the_place_of_the_right_one_and_a_turned_one_does_not() -> None:
    eyes = np.array([[2.0, 3.0], [6.0, 3.0], [4.0, 5.0]])  # left, right, nose
    mirrored, turned = g.mirror(np.array([True]), 10)[0], g.quarter_turns(np.array([2]), 10)[0]
    moved = g.swap_sides(g.move_points(eyes, mirrored), mirrored, [(0, 1)])
    assert moved.tolist() == [[4.0, 3.0], [8.0, 3.0], [6.0, 5.0]]
    assert g.swap_sides(g.move_points(eyes, turned), turned, [(0, 1)]).tolist() == [[8.0, 7.0], [4.0, 7.0], [6.0, 5.0]]
