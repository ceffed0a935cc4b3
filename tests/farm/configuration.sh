#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# The configuration of Linux 6.1 from a server, the configuration file and the
# command line, made by the tree's own Kconfig.  Nothing else is compiled.
. "$(dirname "$0")/../toolchain/lib.sh"

toolchain_begin
tree=$(kernel_tree) || exit 1
calls=$work/calls
files=$work/files
mkdir -p "$work/bin" "$files"
printf '#!/bin/sh\necho "$@" >>%s\nexec %s "$@"\n' "$calls" \
	"$(command -v make)" >"$work/bin/make"
chmod 755 "$work/bin/make"
PATH=$work/bin:$PATH
badserver_start "$files"

# configure ARG...: run kfarm; stderr goes to $work/said.err, make calls to
# $calls.
configure()
{
	: >"$calls"
	kfarm build -C "$tree" -a arm64 -b "$build" -o "$work/out" --no-remote \
		"$@" >/dev/null
}

# Print the number of make calls for a configuration.
asked()
{
	grep -cE '(olddef|sync|def)config( |$)' "$calls"
}

says()
{
	check "$1: says \"$2\"" grep -qF -- "$2" "$work/said.err"
}

config_time()
{
	stat -c %y "$build/.config"
}

printf '%s\n' '# of a board' CONFIG_BLK_DEV=y '# CONFIG_ACPI is not set' \
	CONFIG_HZ_100=y | gzip >"$files/board"
printf '%s\n' CONFIG_I2C=y CONFIG_ACPI=y CONFIG_HZ_300=y \
	>"$files/more.config"
cat >>"$KFARM_CONFIG" <<END
[config "board"]
	kconfig = $bad_http/file/board
	kconfig-add = frags/board.config
	kconfig-add = "# CONFIG_ACPI is not set"
[config "loop"]
	kconfig = again
[config "again"]
	kconfig = loop
END
mkdir "$work/frags"
echo CONFIG_CMDLINE=\"quiet\" >"$work/frags/board.config"
request=(-k board -K "$bad_http/file/more.config" -K CONFIG_HZ_250=y
	-K CONFIG_LOCALVERSION=-x -K CONFIG_ACPI=n)
# Settings that Kconfig rejects, with their reasons.
wrong=(-K CONFIG_DRM_I915=m -K CONFIG_LOG_BUF_SHIFT=99 -K CONFIG_X86_64=y
	-K CONFIG_EXT4_FSS=y -K CONFIG_MMU=n -K CONFIG_CRC32=n
	-K CONFIG_MODVERSIONS=m -K CONFIG_HZ=17)

# ---- what is made ----

check "a name, a URL and settings" configure "${request[@]}" outputmakefile
says "a setting in place of another" "CONFIG_ACPI: n (-K) overrides y ($bad_http/file/more.config:2)"
says "a choice in place of another" "CONFIG_HZ_250 overrides CONFIG_HZ_300"
for line in CONFIG_BLK_DEV=y CONFIG_I2C=y CONFIG_HZ_250=y \
	'# CONFIG_ACPI is not set' 'CONFIG_CMDLINE="quiet"' \
	'CONFIG_LOCALVERSION="-x"'; do
	check "the .config has $line" grep -qxF -- "$line" "$build/.config"
done
is "metadata: the name" board "$(meta .build.kconfig_name)"
is "metadata: additions" 6 "$(meta '.build.kconfig_add | length')"
is "history: the name and additions" \
	board+more+HZ_250=y+LOCALVERSION=-x+... \
	"$(kfarm history -k board --json | jq -r '.builds[].config')"

# ---- no change ----

before=$(config_time)
check "again" configure "${request[@]}" outputmakefile
is "again: make is asked for a configuration so often" 0 "$(asked)"
is "again: the .config has its time" "$before" "$(config_time)"
is "again: the server is asked whether it has changed" 1 \
	"$(grep -c 'board - "v0' "$bad_log")"
badserver_stop
check "without the server" configure "${request[@]}" outputmakefile
is "without it: make is asked so often" 0 "$(asked)"
says "without it" "using the stored copy from"
is "without it: the .config has its time" "$before" "$(config_time)"
cp -a "$build/.config" "$work/config.kfarm"
check "without kfarm" env -C "$work" sh -c 'rm "$1/.config" && sh out/reproducer.sh' \
	- "$build"
check "without kfarm: the same .config" cmp "$work/config.kfarm" \
	"$build/.config"
badserver_start "$files"
sed -i "s,http://[^/]*,$bad_http," "$KFARM_CONFIG"

# ---- a change ----

# Print the files by which kbuild detects a changed setting.
changed()
{
	find "$build/include/config" -type f -newer "$work/stamp" \
		! -name 'auto.conf*' ! -name kernel.release \
		-printf '%f\n' | sort | tr '\n' ' '
}

# Print the settings whose values differ from those in $work/auto.conf.
differing()
{
	sort "$work/auto.conf" "$build/include/config/auto.conf" | uniq -u |
		sed -n 's/^CONFIG_\([^=]*\)=.*/\1/p' | sort -u | tr '\n' ' '
}

request=(-k "$work/config.kfarm")
configure "${request[@]}" syncconfig
cp "$build/include/config/auto.conf" "$work"
touch "$work/stamp"
check "another setting" configure "${request[@]}" -K CONFIG_I2C=n syncconfig
check "another setting: some differ" [ -n "$(differing)" ]
is "another setting: they are seen as changed" "$(differing)" "$(changed)"
cp "$build/include/config/auto.conf" "$work/auto.conf.other"
touch "$work/stamp"
check "and back" configure "${request[@]}" syncconfig
mv "$work/auto.conf.other" "$work/auto.conf"
is "and back: they are seen as changed" "$(differing)" "$(changed)"
check "and back: the same .config" cmp "$work/config.kfarm" "$build/.config"
touch "$work/stamp"
check "and again" configure "${request[@]}" syncconfig
is "and again: make is asked so often" 0 "$(grep -c olddef "$calls")"
is "and again: is seen as changed" "" "$(changed)"

# With another build of the same compiler version, make updates the .config by
# itself, and kfarm accepts the new file.
gcc=$(command -v aarch64-linux-gnu-gcc)
printf '#!/bin/sh\n[ "$*" != --version ] || %s\nexec %s "$@"\n' \
	'exec echo "aarch64-linux-gnu-gcc (Other) 12.2.0"' "$gcc" \
	>"$work/bin/aarch64-linux-gnu-gcc"
chmod 755 "$work/bin/aarch64-linux-gnu-gcc"
for round in first second; do
	check "another compiler, $round" configure "${request[@]}" \
		include/config/auto.conf
	is "another compiler, $round: make is asked by kfarm so often" 0 \
		"$(grep -c olddef "$calls")"
	check "another compiler, $round: the .config says so" grep -q \
		'^CONFIG_CC_VERSION_TEXT=.*(Other)' "$build/.config"
done
is "another compiler: the second time make has nothing to do" 0 "$(asked)"
rm "$work/bin/aarch64-linux-gnu-gcc"

# As with make, a new .config has the mode that the umask allows, and an
# unchanged .config keeps its mode.
rm "$build/.config"
(umask 002 && configure "${request[@]}" outputmakefile)
is "the mode of a new .config" 664 "$(stat -c %a "$build/.config")"
(umask 077 && configure -K CONFIG_I2C=y outputmakefile)
is "the mode of an unchanged .config" 664 "$(stat -c %a "$build/.config")"

# ---- settings that Kconfig rejects ----

configure "${request[@]}" "${wrong[@]}" --allow-config-mismatch outputmakefile
is "allowed: status" 0 "$(cat "$work/said.status")"
meta '.build.kconfig_mismatch[]' >"$work/mismatch"
while IFS= read -r line; do
	check "allowed: metadata says \"$line\"" grep -qF -- "$line" \
		"$work/mismatch"
	says "allowed" "$line"
done <<END
CONFIG_DRM_I915: requested m, got n: depends on DRM (n), X86 (n)
CONFIG_LOG_BUF_SHIFT: requested 99, got 17: must be from 12 to 25
CONFIG_X86_64: requested y, got n: no such symbol for arm64; it exists for
CONFIG_EXT4_FSS: requested y, got n: no such symbol for arm64; did you mean CONFIG_EXT4_FS?
CONFIG_MMU: requested n, got y: has no prompt
CONFIG_CRC32: requested n, got y: selected by ARM64
CONFIG_MODVERSIONS: requested m, got n: must be y or n
CONFIG_HZ: requested 17, got 250: has no prompt
END
is "allowed: no other" 8 "$(wc -l <"$work/mismatch")"
configure "${request[@]}" "${wrong[@]}" --allow-config-mismatch outputmakefile
is "allowed, again: make is asked so often" 0 "$(asked)"
says "allowed, again" "CONFIG_HZ: requested 17"
is "allowed, again: metadata" 8 \
	"$(meta '.build.kconfig_mismatch | length')"
# The tree proves that some of these symbols do not exist, so they are rejected
# before the others.
configure "${request[@]}" "${wrong[@]}" outputmakefile
is "unknown: status" 1 "$(cat "$work/said.status")"
is "unknown: make is called so often" 0 "$(wc -l <"$calls")"
says "unknown" "CONFIG_X86_64=y: no such symbol for arm64; it exists for"
says "unknown" "CONFIG_EXT4_FSS=y: no such symbol for arm64; did you mean CONFIG_EXT4_FS?"
configure "${request[@]}" "${wrong[@]:0:4}" "${wrong[@]:8}" outputmakefile
is "not allowed: status" 1 "$(cat "$work/said.status")"
says "not allowed" "CONFIG_DRM_I915: requested m, got n: depends on DRM (n)"
says "not allowed" "--allow-config-mismatch"

# ---- impossible requests ----

# refused NAME PATTERN ARG...: check that kfarm fails before it starts make.
refused()
{
	local name=$1 pattern=$2

	shift 2
	configure "$@" outputmakefile
	is "$name: status" 1 "$(cat "$work/said.status")"
	is "$name: make is called so often" 0 "$(wc -l <"$calls")"
	says "$name" "$pattern"
}

refused "a name like one" 'did you mean "board"?' -k bord
refused "names in a circle" '"loop" -> "again" -> "loop"' -k loop
refused "a URL that is gone" 'no such file (HTTP 404)' -k "$bad_http/status=404/x"
refused "a page" 'not a kernel configuration' -K "$bad_http/listing/x"
refused "random bytes" 'not a kernel configuration' -k "$bad_http/size=5000/x"
refused "a body without end" 'more than 16777216 bytes' \
	-k "$bad_http/endless/x"
refused "a redirect to a file" 'file:///etc/passwd: unsupported protocol' \
	-k "$bad_http/to-file"
refused "a URL of another kind" 'expected https, http or file' \
	-k ftp://127.0.0.1/x
refused "a setting without its prefix" 'did you mean "CONFIG_I2C=y"?' -K I2C=y
refused "a setting without a value" 'missing value' -K CONFIG_I2C
refused "--menuconfig without a terminal" 'needs a terminal' --menuconfig
farm_end
