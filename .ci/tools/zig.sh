# zig as C compiler and linker for Linux with musl and for macOS, and cargo-zigbuild, which has cargo use it; to be sourced. Both are from PyPI.

zig_packages=(ziglang==0.17.1 cargo-zigbuild==0.24.1)

zig_make() {
    local folder=$1
    python3 -m venv "$folder"
    retry "$folder/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir --retries 10 "${zig_packages[@]}"
}

# What a program uses of Apple's frameworks. zig knows the system's library; of frameworks nobody but Apple may pass on more than the names,
# and names are all that a linker needs. A name that is missing here is told as an undefined symbol.
zig_framework() {
    local folder=$1 name=$2
    shift 2
    mkdir -p "$folder/$name.framework"
    cat > "$folder/$name.framework/$name.tbd" <<TBD
--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: /System/Library/Frameworks/$name.framework/Versions/A/$name
exports:
  - targets: [ x86_64-macos, arm64-macos ]
    symbols: [ $(printf '_%s, ' "$@" | sed 's/, $//') ]
...
TBD
}

zig_make_frameworks() {
    zig_framework "$1" CoreFoundation CFRelease
    zig_framework "$1" Security SecTrustSettingsCopyCertificates
}

zig() {
    once zig zig_make
    once frameworks zig_make_frameworks
}
