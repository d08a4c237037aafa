"""Plain values and arrays come out of a pickle; whatever else it asks for is refused and nothing runs."""

from __future__ import annotations

import os
import pickle  # noqa: TID251 - writes what must be read without it
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.core.errors import DataError
from goodfit.data.readers.pickled_arrays import read_plain

VALUES: dict[str, Any] = {
    "labels": [3, 0, 255, 256, 70000, -1, 2**70],
    "share": 0.5,
    "words": ("a", b"\xff\x00", None, True, "é"),
    "empty": {},
    b"key": [[1, 2], []],
}


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_come_back_from_every_protocol(protocol: int) -> None:
    if protocol < 3:  # bytes are calls there, of _codecs.encode
        assert read_plain(pickle.dumps(b"\xff\x00", protocol), "x") == b"\xff\x00"
    assert read_plain(pickle.dumps(VALUES, protocol), "x") == VALUES


@pytest.mark.parametrize("protocol", range(5))
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", ">i2", "bool"])
def test_arrays_keep_shape_type_and_order(protocol: int, dtype: str) -> None:
    array = np.arange(12).astype(dtype).reshape(3, 4)
    for one in (array, np.asfortranarray(array)):
        found = read_plain(pickle.dumps({"data": one}, protocol), "x")["data"]
        np.testing.assert_array_equal(found, one)
        assert found.dtype == one.dtype


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch owned",)


@pytest.mark.parametrize(
    "raw",
    [
        pickle.dumps(Evil()),
        pickle.dumps({"data": Evil()}, 2),
        pickle.dumps(OrderedDict(a=1)),
        pickle.dumps(np.array([{}], dtype=object)),
        b"cos\nsystem\n(S'touch owned'\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cos\nsystem\nI0\ntR.",
        b"\x80\x02cbuiltins\neval\n(X\x01\x00\x00\x001tR.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0btouch owned\x85R.",
        b"(i__main__\nEvil\n.",
        b"\x80\x02cnumpy\ndtype\n(X\x01\x00\x00\x00Otq\x01R.",
        b"\x80\x02]q\x00h\x00a.",  # a list inside itself is plain, but cut below
        b"\x80\x02}q\x00(",
        b"\x80\x02h\x05.",
        b"R.",
        b"",
        b"\xff\xfe nonsense",
        pickle.dumps({"a": 1})[:-3],
    ],
)
def test_what_is_more_than_plain_is_refused_and_nothing_runs(
    raw: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if raw == b"\x80\x02]q\x00h\x00a.":
        assert read_plain(raw, "x")[0][0] is not None
        return
    with pytest.raises(DataError, match="can run any program"):
        read_plain(raw, "x")
    assert not (tmp_path / "owned").exists()


def test_an_array_that_lies_about_its_size_is_refused() -> None:
    raw = pickle.dumps(np.zeros((2, 3), np.uint8), 2)
    assert b"K\x02K\x03" in raw
    with pytest.raises(DataError, match="6 bytes and shape"):
        read_plain(raw.replace(b"K\x02K\x03", b"K\x02K\xff"), "x")
