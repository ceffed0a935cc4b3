#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: full
# timeout: 3600
#
# hundred.sh [NODES [CONFIG [TARGET...]]] - build Linux on NODES (100) nodes
#
# Each node is a kfarmd in its own namespaces, with one slot and an empty store.
# A build of the TARGETs (vmlinux) makes the same files as plain make, no job
# fails on a node, and at least nine of ten nodes have executed jobs.
# shellcheck source=tests/nodes/lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
# shellcheck source=tests/nodes/members.sh
. "$(dirname "${BASH_SOURCE[0]}")/members.sh"
lab_begin "$@"
n_nodes=${1:-100}
config=${2:-tinyconfig}
targets=("${@:3}")
[ ${#targets[@]} -gt 0 ] || targets=(vmlinux)

events=$work/events
export KBUILD_BUILD_TIMESTAMP=@1700000000
farm_linux "$config"
farm_reference "${targets[@]}"
is "plain make ends with" 0 "$plain_status"
no_nodes
for i in $(seq "$n_nodes"); do
	lab_node "n$i"
	lab_kfarmd "n$i" --store /var/store
	lab_join "n$i" site=rack slots=1
done
before=$(cat /sys/class/net/br0/statistics/tx_bytes)
began=$(date +%s%3N)
farm_fresh
kfarm_build --json "$events" "${targets[@]}"
is "kfarm ends with" 0 $?
echo "$n_nodes nodes: $(($(date +%s%3N) - began)) ms, $(($(cat \
	/sys/class/net/br0/statistics/tx_bytes) - before)) bytes sent"
equal "$n_nodes nodes"
echo "jobs: $(meta '"\(.farm.remote) remote, \(.farm.local) local"')"
used=$(nodes_with_jobs | wc -w)
check "nodes that have executed jobs: $used" test "$used" -ge \
	$((n_nodes * 9 / 10))
is "failed jobs of nodes" 0 "$(meta '[.nodes[].faults // 0] | add')"
farm_end
