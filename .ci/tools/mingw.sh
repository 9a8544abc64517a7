# gcc and its libraries for 64-bit Windows; to be sourced after debian.sh. From the suite of this machine, whose C library they need.

mingw_make() {
    local folder=$1 name
    debian_unpack "$folder" "$(debian_own_suite)" binutils-mingw-w64-x86-64 mingw-w64-common mingw-w64-x86-64-dev \
        gcc-mingw-w64-base gcc-mingw-w64-x86-64-posix gcc-mingw-w64-x86-64-posix-runtime
    # Debian gives its compilers two names and chooses one when they are installed.
    for name in gcc cpp; do ln -s "x86_64-w64-mingw32-$name-posix" "$folder/usr/bin/x86_64-w64-mingw32-$name"; done
    rm -rf "$folder/usr/share/doc" "$folder/usr/share/man"
}

mingw() { once mingw mingw_make; }
