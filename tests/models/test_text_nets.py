"""Text networks: padding changes nothing, each learns order or presence of words, roles name every layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from goodfit.core.errors import RecipeError
from goodfit.models.hash_words import BUCKETS, HashWords
from goodfit.models.text_nets import NAMES, build_text_net


def inputs(rows: list[list[int]], wide: int) -> dict[str, torch.Tensor]:
    ids, mask = torch.zeros(len(rows), wide, dtype=torch.long), torch.zeros(len(rows), wide, dtype=torch.bool)
    for k, row in enumerate(rows):
        ids[k, : len(row)] = torch.tensor(row)
        mask[k, : len(row)] = True
    return {"ids": ids, "mask": mask}


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("gru", "lstm")])
def test_padding_changes_no_answer(name: str) -> None:
    torch.manual_seed(0)
    net = build_text_net(name, 3, 64, 2, 0.0).eval()
    rows = [[5, 9, 70_000, 3], [8, 8, 1 << 29, 2, 1, 4]]
    with torch.inference_mode():
        narrow, wide = net(inputs(rows, 8)), net(inputs(rows, 24))
    torch.testing.assert_close(narrow, wide, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_every_net_learns_a_cue_word(name: str) -> None:
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    rows = random.integers(10, 2000, (64, 16))
    target = torch.arange(64) % 2
    rows[:, 5] = 3 + target.numpy() * 4
    net = build_text_net(name, 2, 64, 1, 0.0)
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3)
    batch = inputs(rows.tolist(), 16)
    for _ in range(40):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(batch), target).backward()
        optimizer.step()
    assert (net.eval()(batch).argmax(1) == target).float().mean() >= 0.95


def test_unknown_name_is_refused() -> None:
    with pytest.raises(RecipeError, match="no such text network"):
        build_text_net("bert", 2, 64, 1, 0.0)


def test_hashes_are_stable_and_tell_words_apart() -> None:
    texts = ["the cat sat", "cat", "", " ".join(f"word{i}" for i in range(20_000))]
    found = HashWords().encode(texts)
    assert found.lengths.tolist() == [3, 1, 1, 20_000]
    assert found.ids[1] == found.ids[3]
    assert found.ids.max() < BUCKETS * BUCKETS
    assert found.ids.min() >= 1
    assert len(set(found.ids[5:].tolist())) == 20_000
    assert found.ids[:3].tolist() == HashWords().encode(["the cat sat"]).ids.tolist()
