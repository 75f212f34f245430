"""What is a worker told first? The house, with settings and schemas as the pipeline read them at its own start.

They are not read again, or a worker that replaces another might work by other profiles than its brothers.
"""

import base64
import json
import pickle

from meterdrop.bootstrap import House


def written(house: House) -> str:
    """The house as a word of the first line."""
    return base64.b64encode(pickle.dumps(house)).decode("ascii")


def read(line: bytes) -> House:
    """The house of the first line."""
    house = pickle.loads(base64.b64decode(json.loads(line)["house"]))  # noqa: S301 - our own parent's pipe
    if not isinstance(house, House):
        raise TypeError(f"this is no house: {type(house)}")
    return house
