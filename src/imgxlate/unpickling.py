"""Reads pickles without running them.

A pickle is a program: it names functions of any module and calls them with any arguments. Here each name becomes a
`Name` and each call an `Object` that only remembers the name and the arguments. The standard library splits the bytes
into operations (`pickletools.genops`); `pickle` itself is not used. No module is imported, nothing is called, and no
attribute of any object is read or set, whatever the file holds.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

MAX_OPERATIONS = 5_000_000
_CONSTANTS: dict[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
# fmt: off
_LITERALS = frozenset({
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
})
# fmt: on
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_EXTENSIONS = frozenset({"EXT1", "EXT2", "EXT4"})
_SETS = frozenset({"builtins.set", "builtins.frozenset", "__builtin__.set", "__builtin__.frozenset"})
_ORDERED_DICT = "collections.OrderedDict"  # Python 2 gives its pairs to the constructor.
_LONGEST_KEY = 500  # characters
_LARGEST_KEY = 2**63  # Python refuses to write very large integers as text.


class PicklingError(ValueError):
    """The bytes are not a whole pickle."""


@dataclass(frozen=True, slots=True)
class Name:
    """A function or class that a pickle names, such as `torch.FloatStorage`. It is not imported."""

    path: str


@dataclass(eq=False, slots=True)
class Object:
    """The result of a call that was not made. Two objects are never equal."""

    maker: str  # The path of the function or class; "" if the pickle would have computed it.
    arguments: tuple[object, ...]
    state: object = None  # what the pickle would have given to __setstate__ or __dict__
    items: list[object] = field(default_factory=list)  # of a kind of list
    entries: dict[object, object] = field(default_factory=dict)  # of a kind of dict


def evaluate(stream: BinaryIO, persistent: Callable[[object], object]) -> object:
    """The value of the pickle at the position of `stream`, which then stands behind it.

    The value consists of None, bool, int, float, str, bytes, bytearray, list, tuple, dict, Name, Object, and the
    results of `persistent`, which is called with each persistent id. Sets become lists. A dict keeps only keys that are
    None, numbers or short strings. Any of the containers may contain itself.

    Raises:
        PicklingError: the bytes are not a whole pickle, or one of too many operations.
    """
    machine = _Machine(persistent)
    try:
        for count, (operation, argument, _) in enumerate(pickletools.genops(stream)):
            if count == MAX_OPERATIONS:
                raise PicklingError(f"its pickle has more than {MAX_OPERATIONS} operations")
            machine.do(operation.name, argument)
        return machine.pop()
    except PicklingError:
        raise
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        raise PicklingError("its pickle cannot be read") from error


class _Machine:
    """The stack machine of the pickle protocols 0 to 5."""

    def __init__(self, persistent: Callable[[object], object]) -> None:
        self._persistent = persistent
        self._stack: list[object] = []
        self._marked: list[list[object]] = []  # the stacks below the marks
        self._memo: dict[object, object] = {}

    def do(self, operation: str, argument: object) -> None:
        if operation in _LITERALS:
            self._push(argument)
        elif operation in _CONSTANTS:
            self._push(_CONSTANTS[operation])
        elif operation in _PUTS:
            self._memo[argument] = self._stack[-1]
        elif operation in _GETS:
            self._push(self._memo[argument])
        elif operation in _EXTENSIONS:
            self._push(Name(f"copyreg.extension_{argument}"))
        elif operation not in {"PROTO", "FRAME", "STOP"}:
            self._handle(operation, argument)

    def _handle(self, operation: str, argument: object) -> None:
        match operation:
            case "MARK":
                self._marked.append(self._stack)
                self._stack = []
            case "POP" if self._stack:
                self._stack.pop()
            case "POP" | "POP_MARK":
                self._above_mark()
            case "DUP":
                self._push(self._stack[-1])
            case "MEMOIZE":
                self._memo[len(self._memo)] = self._stack[-1]
            case "PERSID":
                self._push(self._persistent(argument))
            case "BINPERSID":
                self._push(self._persistent(self.pop()))
            case "EMPTY_TUPLE" | "TUPLE" | "TUPLE1" | "TUPLE2" | "TUPLE3":
                self._push_tuple(operation)
            case "EMPTY_LIST" | "EMPTY_SET":
                self._push([])
            case "LIST" | "FROZENSET":
                self._push(self._above_mark())
            case "EMPTY_DICT":
                self._push({})
            case "DICT":
                pairs = self._above_mark()
                self._push({})
                self._set(pairs)
            case "APPEND":
                self._extend([self.pop()])
            case "APPENDS" | "ADDITEMS":
                self._extend(self._above_mark())
            case "SETITEM":
                value, key = self.pop(), self.pop()
                self._set([key, value])
            case "SETITEMS":
                self._set(self._above_mark())
            case _:
                self._handle_call(operation, argument)

    def _handle_call(self, operation: str, argument: object) -> None:
        match operation:
            case "GLOBAL":
                self._push(Name(str(argument).replace(" ", ".", 1)))
            case "STACK_GLOBAL":
                name, module = self.pop(), self.pop()
                self._push(Name(f"{_text(module)}.{_text(name)}"))
            case "REDUCE" | "NEWOBJ":
                arguments, maker = self.pop(), self.pop()
                self._push(call(maker, arguments))
            case "NEWOBJ_EX":
                _, arguments, maker = self.pop(), self.pop(), self.pop()
                self._push(call(maker, arguments))
            case "OBJ":
                maker, *rest = self._above_mark()
                self._push(call(maker, tuple(rest)))
            case "INST":
                self._push(Object(str(argument).replace(" ", ".", 1), tuple(self._above_mark())))
            case "BUILD":
                state, target = self.pop(), self._stack[-1]
                if not isinstance(target, Object):
                    raise PicklingError("its pickle gives a state to a plain value")
                target.state = state
            case _:
                raise PicklingError(f"its pickle has the operation {operation}, which torch does not write")

    def pop(self) -> object:
        return self._stack.pop()

    def _push(self, value: object) -> None:
        self._stack.append(value)

    def _above_mark(self) -> list[object]:
        values, self._stack = self._stack, self._marked.pop()
        return values

    def _push_tuple(self, operation: str) -> None:
        if operation == "TUPLE":
            values = self._above_mark()
        else:
            length = int(operation.removeprefix("TUPLE")) if operation != "EMPTY_TUPLE" else 0
            values = [self.pop() for _ in range(length)][::-1]
        self._push(tuple(values))

    def _extend(self, values: list[object]) -> None:
        target = self._stack[-1]
        if isinstance(target, Object):
            target.items.extend(values)
        elif isinstance(target, list):
            target.extend(values)
        else:
            raise PicklingError("its pickle appends to a value that is not a list")

    def _set(self, pairs: list[object]) -> None:
        target = self._stack[-1]
        entries = target.entries if isinstance(target, Object) else target
        if not isinstance(entries, dict):
            raise PicklingError("its pickle sets an item of a value that is not a dict")
        _put(entries, pairs)


def call(maker: object, arguments: object) -> Object:
    """The object that stands for the call of `maker`, which is not made.

    Raises:
        PicklingError: the arguments are not a tuple.
    """
    if not isinstance(arguments, tuple):
        raise PicklingError("its pickle calls a function without a tuple of arguments")
    made = Object(maker.path if isinstance(maker, Name) else "", arguments)
    if made.maker in _SETS and arguments and isinstance(arguments[0], list):
        made.items.extend(arguments[0])
    if made.maker == _ORDERED_DICT and arguments and isinstance(arguments[0], list):
        _put(made.entries, [part for pair in arguments[0] if isinstance(pair, list | tuple) for part in pair])
    return made


def _put(entries: dict[object, object], pairs: list[object]) -> None:
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        if _is_key(key):
            entries[key] = value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise PicklingError("its pickle has a name that is not text")
    return value


def _is_key(value: object) -> bool:
    """Whether a dict keeps this key: its text is short. The hash of a tuple nested deeply could end the process."""
    if isinstance(value, str):
        return len(value) <= _LONGEST_KEY
    return value is None or isinstance(value, float) or (isinstance(value, int) and abs(value) < _LARGEST_KEY)
