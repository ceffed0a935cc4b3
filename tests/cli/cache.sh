# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# kfarm cache, and kfarm run with the cache.
export XDG_RUNTIME_DIR=$HOME/run
mkdir -m 700 run
results=.cache/kfarm/results

# Sizes depend on the file system and the compiler.
steady()
{
	sed -E 's/[0-9.]+[BKMG]( of| left|,)/SIZE\1/g'
}

run kfarm cache stats
ls $results 2>/dev/null || echo "no $results"
echo 'int one(void) { int unused; return 1; }' >one.c
run kfarm run -q -- gcc -c one.c
run kfarm cache stats
for round in first second; do
	rm -f one.o
	run kfarm run -q --cache -- gcc -Wall -c one.c
	ls one.o
done
run kfarm run --cache -- gcc -Wall -c one.c 2>&1 | grep -o 'jobs .*'
run kfarm run --no-cache -- gcc -Wall -c one.c 2>&1 | grep -o 'jobs .*'
run kfarm run --recache -- gcc -Wall -c one.c 2>&1 | grep -o 'jobs .*'
run kfarm cache stats | steady
kfarm cache stats --json | jq -c 'keys, .results, .limit, .builds'
# The statistics of the cache do not need the history.
history_version()
{
	python3 -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]):
    print(*row)' .local/state/kfarm/history.db "PRAGMA user_version $1"
}
version=$(history_version)
history_version '= 99'
run kfarm cache stats | steady | sed 's/up to [0-9]*/up to N/'
kfarm cache stats --json 2>/dev/null | jq -c '.results, .builds'
history_version "= $version"
# The saved commands, as kbuild writes them.
for name in one two; do
	echo "savedcmd_$name.o := gcc -Wall -c -o $name.o $name.c"
	echo "source_$name.o := $name.c"
	echo "deps_$name.o :="
done >.one.o.cmd
sed -n 4,6p .one.o.cmd >.two.o.cmd
sed -i 4,6d .one.o.cmd
echo 'int two;' >two.c
times()
{
	sed -E 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}/TIME/'
}
run kfarm cache explain one.o | times
run kfarm cache explain two.c
run kfarm cache explain three.c 2>&1 | sed "s|$HOME|HOME|"
echo '#define CONFIG_ONE 1' >defs.h
sed -i '1i#include "defs.h"\n#ifdef CONFIG_ONE\n#endif' one.c
run kfarm cache explain one.o | times
run kfarm run -q --cache -- gcc -Wall -c -o one.o one.c
sed -i 's/-Wall/-Wextra/' .one.o.cmd
echo '#define CONFIG_ONE 2' >defs.h
run kfarm cache explain one.o | times
# The key of a result with messages covers the whole header.
echo '#define CONFIG_UNUSED 1' >>defs.h
kfarm run -q --cache -- gcc -Wextra -Wall -c -o one.o one.c 2>/dev/null
sed -i 's/-Wextra/-Wextra -Wall/' .one.o.cmd
sed -i 's/UNUSED 1/UNUSED 2/' defs.h
run kfarm cache explain one.o | times
kfarm run -q --cache -- gcc -Wextra -Wall -c -o one.o one.c 2>/dev/null
kfarm cache stats --json | jq -c '.builds[0].missed'
chmod +x defs.h
run kfarm cache explain one.o | times
run kfarm cache explain
# The history has the units of three builds of a series.
for round in {1..5}; do
	echo "int two_$round;" >two.c
	kfarm run -q --cache -- sh -c 'gcc -c one.c; gcc -c two.c' 2>/dev/null
done
run kfarm cache stats | grep '1 of 2 jobs'
run kfarm cache trim | steady
run kfarm cache trim 1G | steady
run kfarm cache trim 1K | steady
kfarm cache stats --json | jq .results
run kfarm cache clear | steady
kfarm cache stats --json | jq '.results, .bytes'
# A file name can contain control characters.
kfarm run -q --cache -- gcc -c -o one.o one.c
sed -i 's/-Wextra -Wall //' .one.o.cmd
: >$'red\e[31m.h'
echo $'#include "red\e[31m.h"' >>defs.h
run kfarm cache explain one.o | times
kfarm cache clear >/dev/null

unset CCACHE_DISABLE
printf '[cache]\n\tsize = 3M\n' >config
export KFARM_CONFIG=$HOME/config
run kfarm run -q -- gcc -c one.c
kfarm cache stats --json | jq '.results, .limit'
# Sizes are printed in the units of the setting.
kfarm cache stats | sed -n 's/.* at most //p'
echo '	enabled = false' >>config
kfarm run -- gcc -c one.c 2>&1 | grep -o 'jobs .*'
CCACHE_DISABLE=1 kfarm run -- gcc -c one.c 2>&1 | grep -o 'jobs .*'

run kfarm cache
run kfarm cache lsit
run kfarm cache stats all
run kfarm cache trim 7X
run kfarm cache trim 0
run kfarm cache trim 1G 2G
run kfarm cache clear --json
printf '[cache]\n\tenabled = perhaps\n\tsize = many\n' >config
run kfarm cache stats
rm -r $results
: >$results
rm config
unset KFARM_CONFIG
run kfarm cache stats
run kfarm run -- gcc -c one.c 2>&1 | grep -E 'note|cache|jobs'
