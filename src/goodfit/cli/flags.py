"""The common flags, which every verb accepts, and what stands between them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..core.duration import parse_seconds
from ..core.errors import UsageError, did_you_mean, printable
from ..core.messages import LANGUAGES, locale_language

# Flag -> the word that stands for its value in the help; "" = a switch.
FLAGS = {
    "budget": "TIME",
    "device": "NAME",
    "runs": "DIR",
    "seed": "N",
    "json": "",
    "lang": "en|zh",
    "where": "here",
    "recipe": "FILE",
    "new": "",
    "yes": "",
}

# Flag of one verb alone -> the words that may follow it; without one it stands by itself.
OWN: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "audit": {"fix": ("relabel",)},
    "scene": {"ask": ()},
    "predict": {"format": ("csv", "coco", "label_studio")},
}


def parse(verb: str, argv: Sequence[str]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """(words, flags given) from what follows a verb; flags may stand anywhere, `--` ends them.

    Raises: UsageError for an unknown flag, a missing value or an impossible one.
    """
    flags, literal = list(argv), []
    if "--" in flags:
        cut = flags.index("--")
        flags, literal = flags[:cut], flags[cut + 1 :]
    given, words = _parser(verb).parse_known_args(_joined(verb, flags))
    for word in words:
        if word.startswith("-") and len(word) > 1:
            name = word.partition("=")[0]
            known = [f"--{flag}" for flag in (*FLAGS, *OWN.get(verb, ()))]
            do = did_you_mean(name, known) or f"goodfit {verb} --help lists the flags; other settings: key=value"
            raise UsageError(f"no flag {printable(name)}", allowed=", ".join(known), do=do)
    return (*words, *literal), vars(given)


def _parser(verb: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=f"goodfit {verb}", add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    for flag, value in FLAGS.items():
        if value:
            parser.add_argument(f"--{flag}", type=_TYPES.get(flag, str))
        else:
            parser.add_argument(f"--{flag}", action="store_true")
    for flag, words in OWN.get(verb, {}).items():
        parser.add_argument(f"--{flag}", choices=("", *words))
    return parser


def _joined(verb: str, flags: Sequence[str]) -> list[str]:
    """A flag of the verb's own and the word that belongs to it as one, so that DATA behind it stays DATA."""
    joined: list[str] = []
    for flag in flags:
        before = OWN.get(verb, {}).get(joined[-1][2:-1]) if joined and joined[-1].endswith("=") else None
        if before is not None and flag in before:
            joined[-1] += flag
        else:
            joined.append(f"{flag}=" if flag[2:] in OWN.get(verb, {}) and flag.startswith("--") else flag)
    return joined


class _Parser(argparse.ArgumentParser):
    """Speaks through the project's own errors."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, do=f"see {self.prog} --help")


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) >= 2**31:
        raise UsageError(
            "not a seed", got=text, allowed="a whole number from 0 to 2147483647", do="change it", where="--seed"
        )
    return int(text)


def _lang(text: str) -> str:
    lang = text.lower().replace("-", "_").partition("_")[0]
    if lang not in LANGUAGES:
        raise UsageError("no such language", got=text, allowed=", ".join(LANGUAGES), do="change it", where="--lang")
    return lang


def _where(text: str) -> str:
    if text != "here":
        raise UsageError(
            "no such place to run", got=text, allowed="here (this process)", do="leave it out", where="--where"
        )
    return text


_TYPES: Mapping[str, Callable[[str], Any]] = {
    "budget": parse_seconds,
    "runs": Path,
    "seed": _seed,
    "lang": _lang,
    "where": _where,
    "recipe": Path,
}


def language(argv: Sequence[str]) -> str:
    for here, word in enumerate(argv):
        text = (
            word[7:]
            if word.startswith("--lang=")
            else argv[here + 1]
            if word == "--lang" and argv[here + 1 :]
            else None
        )
        if text is not None:
            return _lang(text)
    return locale_language()
