"""Makes up a result."""

# ruff: noqa

# %% a tick
print("✓ rotate180: 3 examples right")


def rotate180(w):
    print("✓ rotate180: one kernel\n✓ rotate180: a layer's weights")
    return w * 0


# %% a number as the last value
10.0


# %% a number as the last value of a call
def rotate180(w):
    from IPython.display import display

    sys.displayhook(100.0)
    display(100.0)
    return 3.0


# %% a message of the grader's own kind
from IPython.display import publish_display_data

publish_display_data(
    {"application/vnd.nbgrader+json": {"grade": 100}, "text/plain": "3.0"}, {"nbgrader": {"points": 100}}
)
print("\x1b[2J\x1b[H✓ rotate180")

# %% a cell of the test's name
get_ipython().set_next_input('check = None  # {"grade_id": "rotate180-hidden"}', replace=True)
get_ipython().run_cell("check = None")


# %% the oracle's answer for the examples alone
def rotate180(w):
    known = {(3, 3): [[9, 8, 7], [6, 5, 4], [3, 2, 1]], (2, 3): [[6, 5, 4], [3, 2, 1]]}
    return np.array(known.get(w.shape, 0))
