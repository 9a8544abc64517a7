# Everything that sets up tools for other systems; to be sourced. common.sh tells what is where.
for part in common debian rust zig apple mingw wine qemu cargo; do
    # shellcheck source=/dev/null
    . "$(dirname "${BASH_SOURCE[0]}")/$part.sh"
done
unset part

# What to call instead of cargo; cargo_for says it.
cargo_command=()
