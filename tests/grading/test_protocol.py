"""What the two sides say to each other: what is sent arrives, and whatever bytes come in do no harm."""

# ruff: noqa: ARG002

import math
import socket
import struct
import time
import tracemalloc
from pathlib import Path

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course.grading.isolation import protocol
from course.grading.isolation.protocol import (
    MAX_DEPTH,
    Channel,
    ClosedError,
    Ext,
    LateError,
    Packer,
    ProtocolError,
    Resolver,
    TooMuchError,
    pack,
    unpack,
)

quick = settings(deadline=None, max_examples=200)

# ---------------------------------------------------------------- what is sent arrives

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats()
    | st.text()
    | st.binary()
    | st.complex_numbers()
    | st.builds(
        slice, st.none() | st.integers(-9, 9), st.none() | st.integers(), st.none() | st.integers(1, 5)
    )
    | st.sampled_from([np.float64, np.int8, np.bool_, *protocol.DTYPES])
)
keys = st.booleans() | st.integers() | st.text() | st.tuples(st.integers(), st.text()) | st.none()
arrays = hnp.arrays(
    st.sampled_from(protocol.DTYPES), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
)
numbers = arrays.filter(lambda a: a.size).map(lambda a: a.flat[0])
plain = st.recursive(
    scalars | arrays | numbers,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(), inner, max_size=4)
        | st.dictionaries(keys, inner, max_size=4)
        | st.sets(keys, max_size=4)
    ),
    max_leaves=12,
)


def same(a, b):
    """Equal in type, structure and every bit that counts."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, np.generic):
        return a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, slice):
        return same((a.start, a.stop, a.step), (b.start, b.stop, b.step))
    if isinstance(a, float | complex):
        return struct.pack("dd", complex(a).real, complex(a).imag) == struct.pack(
            "dd", complex(b).real, complex(b).imag
        )
    return a == b


@quick
@given(plain)
def test_what_is_packed_comes_out(value):
    assert same(unpack(pack(value)), value)


@quick
@given(arrays, st.booleans(), st.sampled_from(["C", "F", "backwards", "every other", "swapped"]))
def test_an_array_keeps_its_layout(array, writeable, layout):
    views = {
        "C": lambda a: a,
        "F": np.asfortranarray,
        "backwards": lambda a: a[..., ::-1] if a.ndim else a,
        "every other": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
        "swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    }
    sent = views[layout](array.copy())
    sent.flags.writeable = writeable
    got = unpack(pack(sent))
    assert got.shape == sent.shape
    assert got.dtype == array.dtype
    np.testing.assert_array_equal(got, sent)
    assert got.flags.writeable == writeable
    assert (
        got.flags.c_contiguous == sent.flags.c_contiguous or got.flags.f_contiguous == sent.flags.f_contiguous
    )


@quick
@given(arrays.filter(lambda a: a.size))
def test_an_array_that_came_is_the_receiver_s_own(array):
    data = pack(array)
    before = bytes(data)
    unpack(data)[...] = 0
    assert data == before


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        (np.longdouble(1.5), np.float64(1.5)),
        (type("Sub", (float,), {})(2.5), 2.5),
        (type("Sub", (int,), {})(7), 7),
        (type("Sub", (list,), {})([1]), [1]),
        (type("Sub", (dict,), {})(a=1), {"a": 1}),
        (frozenset([1]), {1}),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_becomes_its_plain_kind(value, becomes):
    assert same(unpack(pack(value)), becomes)


@pytest.mark.parametrize("name", protocol.GENERATORS)
def test_a_generator_goes_on_where_it_was(name):
    sent = np.random.Generator(getattr(np.random, name)(3))
    sent.random(5)
    got = unpack(pack(sent))
    assert (got.random(10) == sent.random(10)).all()


@pytest.mark.parametrize(
    "value", [print, object(), np.array([None]), np.zeros(2, "U3"), 1 << 10_000, range(3)]
)
def test_what_is_no_plain_data_is_refused(value):
    with pytest.raises((TypeError, ValueError)):
        pack(value)


def test_too_many_keys_are_refused_on_both_sides():
    many = dict.fromkeys(range(protocol.MAX_KEYS + 1), 0)
    with pytest.raises(ValueError, match="keys that aren't text"):
        pack(many)
    pairs = msgpack.packb([[k, v] for k, v in many.items()])
    with pytest.raises(ProtocolError, match="too many keys"):
        unpack(msgpack.packb(msgpack.ExtType(Ext.PAIRS, pairs)))


def test_a_value_that_holds_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(ValueError, match="deeply"):
        pack(value)


# ---------------------------------------------------------------- whatever bytes come in


class Everything(Resolver):
    """Takes everything, as the examiner does."""

    def shared(self, number, value):
        return value

    def kept(self, number):
        return number

    def object(self, number, type_name, is_callable):
        return number

    named = object

    def callback(self, number, name):
        return number


def harmless(data):
    """Decoding ends soon, in a value or in ProtocolError, and takes no more memory than a few times the bytes."""
    tracemalloc.start()
    begun = time.perf_counter()
    try:
        unpack(data, Everything())
    except ProtocolError:
        pass
    finally:
        seconds = time.perf_counter() - begun
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert seconds < 10
    assert most < 40 * len(data) + 2 * protocol.SPARE_BYTES + 200 * protocol.MAX_ALL_ITEMS


@settings(deadline=None, max_examples=500)
@given(st.binary(max_size=200))
def test_random_bytes(data):
    harmless(data)


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(list(Ext)), st.binary(max_size=100))
def test_random_extensions(kind, data):
    harmless(msgpack.packb(msgpack.ExtType(int(kind), data)))


@settings(deadline=None, max_examples=500)
@given(
    st.sampled_from(list(Ext)),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats()
        | st.text(max_size=5)
        | st.binary(max_size=9),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
        max_leaves=8,
    ),
)
def test_well_formed_extensions_of_anything(kind, value):
    harmless(msgpack.packb(msgpack.ExtType(int(kind), msgpack.packb(value))))


@settings(deadline=None, max_examples=500)
@given(plain, st.data())
def test_valid_frames_that_were_changed(value, data):
    frame = bytearray(pack(value))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(frame) - 1))
        frame[place] = data.draw(st.integers(0, 255))
    harmless(bytes(frame))


@quick
@given(plain, st.data())
def test_valid_frames_that_were_cut_or_prolonged(value, data):
    frame = pack(value)
    cut = data.draw(st.integers(0, len(frame) - 1))
    with pytest.raises(ProtocolError):
        unpack(frame[:cut])
    with pytest.raises(ProtocolError):
        unpack(frame + b"\xc0")


def nested(depth, make, inner=b"\xc0"):
    for _ in range(depth):
        inner = make(inner)
    return inner


def ext(kind, data):
    return msgpack.packb(msgpack.ExtType(int(kind), data))


def array(code, shape, layout, writeable, raw):
    return ext(Ext.ARRAY, msgpack.packb([code, shape, layout, writeable, raw]))


PCG64 = {"bit_generator": "PCG64", "state": {"state": 1, "inc": 1}, "has_uint32": 0, "uinteger": 0}
HOSTILE = {
    "nothing": b"",
    "lists, very deep": nested(100_000, lambda b: b"\x91" + b),
    "dicts, very deep": nested(50_000, lambda b: b"\x81\xa1a" + b),
    "extensions, very deep": nested(MAX_DEPTH + 1, lambda b: ext(Ext.TUPLE, b"\x91" + b)),
    "extensions around much": nested(
        35, lambda b: ext(Ext.TUPLE, b"\x91" + b), msgpack.packb(bytes(8 << 20))
    ),
    "a list that says it is long": b"\xdd\xff\xff\xff\xff",
    "a dict that says it is long": b"\xdf\xff\xff\xff\xff",
    "bytes that say they are long": b"\xc6\xff\xff\xff\xff",
    "a text that says it is long": b"\xdb\xff\xff\xff\xffx",
    "an extension that says it is long": b"\xc9\xff\xff\xff\xff\x01",
    "empty dicts, many": b"\xdc\x01\x00" + (b"\xdd" + struct.pack(">I", 100_000) + b"\x80" * 100_000) * 256,
    "numbers, many": b"\xdc\x01\x00" + (b"\xdd" + struct.pack(">I", 100_000) + b"\x05" * 100_000) * 256,
    "an unknown extension": ext(99, b"x"),
    "a text that is none": b"\xa2\xff\xfe",
    "two values": b"\xc0\xc0",
    "keys that are no text": b"\x81\x05\x05",
    "keys that collide": ext(Ext.SET, msgpack.packb([i * (2**61 - 1) for i in range(8)] * 400)),
    "keys that are no keys": ext(Ext.PAIRS, msgpack.packb([[[1], 2]])),
    "pairs that are none": ext(Ext.PAIRS, msgpack.packb([1, 2])),
    "an array of negative size": array(11, [-1, -1], "C", True, b"x" * 8),
    "an array of huge size": array(11, [2**62, 4], "C", True, b""),
    "an array of huge size, and none": array(11, [2**40, 2**40, 0], "C", True, b""),
    "an array of more bytes": array(11, [1], "C", True, b"x" * 16),
    "an array of too few bytes": array(11, [2], "C", True, b"x" * 8),
    "an array of 100 axes": array(11, [1] * 100, "C", True, b"x" * 8),
    "an array of no type": array(99, [1], "C", True, b"x" * 8),
    "an array of negative type": array(-1, [1], "C", True, b"x" * 8),
    "an array whose shape is text": array(4, "\x01", "C", True, b"x"),
    "an array whose shape is true": array(4, [True], "C", True, b"x"),
    "an array whose bytes are text": array(4, [1], "C", True, "x"),
    "an array of nothing": ext(Ext.ARRAY, b"\x90"),
    "a number of no type": ext(Ext.SCALAR, msgpack.packb([99, b""])),
    "a number of too many bytes": ext(Ext.SCALAR, msgpack.packb([1, b"xx"])),
    "an integer of a million bytes": ext(Ext.INT, b"\x01" * 10**6),
    "a complex of text": ext(Ext.COMPLEX, msgpack.packb(["1", "2"])),
    "a slice of one": ext(Ext.SLICE, msgpack.packb([1])),
    "a slice of 100,000": ext(Ext.SLICE, msgpack.packb([1] * 100_000)),
    "a generator of another class": ext(Ext.GENERATOR, msgpack.packb(PCG64 | {"bit_generator": "Generator"})),
    "a generator with a position": ext(
        Ext.GENERATOR,
        msgpack.packb({"bit_generator": "MT19937", "state": {"key": [0] * 624, "pos": -(10**6)}}),
    ),
    "a generator without a state": ext(Ext.GENERATOR, msgpack.packb({"bit_generator": "PCG64"})),
    "a generator that is a list": ext(Ext.GENERATOR, msgpack.packb(["PCG64"])),
    "a generator of text": ext(Ext.GENERATOR, msgpack.packb(PCG64 | {"state": {"state": "1", "inc": 1}})),
    "a negative number of a thing": ext(Ext.KEPT, msgpack.packb(-1)),
    "a number that is true": ext(Ext.KEPT, msgpack.packb(True)),
    "a thing without a name": ext(Ext.OBJECT, msgpack.packb([1, None, True])),
    "a long name": ext(Ext.NAMED, msgpack.packb(["x" * 10**6, "x", True])),
    "a callback with two numbers": ext(Ext.CALLBACK, msgpack.packb([1, 2])),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_frames(what):
    harmless(HOSTILE[what])
    if what != "keys that collide":  # there are few enough of them
        with pytest.raises(ProtocolError):
            unpack(HOSTILE[what], Everything())


def test_keys_that_collide_are_few_enough():
    colliding = [[i * (2**61 - 1), 0] for i in range(1, protocol.MAX_KEYS + 1)]
    begun = time.perf_counter()
    with pytest.raises(ProtocolError):  # such numbers are long: each is an extension of its own
        unpack(ext(Ext.PAIRS, msgpack.packb([[[k % 2**63], v] for k, v in colliding])))
    wide = [[(i * (2**61 - 1)) % 2**64, 0] for i in range(protocol.MAX_KEYS)]
    unpack(ext(Ext.PAIRS, msgpack.packb(wide)))
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize("code", [0, 2])
def test_a_bool_is_zero_or_one(code):
    raw = bytes([code, 1, 255, 0])
    got = unpack(array(0, [4], "C", True, raw))
    assert got.view(np.uint8).tolist() == [bool(code), 1, 1, 0]
    assert unpack(ext(Ext.SCALAR, msgpack.packb([0, bytes([code])]))) == bool(code)


def test_objects_are_refused_where_nobody_resolves_them():
    for kind, data in (
        (Ext.SHARED, [1, 2]),
        (Ext.KEPT, 1),
        (Ext.OBJECT, [1, "x", True]),
        (Ext.CALLBACK, [1, "f"]),
    ):
        with pytest.raises(ProtocolError, match="not allowed"):
            unpack(ext(kind, msgpack.packb(data)))


def test_nothing_is_run():
    """No value that comes out has code, and no decoder can import: pickles are bytes like others."""
    import pickle

    data = pickle.dumps(print)
    assert unpack(pack(data)) == data


def test_msgpack_s_own_times_are_numbers():
    assert type(unpack(msgpack.packb(msgpack.Timestamp(1, 1)))) is float


def test_subclasses_can_hook_in():
    class Handles(Packer):
        def other(self, value):
            return self.ext(Ext.KEPT, 7)

    assert unpack(Handles().pack([print, 1]), Everything()) == [7, 1]


# ---------------------------------------------------------------- the channel


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    channel = Channel(ours.detach(), 1 << 20)
    yield channel, theirs
    channel.close()
    theirs.close()


def soon():
    return time.monotonic() + 0.2


def test_frames_arrive_one_by_one(ends):
    channel, theirs = ends
    theirs.sendall(struct.pack("<I", 3) + b"abc" + struct.pack("<I", 0) + struct.pack("<I", 1) + b"d")
    assert [channel.receive(soon()) for _ in range(3)] == [b"abc", b"", b"d"]
    channel.send(b"xyz")
    assert theirs.recv(100) == b"\x03\x00\x00\x00xyz"


@pytest.mark.parametrize("sent", [b"", b"\x05", b"\x05\x00\x00\x00", b"\x05\x00\x00\x00abcd"])
def test_half_a_frame_is_late(ends, sent):
    channel, theirs = ends
    theirs.sendall(sent)
    begun = time.monotonic()
    with pytest.raises(LateError):
        channel.receive(soon())
    assert 0.1 < time.monotonic() - begun < 1


@pytest.mark.parametrize("sent", [b"", b"\x05", b"\x05\x00\x00\x00", b"\x05\x00\x00\x00abcd"])
def test_half_a_frame_of_one_who_has_gone(ends, sent):
    channel, theirs = ends
    theirs.sendall(sent)
    theirs.shutdown(socket.SHUT_RDWR)
    with pytest.raises(ClosedError):
        channel.receive(soon())


def test_a_frame_that_is_too_long_is_not_read(ends):
    channel, theirs = ends
    theirs.sendall(struct.pack("<I", 2**32 - 1))
    with pytest.raises(TooMuchError, match="4,294,967,295 bytes"):
        channel.receive(soon())


def test_a_flood_is_late_as_well(ends):
    """There is always something to read, so nothing ever blocks."""
    channel, theirs = ends
    theirs.setblocking(False)
    begun = time.monotonic()
    deadline = begun + 0.3

    def refill():
        try:
            while True:
                theirs.send(struct.pack("<I", 1) + b"x")
        except BlockingIOError:
            pass

    def receive_all():
        while time.monotonic() < begun + 5:
            refill()
            channel.receive(deadline)

    with pytest.raises(LateError):
        receive_all()
    assert time.monotonic() - begun < 2


def test_nobody_reads(ends):
    channel, _ = ends
    with pytest.raises(LateError):
        channel.send(bytes(64 << 20), soon())


def test_nobody_is_there(ends):
    channel, theirs = ends
    theirs.close()
    with pytest.raises(ClosedError):
        channel.send(b"x", soon())


def test_descriptors_that_are_sent_along_get_lost(ends):
    channel, theirs = ends
    before = len(list(Path("/proc/self/fd").iterdir()))
    socket.send_fds(theirs, [struct.pack("<I", 1) + b"x"], [0, 1, 2])
    assert channel.receive(soon()) == b"x"
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_all_floats_survive():
    for value in (0.0, -0.0, math.inf, -math.inf, 5e-324, 1.7976931348623157e308):
        assert same(unpack(pack(value)), value)
