# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# A reader that exits, a full disk, and closed streams.
only
printf '[node "x"]\naddress = unix:/nowhere\n' >"$config"
(sleep 0.5; kfarm help; echo "status $?" >&2) | true
kfarm nodes list >/dev/full
echo "status $?"
kfarm nodes list >&-
echo "status $?"
kfarm nodes list 2>&- >&- <&-
echo "status $?"
