"""Batches of like length: every text once, orders by (seed, epoch), little padding, long texts cut in the middle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.core import randomness
from goodfit.core.errors import DataError
from goodfit.data.text_loader import ALIGN, HEAD, Encoded, TokenLoader
from goodfit.data.token_cache import encoded

N = 500


def tokens(seed: int = 0) -> Encoded:
    lengths = np.random.default_rng(seed).integers(1, 200, N)
    return Encoded(ids=np.arange(1, lengths.sum() + 1), ends=np.cumsum(lengths))


def loader(training: bool = True, **changes: Any) -> TokenLoader:
    form: dict[str, Any] = {"batch_size": 16, "most": 128, "pad": 0, "seed": 3, "place": lambda x: x}
    return TokenLoader(tokens(), np.arange(N), np.arange(N), training=training, **{**form, **changes})


def test_training_pass_takes_each_text_at_most_once_in_an_order_of_its_own() -> None:
    of = loader()
    first, again, second = ([b.positions for b in of.epoch(k)] for k in (0, 0, 1))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    flat = np.concatenate(first)
    assert len(flat) == len(set(flat.tolist())) == len(of) == 16 * (N // 16)
    assert not np.array_equal(flat, np.concatenate(second))
    assert [b.positions.tolist() for b in of.epoch(1, start=7)] == [p.tolist() for p in second[7:]]


def test_inputs_are_the_texts_own_tokens_and_the_mask_says_which() -> None:
    of, held = loader(), tokens()
    for batch in of.epoch(0):
        ids, mask = batch.inputs["ids"].numpy(), batch.inputs["mask"].numpy()
        assert ids.shape[1] % ALIGN == 0
        assert (ids[~mask] == 0).all()
        for row, seen, i in zip(ids, mask, batch.positions, strict=True):
            np.testing.assert_array_equal(row[seen], held.cut(int(i), 128))
        np.testing.assert_array_equal(batch.target.numpy(), batch.positions)


def test_training_texts_are_altered_by_epoch_and_place_and_plain_ones_never() -> None:
    asked: list[np.ndarray] = []

    def drop_first(texts: Any, epoch: int, places: np.ndarray) -> list[np.ndarray]:
        asked.append(places)
        return [text[epoch:] if len(text) > epoch else text for text in texts]

    held, of = tokens(), loader(alter=drop_first)
    for batch in of.epoch(1):
        for row, seen, i in zip(*(batch.inputs[k].numpy() for k in ("ids", "mask")), batch.positions, strict=True):
            whole = held.cut(int(i), 128)
            np.testing.assert_array_equal(row[seen], whole[1:] if len(whole) > 1 else whole)
    assert np.concatenate(asked).tolist() == list(range(len(of)))  # drawn twice, a text is altered in two ways
    rest = asked[7:]
    asked.clear()
    list(of.epoch(1, start=7))
    assert all((a == b).all() for a, b in zip(asked, rest, strict=True))
    of = loader(training=False, alter=drop_first)
    assert all(int(b.inputs["mask"].sum()) == of.tokens.lengths.clip(max=128)[b.positions].sum() for b in of.epoch(1))


def test_little_is_padding_where_random_batches_would_pad_a_quarter() -> None:
    of = loader()
    lengths = np.minimum(tokens().lengths, 128)
    order = np.random.default_rng(0).permutation(N)[: 16 * (N // 16)].reshape(-1, 16)
    naive = 1 - lengths[order].sum() / (lengths[order].max(1) * 16).sum()
    assert naive > 0.25
    assert of.padded_share() < 0.1


def test_a_batch_in_parts_holds_the_texts_of_the_random_batch_sorted_by_length() -> None:
    of = loader(parts=4)
    assert (of.parts, of.batch_size, of.steps_per_epoch, len(of)) == (4, 4, 4 * (N // 16), 16 * (N // 16))
    drawn = randomness.permutation(3, 1, N, 0)[: len(of)].reshape(-1, 16)
    seen = np.concatenate([b.positions for b in of.epoch(1)]).reshape(-1, 16)
    np.testing.assert_array_equal(np.sort(seen), np.sort(drawn))
    lengths = np.minimum(tokens().lengths, 128)[seen]
    assert (np.diff(lengths, axis=1) >= 0).all()
    assert of.padded_share() < 0.25
    assert [b.positions.tolist() for b in of.epoch(1, start=8)] == seen.reshape(-1, 4)[8:].tolist()


def test_a_batch_that_does_not_divide_and_a_plain_pass_are_not_cut() -> None:
    assert loader(parts=3).parts == 1
    assert loader(training=False, parts=4).parts == 1


def test_plain_pass_yields_all_texts_and_says_in_which_order() -> None:
    of = loader(training=False)
    seen = np.concatenate([b.positions for b in of.epoch(0)])
    np.testing.assert_array_equal(seen, of.positions)
    assert sorted(seen.tolist()) == list(range(N))
    assert of.padded_share() < 0.15


def test_long_text_keeps_head_and_tail() -> None:
    held = Encoded(ids=np.arange(100), ends=np.array([100]))
    kept = held.cut(0, 20)
    assert kept.tolist() == [*range(int(20 * HEAD)), *range(100 - 15, 100)]


def test_nothing_to_load_is_an_error() -> None:
    with pytest.raises(DataError, match="no text is left"):
        TokenLoader(
            tokens(), np.arange(N), np.empty(0), batch_size=4, most=8, pad=0, seed=0, training=True, place=lambda x: x
        )


class Bytes:
    """A tokenizer that counts how often it is asked."""

    identity, pad, asked = "bytes", 0, 0

    def encode(self, texts: Any) -> Encoded:
        self.asked += len(texts)
        rows = [np.frombuffer(text.encode(), np.uint8).astype(np.int64) for text in texts]
        return Encoded(ids=np.concatenate(rows), ends=np.cumsum([len(row) for row in rows]))


class Held:
    fingerprint = "abc"

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, i: int) -> str:
        return self.texts[i]


def test_texts_are_tokenised_once_and_a_damaged_cache_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("goodfit.data.token_cache._HELD", {})
    data: Any = Held("one", "<b>two</b>", "three")
    tokenizer = Bytes()
    found = encoded(data, tokenizer, tmp_path)
    assert found.lengths.tolist() == [3, 3, 5]
    monkeypatch.setattr("goodfit.data.token_cache._HELD", {})
    np.testing.assert_array_equal(encoded(data, tokenizer, tmp_path).ids, found.ids)
    assert tokenizer.asked == 3
    for file in tmp_path.glob("*.npz"):
        file.write_bytes(file.read_bytes()[:-40])
    monkeypatch.setattr("goodfit.data.token_cache._HELD", {})
    np.testing.assert_array_equal(encoded(data, tokenizer, tmp_path).ids, found.ids)
    assert tokenizer.asked == 6
