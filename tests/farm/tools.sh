#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# tools.sh - programs that a user has replaced.  kfarm does the work of fixdep,
# cat, rm and others itself, but only if it identifies the installed programs.
# Here, a script and then another program replace each of them, and must run.
. "$(dirname "$0")/lib.sh"
own_mounts "$@"

unit=lib/ctype
target=$unit.o
saved=${unit%/*}/.${unit##*/}.o.cmd
vars=(ARCH=x86_64)
[ "$(uname -m)" = x86_64 ] || vars=(ARCH=arm64)

# rebuilt NAME [ARG...]: rebuild the unit.
rebuilt()
{
	local name=$1

	shift
	rm -f "$build/$target" "$build/$saved" "$work/log"
	kfarm_build --no-remote "$@" "$target"
	is "$name: kfarm ends with" 0 $?
}

# Print the number of fixdep calls whose output kfarm computed.
answered()
{
	meta '.farm.shell.fixdeps'
}

# identified NAME: rebuild until kfarm computes fixdep's output.  kfarm identifies
# fixdep on a thread from the first call on, and the end of a build cancels this,
# so build a directory with several objects first.
identified()
{
	local round

	for round in {1..20}; do
		rm -f "$build"/lib/math/*.o
		kfarm_build --no-remote lib/math/
		is "$1: kfarm ends with" 0 $?
		rebuilt "$1"
		[ "$(answered)" = 0 ] || break
	done
	check "$1: fixdep is identified" test "$(answered)" -gt 0
}

# runs NAME: the program at $fixdep was started for the unit.
runs()
{
	rebuilt "$1"
	is "$1: kfarm computes no output" 0 "$(answered)"
	check "$1: it ran" grep -q 'by another' "$build/$saved"
	check "$1: make understands it" grep -q "^deps_$target" "$build/$saved"
}

# as_script: replace fixdep by a script that starts it.
as_script()
{
	mv "$fixdep" "$fixdep.real"
	cat >"$fixdep" <<-'END'
	#!/bin/sh
	"$0.real" "$@" || exit
	echo "# by another"
	END
	chmod +x "$fixdep"
}

farm_begin

# ---- utilities ----

utilities=(cat cmp mkdir touch mv rm)
project=$work/project
mkdir -p "$project" "$work"/{real,script,program}
echo text >"$project/in"
cat >"$project/Makefile" <<'END'
all:
	@cat in
	@cmp -s in in
	@mkdir d
	@touch d/made
	@mv d/made d/moved
	@rm -rf d
END
cat >"$work/program.c" <<'END'
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	static const char line[] = NAME "\n";
	int fd = open(LOG, O_WRONLY | O_APPEND);

	(void)argc;
	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		return 9;
	close(fd);
	execv(REAL, argv);
	return 9;
}
END
for name in "${utilities[@]}"; do
	cp "/usr/bin/$name" "$work/real/$name"
	printf '#!/bin/sh\necho %s >>%s\nexec %s "$@"\n' "$name" \
		"$work/log" "$work/real/$name" >"$work/script/$name"
	cc -O1 -DNAME="\"$name\"" -DLOG="\"$work/log\"" \
		-DREAL="\"$work/real/$name\"" -o "$work/program/$name" \
		"$work/program.c"
	chmod +x "$work/script/$name"
done

# logged: run the project and print the programs that recorded their start.
logged()
{
	: >"$work/log"
	(cd "$project" && "$bin/kfarm" run -q --no-remote --no-jobserver \
		--shell -- make) >"$work/project.out" 2>&1 ||
		echo "status $?" >>"$work/log"
	paste -s -d ' ' "$work/log"
}

is "utilities: as installed" "" "$(logged)"
for how in script program; do
	for name in "${utilities[@]}"; do
		mount --bind "$work/$how/$name" "/usr/bin/$name"
	done
	is "utilities: each is a $how" "${utilities[*]}" "$(logged)"
	for name in "${utilities[@]}"; do
		umount "/usr/bin/$name"
	done
	is "utilities: the output" text "$(cat "$work/project.out")"
done
mkdir "$work/first"
cp "$work/script/touch" "$work/first"
is "utilities: a script earlier in PATH" touch "$(PATH=$work/first:$PATH logged)"

# ---- fixdep ----

farm_linux tinyconfig
farm_fresh
fixdep=$build/scripts/basic/fixdep
kfarm_build --no-remote prepare
is "prepare: kfarm ends with" 0 $?
cp -a "$fixdep" "$work/fixdep"
identified "as built"
cp "$build/$saved" "$work/saved"

# The next build only reads the program.
rebuilt "the next build"
is "the next build: outputs that kfarm computed" 1 "$(answered)"
check "the next build: equal" cmp "$work/saved" "$build/$saved"

as_script
runs "a script"
check "a script: equal except for its line" \
	cmp "$work/saved" <(grep -v 'by another' "$build/$saved")
touch -r "$work/fixdep" "$fixdep"
runs "a script with the old mtime"
rm -f "$fixdep" "$fixdep.real"

# A program from another source, which make considers up to date.
sed 's|^\(.*\)printf("\\n%s: $(deps_%s)\\n\\n", target, target);|\1puts("\\n# by another");&|' \
	"$tree/scripts/basic/fixdep.c" >"$work/another.c"
check "the other source differs" test -n \
	"$(diff "$tree/scripts/basic/fixdep.c" "$work/another.c")"
check "the other program" cc -O2 -o "$fixdep" "$work/another.c"
runs "another program"
touch -r "$work/fixdep" "$fixdep"
runs "another program with the old mtime"

# A program that another compiler made from fixdep's source is rebuilt only once.
check "other compiler" cc -O0 -g0 -o "$fixdep" "$tree/scripts/basic/fixdep.c"
record=$XDG_CACHE_HOME/kfarm/scan/fixdep-$(sha256sum <"$fixdep" | cut -d ' ' -f 1)
for round in {1..20}; do
	[ ! -e "$record" ] || break
	rm -f "$build"/lib/math/*.o
	kfarm_build --no-remote lib/math/
done
check "other compiler: the difference is recorded" grep -q '^differs ' "$record"
stamp=$(stat -c %i.%y "$record")
rm -f "$build"/lib/math/*.o
kfarm_build --no-remote lib/math/
is "other compiler: it is not rebuilt again" "$stamp" \
	"$(stat -c %i.%y "$record")"

# The old program at the same path is still known.
rm -f "$fixdep"
cp -a "$work/fixdep" "$fixdep"
identified "the old program"
check "the old program: equal" cmp "$work/saved" "$build/$saved"

# A cache on a read-only file system, because permissions do not bind root: each
# build identifies fixdep again, and no build fails.
scan=$XDG_CACHE_HOME/kfarm/scan
rm -f "$scan"/fixdep-*
mount --bind "$scan" "$scan"
mount -o remount,bind,ro "$scan"
rebuilt "a read-only cache"
check "a read-only cache: nothing is written" test ! -w "$scan"
umount "$scan"
is "a read-only cache: no record" "" "$(find "$scan" -name 'fixdep-*')"
check "a read-only cache: equal" cmp "$work/saved" "$build/$saved"

# With other compiler options, the program differs, but kfarm identifies it, too.
rm -rf "$build"
for round in 1 2; do
	rm -rf "$build"
	kfarm_build --no-remote HOSTCFLAGS="-g -O1" tinyconfig prepare
	is "other options, round $round: kfarm ends with" 0 $?
done
check "other options: fixdep is identified" test "$(answered)" -gt 20
farm_end
