#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# New diagnostics since the baseline: -W and its exit status 101.  Each build
# compiles one unit.  The cases are moved lines, headers, errors, another
# directory, several builds of a command, interrupted and killed builds, `git
# bisect run`, and sizes and functions that grew.
. "$(dirname "$0")/lib.sh"

farm_begin
export XDG_STATE_HOME=$work/state
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org
export GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org
tree=$work/tree
"$root/tests/farm/mini/generate" "$tree" 6 1
echo 'const unsigned big_table[] = { 1 };' >"$tree/alpha/big.c"

# new_build ARG...: build with -W; log to $work/kfarm.log.
new_build()
{
	"$bin/kfarm" build -C "$tree" -b "$build" -o "$work/out" -a arm64 \
		-k tinyconfig --no-remote -W --json "$work/events" "$@" Image \
		>"$work/kfarm.log" 2>&1
}

# start_build VARIABLE: the same in the background, as process $kfarm, until the
# file VARIABLE is removed.
start_build()
{
	touch "$work/hold"
	# A caller that waits for a line must not find that of an earlier build.
	: >"$work/kfarm.log"
	rm -f "$build"/.hold.*
	setsid env --default-signal=INT,QUIT KFARM_BUILD_MARK="$work" \
		"$1=$work/hold" "$bin/kfarm" build -C "$tree" -b "$build" \
		-o "$work/out" -a arm64 -k tinyconfig -j 4 --no-remote -W \
		Image >"$work/kfarm.log" 2>&1 </dev/null &
	kfarm=$!
	children+=("$kfarm")
}

# counts: print "warnings 1 (0 new, 2 carried), errors 0" of the summary.
counts()
{
	sed -n 's/^\(warnings .*\)        output .*/\1/p' "$work/kfarm.log"
}

# of HOW: print the number of diagnostics that the events mark so.
of()
{
	jq -rs --arg how "$1" 'map(select(.event == "found" and .how == $how)) |
		length' "$work/events"
}

# story NAME STATUS COUNTS CARRIED: check the results of the next build.
story()
{
	local name=$1 status

	new_build
	status=$?
	is "$name: status" "$2" $status
	is "$name: summary" "$3" "$(counts)"
	is "$name: carried" "$4" "$(of carried)"
	[ $failed -eq 0 ] || cut -c 1-200 "$work/kfarm.log"
}

# Make the builds in the history older than all objects that follow.
age_builds()
{
	python3 -c 'import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("UPDATE build SET began_s = began_s - 100")' \
		"$XDG_STATE_HOME/kfarm/history.db"
}

meta()
{
	jq -r "$1" "$work/out/metadata.json"
}

a=$tree/alpha/unit_3.c
b=$tree/beta/unit_1.c
cp "$a" "$work/a" && cp "$b" "$work/b"
echo 'int fa(void) { int old_a; return 1; }' >>"$a"

story "the first build" 0 "warnings 1, errors 0" 0
check "the missing baseline is reported" \
	grep -q 'no earlier build to compare with' "$work/kfarm.log"
touch "$a"
story "the same again" 0 "warnings 1 (0 new), errors 0" 0
echo 'int more_b;' >>"$b"
story "another unit" 0 "warnings 0 (1 carried), errors 0" 1
echo 'int fb(void) { int new_b; return 1; }' >>"$b"
story "one more" 101 "warnings 1 (1 new, 1 carried), errors 0" 1
check "the new one is marked" \
	grep -A1 'new since the previous build' "$work/kfarm.log"
check "and named in the summary" grep -qE \
	'^new: beta/unit_1.c:[0-9]+:[0-9]+: warning: unused .*new_b' \
	"$work/kfarm.log"
is "metadata: the new one" \
	"beta/unit_1.c -Wunused-variable unused variable ‘new_b’ beta/unit_1.o" \
	"$(meta '.diagnostics.new[] | .file + " " + .flag + " " + .text + " " + .object')"
is "metadata: its counts" "1 0 0 1" "$(meta '.results |
	[.new_warnings, .new_errors, .gone, .warnings] | map(tostring) | join(" ")')"
is "the events' end" "1 0 0 101" "$(jq -r 'select(.event == "done") |
	[.new_warnings, .new_errors, .gone, .status] | map(tostring) |
	join(" ")' "$work/events")"
story "nothing to compile" 0 "warnings 0 (2 carried), errors 0" 2
sed -i '1i /* one line */\n' "$a"
story "lines that moved" 0 "warnings 1 (0 new, 1 carried), errors 0" 1
cp "$work/a" "$a"
story "the first one fixed" 0 "warnings 0 (0 new, 1 gone, 1 carried), errors 0" 1
story "and it stays gone" 0 "warnings 0 (1 carried), errors 0" 1

# ---- headers, errors ----

printf 'static inline int in_header(void) { int h; return 1; }\n' \
	>>"$tree/alpha/local.h"
touch "$tree"/alpha/*.c
story "a header's warning" 101 "warnings 1 (1 new, 1 carried), errors 0" 1
touch "$a"
story "one of its units again" 0 "warnings 1 (0 new, 1 carried), errors 0" 1
sed -i '$d' "$tree/alpha/local.h"
touch "$tree"/alpha/*.c
story "and fixed" 0 "warnings 0 (0 new, 1 gone, 1 carried), errors 0" 1
echo 'int broken = undeclared;' >>"$a"
story "an error" 2 "warnings 0 (1 carried), errors 1 (1 new)" 1
cp "$work/a" "$a"
story "no error" 0 "warnings 0 (1 carried), errors 0 (0 new, 1 gone)" 1
rm "$b"
rm -f "$build/vmlinux"
story "a unit that is no more" 0 "warnings 0 (0 new, 1 gone), errors 0" 0
cp "$work/b" "$b"
echo 'int fb(void) { int new_b; return 1; }' >>"$b"
story "and there again" 101 "warnings 1 (1 new), errors 0" 0

# ---- hostile words ----

c=$tree/gamma/unit_2.c
cp "$c" "$work/c"
printf '#warning \033[31m\033]0;title\a<script>&amp;\xff\xe2\x80\xae "quoted"\n' >>"$c"
printf '#warning ' >>"$c"
head -c 1500000 /dev/zero | tr '\0' x >>"$c"
echo >>"$c"
# gcc also warns of bidirectional characters.
story "hostile words" 101 "warnings 3 (3 new, 1 carried), errors 0" 1
is "no control character is shown" 0 "$(LC_ALL=C tr -d '\n\t' <"$work/kfarm.log" |
	LC_ALL=C grep -c '[[:cntrl:]]')"
cpp='.diagnostics.new | map(select(.flag == "-Wcpp") | .text)'
is "they are text in metadata.json" '#warning <script>&amp;' \
	"$(meta "$cpp | .[0][:22]")"
is "what is too long is cut" "2048" "$(meta '.diagnostics.new |
	map(.text | length) | max')"
cp "$work/c" "$c"
story "and gone" 0 "warnings 0 (0 new, 3 gone, 1 carried), errors 0" 1

# ---- another directory, several builds, sizes ----

first=$build
# The history is empty but the directory was built before, so the existing
# diagnostics are unknown.  A recompiled unit reports none as new.
XDG_STATE_HOME=$work/state.2
rm -f "$build/vmlinux"
story "an unknown past" 0 "warnings 0, errors 0" 0
check "an unknown past is reported" grep -q 'no earlier build to compare' \
	"$work/kfarm.log"
rm -f "$build/vmlinux"
story "an incremental one" 0 "warnings 0, errors 0" 0
check "is compared with the one before it" \
	[ "$(meta .results.compared_with)" != null ]
build=$work/known
story "then from an empty directory" 0 "warnings 1, errors 0" 0
rm -rf "$work/known"
story "and again" 0 "warnings 1 (0 new), errors 0" 0
XDG_STATE_HOME=$work/state
build=$work/elsewhere
story "a new directory" 0 "warnings 1 (0 new), errors 0" 0
build=$first
"$bin/kfarm" build -C "$tree" -a arm64 -k tinyconfig -k defconfig --no-remote \
	-W Image >"$work/kfarm.log" 2>&1
is "several that are new: status" 0 $?
echo 'int fc(void) { int new_c; return 1; }' >>"$b"
"$bin/kfarm" build -C "$tree" -a arm64 -k tinyconfig -k defconfig --no-remote \
	-W Image >"$work/kfarm.log" 2>&1
is "several: the worst" 101 $?
check "several: the table" grep -q 'new warnings .* 2 (1 new)' "$work/kfarm.log"

new_build
# The sizes are compared with the last build that has any.
echo 'int broken(' >>"$b"
new_build -o "$work/out.failed"
sed -i '$d' "$b"
printf 'int grown(int a) { return a * 77 / 3; }\n' >>"$a"
new_build --sizes --bloat -o "$work/out.2"
check "sizes: what changed" grep -qE '^ +\+[0-9]+ +- +- +\+[0-9]+  vmlinux$' \
	"$work/kfarm.log"
check "bloat: the function" grep -qE '^grown +- +[0-9]+ +\+[0-9]+$' \
	"$work/kfarm.log"
check "bloat: all in all" grep -q '^add/remove: 1/0 grow/shrink: 0/0 up/down: ' \
	"$work/kfarm.log"
meter=$(kernel_tree)/scripts/bloat-o-meter
python3 "$meter" "$work/out/vmlinux" "$work/out.2/vmlinux" >"$work/meter"
sed -n '/^add\/remove/,/^Total/p' "$work/kfarm.log" >"$work/bloat"
check "bloat: all of it as the kernel's own script has it" \
	diff "$work/meter" "$work/bloat"
new_build --sizes --bloat -o "$work/out.2"
check "sizes: nothing changed" grep -q '^no size changes$' "$work/kfarm.log"
check "bloat: in the same output directory" \
	grep -q "used the same output directory" \
	"$work/kfarm.log"
rm "$work/out.2/vmlinux"
new_build --bloat
check "bloat: where the earlier one is no more" \
	grep -q 'vmlinux of build [0-9]* no longer exists' "$work/kfarm.log"

# The same output directory, given by other paths.
new_build -o "$work/out.3"
(cd "$work" && new_build --bloat -o ./out.3)
check "bloat: in the same output directory by another path" \
	grep -q "used the same output directory" "$work/kfarm.log"
last=$("$bin/kfarm" report --json | jq .build)
for path in "$work/out.3" ../out.3/ .; do
	is "the report of ${path#"$work/"}" "$last" "$(cd "$work/out.3" &&
		"$bin/kfarm" report --json "$path" | jq .build)"
done
is "the first of the two builds is replaced" "replaced present" \
	"$("$bin/kfarm" history --all --json | jq -r --arg dir "$work/out.3" '
		[.builds[] | select(.output == $dir)] | sort_by(.build) |
		map(.output_state) | join(" ")')"

# ---- single files ----

# one_file: build the object of $b, which has a baseline of its own.
one_file()
{
	"$bin/kfarm" build -C "$tree" -b "$build" -a arm64 -k tinyconfig \
		--no-remote beta/unit_1.o >"$work/kfarm.log" 2>&1
}

echo 'int broken(' >>"$b"
one_file
is "an error in a single file" 2 $?
check "is counted" grep -q 'errors 1' "$work/kfarm.log"
sed -i '$d' "$b"
age_builds
new_build
one_file
is "an error that a build of other targets cured: status" 0 $?
is "an error that a build of other targets cured: is gone" \
	"errors 0 (0 new, 1 gone)" \
	"$(grep -o 'errors [0-9]*\( (.*)\)*' "$work/kfarm.log")"

# ---- paths of a build directory ----

XDG_STATE_HOME=$work/state.paths
# alpha_in DIR: build alpha/ in DIR, relative to $work, without -k.
alpha_in()
{
	(cd "$work" && "$bin/kfarm" build -C "$tree" -b "$1" -a arm64 \
		--no-remote -W alpha/) >"$work/kfarm.log" 2>&1
}

# keys: print the number of series in the history.
keys()
{
	"$bin/kfarm" history --all --json | jq '[.builds[].key] | unique | length'
}

alpha_in cache/../paths
is "a relative path: status" 0 $?
echo 'int fp(void) { int path_1; return 1; }' >>"$a"
alpha_in "$work/paths"
is "the same directory, absolute: status" 101 $?
ln -s paths "$work/linked"
echo 'int fq(void) { int path_2; return 1; }' >>"$a"
alpha_in linked
is "the same directory, linked: status" 101 $?
is "its builds are one series" 1 "$(keys)"

# ---- interrupted and killed builds ----

# While the file $(FARM_FIRST) exists, one unit waits.
cp "$tree/Makefile" "$work/Makefile"
printf '%s\n' 'beta/unit_1.o: | first' 'first:' \
	'	@while [ -e "$(FARM_FIRST)" ]; do sleep 0.1; done' >"$work/first"
sed -i "/^\.DELETE_ON_ERROR:/r $work/first" "$tree/Makefile"
cp "$work/a" "$a" && cp "$work/b" "$b"
echo 'int fa(void) { int old_a; return 1; }' >>"$a"
echo 'int fb(void) { int old_b; return 1; }' >>"$b"

# stop_first: interrupt a build from scratch that has compiled $a and not $b.
stop_first()
{
	start_build FARM_FIRST
	wait_for 60 grep -q 'unused variable .*old_a' "$work/kfarm.log"
	kill -INT "$kfarm"
	wait "$kfarm"
	is "$1: status" 130 $?
	gone "$1"
	rm "$work/hold"
}

XDG_STATE_HOME=$work/state.3
build=$work/stopped
stop_first "an interrupted first build"
rm -rf "$build"
story "from an empty directory after it" 0 "warnings 2, errors 0" 0
rm -rf "$build"
stop_first "an interrupted build from scratch"
story "the rest of it" 0 "warnings 1 (0 new, 1 carried), errors 0" 1
XDG_STATE_HOME=$work/state.4
rm -rf "$build"
stop_first "another interrupted first build"
story "the rest of the first build" 0 "warnings 1, errors 0" 0
is "has the warnings of both" "alpha/unit_3.c beta/unit_1.c" \
	"$(meta '.diagnostics.found | map(.file) | sort | join(" ")')"
touch "$a" "$b"
story "both units again" 0 "warnings 2 (0 new), errors 0" 0
rm -rf "$build"
story "both from an empty directory" 0 "warnings 2 (0 new), errors 0" 0

echo 'int fc(void) { int new_b; return 1; }' >>"$b"
start_build FARM_HOLD
wait_for 60 test -e "$build/.hold.1.o"
kill -INT "$kfarm"
wait "$kfarm"
is "a build interrupted after a new warning: status" 130 $?
gone "a build interrupted after a new warning"
rm "$work/hold"
story "the rest of this build" 101 "warnings 0 (1 new, 2 carried), errors 0" 2
check "names the warning" grep -q '^new: beta/unit_1.c:.* unused .*new_b' \
	"$work/kfarm.log"
story "nothing to compile after it" 0 "warnings 0 (3 carried), errors 0" 3

age_builds
touch "$a" "$b"
start_build FARM_HOLD
wait_for 60 test -e "$build/.hold.1.o"
kill -KILL "$kfarm"
wait "$kfarm" 2>/dev/null
rm "$work/hold"
gone "a killed build"
story "after a killed build" 0 "warnings 0 (3 carried), errors 0" 3
check "the unknown warnings are reported" \
	grep -q 'build [0-9]* was killed: the warnings of the units that it' \
	"$work/kfarm.log"
touch "$a" "$b"
story "the same units again" 0 "warnings 3 (0 new), errors 0" 0
check "no unknown warnings" eval '! grep -q "was killed" "$work/kfarm.log"'
cp "$work/Makefile" "$tree/Makefile"
XDG_STATE_HOME=$work/state
build=$first

# ---- git bisect ----

cp "$work/a" "$a" && cp "$work/b" "$b"
git -C "$tree" init -q
for i in {0..6}; do
	echo "int number_$i;" >>"$a"
	[ $i != 4 ] || echo 'int fb(void) { int bad_b; return 1; }' >>"$b"
	git -C "$tree" add -A
	git -C "$tree" commit -qm "number $i"
	git -C "$tree" tag "n$i"
done
bisect()
{
	git -C "$tree" checkout -q n6
	git -C "$tree" bisect start n6 n0 >/dev/null
	git -C "$tree" bisect run "$bin/kfarm" build -b "$build" \
		-o "$work/out" -a arm64 -k tinyconfig --no-remote -W Image \
		>"$work/bisect.log" 2>&1 </dev/null
	git -C "$tree" bisect log | sed -n 's/^# first bad commit: .* n/n/p'
	git -C "$tree" bisect reset >/dev/null 2>&1
}
is "a bisect that knows no good build finds nothing" "" "$(bisect)"
check "the reason is reported" grep -q 'build one with the same options first' \
	"$work/bisect.log"
git -C "$tree" checkout -q n0
new_build
is "a bisect finds what warns" "number 4" "$(bisect)"
farm_end
