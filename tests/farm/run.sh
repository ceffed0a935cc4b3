#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# kfarm run with a program that is not a kernel (kfarm-cc, from four
# directories), built by make, ninja and a script.  Files, output, exit status,
# signals and terminal behaviour equal those without kfarm.
. "$(dirname "$0")/lib.sh"

farm_begin
project=$work/project
# The units from which the Makefile links kfarm-cc.
units='base/bytes base/buf base/str base/vec base/depfile base/printable base/which
base/err base/work-timer base/process-usage base/clock base/file-stamp base/replace
base/socket base/state-file wire/field wire/frame wire/cc'
units+=" $(cd "$root/kbuild-farm" && echo options/*.c cc/*.c | sed 's/\.c//g')"
n_units=$(wc -w <<<"$units")

# ---- the project ----

write_makefiles()
{
	local d

	cat >"$project/Makefile" <<'END'
dirs := base wire options cc
export CFLAGS := -O0 -std=gnu17 -D_GNU_SOURCE -I$(CURDIR)
prog: $(dirs)
	@echo LINK $@
	@$(CC) -o $@ $(addsuffix /*.o,$(dirs))
$(dirs):
	@$(MAKE) -C $@
clean:
	rm -f prog */*.o */*.d
.PHONY: $(dirs) clean
END
	for d in base wire options cc; do
		cat >"$project/$d/Makefile" <<'END'
all: $(patsubst %.c,%.o,$(wildcard *.c))
%.o: %.c
	@echo CC $@
	@$(CC) $(CFLAGS) $(MORE) -MMD -c -o $@ $<
-include $(wildcard *.d)
END
	done
}

# A build script with its own order, parallelism and messages.
write_script()
{
	{
		printf '%s\n' '#!/bin/sh' 'set -e' 'cd "$(dirname "$0")"' \
			"F='-O0 -std=gnu17 -D_GNU_SOURCE'"
		printf '(cd %s && ' base
		echo 'for f in *.c; do gcc $F -I"$OLDPWD" -c "$f" & done; wait)'
		for d in wire options cc; do
			echo "for f in $d/*.c; do"
			echo '	gcc $F -I. -MD -c "$f" -o "${f%.c}.o"'
			echo 'done'
		done
		echo 'gcc -o prog */*.o'
	} >"$project/build.sh"
	chmod +x "$project/build.sh"
}

write_ninja()
{
	local u

	{
		echo 'rule cc'
		echo '  command = cc -O0 -I. -std=gnu17 -D_GNU_SOURCE -MD' \
			'-MF $out.d -c $in -o $out'
		echo 'rule link'
		echo '  command = cc -o $out $in'
		for u in $units; do
			echo "build $u.o: cc $u.c"
		done
		echo build prog: link ${units//[[:space:]]/.o }.o |
			sed 's/  */ /g'
	} >"$project/build.ninja"
}

write_project()
{
	local u

	for u in $units; do
		mkdir -p "$project/$(dirname "$u")"
		cp "$root/kbuild-farm/$u.c" "$project/$u.c"
	done
	cp "$root"/kbuild-farm/base/*.h "$project/base"
	# A unit whose strings contain .incbin is compiled locally.
	sed 's/\.inc/inc/g' "$root/kbuild-farm/base/reason-list.h" \
		>"$project/base/reason-list.h"
	cp "$root"/kbuild-farm/wire/*.h "$project/wire"
	cp "$root"/kbuild-farm/options/*.{h,inc} "$project/options"
	cp "$root"/kbuild-farm/cc/*.h "$project/cc"
	write_makefiles
	write_script
	write_ninja
	cp -a "$project" "$work/pristine"
}

fresh()
{
	rm -rf "$project"
	cp -a "$work/pristine" "$project"
}

# plain_build COMMAND...: build without kfarm, into $ref.
plain_build()
{
	fresh
	(cd "$project" && "$@") >"$work/plain.out" 2>"$work/plain.err"
	plain_status=$?
	rm -rf "$ref" && cp -a "$project" "$ref"
}

# The same, but the build must succeed, because a comparison of two failed
# builds shows little.
plain_good()
{
	plain_build "$@"
	is "$1 without kfarm: exit status" 0 "$plain_status"
	[ "$plain_status" -eq 0 ] || tail -n 5 "$work/plain.err"
}

# run ARG...: kfarm run with these arguments in the project's directory.
run()
{
	(cd "$project" && env KFARM_BUILD_MARK="$work" "$bin/kfarm" run "$@") \
		>"$work/run.out" 2>"$work/run.err" </dev/null
}

# The same in the background, as the leader of a session with the id $kfarm.
run_start()
{
	setsid env --default-signal=INT,QUIT -C "$project" \
		KFARM_BUILD_MARK="$work" "$bin/kfarm" run "$@" \
		>"$work/run.out" 2>"$work/run.err" </dev/null &
	kfarm=$!
	children+=("$kfarm")
}

# Print stderr without kfarm's summary.
errors()
{
	grep -v '^kfarm: ' "$work/run.err"
}

jobs_line()
{
	sed -n 's/^kfarm: jobs //p' "$work/run.err"
}

remote_jobs()
{
	jobs_line | sed -n 's/^[0-9]*: \([0-9]*\) remote.*/\1/p'
}

# With -j, make itself mixes up the line numbers of a recipe.
unnumbered()
{
	sed 's/^\(make.*\[Makefile\):[0-9]*:/\1:/' | sort
}

# same NAME JOBS REMOTE: compare with the last plain build.  Nodes must run at
# least REMOTE of JOBS (a few units of this program are always local).
same()
{
	is "$1: exit status" "$plain_status" "$status"
	check "$1: equal to the result without kfarm" \
		compare_trees "$ref" "$project"
	is "$1: on stdout" "$(sort "$work/plain.out")" \
		"$(grep -v '^make.*: \(Enter\|Leav\)ing' "$work/run.out" |
			sort)"
	is "$1: on stderr" "$(unnumbered <"$work/plain.err")" \
		"$(errors | unnumbered)"
	is "$1: jobs" "$2" "$(jobs_line | cut -d: -f1)"
	check "$1: $(jobs_line)" [ "$(remote_jobs)" -ge "$3" ]
	no_temporaries "$1" "$project"
}

# ---- the tests ----

# Build until the nodes have the files that most jobs need.
warm()
{
	local round

	nodes 2 slots=3
	for round in {1..20}; do
		fresh
		run -- make --no-print-directory
		[ "$(remote_jobs)" -lt 14 ] || return 0
	done
	bad "warm, $round times: $(jobs_line)"
}

by_make()
{
	plain_good make --no-print-directory
	nodes 2 slots=3
	fresh
	run --require-remote 70 -- make --no-print-directory
	status=$?
	same "make" "$n_units" 14
	fresh
	run -- make -j 3 --no-print-directory
	status=$?
	same "make -j3" "$n_units" 14
	no_nodes
	fresh
	run -- make --no-print-directory
	status=$?
	same "make without nodes" "$n_units" 0
}

by_script()
{
	plain_good ./build.sh
	nodes 2 slots=3
	fresh
	run --no-jobserver -- ./build.sh
	status=$?
	same "a script" "$n_units" 14
}

by_ninja()
{
	if ! command -v ninja >/dev/null; then
		echo "      (no ninja: left out)"
		return
	fi
	plain_good ninja -j 4 --quiet
	nodes 2 slots=3
	fresh
	run -- ninja -j 4 --quiet
	status=$?
	# ninja's log and database contain times.
	rm -f "$ref"/.ninja* "$project"/.ninja*
	same "ninja" "$n_units" 14
}

# Messages and exit status equal those of the local compiler.
failing()
{
	nodes 2 slots=3
	echo 'int warned(int a) { int unused; return a; }' \
		>"$work/pristine/wire/warned.c"
	echo 'int wrong(void) { return undeclared; }' \
		>"$work/pristine/cc/wrong.c"
	plain_build make -j2 --no-print-directory -k MORE=-Wall
	is "an error: plain make ends with" 2 "$plain_status"
	fresh
	run -- make --no-print-directory -k MORE=-Wall
	status=$?
	same "an error and a warning" $((n_units + 2)) 14
	check "an error and a warning: the reason" grep -q \
		'1 compile error' "$work/run.err"
}

# On a terminal, diagnostics are coloured and as wide as the terminal.
on_terminal()
{
	local command="make --no-print-directory -j1 wire"
	local -x TERM=xterm # "dumb" has no colours

	fresh
	script -qec "cd $project && stty cols 72 && $command MORE=-Wall" \
		/dev/null </dev/null >"$work/plain.tty"
	check "a terminal: plain make's diagnostics have colours" \
		grep -q $'\033\\[' "$work/plain.tty"
	fresh
	script -qec "cd $project && stty cols 72 &&
		$bin/kfarm run -- $command MORE=-Wall" \
		/dev/null </dev/null >"$work/run.tty"
	grep -v '^kfarm: ' "$work/run.tty" >"$work/run.tty.make"
	check "a terminal: the same with kfarm" \
		diff "$work/plain.tty" "$work/run.tty.make"
	check "a terminal: the reason" grep -q \
		'^kfarm: jobs 4: .*[( ]1 diagnostics on a terminal' \
		"$work/run.tty"
	rm "$work"/pristine/{wire/warned,cc/wrong}.c
}

too_few()
{
	no_nodes
	node dead false
	plain_good make --no-print-directory
	fresh
	run --require-remote 50 -- make --no-print-directory
	is "--require-remote with a dead node: exit status" 125 $?
	check "--require-remote: says so" grep -q '50 % are required' \
		"$work/run.err"
	check "a dead node is named" grep -q '^kfarm: node dead: down' \
		"$work/run.err"
	check "a dead node: equal" compare_trees "$ref" "$project"
}

has_object()
{
	find "$project" -name '*.o' | grep -q .
}

# Start a slow build, which compiles each unit several times.
slow_start()
{
	fresh
	run_start -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		make clean >/dev/null; make --no-print-directory || exit; done'
	wait_for 60 has_object || bad "$1: nothing begins"
}

interrupted()
{
	nodes 2 slots=3
	# Signal the whole process group, as a terminal does.
	slow_start "Ctrl-C"
	kill -INT -- "-$kfarm"
	wait "$kfarm"
	is "Ctrl-C: exit status" 130 $?
	gone "Ctrl-C"
	no_temporaries "Ctrl-C" "$project"
	is "Ctrl-C: the run's directory is gone" "" \
		"$(ls "$XDG_RUNTIME_DIR/kfarm")"
	# Signal only kfarm: the shell ends after its make.
	fresh
	run_start -- sh -c 'trap "exit 7" TERM; touch up
		while :; do sleep 0.05; done'
	wait_for 60 test -e "$project/up"
	kill -TERM "$kfarm"
	wait "$kfarm"
	is "SIGTERM is passed on: exit status" 7 $?
	gone "SIGTERM"
}

# Type the character on a real terminal, which sends the signal.
typed()
{
	local from=$work/typed

	fresh
	mkfifo "$from"
	exec 8<>"$from"
	env --default-signal=INT,QUIT KFARM_BUILD_MARK="$work" script -qec "cd $project &&
		$bin/kfarm run -- sh -c 'touch up; exec sleep 1000'" \
		/dev/null <&8 >"$work/run.tty" 2>&1 &
	kfarm=$!
	children+=("$kfarm")
	wait_for 60 test -e "$project/up" || bad "typed: nothing begins"
	printf '\003' >&8
	wait "$kfarm"
	is "^C on a terminal: exit status" 130 $?
	exec 8>&-
	rm "$from"
	check "^C on a terminal: the summary comes" grep -q \
		'kfarm: sh: killed by signal 2' "$work/run.tty"
	gone "^C on a terminal"
}

kfarm_killed()
{
	nodes 2 slots=3
	plain_good make --no-print-directory
	fresh
	run_start --shell -- make --no-print-directory
	wait_for 60 has_object || bad "kfarm is killed: nothing begins"
	kill -KILL "$kfarm"
	wait "$kfarm" 2>/dev/null
	# Another kfarm must not remove the recipe shell of this make.
	check "kfarm is killed: another starts" "$bin/kfarm" run -- true
	wait_for 120 nothing_left || bad "kfarm is killed: make goes on"
	check "kfarm is killed: make ends, equal" \
		compare_trees "$ref" "$project"
}

nested()
{
	nodes 2 slots=3
	plain_good make --no-print-directory
	fresh
	run -- "$bin/kfarm" run -- make --no-print-directory
	status=$?
	same "one in another" "$n_units" 14
	is "one in another: one summary" 1 \
		"$(grep -c '^kfarm: jobs' "$work/run.err")"
}

# The connections to the nodes need more descriptors than the soft limit allows.
# kfarm raises its own limit, and the command's programs keep theirs.
few_files()
{
	local i limit

	plain_good make --no-print-directory
	nodes 2 slots=3
	for i in {1..90}; do
		node "silent$i" 'sleep 600'
	done
	fresh
	limit=$(ulimit -Sn)
	ulimit -Sn 160
	run -- sh -c "ulimit -n >'$work/limit'; exec make --no-print-directory"
	status=$?
	ulimit -Sn "$limit"
	same "160 open files, 92 nodes" "$n_units" 14
	is "160 open files, 92 nodes: the limit of the command" 160 \
		"$(cat "$work/limit")"
	(ulimit -Sn 160 && run -- "$bin/kfarm" run -- sh -c 'ulimit -n')
	is "160 open files, one in another: the limit of the command" 160 \
		"$(cat "$work/run.out")"
	fresh
	(ulimit -n 160 && run -- make --no-print-directory)
	status=$?
	same "a hard limit of 160 open files" "$n_units" 14
	check "a hard limit of 160 open files: unused nodes are counted" \
		grep -q '^kfarm: .*68 nodes are not used because of the limit' \
		"$work/run.err"
}

write_project
warm
by_make
by_script
by_ninja
failing
on_terminal
too_few
interrupted
typed
kfarm_killed
nested
few_files
farm_end
