# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# Command lines and settings of `kfarm nodes import`, without a signed list;
# tests/farm/import.sh imports signed lists.
only chmod
key=0123456789012345678901234567890123456789
run kfarm nodes import
run kfarm nodes import list.asc
run kfarm nodes import a b
run kfarm nodes import --key $key list.asc
printf '[list]\nname = farm\n' >list.asc
run kfarm nodes import --key short list.asc
run kfarm nodes import --key $key list.asc
run kfarm nodes import --key $key http://127.0.0.1:1/list.asc
# No mirror has a list.
run kfarm nodes import --key $key https://127.0.0.1:1/list.asc |
	sed -n 's/.*; \(try again later\)/\1/p'
# A message contains no password.
run kfarm nodes import https://me:secret@127.0.0.1:1/list.asc
run kfarm nodes import --remove farm
run kfarm nodes import --remove ../farm
run kfarm nodes import --remove farm list.asc
run kfarm nodes import --keep list.asc

cat >"$config" <<EOF
[import "farm"]
	url = $PWD/list.asc
	key = $key
[import "lab"]
	url = $PWD/missing.asc
	key = $key
[import "bad"]
	url = $PWD/list.asc
EOF
run kfarm nodes import
run kfarm nodes list
run kfarm complete fish nodes import --remove ''

# A stored list is used until it expires.
mkdir -p .local/state/kfarm/lists
for team in farm lab; do
	printf '[list]\nname = %s\nserial = 7\nexpires = %s\n' $team \
		"$([ $team = farm ] && echo 2999-12-31 || echo 2001-12-31)"
	printf '[node "%s"]\naddress = tls:127.0.0.1:1\nkey = SHA256:%s\n' \
		$team "$(printf 'A%.0s' {1..43})"
done >all
sed -n 1,7p all >.local/state/kfarm/lists/farm.conf
sed -n 8,14p all >.local/state/kfarm/lists/lab.conf
run kfarm nodes import | sed 's/imported .* ago/imported N ago/'
run kfarm nodes list
run kfarm complete fish nodes drain ''
run kfarm nodes drain farm
run cat "$config"
run kfarm nodes resume farm
run cat "$config"
run kfarm nodes remove farm
run kfarm nodes power farm off
printf '[node "farm"]\n\taddress = unix:/nowhere/sock\n' >>"$config"
run kfarm nodes list
