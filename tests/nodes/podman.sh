#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# nodes/podman.sh [--linux] - containers of podman as nodes, from the image of
# templates/pool/Containerfile: what the sandbox needs in which settings, the
# limits of a container as the inventory, and a build in which `podman stop` ends
# a node, which completes its jobs.
#
# --linux instead builds lib/ of Linux with a pool of four containers, one of
# which is killed during the build, and ends another build with Ctrl-C.
. "$(dirname "$0")/../farm/lib.sh"
# shellcheck source=tests/nodes/members.sh
. "$(dirname "$0")/members.sh"
own_mounts "$@"

host=$(uname -m | sed s/aarch64/arm64/)
groups=kfarm-test.$$
# Without these limits, podman raises those of the caller, which needs
# CAP_SYS_RESOURCE.
run=(run --pull never -i --rm --runtime crun --network none --ulimit
	nofile=1024:1024 --ulimit nproc=4096:4096)

podman_lacks()
{
	local program

	for program in podman crun; do
		command -v $program >/dev/null || echo "no $program"
	done
	[ "$(id -u)" -eq 0 ] || echo "not root"
	[ -e "$bin/nodes/kfarmd-$host" ] || echo "no $bin/nodes/kfarmd-$host"
}

# pod ARG...: podman with private storage, which works on any file system.
pod()
{
	podman --root "$work/pod/root" --runroot "$work/pod/run" \
		--tmpdir "$work/pod/tmp" --storage-driver vfs \
		--cgroup-manager cgroupfs --events-backend none "$@"
}

# quoted WORD...: print the words as a shell command.
quoted()
{
	printf '%q ' "$@"
}

clean_up()
{
	pod rm -fa >/dev/null 2>&1
	find /sys/fs/cgroup/*/"$groups" -depth -type d -exec rmdir {} + \
		2>/dev/null
	farm_cleanup
}

# lacks_containers: print why podman itself cannot run a container.
lacks_containers()
{
	local out

	out=$(pod build -q -t kfarmd --build-arg HOST="$host" \
		-f "$root/templates/pool/Containerfile" "$bin/nodes" 2>&1 &&
		pod "${run[@]}" --cgroups=disabled kfarmd --version \
			</dev/null 2>&1) || echo "${out##*$'\n'}"
}

# check_in OPTION...: print the output of kfarmd --check in a container.
check_in()
{
	pod "${run[@]}" --cgroups=disabled "$@" kfarmd --check </dev/null 2>&1
}

works_in()
{
	check_in "$@" | grep -qx 'sandbox: ok'
}

missing_in()
{
	check_in "$@" | sed -n 's/^missing: no sandbox: //p'
}

# The seccomp filter of Docker, which denies what only CAP_SYS_ADMIN permits.
# podman's default filter differs from it in these calls.
write_docker_filter()
{
	jq '["unshare", "mount", "umount2", "pivot_root", "setns"] as $denied |
		.syscalls |= map(.names -= $denied) |
		.syscalls |= map(select(.names != [])) |
		.syscalls += [{names: $denied, action: "SCMP_ACT_ERRNO",
			errnoRet: 1}]' /usr/share/containers/seccomp.json \
		>"$work/docker.json"
}

settings()
{
	check "the sandbox works with default settings" works_in
	is "default settings show the host name to jobs" "" \
		"$(check_in | grep -w uts)"
	check "the sandbox works for any user, without capabilities, with a \
read-only root" works_in --user 1000 --cap-drop=all --read-only \
		--security-opt no-new-privileges
	check "the sandbox works without a filter" works_in \
		--security-opt seccomp=unconfined
	check "without a filter, the sandbox hides the host name" grep -qw uts \
		<(check_in --security-opt seccomp=unconfined)
	is "root without capabilities" "user: setgroups: Operation not permitted;\
 root lacks CAP_SETUID or CAP_SETGID: use --user 1000 (podman, docker) or\
 runAsUser: 1000 (Kubernetes)" "$(missing_in --cap-drop=all)"
	write_docker_filter
	is "a filter like Docker's" "user: unshare: Operation not permitted; a\
 seccomp filter denies it: use --security-opt seccomp=unconfined (podman,\
 docker) or seccompProfile.type: Unconfined (Kubernetes)" \
		"$(missing_in --security-opt seccomp="$work/docker.json")"
}

# Run podman as a user with subordinate ids, which exists in this test only.
rootless()
{
	local dir=$work/rootless file

	if ! command -v newuidmap >/dev/null; then
		left_out "podman without root" "no newuidmap"
		return
	fi
	mkdir -p "$dir"/{home,run,etc,image}
	chmod 711 "$work"
	for file in passwd group subuid subgid; do
		cp "/etc/$file" "$dir/etc/" 2>/dev/null
	done
	echo "farm:x:4000:4000::$dir/home:/bin/sh" >>"$dir/etc/passwd"
	echo "farm:x:4000:" >>"$dir/etc/group"
	echo farm:300000:65536 | tee -a "$dir/etc/subuid" >>"$dir/etc/subgid"
	for file in passwd group subuid subgid; do
		touch "/etc/$file" && mount --bind "$dir/etc/$file" "/etc/$file"
	done
	pod save -q -o "$dir/image/kfarmd.tar" kfarmd
	chmod -R a+rX "$dir/image"
	chown -R 4000:4000 "$dir/home" "$dir/run"
	chmod 700 "$dir/run"
	cat >"$dir/try" <<-END
	cd $dir/home
	podman --storage-driver vfs load -q -i $dir/image/kfarmd.tar >&2 &&
		exec podman --storage-driver vfs --cgroup-manager cgroupfs \\
			--events-backend none $(quoted "${run[@]}") \\
			--cgroups=disabled kfarmd --check </dev/null
	END
	check "podman without root" setpriv --reuid 4000 --regid 4000 \
		--clear-groups env -u XDG_CONFIG_HOME -u XDG_DATA_HOME \
		-u XDG_CACHE_HOME -u XDG_STATE_HOME HOME="$dir/home" \
		XDG_RUNTIME_DIR="$dir/run" sh "$dir/try"
}

# start_command [OPTION...]: print the command that runs kfarmd in a container.
start_command()
{
	quoted podman --root "$work/pod/root" --runroot \
		"$work/pod/run" --tmpdir "$work/pod/tmp" --storage-driver vfs \
		--cgroup-manager cgroupfs --events-backend none "${run[@]}" \
		-v "$work/store:/var/lib/kfarm" "$@" kfarmd
}

# container NAME OPTION...: add a container of this name as a node.
container()
{
	local name=$1

	shift
	echo "exec $(start_command --name "$name" "$@")" >"$work/$name.start"
	node "$name" "sh $work/$name.start" slots=1
}

limits()
{
	if [ ! -e /sys/fs/cgroup/cpu/cgroup.procs ] &&
		! grep -qw cpu /sys/fs/cgroup/cgroup.controllers 2>/dev/null; then
		left_out "the limits of a container" "no cpu controller"
		return
	fi
	pod "${run[@]}" --cgroup-parent "$groups" --cpus 1 --memory 600m \
		kfarmd --version </dev/null >"$work/limits.log" 2>&1 || {
		left_out "the limits of a container" \
			"podman: $(tail -n 1 "$work/limits.log")"
		return
	}
	no_nodes
	container limited --cgroup-parent "$groups" --cpus 1 --memory 600m
	"$bin/kfarm" nodes list --json >"$work/list" 2>&1
	is "the limits of a container" "1 core, 600 MiB" "$(jq -r \
		'.nodes[0] | "\(.cores) core, \(.memory_mib) MiB"' "$work/list")"
}

done_by()
{
	[ "$(jq -r --arg n "$1" 'select(.event == "job" and .state == "done" and
		.node == $n) | .job' "$work/events" | wc -l)" -ge "$2" ]
}

build()
{
	farm_mini 40 40
	farm_reference Image
	no_nodes
	container one --cgroups=disabled
	container two --cgroups=disabled
	farm_fresh
	kfarm_start --json "$work/events" Image
	check "the first node completes jobs" wait_for 60 done_by one 1
	check "the second node completes jobs" wait_for 60 done_by two 1
	# podman reports if it has to send SIGKILL after this time.
	is "SIGTERM ends PID 1" two "$(pod stop -t 60 two 2>&1)"
	check "the build still runs" kill -0 "$kfarm"
	kfarm_wait
	is "status of the build" 0 $?
	equal "a build in containers"
	gone "the build"
}

containers()
{
	pod ps -q | wc -l
}

has_no_containers()
{
	[ "$(containers)" -eq 0 ]
}

linux()
{
	local targets=(lib/) events=$work/events killed

	farm_linux tinyconfig prepare
	farm_reference "${targets[@]}"
	echo "exec $(start_command --cgroups=disabled)" >"$work/start"
	begin_build podman "sh $work/start"
	is "containers" 4 "$(containers)"
	killed=$(pod ps -q | head -n 1)
	pod kill -s KILL "$killed" >/dev/null
	check_replacement killed
	end_build killed
	check "podman has no containers left" wait_for 60 has_no_containers
	echo "jobs: $(meta '"\(.farm.remote) remote, \(.farm.local) local"')"
	begin_build podman "sh $work/start"
	kill -INT "$kfarm"
	kfarm_wait
	is "Ctrl-C: status" 130 $?
	gone "Ctrl-C"
	check "Ctrl-C: podman has no containers left" wait_for 60 has_no_containers
}

lacks=$(podman_lacks)
[ ! "$lacks" ] || {
	left_out "podman" "$(paste -sd , <<<"$lacks")"
	farm_end
}
farm_begin
trap clean_up EXIT
# crun refuses to work with controllers of both versions.
! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
mkdir -p "$work/store"
lacks=$(lacks_containers)
[ ! "$lacks" ] || {
	left_out "containers of podman" "$lacks"
	farm_end
}
if [ "${1:-}" = --linux ]; then
	linux
else
	settings
	rootless
	limits
	build
fi
farm_end
