# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# kfarm tree without a server: names, URLs, adopted clones, errors.
export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=n@example.org
export GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=n@example.org
export GIT_AUTHOR_DATE='2026-01-02T03:04:05Z'
export GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE TZ=UTC0
config=.config/kfarm/config

# Mask times and sizes.
tree()
{
	run kfarm tree "$@" | sed -E \
		-e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} +[0-9.]+ [MG]iB/DATE SIZE/' \
		-e 's/^NAME.*/NAME .../' -e 's/[0-9.]+ MiB of/N MiB of/' \
		-e 's/"(size|updated)": [0-9]+/"\1": N/' -e 's/ +$//'
}

git init -q -b main clone
echo 1 >clone/Makefile
git -C clone add .
git -C clone commit -q -m one
git -C clone tag v1
git -C clone branch linux-6.1.y
run kfarm help tree
run kfarm tree
tree list
tree list --json
tree update
tree add
tree add x
tree add ../x clone
tree add -- -x clone
tree add x clone --depth 0
tree add x clone --depth 1
tree add x file:///nowhere --in-place
tree add x nowhere
mkdir -p home/.config
tree add x home
tree add x file:///nowhere
tree add x 'ext::touch ran'
tree add x 'ssh://-oProxyCommand=touch%20ran/x'
tree add x ftp://example.org/x
tree add x file:///nowhere --depth 1 --branch 'main
	uploadpack = touch ran'
tree add x clone
run cat "$config"
tree add x clone
tree add y clone --in-place
mkdir out
cat >out/metadata.json <<'END'
{"results": {"status": "PASS"}, "git": {"git_describe": "v1"},
"build": {"target_arch": "arm64"}}
END
touch -d 2026-01-02T03:04:05Z out/metadata.json
ln -s "$PWD/out" .local/share/kfarm/trees/x/last-build
tree list
tree list --json
git -C clone branch -m linux-6.1.y linux-6.2.y
# An adopted tree ignores a new URL.
git config -f "$config" tree.x.url file:///elsewhere
tree update x
tree list
git config -f "$config" tree.x.url "$PWD/clone"
tree update nosuch x
# A remote to which the clone only pushes has nothing to fetch.
tree add p clone --in-place
git -C clone config remote.mirror.pushurl file:///nowhere
tree update p
git -C clone config --unset remote.mirror.pushurl
tree remove p
# A linked worktree has its own HEAD.
git -C clone worktree add -q -b topic "$PWD/linked"
tree add w linked
tree update w
tree add i linked --in-place
tree list
git -C clone worktree remove "$PWD/linked"
tree update w
tree list
tree remove w i
git -C clone branch -q -D topic
# A nightly job builds from a tree.
printf '[nightly "trial"]\n\ttree = x\n' >>"$config"
tree remove x y
tree list
sed -i '/nightly/,$d' "$config"
tree remove x
tree remove x
run git -C clone fsck
run cat "$config"
# A tree that only the configuration names.
printf '[tree "z"]\n\turl = clone\n' >"$config"
tree list
tree add z elsewhere
tree update
tree remove z
tree list
run ls -A .local/share/kfarm/trees ran
