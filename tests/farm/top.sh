#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# kfarm top with real builds: several instances at once, stopped and killed;
# builds that end, stop or are killed; and kfarmd --status of the nodes.
. "$(dirname "$0")/lib.sh"

farm_begin
farm_mini 20 3 prepare
farm_reference Image
is "plain make ends with" 0 "$plain_status"
nodes 2 slots=2
tmux=(tmux -S "$work/tmux" -f /dev/null)

top()
{
	"$bin/kfarm" top "$@"
}

# top_start NAME ARG...: start it in the background; output goes to $work/NAME.
top_start()
{
	local name=$1

	shift
	"$bin/kfarm" top "$@" >"$work/$name" 2>&1 </dev/null &
	tops[$name]=$!
	children+=("$!")
}

top_end()
{
	kill -TERM "${tops[$1]}" 2>/dev/null
	wait "${tops[$1]}" 2>/dev/null
}

declare -A tops

has()
{
	grep -q "$2" "$work/$1"
}

# now_is FILTER: return true if the filter matches the current output of top.
now_is()
{
	top --once --json | jq -e "$1"
}

# The second build, in its own directory, from the same tree.
#
# held COMMAND...: start a build that continues until let_go.
held()
{
	: >"$work/hold"
	FARM_HOLD=$work/hold "$@"
}

let_go()
{
	rm -f "$work/hold"
}

other_start()
{
	rm -rf "$work/build2" "$work/out2"
	cp -a "$prepared" "$work/build2"
	setsid env KFARM_BUILD_MARK="$work" "$bin/kfarm" build -C "$tree" \
		-b "$work/build2" -o "$work/out2" "${vars[@]}" Image \
		>"$work/other.log" 2>&1 </dev/null &
	other=$!
	children+=("$other")
}

# Two instances show the same state of a build, which equals its own events.
two_on_one_build()
{
	local name counts

	top_start one --json
	top_start two --json
	farm_fresh
	held kfarm_start -j 6 Image
	check "a running build is recorded" wait_for 60 now_is \
		".builds | length == 1 and .[0].pid == $kfarm and .[0].what == \"Image\""
	check "its nodes come up" wait_for 60 now_is \
		'[.builds[0].nodes[] | select(.state == "up")] | length == 2'
	check "kfarmd --status tells of jobs of this build" wait_for 60 \
		status_has_jobs
	top --once >"$work/once"
	check "as text it names the build" has once "^build $kfarm: Image, arm64"
	let_go
	kfarm_wait
	is "with two tops kfarm ends with" 0 $?
	equal "with two tops"
	for name in one two; do
		wait_for 60 has $name '"event":"done"'
		counts=$(grep "^{\"build\":$kfarm," "$work/$name" | jq -r \
			'select(.event == "done") | "\(.remote) \(.local)"')
		is "$name: the end of the build, and its counts" \
			"$(meta '"\(.farm.remote) \(.farm.local)"')" "$counts"
		top_end $name
	done
	check "afterwards the nodes are up" now_is \
		'(.builds | length == 0) and ([.nodes[] | select(.state == "up")] | length == 2)'
}

status_has_jobs()
{
	"$bin/kfarmd" --status --json --store "$work/store" |
		jq -e '[.kfarmds[].clients[].jobs[] | select(.state == "running")] |
			length > 0 and (.[0].file | endswith(".c") or endswith(".S"))'
}

two_builds()
{
	top_start both
	farm_fresh
	held kfarm_start -j 6 Image
	held other_start
	check "two builds are displayed at once" wait_for 60 now_is \
		"[.builds[].pid] | sort == ([$kfarm, $other] | sort)"
	let_go
	kfarm_wait
	is "the first of two builds ends with" 0 $?
	equal "the first of two builds"
	wait "$other"
	is "the second of two builds ends with" 0 $?
	wait_for 60 has both "build $other: ended with status 0"
	check "plain lines tell of the end of one" \
		has both "build $kfarm: ended with status 0: [0-9]* jobs"
	check "plain lines tell of the end of the other" \
		has both "build $other: ended with status 0: [0-9]* jobs"
	top_end both
}

# An instance that is stopped for a whole build, and one that is killed.
stopped_and_killed()
{
	local began=$SECONDS before

	farm_fresh
	kfarm_build -j 6 Image
	before=$((SECONDS - began))
	top_start still
	top_start dead
	farm_fresh
	began=$SECONDS
	held kfarm_start -j 6 Image
	wait_for 60 has still "build $kfarm: Image, arm64: "
	let_go
	kill -STOP "${tops[still]}"
	kill -KILL "${tops[dead]}"
	kfarm_wait
	is "a top stopped, one killed: kfarm ends with" 0 $?
	at_most "a top stopped, one killed: seconds" $((2 * before + 60)) \
		$((SECONDS - began))
	equal "a top stopped, one killed"
	kill -CONT "${tops[still]}"
	check "the stopped one is notified of the end" \
		wait_for 60 has still "build $kfarm: .*ended"
	top_end still
}

# A build that is killed, and one that is stopped.
builds_end_badly()
{
	top_start watch
	farm_fresh
	held kfarm_start -j 6 Image
	check "a build is watched" wait_for 60 has watch "build $kfarm: "
	kill -STOP "$kfarm"
	check "a stopped build is named" now_is \
		".builds[0].lost == \"its kfarm process does not respond\""
	kill -CONT "$kfarm"
	kill -KILL "$kfarm"
	check "a killed build is named" wait_for 60 \
		has watch "build $kfarm: its kfarm process was killed"
	let_go
	check "its running jobs end" wait_for 60 nothing_left
	check "and is no build any more" wait_for 60 now_is '.builds | length == 0'
	check "its subscriber continues" kill -0 "${tops[watch]}"
	top_end watch
	stop_all
}

screen()
{
	"${tmux[@]}" capture-pane -p -t top
}

shows()
{
	screen | grep -q -- "$1"
}

press()
{
	"${tmux[@]}" send-keys -t top "$@"
}

end_terminal()
{
	"${tmux[@]}" kill-server
	wait_for 60 eval '! "${tmux[@]}" list-sessions'
	# While this server exits, it can still accept a client.
	tmux[2]+=-next
}

# In a terminal: the nodes, two builds, and return to the shell.
in_a_terminal()
{
	if ! command -v tmux >/dev/null; then
		left_out "no tmux"
		return
	fi
	"${tmux[@]}" new-session -d -x 100 -y 30 -s top \
		"'$bin/kfarm' top; echo 'over with' \$?; sleep 1000"
	check "in a terminal: the nodes" wait_for 60 shows 'no build is running'
	check "in a terminal: a node" wait_for 60 shows 'node1 *up'
	farm_fresh
	held kfarm_start -j 6 Image
	held other_start
	check "in a terminal: two builds" wait_for 60 shows "\\[$kfarm Image arm64\\]\|\\[$other Image arm64\\]"
	wait_for 10 shows "\\[$kfarm Image" || press ]
	check "in a terminal: the first" wait_for 60 shows "\\[$kfarm Image"
	press ]
	check "in a terminal: ] leads to the other" wait_for 60 \
		shows "\\[$other Image"
	press '['
	check "in a terminal: [ leads back" wait_for 60 shows "\\[$kfarm Image"
	let_go
	kfarm_wait
	is "in a terminal: the build ends with" 0 $?
	wait "$other"
	check "in a terminal: it says that it ended" wait_for 60 \
		shows "build $kfarm has ended with status 0"
	press q
	check "in a terminal: q ends it" wait_for 60 shows 'over with 0'
	check "in a terminal: the output remains" shows \
		"ended with status 0: [0-9]* jobs done"
	end_terminal
}

# A recording can name any directory.  In this one, build.log is a FIFO.
log_that_waits()
{
	mkdir "$work/recorded"
	mkfifo "$work/recorded/build.log"
	{
		echo '{"event":"stream","t":0,"version":1,"pid":1,"began":1}'
		printf '{"event":"build","t":0,"what":"Image","output":"%s"}\n' \
			"$work/recorded"
	} >"$work/recording"
	"${tmux[@]}" new-session -d -x 100 -y 30 -s top \
		"'$bin/kfarm' top --simulate='$work/recording'; sleep 1000"
	check "a log that is a pipe: the view" wait_for 60 shows '^q quit'
	press l
	check "a log that is a pipe: its pane" wait_for 60 shows 'Log, 0 lines'
	press '?'
	check "a log that is a pipe: the view goes on" wait_for 60 shows 'Keys'
	end_terminal
}

two_on_one_build
two_builds
stopped_and_killed
builds_end_badly
in_a_terminal
! command -v tmux >/dev/null || log_that_waits
farm_end
