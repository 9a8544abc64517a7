# What the scripts in this folder share; to be sourced.
#
# | file | sets up |
# | --- | --- |
# | common.sh | the folder where all of it lies |
# | debian.sh | packages of the Debian mirror that this machine is configured with |
# | rust.sh | standard libraries of other systems, for exactly this compiler |
# | zig.sh, apple.sh | a C compiler and linker for Linux with musl and for macOS, from PyPI; what it must know of Apple's frameworks |
# | mingw.sh, wine.sh | a C compiler and linker for Windows, and what runs its programs |
# | qemu.sh | what runs programs for ARM |
# | cargo.sh | how cargo is told of these |
# | all.sh | sources them all |
#
# Nothing is installed: everything that is fetched lies in one folder outside of the repository, which may be deleted at any time.

cache=${PROCESS_MONITOR_CI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/process_monitor_ci}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

say() { printf -- '--- %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# A network that fails for a moment is no reason to fail.
retry() {
    local pause
    for pause in 3 10 30; do
        if "$@"; then return; fi
        say "that failed; again in $pause s: $*"
        sleep "$pause"
    done
    "$@"
}

# once FOLDER FUNCTION ARGUMENT...: has FUNCTION fill FOLDER of the cache (its name is the function's last argument), unless it did so before.
# It is done anew when the function's script has changed, and when it was not finished. Whoever comes second waits.
# Never call this in a condition: bash would go on after errors.
once() {
    local folder=$cache/$1 recipe
    shift
    recipe=$({ cat "${BASH_SOURCE[1]}"; printf '%s\n' "$@"; } | sha256sum)
    [ "$(cat "$folder/.recipe" 2>/dev/null)" = "$recipe" ] && return
    mkdir -p "$(dirname "$folder")"
    (
        flock 9
        [ "$(cat "$folder/.recipe" 2>/dev/null)" = "$recipe" ] && exit
        say "setting up $folder"
        rm -rf "$folder"
        mkdir -p "$folder"
        # What is left running must not hold the lock.
        "$@" "$folder" 9>&-
        echo "$recipe" > "$folder/.recipe"
    ) 9>"$folder.lock"
}
