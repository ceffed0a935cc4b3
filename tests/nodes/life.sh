#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# nodes/life.sh - nodes that are added, drained, resumed and removed while a
# command compiles over TLS, and two nodes with one key.
. "$(dirname "$0")/lab.sh"
lab_begin "$@"

events=$work/events

# state NODE IS: check the node's last state in the command's events.
state()
{
	[ "$(jq -r --arg n "$1" 'select(.event == "node" and .node == $n) |
		.state' "$events" 2>/dev/null | tail -n 1)" = "$2" ]
}

# jobs_of NODE: print the number of its jobs.
jobs_of()
{
	cat "$events" 2>/dev/null | grep -c \
		"\"event\":\"job\".*\"state\":\"done\".*\"node\":\"$1\""
}

# works NODE: check that it completes further jobs.
works()
{
	local before

	before=$(jobs_of "$1")
	wait_for 60 more_jobs "$1" "$before"
}

more_jobs()
{
	[ "$(jobs_of "$1")" -gt $(($2 + 3)) ]
}

# idle NODE BESIDE: check that NODE runs no job while BESIDE does.  Wait for 16
# jobs first, because up to eight results of NODE can still be in verification.
idle()
{
	local before

	before=$(jobs_of "$2")
	wait_for 60 more_jobs "$2" $((before + 16)) || return
	before=$(jobs_of "$1")
	works "$2" && [ "$(jobs_of "$1")" = "$before" ]
}

begin_command()
{
	mkdir -p "$work/src"
	printf 'int f(int x)\n{\n\treturn x * 3;\n}\n' >"$work/src/x.c"
	cat >"$work/compile" <<'COMPILE'
while [ ! -e stop ]; do
	for k in 1 2 3 4 5 6 7 8; do
		gcc -O2 -c x.c -o "$k.o" || echo "$k" >>failed &
	done
	wait
done
COMPILE
	(cd "$work/src" && exec "$bin/kfarm" run -q --json "$events" -- \
		sh "$work/compile") 2>"$work/words" &
	command=$!
}

says()
{
	grep -qF "$1" "$work/words"
}

lists_clones()
{
	! "$bin/kfarm" nodes list >"$work/list" 2>&1 &&
		[ "$(grep -c '^n[13] *cloned' "$work/list")" = 2 ]
}

checks_clones()
{
	! "$bin/kfarm" nodes check n1 n3 >"$work/checked" 2>&1 &&
		[ "$(grep -c '^n[13] .*FAILED' "$work/checked")" = 2 ] &&
		grep -q 'two machines with the same key' "$work/checked"
}

for node in n1 n2 n3; do
	lab_node $node
	lab_kfarmd $node || {
		bad "kfarmd on $node"
		farm_end
	}
done
lab_join n1
begin_command
check "a node gets jobs" works n1
lab_join n2
check "an added node gets jobs too" works n2
"$bin/kfarm" nodes drain n1
check "it is drained" wait_for 60 state n1 drained
check "and does nothing concurrently with another" idle n1 n2
"$bin/kfarm" nodes resume n1
check "resumed it gets jobs again" works n1
"$bin/kfarm" nodes remove --keep n2
check "a removed node gets no jobs" wait_for 60 state n2 removed
check "and does nothing any more" idle n2 n1
cp "$lab/n1/etc/kfarm/key.pem" "$work/key.n1"
cp "$lab/n3/etc/kfarm/key.pem" "$work/key.n3"
cp "$work/key.n1" "$lab/n3/etc/kfarm/key.pem"
lab_kfarmd n3 || bad "kfarmd on n3 with the key of n1"
lab_join n3
check "two machines with one key are out: n1" wait_for 60 state n1 out
check "two machines with one key are out: n3" wait_for 60 state n3 out
check "it is reported with advice" says 'kfarm nodes rekey n3'
check "nodes list reports it and fails" lists_clones
check "nodes check reports it and fails" checks_clones
cp "$work/key.n3" "$lab/n3/etc/kfarm/key.pem"
lab_kfarmd n3 || bad "kfarmd on n3 with a key of its own"
"$bin/kfarm" nodes remove --keep n3
lab_join n3
check "with a key of its own it gets jobs" works n3
check "and so does the other" works n1
: >"$work/src/stop"
wait "$command"
is "the command ends as it should" 0 $?
check "and no compile failed" [ ! -e "$work/src/failed" ]
farm_end
