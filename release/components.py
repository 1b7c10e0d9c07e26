#!/usr/bin/env python3
"""What an executable is made of, for one target: a bill of materials (CycloneDX 1.5) and the licences that it must carry.

    components.py TARGET EXECUTABLE BILL.json NOTICES.txt

The crates are those that cargo links for the target, with the checksums of Cargo.lock. cargo-cyclonedx would write paths of
this machine into the bill, and does not know of libdbus, which is a part of a crate.
"""
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from datetime import datetime, timezone
from pathlib import Path

target, executable, bill_path, notices_path = sys.argv[1:]
root = Path(__file__).resolve().parent.parent
metadata = json.loads(
    subprocess.check_output(
        ["cargo", "metadata", "--format-version=1", "--locked", "--filter-platform", target], cwd=root
    )
)
packages = {package["id"]: package for package in metadata["packages"]}
edges = {node["id"]: node["deps"] for node in metadata["resolve"]["nodes"]}
main = next(p["id"] for p in packages.values() if p["name"] == "scalekit-auth" and p["source"] is None)
checksums = {
    (p["name"], p["version"]): p.get("checksum") for p in tomllib.loads((root / "Cargo.lock").read_text())["package"]
}


def linked(package):
    """What is linked for the sake of this package; procedural macros and build scripts leave nothing of themselves."""
    ids = [dep["pkg"] for dep in edges[package] if any(kind["kind"] is None for kind in dep["dep_kinds"])]
    return sorted(i for i in ids if not any("proc-macro" in t["kind"] for t in packages[i]["targets"]))


found, rest = {main}, [main]
while rest:
    new = set(linked(rest.pop())) - found
    found |= new
    rest += new
crates = sorted((packages[i] for i in found - {main}), key=lambda p: (p["name"], p["version"]))


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def licence(expression):
    # Old manifests separate alternatives by a slash.
    return [{"expression": re.sub(r"\s*/\s*", " OR ", expression)}] if expression else []


def component(package):
    made = {
        "type": "library",
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
        "licenses": licence(package["license"]),
    }
    if checksum := checksums[package["name"], package["version"]]:
        made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return made


def other(name, version, expression):
    ref = f"pkg:generic/{name}@{version}"
    return {"type": "library", "bom-ref": ref, "name": name, "version": version, "purl": ref, "licenses": licence(expression)}


rustc = re.search(r"release: (\S+)", subprocess.check_output(["rustc", "-vV"], text=True)).group(1)
others = [other("rust-std", rustc, "MIT OR Apache-2.0")]
dbus = next((p for p in crates if p["name"] == "libdbus-sys"), None)
if dbus:
    script = (Path(dbus["manifest_path"]).parent / "build_vendored.rs").read_text()
    version = re.search(r'DBUS_VERSION: &str = "\\"([\d.]+)', script).group(1)
    others.append(other("dbus", version, "AFL-2.1 OR GPL-2.0-or-later"))
if "musl" in target:
    # rustc's own copy; it says nowhere which one it is.
    others.append(other("musl", "of-rust-" + rustc, "MIT"))

package = packages[main]
date = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
bill = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "version": 1,
    "metadata": {
        "timestamp": date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "component": {
            "type": "application",
            "bom-ref": purl(package),
            "name": package["name"],
            "version": package["version"],
            "purl": purl(package),
            "licenses": licence(package["license"]),
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(Path(executable).read_bytes()).hexdigest()}],
            "properties": [{"name": "cargo:target", "value": target}],
        },
    },
    "components": [component(p) for p in crates] + others,
    "dependencies": [
        {"ref": purl(packages[i]), "dependsOn": [purl(packages[d]) for d in linked(i)]}
        for i in sorted(found, key=lambda i: purl(packages[i]))
    ],
}
# The standard library and what is below it belong to the program; libdbus to its crate.
for entry in bill["dependencies"]:
    if entry["ref"] == purl(package):
        entry["dependsOn"] += [o["bom-ref"] for o in others if o["name"] != "dbus"]
    if dbus and entry["ref"] == purl(dbus):
        entry["dependsOn"] += [o["bom-ref"] for o in others if o["name"] == "dbus"]
Path(bill_path).write_text(json.dumps(bill, indent=1) + "\n")

# Each licence text once, under the names of all that it came with.
texts, without = {}, []
for p in crates:
    folder = Path(p["manifest_path"]).parent
    files = sorted(f for f in folder.iterdir() if re.match(r"(?i)(licen[cs]e|copying|notice|unlicense)", f.name) and f.is_file())
    if p is dbus:
        files.append(folder / "vendor/dbus/COPYING")
    if not files:
        without.append(f"{p['name']} {p['version']}: {p['license']}")
    for file in files:
        text = file.read_text(errors="replace").replace("\r\n", "\n").strip()
        name = f"{p['name']} {p['version']}" + (", libdbus within it" if "vendor" in file.parts else "")
        texts.setdefault(text, []).append(name)
if "musl" in target:
    texts[(root / "release/musl-copyright").read_text().strip()] = ["musl, the C library"]
with open(notices_path, "w", encoding="utf-8") as out:
    out.write("scalekit-auth contains the works below, each under the licence that follows its name. Where several are offered,\n")
    out.write("scalekit-auth chooses MIT, else Apache-2.0, and for libdbus the Academic Free License 2.1.\n")
    out.write(f"The standard library of Rust {rustc} is under MIT or Apache-2.0, https://www.rust-lang.org/policies/licenses.\n")
    if without:
        out.write("\nThese bring no licence text of their own; those of MIT and Apache-2.0 are below and beside this file:\n")
        out.writelines(f"  {line}\n" for line in without)
    for text, names in texts.items():
        out.write("\n" + "=" * 100 + "\n" + "\n".join(names) + "\n" + "-" * 100 + "\n" + text + "\n")
