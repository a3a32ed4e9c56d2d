"""Answers that are not what they seem."""

# ruff: noqa


# %% an array that equals everything
class Equal(np.ndarray):
    def __eq__(self, other):
        return np.ones(self.shape, bool)

    __ne__ = lambda self, other: np.zeros(self.shape, bool)
    __sub__ = __rsub__ = lambda self, other: np.zeros(self.shape)
    __array_ufunc__ = lambda self, ufunc, method, *inputs, **_: np.ones(self.shape, bool)


def rotate180(w):
    return (w * 0).view(Equal)


# %% an object that equals everything
class Equal:
    shape, dtype, ndim, size = (3, 4), np.dtype(float), 2, 12
    __eq__ = __bool__ = lambda *_: True
    __array__ = lambda self, *_, **__: np.zeros((3, 4))
    __getattr__ = lambda self, name: Equal()
    __call__ = lambda *_, **__: Equal()


def rotate180(w):
    return Equal()


# %% a mock
from unittest.mock import MagicMock

rotate180 = MagicMock()


# %% numbers that are all equal
class Number(float):
    __eq__ = lambda *_: True
    __sub__ = __rsub__ = __abs__ = lambda *_: 0.0
    __hash__ = float.__hash__


def rotate180(w):
    return np.full(w.shape, Number(1), dtype=object)


# %% containers that lie about their length
class Row(list):
    __len__ = lambda self: 4
    __eq__ = lambda *_: True


def rotate180(w):
    return Row([Row()])


# %% no number at all
def rotate180(w):
    return np.full(w.shape, np.nan)


# %% infinite
def rotate180(w):
    return np.full(w.shape, np.inf)


# %% a masked array
def rotate180(w):
    return np.ma.masked_all(w.shape)


# %% the input, emptied
def rotate180(w):
    w[...] = 0
    return w


# %% the input, emptied through its base
def rotate180(w):
    base = w if w.base is None else w.base
    ctypes.memset(base.ctypes.data, 0, base.nbytes)
    return w


# %% the right result, and a changed input
def rotate180(w):
    right = w[..., ::-1, ::-1].copy()
    w.flags.writeable = True
    w[...] = 1
    return right


# %% a result that changes afterwards
shared = np.zeros((2, 3, 3, 4))


def rotate180(w):
    shared[...] += 1
    return shared[tuple(slice(0, n) for n in w.shape)]


# %% a generator
def rotate180(w):
    yield w


# %% a coroutine
async def rotate180(w):
    return w


# %% an AssertionError
def rotate180(w):
    raise AssertionError


# %% a SystemExit
def rotate180(w):
    raise SystemExit(0)


# %% a GeneratorExit
def rotate180(w):
    raise GeneratorExit


# %% an exception that can't be described
class Silent(Exception):
    __str__ = __repr__ = lambda self: 1 / 0


def rotate180(w):
    raise Silent


# %% an exception that calls itself a stop of the grader's
class StoppedError(Exception):
    __module__, __qualname__ = "course.kit.exercise", "StoppedError"


def rotate180(w):
    raise StoppedError("✓ rotate180: right")


# %% a class with a lying metaclass
class Meta(type):
    __instancecheck__ = __subclasscheck__ = __eq__ = lambda *_: True
    __hash__ = type.__hash__
    __call__ = lambda *_, **__: True


class rotate180(metaclass=Meta):
    pass


# %% a callable that lies about its name
class Callable:
    __name__ = "conv1x1"
    __wrapped__ = property(lambda self: conv1x1)
    __call__ = lambda self, w: NotImplemented


rotate180 = Callable()

# %% no function
rotate180 = "✓"

# %% gone
del rotate180

# %% another exercise's function
rotate180 = cross_correlate2d
