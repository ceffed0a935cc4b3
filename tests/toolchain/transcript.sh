#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# transcript.sh - `kfarm toolchain` as a user types it, from a search to plain
# make with a normalized name, against a server with kernel.org's layout; the
# same offline; and with a hostile listing
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/toolchain/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/toolchain/archives.sh
. "$here/archives.sh"

id=gcc-$archives_version-aarch64-linux
arm=gcc-$archives_version-arm-linux-gnueabi
foreign=$id-on-$archives_foreign
names=$archives_version
names=aarch64-gcc${names//./}-linux-

# The opposite of says.
silent()
{
	! says "$@" >/dev/null
}

configure()
{
	cat >"$KFARM_CONFIG" <<-END
	[toolchain]
		mirror = $server_url/pub/tools
		ca-file = $server_ca
		key-file = $archives_keys
		sums-key = $archives_sums_key
		tar-key = $archives_tar_key
	END
}

# ---- search ----

searches()
{
	check "search" kfarm toolchain search
	check "search: a row for the release" says out \
		"^gcc-$archives_version  *arm64 x86_64  *-  *arm arm64 i386 riscv"
	check "search: its age" says err 'less than a minute old'
	check "search by architecture and release" \
		kfarm toolchain search arm64 gcc-12
	check "search: hosts in a row" says out \
		"^gcc-$archives_version  *arm64  *aarch64-linux  *arm64 x86_64  *-"
	check "search --json" kfarm toolchain search --json arm64
	is "search --json: archives" 2 "$(jq '.archives | length' "$work/said.out")"
	check "a word that means nothing" not kfarm toolchain search vax
	check "near versions" not kfarm toolchain install gcc-13 --arch arm64
	check "near versions are named" says err "gcc-$archives_version"
	check "near triplets" not kfarm toolchain install gcc-12 --arch s390
	check "near triplets are named" says err 'targets of .*: aarch64-linux, arm-'
	check "another's name for it" \
		not kfarm toolchain install gcc-12 --arch aarch64
	check "the kernel's name" says err 'the kernel calls it arm64'
}

# ---- install ----

installs()
{
	check "install two" kfarm toolchain install gcc-12 --arch arm64 \
		--arch arm
	check "install: the id" says out "^$id\$"
	check "install: how to use it" says out "make CROSS_COMPILE=$names"
	check "install: where it lies" says out \
		"path  *$XDG_DATA_HOME/kfarm/toolchains/$id/gcc-"
	check "install: who vouched" says out \
		"sha256sums.asc, signed by $archives_sums_key"
	check "install: the other" says out "^$arm\$"
	check "install again: no error" kfarm toolchain install \
		gcc-$archives_version --arch arm64
	check "install for nodes" kfarm toolchain install gcc-12.2 \
		--arch arm64 --host "$archives_foreign"
	check "install for nodes: the id" says out "^$foreign\$"
	check "nothing came twice" twice_is_once
}

twice_is_once()
{
	! grep '^GET .*\.tar\.xz 20' "$server_log" | sort | uniq -d | grep .
}

# Interrupt a slow download: no toolchain is installed, and the download
# resumes.
interrupted()
{
	local pid part=$XDG_CACHE_HOME/kfarm/downloads
	local slow=gcc-$archives_version-x86_64-linux

	server_stop
	SERVER_CONFIG='limit_rate 2m;' server_start "$work/files"
	configure
	"$bin/kfarm" toolchain search --refresh >/dev/null 2>&1
	env --default-signal=INT "$bin/kfarm" toolchain install gcc-12 \
		--arch x86_64 >"$work/said.out" 2>"$work/said.err" </dev/null &
	pid=$!
	wait_for 60 grown "$part"
	kill -INT $pid
	wait $pid
	is "interrupted: status" 130 $?
	check "interrupted: how to go on" says err 'run the same command again'
	is "interrupted: nothing is there" "" "$(find \
		"$XDG_DATA_HOME/kfarm/toolchains" -mindepth 1 -maxdepth 1 \
		-name "*x86_64*")"
	server_stop
	server_start "$work/files"
	configure
	"$bin/kfarm" toolchain search --refresh >/dev/null 2>&1
	check "and on it goes" kfarm toolchain install gcc-12 --arch x86_64
	check "it is there" says out "^$slow\$"
	check "the rest was asked for" grep -q \
		'^GET .*x86_64-linux.tar.xz 206 .*"bytes=[1-9]' "$server_log"
	check "and removed again" kfarm toolchain remove "$slow"
}

grown()
{
	[ "$(cat "$1"/*x86_64-linux.tar.xz | wc -c)" -gt 1000000 ]
}

lists()
{
	check "list" kfarm toolchain list
	check "list: a row" says out "^$id  *CROSS_COMPILE=$names  *ok\$"
	check "list: for nodes" says out "^$foreign  *-  *ok\$"
	check "list --json" kfarm toolchain list --json
	is "list --json: all" 3 "$(jq '.toolchains | length' "$work/said.out")"
	check "verify" kfarm toolchain verify
	check "verify: one" kfarm toolchain verify "$id"
	is "verify: one row" 2 "$(wc -l <"$work/said.out")"
}

# ---- nodes ----

# Two nodes like this machine, and one that announces the other host's programs.
on_nodes()
{
	local name

	for name in one two; do
		node $name "'$bin/kfarmd' --stdio --store '$work/$name/store'"
	done
	node other "'$bin/kfarmd' --stdio --store '$work/other/store' \
--host $archives_foreign"
	check "install on nodes" kfarm toolchain install gcc-12 --arch arm64 \
		--nodes all
	check "nodes like this machine need nothing" says err \
		'node two has the architecture of this machine'
	check "the other gets its own" says out "^node other: $foreign: ok"
	check "list" kfarm toolchain list
	check "list: content that travels" says out \
		"^$id  *[^ ]*  *ok  *not needed  *not needed  *not needed\$"
	check "list: a build for that node" says out \
		"^$foreign  *-  *ok  *-  *-  *ok"
	find "$work/other/toolchains/$foreign" -name cc1 \
		-exec sh -c 'chmod u+w "$1"; echo >>"$1"' - {} \;
	check "verify: a byte more there" not kfarm toolchain verify
	check "verify: it is named" says err \
		"$foreign on node other: damaged: .*cc1"
	check "it comes again" kfarm toolchain install gcc-12 --arch arm64 \
		--nodes other
	check "verify: nodes" kfarm toolchain verify --nodes other,two
	check "a node that is none" not kfarm toolchain list --nodes nobody
	node gone "exit 1"
	check "a node that is down" not kfarm toolchain install gcc-12 \
		--arch arm64 --nodes all
	check "is named" says err '^kfarm: .*node gone: '
	check "remove there" kfarm toolchain remove "$foreign" --nodes other
	check "is gone" test ! -e "$work/other/toolchains/$foreign"
	configure
}

# ---- a local archive ----

local_archives()
{
	local file sum

	file=$archives/made/$archives_host/$(archives_name "$archives_host" \
		riscv64-linux).tar.xz
	sum=$(sha256sum "$file")
	check "a file that nothing vouches for" \
		not kfarm toolchain install --file "$work/$(basename "$file")"
	cp "$file" "$work/"
	file=$work/$(basename "$file")
	check "is refused" not kfarm toolchain install --file "$file"
	check "and the way out named" says err 'insecure'
	check "a wrong sum is refused" not kfarm toolchain install \
		--file "$file" --sha256 "${sum:1:63}0" --insecure
	check "--insecure" kfarm toolchain install --file "$file" --insecure
	check "list remembers that" kfarm toolchain list
	check "for ever" says out '^gcc-.*riscv64-linux .*ok, unverified$'
	check "removed" kfarm toolchain remove \
		"gcc-$archives_version-riscv64-linux"
	check "--sha256" kfarm toolchain install --file "$file" \
		--sha256 "${sum%% *}"
	check "says so" says out 'the given SHA-256'
	rm -f "$file"
}

# ---- plain make ----

# Build a few objects of Linux with the normalized names by make and by kfarm
# build: they are equal, and make rebuilds nothing.
makes()
{
	local target=(init/version.o lib/string.o kernel/fork.o)
	local PATH=$XDG_DATA_HOME/kfarm/bin:$PATH

	vars=(ARCH=arm64 "CROSS_COMPILE=$names")
	farm_linux tinyconfig prepare
	check "make: its name is what Linux remembers" grep -q \
		"^CONFIG_CC_VERSION_TEXT=\"${names}gcc (GCC) $archives_version\"" \
		"$work/prepared/.config"
	farm_reference "${target[@]}"
	is "plain make under its names" 0 "$plain_status"
	farm_fresh
	check "kfarm build under its names" kfarm_build "${target[@]}"
	equal "kfarm build"
	plain "${target[@]}" >"$work/again.log" 2>&1
	is "make compiles nothing again" 0 "$(grep -c '^  CC ' "$work/again.log")"
}

# ---- offline, hostile, removed ----

offline()
{
	server_stop
	check "offline: search" kfarm toolchain search arm64
	check "offline: search --refresh" kfarm toolchain search --refresh arm64
	check "offline: the old listing, and why" says err \
		'using a listing that is .* old'
	check "offline: the rows are there" says out "^gcc-$archives_version"
	check "offline: what is installed is enough" kfarm toolchain install \
		gcc-$archives_version --arch arm64
	rm -rf "$XDG_CACHE_HOME"
	check "offline without a cache" not kfarm toolchain search
	check "offline without a cache: the server is named" says err \
		'127.0.0.1'
}

# Create a directory of invalid names, and one with thousands of entries.
hostile_files()
{
	local dir=$1/pub/tools/crosstool/files/bin/x86_64

	mkdir -p "$dir/9.9.9" "$dir/"{13,9.9.9.9,latest,'$(reboot)'} \
		"$1/pub/tools/crosstool/files/bin/vax" \
		"$1/pub/tools/llvm/files"
	(cd "$dir/9.9.9" && touch -- \
		'x86_64-gcc-9.9.9-nolibc-..%2f..%2fetc-linux.tar.xz' \
		'x86_64-gcc-9.9.9-nolibc-`id`-linux.tar.xz' \
		$'x86_64-gcc-9.9.9-nolibc-a\e[2J-linux.tar.xz' \
		$'x86_64-gcc-9.9.9-nolibc-a\n-linux.tar.xz' \
		'x86_64-gcc-9.9.9-nolibc-a&amp;<script>-linux.tar.xz' \
		'-rf' 'arm64-gcc-9.9.9-nolibc-aarch64-linux.tar.xz' \
		x86_64-gcc-9.9.9-nolibc-good-linux.tar.xz &&
		seq 20000 | sed 's/.*/x86_64-gcc-9.9.9-nolibc-x&.tar.bz2/' |
			xargs touch)
}

hostile()
{
	hostile_files "$work/hostile"
	server_start "$work/hostile"
	configure
	check "hostile: search" kfarm toolchain search gcc-9
	is "hostile: the one that is good" 2 "$(wc -l <"$work/said.out")"
	check "hostile: named" says out '^gcc-9.9.9  *good-linux  *good-linux '
	is "hostile: nothing but text" "" \
		"$(tr -d '\n -~' <"$work/said.out" | od -An -c)"
	server_stop
}

removes()
{
	check "default" kfarm toolchain default arm64 gcc-$archives_version
	check "default is told" kfarm toolchain default
	is "default of arm64" "arm64 gcc-$archives_version" \
		"$(cat "$work/said.out")"
	check "not for another architecture" \
		not kfarm toolchain default s390 "$arm"
	check "remove" kfarm toolchain remove "$id"
	check "remove: a default is left" says err 'still the default toolchain of arm64'
	is "remove: no names are left" "" "$(find "$XDG_DATA_HOME/kfarm/bin" \
		-name 'aarch64-*')"
	check "remove: others' are" test -x \
		"$XDG_DATA_HOME/kfarm/bin/arm-gcc1220-linux-gnueabi-gcc"
	check "what is gone cannot be removed" not kfarm toolchain remove "$id"
	check "and it is told what there is" says err "$arm"
}

toolchain_begin
archives_make || exit 1
archives_begin "$work"
trap 'archives_end; farm_cleanup' EXIT
archives_server "$work/files" || exit 1
server_start "$work/files"
configure
searches
installs
lists
on_nodes
interrupted
local_archives
makes
offline
removes
hostile
farm_end
