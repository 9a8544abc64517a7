# wine, which runs programs for Windows; to be sourced after debian.sh and mingw.sh.
#
# Of Debian 13, whatever this machine is: the one of Debian 12 (wine 8) lacks bcryptprimitives.dll, which every Rust program for Windows is linked to,
# so none starts in it. It brings its own C library with it, so that it runs on older systems.

wine_suite=trixie

wine_make() {
    local folder=$1 libraries=$1/usr/lib/x86_64-linux-gnu program
    debian_unpack "$folder" "$wine_suite" wine64 libwine libc6 libgcc-s1 libunwind8 liblzma5 libz-mingw-w64
    debian_unpack "$folder/patchelf" "$(debian_own_suite)" patchelf
    for program in wine64 wineserver64; do
        "$folder/patchelf/usr/bin/patchelf" --set-interpreter "$libraries/ld-linux-x86-64.so.2" \
            --force-rpath --set-rpath "$libraries" "$folder/usr/lib/wine/$program"
    done
    # Debian's script would look for it where it is installed.
    printf '#!/bin/sh\nexec "%s/usr/lib/wine/wineserver64" "$@"\n' "$folder" > "$folder/usr/lib/wine/wineserver"
    chmod +x "$folder/usr/lib/wine/wineserver"
    # Where the server looks for tables of languages.
    ln -sfn . "$folder/usr/share/wine/wine"
    rm -rf "$folder/patchelf" "$libraries/wine/i386-windows" "$folder"/usr/share/{doc,man}
    # Without debug information these are a third, and a new folder for Windows is made in a third of the time.
    find "$libraries/wine/x86_64-windows" -type f -regex '.*\.\(dll\|exe\|drv\|sys\)' -print0 |
        xargs -0 -n 40 -P 2 "$cache/mingw/usr/bin/x86_64-w64-mingw32-strip" --strip-debug
    wine_make_runner "$folder"
}

# What cargo runs programs with. WINEPREFIX may name another folder for Windows; it is made from the first use on.
wine_make_runner() {
    local folder=$1
    cat > "$folder/run" <<RUN
#!/bin/sh
: "\${WINEPREFIX:=$cache/wine-prefix}" "\${WINEDEBUG:=-all}"
# Names of files are turned into UTF-16 by the locale. Nothing is shown, no crash waits for a person.
export WINEPREFIX WINEDEBUG WINEARCH=win64 LC_ALL=C.UTF-8 WINEDLLOVERRIDES='mscoree,mshtml,winemenubuilder.exe,winedbg.exe='
unset DISPLAY WAYLAND_DISPLAY
exec "$folder/usr/lib/wine/wine64" "\$@"
RUN
    cat > "$folder/server" <<RUN
#!/bin/sh
# "server -k" ends all programs of WINEPREFIX, "server -w" waits for them.
export WINEPREFIX="\${WINEPREFIX:-$cache/wine-prefix}"
exec "$folder/usr/lib/wine/wineserver64" "\$@"
RUN
    chmod +x "$folder/run" "$folder/server"
}

# The folder that programs take for a machine with Windows.
wine_make_prefix() {
    local folder=$1
    # Debian's user32.dll needs it.
    mkdir -p "$folder/drive_c/windows/system32"
    cp "$cache/wine/usr/x86_64-w64-mingw32/lib/zlib1.dll" "$folder/drive_c/windows/system32/"
    WINEPREFIX=$folder timeout 300 "$cache/wine/run" wineboot --init >&2
    WINEPREFIX=$folder timeout 60 "$cache/wine/server" -w || WINEPREFIX=$folder "$cache/wine/server" -k
}

wine() {
    mingw
    once wine wine_make
    once wine-prefix wine_make_prefix
}

# wine_machine: a machine with Windows that lasts as long as this script; programs run in it from now on.
wine_machine() {
    # Who was killed could not remove his.
    find "$cache" -maxdepth 1 -name 'wine-machine.*' -mmin +1440 -exec rm -rf {} +
    export WINEPREFIX
    WINEPREFIX=$(mktemp -d "$cache/wine-machine.XXXXXX")
    trap wine_machine_end EXIT
    # Else a signal would end this script without that.
    trap 'exit 143' HUP INT TERM
    cp -a --reflink=auto "$cache/wine-prefix/." "$WINEPREFIX/"
}

# Ends what still runs in it, which what ended well has not left there, and removes it.
wine_machine_end() {
    timeout 60 "$cache/wine/server" -k || true
    timeout 60 "$cache/wine/server" -w || true
    rm -rf "$WINEPREFIX"
}
