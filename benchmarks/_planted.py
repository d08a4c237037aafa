"""A set of photographs with planted faults, every one of them listed; made from any folder of class folders.

The faults are those of the audit's list in another hand than the shared set's: turned and re-lit copies, motion blur,
gamma, tails cut, bytes overwritten in the middle, suffixes swapped. No picture has more than one fault.
"""

from __future__ import annotations

import csv
import io
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

SHORT = 128  # pixels of the short side at most
Row = dict[str, str]
Change = Callable[[Image.Image, random.Random], Image.Image]


def plant(source: Path, folder: Path, seed: int, test_share: float = 0.2) -> list[Row]:
    """Make a set with faults from class folders of pictures.

    Args:
        source: class folders, any depth below.
        folder: made anew.
        seed: of every draw.
        test_share: of the pictures of each class.
    Returns: rows of path, kind, related_path; also written beside the folder as csv.
    """
    shutil.rmtree(folder, ignore_errors=True)
    planter = _Planter(folder, random.Random(seed))
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    planter.rng.shuffle(files)
    for number, path in enumerate(files):
        with Image.open(path) as image:
            picture = ImageOps.exif_transpose(image).convert("RGB")
        times = SHORT / min(picture.size)
        if times < 1:
            picture = picture.resize((round(picture.width * times), round(picture.height * times)), Image.BICUBIC)
        part = "test" if number % round(1 / test_share) == 0 else "train"
        planter.keep(picture, part, path.parent.name)
    planter.spoil()
    return planter.rows


class _Planter:
    def __init__(self, folder: Path, rng: random.Random) -> None:
        self.folder, self.rng, self.rows = folder, rng, list[Row]()
        self.clean: dict[tuple[str, str], list[tuple[str, Image.Image]]] = {}
        self.number = 0

    def keep(self, picture: Image.Image, part: str, label: str) -> None:
        """A picture without fault, until one is planted in it."""
        name = self.save(picture, part, label)
        self.clean.setdefault((part, label), []).append((name, picture))

    def name(self, part: str, label: str, suffix: str = ".jpg") -> str:
        self.number += 1
        return f"{part}/{label}/P{self.rng.randrange(10**6):06d}{self.number:05d}{suffix}"

    def save(self, picture: Image.Image, part: str, label: str, suffix: str = ".jpg", **options: Any) -> str:
        name = self.name(part, label, suffix)
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        picture.save(self.folder / name, **({"quality": 92} if suffix == ".jpg" else {}), **options)
        return name

    def take(self, part: str = "train") -> tuple[str, str, Image.Image]:
        """(name, class, picture) of a picture that has no fault yet; it is used up."""
        label = self.rng.choice(sorted(c for p, c in self.clean if p == part and len(self.clean[p, c]) > 5))
        of = self.clean[part, label]
        name, picture = of.pop(self.rng.randrange(len(of)))
        return name, label, picture

    def note(self, path: str, kind: str, related: str = "") -> None:
        self.rows.append({"path": path, "kind": kind, "related_path": related})

    def spoil(self) -> None:
        """Plant everything."""
        for kind, change, count in _CHANGED:
            for _ in range(count):
                name, _, picture = self.take()
                change(picture, self.rng).save(self.folder / name, quality=90)
                self.note(name, kind)
        for kind, write, count in _REWRITTEN:
            for _ in range(count):
                name, label, picture = self.take()
                (self.folder / name).unlink()
                suffix, data = write(picture, self.rng)
                made = self.name("train", label, suffix)
                (self.folder / made).write_bytes(data)
                self.note(made, kind)
        for kind, change, count in _COPIED:
            for _ in range(count):
                name, label, picture = self.take("test" if kind.startswith("leak") else "train")
                others = sorted({c for p, c in self.clean if p == "train"} - {label})
                place = self.rng.choice(others) if kind == "exact_duplicate_other_class" else label
                if change is None:
                    made = self.name("train", place)
                    shutil.copyfile(self.folder / name, self.folder / made)
                else:
                    made = self.save(change(picture, self.rng), "train", place)
                self.note(made, kind, name)
        for name in ("Thumbs.db", "notes.txt", "photo.jpg.part", "list.csv"):
            label = self.rng.choice(sorted({c for p, c in self.clean if p == "train"}))
            (self.folder / "train" / label / name).write_text("a note")
            self.note(f"train/{label}/{name}", "non_image_file")
        self._mislabel()
        with open(self.folder.with_suffix(".csv"), "w", newline="") as file:
            writer = csv.DictWriter(file, ["path", "kind", "related_path"])
            writer.writeheader()
            writer.writerows(self.rows)

    def _mislabel(self, share: float = 0.05) -> None:
        """A share of the clean training pictures moves into another class."""
        labels = sorted({c for p, c in self.clean if p == "train"})
        for _ in range(round(share * sum(len(v) for (p, _), v in self.clean.items() if p == "train"))):
            name, label, _ = self.take()
            other = self.rng.choice([c for c in labels if c != label])
            made = self.name("train", other)
            (self.folder / name).rename(self.folder / made)
            self.note(made, "mislabelled")


def _gain(low: float, high: float, lift: tuple[float, float] = (0, 0)) -> Change:
    def change(picture: Image.Image, rng: random.Random) -> Image.Image:
        gain, up = rng.uniform(low, high), rng.uniform(*lift)
        return picture.point(lambda v: min(255, v * gain + up))

    return change


def _blur(picture: Image.Image, rng: random.Random) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(rng.uniform(2.5, 4.5)))


def _box_blur(picture: Image.Image, rng: random.Random) -> Image.Image:
    return picture.filter(ImageFilter.BoxBlur(rng.randint(4, 6)))


def _coded(picture: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def _cut(picture: Image.Image, rng: random.Random) -> tuple[str, bytes]:
    data = _coded(picture, "JPEG", quality=90)
    return ".jpg", data[: int(len(data) * rng.uniform(0.3, 0.9))]


def _headless(picture: Image.Image, rng: random.Random) -> tuple[str, bytes]:
    return ".jpg", rng.randbytes(48) + _coded(picture, "JPEG", quality=90)[48:]


def _misnamed(picture: Image.Image, rng: random.Random) -> tuple[str, bytes]:
    form, suffix = rng.choice([("PNG", ".jpg"), ("JPEG", ".png"), ("BMP", ".jpg"), ("WEBP", ".jpeg")])
    return suffix, _coded(picture, form)


def _moving(picture: Image.Image, rng: random.Random) -> tuple[str, bytes]:
    frames = [ImageEnhance.Brightness(picture).enhance(0.8 + 0.1 * k) for k in range(4)]
    return ".gif", _coded(picture, "GIF", save_all=True, append_images=frames)


def _deep(picture: Image.Image, rng: random.Random) -> tuple[str, bytes]:
    grey = np.asarray(picture.convert("L"), dtype=np.uint16) * 257
    return ".png", _coded(Image.fromarray(grey), "PNG")


def _lying(picture: Image.Image, rng: random.Random) -> tuple[str, bytes]:
    exif = Image.Exif()
    exif[0x0112] = rng.choice([3, 6, 8])
    return ".jpg", _coded(picture, "JPEG", quality=90, exif=exif)


def _turned(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Turned by a few degrees, without corners."""
    turned = picture.rotate(rng.choice([-1, 1]) * rng.uniform(1.5, 4), Image.BICUBIC)
    margin = round(0.05 * min(picture.size))
    return turned.crop((margin, margin, picture.width - margin, picture.height - margin))


def _off_centre(picture: Image.Image, rng: random.Random) -> Image.Image:
    left, top, right, bottom = (round(rng.uniform(0, 0.07) * side) for side in (*picture.size, *picture.size))
    return picture.crop((left, top, picture.width - right, picture.height - bottom))


def _small(picture: Image.Image, rng: random.Random) -> Image.Image:
    times = rng.uniform(0.45, 0.8)
    return picture.resize((round(picture.width * times), round(picture.height * times)), Image.BILINEAR)


def _relit(picture: Image.Image, rng: random.Random) -> Image.Image:
    lit = ImageEnhance.Contrast(picture).enhance(rng.uniform(0.75, 1.3))
    return ImageEnhance.Color(lit).enhance(rng.uniform(0.5, 1.5))


def _signed(picture: Image.Image, rng: random.Random) -> Image.Image:
    """With a line of text over it."""
    signed = picture.copy()
    ImageDraw.Draw(signed).text((5, picture.height - 15), "(c) photographer", fill=(255, 255, 255))
    return signed


def _near(picture: Image.Image, rng: random.Random) -> Image.Image:
    return rng.choice([_turned, _off_centre, _small, _relit, _signed])(picture, rng)


_PLAIN = ((0, 0, 0), (255, 255, 255), (90, 120, 60))
_CHANGED: tuple[tuple[str, Change, int], ...] = (
    ("too_dark", _gain(0.05, 0.13), 8),
    ("over_exposed", _gain(2.5, 4.5, (60, 90)), 8),
    ("blurred", _blur, 6),
    ("blurred", _box_blur, 4),
)
_REWRITTEN: tuple[tuple[str, Callable[[Image.Image, random.Random], tuple[str, bytes]], int], ...] = (
    ("truncated", _cut, 6),
    ("broken_header", _headless, 4),
    ("zero_byte", lambda picture, rng: (".jpg", b""), 3),
    ("text_named_as_image", lambda picture, rng: (".jpg", b"<!doctype html><p>404 not found</p>" * 9), 3),
    ("wrong_extension", _misnamed, 6),
    ("animated", _moving, 3),
    ("sixteen_bit", _deep, 3),
    ("exif_rotated", _lying, 5),
    ("cmyk", lambda picture, rng: (".jpg", _coded(picture.convert("CMYK"), "JPEG", quality=90)), 4),
    ("palette", lambda picture, rng: (".png", _coded(picture.quantize(100), "PNG")), 3),
    ("rgba", lambda picture, rng: (".png", _coded(picture.convert("RGBA"), "PNG")), 4),
    ("grayscale", lambda picture, rng: (".jpg", _coded(picture.convert("L"), "JPEG", quality=90)), 5),
    ("blank", lambda picture, rng: (".jpg", _coded(Image.new("RGB", picture.size, rng.choice(_PLAIN)), "JPEG")), 3),
    ("tiny", lambda picture, rng: (".jpg", _coded(picture.resize((10, 9)), "JPEG")), 3),
    ("extreme_aspect", lambda picture, rng: (".jpg", _coded(picture.resize((500, 14)), "JPEG")), 3),
)
_COPIED: tuple[tuple[str, Change | None, int], ...] = (
    ("exact_duplicate", None, 8),
    ("exact_duplicate_other_class", None, 4),
    ("near_duplicate", _near, 20),
    ("near_duplicate_mirrored", lambda picture, rng: ImageOps.mirror(picture), 6),
    ("leak_exact", None, 6),
    ("leak_near", _near, 12),
)
