#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# Nodes that die, stop or do not exist: the build continues, equals that of a
# plain make, and never starts too many local compilers.
. "$(dirname "$0")/lib.sh"

farm_begin
farm_mini 20 2 prepare
farm_reference Image
is "plain make ends with" 0 "$plain_status"

# Print the node's pid once the node has started a job.
under_way()
{
	wait_for 60 objects_beyond "$1"
}

killed()
{
	local round victim

	for round in $(rounds 2 20); do
		nodes 2 slots=3
		farm_fresh
		kfarm_start_held -j 6 Image
		under_way $((round % 12 + 3)) || bad "killed: no objects come"
		victim=node$((round % 2 + 1))
		# Kill the daemon and its compilers.
		kill -KILL "$(node_pid $victim)"
		rm "$work/hold"
		kfarm_wait
		is "a node is killed: kfarm ends with" 0 $?
		equal "a node is killed"
		no_temporaries "a node is killed"
		gone "a node is killed"
	done
}

# The node stops in the middle of the build; its jobs run elsewhere.
stopped()
{
	local began victim

	nodes 2 slots=3
	farm_fresh
	began=$SECONDS
	kfarm_start_held -j 6 Image
	under_way 5 || bad "stopped: no objects come"
	victim=$(node_pid node1)
	kill -STOP "$victim"
	rm "$work/hold"
	kfarm_wait
	is "a node is stopped: kfarm ends with" 0 $?
	at_most "a node is stopped: seconds" $((3 * plain_seconds + 60)) \
		$((SECONDS - began))
	kill -CONT "$victim" 2>/dev/null
	equal "a node is stopped"
	no_temporaries "a node is stopped"
	gone "a node is stopped"
}

all_killed()
{
	nodes 2 slots=3
	farm_fresh
	kfarm_start_held -j 6 Image
	under_way 5 || bad "all killed: no objects come"
	# Prevent the nodes from reconnecting.
	sed -i 's/exec [^"]*"/exec false"/' "$KFARM_CONFIG"
	kill -KILL "$(node_pid node1)" "$(node_pid node2)"
	rm "$work/hold"
	kfarm_wait
	is "all nodes are killed: kfarm ends with" 0 $?
	equal "all nodes are killed"
}

# Replace the compiler by one that counts its executions.
count_compilers()
{
	local helper

	helper=$(helper countcc) || exit 1
	mkdir -p "$work/count" "$work/counters"
	rm -f "$work/count"/*
	cp "$helper" "$work/counters/aarch64-linux-gnu-gcc"
	COUNT_REAL=$(dirname "$(command -v aarch64-linux-gnu-gcc)")
	COUNT_DIR=$work/count
	export COUNT_REAL COUNT_DIR
	PATH=$work/counters:$PATH
}

most_at_once()
{
	sort -n "$work/count/log" | tail -n 1 | tr -d ' '
}

dead_nodes()
{
	local path=$PATH

	count_compilers
	no_nodes
	node false false
	node silent 'cat >/dev/null'
	node noise 'yes'
	printf '[node "nowhere"]\n\taddress = unix:%s\n' "$work/none" \
		>>"$KFARM_CONFIG"
	farm_fresh
	kfarm_build -j 500 Image
	is "dead nodes, -j500: kfarm ends with" 0 $?
	equal "dead nodes, -j500"
	at_most "dead nodes, -j500: compilers at once" "$cores" \
		"$(most_at_once)"
	is "dead nodes: jobs of nodes" 0 "$(meta .farm.remote)"
	check "dead nodes: the exit status is the reason" \
		grep -q 'node false: down: transport command ended: exit status 1$' \
		"$work/kfarm.log"
	check "dead nodes: no other reason" \
		eval '! grep -qE "node false: .*(read|write):" "$work/kfarm.log"'
	check "dead nodes: the summary gives reasons" \
		grep -qE 'jobs [0-9]+: 0 remote .*local \(' "$work/kfarm.log"

	# The coordinator is killed too: the wrappers take slots by themselves.
	rm -f "$work/count"/*
	farm_fresh
	kfarm_start -j 500 Image
	under_way 3
	kill -KILL "$kfarm"
	kfarm_wait
	wait_for 60 nothing_left
	at_most "no coordinator, -j500: compilers at once" "$cores" \
		"$(most_at_once)"
	equal "no coordinator, -j500"
	PATH=$path
}

require_remote()
{
	no_nodes
	node false false
	farm_fresh
	kfarm_build --require-remote 90 Image
	is "--require-remote with a dead node: exit status" 125 $?
	nodes 2 slots=3
	farm_warm -j 6 Image
	farm_fresh
	kfarm_build --require-remote 90 -j 6 Image
	is "--require-remote with two nodes: exit status" 0 $?
	equal "--require-remote with two nodes"
	at_most "two nodes: percent of the jobs that are local" 5 \
		$((100 * $(meta .farm.local) / ($(meta .farm.remote) + 1)))
	# A node that replies late, also to the request for a sandbox.
	rm -f "$build/beta/unit_1.o"
	no_nodes
	node late "$kfarmd | { for i in 1 2 3 4; do \
dd bs=64k count=1 status=none; sleep 1.2; done; cat; }"
	kfarm_build --require-remote 1 Image
	is "--require-remote with a late node: exit status" 0 $?
}

no_farm()
{
	no_nodes
	farm_fresh
	kfarm_build Image
	is "no nodes: kfarm ends with" 0 $?
	equal "no nodes"
	nodes 2
	farm_fresh
	kfarm_build --no-remote Image
	is "--no-remote: kfarm ends with" 0 $?
	equal "--no-remote"
	is "the reason of its local jobs" --no-remote \
		"$(meta '.farm.reasons | keys | join(", ")')"
	check "--no-remote starts no node" test ! -e "$work/nodes/node1"
}

# A build in a build directory with objects connects to the nodes on demand.
on_demand()
{
	nodes 2 slots=3
	farm_fresh
	kfarm_build Image
	check "from scratch: the nodes are started" test -e "$work/nodes/node1"
	rm -f "$work"/nodes/*
	touch "$tree/alpha/unit_3.c"
	# Print the build directory, as the Makefile of a kernel does.
	sed -i 's/ --no-print-directory//' "$tree/Makefile"
	kfarm_build alpha/unit_3.o
	is "one file: kfarm ends with" 0 $?
	is "one file: make enters and leaves the build directory" \
		"Entering Leaving" "$(sed -n \
		's/^make.*: \([A-Z][a-z]*ing\) directory .*/\1/p' \
		"$work/kfarm.log" | paste -sd ' ')"
	sed -i 's/-rR$/& --no-print-directory/' "$tree/Makefile"
	is "one file: its reason" '{"before nodes were needed":1}' \
		"$(meta '.farm.reasons | tostring')"
	kfarm_build Image
	is "nothing to compile: jobs" 0 "$(meta '.farm.local + .farm.remote')"
	check "few files: no node is started" test ! -e "$work/nodes/node1"
	kfarm_build --require-remote 50 Image
	check "--require-remote starts the nodes" test -e "$work/nodes/node1"
	rm -f "$work"/nodes/*
	touch "$tree"/*/unit_*.c
	kfarm_build Image
	is "many files: kfarm ends with" 0 $?
	check "many files: the nodes are started" test -e "$work/nodes/node1"
	equal "many files"
}

on_demand
killed
stopped
all_killed
dead_nodes
require_remote
no_farm
farm_end
