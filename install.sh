#!/bin/sh
# Installs scalekit-auth with its protocol names: the executable beside this script, as in a release, else one that it builds.
#
#   ./install.sh [--prefix DIR] [--uninstall]
#   ./install.sh --skill DIR [--uninstall]
#
# DIR is ~/.local unless given; the executable goes to DIR/bin. With --skill, only the agent skill is put into a folder
# of DIR, which may be ~/.claude/skills. Safe to run again; needs no root. A release's completions for shells and manual
# pages go to DIR/share, and without --prefix to $XDG_DATA_HOME, where bash, fish and man look.
set -eu

links="git-credential-scalekit docker-credential-scalekit bazel-scalekit cargo-credential-scalekit terraform-credentials-scalekit
    nuget-plugin-scalekit scalekit-askpass"
prefix="${HOME:?HOME is not set}/.local"
data=${XDG_DATA_HOME:-$prefix/share}
uninstall=no
skill=

# Paths may hold what a terminal, or an echo, takes for a command: control characters are shown as question marks.
shown() {
    printf '%s' "$*" | LC_ALL=C tr '\001-\037\177' '[?*]' | LC_ALL=C sed "s/$(printf '\302')[$(printf '\200')-$(printf '\237')]/?/g"
}

say() {
    printf '%s\n' "$(shown "$*")"
}

fail() {
    say "install.sh: $*" >&2
    exit 1
}

# A path as a shell reads it.
quoted() {
    printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

# Whether an executable is this program, or an older one: it knows its names. Nobody's program is run to find out.
is_ours() {
    [ -f "$1" ] && LC_ALL=C grep -q git-credential-scalekit "$1" 2>/dev/null
}

while [ $# -gt 0 ]; do
    case $1 in
    --prefix)
        [ $# -ge 2 ] && [ -n "$2" ] || fail "--prefix needs a directory"
        prefix=$2 data=
        shift 2
        ;;
    --prefix=?*)
        prefix=${1#--prefix=} data=
        shift
        ;;
    --skill)
        [ $# -ge 2 ] && [ -n "$2" ] || fail "--skill needs a directory"
        skill=$2
        shift 2
        ;;
    --skill=?*)
        skill=${1#--skill=}
        shift
        ;;
    --uninstall)
        uninstall=yes
        shift
        ;;
    -h | --help)
        sed -n '2,9s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    --prefix=) fail "--prefix needs a directory" ;;
    *) fail "unknown option $1; try --help" ;;
    esac
done
case $prefix in
/*) ;;
*) prefix=$(pwd)/$prefix ;;
esac
bin=$prefix/bin
# A relative XDG_DATA_HOME is none.
case $data in
/*) ;;
*) data=$prefix/share ;;
esac
# man looks beside the folders of PATH.
pages=$prefix/share/man/man1

# The skill, which needs nothing to be built.
if [ -n "$skill" ]; then
    skill=$skill/scalekit-auth
    sources=$(dirname -- "$0")/skills/scalekit-auth
    # What a link leads to is for somebody else to change.
    for file in "$skill" "$skill"/*.md "$skill"/*.py; do
        [ ! -L "$file" ] || fail "$file is a symbolic link, which is not followed; remove it, then run this again"
    done
    if [ -e "$skill" ] && ! grep -q '^  program: scalekit-auth$' "$skill/SKILL.md" 2>/dev/null; then
        fail "$skill is there already and is not this skill"
    fi
    if [ "$uninstall" = yes ]; then
        for file in "$sources"/*.md "$sources"/*.py; do rm -f "$skill/$(basename "$file")"; done
        rm -rf "$skill/__pycache__"
        # Whatever else somebody keeps there stays.
        if [ -d "$skill" ]; then rmdir "$skill" 2>/dev/null || say "Note: other files are still in $skill"; fi
        say "Removed the skill from $skill"
    else
        mkdir -p "$skill"
        cp "$sources"/*.md "$sources"/*.py "$skill/"
        say "The skill is in $skill"
    fi
    exit 0
fi

if [ "$uninstall" = yes ]; then
    program=$bin/scalekit-auth
    if { [ -e "$program" ] || [ -L "$program" ]; } && ! is_ours "$program"; then
        say "Note: $program is another program and stays"
        program=
    fi
    if [ -n "$program" ] && [ -x "$program" ]; then
        if [ -t 0 ]; then
            printf 'First undo what `scalekit-auth setup` put into the configuration of git, docker and other tools? [Y/n] '
            read -r answer || answer=
            case $answer in
            n* | N*) ;;
            *) "$program" setup --undo ;;
            esac
        else
            say "Note: what \`scalekit-auth setup\` put into the configuration of git, docker and other tools stays, and they"
            say "  go on to ask for a program that is gone; run \`scalekit-auth setup --undo\` before the next time."
        fi
    fi
    for link in $links; do
        # Only what we put there: a link to our executable.
        if [ "$(readlink "$bin/$link" 2>/dev/null || true)" = scalekit-auth ]; then
            rm -f "$bin/$link"
        fi
    done
    [ -z "$program" ] || rm -f "$program"
    rm -f "$data/bash-completion/completions/scalekit-auth" "$data/zsh/site-functions/_scalekit-auth" \
        "$data/fish/vendor_completions.d/scalekit-auth.fish" "$pages/scalekit-auth.1" "$pages"/scalekit-auth-*.1
    for link in $links; do rm -f "$pages/$link.1"; done
    say "Removed from $bin. Configuration and stored client credentials are still there;"
    say "  \`scalekit-auth logout\`, run before uninstalling, removes the credentials."
    exit 0
fi

system=$(uname -s)
case $system in
MINGW* | MSYS* | CYGWIN*) fail "on Windows run install.ps1 in PowerShell: powershell -ExecutionPolicy Bypass -File install.ps1" ;;
esac
# With CDPATH a cd may end elsewhere.
CDPATH= cd -- "$(dirname -- "$0")"
if [ -f scalekit-auth ] && [ ! -e Cargo.toml ]; then
    built=./scalekit-auth
    "$built" --version >/dev/null || fail "the executable beside this script does not run here; is it the archive for $system on $(uname -m)?"
else
    if [ "$system" = Darwin ] && ! cc --version >/dev/null 2>&1; then
        fail "the command line tools are missing; run xcode-select --install, then this again"
    fi
    command -v cargo >/dev/null || fail "cargo is missing; install Rust from https://rustup.rs, then run this again"
    # Messages of panics quote the paths of sources; where this machine keeps them is nobody's business, and no bytes of ours.
    sources=${CARGO_HOME:-$HOME/.cargo}/registry/src
    cargo build --release --locked --bin scalekit-auth --config "build.rustflags=['--remap-path-prefix=$sources=']"
    built=${CARGO_TARGET_DIR:-target}/release/scalekit-auth
    "$built" --version >/dev/null || fail "what was built does not run: $built"
fi

for link in $links; do
    if [ -e "$bin/$link" ] || [ -L "$bin/$link" ]; then
        [ "$(readlink "$bin/$link" || true)" = scalekit-auth ] || fail "$bin/$link is there already and is not ours"
    fi
done
[ ! -d "$bin/scalekit-auth" ] || fail "$bin/scalekit-auth is a directory"
if [ -e "$bin/scalekit-auth" ] || [ -L "$bin/scalekit-auth" ]; then
    is_ours "$bin/scalekit-auth" || fail "$bin/scalekit-auth is there already and is not ours; move it away, then run this again"
fi
mkdir -p "$bin"
new=$bin/.scalekit-auth.$$
made=
undo() {
    rm -f "$new"
    for link in $made; do rm -f "$bin/$link"; done
}
trap undo EXIT
cp "$built" "$new"
chmod 755 "$new"
for link in $links; do
    [ -L "$bin/$link" ] && continue
    ln -s scalekit-auth "$bin/$link"
    made="$made $link"
done
# Last, and by renaming: a git that is asking at this moment finds the old program or the new one.
mv -f "$new" "$bin/scalekit-auth"
trap - EXIT
say "Installed $("$bin/scalekit-auth" --version) to $bin, with: $(echo $links)"
# What the program does not need to work.
for_shells() {
    mkdir -p "$data/bash-completion/completions" "$data/zsh/site-functions" "$data/fish/vendor_completions.d" "$pages" &&
        cp completions/scalekit-auth.bash "$data/bash-completion/completions/scalekit-auth" &&
        cp completions/_scalekit-auth "$data/zsh/site-functions/" &&
        cp completions/scalekit-auth.fish "$data/fish/vendor_completions.d/" &&
        cp man/man1/*.1 "$pages/"
}
if [ "$built" = ./scalekit-auth ] && [ -d completions ] && [ -d man/man1 ]; then
    if for_shells; then
        say "Completions for bash, fish and zsh are below $data, manual pages in $pages."
        case ${SHELL:-} in
        */zsh) say "Note: for zsh, ~/.zshrc needs before compinit: fpath=($(quoted "$data/zsh/site-functions") \$fpath)" ;;
        esac
    else
        say "Note: completions and manual pages are not installed, because files below $data or in $pages cannot be written"
    fi
fi
case :$PATH: in
*":$bin:"*) ;;
*)
    example=
    # One that could not be typed as it is shown is none.
    [ "$(shown "$bin")" != "$bin" ] || example=" Add it, for example: export PATH=$(quoted "$bin"):\"\$PATH\""
    say "Note: $bin is not on PATH; docker and git look for us there.$example"
    ;;
esac
