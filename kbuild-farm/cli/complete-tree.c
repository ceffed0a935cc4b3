/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/complete-tree.h"

#include "base/fs.h"
#include "kernel/arch.h"
#include "kernel/environ.h"
#include "kernel/kconfig.h"
#include "toolchain/data.h"
#include "tree/home.h"
#include "tree/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX      (1u << 20)
#define REVISIONS_MAX 2000 /* more are of no use to a person */
#define LETTERS                                        \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR" \
	"STUVWXYZ0123456789_.-"

extern char **environ;

/* DATA/trees/NAME of --tree; NULL where that is no name. */
static char *managed_dir(const struct complete *c)
{
	struct err ignored;
	char *top, *dir;

	if (!c->tree || tree_home_check_name(c->tree, &ignored))
		return NULL;
	top = tree_home_top();
	dir = xasprintf("%s/%s", top, c->tree);
	free(top);
	return dir;
}

/* A worktree of what kfarm manages, at whatever revision; the caller frees it.
 */
static char *some_worktree(const struct complete *c)
{
	char *dir = managed_dir(c), *worktrees, *out;
	struct strv keys = { 0 };

	worktrees = xasprintf("%s/worktrees", dir ? dir : "");
	if (dir)
		fs_list(worktrees, &keys);
	out = xasprintf("%s/%s/src", worktrees, keys.n ? keys.v[0] : "");
	strv_release(&keys);
	free(worktrees);
	free(dir);
	return out;
}

/* A path of the source tree; "~/" is still as it was typed. */
static char *path_in_tree(const struct complete *c, const char *name)
{
	char *managed = c->tree ? some_worktree(c) : NULL, *path;
	const char *home = getenv("HOME");
	const char *dir = managed ? managed : c->directory ? c->directory : ".";

	if (home && str_starts(dir, "~/"))
		path = xasprintf("%s%s/%s", home, dir + 1, name);
	else
		path = xasprintf("%s/%s", dir, name);
	free(managed);
	return path;
}

/* The last one of -a, else ARCH, else this machine's. */
static void find_srcarch(const struct complete *c, char out[static 32])
{
	const char *arch = c->arch;
	const struct toolchain_arch *known;

	if (arch && strrchr(arch, ','))
		arch = strrchr(arch, ',') + 1;
	if (!arch)
		arch = kernel_environ_value(environ, "ARCH");
	if (!arch) {
		kernel_arch_host(out);
		return;
	}
	known = toolchain_data_arch(arch);
	snprintf(out, 32, "%s", known ? known->srcarch : arch);
}

/* ---- targets ---- */

/* The target that a help text is about: "@echo  '* Image.gz - Compressed ..."
 */
static void offer_helped(struct complete *c, const char *line, size_t len)
{
	const char *end = line + len;
	const char *at = memmem(line, len, "echo", 4), *help;
	char *word, *text;
	size_t n;

	at = at ? memchr(at, '\'', (size_t)(end - at)) : NULL;
	if (!at || (at[1] != ' ' && at[1] != '*'))
		return;
	at += 1 + strspn(at + 1, " *");
	n = strspn(at, LETTERS);
	help = at + n + strspn(at + n, " \t");
	if (n < 2 || help == at + n || !str_starts(help, "- "))
		return;
	word = xstrndup(at, n);
	n = strcspn(help + 2, "'\\\n(\t");
	while (n && help[1 + n] == ' ')
		n--;
	text = xstrndup(help + 2, n);
	complete_offer(c, word, text);
	free(text);
	free(word);
}

static void offer_helped_by(struct complete *c, const char *makefile)
{
	char *path = path_in_tree(c, makefile);
	struct buf text = { 0 };
	struct err ignored;

	if (!fs_read(path, TEXT_MAX, &text, &ignored)) {
		for (const char *line = buf_str(&text); *line;) {
			size_t n = strcspn(line, "\n");

			offer_helped(c, line, n);
			line += n + (line[n] == '\n');
		}
	}
	buf_release(&text);
	free(path);
}

/* An entry of a directory of the tree. */
static void offer_entry(struct complete *c, const char *within,
			const char *name)
{
	static const char *const kinds[][2] = { { ".c", ".o" },
						{ ".S", ".o" },
						{ ".rs", ".o" },
						{ ".dts", ".dtb" } };
	char *entry = xasprintf("%s%s", within, name);
	char *path = path_in_tree(c, entry), *word = NULL;

	for (size_t i = 0; !word && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (str_ends(name, kinds[i][0]))
			word = xasprintf(
				"%.*s%s",
				(int)(strlen(entry) - strlen(kinds[i][0])),
				entry, kinds[i][1]);
	}
	if (!word && fs_is_dir(path))
		word = xasprintf("%s/", entry);
	if (word)
		complete_offer(c, word, NULL);
	free(word);
	free(path);
	free(entry);
}

/* What of a directory begins as typed. */
static void offer_dir(struct complete *c)
{
	const char *slash = strrchr(c->typed, '/');
	size_t n = slash ? (size_t)(slash - c->typed) + 1 : 0;
	char *within = xstrndup(c->typed, n), *dir = path_in_tree(c, within);
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (str_starts(names.v[i], c->typed + n) &&
		    names.v[i][0] != '.')
			offer_entry(c, within, names.v[i]);
	}
	strv_release(&names);
	free(dir);
	free(within);
}

void complete_tree_targets(struct complete *c)
{
	char srcarch[32], *of_arch;

	if (strchr(c->typed, '/')) {
		if (c->typed[0] != '/')
			offer_dir(c);
		return;
	}
	find_srcarch(c, srcarch);
	of_arch = xasprintf("arch/%s/Makefile", srcarch);
	complete_offer(c, "kernel", "the image that `make image_name` names");
	offer_helped_by(c, "Makefile");
	offer_helped_by(c, of_arch);
	offer_helped_by(c, "scripts/kconfig/Makefile");
	if (c->typed[0])
		offer_dir(c);
	free(of_arch);
}

/* ---- configurations ---- */

/* Names in a directory of the tree that end so. */
static void offer_ending(struct complete *c, const char *dir,
			 const char *suffix)
{
	char *path = path_in_tree(c, dir);
	struct strv names = { 0 };

	fs_list(path, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (str_ends(names.v[i], suffix))
			complete_offer(c, names.v[i], NULL);
	}
	strv_release(&names);
	free(path);
}

void complete_tree_kconfigs(struct complete *c)
{
	char srcarch[32], *dir;
	struct strv words = { 0 };

	strv_split(&words, KERNEL_CONFIG_TARGETS, " ");
	for (size_t i = 0; i < words.n; i++)
		complete_offer(c, words.v[i], NULL);
	find_srcarch(c, srcarch);
	dir = xasprintf("arch/%s/configs", srcarch);
	offer_ending(c, dir, "config");
	free(dir);
	strv_release(&words);
}

void complete_tree_fragments(struct complete *c)
{
	char srcarch[32], *dir;

	find_srcarch(c, srcarch);
	dir = xasprintf("arch/%s/configs", srcarch);
	offer_ending(c, "kernel/configs", ".config");
	offer_ending(c, dir, ".config");
	free(dir);
}

/* ---- revisions ---- */

void complete_tree_revisions(struct complete *c)
{
	struct strv names = { 0 };
	char *dir = managed_dir(c), *repository;

	if (!dir)
		return;
	repository = xasprintf("%s/repo.git", dir);
	tree_names_list(repository, c->typed, REVISIONS_MAX, &names);
	for (size_t i = 0; i < names.n; i++)
		complete_offer(c, names.v[i], NULL);
	strv_release(&names);
	free(repository);
	free(dir);
}
