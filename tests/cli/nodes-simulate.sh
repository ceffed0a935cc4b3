# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# Simulations of farms.  The figures change with the policy of the dispatcher.
for farm in tv-boxes rk3399; do
	cp "$1/../../templates/farms/$farm.conf" .
	run kfarm nodes limits --simulate $farm.conf
done
run kfarm nodes limits --simulate rk3399.conf --json | head -n 20
run kfarm nodes limits --simulate rk3399.conf --gantt chart.svg | tail -n 1
grep -c '<path class="r[01]"' chart.svg
head -c 60 chart.svg
echo

printf '[node "a"]\n\tcores = 4 x 0.5\n' >bare.conf
run kfarm nodes limits --simulate bare.conf
run kfarm nodes limits --simulate bare.conf --build latest
run kfarm nodes limits --simulate bare.conf --build last
run kfarm nodes limits --simulate nosuch.conf
run kfarm nodes limits --build 7
run kfarm nodes limits --gantt chart.svg
run kfarm nodes list --simulate bare.conf
printf '\tthrottle = often\n' >>bare.conf
run kfarm nodes limits --simulate bare.conf
