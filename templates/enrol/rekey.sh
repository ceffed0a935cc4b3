# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# Replace the key of the service kfarmd, for example on a board whose flash was
# copied from another board.
become_root ||
	fail "only root can generate a new key:" \
		"$(id -un) has no root access without a password"
[ -f $etc/key.pem ] || fail "$etc/key.pem: no such file; no key to replace"
find_init
owner=$(ls -ld $etc/key.pem | awk '{ print $3 }')
why=$(mv -f $etc/key.pem $etc/key.pem.old 2>&1) || cannot $etc/key.pem "$why"
said=$($service_program --config $etc --init 2>&1 </dev/null) || {
	mv -f $etc/key.pem.old $etc/key.pem
	fail "kfarmd --init: ${said##*kfarmd: }"
}
chown "$owner" $etc/key.pem
rm -f $etc/key.pem.old
key=$(say "$said" | sed -n 's/.*\(SHA256:[A-Za-z0-9+/]*\).*/\1/p' | head -n 1)
[ "$key" ] || fail "kfarmd --init: no key in its output: $said"
stop_service
if [ $init = systemd ]; then
	systemctl start kfarmd </dev/null >/dev/null 2>&1
else
	$start start </dev/null >/dev/null 2>&1
fi
port=$(port_of_conf)
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	! is_port_open "${port:-$default_port}" || break
	nap
done
say "key $key"
say "done"
