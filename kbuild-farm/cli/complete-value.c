/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/complete.h"

#include "admin/profile.h"
#include "base/fs.h"
#include "base/vec.h"
#include "cli/nodes.h"
#include "conf/conf.h"
#include "kconfig/kconfig.h"
#include "kernel/arch.h"
#include "kernel/environ.h"
#include "node/import.h"
#include "toolchain/builtin.h"
#include "tree/datadir.h"
#include "tree/refs.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX      (1u << 20) /* bytes of a Makefile */
#define REVISIONS_MAX 2000 /* a longer list is useless to the user */
#define LETTERS                                        \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR" \
	"STUVWXYZ0123456789_.-"

extern char **environ;

/*
 * Return DATA/trees/NAME, the directory of the tree that --tree names, or NULL
 * if --tree is missing or invalid.  The caller frees it.
 */
static char *managed_tree_dir(const struct complete *c)
{
	struct err ignored;
	char *top, *dir;

	if (!c->tree || tree_datadir_check_name(c->tree, &ignored))
		return NULL;
	top = tree_datadir_top();
	dir = xasprintf("%s/%s", top, c->tree);
	free(top);
	return dir;
}

/*
 * Return the source directory of any worktree of the tree that --tree names.
 * The revision of the worktree does not matter.  The directory need not exist.
 * The caller frees the path.
 */
static char *find_any_worktree(const struct complete *c)
{
	char *dir = managed_tree_dir(c), *worktrees, *out;
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

/*
 * Return the path of a file in the source tree.  Expands "~/" in the value of
 * -C, because the shell passes the words of a completion unexpanded.  The
 * caller frees the path.
 */
static char *path_in_tree(const struct complete *c, const char *name)
{
	char *managed = c->tree ? find_any_worktree(c) : NULL;
	char *dir = fs_expand_home(managed      ? managed :
				   c->directory ? c->directory :
						  ".");
	char *path = xasprintf("%s/%s", dir, name);

	free(dir);
	free(managed);
	return path;
}

/*
 * Store the name of the subdirectory of arch/ for the requested architecture:
 * the last architecture of -a or ARCH= on the command line, else the value of
 * the environment variable ARCH, else the architecture of the build host.
 */
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
	known = toolchain_builtin_find_arch(arch);
	snprintf(out, 32, "%s", known ? known->srcarch : arch);
}

/* Add the target of a help line such as "@echo  '* Image.gz - Compressed". */
static void offer_help_targets(struct complete *c, const char *line, size_t len)
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
	complete_add_candidate(c, word, text);
	free(text);
	free(word);
}

/* Add the targets that a Makefile lists in its help texts. */
static void offer_targets_from_help(struct complete *c, const char *makefile)
{
	char *path = path_in_tree(c, makefile);
	struct buf text = { 0 };
	struct err ignored;

	if (!fs_read(path, TEXT_MAX, &text, &ignored)) {
		for (const char *line = buf_str(&text); *line;) {
			size_t n = strcspn(line, "\n");

			offer_help_targets(c, line, n);
			line += n + (line[n] == '\n');
		}
	}
	buf_release(&text);
	free(path);
}

/*
 * Add the candidate for `name`, an entry of the directory `within`.  For a
 * source file, the candidate is the target that is built from this file: "a.o"
 * for "a.c".  For a directory, the candidate is its path.  Skip any other file.
 */
static void offer_entry(struct complete *c, const char *within,
			const char *name)
{
	static const char *const kinds[][2] = { { ".c", ".o" },
						{ ".S", ".o" },
						{ ".rs", ".o" },
						{ ".dts", ".dtb" } };
	char *entry = xasprintf("%s%s", within, name);
	char *path = path_in_tree(c, entry), *word = NULL;

	for (size_t i = 0; !word && i < ARRAY_SIZE(kinds); i++) {
		if (str_ends(name, kinds[i][0]))
			word = xasprintf(
				"%.*s%s",
				(int)(strlen(entry) - strlen(kinds[i][0])),
				entry, kinds[i][1]);
	}
	if (!word && fs_is_dir(path))
		word = xasprintf("%s/", entry);
	if (word)
		complete_add_candidate(c, word, NULL);
	free(word);
	free(path);
	free(entry);
}

/* Add the entries of the typed directory that match the typed name. */
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

/* Add the names in a directory of the tree that end in `suffix`. */
static void offer_with_suffix(struct complete *c, const char *dir,
			      const char *suffix)
{
	char *path = path_in_tree(c, dir);
	struct strv names = { 0 };

	fs_list(path, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (str_ends(names.v[i], suffix))
			complete_add_candidate(c, names.v[i], NULL);
	}
	strv_release(&names);
	free(path);
}

/*
 * In a list with commas, complete only the last word and move the others to
 * fixed_prefix.
 */
static void set_list_prefix(struct complete *c)
{
	const char *comma = strrchr(c->typed, ',');
	char *prefix;

	if (!comma)
		return;
	prefix = xasprintf("%s%.*s", c->fixed_prefix,
			   (int)(comma + 1 - c->typed), c->typed);
	free(c->fixed_prefix);
	c->fixed_prefix = prefix;
	c->typed = comma + 1;
}

/*
 * The table `sources` refers to this function and to the following functions
 * with the same parameters.  Each function adds candidates of one kind.
 */
static void offer_words(struct complete *c, const char *list)
{
	struct strv words = { 0 };

	strv_split(&words, list, " ");
	for (size_t i = 0; i < words.n; i++)
		complete_add_candidate(c, words.v[i], NULL);
	strv_release(&words);
}

static void offer_files(struct complete *c, const char *unused)
{
	(void)unused;
	c->fallback = COMPLETE_FALLBACK_FILES;
}

static void offer_dirs(struct complete *c, const char *unused)
{
	(void)unused;
	c->fallback = COMPLETE_FALLBACK_DIRS;
}

static void offer_arches(struct complete *c, const char *unused)
{
	const struct toolchain_arch *a;

	(void)unused;
	set_list_prefix(c);
	for (size_t i = 0; (a = toolchain_builtin_arch_at(i)); i++)
		complete_add_candidate(c, a->arch, NULL);
}

static void offer_hosts(struct complete *c, const char *unused)
{
	const struct toolchain_host *h;

	(void)unused;
	set_list_prefix(c);
	for (size_t i = 0; (h = toolchain_builtin_host_at(i)); i++)
		complete_add_candidate(c, h->name, NULL);
}

/* Add all triplets, with the architecture as their description. */
static void offer_triplets(struct complete *c, const char *unused)
{
	const struct toolchain_arch *a;

	(void)unused;
	set_list_prefix(c);
	for (size_t i = 0; (a = toolchain_builtin_arch_at(i)); i++) {
		for (size_t j = 0; j < a->triplets.n; j++)
			complete_add_candidate(c, a->triplets.v[j], a->arch);
	}
}

/*
 * Add the names of the subsections of a section, such as "desk" for
 * [node "desk"].  The value of `key` is their description.
 */
static void offer_sections(struct complete *c, const char *section,
			   const char *key)
{
	struct strv names = { 0 };
	struct conf *conf = NULL;
	struct err ignored;

	if (!conf_load(&conf, NULL, &ignored)) {
		conf_list_subsections(conf, section, &names);
		for (size_t i = 0; i < names.n; i++)
			complete_add_candidate(
				c, names.v[i],
				conf_get(conf, section, names.v[i], key));
	}
	conf_free(conf);
	strv_release(&names);
}

/* Complete the last word of a comma-separated list of states. */
static void offer_states(struct complete *c, const char *list)
{
	set_list_prefix(c);
	offer_words(c, list);
}

static void offer_pools(struct complete *c, const char *unused)
{
	(void)unused;
	offer_sections(c, "pool", "start");
}

static void offer_lists(struct complete *c, const char *unused)
{
	(void)unused;
	offer_sections(c, "import", "url");
}

/* Complete the last word of a comma-separated list of sites. */
static void offer_sites(struct complete *c, const char *unused)
{
	struct strv names = { 0 }, sites = { 0 };
	struct conf *conf = NULL;
	struct err ignored;

	(void)unused;
	set_list_prefix(c);
	if (!conf_load(&conf, NULL, &ignored))
		conf_list_subsections(conf, "node", &names);
	for (size_t i = 0; i < names.n; i++)
		conf_get_all(conf, "node", names.v[i], "site", &sites);
	strv_sort_unique(&sites);
	for (size_t i = 0; i < sites.n; i++)
		complete_add_candidate(c, sites.v[i], NULL);
	conf_free(conf);
	strv_release(&sites);
	strv_release(&names);
}

/*
 * Add the nodes of the configuration and of the imported lists, and the pools
 * if the verb accepts them.
 */
static void offer_nodes(struct complete *c, const char *unused)
{
	struct strv teams = { 0 };
	struct conf *conf = NULL;
	struct node_import l;
	struct err ignored;

	offer_sections(c, "node", "address");
	if (c->verb &&
	    str_list_has("list check drain resume remove", ' ', c->verb->name))
		offer_pools(c, unused);
	if (!conf_load(&conf, NULL, &ignored))
		conf_list_subsections(conf, "import", &teams);
	for (size_t k = 0; k < teams.n; k++) {
		if (node_import_read(&l, teams.v[k], &ignored))
			continue;
		for (size_t i = 0; i < l.n; i++)
			complete_add_candidate(c, l.v[i].name,
					       l.v[i].address_text);
		node_import_release(&l);
	}
	conf_free(conf);
	strv_release(&teams);
}

/* Add the built-in board profiles; a profile can also be a file. */
static void offer_profiles(struct complete *c, const char *unused)
{
	struct strv names = { 0 };

	(void)unused;
	admin_profile_list(&names);
	for (size_t i = 0; i < names.n; i++)
		complete_add_candidate(c, names.v[i], NULL);
	strv_release(&names);
	c->fallback = COMPLETE_FALLBACK_FILES;
}

static void offer_jobs(struct complete *c, const char *unused)
{
	(void)unused;
	offer_sections(c, "nightly", "tree");
}

/* Add node names, and for the first word of a list also "all" and "none". */
static void offer_node_list(struct complete *c, const char *unused)
{
	(void)unused;
	if (!strchr(c->typed, ','))
		offer_words(c, "all none");
	set_list_prefix(c);
	offer_sections(c, "node", "address");
}

/*
 * Add the values of -k: configuration targets of make, configuration files of
 * the architecture, and names of [config "NAME"] sections.
 */
static void offer_kconfigs(struct complete *c, const char *unused)
{
	char srcarch[32], *dir;

	(void)unused;
	offer_words(c, KCONFIG_MAKE_TARGETS);
	find_srcarch(c, srcarch);
	dir = xasprintf("arch/%s/configs", srcarch);
	offer_with_suffix(c, dir, "config");
	offer_sections(c, "config", "kconfig");
	c->fallback = COMPLETE_FALLBACK_FILES;
	free(dir);
}

/*
 * Add the configuration fragments in kernel/configs and in the directory of the
 * architecture.
 */
static void offer_fragments(struct complete *c, const char *unused)
{
	char srcarch[32], *dir;

	(void)unused;
	find_srcarch(c, srcarch);
	dir = xasprintf("arch/%s/configs", srcarch);
	offer_with_suffix(c, "kernel/configs", ".config");
	offer_with_suffix(c, dir, ".config");
	c->fallback = COMPLETE_FALLBACK_FILES;
	free(dir);
}

/*
 * If the typed text contains a "/", add only directories and the targets that
 * are built from sources.  Otherwise, add "kernel" and the targets that the
 * tree's Makefiles list in their help texts; if any text was typed, also add
 * the directories and the targets that match the text.
 */
static void offer_targets(struct complete *c, const char *unused)
{
	char srcarch[32], *of_arch;

	(void)unused;
	if (strchr(c->typed, '/')) {
		if (c->typed[0] != '/')
			offer_dir(c);
		return;
	}
	find_srcarch(c, srcarch);
	of_arch = xasprintf("arch/%s/Makefile", srcarch);
	complete_add_candidate(c, "kernel",
			       "the image that `make image_name` prints");
	offer_targets_from_help(c, "Makefile");
	offer_targets_from_help(c, of_arch);
	offer_targets_from_help(c, "scripts/kconfig/Makefile");
	if (c->typed[0])
		offer_dir(c);
	free(of_arch);
}

/* Add the ids of installed toolchains, without reading their manifests. */
static void offer_installed(struct complete *c, const char *unused)
{
	char *data = fs_data_home(), *dir = xasprintf("%s/toolchains", data);
	struct strv ids = { 0 };

	(void)unused;
	fs_list(dir, &ids);
	for (size_t i = 0; i < ids.n; i++) {
		if (ids.v[i][0] != '.')
			complete_add_candidate(c, ids.v[i], "installed");
	}
	strv_release(&ids);
	free(dir);
	free(data);
}

/* Return true if `name` is a release such as "gcc", "gcc-12" or "clang-14". */
static bool is_release(const char *name)
{
	size_t n = str_starts(name, "clang") ? 5 :
		   str_starts(name, "gcc")   ? 3 :
					       0;

	return n && (!name[n] ||
		     (name[n] == '-' && isdigit((unsigned char)name[n + 1]) &&
		      !name[n + 1 + strspn(name + n + 1, "0123456789.")]));
}

/* Add a program of PATH: "gcc-12" as a release, "arm-linux-gcc" as a prefix. */
static void offer_program(struct complete *c, const char *name, bool releases)
{
	char *prefix;

	if (releases && is_release(name))
		complete_add_candidate(c, name, "in PATH");
	if (!str_ends(name, "-gcc") || !strstr(name, "-linux"))
		return;
	prefix = xstrndup(name, strlen(name) - strlen("gcc"));
	complete_add_candidate(c, prefix, "in PATH");
	free(prefix);
}

/* Add the prefixes of compilers in PATH; if `releases`, also their releases. */
static void offer_programs(struct complete *c, bool releases)
{
	const char *path = getenv("PATH");
	struct strv dirs = { 0 }, names = { 0 };

	strv_split(&dirs, path ? path : "", ":");
	for (size_t i = 0; i < dirs.n; i++) {
		fs_list(dirs.v[i], &names);
		for (size_t j = 0; j < names.n; j++)
			offer_program(c, names.v[j], releases);
		strv_release(&names);
	}
	strv_release(&dirs);
}

static void offer_toolchains(struct complete *c, const char *unused)
{
	offer_installed(c, unused);
	offer_programs(c, true);
}

/* Add the prefixes of compilers in PATH for `kfarm toolchain adopt`. */
static void offer_prefixes(struct complete *c, const char *unused)
{
	(void)unused;
	offer_programs(c, false);
	c->fallback = COMPLETE_FALLBACK_FILES;
}

/* Add the trees of `kfarm tree`. */
static void offer_trees(struct complete *c, const char *unused)
{
	struct strv names = { 0 };
	struct err ignored;

	(void)unused;
	tree_datadir_list_names(&names, &ignored);
	for (size_t i = 0; i < names.n; i++)
		complete_add_candidate(c, names.v[i], NULL);
	strv_release(&names);
}

/* Add the branches and tags of the tree that --tree names. */
static void offer_revisions(struct complete *c, const char *unused)
{
	struct strv names = { 0 };
	char *dir = managed_tree_dir(c), *repository;

	(void)unused;
	if (!dir)
		return;
	repository = xasprintf("%s/repo.git", dir);
	tree_ref_names_list(repository, c->typed, REVISIONS_MAX, &names);
	for (size_t i = 0; i < names.n; i++)
		complete_add_candidate(c, names.v[i], NULL);
	strv_release(&names);
	free(repository);
	free(dir);
}

static void offer_command_names(struct complete *c, const char *unused)
{
	(void)unused;
	for (const struct cmd *const *i = c->commands; *i; i++)
		complete_add_candidate(c, (*i)->name, (*i)->help);
}

/*
 * Add the verbs of the command whose name is c->first_plain, the first word
 * that is not an option.
 */
static void offer_verb_names(struct complete *c, const char *unused)
{
	const struct cmd_verb *v;

	(void)unused;
	for (const struct cmd *const *i = c->commands; *i; i++) {
		if (!str_equal((*i)->name, c->first_plain) || !(*i)->verbs)
			continue;
		for (v = (*i)->verbs; v->name; v++)
			complete_add_candidate(c, v->name, v->help);
	}
}

/*
 * Map the name of a value, such as "DIR", to the function that adds candidates
 * for the value.  The tables of options and verbs use these names.  A name such
 * as "NAME" has a different meaning in different commands.
 */
static const struct source {
	const char *value_name;
	const char *cmd; /* only for this command; NULL: for all */
	void (*offer)(struct complete *c, const char *words);
	const char *words; /* argument of `offer` */
} sources[] = {
	{ "DIR", NULL, offer_dirs, NULL },
	{ "FILE", NULL, offer_files, NULL },
	{ "FARM", NULL, offer_files, NULL },
	{ "ARCHIVE", NULL, offer_files, NULL },
	{ "TARBALL", NULL, offer_files, NULL },
	{ "HEADER", NULL, offer_files, NULL },
	{ "ARCH", NULL, offer_arches, NULL },
	{ "HOST", NULL, offer_hosts, NULL },
	{ "T", NULL, offer_triplets, NULL },
	{ "TOOLCHAIN", NULL, offer_toolchains, NULL },
	{ "ID", NULL, offer_installed, NULL },
	{ "PREFIX", NULL, offer_prefixes, NULL },
	{ "KCONFIG", NULL, offer_kconfigs, NULL },
	{ "ADD", NULL, offer_fragments, NULL },
	{ "TARGET", NULL, offer_targets, NULL },
	{ "REV", NULL, offer_revisions, NULL },
	{ "TREE", NULL, offer_trees, NULL },
	{ "NAME", "tree", offer_trees, NULL },
	{ "NAME", "build", offer_trees, NULL },
	{ "NAME", "nodes", offer_nodes, NULL },
	{ "NAME", "nightly", offer_jobs, NULL },
	{ "JOB", NULL, offer_jobs, NULL },
	{ "LIST", NULL, offer_node_list, NULL },
	{ "ADDRESS", NULL, offer_words, "ssh: tls: exec: unix:" },
	{ "ENGINE", NULL, offer_words,
	  "docker kubernetes nomad podman slurm ssh" },
	{ "PROFILE", NULL, offer_profiles, NULL },
	{ "on", "nodes", offer_words, "on off reset" },
	{ "C", NULL, offer_words, "none lzo zstd" },
	{ "WHEN", NULL, offer_words, CMD_COLORS },
	{ "VIEW", "build", offer_words, CMD_BUILD_VIEWS },
	{ "VIEW", "top", offer_words, CMD_TOP_VIEWS },
	{ "BUILD", NULL, offer_dirs, NULL },
	{ "PATTERN", "nodes", offer_nodes, NULL },
	{ "POOL", "nodes", offer_pools, NULL },
	{ "TEAM", "nodes", offer_lists, NULL },
	{ "SITE", "nodes", offer_sites, NULL },
	{ "STATE", "nodes", offer_states, NODES_STATES },
	{ "STATE", "history", offer_words, CMD_STATES },
	{ "COMMAND", "help", offer_command_names, NULL },
	{ "VERB", "help", offer_verb_names, NULL },
};

void complete_option_value(struct complete *c, const char *what)
{
	struct strv kinds = { 0 };

	strv_split(&kinds, what, "[]=|");
	for (size_t i = 0; i < kinds.n; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(sources); k++) {
			const struct source *s = &sources[k];

			if (!strcmp(s->value_name, kinds.v[i]) &&
			    (!s->cmd || !strcmp(s->cmd, c->cmd->name)))
				s->offer(c, s->words);
		}
	}
	strv_release(&kinds);
}
