# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# Make this machine a node, or update a node.  Change only what is missing or
# different.
#
# The script prints lines "WORD VALUE" for kfarm.  After it has printed `ready`,
# it reads the answer of kfarm: "keep" if the installed kfarmd is not replaced,
# or "take SIZE SHA256", followed by the SIZE bytes of the new kfarmd.
case $kf_mode in
service) become_root || {
	[ ! "$kf_update" ] ||
		fail "only root can update the service kfarmd:" \
			"$(id -un) has no root access without a password"
	kf_mode=ssh
	say "rootless $(id -un 2>/dev/null || id -u)"
} ;;
esac
if [ $kf_mode = ssh ]; then
	[ "${HOME:-}" ] ||
		fail "user $(id -un) has no home directory on the node"
	program=$HOME/.local/bin/kfarmd
	mark=$HOME/.local/share/kfarm/enrolled
else
	program=$service_program
	mark=$etc/enrolled
fi
[ ! "$kf_update" ] || [ -f "$mark" ] || {
	say nothing
	say "done"
	exit 0
}
part=$program.part.$$
changed=

digest_of()
{
	sha256sum <"$1" 2>/dev/null | cut -d ' ' -f 1
}

tidy()
{
	rm -f "$part"
}

end_early()
{
	tidy
	exit 1
}

# Check that the program file can be written, before kfarm sends the program.
prepare_place()
{
	why=$({ mkdir -p "$(dirname "$program")"; } 2>&1) ||
		cannot "$program" "$why"
	rm -f "$program".part.*
	why=$({ : >"$part"; } 2>&1) || cannot "$program" "$why"
}

# does_not_start WHY: end with an error that contains the message of the loader
# or the shell.
does_not_start()
{
	advice=
	case $1 in
	# Only a dynamically linked kfarmd has a loader.
	*shared\ libraries* | *not\ found*)
		advice="; install libevent, libjansson, libzstd, liblzo2 and"
		advice="$advice OpenSSL 3 on the node, or run \`make\` on Debian,"
		advice="$advice which also links a static kfarmd, and copy"
		advice="$advice build/nodes/kfarmd-* to PREFIX/lib/kfarm/nodes/ on"
		advice="$advice the build host" ;;
	esac
	fail "kfarmd does not run on the node ($(uname -m), Linux $(uname -r)):" \
		"${1#*"$part": }$advice"
}

take_program()
{
	why=$({ cat >"$part"; } 2>&1) || cannot "$program" "$why"
	[ $(($(wc -c <"$part"))) -eq "$1" ] ||
		fail "connection lost during the upload of kfarmd; try again"
	got=$(digest_of "$part")
	[ ! "$got" ] || [ "$got" = "$2" ] ||
		fail "kfarmd was damaged in transit:" \
			"SHA-256 is $got, expected $2"
	chmod 755 "$part"
	why=$("$part" --version 2>&1 </dev/null) || does_not_start "$why"
	why=$(mv -f "$part" "$program" 2>&1) || cannot "$program" "$why"
	changed=yes
}

# ---- the service ----

# Succeed if an earlier `kfarm nodes add` has installed the service, no other
# build host uses it, and no other node of the configuration has its key.
is_abandoned()
{
	grep -qx 'by kfarm nodes add' $etc/enrolled 2>/dev/null || return
	! grep -v "$this_client" $etc/clients 2>/dev/null |
		grep -q "$any_client" || return
	key=$(key_in "$($service_program --config $etc --init 2>&1 </dev/null)")
	[ "$key" ] && [ ! "$(say "$kf_nodes" | grep "^$key ")" ]
}

# Choose the user of the service: the separate user kfarm if kfarmd can create a
# sandbox as this user, otherwise root.
choose_user()
{
	user=kfarm
	if ! id kfarm >/dev/null 2>&1; then
		{ has useradd && useradd --system --user-group --no-create-home \
			--home-dir $state --shell "$(no_login)" kfarm; } \
			>/dev/null 2>&1 ||
			adduser -S -D -H -h $state -s "$(no_login)" kfarm \
				>/dev/null 2>&1 || user=root
		[ $user = root ] || made_user=yes
	fi
	[ $user = root ] || as_user "$program" --check >/dev/null 2>&1 ||
		! "$program" --check </dev/null >/dev/null 2>&1 || user=root
}

no_login()
{
	for shell in /usr/sbin/nologin /sbin/nologin /bin/false; do
		[ ! -x $shell ] || break
	done
	echo $shell
}

as_user()
{
	if setpriv --reuid=kfarm --regid=kfarm --clear-groups true \
		2>/dev/null; then
		setpriv --reuid=kfarm --regid=kfarm --clear-groups "$@"
	else
		su -s /bin/sh kfarm -c "exec $*"
	fi </dev/null
}

group_of()
{
	id -gn "$1" 2>/dev/null || id -g "$1"
}

# Print the fingerprint in $1, the output of kfarmd --init.
key_in()
{
	say "$1" | sed -n 's/.*\(SHA256:[A-Za-z0-9+/]*\).*/\1/p' | head -n 1
}

# Exchange fingerprints.  The private key of the node is generated on the node
# and is never sent.
exchange_keys()
{
	why=$({ mkdir -p $etc; } 2>&1) || cannot $etc/key.pem "$why"
	said=$("$program" --config $etc --init 2>&1 </dev/null) ||
		fail "kfarmd --init: ${said##*kfarmd: }"
	key=$(key_in "$said")
	[ "$key" ] || fail "kfarmd --init: no key in its output: $said"
	chown $user "$etc/key.pem" || fail "$etc/key.pem: chown to $user failed"
	chmod 755 $etc
	let_in
}

# Add this build host to the list of clients.  If the list contains its
# fingerprint with an old name, replace this line.
let_in()
{
	old=$(grep -v "$this_client" $etc/clients 2>/dev/null)
	line="$kf_pin $kf_client"
	grep -qx "$line" $etc/clients 2>/dev/null ||
		put $etc/clients "${old:+$old
}$line" 644
}

# Write the port of --port to node.conf.
set_port()
{
	port=$(port_of_conf)
	[ "$kf_port" ] || kf_port=${port:-$default_port}
	[ "$port" != "$kf_port" ] || return 0
	old=$(sed '/^[ 	]*listen[ 	]*=/d' $etc/node.conf 2>/dev/null)
	port=$kf_port
	put $etc/node.conf "$old
[node]
	listen = $port" 644
}

# Before any change, reject another port if a node of the configuration has the
# key of this machine: kfarm could no longer connect to that node.
check_port()
{
	[ "$kf_port" ] && [ -f $etc/key.pem ] && [ -x "$program" ] || return 0
	port=$(port_of_conf)
	port=${port:-$default_port}
	[ "$port" != "$kf_port" ] || return 0
	key=$(key_in "$("$program" --config $etc --init 2>&1 </dev/null)")
	owner=$(say "$kf_nodes" | sed -n "s|^$key ||p" | head -n 1)
	[ ! "$owner" ] ||
		fail "kfarmd on this machine already serves node $owner on" \
			"port $port; run \`kfarm nodes remove $owner\` before" \
			"you add the machine with another name and port"
}

# Print the file $1 for the chosen user.  If this user is root, the systemd unit
# keeps only the five capabilities that kfarmd needs for sandboxes.  Without
# systemd, kfarmd itself drops all other capabilities.
for_user()
{
	kept=
	[ $user != root ] ||
		kept="CAP_SYS_ADMIN CAP_SETUID CAP_SETGID CAP_SETPCAP CAP_KILL"
	say "$1" | sed -e "s|/usr/bin/kfarmd|$program|g" \
		-e "s|^CapabilityBoundingSet=.*|CapabilityBoundingSet=$kept|" \
		-e "s|^user=kfarm|user=$user|" -e "s|^User=kfarm|User=$user|"
}

# Print the directory $1 if another user owns it: a kfarmd of this user can no
# longer use it.
report_taken()
{
	owner=$(ls -ld "$1" 2>/dev/null | awk '{ print $3 }')
	[ ! "$owner" ] || [ "$owner" = $user ] ||
		say "taken $1 of user $owner"
}

# Make the chosen user the owner of the store and of the toolchains.  A root
# with only five capabilities cannot access files that another user has created
# before.
own_stores()
{
	sed -n -e 's/^[ 	]*store[ 	]*=[ 	]*//p' \
		-e 's/^[ 	]*toolchains[ 	]*=[ 	]*//p' \
		$etc/node.conf 2>/dev/null | tr -d '"' |
		while read -r dir; do
			case $dir in
			/?*) ;;
			*) continue ;;
			esac
			owner=$(find "$dir" -prune \( -user root -o \
				-user kfarm \) ! -user $user 2>/dev/null)
			[ ! "$owner" ] || {
				report_taken "$dir"
				chown -R $user "$dir"
			}
		done
}

write_start()
{
	if [ $init = systemd ]; then
		put $unit "$(for_user "$kf_unit")" 644
	elif [ $init = openrc ]; then
		put $own_script "$(for_user "$kf_init")" 755
		put $start "$kf_openrc" 755
	else
		put $start "$(for_user "$kf_init")" 755
	fi
}

# Start kfarmd at boot.
enable_start()
{
	case $init in
	rc.local | cron) ;;
	*) forget_boot ;;
	esac
	case $init in
	systemd)
		why=$({ systemctl daemon-reload && systemctl enable kfarmd; } \
			2>&1 </dev/null) || fail "systemctl: $why" ;;
	openrc) rc-update -q add kfarmd default </dev/null >/dev/null 2>&1 ||
		fail "rc-update add kfarmd default failed" ;;
	update-rc.d) update-rc.d kfarmd defaults </dev/null >/dev/null 2>&1 ||
		fail "update-rc.d kfarmd defaults failed" ;;
	chkconfig) chkconfig --add kfarmd </dev/null >/dev/null 2>&1 ||
		fail "chkconfig --add kfarmd failed" ;;
	rcS) ln -sf kfarmd /etc/init.d/S90kfarmd ||
		fail "cannot create /etc/init.d/S90kfarmd" ;;
	rc.local) put_rc_local "$(with_our_lines)" ;;
	cron) crontab -l 2>/dev/null | grep -q '# kfarm$' ||
		{ crontab -l 2>/dev/null
		say "@reboot $start start # kfarm"; } | crontab - ||
		fail "crontab - failed" ;;
	esac
}

# Add the lines that start kfarmd to the text of rc.local on stdin: before the
# first `exit` in a line of its own or, without such a line, at the end.
with_our_lines()
{
	without_our_lines | awk -v start=$start '
		function ours()
		{
			print "# kfarm: begin"
			print start " start"
			print "# kfarm: end"
			done = 1
		}
		NR == 1 && !/^#!/ { print "#!/bin/sh" }
		/^exit( 0)?[ \t]*$/ && !done { ours() }
		{ print }
		END { if (!done) ours() }'
}

start_service()
{
	is_running && [ ! "$changed" ] && is_port_open "$port" && return 0
	stop_service
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		is_port_open "$port" || break
		nap
	done
	! is_port_open "$port" ||
		fail "port $port is already in use on the node$(
			who_listens); stop that process, or use --port N"
	report_taken $state/store
	own_stores
	if [ $init = systemd ]; then
		systemctl start kfarmd </dev/null >/dev/null 2>&1
	else
		$start start </dev/null >/dev/null 2>&1
	fi
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
		! is_port_open "$port" || return 0
		nap
	done
	fail "kfarmd was started, but does not listen on port $port: $(last_words)"
}

is_running()
{
	if [ $init = systemd ]; then
		systemctl -q is-active kfarmd
	else
		$start status >/dev/null 2>&1
	fi </dev/null
}

who_listens()
{
	has ss && ss -Hltnp "sport = :$port" 2>/dev/null |
		sed -n 's/.*users:((\("[^"]*"\),pid=\([0-9]*\).*/ (\1, process \2)/p;q'
}

last_words()
{
	if [ $init = systemd ]; then
		journalctl -q -u kfarmd -n 20 -o cat --no-pager 2>/dev/null
	else
		tail -n 20 /var/log/kfarmd.log 2>/dev/null
	fi | grep 'kfarmd: ' | tail -n 1
}

# ---- main ----

trap tidy EXIT
trap end_early HUP INT TERM
# If the connection to kfarm is closed, the clean-up must still run, so SIGPIPE
# is ignored.
trap '' PIPE
say "machine $(uname -m)"
[ $kf_mode = ssh ] || say service
if [ $kf_mode = ssh ] && [ "$(id -u)" -eq 0 ] && [ ! "$kf_update" ] &&
	is_abandoned; then
	(kf_mode=service && eval "$kf_remove") >/dev/null || exit 1
	say removed
fi
# `kfarm nodes remove` does not remove a kfarmd that existed before this script,
# nor, with --ssh, its store.
keep=
stores=
[ $kf_mode = service ] || stores=$HOME/.local/share/kfarm/store
for path in "$program" "$stores"; do
	[ -f "$mark" ] || [ ! -e "$path" ] || keep="$keep
keep $path"
done
[ $kf_mode = ssh ] || check_port
prepare_place
[ ! -x "$program" ] || say "have $(digest_of "$program")"
say ready
read -r order size digest || fail "connection lost; try again"
case $order in
take) take_program "$size" "$digest" ;;
keep) ;;
*) exit 1 ;;
esac
# Write the mark next, so that after an interruption the program is known to be
# kfarm's.
if [ -f "$mark" ]; then
	:
elif [ $kf_mode = ssh ]; then
	put "$mark" "$program$keep" 644
elif [ -f $etc/key.pem ]; then
	put $mark "by kfarm nodes add, beside what was there$keep" 644
else
	put $mark "by kfarm nodes add$keep" 644
fi
say "program $program"
made_user=
if [ $kf_mode = service ]; then
	find_init
	choose_user
	[ ! $made_user ] || put $etc/made-user kfarm 644
	exchange_keys
	set_port
	write_start
	enable_start
	start_service
	say "key $key"
	say "port $port"
	say "user $user"
	say "init $init"
fi
say "done"
