"""What every `Stage` has to hold: blocks of any size give one result, and a saved state goes on elsewhere."""
from collections.abc import Callable

import numpy as np


class Samples:
    "Audio [C, N] that is sliced along time."

    def __init__(self, audio: np.ndarray):
        self.audio = audio

    def __len__(self):
        return self.audio.shape[1]

    def __getitem__(self, s: slice):
        return self.audio[:, s]


def check_stage(
    make: Callable,  # makes a fresh stage
    whole,  # what is pushed: anything that has a length and can be sliced
    join: Callable = np.concatenate,  # joins what a stage returns
    as_array: Callable = np.asarray,  # of what was joined
    sizes: tuple = (1, 29, 150),  # of the blocks
    most: int = 400,  # of them are tried one by one, since that is slow
):
    "Returns what the stage makes of it all at once. Raises `AssertionError` where blocks, or a state in the middle, make a difference."
    def run(stage, cuts):
        return [stage.push(whole[a:b]) for a, b in zip([0, *cuts], [*cuts, len(whole)])] + [stage.finish()]

    at_once = join(run(make(), []))
    for size in sizes:
        end = min(len(whole), most * size)
        np.testing.assert_array_equal(as_array(join(run(make(), range(size, end, size)))), as_array(at_once), err_msg=f"blocks of {size}")
    first, second = make(), make()
    half = len(whole) // 2
    parts = [first.push(whole[:half])]
    second.state = first.state
    first.push(whole[half:])  # must not reach into what was saved
    parts += [second.push(whole[half:]), second.finish()]
    np.testing.assert_array_equal(as_array(join(parts)), as_array(at_once), err_msg="from a saved state")
    return at_once
