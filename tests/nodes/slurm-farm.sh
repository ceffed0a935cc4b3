# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# nodes/slurm-farm.sh - Slurm on nodes of the lab: munged and slurmctld on the
# build host, munged and slurmd on each node
#
# A test sources nodes/lab.sh first and calls these functions after lab_begin.
# The programs are those that scripts/packages has unpacked, or else the
# system's.  All state is in $work and in the nodes' private directories.  All
# daemons end with the test, because they are in its PID namespace.
#
#	slurm_lacks	print why Slurm is unsupported, or nothing
#	slurm_start CPUS NAME...
#			create the nodes, each with this number of CPUs, and
#			start Slurm; false, with the logs, if a node is not
#			idle within a minute
#	slurm_stop	end all daemons; false if one does not end
#	slurm_jobs	print "ID NODE" for each running job
#	slurm_most_jobs	print the maximum number of jobs that were pending or
#			running at once
#
# After slurm_start, all programs are in $PATH and use $SLURM_CONF.
slurm= # the directory in $work with the configuration and the state
slurm_names=()
slurm_programs=(munged munge unmunge slurmctld slurmd slurmstepd srun scancel
	scontrol squeue sinfo)
slurm_plugins=$(compgen -G \
	"$bin/debian/slurm-wlm-basic-plugins/usr/lib/*/slurm-wlm")

# Print the path of a program.  Debian adds -wlm to the names of the daemons.
slurm_path()
{
	local PATH=$PATH:/usr/sbin:/sbin package

	for package in munge slurmctld slurmd slurm-client; do
		PATH=$bin/debian/$package/usr/bin:$PATH
		PATH=$bin/debian/$package/usr/sbin:$PATH
	done
	command -v "$1-wlm" || command -v "$1"
}

slurm_lacks()
{
	local program

	for program in "${slurm_programs[@]}"; do
		slurm_path "$program" >/dev/null || echo "no $program"
	done
}

# Write scripts that start the programs with the unpacked libraries.  These do
# not apply to other programs of the test.
slurm_write_programs()
{
	local program libraries

	libraries=$(compgen -G "$bin/debian/*/usr/lib/*-linux-gnu*" |
		paste -sd :)${slurm_plugins:+:$slurm_plugins}
	mkdir "$slurm/bin"
	for program in "${slurm_programs[@]}"; do
		cat >"$slurm/bin/$program" <<-END
		#!/bin/sh
		export LD_LIBRARY_PATH=$libraries
		exec $(slurm_path "$program") "\$@"
		END
	done
	chmod +x "$slurm"/bin/*
	PATH=$slurm/bin:$PATH
}

# proctrack/linuxproc and task/none need no control groups, which the nodes
# share.  config_overrides accepts more CPUs than the machine has.
slurm_write_conf()
{
	local cpus=$1 name

	shift
	[ ! "$slurm_plugins" ] || echo "PluginDir=$slurm_plugins"
	cat <<-END
	ClusterName=lab
	SlurmctldHost=build(10.77.0.1)
	SlurmUser=root
	StateSaveLocation=$slurm/state
	SlurmdSpoolDir=/var/lib/slurmd
	SlurmctldPidFile=$slurm/slurmctld.pid
	SlurmdPidFile=/run/slurmd.pid
	SlurmctldLogFile=$slurm/slurmctld.log
	SlurmdLogFile=/var/log/slurmd.log
	ProctrackType=proctrack/linuxproc
	TaskPlugin=task/none
	SelectType=select/cons_tres
	SelectTypeParameters=CR_CPU
	SlurmdParameters=config_overrides
	END
	for name; do
		echo "NodeName=$name NodeAddr=$(lab_ip "$name") CPUs=$cpus"
	done
	echo "PartitionName=farm Nodes=$(IFS=,; echo "$*") Default=YES"
}

# slurm_munged COMMAND...: start munged, by COMMAND on a node, and wait until it
# answers.  It runs as root, because nodes have no user munge.
slurm_munged()
{
	"$@" mkdir -m 755 /run/munge &&
		"$@" munged --force --key-file="$slurm/munge.key" \
			--seed-file=/run/munge/seed \
			--log-file=/run/munge/log &&
		wait_for 60 "$@" sh -c 'munge -n | unmunge'
}

# slurm_is_idle NAME...: check that all nodes are idle.
slurm_is_idle()
{
	[ "$(sinfo -h -N -o '%T' | sort | uniq -c | xargs)" = "$# idle" ]
}

slurm_start()
{
	local cpus=$1 name

	shift
	slurm=$work/slurm
	export SLURM_CONF=$slurm/slurm.conf
	mkdir -p "$slurm/state"
	# The build host's mounts are private to the test.
	mount -t tmpfs -o mode=755 run /run || return
	slurm_write_programs
	(umask 077 && head -c 1024 /dev/urandom >"$slurm/munge.key")
	for name; do
		lab_node "$name"
		# A node has /usr/local/bin in $PATH.
		cp -r "$slurm/bin" "$(lab_dir "$name")/local/"
	done
	slurm_names=("$@")
	slurm_write_conf "$cpus" "$@" >"$SLURM_CONF"
	slurm_munged env || return
	slurmctld -f "$SLURM_CONF" || return
	for name; do
		slurm_munged lab_in "$name" &&
			lab_in "$name" slurmd -f "$SLURM_CONF" -N "$name" \
				-d "$slurm/bin/slurmstepd" || return
	done
	wait_for 60 slurm_is_idle "$@" && return
	sinfo -N -o '%N %T %E'
	tail -n 20 "$slurm/slurmctld.log" "$lab"/*/var/log/slurmd.log
	return 1
}

# slurm_end FILE COMMAND...: end the process whose id is in FILE, by COMMAND on a
# node, and wait for its end.
slurm_end()
{
	local file=$1 pid

	shift
	pid=$("$@" cat "$file") && "$@" sh -c "kill $pid" &&
		wait_for 60 "$@" sh -c "! kill -0 $pid"
}

slurm_stop()
{
	local name

	for name in "${slurm_names[@]}"; do
		slurm_end /run/slurmd.pid lab_in "$name" &&
			slurm_end /run/munge/munged.pid lab_in "$name" || return
	done
	slurm_end "$slurm/slurmctld.pid" env &&
		slurm_end /run/munge/munged.pid env
}

slurm_jobs()
{
	squeue -h -t R -S i -o '%i %N'
}

# slurmctld logs all changes in their order.
slurm_most_jobs()
{
	awk 'match($0, /JobId=[0-9]+/) { id = substr($0, RSTART, RLENGTH) }
	/_slurm_rpc_allocate_resources JobId=/ && ++n > most { most = n }
	/_slurm_rpc_complete_job_allocation: JobId=|_job_complete: .* done/ {
		n -= !ended[id]++
	}
	END { print most + 0 }' "$slurm/slurmctld.log"
}
