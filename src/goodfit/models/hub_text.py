"""Pretrained text encoders and decoders of transformers, and their tokenizers.

What a stored model needs to be built again - configuration and tokenizer - is plain JSON, kept beside its weights.

Sources: Devlin et al. 2019, arXiv:1810.04805 (BERT); Reimers and Gurevych 2019, arXiv:1908.10084 (mean over tokens);
Radford et al. 2018 (the last token of a decoder).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..core.errors import RecipeError
from ..core.quiet import quiet
from ..data.text_loader import Encoded
from .download import TOKENIZER_FILES
from .hub import Source, library, network, values_of

_DECODERS = re.compile(r"gpt|opt$|llama|mistral|qwen|phi|gemma|bloom|falcon|neox|olmo|smollm", re.I)
_DROPS = re.compile(r"drop")
_MOST_MISSING = 0.2  # share of the network's weights that a file may lack (heads, poolers) and still be its own


def shape_of(config: Mapping[str, Any]) -> tuple[int, int]:
    """(width, layers) of a configuration, under whatever names the architecture has for them.

    Raises: RecipeError if the architecture is unknown; MissingExtra.
    """
    kind, values = values_of(config)
    try:
        made = library().AutoConfig.for_model(kind, **values)
        return int(made.hidden_size), int(made.num_hidden_layers)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RecipeError(
            "this text model is of an unknown architecture",
            got=first,
            do="check its config.json",
            where="model.weights",
        ) from None


class HubTokens:
    """The tokenizer of a pretrained model; see `data.text_loader.Tokenizer`.

    Args:
        files: name of each of its files -> content.
    Raises: RecipeError if they make no tokenizer.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        unknown = sorted(set(files) - set(TOKENIZER_FILES))
        if unknown:  # names become paths: a foreign model may not choose them
            raise RecipeError(
                "a tokenizer has no such file",
                got=", ".join(unknown[:5]),
                allowed=", ".join(TOKENIZER_FILES),
                do="use the tokenizer's own files",
                where="model.weights",
            )
        self.files = dict(files)
        self._made = _fast_tokenizer(self.files)
        self.identity = "hub " + hashlib.blake2b(json.dumps(self.files, sort_keys=True).encode()).hexdigest()[:32]
        self.pad = int(self._made.pad_token_id if self._made.pad_token_id is not None else self._made.eos_token_id or 0)

        unknown = self._made.unk_token_id  # stands for a word, if for one that it does not know
        self.marks = frozenset(int(i) for i in self._made.all_special_ids if i != unknown)

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Token numbers of whole texts, with the marks that the model expects around them."""
        with quiet():
            found = self._made(list(texts), truncation=False, padding=False, return_attention_mask=False, verbose=False)
        rows = [np.array(row or [self.pad], dtype=np.int64) for row in found["input_ids"]]
        return Encoded(ids=np.concatenate([*rows, np.empty(0, np.int64)]), ends=np.cumsum([len(row) for row in rows]))


def tokenizer_files(folder: Path) -> dict[str, str]:
    """Content of each file of a tokenizer. Raises: RecipeError if none lies there."""
    try:
        found = {name: (folder / name).read_text("utf-8") for name in TOKENIZER_FILES if (folder / name).is_file()}
    except (OSError, ValueError) as error:
        raise RecipeError("this tokenizer cannot be read", got=error, do="copy it again", where=folder) from None
    if "tokenizer.json" not in found and not ({"vocab.txt", "vocab.json"} & found.keys()):
        raise RecipeError(
            "no tokenizer lies in this folder",
            allowed="tokenizer.json, or vocab.txt, or vocab.json with merges.txt",
            do="copy the tokenizer's files beside the weights",
            where=folder,
        )
    return found


class TextEncoder(nn.Module):
    """A pretrained network with a fresh head; takes {"ids", "mask"} and gives (B, K).

    Args:
        body: the network of the library.
        decoder: whether the last token speaks for the text, or the mean of all.
        outputs: K.
        dropout: share of features dropped before the head.
    """

    def __init__(self, body: nn.Module, decoder: bool, outputs: int, dropout: float) -> None:
        super().__init__()
        self.body, self.decoder = body, decoder
        self.drop = nn.Dropout(dropout)
        config: Any = body.config
        self.head = nn.Linear(int(config.hidden_size), outputs)
        nn.init.normal_(self.head.weight, 0, float(getattr(config, "initializer_range", 0.02)))
        nn.init.zeros_(self.head.bias)

    def forward(self, inputs: Mapping[str, Any]) -> Tensor:
        """See the class."""
        mask = inputs["mask"]
        whole = None if not inputs.get("padded", True) else mask.long()
        found = self.body(input_ids=inputs["ids"], attention_mask=whole).last_hidden_state
        if self.decoder:
            last = mask.long().sum(1) - 1
            seen = found[torch.arange(len(found), device=found.device), last]
        else:
            weight = mask[..., None].to(found.dtype)
            seen = (found * weight).sum(1) / weight.sum(1)
        return torch.as_tensor(self.head(self.drop(seen)))

    @property
    def tokens(self) -> int:
        """Different tokens that the network has vectors for."""
        body: Any = self.body
        return int(body.get_input_embeddings().num_embeddings)

    def roles(self) -> dict[str, list[nn.Parameter]]:
        """Head, top layer (kernels, offsets), and `below.1`, `below.2`, ... down to the word vectors."""
        layers = _layers(self.body)
        roles: dict[str, list[nn.Parameter]] = {"head": list(self.head.parameters()), "kernels": [], "offsets": []}
        placed = {id(p) for p in roles["head"]}
        for depth, layer in enumerate(reversed(layers)):
            for p in layer.parameters():
                if id(p) not in placed and p.requires_grad:
                    placed.add(id(p))
                    name = f"below.{depth}" if depth else "kernels" if p.ndim >= 2 else "offsets"
                    roles.setdefault(name, []).append(p)
        rest = [p for p in self.parameters() if id(p) not in placed and p.requires_grad]
        if rest:
            roles[f"below.{max(1, len(layers))}"] = rest  # word vectors and positions
        return roles


def build_encoder(config: Mapping[str, Any], source: Source | None, outputs: int, dropout: float) -> TextEncoder:
    """A text network with a fresh head.

    The library's own dropout is off: the recipe says what is dropped, before the head. On a processor, dropping
    attention weights also rules out the fused form of attention: a step of MiniLM on 32 texts of 512 tokens took 10.7 s
    instead of 5.7 (2 cores, bf16).

    Args:
        config: its configuration, as config.json says.
        source: folder with its weights; None or one without them = random ones.
        outputs: K.
        dropout: before the head.
    Raises: RecipeError if the architecture is unknown or the weights are another's; MissingExtra.
    """
    if config.get("is_encoder_decoder"):
        raise RecipeError(
            "a network with encoder and decoder is not supported",
            got=config.get("model_type"),
            allowed="encoders (BERT family) and decoders (GPT family)",
            do="choose another model",
            where="model.weights",
        )
    kept = {k: 0.0 if _DROPS.search(k) and isinstance(v, float) else v for k, v in config.items()}
    body = network("AutoModel", kept, source, what="text model", new="pooler", lacking=_MOST_MISSING)
    if getattr(body, "pooler", None) is not None:
        body.pooler = None  # feeds a head that is not used here, and would never learn
    return TextEncoder(body, bool(_DECODERS.search(str(config.get("model_type")))), outputs, dropout)


def _layers(body: nn.Module) -> list[nn.Module]:
    """The blocks of a network from bottom to top: the longest list of modules in it."""
    lists = [list(module) for module in body.modules() if isinstance(module, nn.ModuleList)]
    return max(lists, key=lambda found: len(found)) if lists else []


def _fast_tokenizer(files: Mapping[str, str]) -> Any:
    import tempfile

    made = library()
    try:
        with tempfile.TemporaryDirectory() as folder, quiet():
            for name, content in files.items():
                (Path(folder) / name).write_text(content, "utf-8")
            if "tokenizer.json" in files:
                return made.PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
            return made.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, KeyError, OSError, TypeError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RecipeError(
            "this tokenizer cannot be read", got=first, do="copy the tokenizer's own files", where="model.weights"
        ) from None
