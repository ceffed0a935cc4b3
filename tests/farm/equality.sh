#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: first
#
# equality.sh [--config NAME] [--release VERSION] [--shell kfarm|system] [--off
# PART]... [--each-off] [TARGET]... - compare kfarm's build of a kernel with
# plain make's
#
# Build a kernel with two nodes and all of kfarm's parts, then with plain make
# at the same path, by kfarm's own reproducer.sh.  Every file of the two build
# directories and make's output must be equal.  A plain make in kfarm's
# directory must then compile nothing.  Except with the configuration parts, for
# which shadow.sh does the same, a header and two settings change afterwards,
# and both build again.  Some compiles that make has run (all modules) are
# compared with the dependency scanner.
#
# NAME is a configuration of tests/farm/configurations.sh (default: modules with
# $FULL, else parts).  VERSION is 6.1 or another release in /usr/src.  --off
# turns off one PART: shell (kfarm's recipe shell), steps (tool steps on nodes)
# or remember-probes.  --each-off adds a build for each part in which only that
# part is off.  TARGETs replace the targets of the configuration.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/configurations.sh"

parts='shell steps remember-probes'

usage()
{
	echo "usage: equality.sh [--config NAME] [--release VERSION]" \
		"[--shell kfarm|system] [--off PART]... [--each-off]" \
		"[TARGET]..." >&2
	echo "NAME:" $configurations >&2
	echo "PART: $parts" >&2
	exit 1
}

# one_of WORD WORDS
one_of()
{
	[[ " $(echo $2) " = *" $1 "* ]]
}

config=parts release=6.1 off= each_off= given=()
[ ! "${FULL:-}" ] || config=modules
while [ $# -gt 0 ]; do
	case $1 in
	--config) config=${2-} ;;
	--release) release=${2-} ;;
	--shell)
		case ${2-} in
		kfarm) ;;
		system) off+=" shell" ;;
		*) usage ;;
		esac
		;;
	--off)
		one_of "${2-}" "$parts" || usage
		off+=" $2"
		;;
	--each-off)
		each_off=1
		shift
		continue
		;;
	-*) usage ;;
	*)
		given+=("$1")
		shift
		continue
		;;
	esac
	shift 2
done
one_of "$config" "$configurations" && configuration "$config" || usage
case $config in
modules) modules=8 dtbs=9 ;;
quickstart) modules=10 dtbs=76 ;;
parts) modules= dtbs=9 ;;
*) modules= dtbs= ;;
esac
audited= # the minimum number of audited units
[ ${#given[@]} -gt 0 ] || case $config in
modules) audited=200 ;;
parts) audited=60 ;;
esac
[ ${#given[@]} = 0 ] || targets=("${given[@]}") modules= dtbs=

farm_begin
tree=$(kernel_tree "$release") || exit 1
nodes 2 slots=$((cores + 1))
cp "$KFARM_CONFIG" "$work/nodes.config"

# line_of PART on|off: print its line of the section [farm].
line_of()
{
	case $1,$2 in
	shell,on) echo 'shell = kfarm' ;;
	shell,off) echo 'shell = system' ;;
	*,on) echo "$1 = yes" ;;
	*,off) echo "$1 = no" ;;
	esac
}

# has_part PART: return true if this kfarm supports it.
has_part()
{
	{ echo '[farm]' && line_of "$1" on; } >"$work/part.config"
	! KFARM_CONFIG=$work/part.config "$bin/kfarm" nodes list 2>&1 |
		grep -qF "farm.$1"
}

# switches PART...: turn on all of kfarm's parts except these.
switches()
{
	local part

	{
		cat "$work/nodes.config"
		echo '[farm]'
		for part in $parts; do
			! has_part "$part" ||
				line_of "$part" "$(one_of "$part" "$*" &&
					echo off || echo on)"
		done
	} >"$KFARM_CONFIG"
}

for part in $off; do
	has_part "$part" || {
		left_out "without $part" "this kfarm has no such part"
		farm_end
	}
done
# shellcheck disable=SC2086 # words
switches $off

# This setting changes between the first build and the second.
echo 'CONFIG_DEFAULT_HOSTNAME="first"' >"$work/step.config"
fragments=(-K "$work/step.config")
[ ! "$fragment" ] || fragments+=(-K "$fragment")

# by_kfarm OUT: kfarm chooses the build directory, so it also fixes date, user
# and host.
by_kfarm()
{
	local began=$SECONDS

	"$bin/kfarm" build --arch "$arch" -C "$tree" -k "$base" \
		"${fragments[@]}" "${toolchain[@]}" -o "$1" "${targets[@]}" \
		>"$1.log" 2>&1
	is "kfarm ends with" 0 $?
	echo "$((SECONDS - began)) s: $(grep '^jobs ' "$1.log")"
}

# by_make OUT: build the same without kfarm's masquerade directory.
by_make()
{
	local began=$SECONDS

	sh "$1/reproducer.sh" >"$1.make" 2>&1
	is "reproducer.sh ends with" 0 $?
	echo "$((SECONDS - began)) s"
}

# said LOG: print make's output without the names of temporary directories.
said()
{
	grep -vE '^(Using|Merging) |^# merged configuration ' "$1" | LC_ALL=C sort -u
}

diagnostics()
{
	grep -E '(warning|error|note): |^ +[0-9]* \|' "$1" | LC_ALL=C sort
}

# same_words OUT [OF_MAKE]
same_words()
{
	local plain=${2:-$1}.make

	said "$1/build.log" >"$work/said-kfarm"
	said "$plain" >"$work/said-make"
	check "make prints the same" diff "$work/said-make" "$work/said-kfarm"
	diagnostics "$1/build.log" >"$work/said-kfarm"
	diagnostics "$plain" >"$work/said-make"
	check "the compilers say the same" \
		cmp "$work/said-make" "$work/said-kfarm"
	echo "$(wc -l <"$work/said-make") lines of diagnostics"
}

same_files()
{
	compare_trees "$work/by-kfarm" "$work/by-make" >"$work/compare"
	is "files that differ, or are only in one" 0 $?
	head -n 20 "$work/compare" | grep -v ' files, '
	tail -n 1 "$work/compare"
}

# compiles LOG: print the number of programs and objects that make built.
compiles()
{
	grep -cE '^  (HOSTCC|HOSTCXX|CC|AS|LD|AR)( \[M\])? ' "$1"
}

# Build the configuration with which README begins, without a second
# configuration.
quick_start()
{
	local quickstart

	quickstart=$(configuration quickstart && echo "$fragment")
	"$bin/kfarm" build --arch "$arch" -C "$tree" -k tinyconfig \
		-K "$quickstart" -b "$work/quickstart" --no-remote \
		-o "$work/quickstart.out" olddefconfig \
		>"$work/quickstart.log" 2>&1
	is "quick start: kfarm ends with" 0 $?
	is "quick start: settings that had no effect" "" \
		"$(no_effect "$quickstart" "$work/quickstart/.config")"
}

# ---- the dependency scanner compared with the compiler ----

# audit [OPTION]... [FILE]...: audit the compiles of the build in $build.
audit()
{
	"$bin/audit-tool" "$@" >"$work/audit" 2>"$work/audit.log"
}

# value EXPRESSION: print a value of the audit's report.
value()
{
	jq -r "$1" "$work/audit" 2>&1
}

# chain: check that the chain of includes from a unit to a header is connected.
chain()
{
	(cd "$build" && "$bin/kfarm" scan --why include/linux/list.h \
		kernel/fork.c) | awk -F': ' '
		NR > 1 && substr($1, 1, length(last)) != last { bad = 1 }
		{ last = $2 }
		END { exit bad || last !~ /include\/linux\/list\.h$/ }'
}

# An interrupt ends the audit soon and leaves no compilers behind.
audit_interrupted()
{
	local audit

	setsid env --default-signal=INT KFARM_BUILD_MARK="$work" \
		"$bin/audit-tool" -j 1 "$build" >"$work/interrupted" 2>&1 \
		</dev/null &
	audit=$!
	children+=("$audit")
	wait_for 60 pgrep -P "$audit"
	kill -INT "$audit"
	wait "$audit"
	is "audit interrupted: exit status" 130 $?
	gone "audit interrupted"
	check "audit interrupted: it is reported" grep -q 'audit: interrupted' \
		"$work/interrupted"
}

audited()
{
	local names saved=$build/kernel/.fork.o.cmd

	mapfile -t names < <(cd "$build" && find lib kernel \
		arch/arm64 -name '.*.o.cmd' |
		sed 's,\.\([^/]*\)\.cmd$,\1,')
	audit --json "$build" "${names[@]}"
	is "audit: exit status" 0 $?
	check "audit: $(value .units) units" test "$(value .units)" -ge $audited
	check "audit: .S among them" test "$(value .asm_units)" -ge 5
	is "audit: compared with -M" "$(value '.units - .not_scannable')" \
		"$(value .compared)"
	is "audit: missed" "[]" "$(value '.missed | tojson')"
	check "audit: extra below 0.5 % ($(value .extra_percent))" \
		test "$(value '.extra_percent < 0.5')" = true
	check "audit: not scannable below 0.5 % ($(value '.reasons | tojson'))" \
		test "$(value '.not_scannable * 200 <= .units')" = true
	check "audit: memory: $(value '.peak_kib / 1024 | floor') MiB" \
		test "$(value '.peak_kib <= 262144')" = true
	check "--why include/linux/list.h kernel/fork.c" chain
	audit_interrupted

	# A compile command with an additional argument is another unit.
	cp -p "$saved" "$work/fork.cmd"
	sed -i '1s/ -D__KERNEL__ / -D__KERNEL__ -DMODULE /' "$saved"
	check "audit: other flags are compared afresh" \
		audit "$build" kernel/fork.c
	mv "$work/fork.cmd" "$saved"
}

by_kfarm "$work/out"
build=$(find "$XDG_CACHE_HOME/kfarm/build" -mindepth 1 -maxdepth 1 -type d)
[ -d "$build" ] || {
	bad "no build directory"
	tail -n 30 "$work/out.log"
	farm_end
}
[ ! "$fragment" ] || is "settings that had no effect" "" \
	"$(no_effect "$fragment" "$build/.config")"
[ ! "$audited" ] || quick_start
mv "$build" "$work/by-kfarm"
by_make "$work/out"
[ ! "$audited" ] || audited
mv "$build" "$work/by-make"
same_words "$work/out"
same_files

mv "$work/by-kfarm" "$build"
sh "$work/out/reproducer.sh" >"$work/again.log" 2>&1
is "the make after it ends with" 0 $?
is "compiles" 0 "$(compiles "$work/again.log")"

echo "shell: $(meta '.farm.shell | tostring')"
remote=$(meta .farm.remote)
here=$(meta .farm.local)
echo "$remote jobs remote, $here local: $(meta '.farm.reasons | tostring')"
# The first jobs can be local, because the nodes do not have the compiler yet.
check "at least 97 % of the jobs, or all but six, are remote" \
	test $((remote * 100)) -ge $(((remote + here) * 97)) -o "$here" -le 6
if [ "$modules" ]; then
	check "the Image exists" test -s "$work/out/Image"
	is "modules" "$modules" "$(tar -tf "$work/out/modules.tar.xz" |
		grep -c '\.ko$')"
fi
[ ! "$dtbs" ] ||
	is "dtbs" "$dtbs" "$(tar -tf "$work/out/dtbs.tar.xz" | grep -c '\.dtb$')"

# without PART: build from scratch with that part turned off.
without()
{
	echo "without $1:"
	switches "$1"
	rm -rf "$build"
	by_kfarm "$work/off-$1"
	rm -rf "$work/by-kfarm"
	mv "$build" "$work/by-kfarm"
	same_words "$work/off-$1" "$work/out"
	same_files
	mv "$work/by-kfarm" "$build"
}

if [ "$each_off" ]; then
	for part in $parts; do
		if has_part "$part"; then
			without "$part"
		else
			left_out "without $part" "this kfarm has no such part"
		fi
	done
	# shellcheck disable=SC2086 # words
	switches $off
fi

# Change a header that make generates and that units include.
generated_header()
{
	local name

	for name in unaligned local64 kmap_size; do
		(cd "$1" && ls arch/*/include/generated/asm/$name.h) \
			2>/dev/null && return
	done
}

[ "$config" != parts ] || farm_end

# Change settings, which changes a generated header, and edit another header.
printf '%s\n' 'CONFIG_DEFAULT_HOSTNAME="second"' \
	'CONFIG_LOCALVERSION="-second"' \
	>"$work/step.config"
header=$(generated_header "$build")
for dir in "$build" "$work/by-make"; do
	echo '/* edited */' >>"$dir/$header"
done
touch -r "$build/$header" "$work/by-make/$header"
by_kfarm "$work/second"
mv "$build" "$work/by-kfarm"
mv "$work/by-make" "$build"
by_make "$work/second"
mv "$build" "$work/by-make"
same_words "$work/second"
same_files
echo "$(compiles "$work/second.make") compiles"
check "the second build had something to do" \
	test "$(compiles "$work/second.make")" -gt 3
farm_end
