#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# relay.sh [--linux [RUNS]] - a relay with three members behind an uplink of 10
# Mbit/s
#
# The build equals plain make's, also through two relays, and a unit costs the
# uplink at most 1.1 times the bytes that it costs with one node there.  The
# members are processes of the relay's machine, so the uplink is its only slow
# link.  All nodes have the toolchain and no file of the tree.
#
# An installed toolchain reaches all members and crosses the uplink once.
#
# The table has the duration of each build and the bytes per unit:
#
#	one	one node behind the uplink
#	direct	the three members without a relay and without the uplink
#	relay	the relay behind the uplink
#	nested	a relay with three members behind another relay
#
# --linux builds a part of Linux instead of the small tree of the other tests,
# RUNS times (3), and prints the medians.
# shellcheck source=tests/nodes/lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
# shellcheck source=tests/toolchain/archives.sh
. "$(dirname "${BASH_SOURCE[0]}")/../toolchain/archives.sh"
# Packages are fetched before the namespaces have a network of their own.
[ "${KFARM_LAB:-}" ] || archives_make || exit 1
lab_begin "$@"

runs=1
if [ "${1:-}" = --linux ]; then
	runs=${2:-3}
	targets=(kernel/ lib/)
	farm_linux tinyconfig
else
	targets=(vmlinux)
	farm_mini 24 2 prepare
fi
farm_reference "${targets[@]}"
is "plain make ends with" 0 "$plain_status"
nodes 1
farm_warm "${targets[@]}"
toolchains_of "$work/store" "$work/toolchains"
lab_node rack
lab_rate rack 10mbit
uplink=/sys/class/net/v$(lab_number rack)/statistics

# store NAME: create a store with the toolchains and print its name.
store()
{
	rm -rf "$work/stores/$1"
	mkdir -p "$work/stores/$1"
	cp -a "$work/toolchains" "$work/stores/$1/store"
	echo "$work/stores/$1/store"
}

# three [ARG...]: write three nodes to $KFARM_CONFIG.
three()
{
	local i

	no_nodes
	for i in 1 2 3; do
		node "board$i" "'$bin/kfarmd' --stdio $* --store \
'$(store "board$i")'" slots=2
	done
}

# rack [ARG...]: start kfarmd on the rack, whose members are the present nodes.
rack()
{
	mkdir -p "$(lab_dir rack)/etc/kfarm"
	mv "$KFARM_CONFIG" "$(lab_dir rack)/etc/kfarm/config"
	: >"$KFARM_CONFIG"
	lab_kfarmd rack --store "$(store rack)" "$@"
	is "kfarmd starts ($*)" 0 $?
	lab_join rack slots=6
}

# measure NAME: build with the present nodes.  Each unit of the small tree is
# compiled on a node, because the bytes per unit depend on the units.
measure()
{
	local name=$1 began to from units

	[ "${targets[*]}" != vmlinux ] || printf '[farm]\n%s\n' \
		'	compile-locally = when-necessary' >>"$KFARM_CONFIG"
	farm_fresh
	to=$(cat "$uplink/tx_bytes")
	from=$(cat "$uplink/rx_bytes")
	began=$(date +%s%3N)
	kfarm_build "${targets[@]}"
	is "$name: kfarm ends with" 0 $?
	ms[$name]+="$(($(date +%s%3N) - began)) "
	units=$(meta .farm.remote)
	check "$name: nodes execute jobs" test "$units" -gt 0
	to_unit[$name]+="$((($(cat "$uplink/tx_bytes") - to) / (units + 1))) "
	from_unit[$name]+="$((($(cat "$uplink/rx_bytes") - from) / (units + 1))) "
	equal "$name"
}

median()
{
	# shellcheck disable=SC2086 # several numbers
	printf '%s\n' $1 | sort -n | awk '{ v[NR] = $1 }
		END { print v[int((NR + 1) / 2)] }'
}

# install NAME: install a toolchain on the rack, and set $bytes to the bytes that
# cross the uplink.
install()
{
	local before archive

	archive=$(archives_name "$archives_foreign" aarch64-linux).tar.xz
	before=$(cat "$uplink/tx_bytes")
	"$bin/kfarm" toolchain install --insecure --nodes rack --file \
		"$archives/made/$archives_foreign/$archive" \
		>"$work/install.log" 2>&1
	is "$1: kfarm toolchain install ends with" 0 $?
	bytes=$(($(cat "$uplink/tx_bytes") - before))
	cat "$work/install.log"
	echo "$1: installed toolchain: $bytes bytes"
}

# Print the members that have the installed toolchain.
holders()
{
	find "$work"/stores/board* -name 'aarch64*-gcc' |
		sed -E 's,.*/(board[0-9])/.*,\1,' | sort -u | xargs
}

declare -A ms to_unit from_unit
for ((i = 0; i < runs; i++)); do
	no_nodes
	rack
	measure one
	three
	measure direct
	three
	rack --relay
	measure relay
	three
	relay inner
	rack --relay
	measure nested
done
printf '%-8s %8s %14s %16s\n' row ms to/unit from/unit
for row in one direct relay nested; do
	printf '%-8s %8s %14s %16s\n' $row "$(median "${ms[$row]}")" \
		"$(median "${to_unit[$row]}")" "$(median "${from_unit[$row]}")"
done
for row in relay nested; do
	at_most "$row: bytes per unit" \
		$((($(median "${to_unit[one]}") + $(median "${from_unit[one]}")) * 11 / 10)) \
		$(($(median "${to_unit[$row]}") + $(median "${from_unit[$row]}")))
done
lab_rate rack 100mbit
export XDG_DATA_HOME=$work/data
no_nodes
rack --host "$archives_foreign"
install one
one=$bytes
three --host "$archives_foreign"
rack --relay
install relay
is "members with the toolchain" "board1 board2 board3" "$(holders)"
at_most "bytes of the installed toolchain" $((one * 11 / 10)) "$bytes"
farm_end
