# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# The closure of a unit and the include chain of a header, in a small tree that
# is built like kbuild; and the audit (tests/audit) of that tree.
ln -s "$bin/audit-tool" bin/audit
mkdir -p src/include/net src/lib src/kernel build/include build/lib \
	build/kernel
ln -s "$TMP/src" build/source
cat >src/include/config.h <<'END'
#define CONFIG_NET 1
END
cat >src/include/list.h <<'END'
#ifndef LIST_H
#define LIST_H
#include "net/types.h"
#endif
END
cat >src/include/net/types.h <<'END'
typedef int number;
END
echo '#define GENERATED 1' >build/include/generated.h
cat >src/lib/a.c <<'END'
#include <list.h>

#if defined(CONFIG_NET) && CONFIG_NET
#include "b.h"
#else
#include "absent.h"
#endif
number a;
END
printf '#include <generated.h>\n#include <list.h>\n' >src/lib/b.h
cat >src/kernel/start.S <<'END'
# a comment of the assembler
#include <generated.h>
	nop
END
# built OBJECT SOURCE: compile it, and write the saved command and the
# dependency list.
built()
{
	local cmd=build/${1%/*}/.${1##*/}.cmd
	local line="gcc -Wp,-MMD,${1%/*}/.${1##*/}.d -nostdinc -I$TMP/src/include -I./include -include $TMP/src/include/config.h -DNAME='\"x y\"' -c -o $1 $TMP/src/$2"

	(cd build && eval "$line") || return
	{
		printf '%s_%s := %s ; true\n\n' "$3" "$1" "$line"
		printf 'source_%s := %s\n\n' "$1" "$TMP/src/$2"
		printf 'deps_%s := \\\n  %s \\\n' "$1" \
			"$TMP/src/include/config.h"
		printf '    $(wildcard include/config/NET) \\\n\n'
	} >"$cmd"
}
built lib/a.o lib/a.c cmd
built kernel/start.o kernel/start.S savedcmd
printf 'cmd_lib/lib.o := ld -r -o lib/lib.o lib/a.o\n' >build/lib/.lib.o.cmd
bare()
{
	sed -E -e 's/[0-9]+\.[0-9]+/N/g' -e 's/^(peak memory +).*/\1N/'
}
cd build || exit
run kfarm scan lib/a.c
run kfarm scan lib/a.o kernel/start.S
run kfarm scan --why net/types.h lib/a.c
run kfarm scan --why config.h lib/a.c
run kfarm scan --why "$TMP/src/lib/a.c" lib/a.c
run kfarm scan --why stdio.h lib/a.c
cd ../src/lib || exit
run kfarm scan -b "$TMP/build" --why generated.h a.c
run kfarm scan O="$TMP/build" "$TMP/src/lib/a.c"
run kfarm scan -- gcc -nostdinc -I../include -DCONFIG_NET=1 -c a.c |
	sed 's/\(not scannable\): .*/\1: .../'
run kfarm scan a.c -- gcc -nostdinc -I../include -I../../build/include \
	-DCONFIG_NET=1 -c
kfarm scan --json a.c -- gcc -nostdinc -I../include \
	-I../../build/include -DCONFIG_NET=1 -c | jq -c \
	'[.unit, .scannable, (.files[] | [.path, .kind, .from, .line])]'
printf '#if __has_include("a.c") && !__has_include("no.h")\n#endif\n' >has.c
kfarm scan --json has.c -- gcc -nostdinc -c | jq -c \
	'[(.files[] | [.path, .kind]), .absent, .dirs]'
rm has.c
# Variables for make are ignored, but a file's name can contain "=", too.
echo >a-b=c.c
run env KFARM=CFLAGS_a.o=-DX kfarm scan a-b=c.c -- gcc -nostdinc -c
rm a-b=c.c
# An error names the variable, also if a compile line follows.
KFARM='-b ""' run kfarm scan a.c -- gcc -nostdinc -c
run kfarm scan --
run kfarm scan nosuch.c
cd "$TMP" || exit
run kfarm scan -b build lib/lib.o
run audit -j 1 build | bare
audit build --json | jq -c '[.units, .compared,
	(.missed | length), (.extra | length), .not_scannable]'
run audit build lib/a.c | grep -e '^units' -e '^missed'
run audit --tokens -j 1 build | bare
run audit src
# A compiler that reports more dependencies than the scanner can find.
mkdir lies
cat >lies/gcc.c <<'END'
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char *more[argc + 3];
	int n = 0;

	for (int i = 0; i < argc; i++) {
		more[n++] = argv[i];
		if (!strcmp(argv[i], "-M") || !strcmp(argv[i], "-P")) {
			more[n++] = "-include";
			more[n++] = "../src/include/secret.h";
		}
	}
	more[n] = 0;
	more[0] = "/usr/bin/gcc";
	execv(more[0], more);
	return 127;
}
END
echo 'int secret;' >src/include/secret.h
gcc -o lies/gcc lies/gcc.c
PATH=$TMP/lies:$PATH run audit build | grep -e '^missed'
PATH=$TMP/lies:$PATH run audit --tokens build lib/a.c 2>&1 |
	sed -n '/^differs/,$p' | head -n 6
rm src/lib/b.h
run audit build | grep -e '^units' -e '^refused' -e '^not' \
	-e '^compared'
run kfarm scan
run kfarm scan -j 4 lib/a.c
run audit
run audit -j 0 build
run audit nowhere
run kfarm scan --json --why x.h lib/a.c
run kfarm scan -b nowhere lib/a.c
run kfarm scan --
