# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# kfarm clean of directories like those that builds create.
export XDG_RUNTIME_DIR=$HOME/run
mkdir -m 700 run
cache=.cache/kfarm
data=.local/share/kfarm
digits=0123abcd

# Sizes depend on the file system; an empty directory on tmpfs has size 0.
steady()
{
	sed -E -e 's/^((would )?removed?) +[0-9.]+[BKMG]?  /\1 SIZE  /' \
		-e 's/(items?), [0-9.]+[BKMG]?$/\1, SIZE/'
}

# made: list all directories below the cache and the data directory.
made()
{
	find $cache/builds $cache/build $data/trees/*/worktrees -mindepth 1 \
		-maxdepth 1 | LC_ALL=C sort
	ls $cache
}

fill()
{
	local i

	rm -rf $cache $data
	for i in 2 3 9 10 11; do
		mkdir -p $cache/builds/$i/sub
		echo x >$cache/builds/$i/build.log
	done
	mkdir -p $cache/builds/mine $cache/builds/.gone-7-1/x \
		$cache/build/linux-arm64-defconfig-gcc-12.2.0-$digits \
		$cache/build/linux-arm64-tinyconfig-gcc-12.2.0-$digits \
		$cache/build/mine $cache/scan/00 $cache/results/live $cache/kept $cache/elsewhere \
		$data/trees/stable/worktrees/arm64-defconfig-$digits/{src,build} \
		$data/trees/stable/repo.git $HOME/outside/x
	ln -sfn "$HOME/outside" $cache/builds/4
	ln -sfn "$HOME/outside" $cache/build/link-$digits
	ln -sfn "$HOME/outside" $cache/builds/2/link
	: >$cache/builds/12
	touch -d '40 days ago' $cache/build/*defconfig*-$digits \
		$data/trees/stable/worktrees/*/{src,build} \
		$data/trees/stable/worktrees/*
	touch -h -d '40 days ago' $cache/build/link-$digits
}

run kfarm clean
run kfarm clean -n --all

fill
run kfarm clean | steady
run kfarm clean --builds 3 -n | steady
made
run kfarm clean --builds 3 | steady
made
run kfarm clean --builds 3

# The directory of a tree's last build remains.
ln -s "$HOME/$cache/builds/9" $data/trees/stable/last-build
run kfarm clean --builds 1 | steady
made
run kfarm clean --builds 0 | steady
rm $data/trees/stable/last-build

run kfarm clean --build-dirs 60d
run kfarm clean --build-dirs 30d -n | steady
run kfarm clean --build-dirs 30d | steady
made

# The configured number.
fill
printf '[builds]\n\tkeep = 4\n' >"$config"
run kfarm clean | steady
printf '[builds]\n\tkeep = 0\n' >"$config"
run kfarm clean
printf '[builds]\n\tkeep = -1\n' >"$config"
run kfarm clean
rm "$config"

# A directory in use remains.
exec 9<$cache/builds/11
flock -s 9
run kfarm clean --builds 0 -n | steady
exec 9<&-

# So does a build directory or worktree in which a process works, such as make
# without kfarm.
fill
(cd $data/trees/stable/worktrees/*/build && exec sleep 100) &
worker=$!
until [ "$(cat /proc/$worker/comm)" = sleep ]; do sleep 0.01; done
run kfarm clean --build-dirs 30d 2>&1 | steady |
	sed -e "s/process $worker/process PID/" -e "s|$HOME|~|"
kill $worker
wait $worker 2>/dev/null
ls $data/trees/stable/worktrees

# An error for one directory does not stop the others: the tree in builds/2 is
# deeper than kfarm can remove.
fill
python3 -c '
import os, sys
os.chdir(sys.argv[1])
for i in range(5000):
    os.mkdir("d")
    os.chdir("d")
' $cache/builds/2/sub
run kfarm clean --builds 3 | steady | sed 's/gone-[0-9]*-/gone-PID-/'
rm -rf $cache/builds/.gone-*

# An option that $KFARM has for another command selects nothing.
fill
KFARM='--all' run kfarm clean -f | steady
made
fill
run kfarm clean --all
made
run kfarm clean --all -f | steady
made
ls outside

run kfarm clean --all --builds 1
run kfarm clean --builds few
run kfarm clean --builds -1
run kfarm clean --build-dirs yesterday
run kfarm clean 7

# Builds and commands have one sequence of numbers, and old output directories
# are removed.  A directory that the user named remains.
rm -rf $cache $data .local
ln -s "$bin/kfarm-cc" bin/
"$1/../farm/mini/generate" "$TMP/tree" 3 2
printf '[builds]\n\tkeep = 2\n' >"$config"
build()
{
	kfarm build -C tree -a arm64 "$@" prepare 2>&1 |
		grep -e 'output ' -e '^kfarm: ' -e waiting
}
build
build -o out
kfarm run -q -- true
build
ls $cache/builds
build
ls $cache/builds
ls out
printf '[builds]\n\tkeep = 1\n' >"$config"
mkdir $cache/builds/{6,7,8}
build
build -q | grep -o 'output .*'
ls $cache/builds
kfarm history --json | jq -c '.builds[] | [.build, .output, .output_state]' |
	sed "s|$TMP|~|"
run kfarm report 1 | sed -n '/output/,/available/p'
run kfarm report 999
jq .kfarm.build out/metadata.json
rm -r .local $cache/builds/10
run kfarm report 9
build -k defconfig -k tinyconfig
ls $cache/builds

# Wait for a build directory in use.  A signal ends the wait.
dir=$(kfarm history --json | jq -r '.builds[-1].dir')
exec 9<"$dir"
flock 9
build -k tinyconfig | sed 's/-[0-9a-f]*: in use/-DIGITS: in use/; s/gcc-[0-9.]*/gcc-N/'
for end in INT none; do
	rm -f log
	env --default-signal=INT kfarm build --wait -C tree -a arm64 \
		-k tinyconfig prepare >log 2>&1 9<&- &
	until grep -qs 'waiting: .*: in use by another build' log; do
		kill -0 $! || break
		sleep .05
	done
	if [ $end = INT ]; then
		kill -INT $!
	else
		exec 9<&-
	fi
	wait $! 2>/dev/null
	echo "$end: $? $(grep -c waiting log) $(grep -c '^built' log)"
done
