#!/usr/bin/env python3
"""A document as a release ships it: without what holds for a checkout alone.

    shipped.py FILE >COPY

That stands between the comments `checkout: begin` and `checkout: end`, each on a line of its own.
"""
import re
import sys
from pathlib import Path

CHECKOUT = re.compile(r"<!-- checkout: begin -->\n.*?<!-- checkout: end -->\n", re.DOTALL)


def shipped(path):
    return re.sub(r"\n{3,}", "\n\n", CHECKOUT.sub("", Path(path).read_text()))


if __name__ == "__main__":
    sys.stdout.write(shipped(sys.argv[1]))
