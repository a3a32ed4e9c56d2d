"""A small chapter in a course folder of its own."""

import pytest

from course.paths import Chapter

TEXT = '''# %% nbgrader={"grade_id": "setup", "locked": true} tags=["setup"]
numbers = [1, 2, 3]

# %% [markdown]
"""
### Exercise 1 · `double`
●○○○ · 5 min

<details><summary>Hint 1</summary>

Add it to itself.
</details>
"""


# %% nbgrader={"grade_id": "double", "solution": true}
def double(n):
    """Twice n."""
    ### BEGIN SOLUTION
    return n + n
    ### END SOLUTION


# %% nbgrader={"grade_id": "double-examples", "points": 40}
assert double(2) == 4

# %% nbgrader={"grade_id": "double-hidden", "points": 60}
# Hidden tests run here.
### BEGIN HIDDEN TESTS
assert [double(n) for n in numbers] == [2, 4, 6]
### END HIDDEN TESTS
'''


@pytest.fixture
def chapter(tmp_path) -> Chapter:
    made = Chapter("ch90_double", tmp_path / "chapters")
    made.text.parent.mkdir(parents=True)
    made.text.write_text(TEXT)
    return made
