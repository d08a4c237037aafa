"""A model folder: model.safetensors and model.json, replaced together so that a reader never meets half of each.

The tree of model.json is also kept in the header of model.safetensors, which is renamed into place in one move: should
a cut fall between the two files, the header's tree counts and model.json, which is for people, is out of date. The
header carries a seal over tree and weights, so that an older model.json and a flipped bit are told apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from ..core.errors import CheckpointError, UsageError
from ..core.files import write_atomic
from ..core.task import State
from .tensors import digest, to_bytes

WEIGHTS, TREE = "model.safetensors", "model.json"
MODEL_SCHEMA = 1
_KEY = "goodfit"


def write_model(folder: Path, state: State, tree: Mapping[str, Any]) -> None:
    """Replace the model in `folder`.

    Args:
        folder: made if absent.
        state: tensors of the model; its meta is stored under `state` of the tree.
        tree: all that is needed to build and use the model: JSON values, no NaN.
    Raises: OSError if it cannot be written; the model that stood there before is then whole.
    """
    body = {"schema": MODEL_SCHEMA, **tree, "state": dict(state.meta)}
    text = _text({**body, "seal": _seal(state.tensors, body)})
    data = to_bytes(state.tensors, {_KEY: text})
    weights = {"file": WEIGHTS, "bytes": len(data), "blake2b": digest(data)}
    write_atomic(folder / WEIGHTS, data)
    write_atomic(folder / TREE, json.dumps({**body, "weights": weights}, indent=1, ensure_ascii=False, allow_nan=False))


def read_model(folder: Path) -> tuple[State, dict[str, Any]]:
    """The tensors and the tree of a model folder.

    Returns: (State with the tensors, tree without `state` and `weights`).
    Raises: UsageError if it is no model folder or of another schema; CheckpointError if a file is damaged or a
        weight is not finite.
    """
    if not (folder / WEIGHTS).is_file() or not (folder / TREE).is_file():
        raise UsageError(
            "this folder holds no model",
            where=folder,
            allowed=f"a folder with {WEIGHTS} and {TREE}",
            do="check the path",
        )
    data = (folder / WEIGHTS).read_bytes()
    tree = _tree(folder, data)
    if tree.get("schema") != MODEL_SCHEMA:
        raise UsageError(
            "this model was written by another version of goodfit",
            got=tree.get("schema"),
            allowed=MODEL_SCHEMA,
            where=folder,
            do="use the version that wrote it",
        )
    tensors = _tensors(folder, data)
    tree.pop("weights", None)
    return State(tensors=tensors, meta=tree.pop("state", {})), tree


def _tree(folder: Path, data: bytes) -> dict[str, Any]:
    """model.json where it belongs to these tensors, else the tree in their header."""
    try:
        tree = json.loads((folder / TREE).read_text("utf-8"))
        if tree["weights"]["blake2b"] == digest(data):
            return dict(tree)
    except (OSError, ValueError, KeyError, TypeError):
        tree = None
    try:
        with safetensors.safe_open(folder / WEIGHTS, framework="pt") as file:
            header = file.metadata() or {}
        tree = dict(json.loads(header[_KEY]))
        seal = tree.pop("seal")
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError):
        raise _damaged(folder, "neither file says what the model is") from None
    if seal != _seal(_tensors(folder, data), tree):
        raise _damaged(folder, f"{WEIGHTS} is not as it was written")
    return tree


def _text(tree: Mapping[str, Any]) -> str:
    return json.dumps(tree, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _seal(tensors: Mapping[str, Any], tree: Mapping[str, Any]) -> str:
    return digest(to_bytes(tensors) + _text(tree).encode("utf-8", "surrogatepass"))


def _tensors(folder: Path, data: bytes) -> dict[str, Tensor]:
    try:
        tensors = safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise _damaged(folder, error) from None
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise _damaged(folder, f"{name} holds NaN or infinity")
    return dict(tensors)


def _damaged(folder: Path, why: object) -> CheckpointError:
    return CheckpointError("this model folder is damaged", got=why, where=folder, do="train again or restore a copy")
