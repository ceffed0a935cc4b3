#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# neighbors.sh [NODES [RATE]] - nodes of a site get a toolchain from each other
#
# NODES (4) nodes with empty stores build at once: the build host sends at most
# three times the bytes that it sends to one node.  The tree equals plain make's,
# also if the node that has the toolchain is killed while the others get it, and
# if no node can reach another one.  The same limit holds for an installed
# toolchain.  With RATE, such as 100mbit, all links have this rate, and the
# durations are printed.
# shellcheck source=tests/nodes/lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
# shellcheck source=tests/toolchain/archives.sh
. "$(dirname "${BASH_SOURCE[0]}")/../toolchain/archives.sh"
# Packages are fetched before the namespaces have a network of their own.
[ "${KFARM_LAB:-}" ] || archives_make || exit 1
lab_begin "$@"
n_nodes=${1:-4}
rate=${2:-}

farm_mini 8 1 prepare
farm_reference vmlinux
is "plain make ends with" 0 "$plain_status"
for i in $(seq "$n_nodes"); do
	lab_node "n$i"
	[ ! "$rate" ] || lab_rate "n$i" "$rate"
done

# cold NAME...: start these nodes with empty stores as one site.
cold()
{
	local name

	no_nodes
	for name; do
		lab_stop_kfarmd "$name"
		rm -rf "$(lab_dir "$name")"/var/{store,toolchains}
		lab_kfarmd "$name" --store /var/store --host "$archives_foreign"
		lab_join "$name" site=desk slots=2
	done
}

# Print the bytes that the build host has sent to nodes so far.
sent()
{
	cat /sys/class/net/br0/statistics/tx_bytes
}

# Count the nodes whose sandbox is ready.
ready()
{
	[ "$(grep -h '"event":"cell".*"state":"ready"' "$work/events" 2>/dev/null |
		sed 's/.*"node":"\([^"]*\)".*/\1/' | sort -u | wc -l)" -ge "$1" ]
}

# install NAME NODES [COMMAND...]: build, and hold the build until NODES nodes
# have the toolchain; sets $bytes and $ms.  COMMAND is executed meanwhile.
install()
{
	local name=$1 nodes=$2 before began

	shift 2
	before=$(sent)
	began=$(date +%s%3N)
	farm_fresh
	rm -f "$work/events"
	: >"$work/hold"
	FARM_HOLD=$work/hold kfarm_start --json "$work/events" vmlinux
	[ $# -eq 0 ] || "$@"
	wait_for 300 ready "$nodes"
	is "$name: nodes get the toolchain" 0 $?
	ms=$(($(date +%s%3N) - began))
	bytes=$(($(sent) - before))
	rm -f "$work/hold"
	kfarm_wait
	is "$name: kfarm ends with" 0 $?
	equal "$name"
}

# has_blobs NAME: return true if the node has blobs of more than 64 KiB.
has_blobs()
{
	[ "$(find "$(lab_dir "$1")/var/store/sha256" -type f -size +64k \
		2>/dev/null | wc -l)" -gt 0 ]
}

# Kill the kfarmd of the first node when other nodes get blobs.
kill_first()
{
	wait_for 60 has_blobs n2
	is "n2 gets blobs" 0 $?
	lab_in n1 sh -c 'kill -9 $(cat /run/kfarmd.pid)'
}

# Let no node reach another one.
separate()
{
	local name other

	for name in "${all[@]}"; do
		for other in "${all[@]}"; do
			[ "$other" = "$name" ] ||
				lab_in "$name" ip route add unreachable \
					"$(lab_ip "$other")"
		done
	done
}

# install_toolchain NAME NODE...: install a toolchain on these empty nodes.
install_toolchain()
{
	local name=$1 before began

	shift
	cold "$@"
	before=$(sent)
	began=$(date +%s%3N)
	"$bin/kfarm" toolchain install --insecure --nodes all \
		--file "$archives/made/$archives_foreign/$(archives_name "$archives_foreign" \
			aarch64-linux).tar.xz" >"$work/install.log" 2>&1
	is "$name: kfarm toolchain install ends with" 0 $?
	is "$name: all nodes have it" $# \
		"$(grep -c '^node n[0-9]*: .*: ok, ' "$work/install.log")"
	grep '^node n[0-9]*: ' "$work/install.log" | grep -v ': ok, '
	ms=$(($(date +%s%3N) - began))
	bytes=$(($(sent) - before))
	echo "$name: installed toolchain: $bytes bytes, $ms ms"
}

mapfile -t all < <(seq -f n%g "$n_nodes")
cold n1
install "one node" 1
one=$bytes
one_ms=$ms
echo "one node: $one bytes, $one_ms ms"
cold "${all[@]}"
install "$n_nodes nodes" "$n_nodes"
echo "$n_nodes nodes: $bytes bytes, $ms ms"
at_most "$n_nodes nodes: bytes sent by the build host" $((3 * one)) "$bytes"
export XDG_DATA_HOME=$work/data
install_toolchain "one node" n1
one=$bytes
install_toolchain "$n_nodes nodes" "${all[@]}"
at_most "$n_nodes nodes: bytes of the installed toolchain" $((3 * one)) "$bytes"
cold "${all[@]}"
install "the first node is killed" $((n_nodes - 1)) kill_first
cold "${all[@]}"
separate
install "no node reaches another one" "$n_nodes"
farm_end
