#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# beside: yes
# timeout: 3600
#
# equality.sh [--config modules|quickstart|tiny|debug|x86|clang] [--shell WORD] -
# build a kernel with two nodes and kfarm's shell (or system, which is make's
# own), then the same by plain make, at the same path, as kfarm's own
# reproducer.sh says: every file of the two build directories is
# equal, and so is what make says.  A plain make in kfarm's directory afterwards
# compiles nothing.  Then a header and two settings change, and both build once
# more.  Of what make has compiled (modules), some is held against the scanner.
. "$(dirname "$0")/lib.sh"

config=modules shell=kfarm
while [ $# -gt 1 ]; do
	case $1 in
	--config) config=$2 ;;
	--shell) shell=$2 ;;
	*) config=none ;;
	esac
	shift 2
done
arch=arm64
fragment=
toolchain=()
targets=(Image)
quickstart=$root/templates/configs/nanopi-neo4.config
case $config in
modules)
	fragment=$root/tests/farm/configs/modules.config
	modules=8 dtbs=9
	targets=(Image modules dtbs)
	;;
quickstart)
	fragment=$quickstart
	modules=10 dtbs=76
	targets=(Image modules dtbs)
	;;
tiny) ;;
debug)
	fragment=$root/tests/farm/configs/debug.config
	targets=(Image modules)
	;;
x86)
	arch=x86_64
	fragment=$root/tests/farm/configs/x86.config
	targets=(bzImage)
	;;
clang) toolchain=(-t clang-14) ;;
*)
	echo "usage: equality.sh [--config" \
		"modules|quickstart|tiny|debug|x86|clang]" \
		"[--shell kfarm|system]" >&2
	exit 1
	;;
esac

farm_begin
tree=$(kernel_tree) || exit 1
nodes 2 slots=$((cores + 1))
printf '[farm]\n\tshell = %s\n' "$shell" >>"$KFARM_CONFIG"

# What changes between the first build and the second.
echo 'CONFIG_DEFAULT_HOSTNAME="first"' >"$work/step.config"
fragments=(-K "$work/step.config")
[ ! "$fragment" ] || fragments+=(-K "$fragment")

# by_kfarm OUT: kfarm chooses the build directory, so it fixes date, user and
# host, too.
by_kfarm()
{
	local began=$SECONDS

	"$bin/kfarm" build --arch "$arch" -C "$tree" -k tinyconfig \
		"${fragments[@]}" "${toolchain[@]}" -o "$1" "${targets[@]}" \
		>"$1.log" 2>&1
	is "kfarm ends with" 0 $?
	echo "$((SECONDS - began)) s: $(grep '^jobs ' "$1.log")"
}

# by_make OUT: the same without kfarm's links.
by_make()
{
	local began=$SECONDS

	sh "$1/reproducer.sh" >"$1.make" 2>&1
	is "reproducer.sh ends with" 0 $?
	echo "$((SECONDS - began)) s"
}

# said LOG: what make said, without the names of temporary directories.
said()
{
	grep -vE '^(Using|Merging) |^# merged configuration ' "$1" | LC_ALL=C sort -u
}

diagnostics()
{
	grep -E '(warning|error|note): |^ +[0-9]* \|' "$1" | LC_ALL=C sort
}

# same_words OUT
same_words()
{
	said "$1/build.log" >"$work/said-kfarm"
	said "$1.make" >"$work/said-make"
	check "make says the same" diff "$work/said-make" "$work/said-kfarm"
	diagnostics "$1/build.log" >"$work/said-kfarm"
	diagnostics "$1.make" >"$work/said-make"
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

# compiles LOG: how many programs and objects make made.
compiles()
{
	grep -cE '^  (HOSTCC|HOSTCXX|CC|AS|LD|AR)( \[M\])? ' "$1"
}

# What README begins with, configured alone.
quick_start()
{
	"$bin/kfarm" build --arch "$arch" -C "$tree" -k tinyconfig \
		-K "$quickstart" -b "$work/quickstart" --no-remote \
		-o "$work/quickstart.out" olddefconfig \
		>"$work/quickstart.log" 2>&1
	is "quick start: kfarm ends with" 0 $?
	is "quick start: settings that had no effect" "" \
		"$(no_effect "$quickstart" "$work/quickstart/.config")"
}

# ---- the scanner against the compiler ----

# audit [OPTION]... [FILE]...: of what make has just compiled in $build
audit()
{
	"$bin/audit-tool" "$@" >"$work/audit" 2>"$work/audit.log"
}

# value EXPRESSION: of the audit's report.
value()
{
	jq -r "$1" "$work/audit" 2>&1
}

# chain: the includes that lead from a unit to a header hang together.
chain()
{
	(cd "$build" && "$bin/kfarm" scan --why include/linux/list.h \
		kernel/fork.c) | awk -F': ' '
		NR > 1 && substr($1, 1, length(last)) != last { bad = 1 }
		{ last = $2 }
		END { exit bad || last !~ /include\/linux\/list\.h$/ }'
}

# An interrupt ends it soon, without compilers left behind.
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
	check "audit interrupted: says so" grep -q 'audit: interrupted' \
		"$work/interrupted"
}

audited()
{
	local names saved=$build/kernel/.fork.o.cmd

	mapfile -t names < <(cd "$build" && find lib kernel \
		arch/arm64/{kernel,lib,mm} -name '.*.o.cmd' |
		sed 's,\.\([^/]*\)\.cmd$,\1,')
	audit --json "$build" "${names[@]}"
	is "audit: exit status" 0 $?
	check "audit: units" test "$(value .units)" -ge 200
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

	# A compile line with a word more is another unit.
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
[ $config != modules ] || quick_start
mv "$build" "$work/by-kfarm"
by_make "$work/out"
[ $config != modules ] || audited
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
check "at least 97 % of the jobs are remote" \
	test $((remote * 100)) -ge $(((remote + here) * 97))
if [ ${#targets[@]} = 3 ]; then
	check "there is an Image" test -s "$work/out/Image"
	is "modules" "$modules" "$(tar -tf "$work/out/modules.tar.xz" |
		grep -c '\.ko$')"
	is "dtbs" "$dtbs" "$(tar -tf "$work/out/dtbs.tar.xz" | grep -c '\.dtb$')"
fi

# Other settings, which change a header, and one younger than its objects.
printf '%s\n' 'CONFIG_DEFAULT_HOSTNAME="second"' \
	'CONFIG_LOCALVERSION="-second"' \
	>"$work/step.config"
touch "$build"/arch/*/include/generated/asm/unaligned.h \
	"$work"/by-make/arch/*/include/generated/asm/unaligned.h
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
