/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What options and words of the tables mean, by the names that they have there.
 */
#include "base/fs.h"
#include "cli/complete-tree.h"
#include "cli/complete.h"
#include "conf/conf.h"
#include "node/profile.h"
#include "toolchain/data.h"
#include "tree/home.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Of a list between commas the last is to be completed. */
static void keep_list(struct complete *c)
{
	const char *comma = strrchr(c->typed, ',');
	char *kept;

	if (!comma)
		return;
	kept = xasprintf("%s%.*s", c->kept, (int)(comma + 1 - c->typed),
			 c->typed);
	free(c->kept);
	c->kept = kept;
	c->typed = comma + 1;
}

static void offer_words(struct complete *c, const char *list)
{
	struct strv words = { 0 };

	strv_split(&words, list, " ");
	for (size_t i = 0; i < words.n; i++)
		complete_offer(c, words.v[i], NULL);
	strv_release(&words);
}

static void offer_files(struct complete *c, const char *unused)
{
	(void)unused;
	c->by_shell = COMPLETE_FILES;
}

static void offer_dirs(struct complete *c, const char *unused)
{
	(void)unused;
	c->by_shell = COMPLETE_DIRS;
}

static void offer_arches(struct complete *c, const char *unused)
{
	const struct toolchain_arch *a;

	(void)unused;
	keep_list(c);
	for (size_t i = 0; (a = toolchain_data_arch_at(i)); i++)
		complete_offer(c, a->arch, NULL);
}

static void offer_hosts(struct complete *c, const char *unused)
{
	const struct toolchain_host *h;

	(void)unused;
	keep_list(c);
	for (size_t i = 0; (h = toolchain_data_host_at(i)); i++)
		complete_offer(c, h->name, NULL);
}

static void offer_triplets(struct complete *c, const char *unused)
{
	const struct toolchain_arch *a;

	(void)unused;
	keep_list(c);
	for (size_t i = 0; (a = toolchain_data_arch_at(i)); i++) {
		for (size_t j = 0; j < a->triplets.n; j++)
			complete_offer(c, a->triplets.v[j], a->arch);
	}
}

/* ---- the configuration ---- */

/* Subsections: [node "desk"]; with what `key` of them says. */
static void offer_sections(struct complete *c, const char *section,
			   const char *key)
{
	struct strv names = { 0 };
	struct conf *conf = NULL;
	struct err ignored;

	if (!conf_load(&conf, NULL, &ignored)) {
		conf_subsections(conf, section, &names);
		for (size_t i = 0; i < names.n; i++)
			complete_offer(
				c, names.v[i],
				conf_get(conf, section, names.v[i], key));
	}
	conf_free(conf);
	strv_release(&names);
}

static void offer_nodes(struct complete *c, const char *unused)
{
	(void)unused;
	offer_sections(c, "node", "address");
}

static void offer_profiles(struct complete *c, const char *unused)
{
	struct strv names = { 0 };

	(void)unused;
	node_profile_names(&names);
	for (size_t i = 0; i < names.n; i++)
		complete_offer(c, names.v[i], NULL);
	strv_release(&names);
	c->by_shell = COMPLETE_FILES;
}

static void offer_jobs(struct complete *c, const char *unused)
{
	(void)unused;
	offer_sections(c, "nightly", "tree");
}

static void offer_node_list(struct complete *c, const char *unused)
{
	(void)unused;
	if (!strchr(c->typed, ','))
		offer_words(c, "all none");
	keep_list(c);
	offer_sections(c, "node", "address");
}

static void offer_kconfigs(struct complete *c, const char *unused)
{
	(void)unused;
	complete_tree_kconfigs(c);
	offer_sections(c, "config", "kconfig");
	c->by_shell = COMPLETE_FILES;
}

static void offer_fragments(struct complete *c, const char *unused)
{
	(void)unused;
	complete_tree_fragments(c);
	c->by_shell = COMPLETE_FILES;
}

static void offer_targets(struct complete *c, const char *unused)
{
	(void)unused;
	complete_tree_targets(c);
}

/* ---- what is on the disk ---- */

static void offer_installed(struct complete *c, const char *unused)
{
	char *data = fs_data_home(), *dir = xasprintf("%s/toolchains", data);
	struct strv ids = { 0 };

	(void)unused;
	fs_list(dir, &ids);
	for (size_t i = 0; i < ids.n; i++) {
		if (ids.v[i][0] != '.')
			complete_offer(c, ids.v[i], "installed");
	}
	strv_release(&ids);
	free(dir);
	free(data);
}

/* "gcc", "gcc-12", "clang-14" */
static bool is_release(const char *name)
{
	size_t n = str_starts(name, "clang") ? 5 :
		   str_starts(name, "gcc")   ? 3 :
					       0;

	return n && (!name[n] ||
		     (name[n] == '-' && isdigit((unsigned char)name[n + 1]) &&
		      !name[n + 1 + strspn(name + n + 1, "0123456789.")]));
}

static void offer_program(struct complete *c, const char *name, bool releases)
{
	char *prefix;

	if (releases && is_release(name))
		complete_offer(c, name, "in PATH");
	if (!str_ends(name, "-gcc") || !strstr(name, "-linux"))
		return;
	prefix = xstrndup(name, strlen(name) - strlen("gcc"));
	complete_offer(c, prefix, "in PATH");
	free(prefix);
}

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

static void offer_prefixes(struct complete *c, const char *unused)
{
	(void)unused;
	offer_programs(c, false);
	c->by_shell = COMPLETE_FILES;
}

static void offer_trees(struct complete *c, const char *unused)
{
	struct strv names = { 0 };
	struct err ignored;

	(void)unused;
	tree_home_names(&names, &ignored);
	for (size_t i = 0; i < names.n; i++)
		complete_offer(c, names.v[i], NULL);
	strv_release(&names);
}

static void offer_revisions(struct complete *c, const char *unused)
{
	(void)unused;
	complete_tree_revisions(c);
}

/* ---- the commands themselves ---- */

static void offer_command_names(struct complete *c, const char *unused)
{
	(void)unused;
	for (const struct cmd *const *i = c->commands; *i; i++)
		complete_offer(c, (*i)->name, (*i)->help);
}

/* Of the command that the first word names. */
static void offer_verb_names(struct complete *c, const char *unused)
{
	const struct cmd_verb *v;

	(void)unused;
	for (const struct cmd *const *i = c->commands; *i; i++) {
		if (!str_equal((*i)->name, c->first_plain) || !(*i)->verb)
			continue;
		for (size_t j = 0; (v = (*i)->verb(j)); j++)
			complete_offer(c, v->name, v->help);
	}
}

/* ---- by name ---- */

static const struct source {
	const char *what;
	const char *cmd; /* only there; NULL: anywhere */
	void (*offer)(struct complete *c, const char *words);
	const char *words;
} sources[] = {
	{ "DIR", NULL, offer_dirs, NULL },
	{ "FILE", NULL, offer_files, NULL },
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
	{ "PROFILE", NULL, offer_profiles, NULL },
	{ "on", "nodes", offer_words, "on off reset" },
	{ "C", NULL, offer_words, "none lzo zstd" },
	{ "WHEN", NULL, offer_words, CMD_COLORS },
	{ "VIEW", "build", offer_words, CMD_BUILD_VIEWS },
	{ "VIEW", "top", offer_words, CMD_TOP_VIEWS },
	{ "BUILD", NULL, offer_dirs, NULL },
	{ "STATE", "history", offer_words, CMD_STATES },
	{ "COMMAND", "help", offer_command_names, NULL },
	{ "VERB", "help", offer_verb_names, NULL },
};

static void complete_as(struct complete *c, const char *what)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		const struct source *s = &sources[i];

		if (!strcmp(s->what, what) &&
		    (!s->cmd || !strcmp(s->cmd, c->cmd->name)))
			s->offer(c, s->words);
	}
}

void complete_value(struct complete *c, const char *what)
{
	struct strv kinds = { 0 };

	strv_split(&kinds, what, "[]=|");
	for (size_t i = 0; i < kinds.n; i++)
		complete_as(c, kinds.v[i]);
	strv_release(&kinds);
}
