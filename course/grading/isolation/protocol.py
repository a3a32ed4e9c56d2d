"""What the examiner and a student's process say to each other: msgpack frames of plain data, and nothing that runs.

A frame is four bytes of length and a msgpack value. Beside msgpack's own types there are the few extensions below;
decoding one builds numbers, arrays and containers, or a marker that `Resolver` turns into an object of the receiver's
own. Whatever bytes come in, decoding ends in a value or in ProtocolError.
"""

# ruff: noqa: ARG002 - the arguments of the methods to override say what they get

from __future__ import annotations

import math
import os
import select
import struct
import time
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import msgpack
import numpy as np

MAX_DEPTH = 40
MAX_ITEMS = 200_000  # in one list, dict or tuple
MAX_ALL_ITEMS = 1_000_000  # in one message: an empty dict is one byte on the wire and 64 in memory
MAX_KEYS = 5_000  # in a set, or a dict whose keys aren't all text: numbers can be chosen so that their hashes collide
SPARE_BYTES = (
    1 << 24
)  # besides several times its own length, how much a message may unfold to, level by level
MAX_INT_BYTES = 512
DTYPES = tuple(
    np.dtype(t) for t in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
)
_CODES = {t: i for i, t in enumerate(DTYPES)}
_NARROWED = {"g": np.dtype("f8"), "G": np.dtype("c16")}  # longdouble: as wide as the list goes
GENERATORS = ("PCG64", "PCG64DXSM", "SFC64")  # the others' states have a position, which numpy doesn't check


class Ext(IntEnum):
    """Extension types of a frame."""

    ARRAY = 1  # [dtype, shape, layout, writeable, bytes]
    SCALAR = 2  # [dtype, bytes]
    TUPLE = 3
    INT = 4  # one that doesn't fit into 64 bits
    COMPLEX = 5
    PAIRS = 6  # a dict whose keys aren't all text
    SET = 7
    SLICE = 8
    DTYPE = 9  # a numpy dtype or scalar type, by its place in DTYPES
    GENERATOR = 10  # [class of its bit generator, state]
    SHARED = 11  # [number, value]: a mutable thing that the student's process keeps, with a copy of it
    KEPT = 12  # number: a thing that the student's process keeps
    OBJECT = 13  # [number, type name, callable]: a thing that has no copy
    NAMED = 14  # [name, type name, callable]: what the student's notebook calls so
    CALLBACK = 15  # [number, name]: a function of the examiner's


class ProtocolError(Exception):
    """A frame that isn't well formed, is too long, or is nothing that was asked for."""


class ClosedError(ProtocolError):
    """The other side has gone."""


class TooMuchError(ProtocolError):
    """A limit on size. The text says which, for the student."""


class LateError(Exception):
    """No whole frame came in time."""


class Resolver:
    """What the extensions that stand for objects mean to the receiver; by default nothing, so they are refused."""

    def shared(self, number: int, value: Any) -> Any:
        raise ProtocolError("a shared value is not allowed here")

    def kept(self, number: int) -> Any:
        raise ProtocolError("a reference is not allowed here")

    def object(self, number: int, type_name: str, is_callable: bool) -> Any:
        raise ProtocolError("an object is not allowed here")

    def named(self, name: str, type_name: str, is_callable: bool) -> Any:
        raise ProtocolError("a name is not allowed here")

    def callback(self, number: int, name: str) -> Any:
        raise ProtocolError("a callback is not allowed here")


class Packer:
    """Turns values into bytes. What isn't plain data is up to the subclass: by default it is refused."""

    def instead(self, value: Any) -> msgpack.ExtType | None:
        """Another encoding for a value, asked before anything else."""
        return None

    def number(self, value: Any) -> int | None:
        """The number under which the receiver may hand this list, dict, tuple or array back."""
        return None

    def other(self, value: Any) -> msgpack.ExtType:
        """An encoding for what is no plain data; raises TypeError."""
        raise TypeError(f"a {type(value).__name__} is no plain data")

    def pack(self, value: Any) -> bytes:
        """A value as bytes; raises TypeError where it can't be encoded, ValueError where it is nested too deeply."""
        return _packb(self._encoded(value, 0))

    def ext(self, kind: Ext, value: Any, depth: int = 0) -> msgpack.ExtType:
        """An extension that holds an encoded value."""
        return msgpack.ExtType(int(kind), _packb(self._itself(value, depth)))

    def _encoded(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        if value is None or type(value) in (bool, str, bytes, float):
            return value
        if (encoded := self.instead(value)) is not None:
            return encoded
        if isinstance(value, list | dict | tuple | np.ndarray):
            number = self.number(value)
            if number is not None:
                return self._ext_of([number, self._itself(value, depth + 1)], Ext.SHARED)
        return self._itself(value, depth)

    @staticmethod
    def _ext_of(ready: Any, kind: Ext) -> msgpack.ExtType:
        return msgpack.ExtType(int(kind), _packb(ready))

    def _itself(self, value: Any, depth: int) -> Any:
        """What msgpack can pack, by exact type; subclasses of plain types are stripped to them first."""
        kind = type(value)
        if kind is int:
            return value if -(2**63) <= value < 2**64 else _big(value)
        if kind is list:
            return [self._encoded(v, depth + 1) for v in value]
        if kind is tuple:
            return self.ext(Ext.TUPLE, list(value), depth + 1)
        if kind is dict:
            if all(type(k) is str for k in value):
                return {k: self._encoded(v, depth + 1) for k, v in value.items()}
            _raise_if_many(value)
            return self.ext(Ext.PAIRS, [[k, v] for k, v in value.items()], depth + 1)
        if kind in (bool, str, bytes, float) or value is None:
            return value
        return self._rarer(value, depth)

    def _rarer(self, value: Any, depth: int) -> Any:
        if isinstance(value, np.ndarray):
            known = (
                value.dtype in _CODES
                or value.dtype.char in _NARROWED
                or value.dtype.newbyteorder("=") in _CODES
            )
            return _array_ext(value) if known else self.other(value)
        if isinstance(value, np.generic) and (value.dtype in _CODES or value.dtype.char in _NARROWED):
            value = value if value.dtype in _CODES else _NARROWED[value.dtype.char].type(value)
            return self._ext_of([_CODES[value.dtype], value.tobytes()], Ext.SCALAR)
        if isinstance(value, slice):
            return self.ext(Ext.SLICE, [value.start, value.stop, value.step], depth + 1)
        if isinstance(value, set | frozenset):
            _raise_if_many(value)
            return self.ext(Ext.SET, list(value), depth + 1)
        if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
            known = np.dtype(value) in _CODES
            named = [_CODES[np.dtype(value)], isinstance(value, type)] if known else None
            return self._ext_of(named, Ext.DTYPE) if known else self.other(value)
        if isinstance(value, np.random.Generator):
            if type(value.bit_generator).__name__ not in GENERATORS:
                return self.other(value)
            return self.ext(Ext.GENERATOR, _generator_state(value.bit_generator.state), depth + 1)
        if isinstance(value, complex):
            return self._ext_of([float(value.real), float(value.imag)], Ext.COMPLEX)
        for base, strip in ((int, int.__int__), (float, float.__float__), (str, str.__str__)):
            if isinstance(value, base):
                return self._itself(strip(value), depth)
        for base in (tuple, list, dict):
            if isinstance(value, base):
                return self._itself(base(value), depth)
        return self.other(value)


_ROOM = 1 << 20  # bytes that a packer may keep for its next message
_packer = msgpack.Packer(unicode_errors="backslashreplace")


def _packb(ready: Any) -> bytes:
    """As msgpack.packb, which makes a packer and its buffer anew for every message. That buffer never shrinks."""
    global _packer
    packed = b""
    try:
        packed = _packer.pack(ready)
    finally:
        if not packed or len(packed) > _ROOM:
            _packer = msgpack.Packer(unicode_errors="backslashreplace")
    return packed


def pack(value: Any) -> bytes:
    """Plain data as bytes; raises TypeError where it isn't."""
    return Packer().pack(value)


def unpack(data: bytes, resolver: Resolver | None = None) -> Any:
    """The value of some bytes; raises ProtocolError, whatever the bytes are."""
    try:
        return _Reader(resolver or Resolver(), len(data)).read(data, 0)
    except ProtocolError:
        raise
    except RecursionError:
        raise ProtocolError("nested too deeply") from None
    except Exception as error:  # msgpack and numpy have many names for "malformed"
        raise ProtocolError(f"malformed: {type(error).__name__}: {error}"[:200]) from None


def _big(value: int) -> msgpack.ExtType:
    size = value.bit_length() // 8 + 1
    if size > MAX_INT_BYTES:
        raise ValueError(f"an integer of {size} bytes is too long")
    return msgpack.ExtType(int(Ext.INT), value.to_bytes(size, "little", signed=True))


def _array_ext(array: np.ndarray) -> msgpack.ExtType:
    array = np.asarray(array)
    writeable = array.flags.writeable  # a conversion would lose it
    if array.dtype.char in _NARROWED:
        array = array.astype(_NARROWED[array.dtype.char])
    if array.dtype not in _CODES:  # of the other byte order
        array = array.astype(array.dtype.newbyteorder("="))
    layout = "C" if array.flags.c_contiguous else "F" if array.flags.f_contiguous else "S"
    data = array.tobytes("F" if layout == "F" else "C")
    head = [_CODES[array.dtype], list(array.shape), layout, writeable, data]
    return msgpack.ExtType(int(Ext.ARRAY), _packb(head))


def _generator_state(state: Any) -> Any:
    if isinstance(state, dict):
        return {k: _generator_state(v) for k, v in state.items()}
    return int(state) if isinstance(state, np.integer) else state


def _raise_if_many(keys: Any) -> None:
    if len(keys) > MAX_KEYS:
        raise ValueError(f"{len(keys):,} keys that aren't text; {MAX_KEYS:,} are allowed")


class _Reader:
    """Reads one message, and keeps count of what it unfolds to."""

    def __init__(self, resolver: Resolver, size: int) -> None:
        self.resolver = resolver
        self.items_left = MAX_ALL_ITEMS
        self.bytes_left = 8 * size + SPARE_BYTES

    def read(self, data: bytes, depth: int) -> Any:
        """The value of some bytes at a depth."""
        if depth > MAX_DEPTH:
            raise ProtocolError("nested too deeply")
        self.bytes_left -= len(data)
        if self.bytes_left < 0:
            raise ProtocolError("extensions within extensions of too many bytes")

        def hook(code: int, payload: bytes) -> Any:
            return _EXTENSIONS[Ext(code)](payload, self, depth + 1)

        return msgpack.unpackb(
            data,
            ext_hook=hook,
            object_hook=self._counted,
            list_hook=self._counted,
            strict_map_key=True,
            max_array_len=MAX_ITEMS,
            max_map_len=MAX_ITEMS,
            timestamp=1,  # msgpack's own extension: a float, which is plain data
        )

    def _counted(self, container: Any) -> Any:
        self.items_left -= 1 + len(container)
        if self.items_left < 0:
            raise ProtocolError(f"more than {MAX_ALL_ITEMS:,} items")
        return container

    def items(self, data: bytes, depth: int, count: int | None = None) -> list:
        """A list that an extension holds, of so many items where that is known."""
        items = self.read(data, depth)
        if type(items) is not list or (count is not None and len(items) != count):
            raise ProtocolError("a list is expected")
        return items

    def keys(self, data: bytes, depth: int) -> list:
        """A list of what becomes keys."""
        items = self.items(data, depth)
        if len(items) > MAX_KEYS:
            raise ProtocolError("too many keys")
        return items


def _read_array(data: bytes, *_: Any) -> np.ndarray:
    code, shape, layout, writeable, raw = msgpack.unpackb(data)
    dtype = DTYPES[_index(code, DTYPES)]
    if type(shape) is not list or len(shape) > 32 or any(type(n) is not int or n < 0 for n in shape):
        raise ProtocolError("not a shape")
    if type(raw) is not bytes or math.prod(shape) * dtype.itemsize != len(raw):
        raise ProtocolError("an array's shape and its bytes disagree")
    if 0 in shape and math.prod(n or 1 for n in shape) > 2**31:
        raise ProtocolError("an empty array of a huge shape")
    array = _numbers(raw, dtype).reshape(shape, order="F" if layout == "F" else "C")
    if layout == "S" and array.ndim:
        larger = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), dtype)
        view = larger[..., ::-2]
        view[...] = array
        array = view
    array.flags.writeable = bool(writeable)
    return array


def _numbers(raw: bytes, dtype: np.dtype) -> np.ndarray:
    """An array of its own. A bool that is neither 0 nor 1 would be both true and unequal to True."""
    if dtype.kind == "b":
        return np.frombuffer(raw, np.uint8) != 0
    return np.frombuffer(bytearray(raw), dtype)


def _read_scalar(data: bytes, *_: Any) -> np.generic:
    code, raw = msgpack.unpackb(data)
    dtype = DTYPES[_index(code, DTYPES)]
    if type(raw) is not bytes or len(raw) != dtype.itemsize:
        raise ProtocolError("a number's type and its bytes disagree")
    return _numbers(raw, dtype)[0]


def _index(code: Any, table: tuple) -> int:
    if type(code) is not int or not 0 <= code < len(table):
        raise ProtocolError("not one of the types")
    return code


def _read_int(data: bytes, *_: Any) -> int:
    if len(data) > MAX_INT_BYTES:
        raise ProtocolError("an integer is too long")
    return int.from_bytes(data, "little", signed=True)


def _read_complex(data: bytes, *_: Any) -> complex:
    real, imaginary = msgpack.unpackb(data)
    if type(real) is not float or type(imaginary) is not float:
        raise ProtocolError("not a complex number")
    return complex(real, imaginary)


def _read_dtype(data: bytes, *_: Any) -> Any:
    code, is_type = msgpack.unpackb(data)
    dtype = DTYPES[_index(code, DTYPES)]
    return dtype.type if is_type is True else dtype


def _read_generator(data: bytes, reader: _Reader, depth: int) -> np.random.Generator:
    state = reader.read(data, depth)
    if state["bit_generator"] not in GENERATORS:
        raise ProtocolError("not a known generator")
    made = getattr(np.random, state["bit_generator"])(0)
    made.state = state
    return np.random.Generator(made)


def _read_pairs(data: bytes, reader: _Reader, depth: int) -> dict:
    return dict(reader.keys(data, depth))


def _read_set(data: bytes, reader: _Reader, depth: int) -> set:
    return set(reader.keys(data, depth))


def _read_shared(data: bytes, reader: _Reader, depth: int) -> Any:
    number, value = reader.items(data, depth, 2)
    return reader.resolver.shared(_number(number), value)


def _read_object(data: bytes, reader: _Reader, depth: int) -> Any:
    number, type_name, is_callable = reader.items(data, depth, 3)
    return reader.resolver.object(_number(number), _text(type_name), is_callable is True)


def _read_named(data: bytes, reader: _Reader, depth: int) -> Any:
    name, type_name, is_callable = reader.items(data, depth, 3)
    return reader.resolver.named(_text(name), _text(type_name), is_callable is True)


def _read_callback(data: bytes, reader: _Reader, depth: int) -> Any:
    number, name = reader.items(data, depth, 2)
    return reader.resolver.callback(_number(number), _text(name))


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ProtocolError("a number is expected")
    return value


def _text(value: Any) -> str:
    if type(value) is not str or len(value) > 200:
        raise ProtocolError("a short text is expected")
    return value


_EXTENSIONS: dict[Ext, Callable[[bytes, _Reader, int], Any]] = {
    Ext.ARRAY: _read_array,
    Ext.SCALAR: _read_scalar,
    Ext.TUPLE: lambda d, r, n: tuple(r.items(d, n)),
    Ext.INT: _read_int,
    Ext.COMPLEX: _read_complex,
    Ext.PAIRS: _read_pairs,
    Ext.SET: _read_set,
    Ext.SLICE: lambda d, r, n: slice(*r.items(d, n, 3)),
    Ext.DTYPE: _read_dtype,
    Ext.GENERATOR: _read_generator,
    Ext.SHARED: _read_shared,
    Ext.KEPT: lambda d, r, n: r.resolver.kept(_number(r.read(d, n))),
    Ext.OBJECT: _read_object,
    Ext.NAMED: _read_named,
    Ext.CALLBACK: _read_callback,
}


class Channel:
    """One end of a socket pair, in frames. Plain reads and writes: descriptors that are sent along get lost."""

    def __init__(self, descriptor: int, max_bytes: int) -> None:
        self.descriptor = descriptor
        self.max_bytes = max_bytes
        os.set_blocking(descriptor, False)
        self._poll_in, self._poll_out = select.poll(), select.poll()
        self._poll_in.register(descriptor, select.POLLIN)
        self._poll_out.register(descriptor, select.POLLOUT)

    def send(self, frame: bytes, deadline: float | None = None) -> None:
        """Send a frame; raises ClosedError, or LateError after `deadline` (of time.monotonic)."""
        rest = memoryview(struct.pack("<I", len(frame)) + frame)
        while rest:
            try:
                rest = rest[os.write(self.descriptor, rest) :]
            except BlockingIOError:
                _wait(self._poll_out, deadline)
            except OSError:
                raise ClosedError("the other side has gone") from None

    def receive(self, deadline: float | None = None) -> bytes:
        """The next frame; raises ClosedError, ProtocolError where it is too long, LateError after `deadline`."""
        (size,) = struct.unpack("<I", self._read(4, deadline))
        if size > self.max_bytes:
            raise TooMuchError(
                f"it sent {size:,} bytes at once, and {self.max_bytes:,} are allowed: is a result far too large?"
            )
        return self._read(size, deadline)

    def _read(self, size: int, deadline: float | None) -> bytes:
        parts, missing = [], size
        while missing:
            if deadline is not None and time.monotonic() > deadline:  # a flood never blocks
                raise LateError
            try:
                part = os.read(self.descriptor, min(missing, 1 << 20))
            except BlockingIOError:
                _wait(self._poll_in, deadline)
                continue
            except OSError:
                part = b""
            if not part:
                raise ClosedError("the other side has gone")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Close this end."""
        os.close(self.descriptor)


def _wait(poll: select.poll, deadline: float | None) -> None:
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and left <= 0:
        raise LateError
    poll.poll(None if left is None else math.ceil(left * 1000))
