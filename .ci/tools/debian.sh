# Debian packages, unpacked into a folder: nothing is installed and none of their scripts runs; to be sourced.
#
# They come from the mirror that this machine's own packages come from, checked by the keys that this machine trusts. Which suites are looked at
# is ours, so apt gets lists of its own for each.

# What this machine runs: tools that must work with its C library come from this suite.
debian_own_suite() {
    # shellcheck source=/dev/null
    [ -r /etc/os-release ] && . /etc/os-release
    [ "${ID:-}" = debian ] || fail "the tools for other systems come from Debian, and this is ${ID:-unknown}; see the head of .ci/cargo for what to install instead"
    echo "${VERSION_CODENAME:?}"
}

debian_apt() {
    local suite=$1
    shift
    APT_CONFIG=$cache/debian/$suite/apt.conf "$@"
}

# Lists of packages are good for a day, or until one of the packages is gone.
debian_update() {
    local folder=$cache/debian/$1
    retry debian_apt "$1" apt-get -qq update -o APT::Update::Error-Mode=any
    touch "$folder/updated"
}

debian_suite() {
    local suite=$1 folder=$cache/debian/$1 mirror keys own
    if [ -n "$(find "$folder/updated" -mmin -1440 2>/dev/null)" ]; then return; fi
    own=$(debian_own_suite)
    mirror=$(apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' "Release: $own" | head -n 1)
    [ -n "$mirror" ] || fail "apt knows no source for $own; give it one in /etc/apt/sources.list.d"
    keys=$(compgen -G '/usr/share/keyrings/debian-archive-keyring.[gp][pg][gp]' | head -n 1)
    [ -n "$keys" ] || fail "the keys of Debian's archive are missing; install debian-archive-keyring"
    mkdir -p "$folder"/{lists/partial,cache/archives/partial,none}
    : > "$folder/status"
    echo "deb [arch=amd64 signed-by=$keys] $mirror $suite main" > "$folder/sources.list"
    cat > "$folder/apt.conf" <<CONF
Dir::Etc { SourceList "$folder/sources.list"; SourceParts "$folder/none"; Preferences "$folder/none/preferences"; PreferencesParts "$folder/none"; };
Dir::State "$folder"; Dir::State::Lists "$folder/lists"; Dir::State::Status "$folder/status"; Dir::Cache "$folder/cache";
APT { Architecture "amd64"; Architectures { "amd64"; }; Sandbox::User ""; };
Acquire { Languages "none"; Retries "5"; };
Acquire::IndexTargets::deb { DEP-11::DefaultEnabled "false"; Contents-deb::DefaultEnabled "false"; };
CONF
    debian_update "$suite"
}

# debian_unpack FOLDER SUITE PACKAGE[=VERSION]...: only these packages, not what they depend on.
debian_unpack() {
    local folder=$1 suite=$2 downloads package
    shift 2
    debian_suite "$suite"
    downloads=$(mktemp -d "$cache/downloads.XXXXXX")
    (
        cd "$downloads"
        # A list of yesterday may name what is gone today.
        debian_apt "$suite" apt-get -qq download "$@" 2>/dev/null || {
            debian_update "$suite"
            retry debian_apt "$suite" apt-get -qq download "$@"
        }
    )
    for package in "$downloads"/*.deb; do dpkg-deb --extract "$package" "$folder"; done
    rm -rf "$downloads"
}

# The versions of a package in a suite, one a line.
debian_versions() {
    debian_suite "$1"
    debian_apt "$1" apt-cache madison "$2" | awk '{ print $3 }'
}
