"""Grading: for instructors only."""

import sys

# jsonschema looks for this package to check a format that notebooks don't have; building its grammar takes a second.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
