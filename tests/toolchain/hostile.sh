#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # what lib.sh sets
# check: yes
#
# kfarm toolchain install from a server that disconnects, sends wrong data or
# goes silent during the download of the archive or its checksums.  Either the
# whole toolchain is installed, or nothing is, and kfarm reports the reason.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/archives.sh"

triplet=aarch64-linux

toolchain_begin
archives_make && archives_begin "$work" || exit 1
# Set this only after archives_make, whose shared archives have another version.
archives_version=9.1.0
id=gcc-$archives_version-$triplet
trap 'archives_end; farm_cleanup' EXIT
store=$XDG_DATA_HOME/kfarm/toolchains
files=$work/files

# Pack, sign and list a compiler of 16 KiB.
fake()
{
	local top=$work/made/gcc-$archives_version-nolibc/$triplet at

	at=$files/$(archives_path "$archives_host" $triplet)
	mkdir -p "$top"/{bin,libexec} "${at%/*}"
	cc -O1 -DVERSION="\"$archives_version\"" -DTRIPLET="\"$triplet\"" \
		-o "$top/bin/$triplet-gcc" "$root/tests/toolchain/fake.c" &&
		cp "$top/bin/$triplet-gcc" "$top/libexec/cc1" &&
		head -c 9000 /dev/urandom >"$top/noise" &&
		archives_pack "$work/made" $triplet "${at%.tar.xz}" &&
		archives_sums "$files" "$archives_host"
	size=$(stat -c %s "$at")
}

# install OPTIONS: install with an empty cache from a server with these faults.
install()
{
	rm -rf "$work/cache"
	cat >"$work/config" <<-END
	[toolchain]
	mirror = $bad_url/$1/file/pub/tools
	ca-file = $server_ca
	key-file = $archives_keys
	sums-key = $archives_sums_key
	tar-key = $archives_tar_key
	END
	KFARM_CONFIG=$work/config "$bin/kfarm" toolchain install \
		"gcc-$archives_version" --triplet $triplet \
		>"$work/log" 2>&1 </dev/null
}

left()
{
	find "$store" -mindepth 1 -maxdepth 1 -name '[!.]*' 2>/dev/null
	find "$store" -mindepth 1 -path '*/.live/*' 2>/dev/null
}

# takes REQUESTS OPTIONS: check that the installation succeeds nevertheless.
takes()
{
	local status n

	: >"$bad_log"
	install "$2"
	status=$?
	n=$(grep -c '\.tar\.xz ' "$bad_log")
	if [ $status -eq 0 ] && [ "$n" -eq "$1" ] &&
		cmp "$work/made/gcc-$archives_version-nolibc/$triplet/noise" \
			"$store/$id/gcc-$archives_version-nolibc/$triplet/noise"
	then
		good "$2: installed, with $n requests"
	else
		bad "$2: status $status, $n requests, wanted $1"
		tail -n 5 "$work/log"
	fi
	"$bin/kfarm" toolchain remove "$id" >"$work/log" 2>&1
}

# refuses WORDS OPTIONS: check that the installation fails with WORDS.
refuses()
{
	local status

	install "$2"
	status=$?
	if [ $status -eq 1 ] && [ ! "$(left)" ] && grep -q "$1" "$work/log"
	then
		good "$2: refused"
	else
		bad "$2: status $status, wanted \"$1\", $(left)"
		tail -n 5 "$work/log"
		rm -rf "$store"
	fi
}

fake || exit 1
badserver_start "$files"
a=only=.tar.xz

takes 1 $a
for cut in 0 6 3000 $((size - 1)); do
	takes 2 $a/cut=$cut/cuts=1
done
takes 2 $a/cut=3000/cuts=1/range=ignored
takes 3 $a/cut=3000/cuts=1/range=refused
takes 2 $a/cut=3000/cuts=1/stamp=changing
takes 2 $a/hcut=40/times=1
takes 3 $a/length=50000/times=1
takes 1 $a/length=-1
takes 1 $a/chunked
takes 2 $a/status=503/after=1/times=1

refuses 'SHA-256 is\|damaged' $a/flip=4000
refuses 'SHA-256 is\|damaged' $a/length=4000
refuses 'SHA-256 is\|damaged' $a/length=-1/cut=4000
refuses 'no such file (HTTP 404)' $a/status=404
refuses 'access denied (HTTP 403)' $a/status=403
refuses 'trailing data\|damaged' $a/endless
refuses 'requests a pause of 9999 s' $a/status=503/after=9999
refuses 'more than 10 redirects' $a/loop
refuses 'sha256sums.asc' only=sha256sums.asc/flip=300
refuses 'sha256sums.asc' only=sha256sums.asc/length=300
badserver_stop
farm_end
