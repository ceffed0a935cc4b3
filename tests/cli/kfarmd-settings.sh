# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# kfarmd accepts each setting in the node.conf that --init creates.
kfarmd=$bin/kfarmd
"$kfarmd" --init --config etc | sed 's/SHA256:.*/FINGERPRINT/'
sed -i 's/^#\(\t\|\[\)/\1/' etc/node.conf
cat etc/node.conf
# No kfarmd uses this store.
sed -i "s|store = .*|store = $TMP/store|" etc/node.conf
"$kfarmd" --config etc --status
echo "status $?"
# With --stdio, every user has a store in the home directory, also root.
"$kfarmd" --stdio </dev/null 2>/dev/null
echo "status $?"
ls -d .local/share/kfarm/store
"$kfarmd" --status --stdio
"$kfarmd" --init --stdio
# The error names the option that selects another store.
mkdir -m 777 open
"$kfarmd" --stdio --store open </dev/null
