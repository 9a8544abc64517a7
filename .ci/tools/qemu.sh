# qemu-user, which runs programs for ARM; to be sourced after debian.sh. Debian's build of it needs no library of the machine.

qemu_suite=trixie

qemu_make() {
    local folder=$1
    debian_unpack "$folder/package" "$qemu_suite" qemu-user
    mv "$folder/package/usr/bin/qemu-aarch64" "$folder/"
    rm -rf "$folder/package"
    qemu_make_runner "$folder"
}

# What cargo runs programs with. They start others, themselves above all, so the kernel is told what runs those (binfmt_misc), in namespaces that end
# with the program: the machine's own stay as they are. That takes Linux 6.7, and who is not root has no other users there.
qemu_make_runner() {
    local folder=$1
    cat > "$folder/run" <<RUN
#!/bin/sh
# run PROGRAM ARGUMENT...
set -eu
magic='\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00'
mask='\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff'
apart=\${QEMU_RUN_APART:-}
unset QEMU_RUN_APART
again() { export QEMU_RUN_APART="\$1"; shift; exec "\$@"; }

case \$apart in
"")
    [ "\$(id -u)" = 0 ] || again mapped unshare --user --mount --map-root-user "\$0" "\$@"
    # Users must be mapped from outside.
    me=\$\$
    (
        while [ /proc/\$me/ns/user -ef /proc/self/ns/user ]; do sleep 0.01; done
        for kind in uid gid; do echo "0 0 4294967295" > /proc/\$me/\${kind}_map; done
    ) < /dev/null > /dev/null 2>&1 &
    again unmapped unshare --user --mount "\$0" "\$@"
    ;;
unmapped)
    until grep -q . /proc/self/gid_map; do sleep 0.01; done
    # Root gets its rights by an exec.
    again mapped "\$0" "\$@"
    ;;
mapped)
    mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
    printf '%s' ":qemu-aarch64:M::\$magic:\$mask:$folder/qemu-aarch64:PF" > /proc/sys/fs/binfmt_misc/register
    exec "\$@"
    ;;
esac
RUN
    chmod +x "$folder/run"
}

qemu() { once qemu qemu_make; }
