# Sourced by ./start and ./test: one Python environment in .venv, kept in step with the requirements.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

# Run a command as root: as it is, or through sudo where sudo is there and needs no typing.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        sudo "$@"
    else
        return 1
    fi
}

# Install packages of Debian or Ubuntu; fails where there is no apt-get or no right to use it.
apt_install() {
    command -v apt-get >/dev/null || return 1
    say "Installing $* with apt-get ..."
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >&2 &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2
}

# Print the name of a Python that the pinned requirements fit.
find_python() {
    local name
    for name in ${PYTHON:+"$PYTHON"} python3.11 python3.12 python3.13 python3; do
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            printf '%s\n' "$name"
            return
        fi
    done
    return 1
}

# Make .venv where it is missing or was left half made.
make_venv() {
    local python version
    if .venv/bin/python -m pip --version >/dev/null 2>&1; then
        return
    fi
    python=$(find_python) || {
        say "FER Lens needs Python 3.11, 3.12 or 3.13, and found none. On Debian or Ubuntu: apt-get install python3 python3-venv"
        return 1
    }
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    say "Making .venv with Python $version ..."
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        apt_install "python$version-venv" || {
            say "Python $version has no venv module. Install it, then run this again: sudo apt-get install python$version-venv"
            return 1
        }
    fi
    "$python" -m venv --clear .venv
}

# Install a requirements file into .venv, unless the same files were installed before.
install_requirements() {
    local file=$1 stamp=".venv/.installed-${1%.txt}" wanted
    wanted=$(cat requirements.txt "$file" | cksum)
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return
    fi
    say "Installing $file (the first time takes some minutes) ..."
    .venv/bin/python -m pip install --disable-pip-version-check --no-input -r "$file" >&2
    printf '%s\n' "$wanted" >"$stamp"
    cat requirements.txt requirements.txt | cksum >.venv/.installed-requirements  # every other file begins with this one
}
