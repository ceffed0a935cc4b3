# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# nodes/slurm-farm.sh - Slurm on nodes of the lab: munged and slurmctld on the
# build host, munged and slurmd on each node
#
# A test sources nodes/lab.sh first and calls these functions after lab_begin.
# All state is in $work and in the nodes' private directories.  All daemons end
# with the test, because they are in its PID namespace.
#
#	slurm_lacks	print why Slurm is unsupported, or nothing
#	slurm_start CPUS NAME...
#			create the nodes, each with this number of CPUs, and
#			start Slurm; false, with the logs, if a node is not
#			idle within a minute
#	slurm_stop	end all daemons; false if one does not end
#	slurm_jobs	print "ID NODE" for each running job
#
# srun, scancel and squeue use $SLURM_CONF.
slurm= # the directory in $work with the configuration and the state
slurm_names=()

slurm_lacks()
{
	local program

	for program in munged slurmctld slurmd srun; do
		command -v $program >/dev/null || echo "no $program"
	done
}

# proctrack/linuxproc and task/none need no control groups, which the nodes
# share.  config_overrides accepts more CPUs than the machine has.
slurm_write_conf()
{
	local cpus=$1 name

	shift
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
	"$@" mkdir -p -m 755 /run/munge /var/lib/munge /var/log/munge &&
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
	mount -t tmpfs -o mode=755 run /run &&
		mount -t tmpfs -o mode=755 munge /var/lib/munge || return
	(umask 077 && head -c 1024 /dev/urandom >"$slurm/munge.key")
	for name; do
		lab_node "$name"
	done
	slurm_names=("$@")
	slurm_write_conf "$cpus" "$@" >"$SLURM_CONF"
	slurm_munged env || return
	slurmctld -f "$SLURM_CONF" || return
	for name; do
		slurm_munged lab_in "$name" &&
			lab_in "$name" slurmd -f "$SLURM_CONF" -N "$name" ||
			return
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
