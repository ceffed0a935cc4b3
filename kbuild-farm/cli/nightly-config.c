/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nightly.h"

#include "base/fs.h"
#include "base/log.h"
#include "cli/configs.h"
#include "cli/settings.h"
#include "kernel/kconfig-find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* As a word of the section that stands in the file. */
static void place_words(struct strv *words, const char *where)
{
	for (size_t i = 0; i < words->n; i++) {
		char *word = configs_word_of_file(words->v[i], where);

		free(words->v[i]);
		words->v[i] = word;
	}
}

int nightly_load(struct nightly_jobs *jobs, struct strv *standard,
		 struct err *err)
{
	struct node_roster none = { .off = true };
	struct conf *conf = NULL;
	int ret = settings_conf(&conf, &none, err);

	if (!ret)
		ret = nightly_jobs_load(jobs, conf, err);
	for (size_t i = 0; !ret && i < jobs->n; i++) {
		struct nightly_job *j = &jobs->v[i];

		place_words(&j->kconfigs, j->where);
		place_words(&j->kconfig_add, j->where);
	}
	conf_free(conf);
	return ret ? ret : settings_standard(standard, err);
}

/* ---- the texts ---- */

static void digest_text(struct digest_run *into, const char *text)
{
	digest_add(into, bytes_str(text));
	digest_add(into, bytes_of("", 1));
}

static const char *fetched_text(const struct kernel_fetched *f,
				const char *word)
{
	for (size_t i = 0; f && i < f->url.n; i++) {
		if (!strcmp(f->url.v[i], word))
			return f->text.v[i];
	}
	return NULL;
}

/*
 * What a tree has is told by its commit, and what is no file now may be of the
 * tree; so is a path that is not absolute unless there is such a file here.
 */
static int add_word_and_text(struct digest_run *into,
			     const struct kernel_request *r, const char *word,
			     struct err *err)
{
	const char *text = fetched_text(r->fetched, word);
	char hex[DIGEST_HEX];
	struct digest d;
	int ret = 0;

	digest_text(into, word);
	if (text) {
		digest_text(into, text);
	} else if (strchr(word, '/') && fs_exists(word) && !fs_is_dir(word)) {
		ret = digest_file(word, &d, err);
		digest_hex(&d, hex);
		digest_text(into, hex);
	}
	return ret;
}

static int add_request(struct digest_run *into, const struct kernel_request *r,
		       struct err *err)
{
	const struct kernel_named *n = r->named;
	int ret = 0;

	if (n && n->kconfig)
		ret = add_word_and_text(into, r, n->kconfig, err);
	else if (!n && r->kconfig)
		ret = add_word_and_text(into, r, r->kconfig, err);
	for (size_t i = 0; !ret && n && i < n->add.n; i++)
		ret = add_word_and_text(into, r, n->add.v[i], err);
	for (size_t i = 0; !ret && i < r->kconfig_add.n; i++)
		ret = add_word_and_text(into, r, r->kconfig_add.v[i], err);
	return ret;
}

int nightly_config_texts(void *ctx, const char *kconfig,
			 const struct strv *kconfig_add,
			 struct digest_run *into, struct err *err)
{
	struct kernel_request r = { .kconfig = kconfig,
				    .kconfig_add = *kconfig_add };
	struct configs *configs = configs_new();
	int ret = configs_find(configs, &r, err);

	(void)ctx;
	if (!ret)
		ret = add_request(into, &r, err);
	configs_free(configs);
	return ret;
}

int nightly_check_names(const struct nightly_request *r,
			const struct nightly_jobs *jobs, struct err *err)
{
	struct strv names = { 0 };
	char *all;
	int ret = 0;

	for (size_t i = 0; i < jobs->n; i++)
		strv_add(&names, jobs->v[i].name);
	all = strv_join(&names, ", ");
	for (size_t i = 0; !ret && i < r->words.n; i++) {
		if (!strv_has(&names, r->words.v[i]))
			ret = err_set(err, ENOENT, "no [nightly \"%s\"]%s%s",
				      r->words.v[i],
				      names.n ? "; there are: " : "", all);
	}
	if (!ret && !jobs->n)
		ret = err_set(err, ENOENT,
			      "the configuration has no [nightly \"NAME\"]; "
			      "kfarm.conf(5) says what one consists of");
	free(all);
	strv_release(&names);
	return ret;
}
