"""What the audit says of the columns of a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from goodfit.audit import Audit, run
from goodfit.core.errors import DataError
from goodfit.core.recipe import DataSection
from goodfit.data.reading import read
from goodfit.data.scan import scan

RNG = np.random.default_rng(0)
N = 200


def audited(tmp_path: Path, columns: dict[str, list[object]], name: str = "d.csv", **keys: object) -> Audit:
    """The audit of a table of these columns; the last is the target."""
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    target = list(columns)[-1]
    dataset = read(DataSection(path=str(tmp_path / name), target=target, **keys), tmp_path / "cache")  # type: ignore[arg-type]
    return run(dataset, scan(dataset, tmp_path / "cache"))


def codes(found: Audit) -> dict[str, str]:
    """Code -> the columns named."""
    return {f.code: str(f.numbers.get("names", "")) for f in found.findings}


def noise() -> list[object]:
    return [round(float(v), 9) for v in RNG.normal(size=N)]


def test_equal_rows_with_different_numbers_are_kept_and_bound(tmp_path: Path) -> None:
    columns = {"a": noise(), "b": noise()}
    for cells in columns.values():
        cells[7] = cells[3]
    number = audited(tmp_path, {**columns, "y": [round(float(v), 3) for v in RNG.normal(size=N)]})
    assert (len(number.keep), number.conflicts, number.duplicates) == (N, (), (("d.csv:5", "d.csv:9"),))
    assert number.groups is not None
    assert number.groups[3] == number.groups[7]


def test_a_plain_table_has_no_finding(tmp_path: Path) -> None:
    y = [i % 2 for i in range(N)]
    assert codes(audited(tmp_path, {"a": noise(), "b": noise(), "y": list(y)})) == {}


def test_id_constant_and_empty_columns_are_named(tmp_path: Path) -> None:
    table: dict[str, list[object]] = {
        "id": list(range(5, N + 5)), "one": ["x"] * N, "void": [""] * N, "a": noise(), "y": [i % 2 for i in range(N)]
    }  # fmt: skip
    assert codes(audited(tmp_path, table)) == {"GF-D032": "id", "GF-D033": "one, void"}


@pytest.mark.parametrize("kind", ["class", "number"])
def test_a_column_made_from_the_target_is_a_problem_and_stays(kind: str, tmp_path: Path) -> None:
    y = RNG.normal(size=N)
    target: list[object] = [int(v > 0) for v in y] if kind == "class" else [round(float(v), 4) for v in y]
    told = [round(float(np.exp(3 * v) + 1), 5) for v in y]  # in another form
    found = audited(tmp_path, {"a": noise(), "told": list(told), "y": target})
    assert codes(found) == {"GF-D034": "told 1.0000"}
    assert found.findings[0].severity == "problem"


def test_a_category_that_names_the_class_is_a_problem(tmp_path: Path) -> None:
    y = [i % 2 for i in range(N)]
    table: dict[str, list[object]] = {"a": noise(), "said": ["yes" if v else "no" for v in y], "y": list(y)}
    assert codes(audited(tmp_path, table)) == {"GF-D034": "said 1.0000"}


def test_a_strong_but_honest_column_is_none(tmp_path: Path) -> None:
    x = RNG.normal(size=N)
    y = [int(v + e > 0) for v, e in zip(x, RNG.normal(size=N) * 0.5, strict=True)]
    table: dict[str, list[object]] = {"x": [round(float(v), 4) for v in x], "y": list(y)}
    assert codes(audited(tmp_path, {"b": noise(), **table})) == {}


def test_a_constant_answer_by_category_is_no_knowledge(tmp_path: Path) -> None:
    """199 of 200 rows are of one class: a category that names it everywhere tells nothing."""
    y = [1] * (N - 4) + [0] * 4
    table: dict[str, list[object]] = {"a": noise(), "c": ["u", "v"] * (N // 2), "y": list(y)}
    assert "GF-D034" not in codes(audited(tmp_path, table))


def test_repeated_columns_are_found_also_under_other_words(tmp_path: Path) -> None:
    a = noise()
    c = [["u", "v", "w"][i % 3] for i in range(N)]
    table: dict[str, list[object]] = {
        "a": a, "again": a, "c": list(c), "renamed": [v.upper() + "!" for v in c], "y": [i % 2 for i in range(N)]
    }  # fmt: skip
    assert codes(audited(tmp_path, table)) == {"GF-D035": "a = again, c = renamed"}


def test_mostly_empty_columns_strays_and_free_text_are_named(tmp_path: Path) -> None:
    table: dict[str, list[object]] = {
        "rare": [1.5 if i % 3 == 0 else "" for i in range(N)],
        "typo": [*noise()[:-1], "abc"],
        "note": [f"these are some words about row {i} of it" for i in range(N)],
        "b": noise(),
        "y": [i % 2 for i in range(N)],
    }
    found = codes(audited(tmp_path, table))
    assert found == {"GF-D036": "rare 66%", "GF-D038": "typo 1", "GF-D037": "note"}


def test_a_column_of_numbers_and_words_is_named(tmp_path: Path) -> None:
    mixed = ["inf" if i % 3 == 0 else cell for i, cell in enumerate(noise())]
    found = codes(audited(tmp_path, {"a": noise(), "m": mixed, "c": ["x", "y"] * (N // 2), "y": [0, 1] * (N // 2)}))
    assert found["GF-D039"] == "m 66%"


def test_a_column_that_gives_the_target_away_can_be_left_out(tmp_path: Path) -> None:
    y = [i % 2 for i in range(N)]
    table: dict[str, list[object]] = {"a": noise(), "copy": [2 * v for v in y], "b": noise(), "y": list(y)}
    assert "GF-D034" in codes(audited(tmp_path, table))
    assert codes(audited(tmp_path, table, ignore=("copy",))) == {}
    with pytest.raises(DataError, match="nothere"):
        audited(tmp_path, table, ignore=("nothere",))


def test_rows_that_are_in_train_and_test_leave_train(tmp_path: Path) -> None:
    y = [i % 2 for i in range(N)]
    a, part = noise(), ["train"] * (N - 20) + ["test"] * 20
    a[-1], y[-1] = a[0], y[0]
    found = audited(tmp_path, {"a": a, "split": list(part), "y": list(y)})
    assert found.leaks == (("d.csv:2", f"d.csv:{N + 1}"),)
    assert len(found.keep) == N - 1


def test_equal_rows_of_a_poor_table_are_no_copies(tmp_path: Path) -> None:
    table: dict[str, list[object]] = {
        "a": ["u", "v"] * (N // 2), "b": [i % 5 for i in range(N)], "y": [i % 3 % 2 for i in range(N)]
    }  # fmt: skip
    found = audited(tmp_path, table)
    assert (found.duplicates, found.groups, len(found.keep)) == ((), None, N)


def test_a_table_without_a_usable_column_is_refused_with_the_reasons(tmp_path: Path) -> None:
    y: list[object] = [i % 2 for i in range(N)]
    with pytest.raises(DataError, match=r"id \(id\), one \(constant\)"):
        audited(tmp_path, {"id": list(range(N)), "one": ["x"] * N, "y": y})


def test_a_table_of_one_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="only one class"):
        audited(tmp_path, {"a": noise(), "y": ["x"] * N})


def test_rows_in_the_order_of_their_dates_are_told_unless_time_is_named(tmp_path: Path) -> None:
    days: list[object] = [f"20{10 + i // 84}-{1 + i % 84 // 28:02d}-{1 + i % 28:02d}" for i in range(N)]
    columns = {"day": days, "b": noise(), "y": noise()}
    assert codes(audited(tmp_path, columns)) == {"GF-D133": "day"}
    assert codes(audited(tmp_path, columns, time="day")) == {}
    assert codes(audited(tmp_path, {**columns, "day": days[::-1]})) == {"GF-D133": "day"}
    assert codes(audited(tmp_path, {**columns, "day": days[N // 2 :] + days[: N // 2]})) == {}
