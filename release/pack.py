#!/usr/bin/env python3
"""Packs one built target.

    pack.py VERSION TARGET FOLDER OUT

FOLDER holds what an archive contains; OUT gets the archive, the wheel and npm's package of this target.
"""
import base64
import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from archives import Zip, below, tar_gz
from shipped import shipped

# How Python and npm spell a target. A static executable runs with every C library of Linux.
SYSTEMS = {
    "x86_64-unknown-linux-musl": ("manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64", "linux", "x64"),
    "aarch64-unknown-linux-musl": ("manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64", "linux", "arm64"),
    "x86_64-pc-windows-gnu": ("win_amd64", "win32", "x64"),
    "x86_64-apple-darwin": ("macosx_10_12_x86_64", "darwin", "x64"),
    "aarch64-apple-darwin": ("macosx_11_0_arm64", "darwin", "arm64"),
}
HERE = Path(__file__).resolve().parent
DESCRIPTION = "Credential helper for git and other tools: fresh OAuth tokens from your Scalekit vault"
LICENCES = ["LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY.txt"]


def names():
    """The protocol names, each with the sub-command that does the same."""
    return [line.split() for line in (HERE / "names").read_text().splitlines()]


def metadata(version):
    lines = ["Metadata-Version: 2.4", "Name: scalekit-auth", f"Version: {version}", f"Summary: {DESCRIPTION}"]
    lines += ["License-Expression: MIT OR Apache-2.0"] + [f"License-File: {name}" for name in LICENCES]
    lines += ["Keywords: git,credential-helper,oauth,scalekit,keyring", "Requires-Python: >=3.8"]
    lines += ["Description-Content-Type: text/markdown", ""]
    return "\n".join(lines) + "\n" + shipped(HERE.parent / "README.md")


# Where shells look for a completion, below a prefix.
COMPLETIONS = {
    "scalekit-auth.bash": "share/bash-completion/completions/scalekit-auth",
    "scalekit-auth.fish": "share/fish/vendor_completions.d/scalekit-auth.fish",
    "_scalekit-auth": "share/zsh/site-functions/_scalekit-auth",
}


def for_shells(folder):
    """The completions and manual pages, by where they belong below a prefix."""
    found = {place: folder / "completions" / name for name, place in COMPLETIONS.items()}
    found |= {f"share/{name}": path for name, path in below(folder) if name.startswith("man/man1/")}
    return {place: path.read_bytes() for place, path in found.items() if path.exists()}


# Calls the executable beside it. Somebody may have linked the launcher from elsewhere; readlink without options is everywhere.
LAUNCHER = (HERE.parent / "src/commands/setup/launcher.sh").read_text()


def wheel(version, target, folder, out):
    """A wheel of scripts, which every installer puts where programs belong, and of files for shells and man."""
    tag = SYSTEMS[target][0]
    scripts, info = f"scalekit_auth-{version}.data/scripts", f"scalekit_auth-{version}.dist-info"
    suffix = ".exe" if "windows" in target else ""
    program = (folder / f"scalekit-auth{suffix}").read_bytes()
    files = {f"{scripts}/scalekit-auth{suffix}": (program, 0o755)}
    for name, command in names():
        # A wheel has no links. A file of Windows must be a program, so each name is a copy there.
        calls = LAUNCHER.replace("COMMAND", command).encode()
        files[f"{scripts}/{name}{suffix}"] = (program if suffix else calls, 0o755)
    if not suffix:
        data = f"scalekit_auth-{version}.data/data"
        files |= {f"{data}/{place}": (content, 0o644) for place, content in for_shells(folder).items()}
    for name in LICENCES:
        files[f"{info}/licenses/{name}"] = ((folder / name).read_bytes(), 0o644)
    files[f"{info}/sboms/scalekit-auth.cdx.json"] = ((folder / "sbom.cdx.json").read_bytes(), 0o644)
    files[f"{info}/METADATA"] = (metadata(version).encode(), 0o644)
    tags = "".join(f"Tag: py3-none-{one}\n" for one in tag.split("."))
    files[f"{info}/WHEEL"] = (f"Wheel-Version: 1.0\nGenerator: release/pack.py\nRoot-Is-Purelib: false\n{tags}".encode(), 0o644)
    record = ""
    with Zip(out / f"scalekit_auth-{version}-py3-none-{tag}.whl") as zip:
        for name, (content, permissions) in sorted(files.items()):
            zip.add(name, content, permissions)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            record += f"{name},sha256={digest},{len(content)}\n"
        zip.add(f"{info}/RECORD", record + f"{info}/RECORD,,\n")


def manifest(version, name, **more):
    fixed = {"name": name, "version": version, "description": DESCRIPTION, "license": "MIT OR Apache-2.0"}
    if repository := os.environ.get("REPOSITORY"):
        # npm holds it to where the package was built.
        fixed["repository"] = {"type": "git", "url": f"git+{repository}.git"}
    return json.dumps(fixed | more, indent=2) + "\n"


def npm_system(version, target, folder, out):
    """The executable for one system, of which npm installs the one that fits."""
    _, system, processor = SYSTEMS[target]
    name = f"scalekit-auth-{system}-{processor}"
    suffix = ".exe" if system == "win32" else ""
    with tempfile.TemporaryDirectory() as made:
        made = Path(made)
        (made / "bin").mkdir()
        shutil.copy(folder / f"scalekit-auth{suffix}", made / "bin")
        for file in LICENCES + ["sbom.cdx.json"]:
            shutil.copy(folder / file, made)
        (made / "package.json").write_text(manifest(version, name, os=[system], cpu=[processor], preferUnplugged=True))
        (made / "README.md").write_text(f"The executable of [scalekit-auth](https://www.npmjs.com/package/scalekit-auth) for {system} on {processor}.\n")
        tar_gz(out / f"{name}-{version}.tgz", made, "package")


def npm_main(version, out):
    """What people install: a launcher for each name, and the systems' packages as optional dependencies."""
    systems = [f"scalekit-auth-{system}-{processor}" for _, system, processor in SYSTEMS.values()]
    here = [name for name in systems if (out / f"{name}-{version}.tgz").exists()]
    with tempfile.TemporaryDirectory() as made:
        made = Path(made)
        (made / "bin").mkdir()
        shutil.copy(HERE / "npm/launch.js", made)
        (made / "README.md").write_text(shipped(HERE.parent / "README.md"))
        for file in ["LICENSE-APACHE", "LICENSE-MIT"]:
            shutil.copy(HERE.parent / file, made)
        generated = HERE / "generated"
        for part in [part for part in ["completions", "man"] if (generated / part).exists()]:
            shutil.copytree(generated / part, made / part)
        # npm links them where man looks; completions have no such field.
        man = [name for name, path in below(made) if name.startswith("man/man1/") and path.is_file()]
        bin = {}
        for name in ["scalekit-auth"] + [name for name, _ in names()]:
            bin[name] = f"bin/{name}.js"
            script = made / bin[name]
            script.write_text(f'#!/usr/bin/env node\nrequire("../launch.js")("{name}");\n')
            script.chmod(0o755)
        optional = {name: version for name in here}
        (made / "package.json").write_text(
            manifest(version, "scalekit-auth", bin=bin, man=man, engines={"node": ">=18"}, optionalDependencies=optional)
        )
        tar_gz(out / f"scalekit-auth-{version}.tgz", made, "package")


def main(version, target, folder, out):
    folder, out = Path(folder), Path(out)
    name = f"scalekit-auth-{version}-{target}"
    if "windows" in target:
        with Zip(out / f"{name}.zip") as zip:
            zip.add_folder(folder, name)
    else:
        tar_gz(out / f"{name}.tar.gz", folder, name)
    wheel(version, target, folder, out)
    npm_system(version, target, folder, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
