# qemu-user, which runs programs for ARM; to be sourced after debian.sh. Debian's build of it needs no library of the machine.

qemu_suite=trixie

qemu_make() {
    local folder=$1
    debian_unpack "$folder/package" "$qemu_suite" qemu-user
    mv "$folder/package/usr/bin/qemu-aarch64" "$folder/"
    rm -rf "$folder/package"
}

qemu() { once qemu qemu_make; }
