"""Which version of the C library programs need: read from the files, as no tool for it is sure to be there."""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

from bundle import regular_files

PT_LOAD, PT_DYNAMIC = 1, 2
DT_STRTAB, DT_VERNEED, DT_VERNEEDNUM = 5, 0x6FFFFFFE, 0x6FFFFFFF
Version = tuple[int, ...]


def glibc_needed(folder: Path) -> Version | None:
    """Return the highest GLIBC_x.y that any file of `folder` asks for; None if none is a program for Linux."""
    return max((version for path in regular_files(folder) for version in glibc_versions(path)), default=None)


def glibc_versions(path: Path) -> set[Version]:
    """Return the GLIBC_x.y that a file asks for, as (x, y); nothing if it is not a 64-bit ELF file."""
    names = (name for name in symbol_versions(path) if name.startswith("GLIBC_"))
    numbers = (name.removeprefix("GLIBC_").split(".") for name in names)
    return {tuple(map(int, parts)) for parts in numbers if all(part.isdigit() for part in parts)}


def symbol_versions(path: Path) -> set[str]:
    """Return all versions of symbols that an ELF file (64 bits, little-endian) asks for, as `GLIBC_2.34`.

    They are found through what the loader itself uses, so stripped files do as well.
    """
    if path.stat().st_size < 64:
        return set()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:6] != b"\x7fELF\x02\x01":
            return set()
        segments = list(_segments(data))
        dynamic = _dynamic(data, segments)
        if DT_VERNEED not in dynamic or DT_STRTAB not in dynamic:
            return set()
        needs = _offset(segments, dynamic[DT_VERNEED])
        strings = _offset(segments, dynamic[DT_STRTAB])
        return set(_names(data, needs, dynamic.get(DT_VERNEEDNUM, 0), strings))


def _segments(data: mmap.mmap) -> Iterator[tuple[int, int, int, int]]:
    """Give each segment's kind, place in the file, address, and size in the file."""
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for i in range(count):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", data, start + i * size)
        yield kind, offset, address, length


def _dynamic(data: mmap.mmap, segments: list[tuple[int, int, int, int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for kind, offset, _, length in segments:
        if kind == PT_DYNAMIC:
            found.update(struct.unpack_from("<QQ", data, place) for place in range(offset, offset + length, 16))
    return found


def _offset(segments: list[tuple[int, int, int, int]], address: int) -> int:
    for kind, offset, start, length in segments:
        if kind == PT_LOAD and start <= address < start + length:
            return offset + address - start
    raise ValueError(f"no segment has the address {address:#x}")


def _names(data: mmap.mmap, place: int, count: int, strings: int) -> Iterator[str]:
    for _ in range(count):  # one for each library that versions are needed of
        _, versions, _, first, following = struct.unpack_from("<HHIII", data, place)
        entry = place + first
        for _ in range(versions):
            _, _, _, name, next_entry = struct.unpack_from("<IHHII", data, entry)
            end = data.find(b"\0", strings + name)
            yield data[strings + name : end].decode("ascii", "replace")
            entry += next_entry
        place += following
