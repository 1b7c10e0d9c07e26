"""Prints a fresh token of a service: `python3 get_token.py gmail`. A failure is on stderr, exit status 1."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scalekit_helper import AuthorizationError, ConfigurationError, get_token, main  # noqa: E402,F401

if __name__ == "__main__":
    sys.exit(main())
