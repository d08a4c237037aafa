"""The command line: a verb, its data, common flags, and the recipe as `key=value`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence

from ..core.errors import UsageError
from ..core.interrupt import install
from ..core.messages import say
from .console import Console, show, stopping
from .ending import Outcome, version
from .flags import OWN, language, parse
from .helping import overview, verb_page
from .verbs import VERBS, Call, Verb


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code.

    0 fine; 1 user error; 2 data refused; 3 budget too small; 4 our bug; 130 / 143 interrupted and resumable.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    _forgiving_streams()
    outcome = Outcome(words)
    with outcome:
        _command(words)
    return outcome.code


def _command(argv: list[str]) -> None:
    lang = language(argv)
    verb_name, rest = (argv[0], argv[1:]) if argv else ("help", [])
    if verb_name in ("-h", "--help", "help"):
        show(verb_page(rest[0], lang) if rest and not rest[0].startswith("-") else overview(lang))
    elif verb_name in ("--version", "-V", "version"):
        show(f"goodfit {version()}")
    elif verb_name.startswith("-"):
        raise UsageError("a verb comes first", got=verb_name, allowed=", ".join(VERBS), do="goodfit --help lists them")
    elif {"-h", "--help"} & set(rest[: rest.index("--")] if "--" in rest else rest):
        show(verb_page(verb_name, lang))
    else:
        _do(verb_name, rest, lang)


def _do(name: str, argv: Sequence[str], lang: str) -> None:
    verb = VERBS[name]
    words, flags = parse(name, argv)
    _check_words(name, verb, words)
    console = Console(lang=flags.get("lang", lang), as_json=flags.get("json", False), budget=flags.get("budget"))
    with contextlib.closing(console):
        for flag in sorted(set(flags) - verb.heeds - {"yes", *OWN.get(name, ())}):
            console.line(say("cli.flag_unused", console.lang, flag=f"--{flag}", verb=name))
        _run(verb, Call(verb=name, words=words, flags=flags, console=console))


def _run(verb: Verb, call: Call) -> None:
    restore = install(lambda number: stopping(number, call.lang)) if verb.graceful else None
    try:
        verb.run(call)
    finally:
        if restore is not None:
            restore()


def _check_words(name: str, verb: Verb, words: Sequence[str]) -> None:
    if len(words) < verb.least:
        raise UsageError(
            "something is missing",
            got=" ".join(words) or "nothing",
            allowed=f"goodfit {name} {verb.usage}",
            do="add it",
        )
    if verb.most is not None and len(words) > verb.most:
        raise UsageError(
            "too many words", got=" ".join(words), allowed=f"goodfit {name} {verb.usage}", do="leave out the rest"
        )


def _forgiving_streams() -> None:
    """A terminal whose encoding lacks a letter gets it escaped instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
