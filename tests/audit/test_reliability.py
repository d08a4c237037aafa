"""Sources: an inverted camera, a careless annotator and another world are found; like sources are left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ImageOps

from goodfit.audit import Audit, run
from goodfit.audit.check import View
from goodfit.audit.facts import Facts
from goodfit.audit.origins import origins_of
from goodfit.audit.reliability import doubtful_sources, unlike_sources
from goodfit.audit.worlds import worlds_of
from goodfit.core.finding import Finding
from goodfit.core.recipe import DataSection
from goodfit.data.reading import read
from goodfit.data.scan import scan

from ..data.photographs import photograph


def cameras(root: Path, inverted: str = "", parts: tuple[str, ...] = ("",), count: int = 88) -> Path:
    """Photographs of two classes by two cameras in turn; one of them, or the test part, inverts the light."""
    for p, part in enumerate(parts):
        for i in range(count):
            camera = f"cam{i // 2 % 2}"
            picture = photograph(1000 * p + i, 40, 48).point(lambda v: min(255, int(0.7 * v + 60)))
            if inverted in (camera, part) and inverted:
                picture = ImageOps.invert(picture)
            path = root / part / "ab"[i % 2] / f"{camera}_{i:03d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path)
    return root


def seen(root: Path, cache: Path) -> tuple[View, Audit]:
    dataset = read(DataSection(path=str(root)), cache)
    looked = scan(dataset, cache)
    view = View(
        schema=dataset.schema, index=dataset.index, scan=looked, notes=(), refused=(), kept=np.ones(len(dataset), bool)
    )
    return view, run(dataset, looked)


def test_a_camera_that_inverts_light_is_named_with_the_fact_and_its_samples(tmp_path: Path) -> None:
    view, audit = seen(cameras(tmp_path / "d", "cam1"), tmp_path / "c")
    assert [(o.kind, o.names) for o in origins_of(view)] == [("name", ("cam0", "cam1"))]
    (found,) = (f for f in audit.findings if f.code == "GF-D095")
    assert found.numbers["source"] == "cam0"  # of two, the first stands for the pair
    assert len(found.ids) == 44
    assert abs(found.numbers["area"] - 0.5) > 0.4


def test_like_cameras_and_like_parts_are_left_alone(tmp_path: Path) -> None:
    view, audit = seen(cameras(tmp_path / "d", parts=("train", "test"), count=60), tmp_path / "c")
    assert not {f.code for f in audit.findings} & {"GF-D095", "GF-D097", "GF-D098", "GF-D099", "GF-D100"}
    worlds = worlds_of(view)
    assert worlds is not None
    assert worlds.area.low < 0.55


def test_a_test_part_from_another_world_is_named_with_what_differs(tmp_path: Path) -> None:
    _, audit = seen(cameras(tmp_path / "d", "test", parts=("train", "test"), count=60), tmp_path / "c")
    (found,) = (f for f in audit.findings if f.code == "GF-D097")
    assert found.numbers["low"] > 0.9
    assert found.numbers["n"] == 60
    assert "dark" in str(found.numbers["facts"]) or "light" in str(found.numbers["facts"])
    assert all(name.startswith("test/") for name in found.ids)


def test_an_annotator_with_many_wrong_labels_is_named_and_an_equal_one_is_not(tmp_path: Path) -> None:
    view, _ = seen(cameras(tmp_path / "d"), tmp_path / "c")
    ids, of = view.index.id, origins_of(view)[0].of
    wrong = lambda first, second: tuple(map(str, [*ids[of == 0][:first], *ids[of == 1][:second]]))  # noqa: E731
    uneven = Finding(code="GF-D080", severity="info", numbers={}, ids=wrong(2, 20))
    said, rows = doubtful_sources([uneven], ids, origins_of(view))
    assert [(f.numbers["source"], f.numbers["count"], f.numbers["n"]) for f in said] == [("cam1", 20, 44)]
    assert [(row["source"], row["doubtful"]) for row in rows] == [("cam0", 2), ("cam1", 20)]
    even = Finding(code="GF-D080", severity="info", numbers={}, ids=wrong(9, 12))
    assert doubtful_sources([even], ids, origins_of(view))[0] == []


@pytest.mark.parametrize(("names", "code"), [
    (lambda i, k: f"{'camp beach'.split()[k]}-{i:03d}", "GF-D098"),
    (lambda i, k: f"{1000 * k + i:05d}", "GF-D099"),
    (lambda i, k: f"{'ab'[k]}-{i:03d}", None),
    (lambda i, k: f"{i:03d}", None),
])  # fmt: skip
def test_names_that_tell_the_class_are_named_but_not_the_class_itself(names, code: str | None, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for i in range(60):
        path = tmp_path / "d" / "ab"[i % 2] / f"{names(i, i % 2)}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        photograph(i, 24, 24).save(path)
    _, audit = seen(tmp_path / "d", tmp_path / "c")
    assert {f.code for f in audit.findings} & {"GF-D098", "GF-D099"} == ({code} if code else set())


def test_a_class_with_pictures_of_its_own_size_or_format_is_named(tmp_path: Path) -> None:
    for i in range(60):
        path = tmp_path / "d" / "ab"[i % 2] / f"{i:03d}.{'jpg' if i % 2 else 'png'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        photograph(i, 30, 36).save(path)
    _, audit = seen(tmp_path / "d", tmp_path / "c")
    (found,) = (f for f in audit.findings if f.code == "GF-D100")
    assert "format JPEG" in str(found.numbers["names"])
    assert found.numbers["count"] == 2


def test_a_source_that_no_single_fact_betrays_is_told_by_all_together(tmp_path: Path) -> None:
    """Two features whose signs agree in one source and not in the other, each alone the same in both."""
    view, _ = seen(cameras(tmp_path / "d"), tmp_path / "c")
    origins, n = origins_of(view), len(view.index)
    rng = np.random.default_rng(0)
    one, sign = rng.choice([-1.0, 1.0], n), np.where(origins[0].of == 0, 1.0, -1.0)
    features = np.stack([one, one * sign, one * one * sign], axis=1) + rng.normal(0, 0.3, (n, 3))
    facts = Facts(names=("first",), values=features[:, :1])
    (found,) = unlike_sources(view, origins, features, np.arange(n), facts)
    assert (found.code, found.numbers["source"], len(found.ids)) == ("GF-D101", "cam0", 44)
    plain = rng.normal(size=(n, 3))
    assert unlike_sources(view, origins, plain, np.arange(n), facts) == []
