# SPDX-License-Identifier: GPL-2.0-only
"""Keep what a machine of suite coverage has counted."""

import os
import tempfile


def keep(path, cache):
    """A file of heads (name and length) and data becomes a folder of files."""
    with open(path, "rb") as f:
        data = f.read()
    top = os.path.join(cache, "coverage")
    os.makedirs(top, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="run-", dir=top)
    while data:
        head, data = data.split(b"\n", 1)
        name, length = head.decode().split()
        with open(os.path.join(folder, os.path.basename(name)), "wb") as f:
            f.write(data[:int(length)])
        data = data[int(length):]
