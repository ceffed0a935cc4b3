#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# timeout: 1200
#
# faults.sh [FAULT]... - faults of nodes while a kernel is built over TLS
#
# Nodes die, stop, lose their connection or packets, have a slow link, return
# with another boot id or address, run out of disk or memory, ... The build ends
# with make's status, its objects equal make's, and no compile takes more than
# 15 s longer than without the fault.  A table at the end lists the faults.
#
# In the short form (make check) three nodes fail in different ways during a
# build of a small tree.  The build continues until kfarm has detected the
# faults and the nodes that can recover are back.  ROUNDS=N repeats that N
# times.  SOAK=N (make faults) tests each fault alone, N times, with lib/ and
# mm/ of Linux's tinyconfig.
. "$(dirname "$0")/lab.sh"
lab_begin "$@"

limit_s=15
store=/var/lib/kfarm
gcc_lib=$(dirname "$(aarch64-linux-gnu-gcc -print-prog-name=cc1)")
fault_nodes=(n1 n2 n3)

# Builds of the short form.  The faults of a line occur concurrently.
groups='killed stopped cut-to
cut-from cut-both cable
loss-1 loss-5 loss-20
narrow narrow-cold quota
restart address kfarmd-restarted
disk-full memory compiler-on-node
clock+10y clock-10y compiler-here
old-protocol new-protocol cloned'

# ---- the faults ----

# words FAULT: print kfarm's report about the node in its events, or about the
# build in its metadata (a regular expression); empty if kfarm can miss the
# fault.
words()
{
	case $1 in
	stopped | cut-* | cable) echo 'silent for 5 s' ;;
	address | restart) echo 'silent for 5 s' ;;
	killed | kfarmd-restarted) echo '"state":"(resting|down)"' ;;
	disk-full) echo 'space|room|full' ;;
	memory) echo 'memory|killed|signal|resting|down' ;;
	compiler-on-node) echo '"state":"shipping"' ;;
	old-protocol) echo 'speaks protocol 1 to 1' ;;
	new-protocol) echo 'speaks protocol 99 to 99' ;;
	cloned) echo 'two machines with the same key' ;;
	clock*) echo '"jobs":[1-9]' ;;
	esac
}

# comes_back FAULT: return true if the node gets jobs again after the fault.
comes_back()
{
	case $1 in
	killed | stopped | cut-* | cable | restart | address) ;;
	kfarmd-restarted | compiler-on-node) ;;
	*) return 1 ;;
	esac
}

# before FAULT NODE: start kfarmd and prepare the fault.
before()
{
	local fault=$1 node=$2

	lab_mend "$node"
	lab_rate "$node"
	lab_no_limit "$node"
	: >"$(lab_dir "$node")/clock"
	lab_stop_kfarmd "$node"
	fresh_store "$node" "$fault"
	case $fault in
	clock+10y | clock-10y) lab_clock "$node" "${fault#clock}" ;;
	narrow-cold) lab_rate "$node" 1mbit ;;
	memory) lab_limit "$node" memory=$((2 << 30)) ;;
	esac
	case $fault in
	old-protocol | new-protocol) other_protocol "$fault" "$node" ;;
	*)
		lab_kfarmd "$node" --store $store
		lab_join "$node" slots=3
		;;
	esac
	[ "$fault" != cloned ] || clone "$node"
}

# Copy the disk with kfarmd's key to another machine.
clone()
{
	cp -p "$(lab_dir "$1")/etc/kfarm/key.pem" "$(lab_dir twin)/etc/kfarm/"
	lab_kfarmd twin --store $store
	lab_join twin slots=3
}

other_protocol()
{
	local version=1

	[ "$1" = old-protocol ] || version=99
	lab_kfarmd "$2" --store $store
	node "$2" "'$lab/enter' $2 '$badnode' version=$version 0 \
'$bin/kfarmd' --stdio --store $store"
}

# during FAULT NODE: cause the fault.
during()
{
	local fault=$1 node=$2

	case $fault in
	killed) lab_signal "$node" KILL ;;
	stopped) lab_signal "$node" STOP ;;
	cut-*) lab_cut "$node" "${fault#cut-}" ;;
	cable) lab_link "$node" down ;;
	loss-*) lab_loss "$node" "${fault#loss-}" ;;
	narrow) lab_rate "$node" $narrow ;;
	quota) lab_limit "$node" cpu=10 ;;
	restart) lab_off "$node" ;;
	kfarmd-restarted) lab_kfarmd "$node" --store $store ;;
	address) lab_address "$node" "10.77.0.$((100 + RANDOM % 100))" ;;
	disk-full) lab_in "$node" sh -c "cat /dev/zero >$store/filler" \
		2>/dev/null ;;
	memory) squeeze "$node" ;;
	compiler-on-node)
		other_compiler_there "$node"
		lab_kfarmd "$node" --store $store
		;;
	compiler-here) other_compiler_here ;;
	esac
	return 0
}

# happened FAULT NODE: check that a fault occurred that kfarm need not report.
happened()
{
	case $1 in
	loss-*) { nft list chain netdev lab "v$(lab_number "$2")" &&
		lab_in "$2" nft list chain netdev lab eth0; } |
		grep -q 'packets [1-9]' ;;
	narrow*) { tc -s qdisc show dev "v$(lab_number "$2")" &&
		lab_in "$2" tc -s qdisc show dev eth0; } |
		grep -q 'overlimits [1-9]' ;;
	quota) grep -q 'nr_throttled [1-9]' "$(limits_of "$2" cpu)/cpu.stat" ;;
	memory) grep -q 'oom_kill [1-9]' \
		"$(limits_of "$2" memory)/memory.oom_control" ;;
	clock*) lab_in "$2" sh -c \
		'grep -q libfaketime "/proc/$(cat /run/kfarmd.pid)/maps"' ;;
	compiler-here) ! cmp -s "$work/cc1" "$gcc_lib/cc1" ;;
	esac
}

limits_of()
{
	grep "/$2/" "$(lab_dir "$1")/groups"
}

# after FAULT NODE: end the fault; some faults last until the end of the build.
after()
{
	local fault=$1 node=$2

	case $fault in
	stopped) lab_signal "$node" CONT ;;
	cable) lab_link "$node" up ;;
	cut-*) lab_mend "$node" ;;
	restart)
		lab_on "$node"
		[ "$lab_reach" != ssh ] || lab_sshd "$node"
		lab_kfarmd "$node" --store $store
		;;
	killed) lab_kfarmd "$node" --store $store ;;
	esac
	return 0
}

# Reduce the limit step by step towards the current usage, but leave enough
# memory for kfarmd.
squeeze()
{
	local group used limit

	group=$(limits_of "$1" memory) || return
	used=$(cat "$group/memory.usage_in_bytes")
	limit=$(cat "$group/memory.limit_in_bytes")
	limit=$((limit / 8 * 7))
	[ $limit -le $((used + (4 << 20))) ] || limit=$((used + (4 << 20)))
	[ $limit -ge $((32 << 20)) ] || return 0
	lab_limit "$1" memory=$limit
}

# Change a string of the compiler that is part of each object.
reword()
{
	LC_ALL=C sed 's/(Debian 12/(Forged 12/' "$1"
}

# Send foreign packets: more at once than a slow link can queue, and enough over
# time to lose one.
use_link()
{
	lab_in "$1" bash -c 'head -c 8000 /dev/zero >/dev/udp/10.77.0.1/9'
}

other_compiler_there()
{
	local digest

	digest=$(sha256sum <"$work/cc1")
	blob=$(lab_dir "$1")$store/sha256/${digest:0:2}/${digest:2:62}
	[ -e "$blob" ] || bad "compiler-on-node: the store has no cc1"
	chmod u+w "$blob"
	reword "$work/cc1" >"$work/cc1.forged"
	! cmp -s "$work/cc1" "$work/cc1.forged" || bad "compiler-on-node: no word"
	cat "$work/cc1.forged" >"$blob"
}

# Install another build of the compiler with equal output.
other_compiler_here()
{
	{ cat "$work/cc1" && echo; } >"$gcc_lib/cc1.new" &&
		chmod 755 "$gcc_lib/cc1.new" &&
		mv "$gcc_lib/cc1.new" "$gcc_lib/cc1"
}

# ---- a build ----

# Fill the node's disk with all files, only the compiler, or no file.
fresh_store()
{
	local at

	at=$(lab_dir "$1")$store
	lab_in "$1" umount $store 2>/dev/null
	rm -rf "$at"
	mkdir -p "$at"
	case $2 in
	narrow-cold) return ;;
	disk-full)
		lab_in "$1" mount -t tmpfs -o size=200m,mode=700 t $store
		lab_in "$1" cp -a "$work/toolchains/." $store/
		;;
	*) cp -a "$work/warm/." "$at/" ;;
	esac
}

prepare_nodes()
{
	local node

	for node in good twin "${fault_nodes[@]}"; do
		lab_node "$node"
		[ "$lab_reach" != ssh ] || lab_sshd "$node"
	done
	lab_keys twin
	lab_kfarmd good --store $store
	no_nodes
	lab_join good slots=3
	if [ "$soak" ]; then
		farm_fresh
		kfarm_build -j 4 "${targets[@]}"
	else
		farm_warm -j 4 "${targets[@]}"
	fi
	cp -a "$(lab_dir good)$store" "$work/warm"
	rm -rf "$work/warm/live"
	toolchains_of "$work/warm" "$work/toolchains"
}

# Copy the build host's compiler into a private directory.
own_compiler()
{
	cp -a "$gcc_lib" "$work/gcc"
	mount --bind "$work/gcc" "$gcc_lib" && mounts+=("$gcc_lib")
	cp -p "$gcc_lib/cc1" "$work/cc1"
}

# said_of NODE PATTERN: check kfarm's events for a report about the node.
said_of()
{
	grep -h "\"node\":\"$1\"" "$work/events" 2>/dev/null |
		grep -E "$2"
}

# told FAULT NODE: check the report after the build.
told()
{
	local wanted

	[ "$1" != compiler-on-node ] ||
		is "$1: the store has the right one again" \
			"$(sha256sum <"$work/cc1")" "$(sha256sum <"$blob")"
	wanted=$(words "$1")
	case $wanted in
	'') ;;
	'"jobs"'*)
		check "$1: the node had jobs" \
			test "$(meta ".nodes[\"$2\"].jobs")" -ge 1
		;;
	*) check "$1: kfarm says $wanted" said_of "$2" "$wanted" ;;
	esac
	[ "$1" != cloned ] || is "$1: jobs of either" "0 0" \
		"$(meta ".nodes[\"$2\"].jobs") $(meta .nodes.twin.jobs)"
}

# seen FAULT NODE: check that the fault occurred and that kfarm has reported it
# or need not report it.
seen()
{
	local wanted

	happened "$1" "$2" || return
	wanted=$(words "$1")
	case $wanted in
	'' | '"jobs"'*) ;;
	*) said_of "$2" "$wanted" ;;
	esac
}

# jobs_of NODE: print the number of its jobs in this build.
jobs_of()
{
	grep -c "\"state\":\"receive\".*\"node\":\"$1\"" "$work/events"
}

does_jobs()
{
	[ "$(jobs_of "$1")" -gt "$2" ]
}

over_or_seen()
{
	seen "$@" || ! kill -0 "$kfarm" || again "$@"
}

# again FAULT NODE: the fault has not occurred, so cause it again; return false.
again()
{
	case $1 in
	memory)
		[ $((RANDOM % 20)) -gt 0 ] || happened "$1" "$2" ||
			squeeze "$2"
		;;
	narrow | loss-*) use_link "$2" ;;
	esac
	return 1
}

# Wait until kfarm has detected all faults and, in the short form, until the
# nodes that can recover are back.
watch()
{
	local i before=()

	for i in "${!faults[@]}"; do
		wait_for 60 over_or_seen "${faults[i]}" "${fault_nodes[i]}"
	done
	for i in "${!faults[@]}"; do
		check "${faults[i]}: it happened" \
			happened "${faults[i]}" "${fault_nodes[i]}"
		before[i]=$(jobs_of "${fault_nodes[i]}")
		after "${faults[i]}" "${fault_nodes[i]}"
	done
	[ ! "$soak" ] || return 0
	for i in "${!faults[@]}"; do
		comes_back "${faults[i]}" || continue
		wait_for 60 does_jobs "${fault_nodes[i]}" "${before[i]}"
		is "${faults[i]}: the node is back and gets jobs" 0 $?
	done
	rm -f "$work/hold"
}

# Print the longest time of a job, and the time of the tree's last job, in ms.
longest_and_last()
{
	jq -r 'select(.event == "job") | [.job, .state, .t, .object // ""] | @tsv' \
		"$work/events" | awk -F '\t' '
		$2 == "queued" { from[$1] = $3; held[$1] = $4 ~ /\.hold\./ }
		$2 == "done" {
			if ($3 - from[$1] > longest) longest = $3 - from[$1]
			if (!held[$1] && $3 > last) last = $3
		}
		END { printf "%d %d\n", longest * 1000, last * 1000 }'
}

# Print the objects that differ from make's.
wrong_objects()
{
	local f

	(cd "$ref" && find . -name '*.o') | while read -r f; do
		cmp -s "$ref/$f" "$build/$f" || echo "$f"
	done
}

# build_with FAULT...: build with each fault on a separate node.
build_with()
{
	local i status wrong longest last fresh name="$*"

	faults=("$@")
	no_nodes
	lab_join good slots=3
	for i in "${!faults[@]}"; do
		before "${faults[i]}" "${fault_nodes[i]}"
	done
	farm_fresh
	fresh=$(objects)
	cp -p "$work/cc1" "$gcc_lib/cc1"
	rm -f "$work/events"
	[ "$soak" ] || : >"$work/hold"
	FARM_HOLD=$work/hold kfarm_start -j 10 --json "$work/events" "${targets[@]}"
	wait_for 120 objects_beyond $((fresh + 4 + RANDOM % most_objects))
	for i in "${!faults[@]}"; do
		during "${faults[i]}" "${fault_nodes[i]}"
	done
	watch
	kfarm_wait
	status=$?
	is "$name: kfarm ends with" 0 $status
	[ $status -eq 0 ] || tail -n 15 "$work/kfarm.log" | sed 's/^/      /'
	wrong=$(wrong_objects)
	is "$name: objects that are not make's" "" "$wrong"
	equal "$name"
	no_temporaries "$name"
	read -r longest last < <(longest_and_last)
	for i in "${!faults[@]}"; do
		told "${faults[i]}" "${fault_nodes[i]}"
	done
	echo "$name: the longest compile $longest ms, the last ends after $last ms"
	[ "$(added_by "$longest" "$last")" -le $((limit_s * 1000)) ] ||
		baseline_again
	account_for $status "$(printf '%s' "$wrong" | grep -c .)" \
		"$(added_by "$longest" "$last")"
	[ ! "$soak" ] || print_table "${faults[@]}" | tail -n 1
}

# added_by LONGEST LAST: print the additional time due to the faults, in ms.
added_by()
{
	local added=$(($1 - base_longest))

	[ $(($2 - base_last)) -le $added ] || added=$(($2 - base_last))
	[ $added -ge 0 ] || added=0
	echo $added
}

# Repeat the measurement, because the machine's load can have increased.
baseline_again()
{
	local i

	for i in "${!faults[@]}"; do
		before none "${fault_nodes[i]}"
	done
	cp -p "$work/cc1" "$gcc_lib/cc1"
	baseline
}

# account_for STATUS WRONG ADDED
account_for()
{
	local fault added=$3

	at_most "$name: added ms" $((limit_s * 1000)) $added
	for fault in "${faults[@]}"; do
		tried[$fault]=$((${tried[$fault]:-0} + 1))
		wrong_of[$fault]=$((${wrong_of[$fault]:-0} + $2))
		failed_of[$fault]=$((${failed_of[$fault]:-0} + ($1 != 0)))
		[ "${stall[$fault]:-0}" -ge $added ] || stall[$fault]=$added
	done
}

print_table()
{
	local fault

	printf '%-18s %7s %14s %13s %14s\n' fault builds 'wrong objects' \
		'failed makes' 'longest stall'
	for fault; do
		[ "${tried[$fault]:-}" ] || continue
		printf '%-18s %7d %14d %13d %12d.%d s\n' "$fault" \
			"${tried[$fault]}" "${wrong_of[$fault]}" \
			"${failed_of[$fault]}" $((${stall[$fault]:-0} / 1000)) \
			$((${stall[$fault]:-0} % 1000 / 100))
	done
}

# Measure builds without faults and without the faulty nodes; take the longer.
baseline()
{
	local longest last names node

	base_longest=0 base_last=0
	for names in "good ${fault_nodes[*]}" good; do
		no_nodes
		for node in $names; do
			lab_join "$node" slots=3
		done
		farm_fresh
		kfarm_build -j 10 --json "$work/events" "${targets[@]}"
		is "no fault: kfarm ends with" 0 $?
		equal "no fault"
		read -r longest last < <(longest_and_last)
		[ "$longest" -le $base_longest ] || base_longest=$longest
		[ "$last" -le $base_last ] || base_last=$last
	done
	echo "without a fault: the longest compile $base_longest ms," \
		"the last ends after $base_last ms"
}

declare -A tried wrong_of failed_of stall
if [ "$soak" ]; then
	vars+=(KBUILD_BUILD_TIMESTAMP=@1700000000 KBUILD_BUILD_USER=kfarm
		KBUILD_BUILD_HOST=kfarm)
	farm_linux tinyconfig prepare
	targets=(lib/ mm/)
	most_objects=60
	narrow=1mbit
else
	farm_mini 18 1 prepare
	targets=(Image)
	most_objects=12
	narrow=256kbit # a result has one or two packets
fi
badnode=$(badnode) || exit 1
own_compiler
farm_reference "${targets[@]}"
is "plain make ends with" 0 "$plain_status"
prepare_nodes
for node in "${fault_nodes[@]}"; do
	fresh_store "$node" none
	lab_kfarmd "$node" --store $store
done
baseline
if [ $# -gt 0 ]; then
	groups=$(printf '%s\n' "$@")
fi
[ ! "$soak" ] || groups=$(printf '%s\n' $groups)
for _ in $(seq "${soak:-${ROUNDS:-1}}"); do
	while read -ra line; do
		build_with "${line[@]}"
	done <<<"$groups"
done
# shellcheck disable=SC2086
print_table $groups
farm_end
