#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# The CI jobs of templates/ci: their commands, with a cache that a directory
# saves and restores as the CI system does.  With INSTALLED=1, they use the kfarm
# that `scripts/ci-action install` has installed on a clean machine.
. "$(dirname "$0")/lib.sh"

farm_begin
unset CCACHE_DISABLE
farm_mini 4
farm_reference vmlinux
[ "${INSTALLED:-}" ] || export PATH=$bin:$PATH
arguments="-b $build -o $work/out ${vars[*]} vmlinux"
export GITHUB_ACTION_PATH=$root/templates/ci ARGUMENTS=$arguments SIZE=1G
export KFARM_DIR=$root KFARM_ARGUMENTS=$arguments KFARM_CACHE_SIZE=1G

# commands FILE: print the commands of the job.
commands()
{
	sed -n -e "s/^ *run: '\(.*\)'\$/\1/p" \
		-e "s/^    - '\(.*\)'\$/\1/p" -e 's/^    - \(test .*\)$/\1/p' \
		"$GITHUB_ACTION_PATH/$1"
}

# job NAME FILE: a job on a machine that has nothing but the saved cache.
job()
{
	local line n=0

	rm -rf "$XDG_CACHE_HOME" "$work/out"
	if [ -d "$work/saved" ]; then
		mkdir -p "$XDG_CACHE_HOME/kfarm"
		cp -r "$work/saved" "$XDG_CACHE_HOME/kfarm/results"
		chmod -R g+w "$XDG_CACHE_HOME/kfarm/results"
	fi
	farm_fresh
	while read -r line; do
		n=$((n + 1))
		check "$1: $line" env -C "$tree" bash -ec "$line" </dev/null
	done < <(commands "$2")
	check "$1: the job has commands" test "$n" -ge 4
	equal "$1"
	rm -rf "$work/saved"
	cp -r "$XDG_CACHE_HOME/kfarm/results" "$work/saved"
}

for name in action.yml gitlab.yml; do
	rm -rf "$work/saved"
	job "$name, first job" "$name"
	is "$name, first job: no job is cached" 0 "$(meta .farm.cached)"
	job "$name, second job" "$name"
	hits "$name, second job"
done

# An image such as debian:12 contains no git.
without_git()
{
	local line

	mkdir "$work/image"
	cat >"$work/image/apt-get" <<-END
	#!/bin/sh
	echo "\${0##*/} \$*" >>"$work/image/log"
	[ "\$2" != -y ] || /bin/ln -s apt-get "\${0%/*}/git"
	END
	chmod +x "$work/image/apt-get"
	while read -r line; do
		PATH=$work/image KFARM_DIR=$work/absent KFARM_URL=URL \
			/bin/bash -ec "$line" >/dev/null || return
	done < <(commands gitlab.yml | grep '^test -d')
}
check "gitlab.yml, without git: the source is cloned" without_git
is "gitlab.yml, without git: it is installed before" "apt-get -q update
apt-get -q -y install git ca-certificates
git clone --depth 1 URL $work/absent" "$(cat "$work/image/log")"

for name in restore save; do
	check "each job has the step $name" test "$(grep -c \
		"ci-action\" $name" "$GITHUB_ACTION_PATH"/*.yml | grep -c :1)" \
		-eq 2
done
check "ci-action without a command prints its usage" \
	grep -q 'ci-action COMMAND' <("$root/scripts/ci-action" 2>&1)
farm_end
