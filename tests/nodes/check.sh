#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# kfarm nodes check: each row passes on a good node and fails for the fault that
# it tests.  Then a burn-in: a node with wrong results, one with crashing
# compilers, one that restarts, and an interrupt.
. "$(dirname "$0")/lab.sh"
lab_begin "$@"
badnode=$(badnode) || exit 1
burn=${SOAK:+60s}

# check_nodes NAME...: the exit status is in $status.
check_nodes()
{
	"$bin/kfarm" nodes check --json "$@" >"$work/check.json" \
		2>"$work/check.err"
	status=$?
}

# row NODE ROW: print the result of the row, such as "failed".
row()
{
	jq -r --arg n "$1" --arg r "$2" '.nodes[] | select(.name == $n) |
		.rows[] | select(.row == $r) | .state' "$work/check.json"
}

# words NODE ROW: print the problem and the advice of the row.
words()
{
	jq -r --arg n "$1" --arg r "$2" '.nodes[] | select(.name == $n) |
		.rows[] | select(.row == $r) | .what, .todo' "$work/check.json"
}

# burnt NODE KEY: print a figure of the node's burn-in.
burnt()
{
	jq -r --arg n "$1" --arg k "$2" '.nodes[] | select(.name == $n) |
		.burn_in[$k]' "$work/check.json"
}

# all_but NODE FAILED: check that only these rows, separated by blanks, failed.
all_but()
{
	is "$1: what fails: ${2:-nothing}" "$2" "$(jq -r --arg n "$1" '.nodes[] |
		select(.name == $n) | [.rows[] | select(.state == "failed") |
		.row] | join(" ")' "$work/check.json")"
}

# says NODE ROW TEXT: check that the row contains the text.
says()
{
	case $(words "$1" "$2") in
	*"$3"*) good "$1: $2: \"$3\"" ;;
	*) bad "$1: $2: no \"$3\" in: $(words "$1" "$2")" ;;
	esac
}

a_good_node()
{
	local r

	check_nodes a
	is "a good node: status" 0 $status
	all_but a ""
	for r in reach key clock disk sandbox canary answer; do
		is "a good node: $r" good "$(row a $r)"
	done
	# On a busy machine, even the link to itself is slow.
	check "a good node: link" grep -qE 'good|poor' <<<"$(row a link)"
	"$bin/kfarm" nodes check a >"$work/table" 2>/dev/null
	check "its line" grep -q '^a .* ok  *ok  *ok$' "$work/table"
	at_most "columns" 80 "$(wc -L <"$work/table")"
	is "its kfarmd has nothing to say of it" "" "$(
		lab_in a grep -e refused -e lost /var/log/kfarmd)"
}

# A network card like a board's; the lab's virtual interfaces have no hardware.
card='mount -t tmpfs none /sys/class/net && mkdir -p /sys/class/net/eth0/device &&
	echo 1 >/sys/class/net/eth0/type && cd /sys/class/net/eth0 &&
	echo 00:1e:06:00:00:07 >address'

a_mac_address_of_two()
{
	echo "$card; exec $kfarmd" >"$work/twin"
	node twin "unshare -m sh $work/twin" slots=1
	lab_in a sh -c "$card"
	check_nodes a twin
	lab_in a umount /sys/class/net
	is "a MAC address of two: status" 0 $status
	is "on the first" poor "$(row a key)"
	is "on the second" poor "$(row twin key)"
	says twin key "same MAC address 00:1e:06:00:00:07"
}

a_slow_link()
{
	lab_rate a 4mbit
	check_nodes a
	lab_rate a
	is "a slow link: status" 1 $status
	all_but a link
	says a link "bandwidth is"
	at_most "what was measured, kb/s" 4500 \
		"$(($(jq '.nodes[0].link_bits' "$work/check.json") / 1000))"
}

# The messages of the greeting fit into small packets.
lost_large_packets()
{
	lab_rule a to 'meta length > 1000 drop'
	check_nodes a
	lab_mend a
	is "lost large packets: status" 1 $status
	is "lost large packets: reach" good "$(row a reach)"
	is "lost large packets: link" failed "$(row a link)"
	says a link "set a smaller MTU"
}

a_wrong_clock()
{
	# The names of libfaketime's semaphores contain the process id.
	lab_in a mount -t tmpfs none /dev/shm
	lab_clock a +10y 2>/dev/null || {
		left_out "a wrong clock" "no libfaketime"
		return
	}
	lab_kfarmd a
	check_nodes a
	all_but a clock
	says a clock "10.0 years ahead"
	says a clock "timedatectl"
	: >"$(lab_dir a)/clock"
}

a_full_disk()
{
	lab_in a sh -c 'mkdir -p /run/store && mount -t tmpfs -o \
		size=200m,mode=700 none /run/store'
	lab_kfarmd a --store /run/store
	check_nodes a
	is "a full disk" failed "$(row a disk)"
	says a disk "a compiler and its inputs"
	lab_kfarmd a
}

keys_that_differ()
{
	local clients

	clients=$(lab_dir a)/etc/kfarm/clients
	cp "$clients" "$work/clients"
	: >"$clients"
	check_nodes a
	is "its list lacks this machine: status" 1 $status
	all_but a key
	says a key "rejected the key of this machine"
	says a key "/etc/kfarm/clients"
	cp "$work/clients" "$clients"
	cp "$KFARM_CONFIG" "$work/config.before"
	sed -i 's/key = SHA256:../key = SHA256:AA/' "$KFARM_CONFIG"
	check_nodes a
	all_but a key
	says a key "key mismatch: node has SHA256:"
	cp "$work/config.before" "$KFARM_CONFIG"
}

not_there()
{
	local began=$SECONDS

	lab_link a down
	check_nodes a good
	all_but a reach
	says a reach "systemctl status kfarmd"
	all_but good ""
	at_most "seconds" 20 $((SECONDS - began))
	lab_link a up
	lab_stop_kfarmd a
	check_nodes a
	all_but a reach
	says a reach "refused"
	lab_kfarmd a
}

others_that_fail()
{
	# As root, kfarmd works without user namespaces, but not without all of
	# these.
	cat >"$work/bare" <<-END
	#!/bin/sh
	for kind in user mnt pid; do
		echo 0 >/proc/sys/user/max_\${kind}_namespaces
	done
	exec $bin/kfarmd --stdio
	END
	chmod +x "$work/bare"
	node bare "unshare -Ur $work/bare"
	node errs "'$badnode' seldom=5 0 $kfarmd" slots=1
	node damages "'$badnode' flip 2 $kfarmd" slots=1
	node falls "'$badnode' crashes=6 1 $kfarmd" slots=1
	check_nodes bare errs damages falls
	is "status" 1 $status
	all_but bare sandbox
	says bare sandbox "user.max_"
	is "one that errs: canary" failed "$(row errs canary)"
	says errs canary "object differs from the local one"
	is "one that damages answers" failed "$(row damages canary)"
	says damages canary "damaged in transit"
	is "one whose compiler crashes" failed "$(row falls canary)"
	says falls canary "Segmentation fault"
}

# A node on the build host is not reached through a cable.  Its store has the
# compiler from the tests above.
a_slow_build_host()
{
	cat >"$work/slowly" <<-'END'
	import os, time
	while data := os.read(0, 1 << 16):
	    os.write(1, data)
	    time.sleep(0.1)
	END
	node slow "python3 $work/slowly | $kfarmd" slots=1
	check_nodes slow
	is "a slow build host: status" 1 $status
	says slow link "the node is this machine, which was too busy"
}

a_burns()
{
	lab_in a "$bin/kfarmd" --status | grep -q burn-
}

restart_a()
{
	wait_for 60 a_burns
	# A killed kfarmd closes the connection; an unplugged cable is detected
	# later.
	lab_signal a KILL
	lab_off a
	lab_on a
	lab_kfarmd a
}

# burnt_class NODE CLASS KEY: print a figure of the burn-in on its cores of that
# class.
burnt_class()
{
	jq -r --arg n "$1" --arg c "$2" --arg k "$3" '.nodes[] |
		select(.name == $n) | .burn_in.classes[] | select(.cores == $c) |
		.[$k]' "$work/check.json"
}

# A board with as many CPUs as this machine, of which the first has another type
# and is too hot.  The two classes differ in name only.
a_board_of_two_classes()
{
	cpus=($(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status |
		tr , '\n' | while IFS=- read -r first last; do
			seq "$first" "${last:-$first}"
		done))
	cat >"$work/two.sh" <<-END
	cpu=/sys/devices/system/cpu
	mount -t tmpfs none \$cpu && mount -t tmpfs none /sys/class/thermal || exit 1
	cd \$cpu
	echo "$(IFS=,; echo "${cpus[*]}")" | tee present >online
	for i in ${cpus[*]}; do
		part=0xd03 khz=1416000 now=1416000 policy=${cpus[1]}
		[ \$i = ${cpus[0]} ] && part=0xd08 khz=1800000 now=1200000 policy=\$i
		mkdir -p cpu\$i/cpufreq cpufreq/policy\$policy
		echo \$khz | tee cpu\$i/cpufreq/cpuinfo_max_freq \\
			>cpufreq/policy\$policy/cpuinfo_max_freq
		echo \$now >cpufreq/policy\$policy/scaling_max_freq
		echo \$i >>cpufreq/policy\$policy/cpus
		tr '\n' ' ' <cpufreq/policy\$policy/cpus \\
			>cpufreq/policy\$policy/affected_cpus
		printf 'processor\t: %d\nCPU implementer\t: 0x41\nCPU part\t: %s\n\n' \\
			\$i \$part >>$work/cpuinfo
	done
	mount --bind $work/cpuinfo /proc/cpuinfo || exit 1
	mkdir -p /sys/class/thermal/thermal_zone0
	echo big-thermal >/sys/class/thermal/thermal_zone0/type
	echo 61000 >/sys/class/thermal/thermal_zone0/temp
	exec $kfarmd
	END
	node two "unshare -m sh $work/two.sh"
}

# Log each CPU set of the node's compilers once, until $work/burnt exists.
watch_cpus()
{
	local kfarmd

	while [ ! -e "$work/burnt" ]; do
		kfarmd=$(cat "$work/nodes/two" 2>/dev/null) &&
			ps -e -o pid=,ppid=,comm= | awk -v top="$kfarmd" '
				{ above[$1] = $2; name[$1] = $3 }
				END { for (p in name) if (name[p] == "cc1") {
					for (at = p; at > 1 && at != top; )
						at = above[at]
					if (at == top) print p } }' |
			while read -r pid; do
				sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' \
					"/proc/$pid/status" 2>/dev/null
			done
		sleep 0.1
	done | sort -u >"$work/ran-on"
}

# Repeat with a longer time, because a busy machine runs few jobs.
burn_nodes()
{
	local time restarting

	for time in ${burn:-11s 33s 99s}; do
		rm -f "$work/cpuinfo"
		restart_a &
		restarting=$!
		check_nodes --burn-in "$time" a good seldom crash \
			${cpus[1]:+two}
		wait $restarting
		[ "$(burnt seldom wrong)" -gt 0 ] &&
			[ "$(burnt seldom right)" -gt 0 ] &&
			[ "$(burnt crash crashed)" -gt 0 ] &&
			[ "$(burnt a restarts)" -gt 0 ] && break
	done
	: >"$work/burnt"
}

burn_in()
{
	local watching

	# Both execute 16 units correctly before the burn-in.  Its units are
	# long, so let every other one fail, the first among them.
	node seldom "'$badnode' seldom=2 16 $kfarmd" slots=1
	node crash "'$badnode' crashes=2 16 $kfarmd" slots=1
	a_board_of_two_classes
	watch_cpus &
	watching=$!
	burn_nodes
	wait $watching
	is "burn-in: status" 1 $status
	is "a good one: row" good "$(row good burn-in)"
	is "a good one: wrong" 0 "$(burnt good wrong)"
	check "a good one: right answers" [ "$(burnt good right)" -gt 0 ]
	is "one that errs: before it" good "$(row seldom canary)"
	is "one that errs: row" failed "$(row seldom burn-in)"
	check "one that errs: wrong" [ "$(burnt seldom wrong)" -gt 0 ]
	check "one that errs: right" [ "$(burnt seldom right)" -gt 0 ]
	says seldom burn-in "object differs from the local one"
	check "one that crashes" [ "$(burnt crash crashed)" -gt 0 ]
	says crash burn-in "Segmentation fault"
	is "one that restarts" 1 "$(burnt a restarts)"
	says a burn-in "restarted 1 time"
}

by_class()
{
	local big=Cortex-A72 little=Cortex-A53

	[ "${cpus[1]}" ] || {
		left_out "classes of cores" "one CPU"
		return
	}
	is "two classes: row" poor "$(row two burn-in)"
	check "jobs on the large core" \
		[ "$(burnt_class two $big right)" -gt 0 ]
	check "on the small ones" [ "$(burnt_class two $little right)" -gt 0 ]
	is "all of them" "$(burnt two right)" $(($(burnt_class two $big right) + \
		$(burnt_class two $little right)))
	is "the large one slowed down" 0.666 \
		"$(burnt_class two $big slowest_clock)"
	check "the others did not" \
		jq -e --arg c $little '.nodes[] | select(.name == "two") |
		.burn_in.classes[] | select(.cores == $c) |
		.slowest_clock == 1' "$work/check.json"
	says two burn-in "$big to 66 %"
	is "the heat of its zone" "big-thermal 61" "$(jq -r '.nodes[] |
		select(.name == "two") | .burn_in.zones[] |
		"\(.name) \(.hottest_celsius | floor)"' "$work/check.json")"
	# The canary's compilers can run on any CPU.
	check "where its compilers ran: $(tr '\n' ' ' <"$work/ran-on")" \
		grep -qx "${cpus[0]}" "$work/ran-on"
}

interrupted()
{
	local pid

	# Without a terminal, up to a minute passes between two reports of progress.
	cat >"$work/on-terminal" <<-END
	echo \$\$ >$work/burning
	exec env --default-signal=INT TERM=xterm $bin/kfarm nodes check \
		--burn-in=10m good >$work/table
	END
	script -qefc "sh $work/on-terminal" "$work/words" >/dev/null </dev/null &
	check "the progress of a burn-in" wait_for 300 \
		grep -q 'good  *[1-9][0-9]* correct' "$work/words"
	pid=$(cat "$work/burning")
	kill -INT "$pid"
	wait_for 20 lab_is_over "$pid" || kill -KILL "$pid"
	wait $!
	is "an interrupt: status" 130 $?
	check "and the report" grep -q '^burn-in of .*interrupted' "$work/table"
	check "with the node's line" grep -q '^good  *[0-9]' "$work/table"
	is "nothing remains" "" "$(ls "$XDG_RUNTIME_DIR/kfarm")"
}

lab_node a
lab_kfarmd a
lab_join a slots=1
node good "$kfarmd" slots=1

a_good_node
a_slow_link
lost_large_packets
a_wrong_clock
a_full_disk
keys_that_differ
a_mac_address_of_two
not_there
others_that_fail
a_slow_build_host
burn_in
by_class
interrupted
farm_end
