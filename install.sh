#!/bin/sh
# Builds scalekit-auth and installs it with its protocol names.
#
#   ./install.sh [--prefix DIR] [--uninstall]
#
# DIR is ~/.local unless given; the executable goes to DIR/bin. Safe to run again; needs no root.
set -eu

links="git-credential-scalekit"
prefix="${HOME:?HOME is not set}/.local"
uninstall=no

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

while [ $# -gt 0 ]; do
    case $1 in
    --prefix)
        [ $# -ge 2 ] || fail "--prefix needs a directory"
        prefix=$2
        shift 2
        ;;
    --prefix=*)
        prefix=${1#--prefix=}
        shift
        ;;
    --uninstall)
        uninstall=yes
        shift
        ;;
    -h | --help)
        sed -n '2,6s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) fail "unknown option $1; try --help" ;;
    esac
done
case $prefix in
/*) ;;
*) prefix=$(pwd)/$prefix ;;
esac
bin=$prefix/bin

if [ "$uninstall" = yes ]; then
    for link in $links; do
        # Only what we put there: a link to our executable.
        if [ "$(readlink "$bin/$link" 2>/dev/null || true)" = scalekit-auth ]; then
            rm -f "$bin/$link"
        fi
    done
    rm -f "$bin/scalekit-auth"
    echo "Removed from $bin. Configuration and stored client credentials are still there:"
    echo "  before removing the program, \`scalekit-auth logout\` empties the keyring;"
    echo "  \`git config --global --unset-all credential.helper '^scalekit\$'\` frees git of the helper."
    exit 0
fi

cd "$(dirname "$0")"
command -v cargo >/dev/null || fail "cargo is missing; install Rust from https://rustup.rs, then run this again"
cargo build --release --locked --bin scalekit-auth
built=${CARGO_TARGET_DIR:-target}/release/scalekit-auth
"$built" --version >/dev/null || fail "what was built does not run: $built"

for link in $links; do
    if [ -e "$bin/$link" ] || [ -L "$bin/$link" ]; then
        [ "$(readlink "$bin/$link" || true)" = scalekit-auth ] || fail "$bin/$link is there already and is not ours"
    fi
done
mkdir -p "$bin"
# Renamed into place, so that a git which is asking at this moment finds the old one or the new one.
new=$bin/.scalekit-auth.$$
trap 'rm -f "$new"' EXIT
cp "$built" "$new"
chmod 755 "$new"
mv -f "$new" "$bin/scalekit-auth"
for link in $links; do
    ln -sf scalekit-auth "$bin/$link"
done
echo "Installed $("$bin/scalekit-auth" --version) to $bin, with: $links"
case :$PATH: in
*":$bin:"*) ;;
*) echo "Note: $bin is not on PATH. Add it, for example: export PATH=\"$bin:\$PATH\"" ;;
esac
