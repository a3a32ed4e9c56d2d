"""How much a submission may use. One table: the defaults, what they mean, and what a student is told."""

from __future__ import annotations

from dataclasses import asdict, dataclass

MB = 2**20


@dataclass(frozen=True)
class Limits:
    """Limits of one submission. Set others in nbgrader_config.py: `c.ExecuteIsolated.limits = {"call_seconds": 20}`."""

    cell_seconds: float = 60.0  # wall time of a cell, and of all that one test asks of an answer
    call_seconds: float = 20.0  # wall time of one call of an answer
    cpu_seconds: int = 300  # of one student process
    submission_seconds: float = 900.0  # wall time of everything
    memory_bytes: int = 2048 * MB  # that a student process may add to what it starts with
    output_bytes: int = 4 * MB  # that one cell may print; what is over is cut off
    picture_bytes: int = 24 * MB  # that one cell may show, pictures and pages included
    notebook_bytes: int = 96 * MB  # that all cells may show together
    message_bytes: int = 96 * MB  # of one call's arguments or result
    file_bytes: int = 32 * MB  # of one file
    files_bytes: int = 96 * MB  # of all files
    open_files: int = 128
    threads: int = 64
    restarts: int = 40  # of the student process, after something in it had to be stopped

    @property
    def data(self) -> dict[str, float]:
        """Plain data, to send to another process."""
        return asdict(self)
