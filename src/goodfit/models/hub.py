"""The one door to transformers: where one of its models comes from, a local folder or the hub, and the library itself.

Texts go on in `hub_text`, pictures with boxes in `hub_boxes`. The library: https://huggingface.co/docs/transformers.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import MissingExtra, RecipeError
from .download import from_hub

PREFIX = "transformers/"
LONGEST = 512  # tokens where the configuration names no limit of its own
_NOT_OF_THE_MODEL = ("torch_dtype", "dtype", "auto_map", "transformers_version")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a pretrained model comes from.

    Attributes:
        folder: with config.json, and for texts the tokenizer's files.
        weights: whether model.safetensors is to be read from there.
        config: as config.json says.
    """

    folder: Path
    weights: bool
    config: Mapping[str, Any]

    @property
    def name(self) -> str:
        """As model.name shows it."""
        return PREFIX + str(self.config.get("model_type", "unknown"))

    @property
    def longest(self) -> int:
        """Tokens that its positions reach."""
        found = self.config.get("max_position_embeddings") or self.config.get("n_positions") or LONGEST
        return int(found) - (2 if "roberta" in str(self.config.get("model_type")) else 0)  # its first two are reserved


def find(reference: str, weights: bool = True) -> Source:
    """What lies at a folder or under a hub name.

    Args:
        reference: a folder with config.json, or `hub:owner/name@commit`.
        weights: whether its weights are wanted, or the architecture alone.
    Raises: RecipeError if something is missing there.
    """
    key = "model.weights" if weights else "model.name"
    if reference.startswith("hub:"):
        folder = from_hub(reference).parent
    else:
        folder = Path(reference).expanduser()
        folder = folder if folder.is_dir() else folder.parent
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        if not isinstance(config, dict):
            raise ValueError("it holds no object")
    except (OSError, ValueError) as error:
        raise RecipeError(
            "a model of transformers needs its config.json",
            got=getattr(error, "strerror", None) or error,
            allowed="a folder with config.json, model.safetensors and, for texts, a tokenizer",
            do="name that folder",
            where=f"{key}={reference}",
        ) from None
    if weights and not (folder / "model.safetensors").is_file():
        raise RecipeError(
            "no model.safetensors lies in this folder",
            got=", ".join(sorted(entry.name for entry in folder.iterdir())[:10]),
            allowed="safetensors; a pickle can run foreign code and is not opened",
            do=f"save it so, or train from its configuration alone with model.name={PREFIX}{folder}",
            where=f"{key}={reference}",
        )
    return Source(folder=folder, weights=weights, config=config)


def values_of(config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """(model type, its other values) of a configuration, ready for the library: nothing that names foreign code."""
    values = {key: value for key, value in config.items() if key not in _NOT_OF_THE_MODEL}
    return str(values.pop("model_type", "")), values


def library() -> Any:
    """The library, silent. Raises: MissingExtra."""
    try:
        import transformers
    except ImportError:
        raise MissingExtra("models of transformers need that library", do="pip install 'goodfit[text]'") from None
    logging.getLogger("transformers").setLevel(logging.ERROR)
    transformers.utils.logging.disable_progress_bar()
    return transformers
