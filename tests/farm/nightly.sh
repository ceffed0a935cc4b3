#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# Ten runs of `kfarm nightly run` for a small tree, of which one commit breaks
# it and a later one fixes it.  nightly.out is the expected output, with the
# builds, reports, retained results and causes (--update rewrites it).  Then:
# killed runs, two runs at once, a full disk, damaged results, a build that
# takes too long, nodes, and the metrics.
#
# ROUNDS=N kills that many runs (8).
. "$(dirname "$0")/lib.sh"

farm_begin
here=$root/tests/farm
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null TZ=UTC0
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org
export GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org
unset XDG_DATA_HOME XDG_STATE_HOME
mine=$work/mine # the tree is cloned from here
results=$HOME/.local/share/kfarm/results
export FAKE_TIME=$work/now
gcc -shared -fPIC -O1 -o "$work/fake-time.so" "$root/tests/lib/fake-time.c" ||
	exit 1

"$here/mini/generate" "$mine" 6 2
find "$mine" -type d -empty -exec touch {}/.keep \;
git -C "$mine" init -q -b main

# commit SUBJECT: commit with a fixed date, so that the commit id is
# reproducible.
commits=0
commit()
{
	commits=$((commits + 1))
	git -C "$mine" add -A &&
		GIT_AUTHOR_DATE="@$((1700000000 + commits)) +0000" \
		GIT_COMMITTER_DATE="@$((1700000000 + commits)) +0000" \
			git -C "$mine" commit -qm "$1"
}

# add_line FILE LINE
add_line()
{
	echo "$2" >>"$mine/$1"
}

# settings LINE...: print a configuration with these lines in [nightly "mini"].
settings()
{
	printf '[tree "mini"]\n\turl = file://%s\n[nightly "mini"]\n' "$mine"
	printf '\t%s\n' 'tree = mini' 'rev = origin/main' 'arch = arm64' \
		'kconfig = tinyconfig' 'target = Image' 'keep-free = 1M' "$@"
}

nightly()
{
	env LD_PRELOAD="$work/fake-time.so" KFARM_BUILD_MARK="$work" \
		"$bin/kfarm" nightly run "$@" </dev/null
}

# begun ARG...: start a run in the background as process $pid, and wait until it
# builds or has ended, because a build without changes takes only milliseconds.
begun()
{
	KFARM_BUILD_MARK="$work" "$bin/kfarm" nightly run "$@" \
		>"$work/log" 2>&1 </dev/null &
	pid=$!
	children+=("$pid")
	# shellcheck disable=SC2016 # expanded by eval
	wait_for 60 eval '[ -e "$results/mini/.building/nightly.log" ] ||
		! kill -0 "$pid"'
}

# Print the targets of the links and the names of all results.
tree_of_results()
{
	local name

	for name in "$results"/mini/*; do
		name=${name##*/}
		[ "$name" = lock ] || echo "  $name$(readlink \
			"$results/mini/$name" | sed 's/^/ -> /')"
	done
}

# Mask values that differ from machine to machine and from run to run.
steady()
{
	sed -E -e "s|$work|WORK|g" -e 's/gcc-[0-9]+\.[0-9.]*[0-9]/gcc-N/g' \
		-e 's/-[0-9a-f]{8}\/(src|build)/-KEY\/\1/g' \
		-e 's/[0-9]+:[0-9]{2} wall/T wall/g' \
		-e 's/, [0-9]+:[0-9]{2}$/, T/' \
		-e 's/ in [0-9]+:[0-9]{2}, / in T, /' \
		-e '/^sizes |^\[.*-j [0-9]/d' -e 's/^\[ *[0-9]+s\]/[Ns]/'
}

# night DATE ARG...: run at that date; print both streams and the status.
night()
{
	date -ud "$1" +%s >"$FAKE_TIME"
	echo "=== $*"
	shift
	nightly "$@" 2>&1
	echo "[$?]"
	tree_of_results
}

ten_nights()
{
	settings 'bisect = true' 'keep-days = 4' 'keep-last = 2' \
		'keep-failures = 1' >"$KFARM_CONFIG"
	commit 'mini: begins'
	git -C "$mine" tag v1
	echo '# the first, dry and wet'
	night '2026-11-01 02:00' -n
	night '2026-11-01 02:00'
	echo '# nothing has changed'
	night '2026-11-02 02:00'
	echo '# a harmless commit'
	add_line alpha/unit_0.c 'int harmless;'
	commit 'alpha: a variable'
	night '2026-11-03 02:00'
	echo '# four commits, of which the second breaks it'
	add_line alpha/unit_0.c 'int more;'
	commit 'alpha: another'
	add_line beta/unit_1.c 'int broken = undeclared;'
	commit 'beta: use what is not there'
	for i in 1 2; do
		add_line alpha/unit_0.c "int after_$i;"
		commit "alpha: number $i after it"
	done
	night '2026-11-04 02:00'
	echo '# nothing has changed, and it fails'
	night '2026-11-05 02:00'
	echo '# another commit, and it fails as before'
	add_line alpha/unit_0.c 'int later;'
	commit 'alpha: later'
	night '2026-11-06 02:00'
	echo '# one more commit, and it fails as before'
	add_line alpha/unit_0.c 'int still_later;'
	commit 'alpha: still later'
	night '2026-11-06 03:00'
	echo '# it is mended'
	sed -i '/undeclared/d' "$mine/beta/unit_1.c"
	commit 'beta: use nothing that is not there'
	night '2026-11-07 02:00'
	echo '# a new warning'
	add_line gamma/unit_2.c 'static int unused(void) { return 0; }'
	commit 'gamma: a function that nobody calls'
	night '2026-11-08 02:00'
	echo '# other options; what is old has gone'
	settings 'bisect = true' 'keep-days = 4' 'keep-last = 2' \
		'keep-failures = 1' 'variable = KBUILD_BUILD_USER=me' \
		>"$KFARM_CONFIG"
	night '2026-11-20 02:00' -n
	night '2026-11-20 02:00' -v
	echo '# the clock was set back'
	add_line alpha/unit_0.c 'int past;'
	commit 'alpha: in the past'
	night '2026-10-10 02:00'
}

ten_nights | steady >"$work/nightly.out"
[ "${1-}" != --update ] || cp "$work/nightly.out" "$here/nightly.out"
check "ten nights" diff -u "$here/nightly.out" "$work/nightly.out"

# ---- the history ----

listed=$("$bin/kfarm" history --json)
is "no build is where it was built" 0 "$(grep -c '\.building' <<<"$listed")"
check "a result's page contains its path" \
	grep -q "$(basename "$(readlink "$results/mini/latest")")" \
	"$results/mini/latest/report.html"
check "and its report is found" "$bin/kfarm" report "$results/mini/last-good"

is "a build of a nightly job is not the last build of its tree" null \
	"$("$bin/kfarm" tree list --json | jq '.trees[0].last_build')"

# ---- interruptions ----

# whole NAME: check after the next run that every result is complete, every link
# leads to a result, and no other file exists.
whole()
{
	local dir name odd=

	for dir in "$results"/mini/*/; do
		[ -s "$dir/result.json" ] && [ -s "$dir/nightly.log" ] &&
			python3 -m json.tool "$dir/result.json" >/dev/null ||
			odd+=" $dir"
	done
	for name in latest last-good; do
		[ -s "$results/mini/$name/result.json" ] || odd+=" $name"
	done
	is "$1: results and links are whole" '' "$odd"
}

rm "$FAKE_TIME"
settings 'keep-days = 0' 'keep-last = 3' >"$KFARM_CONFIG"
nightly >"$work/log" 2>&1
# While the file $FARM_HOLD exists, the build of a changed commit repeats small
# compiles before it links.  Each run has another file, because the recipe of a
# killed build looks for the file once a second.
export FARM_HOLD=
changes=0

# begun_changed: start a run for a new commit.
begun_changed()
{
	changes=$((changes + 1))
	add_line alpha/unit_0.c "int change_$changes;"
	commit "alpha: change $changes"
	begun
}

# begun_held: start a run, and wait until its build repeats the small compiles.
begun_held()
{
	find "$work" -name '.hold.*' -delete
	FARM_HOLD=$work/hold.$changes
	touch "$FARM_HOLD"
	begun_changed
	# shellcheck disable=SC2016 # expanded by eval
	check "the build runs" wait_for 60 eval \
		'find "$work" -name ".hold.*" | grep -q .'
}

left=0
for round in $(seq "${ROUNDS:-8}"); do
	# Kill every second run during the small compiles, and the others at any
	# time: a run takes 0.1 s on a fast machine.
	if [ $((round % 2)) -eq 0 ]; then
		begun_held
	else
		FARM_HOLD=
		begun_changed
		sleep "0.0$((RANDOM % 10))"
	fi
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	whole "killed $round" | grep -v ^ok
	for _ in {1..600}; do
		pgrep -f "build --tree mini .*$results" >/dev/null || break
		sleep 0.1
	done
	! pgrep -f "build --tree mini .*$results" >/dev/null || left=$((left + 1))
	[ ! "$FARM_HOLD" ] || rm "$FARM_HOLD"
done
whole "killed ${ROUNDS:-8} times"
is "killed: builds that went on" 0 $left
check "and the next night is good" nightly --force
is "nothing is left of the others" '' \
	"$(find "$results/mini" -mindepth 1 -maxdepth 1 -name '.*')"

# set_outputs BUILD...: set the output directory of these builds in the history
# to that in which a run builds, as if it had been killed before it recorded the
# final path.
set_outputs()
{
	python3 - "$HOME/.local/state/kfarm/history.db" \
		"$results/mini/.building" "$@" <<-'END'
		import sqlite3
		import sys
		with sqlite3.connect(sys.argv[1]) as db:
		    for number in sys.argv[3:]:
		        db.execute("UPDATE build SET output = ? WHERE number = ?",
		                   (sys.argv[2], number))
	END
}

# output_of BUILD: print the output directory in the history.
output_of()
{
	"$bin/kfarm" history --all --json |
		jq -r ".builds[] | select(.build == $1).output"
}

last=$(jq .history "$results/mini/latest/result.json")
kept=$(output_of "$last")
set_outputs 1 "$last"
is "killed before the path was recorded" "$results/mini/.building" \
	"$(output_of "$last")"
check "the next night is good" nightly
is "its path is recorded" "$kept" "$(output_of "$last")"
is "a build without a result has no path" null "$(output_of 1)"

begun_held
kill -TERM "$pid"
wait "$pid"
is "SIGTERM: the status" 130 $?
rm "$FARM_HOLD"
unset FARM_HOLD
check "and a word" grep -q 'interrupted' "$work/log"
whole SIGTERM
is "nothing is left of it" '' \
	"$(find "$results/mini" -mindepth 1 -maxdepth 1 -name '.*')"

# ---- two runs at once ----

(
	flock 9
	exec sleep 1000
) 9>>"$results/mini/lock" &
holder=$!
children+=("$holder")
wait_for 60 eval '! flock -n "$results/mini/lock" true'
nightly --force >"$work/log" 2>&1
is "while another has the lock: the status" 75 $?
check "and who has it" grep -q 'another run is active: process' "$work/log"
nightly --force --wait=1 >"$work/log" 2>&1
is "it waits as long as it is told" 75 $?
(
	sleep 1
	kill "$holder"
) &
check "and longer" nightly --wait
begun --force
nightly --force --wait >"$work/log2" 2>&1
is "two at once: the second" 0 $?
wait "$pid"
is "and the first" 0 $?
whole "two at once"

# ---- damage ----

latest=$(readlink "$results/mini/latest")
echo '{' >"$results/mini/$latest/result.json"
mkdir "$results/mini/2026-01-01T0000-g0123-a-b-c"
nightly >"$work/log" 2>&1
is "a damaged result: the status" 0 $?
is "the links lead elsewhere" no \
	"$([ "$(readlink "$results/mini/latest")" = "$latest" ] && echo yes ||
		echo no)"
touch -cd '2 days ago' "$results/mini/$latest" \
	"$results/mini/2026-01-01T0000-g0123-a-b-c"
nightly
check "it goes when it is old" test ! -e "$results/mini/$latest"
whole "after damage"

# ---- a full disk ----

if small_disk "$results/mini" 64; then
	settings >"$KFARM_CONFIG"
	nightly >"$work/log" 2>&1
	check "a tiny disk: the free space is reported" grep -q \
		': [1-9][0-9.]* KiB free, but keep-free requires 1.0 MiB' \
		"$work/log"
	small_disk_gone "$results/mini"
fi
settings 'keep-free = 900T' >"$KFARM_CONFIG"
nightly --force >"$work/log" 2>&1
is "too little room: the status" 1 $?
check "and what to do" grep -q 'keep-free requires' "$work/log"
whole "too little room"
settings >"$KFARM_CONFIG"
rm -rf "${results:?}/mini"
if small_disk "$results/mini" 3000; then
	sed -i 's/keep-free = 1M/keep-free = 0K/' "$KFARM_CONFIG"
	nightly >"$work/log" 2>&1
	is "a small disk: a first night fits" 0 $?
	for round in {1..6}; do
		nightly --force >"$work/log" 2>&1 || break
	done
	# The log begins with more warnings than a result has messages.
	printf '[farm]\n' >>"$KFARM_CONFIG"
	printf '\tverify = %s\n' {1..25} >>"$KFARM_CONFIG"
	nightly --force >"$work/log" 2>&1
	is "a full one: the status" 1 $?
	check "and a word" grep -q 'No space left' "$work/log" \
		"$results/mini/latest/result.json"
	whole "a full disk"
	sed -i 's/keep-free = 0K/keep-free = 1700K/' "$KFARM_CONFIG"
	nightly --force >"$work/log" 2>&1
	is "with a floor there is room: the status" 0 $?
	whole "with a floor"
	small_disk_gone "$results/mini"
else
	left_out "a full disk" "no file system can be mounted"
fi

# ---- a build without targets ----

settings 'options = --dry-run' >"$KFARM_CONFIG"
nightly >"$work/log" 2>&1
is "a dry run is not good: the status" 1 $?
check "and why" grep -q 'nothing was built' "$work/log"
settings 'toolchain = gcc-1.2' >"$KFARM_CONFIG"
nightly -n >"$work/log" 2>&1
is "nightly run -n without the compiler: the status" 1 $?
check "and which one is missing" grep -q 'gcc-1.2' "$work/log"
for round in first second; do
	nightly 2>"$work/log" >/dev/null
	is "without the compiler, $round run: the status" 1 $?
	check "without the compiler, $round run: stderr has the reason" \
		grep -q '^kfarm: nightly run: mini: .*gcc-1.2' "$work/log"
	is "without the compiler, $round run: the build is named so often" 1 \
		"$(grep -o arm64-tinyconfig "$work/log" | wc -l)"
done

# broken_by FILE: run with a key kconfig-add that names this missing file, and
# with a configuration that causes a warning.
broken_by()
{
	settings "kconfig-add = $1" >"$KFARM_CONFIG"
	printf '[farm]\n\tverify = 3\n' >>"$KFARM_CONFIG"
	nightly >"$work/log" 2>"$work/log2"
	is "without $1: the status" 1 $?
	check "without $1: nightly.log begins with the warning" \
		sed -n '/^kfarm: warning: .*farm.verify/q; q1' \
		"$results/mini/latest/nightly.log"
	check "without $1: the first message is the error" \
		jq -e --arg file "$1" '.said[0] | contains($file)' \
		"$results/mini/latest/result.json"
	check "without $1: stderr has the error" \
		grep -q "^kfarm: nightly run: mini: .*$1" "$work/log2"
}

broken_by no/such.config
check "without a file: the subject has the reason" \
	grep -q '^\[kfarm\] ERROR mini .*no/such.config' "$work/log"
broken_by no/such.config
is "the same file is missing: the report" '' "$(cat "$work/log")"
broken_by no/other.config
check "another file is missing: the report" \
	grep -q '^\[kfarm\] ERROR mini .*no/other.config' "$work/log"

settings "options = \"--json 'no such/file'\"" >"$KFARM_CONFIG"
nightly >"$work/log" 2>&1
(PATH=$bin:$PATH && eval "$(sed -n '/^To build it again:/{n;p}' "$work/log")") \
	>"$work/log2" 2>&1
check "the command of the report has the same options" \
	grep -q '^kfarm: .*no such/file: ' "$work/log2"

settings 'toolchain = /opt/none/bin/nosuch-' 'toolchain = aarch64-linux-gnu-' \
	>"$KFARM_CONFIG"
nightly >"$work/log" 2>"$work/log2"
is "one of two compilers is missing: the status" 1 $?
check "one of two compilers is missing: stderr has the reason" \
	grep -q '^kfarm: nightly run: mini: .*: .*nosuch-gcc: not found' \
	"$work/log2"
check "one of two compilers is missing: the log of the report has the reason" \
	grep -q 'nosuch-gcc: not found' \
	"$(sed -n 's/^Log: *//p' "$work/log")"
for build in nosuch- aarch64-linux-gnu-; do
	check "one of two compilers is missing: a result of $build" test -s \
		"$results/mini/latest-arm64-tinyconfig-$build/result.json"
done

settings | sed 's/tinyconfig/defconfig/' >"$KFARM_CONFIG"
printf '\tbogusinsn x0\n' >>"$mine/beta/start.S"
commit 'beta: an unknown instruction'
nightly >"$work/log" 2>&1
is "the assembler fails in a first build: the status" 2 $?
check "the assembler fails in a first build: the report has the error" \
	grep -q '^  beta/start.S:[0-9]*: error: .*bogusinsn' "$work/log"
git -C "$mine" checkout -q HEAD~ -- beta/start.S
commit 'beta: no unknown instruction'

printf '\nhelp:\n\t@seq 30; false\n' >>"$mine/Makefile"
commit 'Makefile: help fails'
settings | sed 's/target = Image/target = help/' >"$KFARM_CONFIG"
nightly >"$work/log" 2>&1
is "a failure without a diagnostic: the status" 2 $?
is "a failure without a diagnostic: the messages are the end of the log" \
	"$(tail -n 20 "$results/mini/latest/nightly.log")" \
	"$(jq -r '.said[]' "$results/mini/latest/result.json")"
git -C "$mine" checkout -q HEAD~ -- Makefile
commit 'Makefile: help succeeds'

# ---- a build without an end ----

settings 'timeout = 2s' >"$KFARM_CONFIG"
printf '\nprepare: forever\nforever:\n\tsleep 98765.%s\n' $$ \
	>>"$mine/Makefile"
commit 'Makefile: takes forever'
nightly >"$work/log" 2>&1
is "a build without an end: the status" 1 $?
check "and why" grep -q '"timed_out": true' \
	"$results/mini/latest/result.json"
check "none of its processes continues" test -z "$(pgrep -f "sleep 98765[.]$$")"
nightly >"$work/log" 2>&1
is "it is not tried again" 0 $?
git -C "$mine" checkout -q HEAD~ -- Makefile
commit 'Makefile: ends'

# ---- several builds, and several jobs of a tree ----

settings 'toolchain = gcc' 'toolchain = aarch64-linux-gnu-' >"$KFARM_CONFIG"
printf '[nightly "%s"]\n\ttree = mini\n' other >>"$KFARM_CONFIG"
printf '\t%s\n' 'arch = arm64' 'kconfig = tinyconfig' \
	'rev = nosuch' >>"$KFARM_CONFIG"
nightly mini -v >"$work/log" 2>&1
is "two compilers: the status" 0 $?
is "links to each" 4 "$(find "$results/mini" -type l -name '*-arm64-*' | wc -l)"
check "which lead to two results" test \
	"$(readlink "$results/mini/latest-arm64-tinyconfig-gcc")" != \
	"$(readlink "$results/mini/latest-arm64-tinyconfig-aarch64-linux-gnu-")"

# on_terminal ARG...: run on a terminal, with the output in $work/log.
on_terminal()
{
	env --unset=CI KFARM_BUILD_MARK="$work" script -qec \
		"'$bin/kfarm' nightly run $*" /dev/null </dev/null |
		tr -d '\r' >"$work/log"
}

on_terminal --force mini
for line in 'updating the tree mini' \
	'arm64-tinyconfig[^ ]*: build v1[^ ]* (forced)' \
	'arm64-tinyconfig[^ ]*: \[ *[0-9]*s\] prepare' \
	'arm64-tinyconfig[^ ]*: PASS in [0-9]*:[0-9]*, warnings .*'; do
	check "on a terminal: $line" grep -qx "kfarm: mini: $line" "$work/log"
done
on_terminal --force -q mini
is "on a terminal with -q" 0 "$(grep -c '^kfarm: ' "$work/log")"
nightly --force mini >"$work/log" 2>&1
is "without a terminal" "kfarm: mini: building" \
	"$(sed -n 's/^\(kfarm: .*building\) arm64-tinyconfig.* at v1.*;.*/\1/p' \
		"$work/log")"
nightly --force -q mini >"$work/log" 2>&1
is "without a terminal and with -q" 0 "$(grep -c '^kfarm: ' "$work/log")"

nightly other mini >"$work/log" 2>&1
is "one job fails, the other has nothing to do: the status" 1 $?
check "one job fails: the error names the key and its value" grep -qx \
	"kfarm: nightly run: other: $KFARM_CONFIG:[0-9]*: \[nightly \"other\"\]: rev: tree mini: unknown revision \"nosuch\"" \
	"$work/log"
sed -i 's/rev = nosuch/rev = v1x/' "$KFARM_CONFIG"
nightly other >"$work/log" 2>&1
check "the error suggests a similar revision" grep -q \
	'\]: rev: tree mini: unknown revision "v1x"; did you mean "v1"' "$work/log"
sed -i 's/rev = v1x/rev = nosuch/' "$KFARM_CONFIG"
nightly -n other >"$work/log" 2>&1
check "a dry run, which updates no tree, suggests an update" grep -q \
	'unknown revision "nosuch"; run `kfarm tree update`' "$work/log"
git -C "$mine" branch empty "$(git -C "$mine" commit-tree -m empty \
	"$(git -C "$mine" mktree </dev/null)")"
sed -i 's/rev = nosuch/rev = empty/' "$KFARM_CONFIG"
nightly other >"$work/log" 2>&1
check "a revision that is no kernel: the error names the keys of the job" \
	grep -q 'tree mini at [0-9a-f]*: not a Linux kernel source tree; change `tree` or `rev` in \[nightly "other"\]' \
	"$work/log"
nightly nosuch >"$work/log" 2>&1
is "a job that is none: the status" 1 $?

# ---- the clock during a bisection ----

# Each build sets the clock forward.
# shellcheck disable=SC2016
echo '$(if $(CLOCK),$(shell echo $$(($$(cat $(CLOCK)) + 60)) >$(CLOCK)))' \
	>>"$mine/Makefile"
commit 'mini: set the clock'
settings "variable = CLOCK=$FAKE_TIME" >"$KFARM_CONFIG"
date +%s >"$FAKE_TIME"
nightly >"$work/log" 2>&1
is "the clock goes on: the status" 0 $?
for text in 'int worse = undeclared;' 'int later_b;'; do
	add_line beta/unit_1.c "$text"
	commit "beta: $text"
done
nightly --bisect >"$work/log" 2>&1
check "the clock goes on: a bisection" grep -q '^First bad commit, found in' \
	"$work/log"
is "the clock goes on: no build is where it was built" 0 \
	"$("$bin/kfarm" history --json | grep -c '\.building')"
sed -i '/undeclared/d' "$mine/beta/unit_1.c"
commit 'beta: use nothing that is not there'
settings >"$KFARM_CONFIG"
nightly >"$work/log" 2>&1
is "the clock goes on: it is good again" 0 $?

# ---- an interrupted bisection ----

bad_commits()
{
	local i

	for i in 1 2 3 4; do
		add_line beta/unit_1.c "int bad_$i = undeclared;"
		# The commit that the search builds first waits.
		# shellcheck disable=SC2016
		[ $i -ne 2 ] || add_line Makefile \
			'$(if $(HOLD),$(shell touch $(HOLD).on; while [ -e $(HOLD) ]; do sleep 0.1; done))'
		[ $i -ne 3 ] || sed -i '/HOLD/d' "$mine/Makefile"
		commit "beta: bad $i"
	done
}

bad_commits
touch "$work/hold"
settings 'bisect = true' "variable = HOLD=$work/hold" >"$KFARM_CONFIG"
# A bisection requires a good build with the same variables.
git -C "$mine" branch bad
git -C "$mine" reset -q --hard HEAD~4
nightly >"$work/log" 2>&1
git -C "$mine" merge -q --ff-only bad
git -C "$mine" branch -q -d bad
begun
wait_for 60 test -e "$work/hold.on"
kill -TERM "$pid"
wait "$pid"
is "a bisection is interrupted: the status" 130 $?
rm "$work/hold"
is "and it has no result" null \
	"$(jq .first_bad "$results/mini/latest/result.json")"
nightly >"$work/log" 2>&1
is "the next run repeats it" "$(git -C "$mine" rev-parse HEAD~3)" \
	"$(jq -r .first_bad "$results/mini/latest/result.json")"
nightly >"$work/log" 2>&1
is "a run after that does not" 0 "$(grep -c bisect: "$work/log")"
git -C "$mine" reset -q --hard HEAD~4
nightly >"$work/log" 2>&1
is "it is good again: the status" 0 $?
bad_commits
settings 'bisect = true' 'bisect-builds = 1' "variable = HOLD=$work/hold" \
	>"$KFARM_CONFIG"
nightly >"$work/log" 2>&1
check "a bisection ends early" grep -q 'not found in 1 build, stopped' \
	"$work/log"
nightly >"$work/log" 2>&1
is "the next run does not continue it" 0 "$(grep -c bisect: "$work/log")"
git -C "$mine" reset -q --hard HEAD~4
settings >"$KFARM_CONFIG"
nightly >"$work/log" 2>&1
is "it is good again, with other options: the status" 0 $?
# The last good commit no longer exists.
sed -i "s/$(git -C "$mine" rev-parse HEAD)/$(printf '%040d' 1)/" \
	"$results/mini/last-good/result.json"
bad_commits
settings 'bisect = true' >"$KFARM_CONFIG"
nightly >"$work/log" 2>&1
is "a bisection fails: the status" 1 $?
nightly >"$work/log" 2>&1
is "the next run does not repeat it: the status" 0 $?
git -C "$mine" reset -q --hard HEAD~4
settings >"$KFARM_CONFIG"
nightly >"$work/log" 2>&1
is "it is good after a failed bisection: the status" 0 $?
# The branch is rewritten, so the last good commit is no longer an ancestor.
add_line alpha/unit_0.c 'int dropped;'
commit 'alpha: to be dropped'
nightly >"$work/log" 2>&1
git -C "$mine" reset -q --hard HEAD~1
add_line beta/unit_1.c 'int bad = undeclared;'
commit 'beta: bad in a rewritten branch'
nightly --verbose --bisect >"$work/log" 2>&1
check "a bisection of a rewritten branch builds the merge base" \
	grep -q ': bisect: [0-9a-f]*, the merge base: good$' "$work/log"
git -C "$mine" reset -q --hard HEAD~1
nightly >"$work/log" 2>&1

# On a loaded machine, the time can pass before a build of the bisection runs
# make.  Repeat the bisection with twice the time then.
for seconds in 10 20 40 80; do
	settings 'bisect = true' "bisect-time = ${seconds}s" \
		"variable = HOLD=$work/hold" >"$KFARM_CONFIG"
	nightly >"$work/log" 2>&1
	bad_commits
	rm -f "$work/hold.on" "$work/ended"
	touch "$work/hold"
	(
		nightly >"$work/log" 2>&1
		touch "$work/ended"
	) &
	ended=no
	wait_for 300 test -e "$work/ended" && ended=yes
	rm "$work/hold"
	wait $!
	git -C "$mine" reset -q --hard HEAD~4
	[ ! -e "$work/hold.on" ] || break
done
is "a build of a bisection ends with the time of the bisection" yes "$ended"
check "the build was running" test -e "$work/hold.on"
check "the bisection ends for lack of time" grep -q 'for lack of time' \
	"$work/log"
settings >"$KFARM_CONFIG"
nightly >"$work/log" 2>&1

# ---- a required share of jobs on nodes ----

settings 'options = --require-remote 90' >"$KFARM_CONFIG"
printf '[node "none"]\n\taddress = "exec:/bin/false"\n' >>"$KFARM_CONFIG"
add_line alpha/unit_0.c 'int local;'
commit 'alpha: a local variable'
for round in first second; do
	(unset CCACHE_DISABLE && nightly) >"$work/log" 2>"$work/log2"
	is "no node executes a job, $round run: the status" 1 $?
	check "no node executes a job, $round run: the reason" \
		grep -q '90 % are required' "$work/log2"
done
is "no node executes a job, second run: the report" '' "$(cat "$work/log")"

# The objects of a build with M= are outside of the build directory.
mkdir "$work/module"
touch "$work/module/Makefile" "$work/before"
settings 'options = --require-remote 90' "variable = M=$work/module" \
	>"$KFARM_CONFIG"
printf '[node "none"]\n\taddress = "exec:/bin/false"\n' >>"$KFARM_CONFIG"
(unset CCACHE_DISABLE && nightly) >"$work/log" 2>"$work/log2"
check "no node executes a job of modules" grep -q '90 % are required' \
	"$work/log2"
is "the build directory of modules remains" 1 "$(find \
	"$HOME/.local/share/kfarm/trees" -name Image -newer "$work/before" |
	wc -l)"

# ---- nodes ----

nodes 2 slots=2
settings >>"$KFARM_CONFIG"
# Connect to the nodes although nothing has changed since the previous build.
printf '[farm]\n\trequire-remote = 1\n' >>"$KFARM_CONFIG"
nightly --force >"$work/log" 2>&1
is "with nodes: the status" 0 $?
is "all slots of nodes that grant leases" "2 2" "$(jq -r '[.nodes[].slots] | join(" ")' \
	"$results/mini/latest/metadata.json")"

# ---- metrics ----

mkdir "$work/collector"
metrics=$work/collector/kfarm.prom
printf '[nightly]\n\tmetrics = %s\n' "$metrics" >>"$KFARM_CONFIG"
nightly --dry-run >"$work/log" 2>&1
check "a dry run writes no metrics" test ! -e "$metrics"
nightly --force >"$work/log" 2>&1
is "metrics: the status" 0 $?
is "metrics: no other file is left" kfarm.prom "$(ls -A "$work/collector")"

# Print the metrics of the newest result, each with the label that distinguishes
# its samples, as the history and the result describe them.
metrics_of_report()
{
	"$bin/kfarm" report --json "$results/mini/latest" |
		jq -r --slurpfile result "$results/mini/latest/result.json" '
			$result[0] as $r |
			[["result PASS", 1], ["result WARN", 0],
			 ["result FAIL", 0], ["result ERROR", 0],
			 ["end_timestamp_seconds", $r.began + $r.wall_ms / 1000],
			 ["duration_seconds", $r.wall_ms / 1000],
			 ["errors", .errors], ["warnings", .warnings],
			 ["new_warnings", .new_warnings],
			 ["jobs local", .local], ["jobs remote", .remote],
			 ["jobs cache", .cached - .cached_remote],
			 ["jobs cache_server", .cached_remote],
			 (.reasons | to_entries[] | ["local_jobs " + .key, .value]),
			 ["retried_jobs", .retried],
			 ["duplicated_jobs", .duplicated],
			 ["host_cpu_seconds", .host_cpu],
			 ["compile_cpu_seconds", .compile_cpu],
			 (.nodes[] | select(.name != "local") |
				["node_jobs " + .name, .jobs],
				["node_failures " + .name, .failed],
				["node_cpu_seconds " + .name, .cpu],
				["node_clock_ratio " + .name, .slowest_clock],
				["node_temperature_celsius " + .name,
				 .hottest_celsius] | select(.[1] != null))
			][] | "\(.[0]) \(.[1])"' | sort
}

# Print the metrics of the file in the same form.
metrics_of_file()
{
	python3 - "$metrics" <<'END' | sort
import re, sys

for line in open(sys.argv[1]):
    if line[0] == "#":
        continue
    name, labels, value = re.fullmatch(
        r"kfarm_nightly_(\w+)\{(.*)\} (\S+)\n", line).groups()
    labels = re.findall(r'(\w+)="([^"]*)"', labels)
    assert [key for key, _ in labels[:5]] == \
        ["nightly", "build", "arch", "config", "toolchain"], line
    assert labels[0][1] == "mini" and labels[2][1] == "arm64", line
    print(name, *(value for _, value in labels[5:]), value)
END
}

metrics_of_report >"$work/expected"
metrics_of_file >"$work/written"
check "metrics: two nodes have samples" test 2 = \
	"$(grep -c '^node_jobs ' "$work/written")"
check "metrics: the values are those of the report" \
	python3 - "$work/expected" "$work/written" <<'END'
import sys

def read(path):
    return {name: float(value) for name, value in
            (line.rstrip("\n").rsplit(" ", 1) for line in open(path))}

expected, written = map(read, sys.argv[1:])
different = {name: (expected.get(name), written.get(name))
             for name in expected.keys() | written.keys()
             if name not in expected or name not in written or
             abs(expected[name] - written[name]) > 1e-6}
sys.exit(str(different) if different else 0)
END

before=$(stat -c %i "$metrics")
nightly >"$work/log" 2>&1
check "metrics: a run without changes replaces the file" test "$before" != \
	"$(stat -c %i "$metrics")"
mv "$mine" "$mine.gone"
before=$(stat -c %i "$metrics")
nightly >"$work/log" 2>&1
is "metrics: a run that cannot fetch the tree leaves the file" "$before" \
	"$(stat -c %i "$metrics")"
mv "$mine.gone" "$mine"
newest=$(readlink "$results/mini/latest")
rm -r "$work/collector"
nightly --dry-run >"$work/log" 2>&1
check "metrics without a directory: a dry run warns" grep -qx \
	"kfarm: warning: nightly run: mini: $metrics: No such file or directory; create its directory, or change nightly.metrics" \
	"$work/log"
nightly --force >"$work/log" 2>&1
is "metrics without a directory: the status" 1 $?
check "metrics without a directory: the file and the remedy" grep -qx \
	"kfarm: nightly run: mini: $metrics: No such file or directory; create its directory, or change nightly.metrics" \
	"$work/log"
check "metrics without a directory: the build is good" jq -e '.end == "good"' \
	"$results/mini/latest/result.json"
check "metrics without a directory: the result is new" test "$newest" != \
	"$(readlink "$results/mini/latest")"
farm_end
