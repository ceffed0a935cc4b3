#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# A relay in front of three nodes: the build equals plain make's, also if a node
# or the relay is killed, and through two relays.
. "$(dirname "$0")/lib.sh"

farm_begin
farm_mini 12 10
farm_reference vmlinux
is "plain make ends with" 0 "$plain_status"

# Three nodes with their own stores, and one that is always down.
no_nodes
for i in 1 2 3; do
	node "board$i" "'$bin/kfarmd' --stdio --store '$work/board$i'" slots=2
done
node board4 "sh -c 'echo no power >&2; exit 1'"
relay rack

# members_are NAME...: return true if `kfarm nodes list` shows these members.
members_are()
{
	[ "$("$bin/kfarm" nodes list --json |
		jq -r '[.nodes[0].members[]] | sort | join(" ")')" = "$*" ]
}
check "kfarm nodes list shows the members" members_are board1 board2 board3
unusable()
{
	"$bin/kfarm" nodes list --json | jq -r '.nodes[0].unusable_members'
}
is "and the one that is down" "board4: no power" "$(unusable)"
"$bin/kfarm" nodes list >"$work/list"
check "also as text" grep -E '^rack .*(relay to board1|see below)' "$work/list"
check "kfarm top shows the members, too" grep -q "relay to board1 board2 board3" \
	<("$bin/kfarm" top --once)
farm_warm vmlinux
check "the relay executes jobs" test "$(meta .farm.remote)" -gt 0
equal "relay"
# event_contains NAME MEMBERS: build until an event contains these members.
event_contains()
{
	farm_fresh
	kfarm_start_held --json "$work/events" vmlinux
	check "$1" wait_for 60 grep -q "\"members\":\"$2\"" "$work/events"
	rm "$work/hold"
	kfarm_wait
	is "$1: kfarm ends with" 0 $?
}
event_contains "an event contains the members" "board1 board2 board3"
for i in 1 2 3; do
	check "board$i has the compiler" \
		test "$(find "$work/board$i/sha256" -type f | wc -l)" -gt 2
done

"$bin/kfarm" nodes check rack --json >"$work/check.json"
check "the link of a relay is not measured" jq -e \
	'.nodes[0] | .name == "rack" and (has("link_bits") | not)' \
	"$work/check.json"

# kill_during NAME PROCESS: build, and kill the process when objects exist.
kill_during()
{
	farm_fresh
	kfarm_start_held vmlinux
	check "$1: objects" wait_for 60 objects_beyond "$(($(objects) + 3))"
	kill -9 "$(node_pid "$2")"
	rm "$work/hold"
	kfarm_wait
	is "$1: kfarm ends with" 0 $?
	equal "$1"
}
kill_during "killed member" board2
kill_during "killed relay" rack

# The jobs that the relay has accepted end, and kfarm connects to a new relay.
is_replaced()
{
	grep -q ': kfarmd is shutting down"' "$work/events" &&
		[ "$(node_pid rack)" -ne "$1" ]
}
farm_fresh
kfarm_start_held --json "$work/events" vmlinux
check "drained relay: objects" wait_for 60 objects_beyond "$(($(objects) + 3))"
drained=$(node_pid rack)
kill -TERM "$drained"
check "drained relay: it ends, and another one takes its place" \
	wait_for 60 is_replaced "$drained"
rm "$work/hold"
kfarm_wait
is "drained relay: kfarm ends with" 0 $?
equal "drained relay"

# The outer relay is the static kfarmd that `kfarm nodes add` installs.
relay_kfarmd=$bin/nodes/kfarmd-$(uname -m | sed 's/aarch64/arm64/') relay outer
farm_warm vmlinux
check "two relays: nodes execute jobs" test "$(meta .farm.remote)" -gt 0
equal "two relays"
is "two relays: the node that is down" "rack: board4: no power" "$(unusable)"
event_contains "two relays: an event contains the members of a member" \
	"rack rack/board1 rack/board2 rack/board3"
farm_end
