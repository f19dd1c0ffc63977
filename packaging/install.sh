#!/bin/sh
# Installs the groups of packaging/packages.txt that are named on the command line, and only what is
# missing. Used by ./run and ./test. Says in one sentence what stands in the way when it cannot.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
list="$here/packages.txt"

fail() { echo "gatehouse: $1" >&2; exit 3; }

wanted() {
    for group in "$@"; do
        awk -v group="[$group]" '
            /^#/ || /^[ \t]*$/ { next }
            /^\[/ { inside = ($1 == group); next }
            inside { print $1 }' "$list"
    done
}

is_installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
}

missing=""
for package in $(wanted "$@"); do
    case "$package" in
        *-) is_installed "${package%-}" && missing="$missing $package" ;;
        *) is_installed "$package" || missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null 2>&1 ||
    fail "this needs Debian 12 (apt-get was not found); install by hand:$missing"
[ "$(id -u)" = 0 ] ||
    fail "these packages are missing and only root can install them: apt-get install$missing"
echo "gatehouse: installing$missing"

export DEBIAN_FRONTEND=noninteractive
# Nothing that is installed here may start a service of its own; the marker goes away again afterwards.
policy=/usr/sbin/policy-rc.d
made_policy=""
scratch=$(mktemp -d)
cleanup() {
    rm -rf "$scratch"
    if [ -n "$made_policy" ]; then rm -f "$policy"; fi
}
trap cleanup EXIT
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    made_policy=yes
fi

log="$scratch/apt.log"
apt() {
    apt-get -yq --no-install-recommends -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 \
        -o Acquire::Retries=3 "$@" > "$log" 2>&1 && return 0
    tail -n 20 "$log" >&2
    return 1
}
apt update || fail "apt-get update failed; is a Debian 12 mirror reachable?"

# clamav-daemon insists on freshclam or on a package that provides clamav-data. Gatehouse brings its own
# signatures and lets the operator add others, so an empty local package stands in for the data.
case " $missing " in
    *" clamav-daemon "*)
        if ! is_installed clamav-freshclam && ! is_installed clamav-data && ! is_installed gatehouse-clamav-data; then
            chmod 755 "$scratch"
            mkdir -p "$scratch/stand-in/DEBIAN"
            printf '%s\n' 'Package: gatehouse-clamav-data' 'Version: 1' 'Architecture: all' \
                'Maintainer: Gatehouse <gatehouse@localhost>' 'Provides: clamav-data' \
                'Description: stands in for clamav-data; holds no signatures' \
                > "$scratch/stand-in/DEBIAN/control"
            dpkg-deb -b "$scratch/stand-in" "$scratch/clamav-data.deb" > /dev/null
            apt install "$scratch/clamav-data.deb" || fail "the stand-in for clamav-data could not be installed"
        fi ;;
esac
# shellcheck disable=SC2086  # one word per package is what is meant
apt install $missing || fail "apt-get could not install:$missing"
