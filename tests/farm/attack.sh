#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# timeout: 900
#
# Attacks on a node by an authenticated client: arguments, sources, programs
# uploaded as a compiler, false messages about files, a damaged store,
# toolchains to install, a full disk.  A secret that exists only on the node
# must not be in any result.
#
# ATTACKS= selects groups (arguments,sources,programs,views,store,tools,disk).
# KERNEL= is a command that precedes the node's kfarmd, such as
# build/old-kernel -u 3.14.
. "$(dirname "$0")/lib.sh"

groups=${ATTACKS:-arguments,sources,programs,views,store,tools,disk}
read -ra kernel <<<"${KERNEL-}"
farm_begin

# build OUT SOURCE...: link with the rooms that a client needs.
build()
{
	local out=$1 lib=$bin/lib

	shift
	cc -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O1 -g -Wall \
		-Wextra -I"$root/kbuild-farm" -o "$out" "$@" \
		-Wl,--start-group "$lib"/{toolchain,compiler,fetch,wire,options,store,base}.a \
		-Wl,--end-group -llzo2 -lzstd -lcrypto -lcurl -levent -lpthread || exit 1
}

attack=$work/attack
evil=$work/evil
source=$root/tests/farm/attack
build "$attack" "$source"/{main,client,bundle}.c \
	"$source"/{arguments,sources,programs,views,store,tools}.c
cc -std=gnu17 -D_GNU_SOURCE -O1 -static -o "$evil" "$source/evil.c" || exit 1
cc -std=gnu17 -D_GNU_SOURCE -O1 -static -DCANARY="\"$work/node/canary\"" \
	-o "$work/liar" "$source/liar.c" &&
	cc -std=gnu17 -D_GNU_SOURCE -O1 -DCANARY='"/x"' -o "$work/loader" \
		-Wl,--dynamic-linker="$work/node/canary" "$source/liar.c" ||
	exit 1

# The node's secrets: a world-readable file and its environment.
node=$work/node
store=$node/store
mkdir -p "$node/work"
chmod 755 "$work" "$node"
chmod 1777 "$node/work"
secret=$(od -An -tx8 -N16 /dev/urandom | tr -d ' \n')
printf %s "$secret" >"$node/canary"
chmod 644 "$node/canary"
export KFARM_CANARY=$secret

# attack GROUPS STORE: run the attacks and add their cases to this test's.
attack()
{
	"$attack" "$node/work" "$node/canary" "$2" "$evil" \
		"$(command -v aarch64-linux-gnu-gcc)" "$1" \
		"${kernel[@]}" "$bin/kfarmd" --stdio --store "$2" \
		>"$work/attack.log" 2>&1
	status=$?
	grep '^FAIL' "$work/attack.log"
	grep -v '^ok\|^FAIL\|passed\|cases' "$work/attack.log" | tail -n 20
	grep ' cases, ' "$work/attack.log" || bad "attack $1: no end ($status)"
	passed=$((passed + $(grep -c '^ok' "$work/attack.log")))
	failed=$((failed + $(grep -c '^FAIL' "$work/attack.log")))
	[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] ||
		bad "attack $1: exit status $status"
}

# says_full STORE: check that the node reports a full disk.
says_full()
{
	"$attack" "$node/work" "$node/canary" "$1" "$evil" \
		"$(command -v aarch64-linux-gnu-gcc)" sources \
		"$bin/kfarmd" --stdio --store "$1" >"$work/full.log" 2>&1
	grep -qiE 'no space|space left|is full|does not fit' "$work/full.log"
}

# The store is full: the node reports that, and no file is incomplete.
full_disk()
{
	local mib

	check "control: a store with room says nothing" \
		eval '! says_full "$node/roomy"'

	if small_disk "$node/few" $((12 * 1024)); then
		attack space "$node/few/store"
		small_disk_gone "$node/few"
	fi
	for mib in 1 8 24; do
		if ! small_disk "$node/small" $((mib * 1024)); then
			echo "      (no file system can be mounted: left out)"
			return
		fi
		check "a store of $mib MiB: reports the missing space" \
			says_full "$node/small/store"
		small_disk_gone "$node/small"
	done
}

for group in ${groups//,/ }; do
	case $group in
	disk) full_disk ;;
	*) attack "$group" "$store" ;;
	esac
done
untouched()
{
	grep -qx "$secret" "$node/canary" && [ ! "$(ls -A "$node/work")" ]
}

check "the canary is as it was, and nothing lies in the node's directory" \
	untouched
: >"$node/work/planted"
check "control: a file that was left is noticed" eval '! untouched'
farm_end
