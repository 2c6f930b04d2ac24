# What scripts/demo and scripts/test share: sourced by them, not run. It leaves `python` pointing at .venv, and RAGCLI_HOME at .cache.

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
root=$PWD
python=$root/.venv/bin/python

# A newcomer's own settings and index stay out of it: everything happens below this clone.
for name in ${!RAGCLI_@}; do
    [[ $name == RAGCLI_TEST_* ]] || unset "$name"
done
export RAGCLI_HOME=$root/.cache
mkdir -p "$RAGCLI_HOME"
chmod 700 "$RAGCLI_HOME"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[[ -t 1 && -z ${NO_COLOR:-} ]] || say() { printf '\n%s\n' "$*"; }

fail() {
    printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
    exit 1
}

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed, and python3 is $(python3 --version 2>&1 || true)" \
        "install it (Debian, Ubuntu: python3 and python3-venv; macOS: brew install python), or name one: PYTHON=/path/to/python3 $0"
}

# .venv exists, is new enough and has pip; half of one, as an interrupted run leaves it, is made anew.
make_environment() {
    if is_new_enough "$python" && "$python" -m pip --version >/dev/null 2>&1; then
        return
    fi
    local base
    base=$(find_python)
    say "Making .venv with $("$base" --version)"
    "$base" -m venv --clear .venv || fail "$base cannot make a virtual environment" "Debian, Ubuntu: apt-get install python3-venv"
}

# What is installed depends on nothing but these: the same text means there is nothing to do.
stamp() { { cat pyproject.toml constraints.txt && "$python" --version && echo "$root"; } | cksum; }

# install WHAT EXTRAS: the project and its dependencies are in .venv, the exact releases of constraints.txt.
install() {
    local kind=$1 extras=$2 done_file
    for done_file in .venv/installed-test ".venv/installed-$kind"; do
        [[ -f $done_file && $(<"$done_file") == "$(stamp)" ]] && return
    done
    say "Installing ragcli and the libraries it stands on into .venv (once; some minutes)"
    tell_of_large_torch
    local options=(--disable-pip-version-check --no-input)
    [[ -t 1 ]] || options+=(--quiet)
    "$python" -m pip install "${options[@]}" -c constraints.txt -e ".$extras" ||
        fail "pip could not install everything" "look at its last lines; $0 goes on where it stopped"
    stamp >".venv/installed-$kind"
}

# The Linux build of PyTorch carries CUDA: gigabytes that a machine without an NVIDIA GPU has no use for.
tell_of_large_torch() {
    [[ $(uname -s) == Linux && ! -e /dev/nvidiactl ]] || return 0
    "$python" -c 'import importlib.util as i, sys; sys.exit(i.find_spec("torch") is None)' && return
    local found
    found=$("$python" -m pip install --dry-run --quiet --no-deps --report - -c constraints.txt torch 2>/dev/null || true)
    [[ $found == *+cpu* ]] && return
    cat <<'NOTICE'
  PyTorch comes in its build with CUDA here: about 3 GB more, which a machine without an NVIDIA GPU has no use for.
  To get the small build, stop now (Ctrl-C) and read "Linux without a GPU" in README.md.
NOTICE
}

has_library() { { ldconfig -p 2>/dev/null || /sbin/ldconfig -p; } | grep -qF "$1"; }

# need_library FILE PACKAGE WHY: on Linux, FILE can be loaded; if it cannot be got, WHY is said and work goes on.
need_library() {
    [[ $(uname -s) == Linux ]] && ! has_library "$1" || return 0
    local as_root=()
    ((EUID == 0)) || as_root=(sudo -n)
    if command -v apt-get >/dev/null && { ((EUID == 0)) || sudo -n true 2>/dev/null; }; then
        say "Installing the system library $2"
        if { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$2"; } >/dev/null; then
            return
        fi
    fi
    printf 'notice: %s is missing: %s (Debian, Ubuntu: sudo apt-get install %s)\n' "$1" "$3" "$2" >&2
}

ragcli() { "$python" -m ragcli "$@"; }
