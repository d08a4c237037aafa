"""Opening pictures: every mode becomes upright 8-bit RGB, every fault has its word."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goodfit.data.picture import PIXEL_LIMIT, BadImage, open_image
from goodfit.data.verdict import judge

from .drawing import draw, noise, png, png_bomb


def test_plain_png_comes_back_pixel_for_pixel(tmp_path: Path) -> None:
    assert (open_image(draw(tmp_path / "a.png", seed=3)) == noise(3)).all()


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("L", 100, (100, 100, 100)),
        ("1", 1, (255, 255, 255)),
        ("RGBA", (0, 0, 0, 0), (255, 255, 255)),  # fully transparent shows the white below
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("LA", (40, 255), (40, 40, 40)),
        ("I;16", 0xFFFF, (255, 255, 255)),
        ("I;16", 0x0101 * 7, (7, 7, 7)),
        ("P", 0, (0, 0, 0)),
    ],
)
def test_mode_is_converted_to_rgb(tmp_path: Path, mode: str, value: object, expected: tuple[int, ...]) -> None:
    image = Image.new(mode, (6, 5), value)  # type: ignore[arg-type]
    if mode == "P":
        image.putpalette([0, 0, 0] * 256)
    image.save(tmp_path / "a.png")
    picture = open_image(tmp_path / "a.png")
    assert picture.shape == (5, 6, 3)
    assert (picture == np.array(expected, dtype=np.uint8)).all()


def test_cmyk_jpeg_white_is_white(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 0, 0, 0)).save(tmp_path / "a.jpg")
    assert open_image(tmp_path / "a.jpg").min() >= 250
    assert judge(str(tmp_path / "a.jpg")).mode == "CMYK"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_in_all_eight_forms(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((6, 4, 3), dtype=np.uint8)
    upright[0, 0] = (255, 0, 0)
    upright[5, 3] = (0, 255, 0)
    undo = {
        1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1), 7: lambda a: np.rot90(a, 2).transpose(1, 0, 2), 8: lambda a: np.rot90(a, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(undo(upright))).save(tmp_path / "a.png", exif=exif)
    assert (open_image(tmp_path / "a.png") == upright).all()
    verdict = judge(str(tmp_path / "a.png"))
    assert (verdict.height, verdict.width, verdict.orientation) == (6, 4, orientation)


def test_first_frame_of_an_animation_is_used_and_told(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert tuple(open_image(tmp_path / "a.gif")[0, 0]) == (255, 0, 0)
    assert judge(str(tmp_path / "a.gif")).frames == 2


def test_shrunk_jpeg_stays_at_or_above_what_was_asked(tmp_path: Path) -> None:
    draw(tmp_path / "a.jpg", height=400, width=320)
    assert open_image(tmp_path / "a.jpg", at_least=100).shape == (200, 160, 3)
    assert open_image(tmp_path / "a.jpg").shape == (400, 320, 3)


def broken_files(folder: Path) -> dict[str, bytes]:
    whole = io.BytesIO()
    Image.fromarray(noise(1, 64, 64)).save(whole, "JPEG")
    jpeg = whole.getvalue()
    return {
        "zero_byte": b"",
        "not_image": b"<html><body>404 not found</body></html>\n",
        "truncated": jpeg[: len(jpeg) // 2],
        "broken_header": bytes(range(128, 256)) + jpeg[64:],
        "unsupported": b"\0\0\0\x18ftypheic" + b"\0" * 40,
        "bomb": png_bomb(40_000, 40_000),
    }


@pytest.mark.parametrize("fault", ["zero_byte", "not_image", "truncated", "broken_header", "unsupported", "bomb"])
def test_broken_file_is_named_by_its_fault(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(broken_files(tmp_path)[fault])
    with pytest.raises(BadImage) as caught:
        open_image(path)
    assert caught.value.fault == fault
    assert str(path) in str(caught.value)
    assert judge(str(path)).fault == fault


def test_picture_between_the_warning_and_the_error_limit_is_rejected_undecoded(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_bomb(10_000, PIXEL_LIMIT // 10_000 + 1))
    assert judge(str(tmp_path / "a.png")).fault == "bomb"


def test_limit_holds_even_where_another_library_lifted_pillows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    (tmp_path / "a.png").write_bytes(png_bomb(40_000, 40_000))
    assert judge(str(tmp_path / "a.png")).fault == "bomb"


@pytest.mark.parametrize(("number", "fault"), [(13, "permission"), (2, "vanished"), (5, "unreadable")])
def test_what_the_system_refuses_has_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, fault: str
) -> None:
    path = draw(tmp_path / "a.png")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("builtins.open", refuse)
    assert judge(str(path)).fault == fault


def test_pipe_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    assert judge(str(tmp_path / "a.png")).fault == "not_a_file"


def test_script_of_a_page_is_never_run_for_a_picture(tmp_path: Path) -> None:
    """Pillow opens EPS through Ghostscript; it is not among the formats."""
    (tmp_path / "a.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    assert judge(str(tmp_path / "a.jpg")).fault == "not_image"


def test_damaged_exif_does_not_cost_the_picture(tmp_path: Path) -> None:
    Image.fromarray(noise(0)).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert open_image(tmp_path / "a.jpg").shape == (24, 24, 3)


def test_pixels_are_the_same_whatever_the_format(tmp_path: Path) -> None:
    draw(tmp_path / "a.png", seed=5)
    draw(tmp_path / "a.bmp", seed=5)
    assert judge(str(tmp_path / "a.png")).pixels == judge(str(tmp_path / "a.bmp")).pixels
    assert judge(str(tmp_path / "a.png")).content != judge(str(tmp_path / "a.bmp")).content
    assert png(5)[:4] == b"\x89PNG"
