"""What all tests share."""

import os

os.environ["MPLBACKEND"] = "Agg"
