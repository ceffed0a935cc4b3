# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# kfarm history of commands from this test, and a damaged database.
export XDG_RUNTIME_DIR=$HOME/run
mkdir -m 700 run
file=.local/state/kfarm/history.db

# Mask dates and short durations.
steady()
{
	sed -E -e 's/[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}/MM-DD HH:MM/' \
		-e 's/ 0:0[0-9]  / 0:00  /'
}

run kfarm history
run kfarm history --json
ls .local/state/kfarm 2>/dev/null

echo 'int one(void) { return 1; }' >one.c
kfarm run -q -- gcc -c one.c
kfarm run -q -- gcc -c two.c 2>/dev/null
kfarm run -q -- sh -c 'kill -INT $$'
kfarm run -q -a x86_64 -- true
run kfarm history | steady
run kfarm history -n 2 | steady
run kfarm history --state failed | steady
run kfarm history --state killed
run kfarm history --since 1h -a x86_64 | steady
run kfarm history --since 2001-01-01 --tree nowhere
kfarm history --all --json | jq -c '.builds[] | [.build, .state, .status, .what,
	.arch, .jobs, .remote, .local, .warnings, .new_warnings, .tree, .dirty,
	(.key | length), (.began | type)]'

run kfarm history --state fine
run kfarm history --since yesterday
run kfarm history --since 2026-13-01
run kfarm history --since 26-11-29
run kfarm history -n 0
run kfarm history -n 3 --all
run kfarm history 7

# Command lines can contain any bytes.
kfarm run -q -- sh -c : $'\e]0;x\a\e[2J' $'\xff\xfe' $'a\nb' "$(head -c 100000 /dev/zero | tr '\0' x)"
kfarm run -q -- sh -c : 'ünïcödé 日本語のディレクトリの名前はこうです'
run kfarm history -n 2 | steady | cut -c1-150
# Only on a terminal, names are cut to its width.
echo "$(script -qec 'kfarm history' /dev/null | tr -d '\r' | wc -L) columns"
kfarm history | grep -c 'x\{300\}'
kfarm history -n 2 --json | jq -ac '.builds[0].what | length > 1000, .[0:30]'
kfarm history --all --json | LC_ALL=C grep -c $'[^\t-~]'

# A damaged file: the reaction of history and of the next build.
head -c 9000 /dev/urandom >$file
rm -f $file-wal $file-shm
run kfarm history
run kfarm run -- true |
	sed -e 's/[0-9]\{8\}-[0-9]\{6\}/DATE-TIME/' -e '/ wall, /d'
run kfarm history | steady
for name in .local/state/kfarm/*; do
	echo "${name##*/}" | sed 's/[0-9]\{8\}-[0-9]\{6\}/DATE-TIME/'
done
