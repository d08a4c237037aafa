"""Read the plain values and arrays of a pickle without unpickling it: its instructions are data here and run nothing.

A pickle is a small program that may call anything that can be imported. Here its instructions are walked one by one
over a stack of plain values; the only three names that are known stand for numpy's bytes, dtypes and arrays, are never
imported, and any other name or instruction is refused.

Sources: Python's pickletools, which describes every instruction; numpy's pickled arrays, `ndarray.__reduce__`.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from ...core.errors import DataError

_RECONSTRUCT = frozenset({"numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct"})
_ARRAY, _DTYPE, _ENCODE = "numpy ndarray", "numpy dtype", "_codecs encode"
_SAFE_DTYPES = frozenset({"u1", "i1", "i2", "i4", "i8", "u2", "u4", "u8", "f4", "f8", "b1"})
_VALUES = frozenset(
    """NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING
    UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8""".split()
)
_MOST = 5_000_000  # instructions


class _Odd(Exception):
    """The pickle asks for what is not read here."""


@dataclass
class _Name:
    """A name that the pickle wants to import; it stays a name."""

    said: str


@dataclass
class _Dtype:
    """A dtype under construction."""

    code: str
    order: str = "|"


@dataclass
class _Array:
    """An array under construction, and the array once its state came."""

    values: np.ndarray | None = None


_MARK = object()


def read_plain(raw: bytes, where: object) -> Any:
    """The value of a pickle made of numbers, text, bytes, lists, tuples, dicts and numeric arrays.

    Args:
        raw: the pickle; text and bytes of Python 2 become bytes or str as they were stored.
        where: named in errors.
    Raises: DataError for a pickle that holds or asks for anything else; nothing was run.
    """
    try:
        return _plain(_walk(raw))
    except (_Odd, ValueError, IndexError, KeyError, TypeError, OverflowError, AttributeError, RecursionError) as error:
        raise DataError(
            "this pickle holds more than plain values and arrays, so it is not read (a pickle can run any program)",
            got=error,
            allowed="numbers, text, lists, dicts and numeric arrays",
            where=where,
            do="save the pictures as files or .npz",
        ) from None


def _walk(raw: bytes) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for count, (code, argument, _) in enumerate(pickletools.genops(raw)):
        name, value = code.name, cast(Any, argument)
        if count > _MOST:
            raise _Odd("too many instructions")
        if name in _VALUES:
            stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}.get(name, value))
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            said = value if name == "GLOBAL" else " ".join(reversed([str(stack.pop()), str(stack.pop())]))
            stack.append(_known(str(said)))
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if name == "MEMOIZE" else int(value)] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[int(value)])
        elif name == "STOP":
            return stack.pop()
        elif name not in ("PROTO", "FRAME"):
            _step(name, stack)
    raise _Odd("it ends too early")


def _known(said: str) -> _Name:
    if said not in {*_RECONSTRUCT, _ARRAY, _DTYPE, _ENCODE}:
        raise _Odd(f"it asks for {said!r}")
    return _Name(said)


def _step(name: str, stack: list[Any]) -> None:
    """One instruction that builds something of what lies on the stack."""
    step = _STEPS.get(name)
    if step is None:
        raise _Odd(f"the instruction {name}")
    step(stack)


def _to_mark(stack: list[Any]) -> list[Any]:
    place = max(i for i, entry in enumerate(stack) if entry is _MARK)
    taken = stack[place + 1 :]
    del stack[place:]
    return taken


def _top(stack: list[Any], n: int) -> list[Any]:
    if n > len(stack):
        raise _Odd("an empty stack")
    taken = stack[len(stack) - n :]
    del stack[len(stack) - n :]
    return taken


def _fill(stack: list[Any], pairs: list[Any]) -> None:
    """Into the dict on top: key, value, key, value."""
    stack[-1].update(zip(pairs[0::2], pairs[1::2], strict=True))


def _reduce(stack: list[Any]) -> None:
    """A call: of three known names, each answered here."""
    called, arguments = _top(stack, 2)
    said = called.said if isinstance(called, _Name) else "?"
    if said in _RECONSTRUCT:
        stack.append(_Array())
    elif said == _DTYPE and arguments[0] in _SAFE_DTYPES:
        stack.append(_Dtype(str(arguments[0])))
    elif said == _ENCODE and arguments[1] in ("latin1", "latin-1"):
        stack.append(str(arguments[0]).encode("latin-1"))
    else:
        raise _Odd(f"a call of {said} {arguments!r:.80}")


def _build(stack: list[Any]) -> None:
    """The state of a dtype or an array."""
    thing, state = _top(stack, 2)
    if isinstance(thing, _Dtype):
        thing.order = state[1] if state[1] in ("<", ">", "|", "=") else "|"
    elif isinstance(thing, _Array) and isinstance(state[2], _Dtype):
        _, shape, dtype, by_columns, data = state
        raw = data.encode("latin-1") if isinstance(data, str) else bytes(data)
        kind = np.dtype(dtype.order.replace("|", "") + dtype.code)
        if any(side < 0 for side in shape) or math.prod(shape) * kind.itemsize != len(raw):
            raise _Odd(f"an array of {len(raw)} bytes and shape {shape}")
        thing.values = np.frombuffer(raw, dtype=kind).reshape(shape, order="F" if by_columns else "C")
    else:
        raise _Odd("a state of something unknown")
    stack.append(thing)


_STEPS: dict[str, Callable[[list[Any]], None]] = {
    "MARK": lambda stack: stack.append(_MARK),
    "POP": lambda stack: stack.pop() and None,
    "EMPTY_DICT": lambda stack: stack.append({}),
    "EMPTY_LIST": lambda stack: stack.append([]),
    "EMPTY_TUPLE": lambda stack: stack.append(()),
    "DICT": lambda stack: stack.append(dict(zip(*[iter(_to_mark(stack))] * 2, strict=True))),
    "LIST": lambda stack: stack.append(_to_mark(stack)),
    "TUPLE": lambda stack: stack.append(tuple(_to_mark(stack))),
    "TUPLE1": lambda stack: stack.append(tuple(_top(stack, 1))),
    "TUPLE2": lambda stack: stack.append(tuple(_top(stack, 2))),
    "TUPLE3": lambda stack: stack.append(tuple(_top(stack, 3))),
    "APPEND": lambda stack: stack[-2].append(stack.pop()),
    "APPENDS": lambda stack: (lambda values: stack[-1].extend(values))(_to_mark(stack)),
    "SETITEM": lambda stack: _fill(stack, _top(stack, 2)),
    "SETITEMS": lambda stack: _fill(stack, _to_mark(stack)),
    "REDUCE": _reduce,
    "BUILD": _build,
}


def _plain(value: Any) -> Any:
    """The value with finished arrays in place of those under construction; a dict at the top is enough."""
    if isinstance(value, _Array):
        return value.values
    if isinstance(value, _Name | _Dtype):
        raise _Odd("a name where a value should be")
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value
