# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# The dependency scanner on a small tree with a build directory.
mkdir tools
ln -s /usr/bin/gcc tools/gcc
PATH=$PATH:$work/tools
mkdir -p src/include/net src/lib src/kernel build/include build/lib \
	build/kernel
ln -s "$work/src" build/source
echo '#define CONFIG_NET 1' >src/include/config.h
printf '#ifndef LIST_H\n#define LIST_H\n#include "net/types.h"\n#endif\n' \
	>src/include/list.h
echo 'typedef int number;' >src/include/net/types.h
echo '#define GENERATED 1' >build/include/generated.h
cat >src/lib/a.c <<'EOF'
#include <list.h>

#if defined(CONFIG_NET) && CONFIG_NET
#include "b.h"
#else
#include "absent.h"
#endif
number a;
EOF
printf '#include <generated.h>\n#include <list.h>\n' >src/lib/b.h
printf '# a comment\n#include <generated.h>\n\tnop\n' >src/kernel/start.S
flags="-nostdinc -I$work/src/include -I./include"
flags+=" -include $work/src/include/config.h"
printf 'cmd_lib/a.o := gcc %s -c -o lib/a.o %s ; true\n' "$flags" \
	"$work/src/lib/a.c" >build/lib/.a.o.cmd
printf 'savedcmd_kernel/start.o := gcc %s -c -o kernel/start.o %s\n' "$flags" \
	"$work/src/kernel/start.S" >build/kernel/.start.o.cmd
printf 'cmd_lib/lib.o := ld -r -o lib/lib.o lib/a.o\n' >build/lib/.lib.o.cmd
cd build || exit
record scan-source kfarm scan lib/a.c
record scan-source-json kfarm scan --json lib/a.c
record scan-objects kfarm scan lib/a.o kernel/start.S
record scan-objects-json kfarm scan --json lib/a.o kernel/start.S
record scan-why kfarm scan --why net/types.h lib/a.c
record scan-why-option kfarm scan --why config.h lib/a.c
record scan-why-source kfarm scan --why "$work/src/lib/a.c" lib/a.c
record scan-why-not kfarm scan --why stdio.h lib/a.c
cd ../src/lib || exit
record scan-build-directory kfarm scan -b ../../build --why generated.h a.c
line=(gcc -nostdinc -I../include -I../../build/include -c)
record scan-line kfarm scan a.c -- "${line[@]}" -DCONFIG_NET=1
record scan-line-json kfarm scan --json a.c -- "${line[@]}" -DCONFIG_NET=1
record scan-missing-header kfarm scan a.c -- "${line[@]}"
printf '#if __has_include("a.c") && !__has_include("no.h")\n#endif\n' >has.c
record scan-has-include-json kfarm scan --json has.c -- gcc -nostdinc -c
n=0
# reason TEXT OPTION...: record a unit that is compiled on the build host.
reason()
{
	n=$((n + 1))
	printf '%b' "$1" >reason.c
	record scan-reason-$n kfarm scan reason.c -- gcc "${@:2}" -c
}
reason 'asm(".incbin \\"x\\"");\n' -nostdinc
reason 'const char t[] = __DATE__;\n' -nostdinc
reason '#include MACRO\n' -nostdinc
reason '#if 1\n' -nostdinc
reason '#error no\n' -nostdinc
reason 'const char f[] = __BASE_FILE__;\n' -nostdinc
reason '_Pragma("once")\n' -nostdinc
reason '#pragma GCC dependency "a.c"\n' -nostdinc
reason 'int x;\n' -fplugin=x.so
reason 'int x;\n' -M
reason 'int x;\n' -nosuch
cd "$work" || exit
record scan-archive kfarm scan -b build lib/lib.o
