# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# Boards are tuned through a substitute for ssh: each host is a directory with
# the files of a board, and $SH is the shell that runs there.

# files ROOT: create files from "PATH VALUE" lines on standard input.
files()
{
	while read -r path value; do
		mkdir -p "$1/$(dirname "$path")" && echo "$value" >"$1/$path"
	done
}

cat >bin/ssh <<'END'
#!/bin/sh
while case $1 in -*) ;; *) false ;; esac; do shift; done
[ -d "$TMP/${1:?}" ] || { echo "ssh: connect to host $1: no route" >&2; exit 255; }
# What $TMP/goes names vanishes after the look.
[ ! -f "$TMP/went" ] || rm -f "$(cat "$TMP/went")" "$TMP/went"
[ ! -f "$TMP/goes" ] || mv "$TMP/goes" "$TMP/went"
KFARM_TUNE_ROOT=$TMP/$1 PATH=$TMP/bin:$PATH exec ${SH:-dash} -c "$2"
END
cat >bin/systemctl <<'END'
#!/bin/sh
# Units are files with two words: enabled or not, active or not.
R=$KFARM_TUNE_ROOT/units
for unit; do :; done
set_word() { read -r e a <"$R/$unit"; eval "$1=$2"; echo "$e $a" >"$R/$unit"; }
case "$1 $2" in
"show -p") case "$3 $(ls "$R" | grep -cx "$unit")" in
	"LoadState 1") echo LoadState=loaded ;;
	"LoadState 0") echo LoadState=not-found ;;
	*) echo "Id=$unit" ;;
	esac ;;
is-enabled*) read -r e a <"$R/$unit" && echo "$e" ;;
is-active*) read -r e a <"$R/$unit" && echo "$a" ;;
stop*) set_word a inactive ;;
start*) set_word a active ;;
disable*) [ ! -f "$R/$unit" ] || set_word e disabled ;;
enable*) [ ! -f "$R/$unit" ] || set_word e enabled ;;
esac
END
find bin -type f -exec chmod +x {} +
export TMP PATH=$TMP/bin:$PATH

cpu()
{
	echo "sys/devices/system/cpu/cpu$1/cpufreq/$2"
}
neo4()
{
	mkdir -p "$1/run/systemd/system" "$1/etc/systemd/system" "$1/units"
	for n in 0 1 2 3 4 5; do
		if [ $n -lt 4 ]; then
			all='0 1 2 3' most=$3 list="408000 1416000 $3"
		else
			all='4 5' most=$2 list="408000 1800000 $2"
		fi
		cat <<-END
		$(cpu $n related_cpus) $all
		$(cpu $n scaling_governor) ondemand
		$(cpu $n scaling_available_governors) ondemand performance
		$(cpu $n scaling_max_freq) 1416000
		$(cpu $n scaling_available_frequencies) $list
		$(cpu $n cpuinfo_max_freq) $most
		END
	done | files "$1"
	files "$1" <<-END
	proc/device-tree/model FriendlyARM NanoPi NEO4
	sys/class/devfreq/dmc/governor dmc_ondemand
	sys/class/devfreq/dmc/available_governors dmc_ondemand performance
	sys/class/devfreq/dmc/max_freq 800000000
	sys/class/devfreq/dmc/available_frequencies 328000000 800000000 928000000
	sys/class/thermal/thermal_zone0/type cpu-thermal
	sys/class/thermal/thermal_zone0/trip_point_0_type passive
	sys/class/thermal/thermal_zone0/trip_point_0_temp 70000
	sys/class/thermal/thermal_zone0/trip_point_1_type passive
	sys/class/thermal/thermal_zone0/trip_point_1_temp 75000
	sys/class/thermal/thermal_zone0/trip_point_2_type critical
	sys/class/thermal/thermal_zone0/trip_point_2_temp 95000
	END
}
neo4 neo4 2208000 1704000
neo4 slow 1800000 1416000
files box <<-END
$(cpu 0 related_cpus) 0 1 2 3
$(cpu 0 scaling_governor) interactive
$(cpu 0 scaling_available_governors) interactive performance
$(cpu 0 scaling_max_freq) 1200000
$(cpu 0 cpuinfo_max_freq) 1536000
etc/init.d/rcS
END
printf '#!/bin/sh\necho "$1" >>"${0%%/etc/*}/service-calls"\n' \
	>box/etc/init.d/S50bluetooth
chmod +x box/etc/init.d/*
mkdir bare

mkdir -p .config/kfarm/boards
cat >.config/kfarm/config <<'END'
[node "a"]
	address = ssh:neo4
	profile = nanopi-neo4
[node "slow"]
	address = ssh:slow
	profile = nanopi-neo4
[node "box"]
	address = exec:kfarmd --stdio
	ssh = box
	profile = tv-box
[node "bare"]
	address = ssh:bare
[node "gone"]
	address = ssh:gone
[node "pipe"]
	address = exec:true
END
state()
{
	(cd "$1" && find sys units service-calls etc -type f \
		! -name '*available*' ! -name '*_type' ! -name related_cpus \
		! -name 'cpuinfo*' -print 2>/dev/null | sort |
		xargs grep -H . 2>/dev/null | grep -v 'tune.sh:\|init.d/') || :
}
# Run the script that the board runs at boot.
start()
{
	sed "s|/etc/kfarm|$TMP/$1&|; s|\"\$path\"|\"$TMP/$1\$path\"|g
		s|/etc/init.d|$TMP/$1&|g" \
		"$1/etc/kfarm/tune.sh" >boot && ${SH:-dash} boot
}

# Without consent, nothing changes.
state neo4 >before
run kfarm nodes tune --dry-run a
run kfarm nodes tune a
state neo4 | diff before - && echo unchanged

# Permanent settings, and their removal.
run kfarm nodes tune --yes a
state neo4 >tuned
run cat tuned
run kfarm nodes tune --dry-run --revert a
# Reboot: the kernel's defaults apply until the boot script runs.
cp -r neo4/etc etc && rm -rf neo4 && neo4 neo4 2208000 1704000 &&
	rm -rf neo4/etc && mv etc neo4/etc
start neo4
state neo4 | diff tuned - && echo started
# Another profile: settings of only the first profile are reset.
run kfarm nodes tune --yes --profile generic a
state neo4 >generic
run cat generic
run kfarm nodes tune --yes --revert a
state neo4 | diff before - && echo unchanged
run kfarm nodes tune --yes --revert a

# Services, and a file that disappears before it is reset.
echo enabled active >neo4/units/lightdm
echo disabled inactive >neo4/units/cups
cat >.config/kfarm/boards/quiet.conf <<'END'
[cpu]
governor = performance
[services]
stop = lightdm
stop = cups
stop = nosuch
END
state neo4 >before
run kfarm nodes tune --yes --profile quiet a
head neo4/units/*
echo "$TMP/neo4/$(cpu 4 scaling_governor)" >goes
run kfarm nodes tune --yes --revert a
cat neo4/etc/kfarm/tune.before
echo performance | tee "neo4/$(cpu 4 scaling_governor)"
run kfarm nodes tune --yes --revert a
state neo4 | diff before - && echo unchanged

# A damaged or foreign record: only files that kfarm manages are changed.
echo mine >neo4/etc/passwd
mkdir -p neo4/etc/kfarm
cat >neo4/etc/kfarm/tune.before <<'END'
file /etc/passwd root::0:0
file /sys/../etc/passwd root::0:0
file /sys/$(touch${IFS}x) 1
service --now enabled active
service ../../evil enabled active
file
\xff\xfe garbage
END
run kfarm nodes tune --yes --revert a
state neo4 | grep passwd
rm -f neo4/etc/passwd neo4/etc/kfarm/tune.before

# A kernel without these frequencies and with read-only trip points.
chmod 444 slow/sys/class/thermal/thermal_zone0/trip_point_*_temp
run kfarm nodes tune --dry-run slow
# A board without systemd, whose shell is busybox's.
export SH='busybox sh'
state box >box.before
run kfarm nodes tune --yes box
state box
ls -l box/etc/init.d/S99kfarm-tune | sed 's/.* -> /link to /'
start box
run kfarm nodes tune --yes --revert box
state box
run kfarm nodes tune --yes bare gone pipe box --profile tv-box
run kfarm nodes tune --dry-run --json bare

# question WORD...: print only the question of `kfarm nodes tune WORD...`.
question()
{
	echo | script -qec "kfarm nodes tune $*" /dev/null | tr -d '\r' |
		grep '?'
}

# An unknown init system.
chmod -x box/etc/init.d/rcS
run kfarm nodes tune --yes --revert box
run kfarm nodes tune --yes box
SH=dash question a
question box
SH=dash question a box
question --revert box
# With --json, the plan precedes the question, too.
echo | SH=dash script -qec 'kfarm nodes tune --json a >json' /dev/null |
	tr -d '\r' | grep -e '^OVERCLOCKING' -e '?'
jq -c '.nodes[] | [.name, .set]' json
chmod +x box/etc/init.d/rcS

# The user's own profiles, and invalid ones.
printf '[board]\nabout = mine\n[cpu]\ngovernor = performance\n' \
	>.config/kfarm/boards/mine.conf
run kfarm nodes tune --dry-run --profile mine box
run kfarm nodes tune --dry-run --profile nosuch box
printf '[cpu]\ngovernor = "a; reboot"\n' >bad.conf
run kfarm nodes tune --dry-run --profile ./bad.conf box
printf '[cpu]\nmax-frequency = 3\n' >bad.conf
run kfarm nodes tune --dry-run --profile ./bad.conf box
printf '[services]\nstop = $(reboot)\n' >bad.conf
run kfarm nodes tune --dry-run --profile ./bad.conf box
printf '[memory]\ngovernor = performance\n' >bad.conf
run kfarm nodes tune --dry-run --profile ./bad.conf box
run kfarm nodes tune --dry-run --profile nanopi-neo4 box
run kfarm nodes tune nosuch

# The user's power command.
unset SH
cat >bin/relay <<'END'
#!/bin/sh
echo "port $1"
[ "$2" != off ] || { printf 'no \033[31mvoltage\n' >&2; exit 3; }
echo "$2"
END
chmod +x bin/relay
cat >.config/kfarm/config <<'END'
[node "a"]
	address = ssh:neo4
	power = relay 1
[node "b"]
	address = ssh:neo4
	power = relay "'2 3'"
[node "none"]
	address = ssh:neo4
END
run kfarm nodes power a on
run kfarm nodes power a none b reset
run kfarm nodes power a b off
run kfarm nodes power a b
# A node that was named twice is switched once.
run kfarm nodes power a a on
run kfarm nodes power nosuch off
# A user who is not root uses doas where sudo asks for a password.
printf '#!/bin/sh\necho 1000\n' >bin/id
printf '#!/bin/sh\nexit 1\n' >bin/sudo
printf '#!/bin/sh\n[ "$2" = true ] || echo "doas $*"\n' >bin/doas
chmod +x bin/id bin/sudo bin/doas
sed -n '/^be_root()/,/^}/p' "$1/../../templates/tune/node.sh" >be_root
R='' kfarm_script=SCRIPT run dash -c '. ./be_root; be_root'
rm bin/doas
R='' run dash -c '. ./be_root; be_root'
