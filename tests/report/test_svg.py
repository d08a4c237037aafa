"""Drawing: escaped, well formed, round ticks, labels that do not collide."""

from __future__ import annotations

from xml.etree import ElementTree

from goodfit.report.svg import Canvas, Label, Scale, apart, log_ticks, shorten, text_width, ticks
from goodfit.report.words import both


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0, 1, 4) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert ticks(0, 12, 5, whole=True) == [0.0, 5.0, 10.0]
    assert ticks(3, 3) == [3]


def test_log_ticks_stand_where_people_count_time() -> None:
    assert log_ticks(50, 700) == [60, 120, 300, 600]


def test_apart_keeps_order_and_distance_within_the_bounds() -> None:
    assert apart([50, 52, 10], 15, 0, 60) == [45, 60, 10]


def test_scale_maps_ends_to_ends() -> None:
    scale = Scale(0, 10, 100, 300)
    assert (scale(0), scale(5), scale(10)) == (100, 200, 300)
    assert Scale(1, 100, 0, 10, log=True)(10) == 5


def test_wide_letters_take_more_room_and_long_names_are_cut() -> None:
    assert text_width("类别") > text_width("ab")
    assert shorten("a very long class name indeed", 60).endswith("…")
    assert text_width(shorten("a very long class name indeed", 60)) <= 60


def test_canvas_escapes_attributes_text_and_tips() -> None:
    canvas = Canvas(10)
    canvas.rect(0, 0, 5, 5, 'a" onload="x', tip="<b>\n</b>")
    canvas.text(1, 1, Label("<script>" * 20, 40))
    tree = ElementTree.fromstring(canvas.done('"><x'))
    assert {e.tag for e in tree.iter()} == {"svg", "rect", "title", "text"}
    assert "onload" not in tree.find("rect").attrib  # type: ignore[union-attr]


def test_words_become_one_text_a_language() -> None:
    canvas = Canvas(10)
    canvas.text(1, 1, both("fig.epochs"))
    assert [e.attrib["lang"] for e in ElementTree.fromstring(canvas.done())] == ["en", "zh"]
