# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# Pools are added from templates and listed; invalid ones are errors.
run kfarm nodes add --pool slurm
run kfarm nodes add cluster2 --pool kubernetes
run kfarm nodes add --pool slurm
run kfarm nodes add --pool lsf
run kfarm nodes add a b --pool ssh
run kfarm nodes add a/b --pool ssh
run kfarm nodes add
run kfarm nodes add a
run kfarm nodes add dock --pool docker --slots 3
run kfarm nodes add dock2 --pool docker --slots 0
run kfarm nodes add dock2 --pool docker --codec lzo
grep -c '^\[pool' "$config"
cat "$config"
run kfarm nodes remove dock nope
run kfarm nodes list --json dock
cat >"$config" <<'END'
[pool "desk"]
	start = "ssh -T desk kfarmd --stdio"
	max = 3
	min = 1
	slots = 8
[pool "cloud"]
	start = cloud-up kfarmd --stdio
	max = 100
	idle = 90s
	weight = 3
END
run kfarm nodes list
run kfarm nodes list --json
run kfarm nodes limits | unwrapped | figures | sed -E 's,[0-9]+ local,N local,'
run kfarm nodes drain desk nope
run kfarm nodes drain desk
run kfarm nodes drain desk
run kfarm nodes list
run kfarm nodes limits --json | sed -n '/pools/,$p'
grep -n drain "$config"
run kfarm nodes resume desk
grep -n drain "$config"
run kfarm nodes probe desk/1
run kfarm nodes check desk/4
echo '[node "desk"]
	address = unix:/x' >>"$config"
run kfarm nodes list
echo '[pool "x"]' >"$config"
echo '	max = 0' >>"$config"
run kfarm nodes list
