# Standard libraries of other systems, for exactly the compiler of this machine; to be sourced after debian.sh.
#
# If the machine's toolchain has the library of a target (rustup target add), that is used. Else it is made from its sources, which must be of this
# very compiler: rustup's component rust-src, the folder that RUST_LIBRARY names (the one that holds "std" and "sysroot"), or Debian's package.
# The machine's toolchain stays as it is: a copy (of hard links, where possible) gets the new libraries.

rust_sysroot=$(rustc --print sysroot)
rust_release=$(rustc -vV | sed -n 's/^release: //p')
rust_commit=$(rustc -vV | sed -n 's/^commit-hash: //p')
# Whoever makes them in another way makes others, so that two checkouts do not take each other's away.
rust_home=rust-$rust_release-$({ rustc -vV; cat "${BASH_SOURCE[0]}"; } | sha256sum | head -c 8)

# Where Debian has compilers that are newer than its releases, the most likely first.
rust_suites="stable-backports unstable testing stable"

rust_has_std() { compgen -G "$1/lib/rustlib/$2/lib/libstd-*.r*" >/dev/null; }

rust_debian_sources() {
    local folder=$1 suite version had=""
    for suite in $rust_suites; do
        for version in $(debian_versions "$suite" rust-src); do
            had+=" $version"
            case $version in "$rust_release"[+-]*) ;; *) continue ;; esac
            debian_unpack "$folder/package" "$suite" "rust-src=$version"
            mv "$folder/package/usr/src/rustc-$rust_release/library" "$folder/library"
            rm -rf "$folder/package"
            return
        done
    done
    fail "no sources of the standard library for exactly this compiler ($(rustc --version)): neither rustup's component rust-src nor RUST_LIBRARY, and" \
        "Debian's package rust-src has only$had. Add one: rustup component add rust-src, or rustup target add TARGET"
}

rust_make_sources() {
    local folder=$1 given=${RUST_LIBRARY:-$rust_sysroot/lib/rustlib/src/rust/library}
    if [ -e "$given/sysroot/Cargo.toml" ]; then cp -a "$given" "$folder/library"; else rust_debian_sources "$folder"; fi
    # As a static library alone: nothing is linked, so this needs no linker for the target.
    sed -i 's/^crate-type = \["dylib", "rlib"\]/crate-type = ["rlib"]/' "$folder/library/std/Cargo.toml"
}

rust_make_toolchain() {
    local folder=$1 part
    for part in bin lib libexec; do
        [ -e "$rust_sysroot/$part" ] || continue
        cp -al "$rust_sysroot/$part" "$folder/" 2>/dev/null || cp -a "$rust_sysroot/$part" "$folder/"
    done
}

# Flags that keep the folders of this machine out of what is compiled: programs tell by such names where a panic was. Each argument is
# FOLDER=NAME, the most general first.
rust_remap() {
    local renamed
    for renamed in "${CARGO_HOME:-$HOME/.cargo}=/cargo" "$@"; do printf -- '--remap-path-prefix=%s ' "$renamed"; done
}

# rust_make_std KIND TARGET FOLDER: FOLDER gets the libraries; KIND is "check" (what a check needs) or "build" (all).
rust_make_std() {
    local kind=$1 target=$2 folder=$3 toolchain=$cache/$rust_home/$1 part
    (
        cd "$cache/$rust_home/sources/library"
        unset CARGO_TARGET_DIR CARGO_BUILD_TARGET RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER CARGO_ENCODED_RUSTFLAGS
        # How std is built: it uses what is unstable, and its parts must not be taken for crates of the same name.
        export PATH="$toolchain/bin:$PATH" RUSTC_BOOTSTRAP=1 __CARGO_DEFAULT_LIB_METADATA="$target" CARGO_NET_RETRY=10
        export RUSTFLAGS="-Zforce-unstable-if-unmarked -Cembed-bitcode=yes $(rust_remap "$PWD=/rustc/$rust_commit/library")"
        cargo "$kind" --quiet --locked --release --manifest-path sysroot/Cargo.toml --target "$target" \
            --features panic-unwind,backtrace --target-dir "$folder/target"
        # What starts and ends each program for Windows.
        if [ "$kind/$target" = build/x86_64-pc-windows-gnu ]; then
            for part in rsbegin rsend; do rustc --target "$target" --emit=obj -o "$folder/$part.o" rtstartup/$part.rs; done
        fi
    )
    case $kind in check) part=rmeta ;; *) part=rlib ;; esac
    mv "$folder/target/$target/release/deps/"*."$part" "$folder/"
    rm -rf "$folder/target"
    # The compiler looks for libraries in its own folder.
    mkdir -p "$toolchain/lib/rustlib/$target"
    ln -sfn "$folder" "$toolchain/lib/rustlib/$target/lib"
}

# rust_std KIND TARGET: PATH leads to a toolchain that has it then, and $rust_std_id tells one library from another.
rust_std() {
    local kind=$1 target=$2
    if rust_has_std "$rust_sysroot" "$target"; then
        # A copy that is in PATH for another target has it, too.
        rust_std_id="the machine's"
        return
    fi
    once "$rust_home/sources" rust_make_sources
    once "$rust_home/$kind" rust_make_toolchain
    once "$rust_home/std-$kind-$target" rust_make_std "$kind" "$target"
    export PATH="$cache/$rust_home/$kind/bin:$PATH"
    rust_std_id="$cache/$rust_home $(cat "$cache/$rust_home/sources/.recipe")"
}
