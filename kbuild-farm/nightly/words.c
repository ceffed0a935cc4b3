/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/words.h"

#include <stdlib.h>
#include <string.h>

extern char **environ;

/* What decides what is built, or in which words a compiler speaks. */
static const char *const dropped[] = {
	"ARCH",  "CROSS_COMPILE", "LLVM",     "O",      "KBUILD_OUTPUT",
	"KFARM", "MAKEFLAGS",     "LANGUAGE", "LC_ALL",
};

static void add_option_word(struct strv *out, const char *option,
			    const char *value)
{
	if (!value)
		return;
	strv_add(out, option);
	strv_add(out, value);
}

static void add_build_words(struct strv *out, const struct nightly_plan *p,
			    const char *commit)
{
	const struct nightly_job *j = p->job;

	strv_add(out, "kfarm");
	strv_add(out, "build");
	add_option_word(out, "--tree", j->tree);
	add_option_word(out, "--rev", commit);
	add_option_word(out, "-a", p->arch);
	add_option_word(out, "-t", p->toolchain);
	add_option_word(out, "-k", p->kconfig);
	for (size_t i = 0; i < j->kconfig_add.n; i++)
		add_option_word(out, "-K", j->kconfig_add.v[i]);
}

static void add_goals(struct strv *out, const struct nightly_job *j)
{
	/* None of them is an option, whatever it looks like. */
	if (j->variables.n || j->targets.n)
		strv_add(out, "--");
	strv_add_all(out, strv_list(&j->variables));
	strv_add_all(out, strv_list(&j->targets));
}

void nightly_words_shown(struct strv *out, const struct nightly_plan *p,
			 const char *commit)
{
	add_build_words(out, p, commit);
	if (p->job->options)
		strv_split(out, p->job->options, " \t");
	strv_add_all(out, strv_list(&p->job->variables));
	strv_add_all(out, strv_list(&p->job->targets));
}

void nightly_words_run(struct strv *out, const struct nightly_plan *p,
		       const char *commit, const struct nightly_how *how)
{
	char *job = xasprintf("%s%s", p->job->name,
			      how->searching ? "/bisect" : "");

	add_build_words(out, p, commit);
	add_option_word(out, "-o", how->dir);
	add_option_word(out, "--nightly", job);
	strv_add(out, "-W");
	add_option_word(out, "--ui", how->verbose ? "plain" : "none");
	free(job);
	add_goals(out, p->job);
}

void nightly_words_env(struct strv *out, const struct nightly_job *job)
{
	for (char **e = environ; *e; e++) {
		bool drop = false;

		for (size_t i = 0; i < sizeof(dropped) / sizeof(*dropped);
		     i++) {
			size_t n = strlen(dropped[i]);

			drop = drop ||
			       (!strncmp(*e, dropped[i], n) && (*e)[n] == '=');
		}
		if (!drop)
			strv_add(out, *e);
	}
	strv_add(out, "LC_ALL=C.UTF-8");
	if (job->options)
		strv_addf(out, "KFARM=%s", job->options);
}
