# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# `kfarm nodes list` prints the nodes of a state, name, pool or site.
only chmod
cat >"$config" <<'EOF'
[node "desk1"]
	address = "exec:kfarmd --stdio"
	site = lab
[node "desk2"]
	address = "exec:kfarmd --stdio"
	site = lab
	drain = true
[node "attic"]
	address = exec:exit 3
	site = home
[node "plain"]
	address = exec:exit 4
[pool "desks"]
	start = exec kfarmd --stdio
	max = 2
[pool "cloud"]
	start = exec kfarmd --stdio
	max = 2
EOF

# Run the command and print the first two fields of each line of its table.
names()
{
	local first second rest

	printf '$ %s\n' "$*"
	"$@" | while read -r first second rest; do
		echo "$first $second"
	done
	# shellcheck disable=SC2034 # only skips the rest of the line
	[ "${PIPESTATUS[0]}" -eq 0 ] || echo "[1]"
}

names kfarm nodes list
names kfarm nodes list --state up
names kfarm nodes list --state drained,up
names kfarm nodes list --state down --site home
names kfarm nodes list 'desk*'
names kfarm nodes list 'desk?' 'att*' cloud
names kfarm nodes list --site home,lab '*[1c]'
names kfarm nodes list --pool desks
# A drained node can be switched off; only `probe` fails then.
/bin/mv bin/kfarmd bin/off
run kfarm nodes list desk2
run kfarm nodes probe desk2
/bin/mv bin/off bin/kfarmd
run kfarm nodes list --state unfit
run kfarm nodes list --state unfit --json
run kfarm nodes list --site home --json

run kfarm nodes list --state upp
run kfarm nodes list --site attic
run kfarm nodes list --pool desk
run kfarm nodes list 'desk*' 'dask*'
run kfarm nodes list --pool desks --state up
run kfarm nodes list --pool desks desk1
run kfarm nodes list --pool desks 'desk*' cloud
names kfarm nodes list --pool desks 'desk*'
for n in {1..30}; do
	printf '[node "n%s"]\n\taddress = unix:/n\n' "$n"
done >"$config"
run kfarm nodes list x
run kfarm nodes list --site x
run kfarm nodes list --pool x
printf '\tsite = a b\n' >>"$config"
run kfarm nodes list

# The completion offers the words that exist.
cat >"$config" <<'EOF'
[node "a"]
	address = unix:/a
	site = lab
[node "b"]
	address = unix:/b
	site = lab
[pool "p"]
	start = exec kfarmd --stdio
	max = 2
EOF
run kfarm complete fish nodes list ''
run kfarm complete fish nodes list --site ''
run kfarm complete fish nodes list --pool ''
run kfarm complete fish nodes list --state up,d
