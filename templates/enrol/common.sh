# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# Common part of the scripts that `kfarm nodes` runs on a node.  kfarm prepends
# assignments of these variables:
#	kf_mode			"service" or "ssh"
#	kf_pin, kf_client	fingerprint and name of the build host
#	kf_port			port of --port, or empty
#	kf_nodes		lines "FINGERPRINT NAME" of the other nodes
#	kf_update		not empty for `kfarm nodes update`
#	kf_remove		text of remove.sh, for install.sh
#	kf_unit, kf_init, kf_openrc
#				contents of the files that start kfarmd
service_program=/usr/local/bin/kfarmd
etc=/etc/kfarm
state=/var/lib/kfarm
unit=/etc/systemd/system/kfarmd.service
default_port=3634
own_script=/usr/local/sbin/kfarmd.init
start_scripts="/etc/init.d/kfarmd $own_script"
# Patterns for the lines of any client, and of this build host, in
# /etc/kfarm/clients.  kfarmd ignores blanks before the fingerprint.
any_client="^[ 	]*SHA256:"
this_client="^[ 	]*$kf_pin"

say()
{
	printf '%s\n' "$*"
}

fail()
{
	printf '%s\n' "$*" >&2
	exit 1
}

# Sleep 0.2 s, or 1 s if sleep does not accept fractions.
nap()
{
	sleep 0.2 2>/dev/null || sleep 1
}

has()
{
	command -v "$1" >/dev/null 2>&1
}

# Restart this script as root, if sudo or doas works without a password.
become_root()
{
	[ "$(id -u)" -ne 0 ] || return 0
	for tool in sudo doas; do
		if has $tool && $tool -n true </dev/null >/dev/null 2>&1; then
			exec $tool -n sh -c "$kfarm_script"
		fi
	done
	return 1
}

# cannot PATH WHY: end with an error that states that PATH cannot be written.
# WHY is the output of the command that failed.
cannot()
{
	rm -f "$1.part.$$" ${part:+"$part"} 2>/dev/null
	why=${2##*: }
	where=$(dirname "$1")
	while [ ! -d "$where" ]; do
		where=$(dirname "$where")
	done
	case $why in
	*[Rr]ead-only*)
		advice="remount it read-write, or use \`kfarm nodes add"
		advice="$advice --ssh\`, which installs into the home directory"
		;;
	*[Nn]o\ space* | *[Qq]uota*)
		advice="free up space on $(df -P "$where" 2>/dev/null |
			sed -n '$s/.* //p') ($(df -Pk "$where" |
			awk 'END { print int($4 / 1024) }') MiB available)" ;;
	*ermission* | *ermitted*)
		advice="make $where writable for $(
			id -un 2>/dev/null || id -u)" ;;
	*) advice="check $where" ;;
	esac
	fail "cannot write $1: ${why:-unknown error}; $advice"
}

# put PATH TEXT MODE: replace the file PATH atomically, and set $changed, if its
# content is not TEXT.
put()
{
	if [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; then
		return 0
	fi
	why=$({ mkdir -p "$(dirname "$1")" && printf '%s\n' "$2" |
		cat >"$1.part.$$" && chmod "$3" "$1.part.$$" &&
		mv -f "$1.part.$$" "$1"; } 2>&1) || cannot "$1" "$why"
	changed=yes
}

# Find the init system: systemd, or the program that runs a start script at
# boot.
find_init()
{
	start=/etc/init.d/kfarmd
	[ -d /etc/init.d ] || start=$own_script
	if [ -d /run/systemd/system ] && has systemctl; then
		init=systemd
	elif [ -d /run/openrc ] && has rc-update; then
		init=openrc
	elif [ -d /etc/init.d ] && has update-rc.d; then
		init=update-rc.d
	elif [ -d /etc/init.d ] && has chkconfig; then
		init=chkconfig
	elif [ -f /etc/init.d/rcS ] && grep -q 'init.d/S' /etc/init.d/rcS; then
		init=rcS
	elif [ -f /etc/rc.local ]; then
		init=rc.local
	elif has crontab; then
		init=cron
	else
		init=none
	fi
}

stop_service()
{
	[ "$init" != systemd ] || systemctl stop kfarmd </dev/null >/dev/null 2>&1
	for script in $start_scripts; do
		[ ! -x "$script" ] || "$script" stop </dev/null >/dev/null 2>&1
	done
	return 0
}

# Remove the lines that kfarm has added to rc.local and to the crontab.
forget_boot()
{
	if [ -f /etc/rc.local ] && grep -q '^# kfarm: begin' /etc/rc.local; then
		put_rc_local "$(without_our_lines)"
	fi
	if has crontab && crontab -l 2>/dev/null | grep -q '# kfarm$'; then
		crontab -l 2>/dev/null | grep -v '# kfarm$' | crontab -
	fi
	rm -f /etc/init.d/S90kfarmd
}

without_our_lines()
{
	sed '/^# kfarm: begin/,/^# kfarm: end/d' /etc/rc.local
}

put_rc_local()
{
	put /etc/rc.local "$1" 755
}

# Print the port of the last `listen` in node.conf.  Print nothing if node.conf
# contains no `listen`.
port_of_conf()
{
	sed -n 's/^[ 	]*listen[ 	]*=[ 	]*//p' $etc/node.conf 2>/dev/null |
		sed -n -e 's/[" 	]*$//' -e 's/^.*://' -e 's/^[^0-9]*//' \
			-e '/^[0-9][0-9]*$/p' | tail -n 1
}

# Succeed if a process listens on port $1.  In the kernel's TCP table, the state
# 0A means listening.
is_port_open()
{
	hex=$(printf '%04X' "$1")
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
		grep -q "^ *[0-9]*: [0-9A-F]*:$hex [0-9A-F]*:0000 0A "
}
