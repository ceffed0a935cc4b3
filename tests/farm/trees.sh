#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# kfarm tree with real servers on loopback (file, git, http, ssh) and with
# misbehaving ones; killed at any moment, two at once, on a full disk, and with
# 100,000 refs.  A user's clone is never changed.
. "$(dirname "$0")/lib.sh"
own_mounts "$@"

farm_begin
unset XDG_DATA_HOME GIT_SSH_COMMAND GIT_DIR GIT_ASKPASS SSH_ASKPASS
unset http_proxy https_proxy all_proxy no_proxy
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
export GIT_CONFIG_NOSYSTEM=1
trees=$HOME/.local/share/kfarm/trees
served=$work/served
src=$work/src
many=100000

git config --global user.name n
git config --global user.email n@example.org
git config --global init.defaultBranch main

# commit NAME: add a commit with incompressible files to $src's branch.
commit()
{
	head -c 20000 /dev/urandom | base64 >"$src/blob"
	echo "$1" >"$src/Makefile"
	git -C "$src" add . && git -C "$src" commit -q -m "$1" &&
		git -C "$src" tag -m "$1" "v$1"
}

publish()
{
	git -C "$src" push -q --force --prune "$served/linux.git" \
		'refs/heads/*:refs/heads/*' 'refs/tags/*:refs/tags/*'
}

mkdir -p "$served"
git init -q "$src"
git init -q --bare "$served/linux.git"
# kfarm must not fetch these submodules.
printf '[submodule "%s"]\n\tpath = %s\n\turl = %s\n' \
	a a "ext::touch $work/ran" ../../b ../b '-oProxyCommand=touch ran' \
	>"$src/.gitmodules"
for n in 1 2 3; do
	commit "$n"
done
git -C "$src" branch linux-6.1.y v2
git -C "$src" branch thin-pack v2
publish

# tree ARG...: log to $work/tree.log and store the status in $status.
tree()
{
	"$bin/kfarm" tree "$@" >"$work/tree.log" 2>&1 </dev/null
	status=$?
}

said()
{
	check "$1" grep -qF -- "$2" "$work/tree.log" ||
		sed 's/^/      /' "$work/tree.log"
}

# no_tree NAME: check that the tree and all its files do not exist.
no_tree()
{
	is "$1: nothing is left of it" "" \
		"$(find "$trees" -maxdepth 1 -name "*$1*" 2>/dev/null)"
}

refs_at()
{
	git -C "$1" for-each-ref --format='%(objectname) %(refname)' \
		"$2" refs/tags | grep -v /HEAD | sed "s,$2,refs/heads,"
}

# whole NAME: check for the server's branches and tags, each with all objects.
whole()
{
	cmp <(refs_at "$served/linux.git" refs/heads) \
		<(refs_at "$trees/$1/repo.git" refs/remotes/origin) &&
		git -C "$trees/$1/repo.git" -c fsck.gitmodulesName=ignore \
			-c fsck.gitmodulesUrl=ignore fsck --full --strict \
			--no-dangling 2>&1
}

# ---- servers ----

python3 "$root/tests/farm/git-server.py" "$served" >"$work/http.log" 2>&1 &
children+=($!)
wait_for 60 test -s "$work/http.log" || exit 1
http=http://127.0.0.1:$(sed -n 1p "$work/http.log")
# git daemon cannot choose a free port by itself.
for _ in 1 2 3 4 5; do
	port=$((20000 + RANDOM % 20000))
	git daemon --base-path="$served" --export-all --listen=127.0.0.1 \
		--port=$port "$served" >"$work/daemon.log" 2>&1 &
	daemon=$!
	wait_for 60 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" &&
		kill -0 $daemon 2>/dev/null && break
done
# The daemon's child owns the listening socket.
children+=("$daemon" "$(pgrep -P "$daemon" | head -n 1)")
urls=("file://$served/linux.git" "git://127.0.0.1:$port/linux.git"
	"$http/linux.git" "$http/moved/linux.git")

# An sshd that is unpacked but not installed lacks a library and, as root, a
# user.
run_sshd()
{
	local lib
	lib=$(echo "$bin"/debian/libwrap0/usr/lib/*)

	if [ "$(id -u)" -ne 0 ] || getent passwd sshd >/dev/null; then
		LD_LIBRARY_PATH=$lib "$@"
		return
	fi
	cp /etc/passwd "$work/ssh/passwd"
	echo 'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin' \
		>>"$work/ssh/passwd"
	LD_LIBRARY_PATH=$lib unshare -m sh -c '
		mount --bind "$0" /etc/passwd && exec "$@"' \
		"$work/ssh/passwd" "$@"
}

start_sshd()
{
	local sshd

	sshd=$(PATH=$PATH:/usr/sbin:$bin/debian/openssh-server/usr/sbin \
		command -v sshd) && command -v ssh >/dev/null || return 1
	mkdir -p "$work/ssh"
	[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/host"
	ssh-keygen -q -t rsa -b 2048 -N '' -f "$work/ssh/user"
	ssh_port=$((20000 + RANDOM % 20000))
	printf '%s\n' "Port $ssh_port" 'ListenAddress 127.0.0.1' \
		"HostKey $work/ssh/host" 'StrictModes no' 'UsePAM no' \
		"AuthorizedKeysFile $work/ssh/user.pub" \
		"PidFile $work/ssh/pid" >"$work/ssh/sshd_config"
	printf '%s\n' 'Host lair' 'HostName 127.0.0.1' "Port $ssh_port" \
		"User $(id -un)" "UserKnownHostsFile $work/ssh/known" \
		"IdentityFile $work/ssh/user" 'IdentitiesOnly yes' \
		>"$work/ssh/config"
	run_sshd "$sshd" -f "$work/ssh/sshd_config" -E "$work/ssh/log" ||
		return
	wait_for 60 test -s "$work/ssh/pid" || return
	children+=("$(cat "$work/ssh/pid")")
	# In a user namespace, sshd cannot switch to another user.
	ssh -F "$work/ssh/config" -oBatchMode=yes -oStrictHostKeyChecking=no \
		-oUserKnownHostsFile=/dev/null lair true 2>/dev/null || return
	export GIT_SSH_COMMAND="ssh -F '$work/ssh/config'"
}

if start_sshd; then
	tree add lair "lair:$served/linux.git"
	is "unknown host key: status" 1 "$status"
	said "unknown host key: what to do" "log in once with ssh"
	no_tree lair
	printf '[127.0.0.1]:%s %s\n' "$ssh_port" \
		"$(cut -d' ' -f1-2 "$work/ssh/host.pub")" >"$work/ssh/known"
	tree add lair "lair:/none'; touch $work/ran; '"
	is "a path with quotes: status" 1 "$status"
	check "a path with quotes runs no command" test ! -e "$work/ran"
	urls+=("lair:$served/linux.git")
else
	left_out "ssh" "no sshd that lets anybody in"
fi

i=0
for url in "${urls[@]}"; do
	tree add "t$i" "$url"
	is "add $url: status" 0 "$status"
	check "add $url: it is complete" whole "t$i"
	i=$((i + 1))
done
n_urls=$i
git -C "$src" checkout -q -b topic/deep v1
commit 4
git -C "$src" branch -D linux-6.1.y >/dev/null
# A ref name changes from a file to a directory of refs.
git -C "$src" branch linux-6.1.y/x v3
publish
tree update
is "update of all: status" 0 "$status"
is "update: what came" "$n_urls" \
	"$(grep -c '2 new branches, 1 pruned, 1 tag' "$work/tree.log")"
for ((i = 0; i < n_urls; i++)); do
	check "update ${urls[i]}: it is complete" whole "t$i"
done
git -C "$src" branch -m main trunk
git -C "$served/linux.git" symbolic-ref HEAD refs/heads/trunk
publish
tree update
is "HEAD follows the server's" "refs/heads/trunk" \
	"$(git -C "$trees/t0/repo.git" symbolic-ref HEAD)"
is "HEAD is where the server's is" "$(git -C "$served/linux.git" rev-parse HEAD)" \
	"$(git -C "$trees/t0/repo.git" rev-parse HEAD)"
is "its old branch is gone" "refs/heads/trunk" \
	"$(git -C "$trees/t0/repo.git" for-each-ref --format='%(refname)' \
		refs/heads)"

# A server whose HEAD names no branch.
git clone -q --bare "$served/linux.git" "$work/head.git"
git -C "$work/head.git" symbolic-ref HEAD refs/heads/trunk
tree add head "file://$work/head.git"
git -C "$work/head.git" symbolic-ref HEAD refs/heads/nosuch
tree update head
is "the server's HEAD names no branch: the tree's HEAD remains" \
	"refs/heads/trunk" \
	"$(git -C "$trees/head/repo.git" symbolic-ref HEAD)"
git -C "$work/head.git" branch -q -D trunk
tree update head
said "the server's HEAD names no branch: a note" \
	"head: the server's HEAD names no branch of the tree; the tree's HEAD"
git -C "$work/head.git" branch now v1
git -C "$work/head.git" symbolic-ref HEAD refs/heads/now
was=$(git -C "$trees/head/repo.git" symbolic-ref --short HEAD)
git -C "$work/head.git" branch -q -D "$was"
git -C "$trees/head/repo.git" config remote.origin.fetch \
	"+refs/heads/$was*:refs/remotes/origin/$was*"
tree update head
said "the server's HEAD names a branch that is not fetched: a note" \
	"head: the server's HEAD names no branch of the tree; the tree's HEAD"
git -C "$trees/head/repo.git" config remote.origin.fetch \
	'+refs/heads/*:refs/remotes/origin/*'
git -C "$work/head.git" update-ref --no-deref HEAD v3^{}
git -C "$work/head.git" branch -q -f thin-pack v2
tree update head
is "the server's HEAD is detached" "$(git -C "$src" rev-parse v3^{})" \
	"$(cat "$trees/head/repo.git/HEAD")"
git -C "$work/head.git" symbolic-ref HEAD refs/heads/thin-pack
tree update head
is "the server's HEAD is no longer detached" "refs/heads/thin-pack" \
	"$(git -C "$trees/head/repo.git" symbolic-ref HEAD)"
git -C "$work/head.git" update-ref --no-deref HEAD v3^{}
tree update head
git -C "$trees/head/repo.git" config remote.origin.fetch \
	'+refs/heads/thin*:refs/remotes/origin/thin*'
git -C "$work/head.git" branch unfetched v1
git -C "$work/head.git" symbolic-ref HEAD refs/heads/unfetched
tree update head
said "the tree's HEAD is detached, the server's branch is not fetched: a note" \
	"head: the server's HEAD names no branch of the tree; the tree's HEAD"
tree remove head

# A symbolic reference to no branch, as after `git fetch --prune` of origin.
git clone -q --bare "$served/linux.git" "$work/100% dangling.git"
git -C "$work/100% dangling.git" symbolic-ref refs/remotes/origin/HEAD \
	refs/remotes/origin/nosuch
tree add dangling "file://$work/100%25 dangling.git"
is "a file URL with a dangling reference: status" 0 "$status"
check "a file URL with a dangling reference: it is complete" whole dangling
git clone -q "$work/100% dangling.git" "$work/dangling"
tree add path "$work/dangling"
git -C "$work/100% dangling.git" branch new v1
# A hook of another repository runs kfarm.
GIT_NAMESPACE=x GIT_PROTOCOL=version=2 GIT_OBJECT_DIRECTORY=$work/nosuch \
	tree update dangling path
is "a path with a dangling reference: status" 0 "$status"
is "a path with a dangling reference: both are updated" 2 \
	"$(grep -c ': 1 new branch$' "$work/tree.log")"
PATH=$work tree update dangling
said "a file URL with a dangling reference, without git: why" \
	"reference 'refs/remotes/origin/nosuch' not found"
git -C "$work/100% dangling.git" symbolic-ref -d refs/remotes/origin/HEAD
echo damaged >"$work/100% dangling.git/refs/heads/thin-pack"
tree update dangling
said "a damaged reference: why" "corrupted loose reference"
tree remove dangling path

is "no thin packs are asked for" 0 "$(grep -c thin "$work/http.log")"

# ---- bad servers ----

# refused NAME PATH WORDS [OPTION]...: add a tree from the HTTP server, which
# must fail.
refused()
{
	tree add bad "$http/$2" "${@:4}"
	is "$1: status" 1 "$status"
	said "$1: why" "$3"
	no_tree bad
}

refused "a cut connection" cut/linux.git "unexpected EOF"
refused "a spoilt pack" lie/linux.git "linux.git: "
refused "no git at all" junk/linux.git "linux.git: "
refused "a server of the dumb protocol" dumb/linux.git "clone the repository with git"
http_proxy=127.0.0.1:9 refused "a proxy without a scheme" linux.git \
	"use the form http://HOST:PORT"
http_proxy=http://127.0.0.1:9 refused "a proxy for http" linux.git \
	"see HTTP in kfarm-tree(1)"
refused "no such repository" nosuch.git "404"
refused "a server that stalls" stall/linux.git "no data for 1 s" \
	--timeout 1
refused "a server that keeps the end" late/linux.git "no data for 1 s" \
	--timeout 1
refused "a server that hangs" hang/linux.git "no data for 1 s" --timeout 1
refused "no credentials" auth/linux.git "user name and password required"
# credentials PASSWORD: let a helper return this password, and log its
# operations, one per line.
credentials()
{
	: >"$work/helper.log"
	git config --global credential.helper "!f() { cat >/dev/null
		echo \$1 >>$work/helper.log
		echo username=me; echo password=$1; }; f"
}
credentials secret
tree add auth "$http/auth/linux.git"
is "credentials of a helper: status" 0 "$status"
is "credentials of a helper: operations" "get store" \
	"$(xargs <"$work/helper.log")"
tree remove auth
credentials secret
refused "an error after the login" busy/linux.git "503"
is "an error after the login: operations" "get" \
	"$(xargs <"$work/helper.log")"
credentials wrong
refused "a wrong password" auth/linux.git "authentication failed"
is "a wrong password: operations" "get erase get erase" \
	"$(xargs <"$work/helper.log")"
git config --global --unset credential.helper
git init -q --bare --object-format=sha256 "$served/sha256.git"
git init -q --object-format=sha256 "$work/src256"
git -C "$work/src256" commit -q --allow-empty -m one
git -C "$work/src256" push -q "$served/sha256.git" main
refused "SHA-256 over HTTP" sha256.git "SHA-256 repositories are not supported"
for url in "file://$served/sha256.git" "git://127.0.0.1:$port/sha256.git" \
	"$served/sha256.git"; do
	tree add bad "$url"
	said "SHA-256, $url" "SHA-256 repositories are not supported"
	no_tree bad
done
git clone -q --bare --depth 1 "file://$served/linux.git" "$served/shallow.git"
for url in "file://$served" "git://127.0.0.1:$port" "$http"; do
	tree add bad "$url/shallow.git"
	is "a shallow server, $url: status" 1 "$status"
	said "a shallow server, $url: what to do" "clone it with git"
	no_tree bad
done
git init -q --bare "$served/empty.git"
refused "an empty repository" empty.git "no branch to fetch"
tree add bad git://127.0.0.1:1/x
said "nobody there" "refused"

# An existing tree loses nothing, and kfarm can switch to another URL.
cp "$KFARM_CONFIG" "$work/config.good"
commit 4.1
publish
for how in cut stall lie; do
	git config -f "$KFARM_CONFIG" tree.t2.url "$http/$how/linux.git"
	tree update t2 --timeout 1
	is "update, $how: status" 1 "$status"
	said "update, $how: the new URL" "source changed to $http/$how/linux.git"
	check "update, $how: sound" git -C "$trees/t2/repo.git" \
		-c fsck.gitmodulesName=ignore -c fsck.gitmodulesUrl=ignore \
		fsck --no-dangling
done
cp "$work/config.good" "$KFARM_CONFIG"
tree update t2
is "update after that: status" 0 "$status"
check "update after that: it is complete" whole t2

# Silent servers delay only themselves.
commit 4.2
publish
git -C "$trees/t0/repo.git" remote add a-silent "$http/hang/a.git"
git -C "$trees/t0/repo.git" remote add z-silent "$http/hang/z.git"
tree update t0 --timeout 1
is "update, silent servers: status" 1 "$status"
said "update, silent servers: the first error" \
	"tree update: t0: $http/hang/a.git: server timeout: no data for 1 s"
said "update, silent servers: the second error" \
	"t0: $http/hang/z.git: server timeout: no data for 1 s"
check "update, silent servers: the other remote is complete" whole t0
tree list --json
said "update, silent servers: the list has the new commit" \
	"$(git -C "$src" rev-parse HEAD)"
git -C "$trees/t0/repo.git" remote remove a-silent
git -C "$trees/t0/repo.git" remote remove z-silent

# Ctrl-C while kfarm waits for a server.
hangs=$(grep -c /hang/linux.git "$work/http.log")
env --default-signal=INT "$bin/kfarm" tree add bad "$http/hang/linux.git" \
	>"$work/tree.log" 2>&1 </dev/null &
kfarm=$!
wait_for 60 eval '[ "$(grep -c /hang/linux.git "$work/http.log")" -gt $hangs ]'
kill -INT $kfarm
wait $kfarm
is "interrupted: status" 130 $?
said "interrupted: said" "interrupted"
no_tree bad

# at_prompt HOW: run kfarm tree add on a terminal, and interrupt it by typing or
# by SIGTERM when git asks for the password.  The terminal's settings after the
# end go to $work/settings, the output goes to $work/screen.
at_prompt()
{
	local keys=$work/keys

	rm -f "$keys" "$work/screen"
	mkfifo "$keys"
	cat >"$work/add" <<-END
		trap : INT
		stty sane
		sh -c 'echo \$\$ >"$work/pid"
			exec "$bin/kfarm" tree add bad "$http/auth/linux.git"'
		echo status \$?
		stty -a >"$work/settings"
	END
	env --default-signal=INT script -qfc "sh '$work/add'" "$work/screen" \
		<"$keys" >/dev/null &
	children+=($!)
	exec 7>"$keys"
	wait_for 60 grep -q Username "$work/screen" && echo me >&7
	wait_for 60 grep -q Password "$work/screen"
	if [ "$1" = typed ]; then
		printf '\003' >&7
	else
		kill -TERM "$(cat "$work/pid")"
	fi
	wait $!
	exec 7>&-
}

for how in typed SIGTERM; do
	at_prompt $how
	check "password prompt, $how: status" grep -q 'status 130' \
		"$work/screen"
	check "password prompt, $how: the terminal echoes again" \
		grep -q ' echo ' "$work/settings"
	no_tree bad
done

# ---- part of the history ----

tree add shallow "file://$served/linux.git" --depth 1 --branch trunk
is "--depth: status" 0 "$status"
is "--depth: commits" 1 \
	"$(git -C "$trees/shallow/repo.git" rev-list --count HEAD)"
git -C "$src" checkout -q trunk
commit 5
publish
tree update shallow
is "--depth: update" "$(git -C "$src" rev-parse trunk)" \
	"$(git -C "$trees/shallow/repo.git" rev-parse HEAD)"
git -C "$src" tag moving HEAD
publish
tree update shallow
commit 5.1
git -C "$src" tag -f moving >/dev/null
publish
tree update shallow
is "--depth, a tag of a fetched commit moves" \
	"$(git -C "$src" rev-parse moving)" \
	"$(git -C "$trees/shallow/repo.git" rev-parse moving)"
for name in one two; do
	git -C "$src" branch $name v1
done
publish
tree add pair "file://$served/linux.git" --depth 1 --branch one --branch two
git -C "$src" branch -q -D one
git -C "$src" branch -q -f two v2
git -C "$src" branch -m trunk stem
git -C "$served/linux.git" symbolic-ref HEAD refs/heads/stem
publish
tree update pair shallow
is "--depth, a branch is deleted: status" 0 "$status"
is "--depth, a branch is deleted: the other one" \
	"$(git -C "$src" rev-parse v2^{}) refs/remotes/origin/two" \
	"$(git -C "$trees/pair/repo.git" for-each-ref refs/remotes \
		--format='%(objectname) %(refname)' | grep -v /HEAD)"
is "--depth, the only branch is renamed" "refs/heads/stem" \
	"$(git -C "$trees/shallow/repo.git" symbolic-ref HEAD)"
said "--depth, the only branch is renamed: a note" \
	"shallow: the server has none of the tree's branches; now fetching stem"
git -C "$src" tag fragile two
publish
git clone -q --depth 1 --branch two "file://$served/linux.git" "$work/two"
tree add two "$work/two"
tree add two-in-place "$work/two" --in-place
# A tag remains if git fails.
tree add tag "file://$served/linux.git" --depth 1 --branch two
git -C "$src" branch -q -f two v3
git -C "$src" tag -f fragile stem >/dev/null
publish
mkdir "$work/badgit"
printf '#!/bin/sh\nexit 1\n' >"$work/badgit/git"
chmod +x "$work/badgit/git"
for path in "$work" "$work/badgit"; do
	PATH=$path tree update tag
	is "--depth, git fails: status" 1 "$status"
	check "--depth, git fails: the tag remains" \
		git -C "$trees/tag/repo.git" rev-parse -q --verify fragile
done
git -C "$src" branch -m stem trunk
git -C "$src" branch -q -D two
git -C "$served/linux.git" symbolic-ref HEAD refs/heads/trunk
publish
git -C "$trees/tag/repo.git" remote add second "file://$work/none.git"
PATH=$work/badgit tree update tag
is "--depth, git fails after the only branch is deleted: status" 1 "$status"
said "--depth, git fails after the only branch is deleted: the next remote" \
	"none.git"
git -C "$trees/tag/repo.git" remote remove second
check "--depth, git fails after the only branch is deleted: the tag remains" \
	git -C "$trees/tag/repo.git" rev-parse -q --verify fragile
git -C "$src" tag -d fragile >/dev/null
publish
tree update tag
is "--depth, the only branch is deleted: commits" 1 \
	"$(git -C "$trees/tag/repo.git" rev-list --count HEAD)"
for name in two two-in-place; do
	tree update $name
	is "a shallow clone whose branch is deleted, $name: status" 1 "$status"
	said "a shallow clone whose branch is deleted, $name: why" \
		"none of the branches that remote.origin.fetch names"
done
tree remove pair tag two two-in-place
mkdir "$work/nogit"
ln -s "$(command -v sh)" "$work/nogit/sh"
tree add bad "$http/name/linux.git" --depth 1
is "a HEAD that is configuration: status" 1 "$status"
said "a HEAD that is configuration" "is not a valid branch name"
check "a HEAD that is configuration: no command ran" test ! -e "$served/ran"
PATH=$work/nogit tree add bad "file://$served/linux.git" --depth 1
said "--depth without git" "which is not in PATH"
no_tree bad

# ---- a user's clone ----

git clone -q "$served/linux.git" "$work/user"
cd "$work/user" || exit 1
echo changed >Makefile
echo new >untracked
git remote add other "$served/linux.git"
# git runs these programs if any command reads the configuration.
git config core.fsmonitor "touch $work/ran"
git config core.sshCommand "touch $work/ran"
git config remote.origin.uploadpack "touch $work/ran"
git config remote.evil.url "ext::touch $work/ran"
git config remote.evil.fetch '+refs/heads/*:refs/remotes/evil/*'
cd "$work" || exit 1

state_of_clone()
{
	(cd "$work/user" && find . -type f -print0 | sort -z |
		xargs -0 sha256sum && find . -printf '%p %m %T@ %C@\n' | sort)
}

state_of_clone >"$work/before"
tree add mine "$work/user"
is "adopt: status" 0 "$status"
is "adopt: borrows" "$work/user/.git/objects" \
	"$(cat "$trees/mine/repo.git/objects/info/alternates")"
is "adopt: same HEAD" "$(git -C "$work/user" rev-parse HEAD)" \
	"$(git -C "$trees/mine/repo.git" rev-parse HEAD)"
git -C "$src" checkout -q -b newest trunk
commit 6
publish
tree update mine
is "adopt: a bad remote is an error" 1 "$status"
said "adopt: the bad remote" "remote helpers are not supported"
is "adopt: the others are fetched" "$(git -C "$src" rev-parse newest)" \
	"$(git -C "$trees/mine/repo.git" rev-parse refs/remotes/other/newest)"
tree remove mine
is "adopt: removed" 0 "$status"
state_of_clone >"$work/after"
check "adopt: the clone is as it was" cmp "$work/before" "$work/after"
check "adopt: no command was run" test ! -e "$work/ran"
# An in-place tree: updates fetch into it without changes to the files.
git clone -q "$served/linux.git" "$work/inplace"
echo changed >"$work/inplace/Makefile"
git -C "$work/inplace" diff >"$work/before"
tree add here "$work/inplace" --in-place
is "in place: status" 0 "$status"
git -C "$src" branch inplace newest
git -C "$src" branch -q -D topic/deep
publish
tree update here
is "in place: update" 0 "$status"
said "in place: what came" "1 new branch, 1 pruned"
is "in place: it is there" "$(git -C "$src" rev-parse inplace)" \
	"$(git -C "$work/inplace" rev-parse refs/remotes/origin/inplace)"
git -C "$work/inplace" diff >"$work/after"
check "in place: the files are as they were" cmp "$work/before" "$work/after"
# An interrupted update leaves no part of a pack.
part_of_pack()
{
	find "$work/inplace/.git/objects/pack" -name 'pack_git2_*' | grep .
}
commit inplace
publish
git -C "$work/inplace" remote set-url origin "$http/stall/linux.git"
for how in INT TERM; do
	env --default-signal=INT "$bin/kfarm" tree update here \
		>"$work/tree.log" 2>&1 </dev/null &
	kfarm=$!
	wait_for 60 part_of_pack >/dev/null
	kill -$how $kfarm
	wait $kfarm
	is "in place, SIG$how: status" 130 $?
	is "in place, SIG$how: no part of a pack is left" "" "$(part_of_pack)"
done
tree update here --timeout 1
said "in place, stalled: why" "no data for 1 s"
is "in place, stalled: no part of a pack is left" "" "$(part_of_pack)"
tree remove here
said "in place: removed" "was not changed"
check "in place: the clone is sound" git -C "$work/inplace" \
	-c fsck.gitmodulesName=ignore -c fsck.gitmodulesUrl=ignore fsck
# As with git, the user's tags, FETCH_HEAD and checked-out branch remain.
git clone -q "$served/linux.git" "$work/own"
git -C "$work/own" tag mine v1
git -C "$work/own" tag mine2 v1
git -C "$work/own" fetch -q "$served/linux.git" newest
cp "$work/own/.git/FETCH_HEAD" "$work/before"
git -C "$src" tag mine v2
git -C "$src" tag mine2 v2
git -C "$src" tag theirs v2
publish
tree add own "$work/own" --in-place
tree update own
is "in place, another tag of the server: status" 0 "$status"
said "in place, another tag of the server: a note" \
	"2 tags not fetched: the clone has different tags of these names"
is "in place: the user's tag remains" "$(git -C "$src" rev-parse v1)" \
	"$(git -C "$work/own" rev-parse mine)"
is "in place: a new tag is fetched" "$(git -C "$src" rev-parse v2)" \
	"$(git -C "$work/own" rev-parse theirs)"
check "in place: FETCH_HEAD remains" cmp "$work/before" \
	"$work/own/.git/FETCH_HEAD"
git -C "$work/own" config remote.origin.fetch '+refs/heads/*:refs/heads/*'
git -C "$work/own" worktree add -q "$work/own2" -b newest origin/newest
git -C "$work/own" checkout -q --detach
commit own
publish
for at in own2 own; do
	tree update own
	is "in place, $at has checked out the branch: status" 1 "$status"
	said "in place, $at has checked out the branch: why" "refusing to fetch into"
	is "in place, $at has checked out the branch: unchanged" "" \
		"$(git -C "$work/$at" status --porcelain -uno)"
	git -C "$work/own" checkout -q trunk
	git -C "$work/own2" checkout -q --detach
done
tree remove own
# Files in a clone of a group have the permissions that git gives them.
git init -q --shared=group "$work/team"
git -C "$work/team" remote add origin "$served/linux.git"
tree add team "$work/team" --in-place
for mode in group 640 all 400; do
	git config -f "$work/team/.git/config" core.sharedRepository $mode
	git -C "$src" branch "for/$mode/x" v1
	publish
	(umask 077 && tree update team)
done
is "in place, core.sharedRepository: permissions" \
	"drwxrws--- -rw-rw---- drwxr-s--- -rw-r----- drwxrwsr-x -rw-rw-r--
drwx--S--- -rw-------" \
	"$(cd "$work/team/.git/refs/remotes/origin/for" &&
		stat -c %A group group/x 640 640/x all all/x | xargs &&
		stat -c %A 400 400/x | xargs)"
tree remove team
git -C "$src" branch -q -D for/group/x for/640/x for/all/x for/400/x
publish
git -C "$src" bundle create -q "$work/linux.bundle" --all
tree add bundle "$work/linux.bundle"
is "a bundle: status" 1 "$status"
said "a bundle: what to do" "git bundles are not supported; clone the bundle"
# The detection of a bundle does not read from a FIFO.
mkdir -p "$work/linux/scripts/kconfig"
touch "$work/linux/Makefile" "$work/linux/scripts/kconfig/Makefile"
mkfifo "$work/fifo"
tar -C "$work" -cf - linux >"$work/fifo" 2>/dev/null &
tar=$!
timeout 60 "$bin/kfarm" tree add fifo "$work/fifo" >"$work/tree.log" 2>&1
is "an archive from a FIFO: status" 0 $?
kill $tar 2>/dev/null
wait $tar
tree remove fifo
# The format of a clone from which others borrow.
git clone -q "$served/linux.git" "$work/precious"
git -C "$work/precious" config core.repositoryFormatVersion 1
git -C "$work/precious" config extensions.preciousObjects true
tree add precious "$work/precious"
is "extensions.preciousObjects: status" 0 "$status"
tree update precious
is "extensions.preciousObjects: update" 0 "$status"
tree remove precious
# git also rejects a setting without a value.
tree add keys "file://$served/linux.git"
cp "$HOME/.gitconfig" "$work/gitconfig"
printf '[url "x"]\n\tinsteadOf\n' >>"$HOME/.gitconfig"
for what in "update keys" "add bad file://$served/linux.git"; do
	# shellcheck disable=SC2086 # several arguments
	tree $what
	is "a setting without a value, $what: status" 1 "$status"
	said "a setting without a value, $what: why" \
		"missing value for url.x.insteadof"
done
cp "$work/gitconfig" "$HOME/.gitconfig"
printf '[remote "foo"]\n\turl\n' >>"$trees/keys/repo.git/config"
tree update keys
said "a remote without a value" "missing value for remote.foo.url"
tree remove keys
# A borrowing tree follows the ends of a shallow clone's history.
git clone -q --depth 1 --no-single-branch "file://$served/linux.git" \
	"$work/short"
tree add short "$work/short"
commit short.1
commit short.2
publish
git -C "$work/short" fetch -q --depth 1
git -C "$work/short" reset -q --hard "origin/$(git -C "$src" branch --show-current)"
tree update short
is "a clone that is made shallow again: status" 0 "$status"
check "a clone that is made shallow again: the tree is sound" git \
	-C "$trees/short/repo.git" -c fsck.gitmodulesName=ignore \
	-c fsck.gitmodulesUrl=ignore fsck --no-dangling
git -C "$work/short" fetch -q --unshallow
tree update short
is "a clone that is completed: the tree has all commits" \
	"$(git -C "$work/short" rev-list --count HEAD)" \
	"$(git -C "$trees/short/repo.git" rev-list --count HEAD)"
is "a clone that is completed: the tree is not shallow" false \
	"$(git -C "$trees/short/repo.git" rev-parse --is-shallow-repository)"
tree remove short
# A borrowing tree follows the remotes of its clone.
git clone -q "$served/linux.git" "$work/lender"
git clone -q --bare "$src" "$work/second.git"
git -C "$work/lender" remote add skipped "$work/second.git"
git -C "$work/lender" config remote.skipped.skipFetchAll true
git -C "$work/lender" fetch -q skipped
tree add borrower "$work/lender"
commit lender
git -C "$src" push -q "$work/second.git" HEAD:refs/heads/second
git -C "$src" push -q "$work/second.git" --delete thin-pack
publish
git -C "$work/lender" remote add third "$work/second.git"
git -C "$work/lender" fetch -q --multiple --prune origin skipped third
git -C "$work/lender" remote set-url origin "$work/nosuch.git"
tree update borrower
is "a remote of the clone is unreachable: status" 1 "$status"
for ref in refs/remotes refs/heads; do
	is "the tree has the references of its clone, $ref" \
		"$(git -C "$work/lender" for-each-ref $ref)" \
		"$(git -C "$trees/borrower/repo.git" for-each-ref $ref)"
done
git -C "$work/lender" remote set-url origin "$served/linux.git"
tree update borrower
tree update borrower
said "the tree has followed its clone" "borrower: already up to date"
# A tag that differs has the value of the clone, as after git fetch --tags.
git -C "$work/lender" tag -f v1 v2 2>/dev/null
tree update borrower
said "a tag of the clone moves" "borrower: 1 tag"
tree update borrower
said "a tag with another value on the server" "borrower: already up to date"
is "a tag with another value on the server: its value" \
	"$(git -C "$work/lender" rev-parse v1)" \
	"$(git -C "$trees/borrower/repo.git" rev-parse v1)"
# The tree's remotes and symbolic references are those of the clone.
git -C "$work/lender" remote remove skipped
git -C "$work/lender" remote remove third
git -C "$work/lender" remote add foo "$work/second.git"
git -C "$work/lender" config remote.foo.skipFetchAll true
git -C "$work/lender" update-ref refs/remotes/foo HEAD
tree update borrower
is "remotes are removed from the clone: the tree's remotes" \
	"$(git -C "$work/lender" remote)" \
	"$(git -C "$trees/borrower/repo.git" remote)"
git -C "$work/lender" update-ref -d refs/remotes/foo
git -C "$work/lender" update-ref refs/remotes/foo/x HEAD
git -C "$work/lender" symbolic-ref refs/remotes/foo/HEAD refs/remotes/foo/x
git -C "$work/lender" remote add negative "$work/second.git"
git -C "$work/lender" config --add remote.negative.fetch ^refs/heads/second
git -C "$work/lender" config remote.empty.url ""
printf '[remote "foo"]\n\tskipFetchAll\n' >>"$work/lender/.git/config"
git -C "$work/lender" branch with-negative
cp "$trees/borrower/repo.git/config" "$work/before"
tree update borrower
is "a refspec that libgit2 rejects: status" 1 "$status"
said "a remote with an empty URL" "remote empty: the URL is empty"
is "a reference becomes a directory with a symbolic reference" \
	"refs/remotes/foo/x" "$(git -C "$trees/borrower/repo.git" symbolic-ref \
		refs/remotes/foo/HEAD)"
check "a refspec that libgit2 rejects: branches are copied" git \
	-C "$trees/borrower/repo.git" rev-parse -q --verify with-negative
git -C "$work/lender" config --remove-section remote.negative
git -C "$work/lender" config --remove-section remote.empty
git -C "$work/lender" config --unset-all remote.foo.skipFetchAll true
git -C "$work/lender" update-ref --no-deref -d refs/remotes/foo/HEAD
tree update borrower
is "a setting without a value is true: status" 0 "$status"
is "a symbolic reference is removed from the clone" "" "$(git \
	-C "$trees/borrower/repo.git" symbolic-ref -q refs/remotes/foo/HEAD)"
check "the tree's configuration does not grow" cmp \
	<(sed 's/skipfetchall.*/skipfetchall/' "$work/before") \
	<(sed 's/skipfetchall.*/skipfetchall/' \
		"$trees/borrower/repo.git/config")
printf '[remote "bar"]\n\turl\n' >>"$work/lender/.git/config"
tree update borrower
said "a remote of the clone without a value" "missing value for remote.bar.url"
tree remove borrower
tree add borrower "$work/lender"
said "a remote of a new clone without a value" \
	"missing value for remote.bar.url"
git -C "$work/lender" config --remove-section remote.bar
# The user's configuration defines a remote for one clone only.
git clone -q "$served/linux.git" "$work/included"
git -C "$work/included" remote remove origin
cp "$HOME/.gitconfig" "$work/gitconfig"
git config -f "$work/include" remote.extra.url "$served/linux.git"
git config -f "$work/include" remote.extra.fetch \
	'+refs/heads/*:refs/remotes/extra/*'
git config --global "includeIf.gitdir:$work/included/.path" "$work/include"
git config --global remote.global.url "$served/linux.git"
git config --global remote.global.skipFetchAll true
tree add included "$work/included"
tree update included
is "a remote of an includeIf section is fetched" \
	"$(git -C "$src" rev-parse trunk)" \
	"$(git -C "$trees/included/repo.git" rev-parse refs/remotes/extra/trunk)"
is "the tree does not copy a remote that applies to all repositories" "" \
	"$(git config -f "$trees/included/repo.git/config" \
		--get-regexp '^remote\.global\.')"
cp "$work/gitconfig" "$HOME/.gitconfig"
tree remove included
# A refspec names exactly one branch, or stores below refs/heads/.
git clone -q --single-branch "$served/linux.git" "$work/single"
git -C "$work/single" update-ref refs/remotes/origin/trunk-next HEAD
tree add single "$work/single"
git -C "$work/single" update-ref -d refs/remotes/origin/trunk-next
tree update single
is "a branch that no refspec names is removed" "" "$(git \
	-C "$trees/single/repo.git" for-each-ref refs/remotes/origin/trunk-next)"
tree remove single
git clone -q --mirror "$served/linux.git" "$work/mirror.git"
tree add mirror "$work/mirror.git"
commit mirror
publish
tree update mirror
said "a mirror as clone" "mirror: 1 updated, 1 tag"
git -C "$work/mirror.git" remote set-url origin "$work/nosuch.git"
tree update mirror
is "a mirror as clone: its branches remain" \
	"$(git -C "$served/linux.git" for-each-ref refs/heads)" \
	"$(git -C "$trees/mirror/repo.git" for-each-ref refs/heads)"
git -C "$work/mirror.git" remote set-url origin "$served/linux.git"
tree update mirror
said "a mirror as clone, no change" "mirror: already up to date"
for at in v3 v1; do
	git -C "$src" tag -f theirs $at^{} >/dev/null
	publish
	tree update mirror
	said "a mirror as clone, a tag moves to $at" "mirror: 1 tag"
	tree update mirror
	said "a mirror as clone, a tag at $at" "mirror: already up to date"
	git -C "$work/mirror.git" fetch -q
done
tree remove mirror
# A clone that borrows from another clone, with a relative path.
git clone -q --shared "$work/lender" "$work/chained"
tree add absolute "$work/chained"
echo ../../../lender/.git/objects >"$work/chained/.git/objects/info/alternates"
tree add relative "$work/chained"
is "a relative path to the objects of another clone: status" 0 "$status"
tree update absolute
is "an absolute path that became relative: status" 0 "$status"
is "an absolute path that became relative: nothing is lost" \
	"absolute: already up to date" "$(cut -d' ' -f2- <"$work/tree.log")"
tree remove absolute relative
# kfarm fetches objects again that the clone loses.
git clone -q "$served/linux.git" "$work/loser"
tree add loser "$work/loser"
git -C "$work/loser" remote remove origin
git -C "$work/loser" remote add origin "$served/linux.git"
git -C "$work/loser" checkout -q --detach v1
git -C "$work/loser" branch -q -D trunk
git -C "$work/loser" tag -l | grep -v '^v1$' |
	xargs git -C "$work/loser" tag -d >/dev/null
git -C "$work/loser" reflog expire --expire=now --all
git -C "$work/loser" gc -q --prune=now
tree update loser
is "lost objects: status" 0 "$status"
said "lost objects: said" "lacks the commits of"
check "lost objects: fetched again" whole loser
rm -rf "$work/loser"
tree update loser
said "a clone that is gone" "no such directory, but the tree borrows objects"
tree remove loser

# ---- killed at any moment ----

# ms_of ARG...: measure kfarm tree in milliseconds and add a margin.
ms_of()
{
	local began

	began=$(date +%s%N)
	tree "$@"
	most_ms=$((($(date +%s%N) - began) / 1000000 + 5))
	[ $most_ms -lt 900 ] || most_ms=900
}

# killed_at_random ARG...: run kfarm tree and send SIGKILL within $most_ms.
killed_at_random()
{
	tries=$((tries + 1))
	setsid "$bin/kfarm" tree "$@" >/dev/null 2>&1 </dev/null &
	kfarm=$!
	sleep "0.$(printf '%03d' $((RANDOM % most_ms)))"
	kill -KILL "$kfarm" 2>/dev/null
	wait "$kfarm" 2>/dev/null
	[ $? -ne 137 ] || killed=$((killed + 1))
}

wanted=50
[ ! "$soak" ] || wanted=500
ms_of add k "$http/linux.git"
tree remove k
tries=0 killed=0 wrong=0 half=0
while [ $killed -lt $wanted ] && [ $tries -lt $((wanted * 4)) ]; do
	killed_at_random add k "$http/linux.git"
	if [ -e "$trees/k" ]; then
		tree update k
	else
		[ ! -e "$trees/.new-k" ] || half=$((half + 1))
		tree add k "$http/linux.git"
	fi
	[ "$status" -eq 0 ] && whole k >/dev/null || wrong=$((wrong + 1))
	tree remove k
	[ "$status" -eq 0 ] || wrong=$((wrong + 1))
done
is "add killed $killed times, $half half made: next runs wrong" 0 $wrong
no_tree k

# change_all: create, delete and move branches, and sometimes add a commit.
change_all()
{
	git -C "$src" branch -q -f "b$((tries % 7))" "v$((tries % 5 + 1))"
	[ $((tries % 3)) -ne 0 ] ||
		git -C "$src" branch -q -D "b$(((tries + 1) % 7))" 2>/dev/null
	[ $((tries % 5)) -ne 0 ] || commit "1.$tries"
	publish
}

tree add k "$http/linux.git"
tries=0 killed=0 wrong=0 part=0
change_all
ms_of update k
while [ $killed -lt $wanted ] && [ $tries -lt $((wanted * 4)) ]; do
	change_all
	killed_at_random update k
	git -C "$trees/k/repo.git" -c fsck.gitmodulesName=ignore \
		-c fsck.gitmodulesUrl=ignore fsck --connectivity-only \
		--no-dangling >/dev/null 2>&1 || wrong=$((wrong + 1))
	whole k >/dev/null 2>&1 || part=$((part + 1))
	tree update k
	[ "$status" -eq 0 ] && whole k >/dev/null || wrong=$((wrong + 1))
done
is "update killed $killed times, $part before its end: wrong afterwards" 0 \
	$wrong
is "no half packs stay" "" "$(find "$trees/k" -name 'pack_git2_*' -o \
	-name '*.lock' ! -name update.lock)"

# ---- two at once ----

for i in 1 2; do
	"$bin/kfarm" tree add two "$http/linux.git" >"$work/two.$i" 2>&1 &
	two[i]=$!
done
wait "${two[1]}"
first=$?
wait "${two[2]}"
is "two add the same: one does" 1 $((first + $?))
check "two add the same: the other reports why" \
	grep -qE 'already|is being added by process' "$work/two.1" "$work/two.2"
check "two add the same: it is complete" whole two
for i in 1 2; do
	"$bin/kfarm" tree update two >"$work/two.$i" 2>&1 &
	two[i]=$!
done
wait "${two[1]}"
first=$?
wait "${two[2]}"
is "two update the same: both do" 0 $((first + $?))
tree remove two

# ---- a full disk ----

if small_disk "$work/small" 120; then
	export XDG_DATA_HOME=$work/small
	tree add full "$http/linux.git"
	is "full disk: status" 1 "$status"
	said "full disk: why" "o space left on"
	is "full disk: nothing is left" "" "$(ls -A "$work/small/kfarm/trees")"
	mount -o remount,size=4m "$work/small"
	tree add full "$http/linux.git"
	is "with room: status" 0 "$status"
	used=$(df -k --output=used "$work/small" | tail -n 1)
	mount -o remount,size=$((used + 8))k "$work/small"
	commit full
	publish
	tree update full
	is "full disk, update: status" 1 "$status"
	check "full disk, update: sound" git -C \
		"$work/small/kfarm/trees/full/repo.git" -c fsck.gitmodulesName=ignore \
		-c fsck.gitmodulesUrl=ignore fsck --no-dangling
	mount -o remount,size=8m "$work/small"
	tree update full
	is "with room, update: status" 0 "$status"
	trees=$work/small/kfarm/trees check "with room: all is there" \
		whole full
	tree remove full
	is "with room, remove: status" 0 "$status"
	unset XDG_DATA_HOME
	small_disk_gone "$work/small"
else
	left_out "a full disk" "cannot mount a tmpfs"
fi

# ---- 100,000 refs, unusual names ----

git init -q --bare "$served/many.git"
git -C "$src" push -q "$served/many.git" trunk:refs/heads/main
id=$(git -C "$src" rev-parse trunk)
{
	printf '# pack-refs with: peeled fully-peeled sorted \n'
	{
		for ((i = 0; i < many; i++)); do
			echo "refs/heads/b/$((i % 100))/$i"
		done
		echo 'refs/heads/ext::touch-ran' # forbidden by git
		echo "refs/heads/\$(touch-ran)"
		echo 'refs/heads/ä/-x'
		echo refs/heads/main
	} | LC_ALL=C sort | sed "s,^,$id ,"
} >"$served/many.git/packed-refs"
rm -rf "$served/many.git/refs/heads/main"
tree add many "git://127.0.0.1:$port/many.git"
is "$many references: status" 0 "$status"
is "$many references: all" $((many + 3)) \
	"$(git -C "$trees/many/repo.git" for-each-ref refs/remotes/origin |
		grep -vc /HEAD)"
git -C "$served/many.git" update-ref -d refs/heads/b/1/1
git -C "$served/many.git" update-ref refs/heads/another main
tree update many
is "$many references: update" 0 "$status"
said "$many references: what came" "1 new branch, 1 pruned"
while [ "$(find "$trees" -mindepth 1 -maxdepth 1 -name '[a-z]*' | wc -l)" -lt 10 ]; do
	tree add "more$RANDOM" "file://$served/linux.git"
done
# best_of COMMAND...: print the shortest of 20 runs, in microseconds.
best_of()
{
	local best=100000000 began took i

	for i in {1..20}; do
		began=${EPOCHREALTIME/[.,]/}
		"$@" >/dev/null
		took=$((${EPOCHREALTIME/[.,]/} - began))
		[ $took -gt $best ] || best=$took
	done
	echo $best
}
git_lists()
{
	local repo

	for repo in "$trees"/*/repo.git; do
		git -C "$repo" for-each-ref
	done
}
# The bound is a ratio because a wall time depends on the machine.
at_most "list of ten trees, percent of git for-each-ref in each" 150 \
	$((100 * $(best_of tree list) / $(best_of git_lists)))
tree list
is "list of ten trees" 10 "$(grep -c '[a-z0-9] .*\(://\|lair:\)' "$work/tree.log")"
check "no command was run" test ! -e "$work/ran"
farm_end
