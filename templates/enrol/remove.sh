# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# Undo install.sh, and print `removed`.  If N other build hosts use the node,
# only remove the fingerprint of this build host, and print `kept N`.  If
# install.sh has not installed kfarmd, print `nothing`.  If a kfarmd existed
# before install.sh, do not remove this program, and print `program PATH`.  A
# store that existed before install.sh ran is not removed either.

# remove_program PATH MARK
remove_program()
{
	rm -f "$1".part.* || exit 1
	if grep -qxF "keep $1" "$2"; then
		say "program $1"
	else
		rm -f "$1" || exit 1
	fi
}

if [ "$kf_mode" = ssh ]; then
	mark=$HOME/.local/share/kfarm/enrolled
	[ -f "$mark" ] || {
		say nothing
		say "done"
		exit 0
	}
	remove_program "$HOME/.local/bin/kfarmd" "$mark"
	store=$HOME/.local/share/kfarm/store
	grep -qxF "keep $store" "$mark" || rm -rf "$store"
	rm -f "$mark" || exit 1
	rmdir "$HOME/.local/share/kfarm" "$HOME/.local/bin" 2>/dev/null
	say removed
	say "done"
	exit 0
fi
become_root ||
	fail "only root can remove the service kfarmd:" \
		"$(id -un) has no root access without a password"
[ -f $etc/enrolled ] || {
	say nothing
	say "done"
	exit 0
}
find_init
changed=
others=
if [ -f $etc/clients ]; then
	others=$(grep -v "$this_client" $etc/clients)
	n=$(say "$others" | grep -c "$any_client")
	if [ "$n" -gt 0 ]; then
		put $etc/clients "$others" 644
		say "kept $n"
		say "done"
		exit 0
	fi
fi
stop_service
forget_boot
[ $init != systemd ] || systemctl disable kfarmd </dev/null >/dev/null 2>&1
[ $init != openrc ] || rc-update -q del kfarmd default >/dev/null 2>&1
[ $init != chkconfig ] || chkconfig --del kfarmd >/dev/null 2>&1
# shellcheck disable=SC2086 # several words
rm -f $unit $start_scripts || exit 1
remove_program $service_program $etc/enrolled
[ $init != update-rc.d ] || update-rc.d kfarmd remove >/dev/null 2>&1
[ $init != systemd ] || systemctl daemon-reload </dev/null >/dev/null 2>&1
if [ -f $etc/made-user ]; then
	userdel kfarm >/dev/null 2>&1 || deluser kfarm >/dev/null 2>&1
fi
rm -f /var/run/kfarmd.pid /var/log/kfarmd.log
# Remove the mark last, so that an interrupted removal can be repeated.
if grep -q beside $etc/enrolled; then
	put $etc/clients "$others" 644
else
	rm -rf $state
	rm -f $etc/key.pem $etc/clients $etc/node.conf
fi
rm -f $etc/made-user && rm -f $etc/enrolled || exit 1
rmdir $etc 2>/dev/null
say removed
say "done"
