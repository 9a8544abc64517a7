# zig as C compiler and linker for Linux with musl and for macOS, and cargo-zigbuild, which has cargo use it; to be sourced. Both are from PyPI.

zig_packages=(ziglang==0.17.1 cargo-zigbuild==0.24.1)

zig_make() {
    local folder=$1
    python3 -m venv "$folder"
    retry "$folder/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir --retries 10 "${zig_packages[@]}"
}

zig() { once zig zig_make; }
