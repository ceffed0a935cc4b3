#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# pool.sh - pools whose members are processes of this machine: launchers that
# print text, fail, hang, start slowly, leave processes behind or lose their
# member; the limits on the number of members; idle members; Ctrl-C.
. "$(dirname "$0")/lib.sh"

farm_begin
farm_mini 24 2 prepare
farm_reference Image

# A launcher: it records its start, the number of its fellows that run, and its
# orderly end.  The member is the script $work/command.
launcher=$work/launch
mkdir "$work/live"
cat >"$launcher" <<'END'
#!/bin/sh
# launch DIR
echo $$ >>"$1/started"
: >"$1/live/$$"
for pid in "$1"/live/*; do
	kill -0 "${pid##*/}" 2>/dev/null && echo x
done | wc -l >>"$1/counts"
sh "$1/command"
status=$?
echo $$ >>"$1/ended"
rm "$1/live/$$"
exit $status
END
chmod +x "$launcher"

# pool COMMAND KEY=VALUE...: replace the pool; COMMAND is a line of sh.
pool()
{
	local line

	rm -f "$work"/live/* "$work"/{started,ended,counts,events}
	: >"$work/started"
	: >"$work/ended"
	echo "$1" >"$work/command"
	{
		printf '[pool "cl"]\n\tstart = %s %s\n' "$launcher" "$work"
		for line in "${@:2}"; do
			printf '\t%s = %s\n' "${line%%=*}" "${line#*=}"
		done
	} >"$KFARM_CONFIG"
	farm_fresh
}

events=$work/events

build_with()
{
	kfarm_build --json "$events" Image
	is "$1: status" 0 $?
	equal "$1"
	gone "$1"
}

# begin_held: start a build that does not end before release().
begin_held()
{
	kfarm_start_held --json "$events" Image
}

# release NAME: let the build end.
release()
{
	rm "$work/hold"
	kfarm_wait
	is "$1: status" 0 $?
	equal "$1"
	gone "$1"
}

lines()
{
	wc -l <"$work/$1"
}

has_lines()
{
	[ "$(lines "$1")" -ge "$2" ]
}

# ---- members that work ----

pool "echo Try pressing enter.; exec $kfarmd" min=2 max=3 slots=2
begin_held
check "the members start" wait_for 60 has_lines started 2
both_up()
{
	[ "$("$bin/kfarm" nodes list --json |
		jq -r '.pools[].members[] | .name + .state' | tr '\n' ' ')" = \
		"cl/1up cl/2up " ]
}
check "kfarm nodes list shows the members" wait_for 60 both_up
both_work()
{
	jq -se 'map(select(.event == "job" and .state == "done").node) |
		unique - ["local"] == ["cl/1", "cl/2"]' "$events"
}
check "text first: units on both members" wait_for 60 both_work
release "text first"
is "text first: the launchers end by themselves" "$(lines started)" \
	"$(lines ended)"
check "text first: the events of the members contain the pool" \
	jq -se 'map(select(.event == "node")) | length > 0 and all(.pool == "cl")' \
	"$events"
check "kfarm top shows the pool without a build" \
	grep -Eq '^cl +pool .* a build starts up to 3 members' \
	<("$bin/kfarm" top --once)
check "kfarm nodes list shows the limits" \
	grep -qx 'cl  *2  *3  *2  *[0-9.]*s  *none' \
	<("$bin/kfarm" nodes list)

# A member is tested without a build.
check "kfarm nodes check tests a member" "$bin/kfarm" nodes check cl
is "a tested member: its launcher ends by itself" 3 "$(lines ended)"

# ---- launchers that do not ----

pool "echo no free machine >&2; exit 1" min=3 max=3
build_with "no machine"
is "no machine: one line" 1 \
	"$(grep -c '] node cl/.: down: no free machine' "$work/kfarm.log")"
is "no machine: one line of the summary" 1 \
	"$(grep -c '^node cl/.: down: no free machine; .* (and 2' "$work/kfarm.log")"

pool "echo no free machine; exit 0" min=1 max=1
build_with "no machine, on stdout"
check "no machine, on stdout: kfarm nodes check" grep -q \
	'not a kfarm message: "no free machine"' \
	<("$bin/kfarm" nodes check --json cl | jq -r '.nodes[].rows[].what')
check "no machine, on stdout: the reason" grep -qF \
	'node cl/1: down: not a kfarm message: "no free machine"' \
	"$work/kfarm.log"

# A launcher that fails is not taken for an idle member, so the backoff grows.
pool "exit 1" min=1 max=1 idle=1s
begin_held
check "a failing launcher: it runs again" wait_for 60 has_lines started 2
release "a failing launcher"
is "a failing launcher: no member is idle" "" \
	"$(jq -r 'select(.event == "node" and .state == "removed")' "$events")"

pool "exec sleep 1000" min=2 max=2
build_with "the launcher hangs"

pool "trap : TERM; while :; do sleep 1; done" min=1 max=1
build_with "the launcher hangs and ignores SIGTERM"

pool "sleep 1000 & exec $kfarmd" min=1 max=1
build_with "a process stays behind"

# ---- members that come late or are lost ----

mkfifo "$work/go"
pool "cat $work/go; exec $kfarmd" min=1 max=1 slots=2
kfarm_start --json "$events" Image
check "slow start: units are compiled here" wait_for 60 objects_beyond 8
echo "now it starts" >"$work/go"
kfarm_wait
is "slow start: status" 0 $?
equal "slow start"
gone "slow start"

# The member dies in the middle of its jobs, while its launcher is still busy, and
# the pool starts another one.
echo "echo \$\$ >$work/member; exec $kfarmd" >"$work/member.sh"
pool "sh $work/member.sh; sleep 2" min=1 max=1 slots=2
begin_held
check "a lost member: it works" wait_for 60 objects_beyond 8
kill -KILL "$(cat "$work/member")"
check "a lost member: the pool starts another one" \
	wait_for 60 has_lines started 2
release "a lost member"
is "a lost member: a line" 1 \
	"$(grep -c '] node cl/1: down: ' "$work/kfarm.log")"
is "a lost member: never two at once" 1 "$(sort -n "$work/counts" | tail -n 1)"

# All members die again and again; there are never more than `max`.
pool "timeout -s KILL 2 $kfarmd" min=3 max=3 slots=2
begin_held
check "churn: members start again" wait_for 60 has_lines started 4
release "churn"
at_most "churn: members at once" 3 "$(sort -n "$work/counts" | tail -n 1)"

# ---- demand, idle members, configuration ----

# make waits for a file, so that the member is idle; then it compiles again.
mkdir "$work/small"
cat >"$work/small/Makefile" <<'END'
CC := aarch64-linux-gnu-gcc
all: last.o
first.o second.o third.o fourth.o: ; $(CC) -c -o $@ unit.c
wait: first.o second.o third.o fourth.o
	until [ -e go.on ]; do sleep .05; done
last.o: wait
	$(CC) -c -o $@ unit.c
END
echo 'int x;' >"$work/small/unit.c"
pool "exec $kfarmd" min=1 max=2 slots=2 idle=1s
(cd "$work/small" && env KFARM_BUILD_MARK="$work" "$bin/kfarm" run \
	--json "$events" -- make -j4) >"$work/kfarm.log" 2>&1 </dev/null &
kfarm=$!
children+=("$kfarm")
is_up()
{
	jq -se 'any(.event == "node" and .state == "up")' "$events"
}
check "min: a member is up" wait_for 60 is_up
sed -i 's/min = 1/min = 0/' "$KFARM_CONFIG"
is_idle()
{
	jq -se 'any(.event == "node" and .state == "removed" and
		.reason == "idle for 0:01")' "$events"
}
check "min is lowered: the idle member ends" wait_for 60 is_idle
check "the idle member ends by itself" wait_for 60 has_lines ended 1
sed -i 's/min = 0/min = 2/' "$KFARM_CONFIG"
check "min is raised: members start" wait_for 60 has_lines started 3
"$bin/kfarm" nodes drain cl 2>/dev/null
check "a drained pool: the idle members end" wait_for 60 has_lines ended 3
"$bin/kfarm" nodes resume cl 2>/dev/null
check "a resumed pool: members start" wait_for 60 has_lines started 5
: >"$work/small/go.on"
wait "$kfarm"
is "idle: status" 0 $?
check "idle: the last object" test -s "$work/small/last.o"
gone "idle"

# kfarm knows that a member starts quickly, and how much work is left.
farm_mini 120 60 prepare
pool "exec $kfarmd" max=3 slots=1
jq -n --arg start "$launcher $work" '{ pools: [ { name: "cl", start: $start,
	start_ms: 1, slots: 1, time: now | floor } ] }' >"$XDG_CACHE_HOME/kfarm/pools.json"
begin_held
check "demand: a member is up" wait_for 60 is_up
kill -INT "$kfarm"
kfarm_wait
is "Ctrl-C: status" 130 $?
rm "$work/hold"
gone "Ctrl-C"
# A launcher whose member has not sent HELLO yet is ended by SIGTERM.
n_up=$(jq -s 'map(select(.event == "node" and .state == "up").node) | unique |
	length' "$events")
check "Ctrl-C: the launchers of members that are up end by themselves" \
	test "$n_up" -ge 1 -a "$(lines ended)" -ge "$n_up"

# The same work does not justify a member that takes ten minutes to start.
jq '.pools[].start_ms = 600000' "$XDG_CACHE_HOME/kfarm/pools.json" \
	>"$work/pools.json"
mv "$work/pools.json" "$XDG_CACHE_HOME/kfarm/pools.json"
pool "exec $kfarmd" max=3 slots=1
kfarm_start --json "$events" Image
# Print the reasons of the local jobs that are done.
reasons()
{
	jq -r 'select(.event == "job" and .state == "done").reason' "$events"
}
jobs_are_done()
{
	[ "$(reasons | wc -l)" -ge 10 ]
}
check "a slow pool: local jobs are done" wait_for 60 jobs_are_done
kill -INT "$kfarm"
kfarm_wait
is "a slow pool: status" 130 $?
is "a slow pool: no member starts" 0 "$(lines started)"
is "a slow pool: the reason" "before nodes were needed" "$(reasons | sort -u)"

farm_end
