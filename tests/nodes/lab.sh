# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# nodes/lab.sh - a build host and nodes, each with its own network, on one
# machine
#
# A test sources this file instead of farm/lib.sh, whose functions and variables
# it also provides, and begins with `lab_begin "$@"`.
#
# The test's own namespaces are the build host.  It has 10.77.0.1 and fd77::1 on
# a bridge, and the names of nodes in /etc/hosts.  A node is a set of child
# namespaces (net, mount, pid, uts, ipc) behind a veth pair.  It has its own
# /etc, /var, /run, /home, /usr/local, host name, machine id, MAC address, boot
# id and an init that reaps.  Only its control groups are visible outside.  All
# nodes end with the test, even on SIGKILL.
#
#	lab_begin "$@"	must come first; without root the test is skipped
#	lab_node NAME	create a node and switch it on
#	lab_off NAME	cut the power: no message to any peer
#	lab_on NAME	switch it on with its old disk and a new boot id
#	lab_ip NAME, lab_ip6 NAME
#			print its addresses
#	lab_address NAME 10.77.0.N
#			change its addresses, as by a new lease: the old
#			connections are dead
#	lab_in NAME COMMAND...
#			run a command on it, as its root
#	lab_dir NAME	print the directory of its etc/, var/, local/, home/
#	lab_sshd NAME	start sshd for root and the user `board`; then
#			`ssh NAME` works on the build host
#	lab_kfarmd NAME [ARG...]
#			(re)start its kfarmd --listen, over TLS, and exchange
#			the keys with kfarm
#	lab_clock NAME TIME
#			set its kfarmd's clock, as "+10y", from the next start
#	lab_stop_kfarmd NAME
#			end it (SIGTERM)
#	lab_join NAME [KEY=VALUE...]
#			add it to $KFARM_CONFIG
#	lab_signal NAME SIGNAL
#			signal all its processes except init: KILL, STOP, CONT
#	lab_link NAME up|down
#			connect or disconnect its cable
#	lab_rate NAME RATE [CLASSFUL]
#			limit both directions, as 1mbit; none: no limit; any
#			third word: use htb instead of tbf
#	lab_loss NAME PERCENT [to|from|both]
#			drop packets to it or from it
#	lab_cut NAME [to|from|both]
#			partition it: no packet arrives
#	lab_mend NAME	end loss and partition
#	lab_limit NAME memory=BYTES|cpu=PERCENT
#			cgroup v1; false if unsupported
#	lab_no_limit NAME
#			remove its limits
. "$(dirname "${BASH_SOURCE[0]}")/../farm/lib.sh"

lab= # the lab's directory in $work, with one directory per node
lab_port=3634
lab_reach=${LAB_REACH:-tls} # connection to kfarmd: tls, unix or ssh
lab_made=() # names in the order that determines the addresses
lab_groups=/sys/fs/cgroup
lab_kernel=() # command that precedes nodes' sshd
lab_faketime=$(find /usr/lib -path '*/faketime/libfaketime.so.1' 2>/dev/null)

lab_cannot()
{
	left_out "$(basename "$0" .sh)" "$*"
	farm_end
}

# A killed test leaves only control groups behind.
lab_sweep()
{
	local dir pid

	for dir in "$lab_groups"/{memory,cpu}/kfarm-lab.*/; do
		[ -d "$dir" ] || continue
		pid=${dir#*/kfarm-lab.}
		pid=${pid%%.*}
		kill -0 "$pid" 2>/dev/null || rmdir "$dir" 2>/dev/null
	done
}

lab_begin()
{
	local program

	if [ ! "${KFARM_LAB:-}" ]; then
		[ "$(id -u)" -eq 0 ] ||
			lab_cannot "namespaces with networks need root"
		PATH=$PATH:/usr/sbin:/sbin
		for program in ip tc nft nsenter unshare; do
			command -v $program >/dev/null ||
				lab_cannot "no $program"
		done
		lab_sweep
		# shellcheck disable=SC2016
		unshare -m -n -p -u -i --fork --mount-proc sh -c 'ip link add \
			v type veth peer name w && nft add table netdev t' \
			>/dev/null 2>&1 ||
			lab_cannot "no namespaces, veth or nftables here"
		export KFARM_LAB=$$
		exec unshare -m -n -p -u -i --fork --kill-child --mount-proc \
			"$0" "$@"
	fi
	farm_begin
	trap lab_cleanup EXIT
	lab=$work/lab
	mkdir -p "$lab/bin"
	lab_host
	lab_enter_script
	{
		declare -f lab_sys lab_init
		echo 'lab_init "$@"'
	} >"$lab/init"
}

lab_cleanup()
{
	local name

	trap '' INT TERM HUP
	for name in "${lab_made[@]}"; do
		lab_end_node "$name"
		lab_no_limit "$name"
	done
	farm_cleanup
}

# Set up the build host.
lab_host()
{
	hostname build
	cp /etc/hosts "$lab/hosts" 2>/dev/null || : >"$lab/hosts"
	mount --bind "$lab/hosts" /etc/hosts && mounts+=(/etc/hosts)
	ip link set lo up
	ip link add br0 type bridge mcast_snooping 0
	ip link set br0 up
	ip addr add 10.77.0.1/24 dev br0
	ip addr add fd77::1/64 dev br0 nodad 2>/dev/null
	nft add table netdev lab
	lab_sys "$lab/groups.d"
}

# Also used by `exec:` addresses.
lab_enter_script()
{
	cat >"$lab/enter" <<-END
	#!/bin/sh
	name=\$1
	shift
	while read -r group; do
		echo 0 >"\$group/cgroup.procs"
	done <"$lab/\$name/groups"
	exec nsenter -t "\$(cat "$lab/\$name/pid")" -m -n -p -u -i -- \\
		env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \\
		HOME=/home/root USER=root SHELL=/bin/bash LC_ALL=C.UTF-8 "\$@"
	END
	chmod +x "$lab/enter"
}

lab_in()
{
	"$lab/enter" "$@"
}

lab_dir()
{
	echo "$lab/$1"
}

# Print the node's number, which is 11 or more.
lab_number()
{
	cat "$lab/$1/number"
}

lab_ip()
{
	cat "$lab/$1/ip"
}

lab_ip6()
{
	local ip

	ip=$(lab_ip "$1")
	echo "fd77::${ip##*.}"
}

# ---- power ----

lab_etc()
{
	local etc=$1/etc name=$2 f

	mkdir -p "$etc"/{ssh,systemd/system,kfarm}
	rmdir "$etc/kfarm"
	for f in alternatives bash.bashrc ca-certificates debian_version \
		default environment ld.so.cache ld.so.conf ld.so.conf.d \
		login.defs localtime nsswitch.conf os-release pam.d profile \
		protocols security services shells ssl terminfo; do
		[ ! -e "/etc/$f" ] || cp -a "/etc/$f" "$etc/"
	done
	cat >"$etc/passwd" <<-END
	root:x:0:0:root:/home/root:/bin/bash
	sshd:x:102:65534::/run/sshd:/usr/sbin/nologin
	board:x:1000:1000::/home/board:/bin/bash
	nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
	END
	printf '%s:*:19000:0:99999:7:::\n' root sshd board nobody >"$etc/shadow"
	printf '%s\n' root:x:0: shadow:x:42: board:x:1000: nogroup:x:65534: \
		>"$etc/group"
	chmod 640 "$etc/shadow"
	echo "$name" >"$etc/hostname"
	printf '127.0.0.1 localhost\n10.77.0.1 build\n127.0.1.1 %s\n' "$name" \
		>"$etc/hosts"
	: >"$etc/resolv.conf"
	tr -d - </proc/sys/kernel/random/uuid >"$etc/machine-id"
}

# lab_node NAME [NUMBER]: NUMBER determines the addresses.
lab_node()
{
	local name=$1 dir=$lab/$1 number

	lab_made+=("$name")
	number=${2:-$((10 + ${#lab_made[@]}))}
	mkdir -p "$dir"/{etc,local,home/root,home/board,var/{lib,log,tmp,cache}}
	chmod 755 "$dir"
	chmod 700 "$dir/home/root"
	chmod 1777 "$dir/var/tmp"
	chown 1000:1000 "$dir/home/board"
	ln -s /run "$dir/var/run"
	lab_etc "$dir" "$name"
	echo "$number" >"$dir/number"
	echo "10.77.0.$number" >"$dir/ip"
	printf '02:77:00:00:00:%02x\n' "$number" >"$dir/mac"
	: >"$dir/groups"
	lab_hosts
	lab_on "$name"
}

lab_hosts()
{
	local name

	{
		echo '127.0.0.1 localhost build'
		for name in "${lab_made[@]}"; do
			printf '%s %s\n%s %s\n' "$(lab_ip "$name")" "$name" \
				"$(lab_ip6 "$name")" "$name"
		done
	} >"$lab/hosts"
}

# Mount the /sys of this network namespace, but keep the control groups.
lab_sys()
{
	mkdir -p "$1"
	mount --rbind /sys/fs/cgroup "$1" && mount -t sysfs sysfs /sys &&
		mount --rbind "$1" /sys/fs/cgroup && umount -l "$1"
}

# lab_init DIR NAME: the first process of a node.
lab_init()
{
	hostname "$2"
	lab_sys "$1/groups.d"
	mount --bind "$1/etc" /etc
	mount --bind "$1/var" /var
	mount --bind "$1/local" /usr/local
	mount --bind "$1/home" /home
	mount -t tmpfs -o mode=755 run /run
	[ ! -d /dev/shm ] || mount -t tmpfs -o mode=1777 shm /dev/shm
	mount --bind "$1/boot_id" /proc/sys/kernel/random/boot_id
	mkdir -p /run/sshd
	ip link set lo up
	echo >"$1/ready"
	while :; do sleep 3600; done
}

lab_on()
{
	local name=$1 dir=$lab/$1 holder number

	number=$(lab_number "$name")
	rm -f "$dir/ready"
	cat /proc/sys/kernel/random/uuid >"$dir/boot_id"
	env -i PATH="$PATH" unshare -m -n -p -u -i --fork --kill-child \
		--mount-proc bash "$lab/init" "$dir" "$name" </dev/null \
		>"$dir/init.log" 2>&1 &
	holder=$!
	disown $holder
	echo $holder >"$dir/holder"
	wait_for 60 test -e "$dir/ready" || {
		bad "node $name: it does not start"
		cat "$dir/init.log"
		farm_end
	}
	pgrep -P $holder >"$dir/pid"
	lab_cable "$name" "$number"
	lab_join_groups "$name"
}

lab_cable()
{
	local dir=$lab/$1 port=v$2 pid

	pid=$(cat "$dir/pid")
	ip link add "$port" type veth peer name eth0 netns "$pid" &&
		ip link set "$port" master br0 up || return
	lab_in "$1" sh -c "ip link set eth0 address $(cat "$dir/mac") up
		nft add table netdev lab"
	lab_number_it "$1"
	lab_chains "$1"
}

lab_number_it()
{
	lab_in "$1" sh -c "ip addr add $(lab_ip "$1")/24 dev eth0
		ip addr add $(lab_ip6 "$1")/64 dev eth0 nodad 2>/dev/null"
}

# Stop all processes at once without a message to peers: unplug the cable first.
lab_off()
{
	lab_link "$1" down
	lab_end_node "$1"
}

lab_end_node()
{
	local dir=$lab/$1 holder

	[ -e "$dir/pid" ] || return 0
	holder=$(cat "$dir/holder")
	kill -KILL "$(cat "$dir/pid")" "$holder" 2>/dev/null
	wait_for 60 lab_is_over "$holder"
	nft delete chain netdev lab "v$(lab_number "$1")" 2>/dev/null
	ip link del "v$(lab_number "$1")" 2>/dev/null
	rm -f "$dir/pid" "$dir/kfarmd.pid"
}

lab_is_over()
{
	! kill -0 "$1" 2>/dev/null
}

lab_address()
{
	lab_in "$1" ip addr flush dev eth0
	echo "$2" >"$lab/$1/ip"
	lab_number_it "$1"
	lab_hosts
}

lab_signal()
{
	lab_in "$1" sh -c "kill -$2 -1" 2>/dev/null
}

# ---- network ----

lab_link()
{
	ip link set "v$(lab_number "$1")" "$2"
}

# Packets are dropped at the receiving side, where the sender gets no error.
lab_chains()
{
	local port

	port=v$(lab_number "$1")
	nft "add chain netdev lab $port { type filter hook ingress \
		device \"$port\" priority 0; }"
	lab_in "$1" nft "add chain netdev lab eth0 { type filter hook ingress \
		device \"eth0\" priority 0; }"
}

# lab_rule NAME to|from|both RULE
lab_rule()
{
	[ "$2" = to ] || nft "add rule netdev lab v$(lab_number "$1") $3"
	[ "$2" = from ] || lab_in "$1" nft "add rule netdev lab eth0 $3"
}

# Disable offloading, so that each packet has the size of one on a cable.  Few
# merged packets would be lost.
lab_loss()
{
	local port

	port=v$(lab_number "$1")
	ip link set "$port" gso_max_segs 1
	lab_in "$1" ip link set eth0 gso_max_segs 1
	lab_rule "$1" "${3:-both}" "numgen random mod 100 < $2 counter drop"
}

lab_cut()
{
	lab_rule "$1" "${2:-both}" drop
}

lab_mend()
{
	nft "flush chain netdev lab v$(lab_number "$1")"
	lab_in "$1" nft "flush chain netdev lab eth0"
}

lab_shape()
{
	local where=$1 device=$2 rate=$3 burst=256k

	# The bucket has at most what a fast link transmits in a tick.
	case $rate in
	*kbit | ?mbit) burst=2k ;;
	esac
	$where tc qdisc del dev "$device" root 2>/dev/null
	[ "$rate" ] || return 0
	if [ "${4:-}" ]; then
		$where tc qdisc add dev "$device" root handle 1: htb default 1 &&
			$where tc class add dev "$device" parent 1: classid 1:1 \
				htb rate "$rate" burst $burst
	else
		$where tc qdisc add dev "$device" root tbf rate "$rate" \
			burst $burst latency 200ms
	fi
}

lab_rate()
{
	lab_shape '' "v$(lab_number "$1")" "${2:-}" "${3:-}" &&
		lab_shape "lab_in $1" eth0 "${2:-}" "${3:-}"
}

# ---- limits ----

# Print all processes of a node, including those in sandboxes.
lab_processes()
{
	local pid

	for pid; do
		echo "$pid"
		# shellcheck disable=SC2046
		lab_processes $(pgrep -P "$pid")
	done
}

lab_join_groups()
{
	local group pid

	while read -r group; do
		for pid in $(lab_processes "$(cat "$lab/$1/pid")"); do
			echo "$pid" >"$group/cgroup.procs"
		done
	done <"$lab/$1/groups" 2>/dev/null
}

lab_group()
{
	local group=$lab_groups/$2/kfarm-lab.$KFARM_LAB.$1

	[ -d "$lab_groups/$2" ] && mkdir -p "$group" || return
	grep -qx "$group" "$lab/$1/groups" || echo "$group" >>"$lab/$1/groups"
	echo "$group"
}

lab_limit()
{
	local group

	case $2 in
	memory=*)
		group=$(lab_group "$1" memory) || return
		echo "${2#*=}" >"$group/memory.limit_in_bytes" || return
		# With swap accounting, limit swap too.
		echo "${2#*=}" >"$group/memory.memsw.limit_in_bytes"
		;;
	cpu=*)
		group=$(lab_group "$1" cpu) || return
		echo 100000 >"$group/cpu.cfs_period_us" &&
			echo $((${2#*=} * 1000)) >"$group/cpu.cfs_quota_us"
		;;
	esac 2>/dev/null || return
	lab_join_groups "$1"
}

lab_no_limit()
{
	local group pid

	[ -e "$lab/$1/groups" ] || return 0
	while read -r group; do
		while read -r pid; do
			echo "$pid" >"$(dirname "$group")/cgroup.procs"
		done <"$group/cgroup.procs"
		rmdir "$group"
	done <"$lab/$1/groups" 2>/dev/null
	: >"$lab/$1/groups"
}

# ---- sshd ----

lab_sshd_program()
{
	PATH=$PATH:/usr/sbin:$bin/debian/openssh-server/usr/sbin \
		command -v sshd
}

# Return false without sshd or if no user can log in.
lab_sshd()
{
	local name=$1 dir=$lab/$1 sshd lib

	sshd=$(lab_sshd_program) && command -v ssh >/dev/null || return
	lib=$(echo "$bin"/debian/libwrap0/usr/lib/*)
	lab_ssh_client
	[ -e "$dir/etc/ssh/host" ] || {
		ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$dir/etc/ssh/host"
		printf '%s,%s %s\n' "$name" "$(lab_ip "$name")" \
			"$(cut -d ' ' -f 1-2 "$dir/etc/ssh/host.pub")" \
			>>"$lab/known_hosts"
	}
	cp "$lab/ssh_key.pub" "$dir/etc/ssh/authorized"
	# The default key exchange takes most of the time of a connection.
	printf '%s\n' 'Port 22' 'HostKey /etc/ssh/host' 'StrictModes no' \
		'KexAlgorithms curve25519-sha256' \
		'UsePAM no' 'AuthorizedKeysFile /etc/ssh/authorized' \
		'PidFile /run/sshd.pid' 'MaxStartups 100' 'UseDNS no' \
		>"$dir/etc/ssh/sshd_config"
	lab_in "$name" env LD_LIBRARY_PATH="$lib" "${lab_kernel[@]}" "$sshd" \
		-f /etc/ssh/sshd_config -E /var/log/sshd || return
	wait_for 60 ssh "$name" true
}

# Add the nodes' host keys to `ssh`, as a first login does.
lab_ssh_client()
{
	[ ! -e "$lab/bin/ssh" ] || return 0
	ssh-keygen -q -t ed25519 -N '' -f "$lab/ssh_key"
	cat >"$lab/ssh_config" <<-END
	Host *
		User root
		IdentityFile $lab/ssh_key
		IdentitiesOnly yes
		UserKnownHostsFile $lab/known_hosts
		GlobalKnownHostsFile /dev/null
		BatchMode yes
	END
	printf '#!/bin/sh\nexec %s -F %s "$@"\n' "$(command -v ssh)" \
		"$lab/ssh_config" >"$lab/bin/ssh"
	chmod +x "$lab/bin/ssh"
	PATH=$lab/bin:$PATH
}

# ---- kfarmd ----

# lab_make_key FILE, lab_fingerprint FILE: by openssl, in the form of RFC 8410.
lab_make_key()
{
	[ -e "$1" ] || {
		mkdir -p "$(dirname "$1")" &&
			openssl genpkey -quiet -algorithm ed25519 -out "$1" &&
			chmod 600 "$1"
	}
}

lab_fingerprint()
{
	echo "SHA256:$(openssl pkey -in "$1" -pubout -outform DER |
		openssl dgst -sha256 -binary | base64 | tr -d =)"
}

# Exchange the fingerprints of node and build host.
lab_keys()
{
	local etc=$lab/$1/etc/kfarm own=$XDG_CONFIG_HOME/kfarm/key.pem

	lab_make_key "$own" && lab_make_key "$etc/key.pem" || return
	[ -e "$etc/clients" ] ||
		echo "$(lab_fingerprint "$own") build" >"$etc/clients"
}

lab_clock()
{
	if [ ! "$lab_faketime" ]; then
		echo "no libfaketime here" >&2
		return 1
	fi
	echo "$2" >"$lab/$1/clock"
}

# Start the listener that $lab_reach selects.
lab_listens()
{
	case $lab_reach in
	unix) echo "unix:$lab/$1/kfarmd.sock" ;;
	tls) echo $lab_port ;;
	esac
}

lab_answers()
{
	if [ $lab_reach = unix ]; then
		test -S "$lab/$1/kfarmd.sock"
	else
		lab_in "$1" ss -Hltn "sport = :$lab_port" | grep -q .
	fi
}

lab_kfarmd()
{
	local name=$1 dir=$lab/$1 clock=()

	shift
	lab_stop_kfarmd "$name"
	lab_keys "$name" || return
	if [ $lab_reach = ssh ]; then
		mkdir -p "$dir/local/bin"
		printf '#!/bin/sh\nexec %s %s "$@"\n' "$bin/kfarmd" "$*" \
			>"$dir/local/bin/kfarmd" &&
			chmod +x "$dir/local/bin/kfarmd"
		return
	fi
	[ ! -s "$dir/clock" ] || clock=(env "LD_PRELOAD=$lab_faketime"
		"FAKETIME=$(cat "$dir/clock")" FAKETIME_DONT_FAKE_MONOTONIC=1)
	# shellcheck disable=SC2016
	lab_in "$name" "${clock[@]}" setsid --fork sh -c '
		echo $$ >/run/kfarmd.pid; exec "$@" >>/var/log/kfarmd 2>&1' sh \
		"$bin/kfarmd" --listen "$(lab_listens "$name")" "$@" || return
	wait_for 60 lab_answers "$name" || {
		lab_in "$name" tail -n 5 /var/log/kfarmd
		return 1
	}
}

lab_stop_kfarmd()
{
	# shellcheck disable=SC2016
	lab_in "$1" sh -c 'pid=$(cat /run/kfarmd.pid 2>/dev/null) || exit 0
		kill $pid 2>/dev/null
		for i in $(seq 100); do
			kill -0 $pid 2>/dev/null || break
			sleep 0.05
		done; rm -f /run/kfarmd.pid'
}

# Print the address by which kfarm connects to the node.
lab_join()
{
	local name=$1 line

	shift
	{
		printf '[node "%s"]\n' "$name"
		case $lab_reach in
		unix) printf '\taddress = unix:%s\n' "$lab/$name/kfarmd.sock" ;;
		ssh) printf '\taddress = ssh:%s\n' "$name" ;;
		tls)
			printf '\taddress = tls:%s\n' "$name"
			printf '\tkey = %s\n' "$(lab_fingerprint \
				"$lab/$name/etc/kfarm/key.pem")"
			;;
		esac
		for line in "$@"; do
			printf '\t%s = %s\n' "${line%%=*}" "${line#*=}"
		done
	} >>"$KFARM_CONFIG"
}
