"""A backend of keyring that asks the program scalekit-auth for a fresh token of the Scalekit vault."""

import json
import os
import re
import shutil
import subprocess
import sys
from urllib.parse import urlsplit

from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential
from keyring.errors import PasswordDeleteError, PasswordSetError

TIMEOUT = 90  # seconds for one answer of the program
URL = re.compile(r"https?://[!-~]+", re.IGNORECASE)


def _program():
    """Where scalekit-auth stands. A directory of PATH relative to the current one may be anybody's, and is left out."""
    named = os.environ.get("SCALEKIT_AUTH", "")
    if os.path.isabs(named):
        return shutil.which(named)
    return shutil.which("scalekit-auth", path=os.pathsep.join(filter(os.path.isabs, os.get_exec_path())))


def _place(service):
    """The URL to ask about, or None: it is not http(s), or it brings a password of its own.

    A bare host name may be one that the tool asks over plain http, so it is nobody's.
    """
    try:
        parts = urlsplit(service) if URL.fullmatch(service) else None
    except ValueError:
        return None
    return parts._replace(query="", fragment="").geturl() if parts and parts.password is None else None


def _is_name(username):
    """Whether it is no option of the program."""
    return not (username or "").startswith("-")


def _run(*words, stderr=None):
    """What the program prints, or None where it declines or fails; it says why on its stderr, which is ours."""
    # With this variable set it leaves what is not its own to nobody, instead of starting a second keyring.
    command = dict(env={**os.environ, "SCALEKIT_AUTH_KEYRING": "1"}, stdin=subprocess.DEVNULL, encoding="utf-8")
    try:
        done = subprocess.run([_program(), *words], stdout=subprocess.PIPE, stderr=stderr, timeout=TIMEOUT, **command)
        return done.stdout if done.returncode == 0 else None
    except subprocess.TimeoutExpired:
        print(f"keyring-scalekit: scalekit-auth gave no answer within {TIMEOUT} s", file=sys.stderr)
    except (OSError, ValueError, TypeError):  # gone since the start, or words or an answer that cannot be passed on
        pass
    return None


def _refuse(error, service):
    """Raises error. For a service that is not ours it is one at which keyring's chainer goes on to the next backend."""
    place = _place(service)
    if place and _run("which", place, stderr=subprocess.DEVNULL) is not None:
        raise error(f"scalekit-auth answers for {place}: its token comes from the Scalekit vault")
    not_ours = type(error.__name__, (error, NotImplementedError), {})
    raise not_ours("scalekit-auth only hands out tokens of the Scalekit vault, it stores nothing")


class _Priority:
    """Asked before other backends (artifacts-keyring has 9.9), but below 10: the chainer, which asks us all in turn."""

    def __get__(self, instance, owner):
        if _program() is None:
            raise RuntimeError("scalekit-auth is not on PATH")
        return 9.95


class ScalekitKeyring(KeyringBackend):
    """Answers for the URLs of your services, and for nothing else."""

    priority = _Priority()

    def get_password(self, service, username):
        place = _place(service)
        answer = _run("keyring", "get", place, username or "") if place and _is_name(username) else None
        return answer.rstrip("\n") or None if answer else None

    def get_credential(self, service, username):
        place = _place(service)
        words = [place, username] if username else [place]
        asked = place and _is_name(username)
        answer = _run("keyring", "--mode=creds", "--output=json", "get", *words) if asked else None
        try:
            pair = json.loads(answer) if answer else None
            return SimpleCredential(pair["username"], pair["password"]) if pair else None
        except (ValueError, KeyError, TypeError):
            return None

    def set_password(self, service, username, password):
        _refuse(PasswordSetError, service)

    def delete_password(self, service, username):
        _refuse(PasswordDeleteError, service)
