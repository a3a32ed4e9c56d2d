"""Arguments are passed as copies; what a call does to its copies is done to the originals afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np


def mirror(local: Any, remote: Any) -> None:
    """Make a value here what it has become there, in place."""
    if isinstance(local, np.ndarray) and isinstance(remote, np.ndarray):
        same = local.shape == remote.shape and local.dtype == remote.dtype
        if same and local.flags.writeable:
            np.copyto(local, remote)
    elif isinstance(local, np.random.Generator) and isinstance(remote, np.random.Generator):
        if type(local.bit_generator) is type(remote.bit_generator):
            local.bit_generator.state = remote.bit_generator.state
    elif isinstance(local, dict) and isinstance(remote, dict):
        for key in [k for k in local if k not in remote]:
            del local[key]
        for key, value in remote.items():
            if key in local and _goes_in_place(local[key], value):
                mirror(local[key], value)
            else:
                local[key] = value
    elif isinstance(local, list) and isinstance(remote, list):
        if len(local) == len(remote):
            for i, value in enumerate(remote):
                if _goes_in_place(local[i], value):
                    mirror(local[i], value)
                else:
                    local[i] = value
        else:
            local[:] = remote
    elif isinstance(local, tuple) and isinstance(remote, tuple):
        for mine, theirs in zip(local, remote, strict=False):
            mirror(mine, theirs)


def _goes_in_place(local: Any, remote: Any) -> bool:
    if isinstance(local, np.ndarray) and isinstance(remote, np.ndarray):
        return local.shape == remote.shape and local.dtype == remote.dtype
    containers = (dict, list, tuple, np.random.Generator)
    return isinstance(local, containers) and isinstance(remote, containers)
