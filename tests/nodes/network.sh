#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# The lab itself: its nodes are separate machines, each fault has its effect,
# and nothing remains of the lab after any end.
. "$(dirname "$0")/lab.sh"
lab_begin "$@"

# An inner lab, which the test starts by another run of this script and ends.
linger()
{
	lab_node inner
	lab_limit inner memory=$((64 << 20))
	lab_kfarmd inner
	: >"$TMPDIR/up"
	sleep 600
	exit 1
}

if [ "${1:-}" = linger ]; then
	linger
fi

# connects FROM TO: a connection to sshd's port, within 2 s.
connects()
{
	local inside=()

	[ "$1" = build ] || inside=(lab_in "$1")
	"${inside[@]}" timeout 2 bash -c "exec 3<>/dev/tcp/$2/22" 2>/dev/null
}

reaches()
{
	wait_for 60 connects "$@"
}

reaches_not()
{
	! connects "$@"
}

# equal_in FILE: print the contents that more than one of a, b and this machine
# have.
equal_in()
{
	{
		lab_in a cat "$1"
		lab_in b cat "$1"
		[ ! -e "$1" ] || cat "$1"
	} | sort | uniq -d
}

nodes_apart()
{
	local f

	for f in /etc/machine-id /proc/sys/kernel/random/boot_id \
		/sys/class/net/eth0/address /proc/sys/kernel/hostname; do
		is "$f: of its own on each" "" "$(equal_in "$f")"
	done
	is "its processes are its own" 1 "$(lab_in a pgrep -o .)"
	lab_in a sh -c 'for d in /etc /var/lib /usr/local /home /run; do
		echo a >$d/lab.mark; done'
	is "what it writes, nobody else has" "" "$(ls /{etc,var/lib,usr/local,home,run}/lab.mark \
		2>/dev/null
		lab_in b sh -c 'ls /etc/lab.mark /run/lab.mark' 2>/dev/null)"
	is "the build host's names" "a build" \
		"$(ssh a uname -n) $(uname -n)"
	is "a user that is not root" 1000 "$(ssh board@b id -u)"
	check "over IPv6" ssh -6 a true
	check "node to node" reaches a "$(lab_ip b)"
}

# Print the time to transfer 128 KiB to the build host, in ms.
transfer_ms()
{
	local began=${EPOCHREALTIME/[.,]/}

	ssh a head -c 131072 /dev/zero >/dev/null
	echo $(((${EPOCHREALTIME/[.,]/} - began) / 1000))
}

lost_some()
{
	nft list chain netdev lab "v$(lab_number a)" | grep 'packets [1-9]'
}

faults_are()
{
	local way kind

	for kind in '' htb; do
		lab_rate a 1mbit $kind
		is "1 Mbit/s (${kind:-tbf}): 128 KiB take a second" 1 \
			$(($(transfer_ms) >= 900))
	done
	lab_rate a
	for way in to from both; do
		lab_cut a $way
		check "partition ($way): it is unreachable" reaches_not build a
		check "partition ($way): others are reached" reaches build b
		lab_mend a
		check "partition ($way) mended" reaches build a
	done
	lab_loss a 20 from
	transfer_ms >/dev/null
	check "20 % are lost" lost_some
	lab_mend a
	lab_link a down
	check "its cable is out" reaches_not build a
	lab_link a up
	check "its cable is in again" reaches build a
	lab_address b 10.77.0.99
	check "an address of its own choice" reaches build 10.77.0.99
	check "the old one is nobody's" reaches_not build 10.77.0.12
}

# stands_still NAME: check that its kfarmd is stopped.
stands_still()
{
	lab_in "$1" ps -o stat= -C kfarmd | grep -q '^T'
}

life()
{
	local boot

	boot=$(lab_in a cat /proc/sys/kernel/random/boot_id)
	lab_in a touch /var/lib/disk.mark
	lab_off a
	check "a node that is off" reaches_not build a
	lab_on a
	lab_sshd a
	check "on again" reaches build a
	check "with its disk" lab_in a test -e /var/lib/disk.mark
	is "with its machine id" "$(cat "$(lab_dir a)/etc/machine-id")" \
		"$(lab_in a cat /etc/machine-id)"
	is "with a boot id of its own" 1 \
		$(($(lab_in a grep -c "$boot" /proc/sys/kernel/random/boot_id) == 0))
	lab_kfarmd a
	lab_join a
	check "kfarmd runs" "$bin/kfarm" nodes probe
	is "the fingerprint of its key" "$(lab_fingerprint \
		"$(lab_dir a)/etc/kfarm/key.pem")" \
		"$(lab_in a "$bin/kfarmd" --init)"
	lab_signal a STOP
	check "stopped: kfarmd stands still" wait_for 60 stands_still a
	lab_signal a CONT
	lab_signal a KILL
	is "killed: only init is there" "" "$(lab_in a pgrep kfarmd)"
}

limits()
{
	if ! lab_limit a memory=$((48 << 20)); then
		left_out "limits" "no control groups (v1) for memory here"
		return
	fi
	check "beyond its memory" lab_in a sh -c \
		'! head -c 100000000 /dev/zero | tail >/dev/null 2>&1'
	lab_limit a cpu=20
	is "the group of what comes later" 1 \
		"$(lab_in a grep -c ':cpu:.*lab' /proc/self/cgroup)"
	lab_no_limit a
	is "no limit" "" "$(ls -d "$lab_groups"/*/kfarm-lab."$KFARM_LAB".* \
		2>/dev/null)"
}

# Succeeds if a process of the other lab runs: the lab's directory is in its
# environment or arguments.  The pattern does not match grep itself.  The output
# decides, because grep fails if any process ends meanwhile.
inner_runs()
{
	[ "$(grep -lsa "$work/inne[r]" /proc/[0-9]*/environ \
		/proc/[0-9]*/cmdline)" ]
}

# inner_is_gone PID
inner_is_gone()
{
	! inner_runs && ! compgen -G "$lab_groups/*/kfarm-lab.$1.*"
}

# inner_is_swept PID: After SIGKILL, only the sweep of a later lab removes the
# control groups.  A group cannot be removed before its last process has ended,
# so sweep again until no group remains.
inner_is_swept()
{
	lab_is_over "$1" && lab_sweep
	inner_is_gone "$1"
}

# ends_clean SIGNAL: check that another lab leaves nothing behind.
ends_clean()
{
	local pid gone=inner_is_gone

	[ "$1" != KILL ] || gone=inner_is_swept
	rm -rf "$work/inner"
	mkdir "$work/inner"
	setsid env -u KFARM_LAB --default-signal=INT TMPDIR="$work/inner" \
		"$0" linger >"$work/inner.log" 2>&1 &
	pid=$!
	wait_for 60 test -e "$work/inner/up" || cat "$work/inner.log"
	rm -f "$work/inner/up"
	check "before $1: it runs" inner_runs
	kill "-$1" -- -$pid
	[ "$1" != KILL ] || disown $pid
	wait_for 60 $gone $pid
	is "ended by $1: nothing runs, no control group is left" 0 $?
	[ "$1" = KILL ] || is "ended by $1: its directory" "" \
		"$(ls "$work/inner")"
}

lab_node a
lab_node b
if ! lab_sshd a || ! lab_sshd b; then
	left_out "the lab's network" "no sshd that lets anybody in"
	farm_end
fi
nodes_apart
faults_are
life
limits
ends_clean INT
ends_clean TERM
ends_clean KILL
farm_end
