# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# The candidates for a word, as printed for the shells.  bash, zsh and fish
# insert them, quoted if necessary, and do not execute any part.
export XDG_RUNTIME_DIR=$TMP/run
mkdir -p run .config/kfarm
chmod 700 run
"$1/../farm/mini/generate" "$TMP/tree" 2 1
mkdir -p tree/arch/arm64/configs tree/kernel/configs "a dir" data
touch tree/arch/arm64/configs/{board_defconfig,odd.config} \
	tree/kernel/configs/debug.config
mkdir -p .local/share/kfarm/toolchains/{gcc-13.3.0-aarch64-linux,.live}
cat >.config/kfarm/config <<'END'
[node "desk"]
	address = ssh:desk
[node "attic"]
	address = "exec:echo $(touch pwned) '; \"x"
[pool "cloud"]
	start = cloud-up kfarmd --stdio
	max = 4
[config "my board"]
	kconfig = defconfig
[config "it's $(touch pwned);`touch pwned`"]
	kconfig = tinyconfig
[config "a:q=c"]
	kconfig = tinyconfig
END

# A repository like that of `kfarm tree add`, with a ref name that git never
# creates.
repository=.local/share/kfarm/trees/stable/repo.git
mkdir -p $repository/refs/{heads,remotes/origin/deep,tags} $repository/objects
echo 'ref: refs/heads/main' >$repository/HEAD
id=0123456789012345678901234567890123456789
printf '%s\n' '# pack-refs with: peeled fully-peeled sorted ' \
	"$id refs/remotes/origin/HEAD" "$id refs/remotes/origin/linux-6.1.y" \
	"$id refs/stash" "$id refs/tags/v6.1" "^$id" "$id refs/tags/v6.12" \
	"$id refs/tags/v6.2-\$(touch pwned)" broken >$repository/packed-refs
echo $id | tee $repository/refs/heads/main \
	$repository/refs/remotes/origin/deep/topic >$repository/refs/tags/v6.1

# Complete the words after kfarm; the last word is incomplete.
words()
{
	printf '$ %s|\n' "kfarm $*"
	kfarm complete fish "$@"
}

words ''
words b
words build --no
words build -t gcc-13
words build -a
words build -a lo
words build --arch=arm64,lo
words build ARCH=lo
words build -b ''
words build O=
words build -C tree -a arm64 -k b
words build -k "it's"
words build -C tree -a arm64 -K ''
words build -C tree ker
words build -C tree im
words build -C tree Im
words build -C tree alpha/u
words build -C tree -n -- --
words build --ui ''
words build --ui
words build --tree ''
words build --tree=stable --rev ''
words build --tree stable --rev v6.1
words build --tree stable --rev=origin/d
words build --tree nonsense --rev ''
words build --tree ../stable --rev ''
words build --rev ''
words report --h
words report --html=
words report ''
words tree ''
words tree remove ''
words tree add stable ''
mkdir -p .local/share/kfarm/trees/stable/worktrees/key/
ln -s "$TMP/tree" .local/share/kfarm/trees/stable/worktrees/key/src
words build --tree stable Im
mkdir odd && mkfifo odd/Makefile
words build -C odd mod
words build --frobnicate -c a
words nodes ''
words nodes remove ''
words nodes list ''
words nodes tune ''
words nodes list --
words nodes remov ''
words toolchain install --
words toolchain install --nodes=desk,
words toolchain default ''
words toolchain default arm64 ''
words toolchain remove ''
words toolchain search ''
words help toolchain in
words run -a arm64 -- make ''
words run -j 3 ma
words run -e A=b -- ma
words top --simulate=
words top --ui ''
words completion ''
words nonsense ''
KFARM_CONFIG=/nonexistent words nodes remove ''

breaks=$' \t\n"\'><=;|&(:'
# Complete a command line of bash up to the cursor.
line()
{
	printf '$ %s|\n' "$1"
	kfarm complete bash "$breaks" "$1" | sed 's/$/|/'
}
line 'kfarm '
line 'kfarm build --arch=loo'
line 'kfarm build -k my'
line 'kfarm build -k my\ '
line 'kfarm build -k "my b'
line "kfarm build -k 'my b"
line "kfarm build -k 'it"
line 'kfarm build -k "it'
line 'kfarm build -k it'
line 'kfarm build -k a:q'
line 'kfarm build -k a\:q'
line 'kfarm run -e A=b --json=x:y ma'
line 'kfarm run make '
line 'kfarm build -C $(touch pwned) -k my'
line ' FOO=1  kfarm'
line ''
run kfarm completion
run kfarm complete
ls pwned 2>&1

# ---- in the shells ----

screen()
{
	tmux -S "$TMP/tmux.${shell%% *}" "$@" 2>/dev/null
}

# shown PATTERN: wait up to a minute for a matching line on the screen.
shown()
{
	for _ in {1..1200}; do
		screen capture-pane -p | grep -qE "$1" && return
		sleep 0.05
	done
	echo "never shown: $1"
	screen capture-pane -p
}

# types SHELL COMMAND...: type each line and a Tab, and print how the shell
# parses the result.
types()
{
	local shell=$1 text n=0

	printf -- '--- %s\n' "${shell%% *}"
	screen -f /dev/null new-session -d -x 150 -y 50 "$shell"
	shown '^READY'
	for text in "${@:2}"; do
		n=$((n + 1))
		screen send-keys -l -- "$text"
		screen send-keys Tab
		# The shell reads this key after the completion.
		screen send-keys C-a
		screen send-keys -l "printf '<%s>' $n. "
		screen send-keys Enter
		shown "^<$n\.>"
		screen capture-pane -p -J | sed -nE "s/^<$n\.>(.*>).*/\1/p"
		screen send-keys C-l
	done
	screen kill-server
}

lines=('kfarm toolchain ins' 'kfarm build --ui=nc' 'kfarm build -a arm64,loo'
	'kfarm build -k my' 'kfarm build -k it' 'kfarm build -k a:q'
	'kfarm build -C tree ARCH=arm64 -k boa' 'kfarm nodes remove at'
	'kfarm build -b a' 'kfarm build --build-dir=a' 'kfarm build -C tree alp'
	'kfarm build --tree stable --rev v6.2' 'kfarm run -- touc' 'kfarm toolchain remove gcc')
kfarm completion bash >complete.bash
mkdir -p functions
kfarm completion zsh >functions/_kfarm
kfarm completion fish >complete.fish
cat >rc.bash <<'END'
. ./complete.bash
bind 'set bell-style none'
PS1='READY '
END
cat >.zshrc <<'END'
unsetopt beep
fpath=($HOME/functions $fpath)
autoload -Uz compinit && compinit -u -D
bindkey -e
PS1='READY '
END
cat >rc.fish <<'END'
source complete.fish
function fish_prompt; echo -n 'READY '; end
function fish_greeting; end
END
export TERM=screen SHELL=/bin/sh
types "bash --rcfile rc.bash" "${lines[@]}"
types "zsh" "${lines[@]}"
types "fish --no-config -C 'source rc.fish'" "${lines[@]}"
ls pwned 2>&1
