#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# `kfarm nodes tune` over a real sshd.  A board's files of clocks and trip
# points are set permanently, also at boot, and reset.  Also tested: an ordinary
# user, a host that is off, and a host with another key.
. "$(dirname "$0")/lab.sh"
lab_begin "$@"

cpu=/sys/devices/system/cpu

# Create the files of two core types with the kernel's values after boot.
power_on()
{
	lab_in board sh -c "
	mount -t tmpfs none $cpu && mount -t tmpfs none /sys/class/thermal &&
	mkdir $cpu/cpu1 && ln -s ../cpu0/cpufreq $cpu/cpu1/cpufreq &&
	for n in 0 2; do
		d=$cpu/cpu\$n/cpufreq all='0 1' most=1416000
		[ \$n != 2 ] || { all=2; most=1800000; }
		mkdir -p \$d && cd \$d && echo \$all >related_cpus &&
		echo ondemand >scaling_governor &&
		echo ondemand performance >scaling_available_governors &&
		echo 408000 1008000 \$most >scaling_available_frequencies &&
		echo 1008000 >scaling_max_freq && echo \$most >cpuinfo_max_freq
	done
	z=/sys/class/thermal/thermal_zone0 && mkdir \$z && cd \$z &&
	echo cpu-thermal >type && echo 60000 >temp &&
	echo passive >trip_point_0_type && echo 70000 >trip_point_0_temp"
}

# Print the settings and the files that restore them at boot.
state()
{
	lab_in board sh -c "cd / && grep -H . $cpu/cpu*/cpufreq/scaling_[gm]* \
		/sys/class/thermal/*/trip_point_*_temp; ls /etc/kfarm 2>/dev/null; \
		cat /etc/rc.local"
}

tune()
{
	"$bin/kfarm" nodes tune "$@" >"$work/said" 2>&1
}

said()
{
	grep -q -- "$1" "$work/said" && return
	cat "$work/said"
	return 1
}

governors()
{
	lab_in board sh -c "cat $cpu/cpu*/cpufreq/scaling_governor | sort -u" |
		tr '\n' ' '
}

set_and_back()
{
	state >"$work/before"
	tune board --dry-run
	is "--dry-run ends well" 0 $?
	said performance
	is "and shows a governor" 0 $?
	state | cmp -s - "$work/before"
	is "and changes nothing" 0 $?
	tune board
	is "without a terminal nobody consents" 1 $?
	state | cmp -s - "$work/before"
	is "and nothing is changed" 0 $?

	tune board --yes
	is "with --yes it is set" 0 $?
	is "all governors" "performance " "$(governors)"
	lab_in board \
		test -s /etc/kfarm/tune.before
	is "what was there is kept on the board" 0 $?
	state >"$work/tuned"
	tune board --yes
	is "once more: nothing left to do" 0 $?
	state | cmp -s - "$work/tuned"
	is "and nothing else changes" 0 $?
}

after_a_start()
{
	lab_off board
	lab_on board
	lab_sshd board
	power_on
	is "after a start all is the kernel's" "ondemand " "$(governors)"
	lab_in board sh /etc/rc.local
	is "/etc/rc.local runs" 0 $?
	state | cmp -s - "$work/tuned"
	is "and sets it again" 0 $?

	tune board --revert --yes
	is "--revert ends well" 0 $?
	state | cmp -s - "$work/before"
	is "and all is as it was" 0 $?
	tune board --revert --yes
	is "twice is no error" 0 $?
	said "not tuned"
	is "but said" 0 $?
}

what_is_in_the_way()
{
	git config -f "$KFARM_CONFIG" node.user.address ssh:board@board
	tune user --yes
	is "who is not root is refused" 1 $?
	said "^user: \|kfarm: .*user"
	is "by name" 0 $?
	state | cmp -s - "$work/before"
	is "and changes nothing" 0 $?
	lab_link board down
	git config -f "$KFARM_CONFIG" node.off.address ssh:root@10.77.0.99
	tune off --yes
	is "a host that is not there: an error" 1 $?
	said "off"
	is "that names it" 0 $?
}

lab_node board
lab_sshd board
lab_in board sh -c 'mkdir -p /etc/kfarm; printf "#!/bin/sh\nexit 0\n" >/etc/rc.local
	chmod 755 /etc/rc.local'
power_on
git config -f "$KFARM_CONFIG" node.board.address ssh:root@board
set_and_back
after_a_start
what_is_in_the_way
farm_end
