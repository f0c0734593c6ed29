"""The disk after a power loss, from the journal that shim.c writes.

What was flushed is kept: the bytes of a file by `fsync` of the file, its name by `fsync` of its folder. What was not
may be lost or kept, each for itself. Three ways to lose it are told apart, see `Loss`.
"""

import enum
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_HEADER = struct.Struct("=cQQII")


class Loss(enum.Enum):
    """What is lost of the changes that were not flushed. Bytes are lost in any case."""

    ALL = "all"
    BYTES = "bytes only, so that new names lead to files that are empty or old"
    ADDITIONS = "new names and bytes, but not removals"


@dataclass(eq=False)
class File:
    """The bytes of a file, and those that were flushed."""

    now: bytearray = field(default_factory=bytearray)
    kept: bytes = b""


@dataclass(eq=False)
class Folder:
    """The entries of a folder by name, those that were flushed, and the names that were removed since."""

    now: dict[str, "Folder | File"] = field(default_factory=dict)
    kept: dict[str, "Folder | File"] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)

    def after(self, loss: Loss) -> dict[str, "Folder | File"]:
        """The entries after a power loss."""
        if loss is Loss.BYTES:
            return self.now
        removed = self.removed if loss is Loss.ADDITIONS else ()
        return {name: node for name, node in self.kept.items() if name not in removed}


State = dict[str, bytes | None]
"""What a disk holds, by path: the bytes of a file; None: a folder."""


class Disk:
    """The files below a folder, in which everything was flushed before the journal began."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._nodes: dict[int, Folder | File] = {}
        self._top = self._read(root)

    def replay(self, journal: bytes) -> Iterator[None]:
        """Repeat the changes of a journal, one at each step. A step that flushes nothing new is one, too."""
        position = 0
        while position < len(journal):
            kind, inode, number, length, second = _HEADER.unpack_from(journal, position)
            position += _HEADER.size
            first = journal[position : position + length]
            position += length
            path = journal[position : position + second]
            position += second
            self._apply(kind, inode, number, first, path)
            yield

    def now(self) -> State:
        """What programs see before the power loss."""
        return dict(_listed(self._top, Loss.BYTES, "", lambda file: bytes(file.now)))

    def after(self, loss: Loss) -> State:
        """What is left after a power loss."""
        return dict(_listed(self._top, loss, "", lambda file: file.kept))

    def _apply(self, kind: bytes, inode: int, number: int, data: bytes, path: bytes) -> None:
        match kind:
            case b"C" | b"M":
                parent, name = self._place(data)
                parent.now[name] = self._nodes[inode] = File() if kind == b"C" else Folder()
            case b"W":
                now = self._nodes[inode].now
                now.extend(bytes(max(0, number - len(now))))
                now[number : number + len(data)] = data
            case b"T":
                now = self._nodes[inode].now
                now.extend(bytes(max(0, number - len(now))))
                del now[number:]
            case b"F":
                node = self._nodes[inode]
                node.kept = bytes(node.now) if isinstance(node, File) else dict(node.now)
                if isinstance(node, Folder):
                    node.removed.clear()
            case b"R":
                (parent, name), (target, new_name) = self._place(data), self._place(path)
                target.now[new_name] = parent.now.pop(name)
            case b"U":
                parent, name = self._place(data)
                del parent.now[name]
                parent.removed.add(name)

    def _place(self, path: bytes) -> tuple[Folder, str]:
        """The folder of a path, and the name in it."""
        *parents, name = Path(path.decode()).relative_to(self._root).parts
        folder = self._top
        for parent in parents:
            folder = folder.now[parent]
        return folder, name

    def _read(self, path: Path) -> Folder | File:
        if path.is_dir():
            node = Folder({child.name: self._read(child) for child in path.iterdir()})
            node.kept = dict(node.now)
        else:
            node = File(bytearray(path.read_bytes()), path.read_bytes())
        self._nodes[path.stat().st_ino] = node
        return node


def write(state: State, folder: Path) -> None:
    """Make the files of a disk below `folder`."""
    for name, data in state.items():
        path = folder / name
        if data is None:
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.write_bytes(data)


def _listed(folder, loss, prefix, content) -> Iterator[tuple[str, bytes | None]]:
    yield prefix, None
    for name, node in folder.after(loss).items():
        if isinstance(node, Folder):
            yield from _listed(node, loss, f"{prefix}{name}/", content)
        else:
            yield f"{prefix}{name}", content(node)
