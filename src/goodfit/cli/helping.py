"""The help pages, in the language of the person."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.messages import say
from .flags import FLAGS, OWN
from .verbs import VERBS


def overview(lang: str) -> str:
    verbs = [(name, say(f"cli.verb.{name}", lang)) for name in VERBS]
    return "\n".join(
        [
            say("cli.about", lang),
            "",
            "  goodfit fit DATA --budget 20m",
            "",
            say("cli.help.verbs", lang),
            *_columns(verbs),
            "",
            say("cli.help.flags", lang),
            *_columns([(_flag_usage(flag), say(f"cli.flag.{flag}", lang)) for flag in FLAGS]),
            "",
            say("cli.help.recipe", lang),
            say("cli.help.codes", lang),
            "",
        ]
    )


def verb_page(name: str, lang: str) -> str:
    verb = VERBS[name]
    shown = [flag for flag in FLAGS if flag in verb.heeds]
    lines = [f"goodfit {name} {verb.usage}".rstrip(), "", f"  {say(f'cli.verb.{name}', lang)}", ""]
    rows = [(_flag_usage(f), say(f"cli.flag.{f}", lang)) for f in shown]
    rows += [(_own_usage(f, words), say(f"cli.flag.{f}", lang)) for f, words in OWN.get(name, {}).items()]
    lines += [say("cli.help.flags", lang), *_columns(rows)]
    if "key=value" in verb.usage:
        lines += ["", say("cli.help.recipe", lang)]
    return "\n".join([*lines, ""])


def _flag_usage(flag: str) -> str:
    return f"--{flag} {FLAGS[flag]}".rstrip()


def _own_usage(flag: str, words: Sequence[str]) -> str:
    return f"--{flag} [{'|'.join(words)}]" if words else f"--{flag}"


def _columns(rows: Sequence[tuple[str, str]]) -> list[str]:
    wide = max(len(name) for name, _ in rows)
    return [f"  {name:<{wide}}  {text}" for name, text in rows]
