# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# Without the key of the build host, the remedy does not concern the network.
pin=SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
printf '[node "%s"]\n\taddress = tls:%s.invalid\n\tkey = %s\n\tssh = %s\n' \
	one one $pin me@one >"$config"
printf '[node "two"]\n\taddress = tls:two.invalid\n\tkey = %s\n' \
	"${pin/AA/BB}" >>"$config"
run kfarm nodes check
run kfarm doctor | grep '^wrong *keys'
