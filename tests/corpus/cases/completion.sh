# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# The completion scripts for the shells, and the candidates that they offer.
"$root/tests/farm/mini/generate" "$work/tree" 2 1
mkdir -p tree/arch/arm64/configs tree/kernel/configs "a dir" data
touch tree/arch/arm64/configs/board_defconfig tree/kernel/configs/debug.config
mkdir -p .local/share/kfarm/toolchains/gcc-13.3.0-aarch64-linux
cat >"$config" <<'EOF'
[node "desk"]
	address = ssh:desk
[node "attic"]
	address = ssh:attic
[config "my board"]
	kconfig = defconfig
[config "a:b=c"]
	kconfig = tinyconfig
EOF
for shell in bash zsh fish; do
	record "completion-script-$shell" kfarm completion $shell
done

n=0
words()
{
	n=$((n + 1))
	record "completion-words-$(printf %02d $n)" kfarm complete fish "$@"
}
words ''
words b
words build --no
words build --
words build -a
words build -a lo
words build --arch=arm64,lo
words build ARCH=lo
words build -t gcc-13
words build -b ''
words build -C tree -a arm64 -k b
words build -C tree -a arm64 -K ''
words build -C tree Im
words build -C tree alpha/u
words build --ui ''
words report ''
words report --h
words tree ''
words nodes ''
words nodes remove ''
words nodes list --
words toolchain ''
words toolchain install --
words toolchain remove ''
words toolchain default ''
words help toolchain in
words run -j 3 -- kfarm
words top --ui ''
words completion ''
words nightly install --
words history --state ''
words nonsense ''

n=0
line()
{
	n=$((n + 1))
	record "completion-line-$(printf %02d $n)" kfarm complete bash \
		$' \t\n"\'><=;|&(:' "$1"
}
line 'kfarm '
line 'kfarm build --arch=loo'
line 'kfarm build -k my'
line 'kfarm build -k "my b'
line 'kfarm build -k a:b'
line 'kfarm run -e A=b --json=x:y kfarm'
