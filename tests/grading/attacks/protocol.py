"""Talks to the grader by itself, or in a wrong way."""

# ruff: noqa

# %% rubbish
channel = agent().channel.descriptor
os.write(channel, b"\xff" * 1000)


# %% rubbish in a call
# says: told the grader nonsense
def rotate180(w):
    os.write(agent().channel.descriptor, b"\x05\x00\x00\x00abcde")


# %% half a frame
# says: stopped after
def rotate180(w):
    os.write(agent().channel.descriptor, b"\x10\x00\x00\x00abc")
    time.sleep(100)


# %% a giant length
# says: and 67,108,864 are allowed
def rotate180(w):
    os.write(agent().channel.descriptor, b"\xff\xff\xff\xff")
    time.sleep(100)


# %% drop by drop
# says: stopped after
def rotate180(w):
    os.write(agent().channel.descriptor, b"\xff\xff\x00\x00")
    while True:
        os.write(agent().channel.descriptor, b"x")
        time.sleep(0.01)


# %% drop by drop, in a cell
# says: stopped after
os.write(agent().channel.descriptor, b"\xff\xff\x00\x00")
while True:
    os.write(agent().channel.descriptor, b"x")
    time.sleep(0.01)


# %% messages without end
# says: stopped after
def rotate180(w):
    me = agent()
    while True:
        me._send({"op": "event", "event": "stream", "name": "stdout", "text": "✓"})


# %% messages without end, from a thread
import threading

me = agent()


def flood():
    while True:
        me._emit({"event": "stream", "name": "stdout", "text": "✓ rotate180 " * 100})
        time.sleep(0.001)


threading.Thread(target=flood, daemon=True).start()

# %% a cell that says it has ended
me = agent()
for _ in range(20):
    me._send({"op": "ran", "ok": True})

# %% answers in advance
me = agent()
for _ in range(200):
    me._send(
        {
            "op": "returned",
            "value": b"\xc3",
            "printed": "",
            "random": False,
            "changed": None,
            "updates": [],
            "refused": [],
        }
    )

# %% answers in advance, to what names stand for
me = agent()
for _ in range(3):
    me._send({"op": "ran", "ok": True})
    me._send({"op": "found", "values": {"rotate180": b"\xc3", "check": b"\xc3", "np": b"\xc3"}})

# %% names without values
import course.grading.isolation.student as student

real = student._OPERATIONS["look"]
student._OPERATIONS["look"] = lambda self, names: (
    {"op": "found"} if "rotate180" in names else real(self, names)
)

# %% values of a wrong kind
import course.grading.isolation.student as student

real = student._OPERATIONS["look"]
student._OPERATIONS["look"] = lambda self, names: (
    {"op": "found", "values": {n: 5 for n in names}} if "rotate180" in names else real(self, names)
)

# %% values that are a list
import course.grading.isolation.student as student

real = student._OPERATIONS["look"]
student._OPERATIONS["look"] = lambda self, names: (
    {"op": "found", "values": [np.ones(3), {}]} if "rotate180" in names else real(self, names)
)

# %% more names than were asked for
import course.grading.isolation.student as student

real = student._OPERATIONS["look"]


def look(self, names):
    found = real(self, names)
    found["values"] |= {n: self.packer.pack(None) for n in ("check", "np", "call", "print", "__builtins__")}
    return found


student._OPERATIONS["look"] = look

# %% another function under the name
import msgpack

import course.grading.isolation.student as student

real = student._OPERATIONS["look"]
wrong = rotate180


def look(self, names):
    found = real(self, names)
    if "rotate180" in names:
        found["values"]["rotate180"] = msgpack.packb(
            msgpack.ExtType(14, msgpack.packb(["✓ rotate180\n" * 9, "x", True]))
        )
    return found


student._OPERATIONS["look"] = look


# %% outputs in a test
def rotate180(w):
    me = agent()
    me._emit({"event": "clear", "wait": False})
    me._emit({"event": "result", "data": {"text/plain": "5.0"}, "metadata": {}})
    me._emit({"event": "stream", "name": "stdout", "text": "✓ rotate180"})
    me._emit({"event": "restart"})
    return w * 0


# %% events that are none
me = agent()
for event in (
    {},
    {"event": None},
    {"event": ["stream"]},
    {"event": "stream"},
    {"event": "stream", "name": {}, "text": 5},
    {"event": "stream", "name": np.ones(2), "text": np.ones(2)},
    {"event": "display", "data": [], "metadata": {}},
    {"event": "display", "data": {"text/plain": np.ones(3)}, "metadata": {}},
    {"event": "display", "data": {"text/html": 5}, "metadata": {}},
    {"event": "display", "data": {"application/json": {"a": float("nan"), "b": (1, 2)}}, "metadata": {}},
    {"event": "display", "data": {"application/json": {1: 2}}, "metadata": {1: 2}},
    {"event": "display", "data": {"image/png": None}, "metadata": 5, "display_id": []},
    {"event": "display", "data": {}, "metadata": {}, "display_id": "x", "update": np.ones(2)},
    {"event": "result", "data": {"text/plain": b"5"}, "metadata": {"x": print}},
    {"event": "error", "ename": 1, "evalue": 2, "traceback": 3},
    {"event": "error", "ename": "E", "evalue": "x", "traceback": "abc"},
    {"event": "error", "ename": "E", "evalue": "x", "traceback": [5, None]},
    {"event": "clear"},
    {"event": "nothing"},
    {"event": "__class__"},
):
    me._send({"op": "event", **event})


# %% callbacks that nobody gave
# says: a call of nothing
def rotate180(w):
    me = agent()
    me._send({"op": "callback", "number": 999, "args": (), "kwargs": {}, "changed": None})
    me._until_value()


# %% callbacks of a wrong kind
# says: a call of nothing
def rotate180(w):
    me = agent()
    me._send({"op": "callback", "number": None, "args": 5, "kwargs": [], "changed": b"\xc1"})
    me._until_value()


# %% replies without their parts
# says: told the grader nonsense
import course.grading.isolation.student as student

real = student._OPERATIONS["call"]
parts = [{}, {"value": 5}, {"value": b"\xc1", "updates": 5}, {"value": b"\xc0", "updates": [], "refused": 7}]


def call(self, target, args, kwargs, watch):
    said = real(self, target, args, kwargs, watch)
    return {"op": "returned", **parts.pop()} if target is rotate180 and parts else said


student._OPERATIONS["call"] = call

# %% replies with numbers that are too large
# says: told the grader nonsense
import course.grading.isolation.student as student

real = student._OPERATIONS["call"]


def call(self, target, args, kwargs, watch):
    said = real(self, target, args, kwargs, watch)
    return said | {"steps": 10**500} if target is rotate180 else said


student._OPERATIONS["call"] = call

# %% a changed argument, and the result that would be right then
import course.grading.isolation.student as student

real = student._OPERATIONS["call"]


def call(self, target, args, kwargs, watch):
    said = real(self, target, args, kwargs, watch)
    if target is rotate180:
        said["changed"] = self.packer.pack(
            (tuple(a * 0 for a in args), {k: v * 0 for k, v in kwargs.items()})
        )
    return said


student._OPERATIONS["call"] = call

# %% a changed result
import course.grading.isolation.student as student

real = student._OPERATIONS["call"]


def call(self, target, args, kwargs, watch):
    said = real(self, target, args, kwargs, watch)
    if target is rotate180:
        said["updates"] = [[n, self.packer.pack(np.zeros((3, 4)))] for n in range(50)]
    return said


student._OPERATIONS["call"] = call

# %% an exception that is the grader's own
import course.grading.isolation.student as student

real = student._OPERATIONS["call"]


def call(self, target, args, kwargs, watch):
    said = real(self, target, args, kwargs, watch)
    if target is rotate180:
        said = said | {
            "op": "raised",
            "type": "SystemExit",
            "own": "course.kit.exercise.StoppedError",
            "text": "✓",
            "where": "✓",
        }
    return said


student._OPERATIONS["call"] = call

# %% a bool that is two
import msgpack

import course.grading.isolation.student as student

real = student._OPERATIONS["call"]


def call(self, target, args, kwargs, watch):
    said = real(self, target, args, kwargs, watch)
    if target is rotate180:
        array = msgpack.packb(
            [0, list(said_shape(args, kwargs)), "C", True, b"\x02" * int(np.prod(said_shape(args, kwargs)))]
        )
        said["value"] = msgpack.packb(msgpack.ExtType(1, array))
    return said


def said_shape(args, kwargs):
    return (*args, *kwargs.values())[0].shape


student._OPERATIONS["call"] = call

# %% messages that unfold
# says: told the grader nonsense
import msgpack


def rotate180(w):
    bomb = b"\xdd" + (150_000).to_bytes(4, "big") + b"\x80" * 150_000
    agent().channel.send(b"\xdc" + (400).to_bytes(2, "big") + bomb * 400)
    time.sleep(100)


# %% extensions in extensions
# says: told the grader nonsense|stopped after
import msgpack


def rotate180(w):
    blob = bytes(30 << 20)
    for _ in range(30):
        blob = msgpack.packb([msgpack.ExtType(3, blob)])
    agent().channel.send(blob)
    time.sleep(100)


# %% a generator with an impossible state
# says: told the grader nonsense
import msgpack

import course.grading.isolation.student as student

real = student._OPERATIONS["call"]


def call(self, target, args, kwargs, watch):
    said = real(self, target, args, kwargs, watch)
    if target is rotate180:
        state = {"bit_generator": "MT19937", "state": {"key": [0] * 624, "pos": -100_000}}
        said["value"] = msgpack.packb(msgpack.ExtType(10, msgpack.packb(state)))
    return said


student._OPERATIONS["call"] = call

# %% no answer at all
# says: your notebook's process did not answer
import course.grading.isolation.student as student

real = student._OPERATIONS["look"]
student._OPERATIONS["look"] = lambda self, names: (
    time.sleep(100) if "rotate180" in names else real(self, names)
)
