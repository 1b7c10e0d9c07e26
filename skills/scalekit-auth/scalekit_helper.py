"""Tokens from Scalekit's vault for Python: calls the executable `scalekit-auth`, and holds nothing itself.

The names are those of the Python skill that it replaces, so that what imports them runs unchanged.
"""

import json
import os
import shutil
import subprocess
import sys


class ConfigurationError(Exception):
    """There is no token until somebody changes the configuration; the message says what to type."""


class AuthorizationError(Exception):
    """A person has to consent first; the message holds the link, between lines of three backticks."""

    #: The link, or None where there is none yet.
    link = None


def _run(*arguments):
    """What `scalekit-auth` prints. The token is in its output alone, never in an argument."""
    program = os.environ.get("SCALEKIT_AUTH") or shutil.which("scalekit-auth")
    if not program:
        raise ConfigurationError(
            "scalekit-auth is not on PATH. Install it, or name it in the variable SCALEKIT_AUTH."
        )
    try:
        return subprocess.run(
            [program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            encoding="utf-8", errors="replace", check=False,
        )
    except OSError as error:
        raise ConfigurationError("{} cannot be started: {}".format(program, error)) from None


def get_token(service_name):
    """A fresh token of the service, such as "gmail".

    Raises AuthorizationError where a person has to consent, and ConfigurationError for everything else.
    """
    if not service_name or service_name.startswith("-"):
        raise ConfigurationError("{!r} is no name of a service".format(service_name))
    run = _run("token", service_name, "--json")
    try:
        answer = json.loads(run.stdout)
        status = answer["status"]
        if status == "ok":
            return answer["token"]
        message = answer["message"]
    except (ValueError, KeyError, TypeError):
        # Its output may hold a token, so only what it said for people is passed on.
        raise ConfigurationError(
            "scalekit-auth gave no answer (exit status {}). {}".format(run.returncode, run.stderr.strip())
        ) from None
    if status == "needs_authorization":
        link = answer.get("link")
        error = AuthorizationError(message + ("\n\n```\n{}\n```".format(link) if link else ""))
        error.link = link
        raise error
    raise ConfigurationError(message)


def configure_connection(service_name, connection_name):
    """Names a connection of the Scalekit dashboard as a service."""
    run = _run("config", "--", service_name, connection_name)
    if run.returncode != 0:
        raise ConfigurationError(run.stderr.strip())
    print("Configured {} with connection_name: {}".format(service_name, connection_name))


def main():
    """Prints the token of the service that the first argument names."""
    if len(sys.argv) != 2:
        print("Usage: python3 {} SERVICE".format(os.path.basename(sys.argv[0])), file=sys.stderr)
        return 1
    try:
        print(get_token(sys.argv[1]))
    except (ConfigurationError, AuthorizationError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
