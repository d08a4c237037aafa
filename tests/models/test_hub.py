"""The door to transformers, with tiny models made on the spot: built from a configuration, filled from a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from goodfit.core.errors import MissingExtra, RecipeError
from goodfit.models import download as hub_download
from goodfit.models import hub, hub_text

transformers = pytest.importorskip("transformers")
huggingface_hub = pytest.importorskip("huggingface_hub")

BERT = {"model_type": "bert", "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "vocab_size": 60}
BERT |= {"intermediate_size": 64, "max_position_embeddings": 64}
GPT = {"model_type": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 2, "vocab_size": 60, "n_positions": 64}
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz", "good", "bad", "film"]


def folder(path: Path, config: dict[str, Any], weights: bool = True) -> Path:
    """A model folder as the library would save it."""
    path.mkdir()
    (path / "vocab.txt").write_text("\n".join(VOCABULARY))
    (path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True}))
    values = {k: v for k, v in config.items() if k != "model_type"}
    made = transformers.AutoConfig.for_model(config["model_type"], **values)
    torch.manual_seed(0)
    if weights:
        transformers.AutoModel.from_config(made).save_pretrained(path)
    made.save_pretrained(path)
    return path


def inputs(rows: list[list[int]], wide: int) -> dict[str, torch.Tensor]:
    ids, mask = torch.zeros(len(rows), wide, dtype=torch.long), torch.zeros(len(rows), wide, dtype=torch.bool)
    for k, row in enumerate(rows):
        ids[k, : len(row)] = torch.tensor(row)
        mask[k, : len(row)] = True
    return {"ids": ids, "mask": mask}


@pytest.mark.parametrize(("config", "decoder"), [(BERT, False), (GPT, True)])
def test_weights_of_a_folder_are_in_the_network_and_padding_changes_nothing(
    config: dict[str, Any], decoder: bool, tmp_path: Path
) -> None:
    source = hub.find(str(folder(tmp_path / "m", config)))
    assert source.name == f"transformers/{config['model_type']}"
    assert source.longest == 64
    net = hub_text.build_encoder(source.config, source, 3, 0.1).eval()
    assert net.decoder is decoder
    held = transformers.AutoModel.from_pretrained(str(source.folder)).state_dict()
    own = net.body.state_dict()
    assert all(torch.equal(own[name], held[name]) for name in own)
    rows = [[2, 5, 6, 7, 3], [2, 9, 3]]
    with torch.inference_mode():
        torch.testing.assert_close(net(inputs(rows, 8)), net(inputs(rows, 16)), atol=1e-5, rtol=1e-4)
        assert net(inputs(rows, 8)).shape == (2, 3)


@pytest.mark.parametrize("config", [BERT, GPT])
def test_roles_hold_every_weight_once_from_the_head_down(config: dict[str, Any]) -> None:
    net = hub_text.build_encoder(config, None, 2, 0.0)
    roles = net.roles()
    every = [id(p) for params in roles.values() for p in params]
    assert len(every) == len(set(every)) == len(list(net.parameters()))
    layers = config.get("num_hidden_layers", config.get("n_layer"))
    assert [name for name in roles if name.startswith("below.")] == [f"below.{k}" for k in range(1, layers + 1)]


@pytest.mark.parametrize("config", [BERT, GPT])
def test_only_the_head_drops(config: dict[str, Any], tmp_path: Path) -> None:
    source = hub.find(str(folder(tmp_path / "m", config)))
    for of in (source, None):
        net = hub_text.build_encoder(source.config, of, 2, 0.25)
        found = {name: m.p for name, m in net.named_modules() if isinstance(m, torch.nn.Dropout)}
        assert found.pop("drop") == 0.25
        assert set(found.values()) <= {0.0}
        torch.manual_seed(0)
        body = net.train().body
        ids = torch.randint(5, 30, (2, 8))
        assert torch.equal(body(input_ids=ids).last_hidden_state, body(input_ids=ids).last_hidden_state)


def test_tokenizer_is_json_that_travels_with_the_model(tmp_path: Path) -> None:
    files = hub_text.tokenizer_files(folder(tmp_path / "m", BERT))
    tokens = hub_text.HubTokens(json.loads(json.dumps(files)))
    found = tokens.encode(["Good film", "", "zzz good"])
    first = found.ids[: found.ends[0]].tolist()
    assert [VOCABULARY[i] for i in first] == ["[CLS]", "good", "film", "[SEP]"]
    assert found.lengths.min() >= 1
    assert hub_text.HubTokens(files).identity == tokens.identity
    np.testing.assert_array_equal(hub_text.HubTokens(files).encode(["Good film"]).ids, first)


def test_what_is_missing_in_a_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"model\.weights=.*config\.json"):
        hub.find(str(tmp_path / "absent"))
    bare = folder(tmp_path / "bare", BERT, weights=False)
    (bare / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(RecipeError, match=r"no model\.safetensors.*pickle"):
        hub.find(str(bare))
    assert hub.find(str(bare), weights=False).weights is False
    (bare / "vocab.txt").unlink()
    with pytest.raises(RecipeError, match="no tokenizer"):
        hub_text.tokenizer_files(bare)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    path = folder(tmp_path / "m", BERT)
    (path / "config.json").write_text(json.dumps({**BERT, "num_hidden_layers": 12}))
    with pytest.raises(RecipeError, match=r"cannot be built; got \d+ weights are not in the file"):
        source = hub.find(str(path))
        hub_text.build_encoder(source.config, source, 2, 0.1)
    with pytest.raises(RecipeError, match="cannot be built"):
        hub_text.build_encoder({"model_type": "no_such_thing"}, None, 2, 0.1)


def test_folder_may_not_bring_code_of_its_own(tmp_path: Path) -> None:
    path = folder(tmp_path / "m", BERT)
    (path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    config = {**json.loads((path / "config.json").read_text()), "auto_map": {"AutoModel": "evil.Model"}}
    (path / "config.json").write_text(json.dumps(config))
    source = hub.find(str(path))
    hub_text.build_encoder(source.config, source, 2, 0.1)
    assert not (tmp_path / "ran").exists()


def test_off_line_hub_is_a_friendly_error() -> None:
    with pytest.raises(RecipeError, match="off-line"):
        hub.find("hub:owner/name@" + "0" * 40)


def test_a_hub_name_brings_weights_configuration_and_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub is a folder here: what is asked of it, file by file, is copied into the local store or is not there."""
    shelf, store, asked = folder(tmp_path / "shelf", BERT), tmp_path / "store", list[str]()
    commit = "0123456789" * 4

    def download(name: str, file: str, revision: str) -> str:
        assert (name, revision) == ("owner/name", commit)
        asked.append(file)
        if not (shelf / file).is_file():
            raise huggingface_hub.errors.EntryNotFoundError(f"no {file}")
        store.mkdir(exist_ok=True)
        (store / file).write_bytes((shelf / file).read_bytes())
        return str(store / file)

    def stored(name: str, file: str, revision: str) -> str | None:
        return str(store / file) if (store / file).is_file() else None

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", stored)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub_download, "_answers", lambda endpoint: True)
    source = hub.find(f"hub:owner/name@{commit}")
    assert source.folder == store
    tokens = hub_text.HubTokens(hub_text.tokenizer_files(source.folder))
    assert tokens.encode(["good film"]).ids.tolist() == [2, 31, 33, 3]
    assert hub_text.build_encoder(source.config, source, 2, 0.0).body.config.vocab_size == 60
    assert not {name for name in asked if not name.endswith((".json", ".txt", ".safetensors"))}
    monkeypatch.setattr(hub_download, "_answers", lambda endpoint: False)  # what is here is enough without the hub
    assert hub.find(f"hub:owner/name@{commit}").folder == store


def test_absent_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r"goodfit\[text\]"):
        hub_text.build_encoder(BERT, None, 2, 0.1)
