"""What all tests share."""

import os

os.environ["MPLBACKEND"] = "Agg"
# One thread a library: tests run in several processes, and sums come out the same every time.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
