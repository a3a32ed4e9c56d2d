"""Chapter 1 as others would answer it: right in other styles, which must get full marks, and wrong in known ways.

Each cell is what a student might have in the answer cell. Its title says the exercise and the style, or the exercise,
"wrong" and the id of the mistake. For instructors: never released.
"""

# %% similarity: generator expression
import numpy as np


def similarity(w, window):
    return sum(float(a) * float(b) for a, b in zip(w.ravel(), window.ravel(), strict=True))


# %% similarity: tensordot, a 0-d array
def similarity(w, window):
    return np.tensordot(w.astype(np.float64), window.astype(np.float64), axes=w.ndim)


# %% similarity: float32 vdot
def similarity(w, window):
    dtype = np.float32 if w.dtype == np.float32 else np.float64
    return np.vdot(w.astype(dtype), window.astype(dtype))


# %% similarity: polarisation, a lambda
similarity = lambda w, window: (np.square(w + 0.0 + window).sum() - np.square(w + 0.0 - window).sum()) / 4


# %% count_windows: formula
def count_windows(n, k, stride=1):
    return max(0, (n - k) // stride + 1) if n >= k else 0


# %% count_windows: counting while it fits
def count_windows(n, k, stride=1):
    count = start = 0
    while start + k <= n:
        count, start = count + 1, start + stride
    return count


# %% count_windows: the other formula, a numpy integer
def count_windows(n, k, stride=1):
    return np.maximum(0, np.ceil((n - k + 1) / stride)).astype(int)


# %% count_windows: a partial
from functools import partial


def _count(*, of, n, k, stride=1):
    return len(of(range(n))[: max(0, n - k + 1) : stride])


def count_windows(n, k, stride=1, _count=partial(_count, of=list)):
    return _count(n=n, k=k, stride=stride)


# %% cross_correlate: strided view
def cross_correlate(x, w, stride=1):
    return np.lib.stride_tricks.sliding_window_view(x, len(w))[::stride] @ w.astype(float)


# %% cross_correlate: one tap at a time
def cross_correlate(x, w, stride=1):
    n_out = (len(x) - len(w)) // stride + 1
    y = np.zeros(n_out)
    for j, tap in enumerate(w):
        y = y + float(tap) * x[j : j + (n_out - 1) * stride + 1 : stride]
    return y


# %% cross_correlate: FFT
def cross_correlate(x, w, stride=1):
    n = len(x) + len(w) - 1
    y = np.fft.irfft(np.fft.rfft(x, n) * np.fft.rfft(w[::-1], n), n)
    return y[len(w) - 1 : len(x)][::stride]


# %% cross_correlate: a matrix, in float32 where the input is
def cross_correlate(x, w, stride=1):
    n_out = (x.size - w.size) // stride + 1
    M = np.zeros((n_out, x.size), np.float32 if x.dtype == np.float32 else np.float64)
    for i in range(n_out):
        M[i, i * stride : i * stride + w.size] = w
    return M @ x


# %% cross_correlate: a list of Python floats
def cross_correlate(x, w, stride=1):
    x, w = x.tolist(), w.tolist()
    return [sum(a * b for a, b in zip(w, x[i:], strict=False)) for i in range(0, len(x) - len(w) + 1, stride)]


# %% cross_correlate: a callable object
class _Correlator:
    """Says that it isn't np.correlate, nor np.convolve: comments and strings may."""

    def __call__(self, x, w, stride=1):
        return np.array([np.dot(x[i : i + len(w)], 1.0 * w) for i in range(0, 1 + len(x) - len(w), stride)])


cross_correlate = _Correlator()


# %% convolve: flip, pad and correlate
def convolve(x, w):
    padded = np.pad(x, len(w) - 1)
    return np.lib.stride_tricks.sliding_window_view(padded, len(w)) @ w[::-1].astype(float)


# %% convolve: product of polynomials
def convolve(x, w):
    return np.array(
        [
            sum(float(x[i]) * float(w[k - i]) for i in range(len(x)) if 0 <= k - i < len(w))
            for k in range(len(x) + len(w) - 1)
        ]
    )


# %% convolve: FFT
def convolve(x, w):
    n = len(x) + len(w) - 1
    return np.real(np.fft.ifft(np.fft.fft(x, n) * np.fft.fft(w, n)))


# %% convolve: sums of antidiagonals
def convolve(x, w):
    table = np.outer(x.astype(float), w)[:, ::-1]
    return np.array([table.trace(offset) for offset in range(len(w) - 1, -len(x), -1)])


# %% convolve: polymul
def convolve(x, w):
    y = np.polymul(np.r_[1.0, x], np.r_[1.0, w])  # the ones keep leading zeros from being cut off
    y[1 : len(x) + 1] -= x
    y[1 : len(w) + 1] -= w
    return y[2:]


# %% conv1d: einsum over windows
def conv1d(x, w, b=None, stride=1):
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2], axis=1)[:, ::stride]
    y = np.einsum("clk,dck->dl", windows.astype(float), w)
    return y if b is None else y + b[:, None]


# %% conv1d: four loops
def conv1d(x, w, b=None, stride=1):
    D, C, K = w.shape
    y = np.zeros((D, (x.shape[1] - K) // stride + 1))
    for d in range(D):
        for i in range(y.shape[1]):
            for c in range(C):
                for j in range(K):
                    y[d, i] += float(w[d, c, j]) * float(x[c, i * stride + j])
            y[d, i] += 0 if b is None else b[d]
    return y


# %% conv1d: FFT
def conv1d(x, w, b=None, stride=1):
    n = x.shape[1] + w.shape[2] - 1
    y = np.fft.irfft((np.fft.rfft(x, n)[None] * np.fft.rfft(w[..., ::-1], n)).sum(1), n)
    y = y[:, w.shape[2] - 1 : x.shape[1] : stride]
    return (y.T + (0 if b is None else b)).T


# %% conv1d: one matrix product, float32 where the input is, Fortran order
def conv1d(x, w, b=None, stride=1):
    dtype = np.result_type(x, w, np.float32) if "f" in x.dtype.kind + w.dtype.kind else float
    starts = np.arange(0, x.shape[1] - w.shape[2] + 1, stride)
    columns = x[:, starts[:, None] + np.arange(w.shape[2])].astype(dtype)
    y = np.tensordot(columns, w.astype(dtype), axes=([0, 2], [1, 2]))
    return (y if b is None else y + b).T


# %% parameter_counts: numpy integers in a list
def parameter_counts(n_in, n_out, k):
    return list(np.array([n_in, k, 1]) * np.array([n_out, n_out, k]))


# %% parameter_counts: counting
def parameter_counts(n_in, n_out, k):
    return len([0 for _ in range(n_in) for _ in range(n_out)]), sum(k for _ in range(n_out)), len(range(k))


# %% parameter_counts: a lambda
parameter_counts = lambda n_in, n_out, k: (n_out * n_in, n_out * k, k)


# %% find_pattern: all windows at once
def find_pattern(x, pattern):
    windows = np.lib.stride_tricks.sliding_window_view(x, len(pattern)).astype(float)
    windows = windows - windows.mean(1, keepdims=True)
    p = pattern - pattern.mean()
    norms = np.linalg.norm(windows, axis=1) * np.linalg.norm(p)
    return np.argmax(np.divide(windows @ p, norms, out=np.zeros(len(windows)), where=norms > 1e-12))


# %% find_pattern: corrcoef
def find_pattern(x, pattern):
    best, where = -2.0, 0
    for i in range(len(x) - len(pattern) + 1):
        v = x[i : i + len(pattern)]
        r = 0.0 if v.min() == v.max() else np.corrcoef(v, pattern)[0, 1]
        if r > best + 1e-12:
            best, where = r, i
    return where


# %% find_pattern: Python's max
import math


def find_pattern(x, pattern):
    def centred(v):
        mean = math.fsum(v) / len(v)
        return [float(a) - mean for a in v]

    def cosine(v):
        a, b = centred(v), centred(pattern.tolist())
        norm = math.hypot(*a) * math.hypot(*b)
        return round(sum(p * q for p, q in zip(a, b, strict=True)) / norm, 12) if norm > 1e-9 else 0.0

    x = x.tolist()
    return max(range(len(x) - len(pattern) + 1), key=lambda i: cosine(x[i : i + len(pattern)]))


# %% similarity wrong: averages_instead_of_sums
def similarity(w, window):
    return np.mean(w.astype(float) * window)


# %% similarity wrong: uint8_overflow
def similarity(w, window):
    return (w * window).sum()


# %% similarity wrong: sums_one_axis_only
def similarity(w, window):
    return sum(w.astype(float) * window)


# %% count_windows wrong: length_minus_k
def count_windows(n, k, stride=1):
    if k > n:
        return 0
    return (n - k) // stride


# %% count_windows wrong: divides_the_count
def count_windows(n, k, stride=1):
    return max(0, n - k + 1) // stride


# %% count_windows wrong: negative_for_long_kernels
def count_windows(n, k, stride=1):
    return (n - k) // stride + 1


# %% cross_correlate wrong: flips_the_kernel
def cross_correlate(x, w, stride=1):
    return np.array(
        [np.sum(x[i : i + len(w)] * w[::-1].astype(float)) for i in range(0, len(x) - len(w) + 1, stride)]
    )


# %% cross_correlate wrong: drops_the_last_window
def cross_correlate(x, w, stride=1):
    y = []
    for i in range(0, len(x) - len(w) + 1, stride):
        y.append(np.sum(x[i : i + len(w)] * w.astype(float)))
    return np.array(y[:-1])


# %% cross_correlate wrong: window_end_is_size
def cross_correlate(x, w, stride=1):
    y = np.zeros((len(x) - len(w)) // stride + 1)
    for i in range(len(y)):
        y[i] = np.dot(x[i * stride : len(w)], w.astype(float))
    return y


# %% cross_correlate wrong: stride_on_output_but_not_on_start
def cross_correlate(x, w, stride=1):
    y = np.zeros((len(x) - len(w)) // stride + 1)
    for i in range(len(y)):
        y[i] = np.sum(x[i : i + len(w)] * w.astype(float))
    return y


# %% convolve wrong: forgets_to_flip
def convolve(x, w):
    padded = np.concatenate([np.zeros(len(w) - 1), x, np.zeros(len(w) - 1)])
    return np.array([np.sum(padded[i : i + len(w)] * w) for i in range(len(x) + len(w) - 1)])


# %% convolve wrong: same_length_output
def convolve(x, w):
    y = np.zeros(len(x) + len(w) - 1)
    for i in range(len(x)):
        y[i : i + len(w)] += float(x[i]) * w
    return y[(len(w) - 1) // 2 : (len(w) - 1) // 2 + len(x)]


# %% convolve wrong: truncates_to_int
def convolve(x, w):
    y = np.zeros(len(x) + len(w) - 1)
    for i in range(len(x)):
        y[i : i + len(w)] += float(x[i]) * w
    return y.astype(int)


# %% conv1d wrong: last_channel_overwrites
def conv1d(x, w, b=None, stride=1):
    D, C, K = w.shape
    n_out = (x.shape[1] - K) // stride + 1
    y = np.zeros((D, n_out))
    for d in range(D):
        for i in range(n_out):
            for c in range(C):
                y[d, i] = np.dot(w[d, c].astype(float), x[c, i * stride : i * stride + K])
        if b is not None:
            y[d] += b[d]
    return y


# %% conv1d wrong: bias_per_channel_in
def conv1d(x, w, b=None, stride=1):
    D, C, K = w.shape
    n_out = (x.shape[1] - K) // stride + 1
    y = np.zeros((D, n_out))
    for d in range(D):
        for c in range(C):
            for i in range(n_out):
                y[d, i] += np.dot(w[d, c].astype(float), x[c, i * stride : i * stride + K])
            if b is not None:
                y[d] += b[d]
    return y


# %% conv1d wrong: ignores_stride
def conv1d(x, w, b=None, stride=1):
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2], axis=1).astype(float)
    y = np.einsum("clk,dck->dl", windows, w)
    return y if b is None else y + b[:, None]


# %% conv1d wrong: no_bias
def conv1d(x, w, b=None, stride=1):
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2], axis=1)[:, ::stride].astype(float)
    return np.einsum("clk,dck->dl", windows, w)


# %% parameter_counts wrong: counts_bias_in
def parameter_counts(n_in, n_out, k):
    return n_in * n_out + n_out, k * n_out + n_out, k + 1


# %% parameter_counts wrong: multiplies_by_positions
def parameter_counts(n_in, n_out, k):
    return n_in * n_out, k * n_out, k * n_out


# %% find_pattern wrong: unnormalised_match
def find_pattern(x, pattern):
    p = pattern - pattern.mean()
    return int(np.argmax([np.dot(x[i : i + len(p)], p) for i in range(len(x) - len(p) + 1)]))


# %% find_pattern wrong: nan_on_flat
def find_pattern(x, pattern):
    p = pattern - pattern.mean()
    scores = []
    for i in range(len(x) - len(p) + 1):
        v = x[i : i + len(p)] - x[i : i + len(p)].mean()
        scores.append(np.dot(v, p) / (np.linalg.norm(v) * np.linalg.norm(p)))
    return int(np.argmax(scores))


# %% find_pattern wrong: match_without_mean
def find_pattern(x, pattern):
    scores = []
    for i in range(len(x) - len(pattern) + 1):
        v = x[i : i + len(pattern)].astype(float)
        norm = np.linalg.norm(v)
        scores.append(np.dot(v, pattern) / norm if norm > 0 else 0.0)
    return int(np.argmax(scores))
