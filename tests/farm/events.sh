#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# The events of real builds, from --json and from the socket.  They are
# complete, the same for all subscribers, and agree with the summary and
# metadata.json.  Also tested: subscribers that do not read, many subscribers, a
# subscriber of another user, and the removal of the socket.
. "$(dirname "$0")/lib.sh"

farm_begin
farm_mini 30 8 prepare
farm_reference Image

# listen SOCKET FILE [GO]: write all events from the socket to FILE, which
# exists once the connection is made, or to stdout for "-".  Read nothing until
# GO exists.
listen()
{
	perl -e 'use Socket;
		socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die;
		connect($s, sockaddr_un($ARGV[0])) or exit 1;
		my $out = \*STDOUT;
		$ARGV[1] eq "-" or open($out, ">", $ARGV[1]) or die;
		while ($ARGV[2] && ! -e $ARGV[2]) {
			select(undef, undef, undef, 0.02);
		}
		while (sysread $s, my $in, 65536) { syswrite $out, $in }' "$@"
}

export -f listen

# socket_of PID: print the event socket of the build with that process.
socket_of()
{
	echo "$XDG_RUNTIME_DIR/kfarm/$1/events"
}

# The totals of a stream, computed by jq without kfarm's code.
tally='
def last_of(f): [f] | last;
def sum(f): [f] | add // 0;
. as $all | [.[] | select(.event == "job" and .state == "done")] as $done |
{
	remote: [$done[] | select(.remote)] | length,
	local: [$done[] | select(.remote | not)] | length,
	retried: sum($done[].retries),
	duplicated: [$all[] | select(.beside == true)] | length,
	reasons: [$done[] | select(.remote | not).reason] | group_by(.) |
		map({ key: .[0], value: length }) | from_entries,
	cpu: last_of($all[] | select(.event == "host").cpu),
	scan: last_of($all[] | select(.event == "host").scan),
	warnings: sum($all[] | select(.event == "diag").warnings),
	errors: sum($all[] | select(.event == "diag").errors),
	nodes: [$all[] | select(.event == "load")] | group_by(.node) |
		map(last | { key: .node,
			value: [.done, .failed, .retries, .cpu, .sent, .received] }) |
		from_entries
}'
metadata='{
	remote: .farm.remote, local: .farm.local, retried: .farm.retried,
	duplicated: .farm.duplicated, reasons: .farm.reasons,
	cpu: .farm.cpu_seconds, scan: .farm.scan_seconds,
	warnings: .results.warnings, errors: .results.errors,
	nodes: .nodes | map_values(
		[.jobs, .errors, .retries, .seconds, .sent, .received])
}'

# live FILE: print the lines after the initial snapshot.
live()
{
	sed '1,/"event":"live"/d' "$1"
}

# Check that the lines after `live` equal the end of the --json stream.
is_its_end()
{
	local first

	first=$(live "$1" | head -n 1)
	[ "$first" ] || return
	diff <(live "$1") <(sed -n "$(grep -nxF -m 1 -e "$first" "$2" |
		cut -d: -f1),\$p" "$2")
}

# by_state FILE: count remote and local jobs like a late subscriber.
by_state()
{
	jq -s -c '. as $all |
		($all | map(.event) | index("live")) as $live |
		([$all[:$live][] | select(.event == "counts")] | last) as $before |
		[$all[$live:][] | select(.event == "job" and .state == "done")] |
		[$before.remote + (map(select(.remote)) | length),
		 $before.local + (map(select(.remote | not)) | length)]' "$1"
}

whole()
{
	local socket

	nodes 2 slots=3
	# A node that fails causes additional events.
	node gone "false"
	farm_fresh
	kfarm_start -j 6 --json "$work/events" Image
	socket=$(socket_of "$kfarm")
	wait_for 60 test -S "$socket"
	listen "$socket" "$work/early" &
	wait_for 60 objects_beyond 20
	listen "$socket" "$work/late" &
	kfarm_wait
	is "whole: kfarm ends with" 0 $?
	wait_for 60 grep -q '"event":"done"' "$work/early"
	wait_for 60 grep -q '"event":"done"' "$work/late"
	equal "whole"
	is "whole: begins and ends" "stream done" \
		"$(jq -s -r '"\(.[0].event) \(last.event)"' "$work/events")"
	is "whole: jobs that were queued and not done once" "" \
		"$(jq -r 'select(.event == "job" and
			(.state == "queued" or .state == "done")) |
			"\(.job) \(.state)"' "$work/events" | sort |
			awk '{ n[$1 " " $2]++; seen[$1] }
			END { for (j in seen)
				if (n[j " queued"] != 1 || n[j " done"] != 1)
					print j }')"
	check "whole: metadata.json equals the totals of the stream" diff \
		<(jq -s -S "$tally" "$work/events") \
		<(jq -S "$metadata" "$work/out/metadata.json")
	is "whole: the summary is" \
		"$(jq -s -r "$tally"' | "jobs \(.remote + .local): \(.remote) remote"' \
			"$work/events")" \
		"$(grep -o '^jobs [0-9]*: [0-9]* remote' "$work/kfarm.log")"
	is "whole: a node that is down" 1 \
		"$(grep -c '^node gone: down: ' "$work/kfarm.log")"
	is "whole: and in the stream" \
		"$(meta '.nodes.gone | "\(.state): \(.detail)"')" \
		"$(jq -s -r '[.[] | select(.event == "node" and
			.node == "gone")] | last | "\(.state): \(.reason)"' \
			"$work/events")"
	for reader in early late; do
		check "whole: subscriber $reader receives the common events" \
			is_its_end "$work/$reader" "$work/events"
		is "whole: who came $reader counts" \
			"$(meta '[.farm.remote, .farm.local] | tostring')" \
			"$(by_state "$work/$reader")"
	done
	is "whole: nobody knows a total of what was not built before" 0 \
		"$(grep -c '"event":"estimate"' "$work/events")"
	check "whole: nothing remains of the socket" test ! -e "${socket%/*}"
}

# compile N NAME: run N compiles with names so long that a subscriber's buffer
# is full after a hundred of them.
cat >"$work/compile" <<'END'
#!/bin/bash
long=$(printf './%.0s' {1..1500})
for i in $(seq "$1"); do
	gcc -c "${long}a.c" -o "$long$2$i.o" &
	[ $((i % 8)) -ne 0 ] || wait
done
wait
END
chmod +x "$work/compile"

# Run a script under kfarm run in its own directory.
run()
{
	local name=$1

	shift
	mkdir -p "$work/$name"
	echo 'int x;' >"$work/$name/a.c"
	(cd "$work/$name" && env KFARM_BUILD_MARK="$work" timeout 300 \
		"$bin/kfarm" run -q --json events -- bash -c "$@")
}

# A subscriber that reads nothing until 250 compiles are done cannot delay them.
silent()
{
	no_nodes
	# shellcheck disable=SC2016
	run silent 'listen "${KFARM_SOCKET%/*}/events" heard go &
		until [ -e heard ]; do sleep 0.02; done
		'"'$work/compile'"' 250 first
		touch go
		until grep -q dropped heard; do sleep 0.02; done
		'"'$work/compile'"' 3 last'
	is "silent: the command ends with" 0 $?
	wait_for 60 grep -q '"event":"done"' "$work/silent/heard"
	check "silent: events are dropped, and the rest comes" jq -s -e '
		([.[] | select(.event == "dropped").events] | add) as $dropped |
		last.event == "done" and last.local == 253 and $dropped > 100 and
		([.[] | select(.event == "job" and .state == "done" and
			(.object // .file | length > 0))] | length) >= 3' \
		"$work/silent/heard"
	is "silent: heard and dropped are all" \
		"$(sed -n "$(grep -nxF -m 1 -e \
			"$(live "$work/silent/heard" | head -n 1)" \
			"$work/silent/events" | cut -d: -f1),\$p" \
			"$work/silent/events" | wc -l)" \
		"$(live "$work/silent/heard" | jq -s 'map(if .event == "dropped"
			then .events else 1 end) | add')"
}

many()
{
	local i socket

	nodes 2 slots=3
	farm_fresh
	kfarm_start -j 6 --json "$work/known" Image
	socket=$(socket_of "$kfarm")
	wait_for 60 test -S "$socket"
	for i in {1..40}; do
		listen "$socket" "$work/many.$i" &
	done
	kfarm_wait
	is "many: kfarm ends with" 0 $?
	equal "many"
	wait_for 60 eval '[ "$(grep -l "\"event\":\"done\"" "$work"/many.* |
		wc -l)" -ge 32 ]'
	is "many: of 40 so many heard all of it" 32 \
		"$(grep -l '"event":"done"' "$work"/many.* | wc -l)"
	is "many: and so many nothing" 8 \
		"$(find "$work" -name 'many.*' -size 0 | wc -l)"
	known "$(grep -l '"event":"done"' "$work"/many.* | head -n 1)"
	rm -f "$work"/many.*
}

# The phase "compile" begins with a compile, although make prints the line of the
# compile after its end.
phases()
{
	no_nodes
	rm "$build/alpha/unit_3.o"
	kfarm_build --json "$work/phases" alpha/unit_3.o
	is "phases: kfarm ends with" 0 $?
	is "phases: the compile is part of the phase compile" \
		"prepare compile queued done" "$(jq -r 'if .event == "phase" then
			.phase else select(.event == "job" and
			(.state == "queued" or .state == "done")).state end' \
			"$work/phases" | grep -v artifacts | xargs)"
}

# known HEARD: check that events from a repeated build, which a late subscriber
# wrote to HEARD, refer to the baseline.
known()
{
	is "known: all of its jobs are known" \
		"$(jq -s '[.[] | select(.event == "done")] | last |
			.remote + .local' "$work/events")" \
		"$(jq -s '[.[] | select(.event == "estimate")] | last.jobs' \
			"$work/known")"
	check "known: the progress curve never decreases" jq -s -e '
		[.[] | select(.event == "estimate")] | length > 10 and
		(map(.wall) | . == sort) and (map(.cost) | . == sort)' \
		"$work/known"
	is "known: jobs without a cost" 0 "$(jq -s '[.[] |
		select(.state == "queued" and (has("cost") | not))] | length' \
		"$work/known")"
	is "known: who came later hears of the same end" \
		"$(jq -s -c '[.[] | select(.event == "estimate")] | last |
			[.jobs, .wall]' "$work/known")" \
		"$(jq -s -c '[.[] | select(.event == "estimate")] | last |
			[.jobs, .wall]' "$1")"
}

# Both the directory and the socket reject other users.
another_user()
{
	if [ "$(id -u)" != 0 ] || ! setpriv --reuid=65534 --clear-groups true; then
		left_out "another user" "needs root"
		return
	fi
	no_nodes
	# shellcheck disable=SC2016
	run another 'dir=${KFARM_SOCKET%/*}
		as_nobody() {
			setpriv --reuid=65534 --regid=65534 --clear-groups \
				timeout 60 bash -c "listen $1 -"
		}
		as_nobody "$dir/events" >closed
		echo $? >status
		chmod 777 "$dir/events"
		for d in "$dir" "${dir%/*}" "${dir%/*/*}" '"'$work'"'; do
			chmod 711 "$d"
		done
		as_nobody "$dir/events" >opened
		echo $? >>status
		listen "$dir/events" ours &
		until [ -s ours ]; do sleep 0.02; done
		chmod 700 "$dir" "${dir%/*}" "${dir%/*/*}" '"'$work'"
	is "another user: the command ends with" 0 $?
	is "another user: in, and with all doors open" "1 0" \
		"$(tr '\n' ' ' <"$work/another/status" | sed 's/ $//')"
	is "another user: hears" "0" \
		"$(cat "$work"/another/{closed,opened} | wc -c)"
	is "another user: we hear" 1 \
		"$(grep -c '"event":"stream"' "$work/another/ours")"
}

# The next build removes the socket of a killed kfarm.
killed()
{
	local socket

	nodes 2 slots=3
	farm_fresh
	kfarm_start -j 6 Image
	socket=$(socket_of "$kfarm")
	wait_for 60 objects_beyond 5
	listen "$socket" "$work/cut" &
	wait_for 60 test -s "$work/cut"
	kill -KILL "$kfarm"
	kfarm_wait 2>/dev/null
	stop_all
	wait_for 60 nothing_left
	check "killed: its reader ends" wait $!
	is "killed: without the last event" 0 \
		"$(grep -c '"event":"done"' "$work/cut")"
	check "killed: the socket is left" test -S "$socket"
	check "killed: no process listens" eval '! listen "$socket" "$work/none"'
	kfarm_build -j 6 Image
	is "killed: the next build ends with" 0 $?
	check "killed: and has removed it" test ! -e "${socket%/*}"
}

two()
{
	no_nodes
	for name in one other; do
		# shellcheck disable=SC2016
		run "$name" 'listen "${KFARM_SOCKET%/*}/events" heard &
			until [ -e heard ]; do sleep 0.02; done
			touch here
			until [ -e ../one/here ] && [ -e ../other/here ]; do
				sleep 0.02
			done
			for i in 1 2 3; do gcc -c a.c -o '$name'$i.o; done' &
	done
	wait
	for name in one other; do
		is "two: who listens to $name hears" "$name""1.o $name""2.o $name""3.o" \
			"$(jq -r 'select(.state == "queued").object' \
			"$work/$name/heard" | xargs)"
	done
}

whole
silent
many
phases
another_user
killed
two
farm_end
