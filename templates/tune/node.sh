# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154 # admin/remote-script.h sets $kfarm_script
#
# The script that `kfarm nodes tune` runs on a node, in any POSIX shell (dash,
# busybox).  kfarm appends a call of tune_look, tune_apply or tune_revert.
#
# Each of these three functions prints lines of fields that are separated by
# tabs; the last line is "end".  Paths are printed without the prefix
# $KFARM_TUNE_ROOT, which only tests set.
R=${KFARM_TUNE_ROOT-}
record=$R/etc/kfarm/tune.before # previous values: KIND PATH VALUE
settings=$R/etc/kfarm/tune.list # wanted values: KIND PATH VALUE
script=$R/etc/kfarm/tune.sh # applies the settings at boot
unit=$R/etc/systemd/system/kfarm-tune.service

# first FILE: read the first line of FILE into $line.
first()
{
	line=
	[ -r "$1" ] || return 1
	{ IFS= read -r line <"$1" || [ -n "$line" ]; } 2>/dev/null
}

say()
{
	printf '%s\t%s\t%s\n' "$1" "$2" "$3"
}

# file PATH...: for each PATH that exists, print the path, whether root may
# write to the file, and the first line of the file.
file()
{
	for f; do
		[ -f "$f" ] && first "$f" || continue
		# shellcheck disable=SC2012 # some nodes have no stat
		case $(ls -ld "$f" 2>/dev/null) in
		??w*) say "${f#"$R"}" w "$line" ;;
		*) say "${f#"$R"}" r "$line" ;;
		esac
	done
}

# Print the init system.
how_it_starts()
{
	if [ -d "$R/run/systemd/system" ]; then
		echo systemd
	elif [ -d "$R/run/openrc" ] && [ -d "$R/etc/local.d" ]; then
		echo openrc
	elif [ -x "$R/etc/init.d/rcS" ] && [ ! -d "$R/etc/rc2.d" ]; then
		echo rcS
	elif [ -d "$R/etc/init.d" ] && [ -d "$R/etc/rc2.d" ]; then
		echo sysv
	elif [ -f "$R/etc/rc.local" ]; then
		echo rc.local
	else
		echo none
	fi
}

# Without systemd: store the path of the init script of service $1 in $line.
init_script()
{
	for line in "$R/etc/init.d/$1" "$R/etc/init.d/S"[0-9][0-9]"$1"; do
		[ -x "$line" ] && return 0
	done
	return 1
}

# Store the state of service $1 in $line: "absent", or the name of its unit and
# whether the unit is enabled and active.
service_state()
{
	if [ "$start" != systemd ]; then
		init_script "$1" && line="$1 script started" || line=absent
		return 0
	fi
	loaded=$(systemctl show -p LoadState "$1" 2>/dev/null)
	id=$(systemctl show -p Id "$1" 2>/dev/null)
	id=${id#Id=}
	if [ "$loaded" != LoadState=loaded ]; then
		line=absent
	else
		line="${id:-$1} $(systemctl is-enabled "$id" 2>/dev/null)"
		line="$line $(systemctl is-active "$id" 2>/dev/null)"
	fi
}

# tune_look SERVICE...: print the settings that can be changed, with their
# current values.
tune_look()
{
	say user "$(id -u)" ''
	say start "$start" ''
	say kernel "$(uname -r)" ''
	for f in "$R/proc/device-tree/model" \
		"$R/sys/class/dmi/id/product_name"; do
		[ -r "$f" ] && say model "$(tr -d '\000' <"$f" | head -n 1)" ''
	done
	seen=
	for d in "$R"/sys/devices/system/cpu/cpu[0-9]*/cpufreq; do
		first "$d/related_cpus" || first "$d/affected_cpus" || continue
		# Print only one line for CPUs that share a clock.
		case $seen in *"|$line|"*) continue ;; esac
		seen="$seen|$line|"
		for f in related_cpus affected_cpus scaling_governor \
			scaling_available_governors scaling_max_freq \
			scaling_available_frequencies scaling_boost_frequencies \
			cpuinfo_max_freq; do
			file "$d/$f"
		done
	done
	file "$R/sys/devices/system/cpu/cpufreq/boost" \
		"$R/sys/devices/system/cpu/intel_pstate/no_turbo"
	for d in "$R"/sys/class/devfreq/*; do
		file "$d/governor" "$d/available_governors" "$d/max_freq" \
			"$d/available_frequencies"
	done
	for d in "$R"/sys/class/thermal/thermal_zone[0-9]*; do
		file "$d/type" "$d"/trip_point_[0-9]*_type \
			"$d"/trip_point_[0-9]*_temp
	done
	for s; do
		service_state "$s"
		say service "$s" "$line"
	done
	[ ! -f "$record" ] || while read -r kind path value; do
		say "before-$kind" "$path" "$value"
	done <"$record"
	echo end
}

# Succeed if tune may write to the file $1.  A damaged or manipulated record
# must not cause writes to files that are not settings.
may_set()
{
	case $1 in
	*..* | *[!A-Za-z0-9_.:,@+/-]*) return 1 ;;
	/sys/*) ;;
	*) return 1 ;;
	esac
}

# Succeed if $1 is a service name, not an option or a path.
may_serve()
{
	case $1 in
	'' | -* | .* | *[!A-Za-z0-9_.:,@+\\-]*) return 1 ;;
	esac
}

# Write $2 to the file $1; on failure, set $why.
set_file()
{
	may_set "$1" || return
	if [ ! -f "$R$1" ]; then
		why='no such file'
		return 1
	fi
	if ! why=$( { echo "$2" >"$R$1"; } 2>&1); then
		why=${why##*: }
		why=${why:-write failed}
		return 1
	fi
	first "$R$1"
	why="value is \"$line\" after writing \"$2\""
	[ "$line" = "$2" ]
}

# stop_service UNIT: stop and disable UNIT.
stop_service()
{
	why=
	if [ "$start" = systemd ]; then
		systemctl stop "$1" >/dev/null 2>&1 ||
			why="systemctl stop $1 failed"
		systemctl disable "$1" >/dev/null 2>&1
	elif init_script "$1"; then
		"$line" stop >/dev/null 2>&1 || why="$line stop failed"
	fi
	[ -z "$why" ]
}

# start_service UNIT "ENABLED ACTIVE": restore this previous state of UNIT.
start_service()
{
	why=
	if [ "$start" != systemd ]; then
		init_script "$1" && "$line" start >/dev/null 2>&1 ||
			why="cannot start the service again"
		[ -z "$why" ]
		return
	fi
	case $2 in enabled*)
		systemctl enable "$1" >/dev/null 2>&1 ||
			why="systemctl enable $1 failed" ;;
	esac
	case $2 in *" active" | *" activating" | *" reloading")
		systemctl start "$1" >/dev/null 2>&1 ||
			why="systemctl start $1 failed" ;;
	esac
	[ -z "$why" ]
}

# set_one KIND PATH VALUE: apply one setting, and print $did if it succeeds, or
# "failed".  $failed is the number of failures.
set_one()
{
	why="not a setting of kfarm; remove it from ${record#"$R"}"
	case $1 in
	file) set_file "$2" "$3" ;;
	stop | service) may_serve "$2" ;;
	*) false ;;
	esac && case $1 in
	stop) stop_service "$2" ;;
	service) start_service "$2" "$3" ;;
	esac && say "$did" "$2" "$3" && return
	say failed "$2" "$why"
	failed=$((failed + 1))
}

# Restore the settings in the record in reverse order, except the settings that
# $1 also lists.  Store the record lines of settings that cannot be restored in
# $left.
restore()
{
	lines=
	left=
	[ -f "$record" ] || return 0
	while IFS= read -r line; do
		lines="$line
$lines"
	done <"$record"
	while read -r kind path value; do
		case $1 in *"
$kind $path "*) continue ;; esac
		[ -n "$kind" ] || continue
		before=$failed
		set_one "$kind" "$path" "$value"
		[ "$failed" = "$before" ] || left="$kind $path $value
$left"
	done <<-END
	$lines
	END
	return 0
}

# former KIND PATH: store the previous value of the setting, which the record
# contains, in $line.
former()
{
	[ -f "$record" ] || return 1
	while read -r kind_then path_then line; do
		[ "$kind_then $path_then" != "$1 $2" ] || return 0
	done <"$record"
	return 1
}

put()
{
	cat >"$1.new" && chmod "$2" "$1.new" && mv -f "$1.new" "$1"
}

# Install $script, which applies the settings in the file $settings, and arrange
# that it runs at each boot.
write_start()
{
	put "$script" 755 <<'END' || return 1
#!/bin/sh
### BEGIN INIT INFO
# Provides:          kfarm-tune
# Required-Start:    $local_fs
# Required-Stop:
# Default-Start:     2 3 4 5
# Default-Stop:
# Short-Description: board settings of `kfarm nodes tune`
### END INIT INFO
# Removed by `kfarm nodes tune --revert` on the build host.
case ${1:-start} in start) ;; *) exit 0 ;; esac
while read -r kind path value; do
	case $kind in
	file)
		case $path in
		*..*) ;;
		/sys/*) [ ! -f "$path" ] || echo "$value" >"$path" ;;
		esac ;;
	stop)
		[ -d /run/systemd/system ] ||
			for s in "/etc/init.d/$path" \
				"/etc/init.d/S"[0-9][0-9]"$path"; do
				[ ! -x "$s" ] || "$s" stop
			done ;;
	esac
done </etc/kfarm/tune.list
exit 0
END
	case $start in
	systemd)
		put "$unit" 644 <<'END' || return 1
[Unit]
Description=Board settings of kfarm nodes tune
After=multi-user.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/kfarm/tune.sh

[Install]
WantedBy=multi-user.target
END
		systemctl daemon-reload && systemctl enable kfarm-tune.service
		;;
	openrc)
		ln -sf /etc/kfarm/tune.sh "$R/etc/local.d/kfarm-tune.start" &&
			rc-update add local default
		;;
	rcS) ln -sf /etc/kfarm/tune.sh "$R/etc/init.d/S99kfarm-tune" ;;
	sysv)
		ln -sf /etc/kfarm/tune.sh "$R/etc/init.d/kfarm-tune" &&
			update-rc.d kfarm-tune defaults
		;;
	rc.local)
		sed -e '/# kfarm-tune$/d' \
			-e '1a sh /etc/kfarm/tune.sh # kfarm-tune' \
			"$R/etc/rc.local" | put "$R/etc/rc.local" 755
		;;
	esac
}

remove_start()
{
	case $start in
	systemd)
		[ ! -e "$unit" ] || {
			systemctl disable kfarm-tune.service
			rm -f "$unit"
			systemctl daemon-reload
		}
		;;
	openrc) rm -f "$R/etc/local.d/kfarm-tune.start" ;;
	rcS) rm -f "$R/etc/init.d/S99kfarm-tune" ;;
	sysv)
		[ ! -e "$R/etc/init.d/kfarm-tune" ] || {
			rm -f "$R/etc/init.d/kfarm-tune"
			update-rc.d kfarm-tune remove
		}
		;;
	rc.local)
		! grep -q '# kfarm-tune$' "$R/etc/rc.local" ||
			sed '/# kfarm-tune$/d' "$R/etc/rc.local" |
			put "$R/etc/rc.local" 755
		;;
	esac >/dev/null 2>&1
	rm -f "$script" "$settings"
}

# Restart this script as root, unless it runs as root.  Fail if this is
# impossible.
be_root()
{
	[ -z "$R" ] && [ "$(id -u)" -ne 0 ] || return 0
	for tool in sudo doas; do
		if command -v $tool >/dev/null &&
			$tool -n true </dev/null >/dev/null 2>&1; then
			exec $tool -n sh -c "$kfarm_script"
		fi
	done
	echo "root, or sudo or doas without a password, is required" >&2
	exit 1
}

# Read settings from stdin, in lines "file PATH VALUE" and "stop UNIT stopped",
# and apply them now and at each boot.
tune_apply()
{
	be_root
	new=
	plan=
	wanted='
'
	while read -r kind path value; do
		case $kind in
		file) name='file' && { former file "$path" || first "$R$path"; } ;;
		stop) name=service && { former service "$path" ||
			{ service_state "$path" && line=${line#* }; }; } ;;
		*) continue ;;
		esac || {
			say failed "$path" 'cannot be read'
			continue
		}
		new="$new$name $path $line
"
		wanted="$wanted$name $path "'
'
		plan="$plan$kind $path $value
"
	done
	mkdir -p "$R/etc/kfarm" && : >"$record.new" || exit 1
	did=back
	restore "$wanted"
	did='done'
	# Write the record first, so that all later changes can be reverted.
	printf '%s' "$left$new" | put "$record" 644 &&
		printf '%s' "$plan" | put "$settings" 644 || exit 1
	while read -r kind path value; do
		[ -z "$kind" ] || set_one "$kind" "$path" "$value"
	done <<-END
	$plan
	END
	why=$(write_start 2>&1 >/dev/null) || say failed start "${why##*
}"
	echo end
}

# Restore the state before the first tune_apply.
tune_revert()
{
	be_root
	remove_start
	restore ''
	if [ -n "$left" ]; then
		printf '%s' "$left" | put "$record" 644
	else
		rm -f "$record"
		rmdir "$R/etc/kfarm" 2>/dev/null
	fi
	echo end
}

failed=0
did='done'
left=
start=$(how_it_starts)
