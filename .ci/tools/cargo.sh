# How cargo is told of the tools for a target; to be sourced after all others.

# cargo_for TARGET SUBCOMMAND: sets up what the subcommand needs for the target, and exports what cargo must know.
# $cargo_command is what to call instead of cargo then; arguments for the subcommand are to come after it.
cargo_for() {
    local target=$1 subcommand=$2 kind=build
    case $subcommand in check | clippy) kind=check ;; esac
    # Its dlltool makes what the standard library of Windows links to.
    case $kind/$target in build/*-windows-gnu) mingw; export PATH="$cache/mingw/usr/bin:$PATH" ;; esac
    rust_std "$kind" "$target"
    cargo_forget_other_std "$target"
    cargo_command=(cargo "$subcommand")
    if [ "$kind" = check ]; then cargo_without_compiler "$target"; return; fi
    case $target in
        *-windows-gnu) cargo_with_mingw "$target" "$subcommand" ;;
        *-linux-musl | *-apple-darwin) cargo_with_zig "$target" "$subcommand" ;;
        *) fail "no linker for $target is set up here" ;;
    esac
    cargo_add_flags "$target"
}

# Flags for the compiler beside those that a target needs: RELEASE_RUSTFLAGS, which .ci/release sets.
cargo_add_flags() {
    local name
    name=$(cargo_variable "$1" RUSTFLAGS)
    [ -z "${RELEASE_RUSTFLAGS:-}" ] || export "$name=${!name:-} $RELEASE_RUSTFLAGS"
}

cargo_variable() { echo "CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<< "$1")_$2"; }

# What was compiled with one standard library does not fit another, and cargo does not see the difference.
cargo_forget_other_std() {
    local folder=${CARGO_TARGET_DIR:-target}/$1
    [ "$(cat "$folder/.std" 2>/dev/null)" = "$rust_std_id" ] && return
    rm -rf "$folder"
    mkdir -p "$folder"
    echo "$rust_std_id" > "$folder/.std"
}

# A check links nothing, but build scripts compile: they get object files that nobody will read. cargo sees by the names of
# the compilers that these are not those of a build.
cargo_without_compiler() {
    local target=${1//-/_}
    cat > "$cache/no-compiler" <<'NOTHING'
#!/bin/sh
# Whatever is to be made is there afterwards, however that is said: as to cc(1), or to MSVC's compiler and librarian.
last=""
for argument; do
    if [ "$last" = -o ]; then : > "$argument"; fi
    case $argument in
        -Fo*) : > "${argument#-Fo}" ;;
        -out:*) : > "${argument#-out:}" ;;
    esac
    last=$argument
done
NOTHING
    chmod +x "$cache/no-compiler"
    export "CC_$target=$cache/no-compiler" "AR_$target=$cache/no-compiler"
}

cargo_with_mingw() {
    local target=$1 bin=$cache/mingw/usr/bin
    export "$(cargo_variable "$target" LINKER)=$bin/x86_64-w64-mingw32-gcc"
    export "CC_${target//-/_}=$bin/x86_64-w64-mingw32-gcc" "AR_${target//-/_}=$bin/x86_64-w64-mingw32-ar"
    case $2 in test | run | bench) wine; export "$(cargo_variable "$target" RUNNER)=$cache/wine/run" ;; esac
}

cargo_with_zig() {
    local target=$1
    zig
    export CARGO_ZIGBUILD_PYTHON_PATH=$cache/zig/bin/python CARGO_ZIGBUILD_CACHE_DIR=$cache/zigbuild
    export ZIG_GLOBAL_CACHE_DIR=$cache/zig-objects
    case $2 in build) cargo_command=("$cache/zig/bin/cargo-zigbuild" zigbuild) ;; *) cargo_command=("$cache/zig/bin/cargo-zigbuild" "$2") ;; esac
    local flags kind
    case $target in
        *-apple-darwin)
            apple
            flags=-Clink-arg=-F$cache/frameworks
            # The linker signs, and whatever changes the program afterwards breaks its signature: no Mac would start it.
            export CARGO_PROFILE_DEV_STRIP=false CARGO_PROFILE_RELEASE_STRIP=false
            ;;
        # zig brings musl.
        *) flags=-Clink-self-contained=no ;;
    esac
    # The second for the examples in the documentation, which rustdoc links.
    for kind in RUSTFLAGS RUSTDOCFLAGS; do export "$(cargo_variable "$target" $kind)=$flags"; done
    case $target/$2 in aarch64-*linux*/test | aarch64-*linux*/run) qemu; export "$(cargo_variable "$target" RUNNER)=$cache/qemu/run" ;; esac
}
