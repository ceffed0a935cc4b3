# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# tests/corpus/lib.sh - recording of commands, for tests/corpus/run
#
# A separate shell sources each case file in the empty directory $top/work,
# which is also $HOME.  The case file calls
#
#	record NAME COMMAND...		run COMMAND and record it as NAME
#	masked MASK... -- NAME COMMAND...
#					the same, with masks from the table below
#	skip NAME... REASON		count these as skipped
#
# NAME begins with the name of the case file.  $PATH contains only `programs`,
# kfarm, kfarmd and kfarm-cc.

top=/tmp/kfarm-corpus # a prefix of all paths that a command prints
work=$top/work
bin=$top/build
now=1795312800 # Sun 2026-11-22 02:00:00 UTC
passed=0 failed=0 skipped=0

# ---- masks ----
#
# Each mask is a sed script for text that differs between machines or runs.  A
# mask applies only to the commands that name it.
declare -A mask=(
	# Time of an event, from a clock that the test does not control.
	[t]='s/"t":[0-9]+(\.[0-9]+)?/"t":T/'
	# Process id of a build, in its "stream" event.
	[pid]='s/"pid":[0-9]+/"pid":PID/'
	# Elapsed time, CPU time of a build on this machine.
	[wall]='s/[0-9]+:[0-9]{2} wall, build host [0-9]+ s CPU/T wall, build host T s CPU/
		s/[0-9]+:[0-9]{2} wall/T wall/; s/, all compiles [0-9]+ s/, all compiles T s/
		s/^\[ *[0-9]+s\]/[Ts]/'
	# Lines that the plain view prints every 10 s or more of a slow build.
	[progress]='/^\[[^]]*\] [a-z ]+: [0-9]+/d'
	# Elapsed and CPU times in events, metadata.json and `--json`.
	[times]='s/"(cpu_seconds|scan_seconds|compile_cpu|host_cpu|scan_cpu|scan|wall|began|cpu|total)":( ?)[0-9]+(\.[0-9]+)?/"\1":\2N/g
		s/"(validate|prepare|build|copy|duration)": [0-9]+\.[0-9]+/"\1": N/'
	# The columns STARTED and TIME of `kfarm history`.  The first is the
	# fixed time minus the seconds that the build ran before its first event.
	[took]='s/^( +[0-9]+  [0-9]{2}-[0-9]{2} )[0-9:]{5}  [0-9:]+/\1HH:MM  T/'
	# Release of the installed compiler.
	[gcc]='s/gcc-[0-9]+\.[0-9]+\.[0-9]+/gcc-N/g; s/gcc-N-[0-9a-f]{12}/gcc-N-ID/g
		s/gcc [0-9]+\.[0-9]+\.[0-9]+ \(/gcc N (/
		s/"(version|version_full)": "[^"]*[0-9]+\.[0-9]+\.[0-9]+"/"\1": "N"/'
	# Digests of that compiler and of its objects.
	[digest]='s/"[0-9a-f]{64}"/"DIGEST"/g; s/-[0-9a-f]{8}(\/|$|:|"| )/-DIGEST\1/g'
	# Versions of the installed tools.
	[tools]='/^ *"tools": \{$/,/\}/{ /^ *"[a-z0-9._-]+": "/d; }'
	# Sizes of objects, which depend on that compiler.
	[bytes]='s/"(text|data|bss|file|size|bytes|sent|received)":( ?)[0-9]+/"\1":\2N/g
		s/"(text|data|bss|file)_size":( ?)[0-9]+/"\1_size":\2N/
		s/vmlinux [0-9]+ \(text [0-9]+,/vmlinux N (text N,/
		s/^ *[0-9]+( +[0-9]+ +[0-9]+ +)[0-9]+  vmlinux$/N\1N  vmlinux/'
	# Round-trip time to a node.
	[rtt]='s/[0-9]+(\.[0-9]+)? ms/N ms/g; s/"(rtt|rtt_ms|latency)": [0-9.]+/"\1": N/'
	# The current version of the protocol.
	[protocol]='s/"protocol": [0-9]+/"protocol": N/'
	# Kernel features for sandboxes, and free space.
	[kernel]='s/Linux [0-9][^ ,]*/Linux N/g
		s/"(kernel|release|kernel_release)": "[0-9][^"]*"/"\1": "N"/
		s/"kernel_version": "[^"]*"/"kernel_version": "N"/
		s/ proc\b//; s/ job-user//; s/ landlock-[0-9]+//; /"(proc|job-user|landlock-[0-9]+)",?$/d
		s/"boot_id": "[^"]*"/"boot_id": "N"/; s/"store_free_mib": [0-9.]+/"store_free_mib": N/'
	# The text of a refused connection, which depends on the installed
	# libcurl.
	[curl]="s/Failed to connect[^;]*/CURL ERROR/"
	# Release of the operating system.
	[os]='s/"version": "[0-9.]+"/"version": "N"/'
	# Free space, limits and packages of this machine.
	[doctor]='/^[a-z]+ +(space|sandbox|packages|limits|clock): /d
		s/^[0-9]+ findings?: .*/N findings/'
)

# ---- the machine ----

programs='bash sh dash awk base64 basename cat chmod cmp cp cut date dirname
	echo env expr false find git grep head id install ln ls mkdir mktemp mv
	nproc printf ps readlink realpath rm rmdir sed seq sha256sum sleep sort
	stat tail tee test touch tr true uname uniq wc xargs python3 jq'

# put FILE: replace a file of /proc or /sys by stdin.
put()
{
	cat >"$top/machine/${1//\//-}" &&
		mount --bind "$top/machine/${1//\//-}" "$1"
}

machine_set_up()
{
	local name

	mount -t tmpfs -o mode=755,size=4g kfarm-corpus "$top" || exit 1
	mkdir -p "$bin" "$top"/{machine,programs,lib} || exit 1
	mount --bind "$KFARM_CORPUS" "$bin" || exit 1
	hostname farm && ip link set lo up || exit 1
	# An idle machine with 4 GiB, 3 of them free.
	put /proc/meminfo <<-'EOF'
	MemTotal:        4194304 kB
	MemFree:         3145728 kB
	MemAvailable:    3145728 kB
	Buffers:               0 kB
	Cached:                0 kB
	SwapCached:            0 kB
	SwapTotal:             0 kB
	SwapFree:              0 kB
	EOF
	echo '0.00 0.00 0.00 1/100 1000' | put /proc/loadavg
	echo '0::/' | put /proc/self/cgroup
	{
		echo 'cpu  0 0 0 1000 0 0 0 0 0 0'
		seq -f 'cpu%g 0 0 0 250 0 0 0 0 0 0' 0 3
		echo 'btime 1795300000'
	} | put /proc/stat
	for name in 0 1 2 3; do
		printf 'processor\t: %d\nmodel name\t: corpus\n\n' $name
	done | put /proc/cpuinfo
	for name in /proc/pressure/*; do
		[ ! -e "$name" ] || printf '%s avg10=0.00 avg60=0.00 avg300=0.00 total=0\n' \
			some full | put "$name"
	done
	# Only loopback is in the sysfs of this network namespace.
	mount -t sysfs kfarm-corpus /sys || exit 1
	for name in /sys/class/thermal /sys/class/hwmon /sys/class/dmi \
		/sys/devices/system/cpu; do
		[ ! -d $name ] || mount -t tmpfs kfarm-corpus $name || exit 1
	done
	for name in possible present online; do
		echo 0-3 >/sys/devices/system/cpu/$name
	done
	cp "$KFARM_RESULTS"/.lib/* "$top/lib/" || exit 1
	for name in $programs; do
		ln -s "$(command -v "$name")" "$top/programs/" || exit 1
	done
	for name in kfarm kfarmd kfarm-cc; do
		ln -s "$bin/$name" "$top/programs/" || exit 1
	done
	echo $now >"$top/now"
}

# The caller's environment is cleared: see enter in tests/corpus/run.
case_environment()
{
	export HOME=$work XDG_CONFIG_HOME=$work/.config
	export XDG_DATA_HOME=$work/.local/share XDG_CACHE_HOME=$work/.cache
	export XDG_STATE_HOME=$work/.local/state XDG_RUNTIME_DIR=$work/run
	export TERM=dumb COLUMNS=80 TZ=UTC0 TMPDIR=$work/tmp USER=user
	export FAKE_TIME=$top/now PROCESSORS=4
	export preload="$top/lib/time.so $top/lib/processors.so"
	export PATH=$top/programs GIT_CONFIG_NOSYSTEM=1
	config=$XDG_CONFIG_HOME/kfarm/config
	mkdir -p "$XDG_CONFIG_HOME/kfarm" "$TMPDIR"
	mkdir -m 700 "$XDG_RUNTIME_DIR"
}

# ---- recording ----

# is_wanted NAME: return true if the command is selected.
is_wanted()
{
	local pattern

	[ ${#wanted[@]} -gt 0 ] || return 0
	for pattern in "${wanted[@]}"; do
		# shellcheck disable=SC2053 # a pattern
		[[ $1 != $pattern ]] || return 0
	done
	return 1
}

# is_case_wanted CASE: return true if the case file records a selected command.
is_case_wanted()
{
	local pattern

	[ ${#wanted[@]} -gt 0 ] || return 0
	for pattern in "${wanted[@]}"; do
		[[ $pattern != "$1"-* && $pattern != [*?[]* ]] || return 0
	done
	return 1
}

# compare NAME: compare the result with the expected one.
compare()
{
	local got=$KFARM_RESULTS/$1 want=$corpus/expected/$1

	echo "$1" >>"$KFARM_RESULTS/.recorded"
	is_wanted "$1" || return 0
	if [ "$update" ]; then
		mkdir -p "$corpus/expected" && cp "$got" "$want"
	fi
	if [ -e "$want" ] && cmp -s "$want" "$got"; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	echo "FAIL  $1"
	[ -e "$want" ] || want=/dev/null
	/usr/bin/diff -u --label "expected/$1" --label "$1" "$want" "$got"
}

# Print the words of a command line, in single quotes where the shell needs
# them.
quoted()
{
	local word

	for word; do
		case $word in
		'' | *[!A-Za-z0-9_./=:,+@%-]*)
			printf " '%s'" "${word//\'/\'\\\'\'}"
			;;
		*) printf ' %s' "$word" ;;
		esac
	done
}

# run_recorded SED NAME COMMAND...
run_recorded()
{
	local script=$1 name=$2
	local out=$KFARM_RESULTS/.out.$case
	local err=$KFARM_RESULTS/.err.$case
	local status

	shift 2
	[[ $name == "$case"-* ]] || fail "$name: not a name of cases/$case.sh"
	[ ! -e "$KFARM_RESULTS/$name" ] || fail "$name: recorded twice"
	# Standard input is the caller's, /dev/null by default.
	env LD_PRELOAD="$preload" "$@" >"$out" 2>"$err"
	status=$?
	{
		printf '$'
		quoted "$@"
		printf '\n[%d]\n--- stdout\n' $status
		cat "$out"
		[ ! -s "$out" ] || [ -z "$(tail -c 1 "$out")" ] ||
			printf '\n\\ no newline at the end\n'
		printf -- '--- stderr\n'
		cat "$err"
	} | sed -E -e "$script" >"$KFARM_RESULTS/$name"
	compare "$name"
}

record()
{
	run_recorded '' "$@"
}

masked()
{
	local script=

	while [ "$1" != -- ]; do
		[ "${mask[$1]:-}" ] || fail "no mask $1"
		script+="${mask[$1]}"$'\n'
		shift
	done
	run_recorded "$script" "${@:2}"
}

# skip NAME... REASON
skip()
{
	local name

	for name in "${@:1:$#-1}"; do
		echo "$name" >>"$KFARM_RESULTS/.recorded"
		is_wanted "$name" || continue
		skipped=$((skipped + 1))
		echo "skip  $name: ${!#}"
	done
}

# case_run CASE: run it, and leave its counts for tests/corpus/run.
case_run()
{
	case=$1
	mkdir "$work" && cd "$work" || exit 1
	case_environment
	# shellcheck disable=SC1090 # a case file
	. "$corpus/cases/$case.sh"
	echo $passed $failed $skipped >"$KFARM_RESULTS/.counts.$case"
}

# Report expected files that no case file records.
check_unrecorded()
{
	local file name

	for file in "$corpus"/expected/*; do
		name=${file##*/}
		! grep -qxF -- "$name" "$results/.recorded" || continue
		if [ "$update" ]; then
			rm "$file"
			continue
		fi
		failed=$((failed + 1))
		echo "FAIL  $name: expected, and no longer recorded"
	done
}
