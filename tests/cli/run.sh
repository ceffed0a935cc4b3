# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# kfarm run without nodes: the environment of the command, and the messages.
mkdir -m 700 xdg
export XDG_RUNTIME_DIR=$HOME/xdg
times()
{
	sed -E 's/[0-9]+:[0-9]+ wall, build host [0-9]+ s/M:SS wall, build host N s/'
}
run kfarm run
run kfarm run --
run kfarm run --nosuch -- true
run kfarm run -j 0 -- true
run kfarm run --require-remote 101 -- true
run kfarm run --require-remote 50 --no-remote -- true
run kfarm run -e WORD -- true
run kfarm run -a nosuch -- true | sed 's/known architectures: .*/known architectures: .../'
run kfarm run -a arm46 -- true
run kfarm run -t nosuch- -- true
run kfarm run -- nosuch
run kfarm run -- ./nosuch
touch plain
run kfarm run -- ./plain
XDG_DATA_HOME=$HOME/plain run kfarm run -- true
# Only a command that cannot be executed causes status 126 or 127.
XDG_DATA_HOME=/proc/nope run kfarm run -- true
printf '#!/nosuch/interpreter\n' >script
chmod +x script
run kfarm run -- ./script
run kfarm run -- true | times
run kfarm run true | times
run kfarm run -q -- sh -c 'exit 7'
run kfarm run -- sh -c 'echo out; echo err >&2; exit 3' | times
bash -c "kfarm run -q -- sh -c 'kill -TERM \$\$'; echo \"[\$?]\"" 2>/dev/null
# The command inherits stdin and other descriptors.
echo typed | kfarm run -q -- cat
kfarm run -q -- sh -c 'cat <&7' 7<<<'the seventh'
# Its compilers are the masquerade directory's; its make has a jobserver.
run kfarm run -q -e X=1 -- sh -c 'echo $X $(command -v gcc) $MAKEFLAGS' |
	sed -e 's|/links/[0-9a-f]*/|/links/KEY/|' -e 's/ -j[0-9]* / -jN /'
run kfarm run -q --no-jobserver -- sh -c 'echo "[$MAKEFLAGS]"'
# No file of a run remains.
ls xdg/kfarm
# Without nodes, compiles are local, and errors are the compiler's.
printf 'int one(void) { return 1; }\n' >one.c
printf 'int two(void) { return x; }\n' >two.c
printf 'all: one.o two.o\n%%.o: %%.c\n\t@gcc -c -o $@ $<\n' >Makefile
run kfarm run -- make -k | times
ls ./*.o
# The configuration can require remote jobs.
printf '[farm]\n\trequire-remote = 90\n' >"$config"
run kfarm run -q -- gcc -c one.c
run kfarm run -q --no-remote -- gcc -c one.c
rm "$config"
# A nested kfarm run uses the outer one's coordinator.
run kfarm run -q -- kfarm run -- sh -c 'echo $KFARM_LINKS' |
	sed 's|/links/[0-9a-f]*/|/links/KEY/|'
run kfarm run -q -- kfarm run -j 3 -- true
for option in --cache --no-cache --recache --shell; do
	run kfarm run -q -- kfarm run $option -- true
done
# $KFARM has options for the outer one.
for options in '-j 2' --no-remote --recache --shell; do
	KFARM=$options run kfarm run -q -- kfarm run -- echo nested
done
# Events.
kfarm run -q --json events -- gcc -c one.c
sed -E -e 's/"t":[0-9.]+/"t":T/' \
	-e 's/"(jobs|local_slots|pid|began|cpu|scan|history)":[0-9.]+/"\1":N/g' \
	-e 's/"key":"[0-9a-f]{64}"/"key":"K"/' events
# A full disk ends the events, but not the command.
run kfarm run -q --json /dev/full -- true
# A preloaded library could change a compile, so that the compile is local and
# its result is not cached.
for word in 'LD_PRELOAD=libm.so.6' 'LD_AUDIT=' 'LD_DEBUG_OUTPUT=/none' \
	'LD_BIND_NOW=1'; do
	run kfarm run --cache -e "$word" -- gcc -c one.c | times
done
# As without kfarm, a compile replaces only the object if outputs have other
# hard links, even if its result is cached.
links()
{
	local name

	for name in one.o one.d one.su; do
		echo old >"old.$name"
		ln -f "old.$name" "$name"
	done
	"$@" gcc -MD -fstack-usage -c one.c
	for name in one.o one.d one.su; do
		[ "old.$name" -ef "$name" ] || echo "$1: $name is replaced"
	done
}
kfarm run -q --cache -- gcc -MD -fstack-usage -c one.c
rm one.o one.d one.su
links env
links kfarm run -q --cache --
links kfarm run -q --no-cache --
