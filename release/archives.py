"""Archives whose bytes depend on nothing but their contents: names sorted, one time, no owner."""
import gzip
import io
import os
import stat
import tarfile
import time
import zipfile
from pathlib import Path

EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])


def below(folder):
    """Everything below a folder, with its path in it."""
    return sorted((path.relative_to(folder).as_posix(), path) for path in Path(folder).rglob("*"))


def mode(path):
    """Executable for all, or readable for all."""
    return 0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644


def tar_gz(out, folder, prefix):
    """All of the folder, links as links, under this name."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, path in [("", Path(folder))] + below(folder):
            entry = tarfile.TarInfo(f"{prefix}/{name}".rstrip("/"))
            entry.mtime = EPOCH
            if path.is_symlink():
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
            else:
                entry.mode = mode(path)
            if path.is_dir() and not path.is_symlink():
                entry.type = tarfile.DIRTYPE
            if not entry.isreg():
                tar.addfile(entry)
                continue
            content = path.read_bytes()
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    with open(out, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=EPOCH) as compressed:
        compressed.write(packed.getvalue())


class Zip:
    """A zip file, filled entry by entry."""

    def __init__(self, out):
        self.zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.zip.close()

    def add(self, name, content, permissions=0o644):
        entry = zipfile.ZipInfo(name, time.gmtime(EPOCH)[:6])
        entry.create_system, entry.compress_type = 3, zipfile.ZIP_DEFLATED
        entry.external_attr = (stat.S_IFREG | permissions) << 16
        self.zip.writestr(entry, content)

    def add_folder(self, folder, prefix):
        for name, path in below(folder):
            if path.is_file():
                self.add(f"{prefix}/{name}", path.read_bytes(), mode(path))
