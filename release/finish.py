#!/usr/bin/env python3
"""What is made once all targets are in a folder: npm's main package, the manifests of Homebrew and scoop, SHA256SUMS.

    finish.py VERSION OUT

The variable REPOSITORY is the address under which releases are published, https://github.com/OWNER/NAME.
"""
import hashlib
import json
import os
import sys
from pathlib import Path

from pack import HERE, names, npm_main

version, out = sys.argv[1], Path(sys.argv[2])
repository = os.environ.get("REPOSITORY", "")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fill(template, name, archives, **more):
    """Writes the template with each archive's digest, unless the archives or their address are missing."""
    missing = [archive for archive in archives.values() if not (out / archive).exists()]
    if missing or not repository:
        why = f"it needs {', '.join(missing)}" if missing else "the address of the releases is not known (REPOSITORY)"
        (out / name).unlink(missing_ok=True)
        print(f"{name} is not made: {why}")
        return
    text = (HERE / template).read_text().replace("@VERSION@", version).replace("@REPOSITORY@", repository)
    for key, archive in archives.items():
        text = text.replace(f"@{key}@", digest(out / archive))
    for key, value in more.items():
        text = text.replace(f"@{key}@", value)
    (out / name).write_text(text)


def archive(target, ending):
    return f"scalekit-auth-{version}-{target}.{ending}"


npm_main(version, out)
fill(
    "scalekit-auth.rb.in",
    "scalekit-auth.rb",
    {
        "MAC_ARM": archive("aarch64-apple-darwin", "tar.gz"),
        "MAC_INTEL": archive("x86_64-apple-darwin", "tar.gz"),
        "LINUX_ARM": archive("aarch64-unknown-linux-musl", "tar.gz"),
        "LINUX_INTEL": archive("x86_64-unknown-linux-musl", "tar.gz"),
    },
    NAMES=" ".join(name for name, _ in names()),
)
# scoop starts its own programs in the place of links, so that each name is a sub-command there.
programs = ["scalekit-auth.exe"] + [["scalekit-auth.exe", name, command] for name, command in names()]
fill("scoop.json.in", "scoop.json", {"WINDOWS": archive("x86_64-pc-windows-gnu", "zip")}, BIN=json.dumps(programs))
files = sorted(path for path in out.iterdir() if path.is_file() and path.name != "SHA256SUMS")
(out / "SHA256SUMS").write_text("".join(f"{digest(path)}  {path.name}\n" for path in files))
