#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# `git bisect run kfarm build` over eight commits.  A commit is skipped if a
# node sends wrong results or dies, or if Kconfig is broken.  The bisection
# finds the commit that breaks a file, and reuses objects.  A failure unrelated
# to the commit stops the bisection.
. "$(dirname "$0")/lib.sh"

farm_begin
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org
export GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org
tree=$work/tree
badnode=$(badnode) || exit 1
"$root/tests/farm/mini/generate" "$tree" 9 2

# commit N: commit as number N, with a date that makes each commit unique.
commit()
{
	git -C "$tree" add -A &&
		GIT_AUTHOR_DATE="@$((1700000000 + $1)) +0000" \
		GIT_COMMITTER_DATE="@$((1700000000 + $1)) +0000" \
			git -C "$tree" commit -qm "number $1"
	git -C "$tree" tag -f "n$1" >/dev/null
}

# history [BROKEN]: create eight commits that each change a file.  From the
# sixth on, a file does not compile; commit BROKEN has a broken Kconfig.  git
# tests the fourth first.
history()
{
	git -C "$tree" checkout -q --detach n0
	for i in {1..8}; do
		echo "int number_$i;" >>"$tree/alpha/unit_3.c"
		[ $i != 6 ] || echo 'int broken = undeclared;' \
			>>"$tree/beta/unit_4.c"
		git -C "$tree" checkout -q n0 -- Makefile
		[ $i != "${1:-}" ] || sed -i -e 's/^syncconfig: FORCE/&\n\tfalse/' \
			-e 's/^prepare: /&syncconfig /' "$tree/Makefile"
		commit $i
	done
}

git -C "$tree" init -q
printf '%s\n' '*.o' '.*' '!.gitignore' '/vmlinux' '/System.map' '/scripts/tool' \
	'/include/generated' '/include/config' '/arch/*/boot' \
	'/Makefile.txt' >"$tree/.gitignore"
commit 0
history

# The directory in which a step starts, and the options that name the tree.
begins="cd '$work'" named="-C '$tree'"

# bisect ARG...: run `git bisect run` with kfarm build and these arguments.  Its
# output goes to $work/bisect.log, the output and the status of each step to
# $work/steps.  Return git's status.
bisect()
{
	local status

	rm -f "$work/steps"
	cat >"$work/step" <<-END
	#!/bin/bash
	n=\$(git describe --tags --exact-match)
	$begins
	[ ! -e "$work/before" ] || . "$work/before"
	'$bin/kfarm' build $named $(printf '%q ' "$@") >'$work/step.log' 2>&1
	status=\$?
	{ cat '$work/step.log'; echo "ended \$n \$status"; } >>'$work/steps'
	exit \$status
	END
	chmod +x "$work/step"
	git -C "$tree" checkout -q n8
	git -C "$tree" bisect start n8 n0 >/dev/null
	env KFARM_BUILD_MARK="$work" git -C "$tree" bisect run "$work/step" \
		>"$work/bisect.log" 2>&1 </dev/null
	status=$?
	git -C "$tree" bisect log >"$work/bisected"
	git -C "$tree" bisect reset >/dev/null 2>&1
	return $status
}

found()
{
	sed -n 's/^# first bad commit: .* number /number /p' "$work/bisected"
}

status_of()
{
	sed -n "s/^ended n$1 //p" "$work/steps"
}

# ---- a node that sends wrong results ----

node liar "'$badnode' flip 0 $kfarmd"
mv "$KFARM_CONFIG" "$work/config.lies"
node dies "'$badnode' cut-all=3000 0 $kfarmd"
mv "$KFARM_CONFIG" "$work/config.dies"
nodes 2

# Build until the nodes have all they need, so that no later job is local.
warm()
{
	local round

	for round in {1..20}; do
		"$bin/kfarm" build -C "$tree" "$@" >"$work/kfarm.log" 2>&1 &&
			return
		git -C "$tree" clean -qfdX -e '!/.config'
		rm -rf "$build"
	done
	cat "$work/kfarm.log"
	return 1
}

echo "[ \$n != n4 ] || export KFARM_CONFIG='$work/config.lies'" >"$work/before"
options=(-b "$build" -o "$work/out" -a arm64 -k tinyconfig
	--require-remote 100 Image)
git -C "$tree" checkout -q n0
check "a first build, all of it on nodes" warm "${options[@]}"
bisect "${options[@]}"
is "a bisect ends well" 0 $?
is "and has found the commit" "number 6" "$(found)"
is "where the node lies: skipped" 125 "$(status_of 4)"
is "where it does not compile" 2 "$(status_of 6)"
is "where it does" 0 "$(status_of 5)"

# ---- a node that dies ----

git -C "$tree" checkout -q n0
rm -rf "$build"
check "once more" warm "${options[@]}"
echo "[ \$n != n4 ] || export KFARM_CONFIG='$work/config.dies'" >"$work/before"
bisect "${options[@]}"
is "and has found the commit" "number 6" "$(found)"
is "where the node dies: skipped" 125 "$(status_of 4)"
rm "$work/before"

# ---- in a configured checkout; a commit with a broken Kconfig ----

git -C "$tree" checkout -q n0
cp "$build/.config" "$tree/.config"
before=$(stat -c %Y.%i "$tree/.config")
rm -rf "$build"
options=(-o "$work/out" -a arm64 --require-remote 100 Image)
check "a first build in the tree" warm "${options[@]}"
history 4
bisect "${options[@]}"
is "a bisect in the tree ends well" 0 $?
is "and has found the commit" "number 6" "$(found)"
is "where Kconfig is broken: skipped" 125 "$(status_of 4)"
check "with a reason" grep -q '125, because this revision lacks the target' "$work/steps"
at_most "objects stay: jobs of the last step" 3 \
	"$(sed -n 's/^jobs \([0-9]*\).*/\1/p' "$work/steps" | tail -n 1)"
is "the .config is as it was" "$before" "$(stat -c %Y.%i "$tree/.config")"
is "and the tree" "" "$(git -C "$tree" status --porcelain)"

# ---- failures unrelated to the commit ----

git -C "$tree" checkout -q n0
history

stops()
{
	local name=$1

	shift
	bisect "$@"
	is "$name: the bisect stops" 255 "$(status_of 4)"
	is "$name: at once" 1 "$(grep -c ^ended "$work/steps")"
	is "$name: nothing is found" "" "$(found)"
	check "$name: the reason is reported" grep -q '255, because the failure does not depend' \
		"$work/steps"
}

stops "a compiler that is not there" -a arm64 -t nosuch- Image
stops "an option that is none" --frobnicate
begins= named=
stops "a managed tree that is none" --tree nosuch
stops "another directory, which is no kernel" -C "$work"
begins="cd '$work'" named="-C '$tree'"
git -C "$tree" clean -qfdX
if small_disk "$build" 450; then
	stops "a full disk" -a arm64 -k tinyconfig -b "$build" -o "$work/out" \
		Image
	small_disk_gone "$build"
else
	left_out "a full disk" "no file system can be mounted"
fi
is "without a bisect: 1" 1 "$("$bin/kfarm" build -C "$tree" --frobnicate \
	>/dev/null 2>&1; echo $?)"
farm_end
