/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/tree.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/url.h"
#include "conf/conf.h"
#include "tree/add.h"
#include "tree/home.h"
#include "tree/update.h"
#include "tree/url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX   1000000
#define TIMEOUT_MAX 86400

static void on_progress(void *ctx, const char *word, uint64_t done,
			uint64_t total)
{
	struct tree_show *s = ctx;

	progress_count(s->progress, s->row, word, done, total);
}

static void on_tick(void *ctx)
{
	progress_tick(((struct tree_show *)ctx)->progress);
}

/* Printed when the table is off the screen. */
static void on_note(void *ctx, const char *text)
{
	strv_add(&((struct tree_show *)ctx)->notes, text);
}

static void show_begin(struct tree_show *s, const char *name,
		       unsigned silence_s)
{
	*s = (struct tree_show){
		.watch = { .progress = on_progress,
			   .tick = on_tick,
			   .note = on_note,
			   .ctx = s,
			   .cancel = settings_catch_signals(),
			   .silence_s = silence_s },
		.progress = progress_new(),
	};
	s->row = progress_add(s->progress, name);
}

static void show_end(struct tree_show *s)
{
	progress_free(s->progress);
	for (size_t i = 0; i < s->notes.n; i++)
		log_info("%s", s->notes.v[i]);
	strv_release(&s->notes);
}

static int tree_failed(const struct tree_request *r, int ret, const char *name,
		       const struct err *err)
{
	if (ret == -ECANCELED)
		log_error("tree %s: %s: interrupted; the same command does it "
			  "again",
			  r->verb, name);
	else
		log_error("tree %s: %s: %s", r->verb, name, err->text);
	return ret == -ECANCELED ? EXIT_INTERRUPTED : EXIT_USAGE;
}

static int parse_number(const char *option, const char *text, long most,
			unsigned *out, struct err *err)
{
	long n = 0;

	if (text && str_number(text, 1, most, &n))
		return err_set(err, EINVAL,
			       "--%s: \"%s\" is not a number from 1 to %ld",
			       option, text, most);
	*out = (unsigned)n;
	return 0;
}

/* -------------------------------------------------------------------- add */

/* What is to be written is not there with another value, and can be. */
static int check_configuration(const char *name, const char *source,
			       struct err *err)
{
	struct conf *conf = NULL;
	const char *url;
	char *file = conf_user_file(), *path = NULL, *at, *shown;
	int ret = conf_load(&conf, NULL, err);

	/* KFARM_CONFIG may name a file that is made now. */
	if (ret == -ENOENT && !fs_exists(file))
		ret = 0;
	url = conf ? conf_get(conf, "tree", name, "url") : NULL;
	if (url)
		path = realpath(source, NULL);
	if (!ret && url && strcmp(url, source) != 0 && !str_equal(url, path)) {
		at = conf_where(conf, "tree", name, "url");
		shown = url_shown(url);
		ret = err_set(err, EEXIST,
			      "%s says that it comes from %s: `kfarm tree "
			      "update %s` adds that, `kfarm tree remove %s` "
			      "takes it out",
			      at, shown, name, name);
		free(shown);
		free(at);
	}
	free(path);
	free(file);
	conf_free(conf);
	return ret;
}

static int write_configuration(const char *name, const char *url,
			       struct err *err)
{
	struct conf *conf = NULL;
	const char *now = NULL;
	int ret = 0;

	if (!conf_load(&conf, NULL, err))
		now = conf_get(conf, "tree", name, "url");
	if (!str_equal(now, url))
		ret = conf_set("tree", name, "url", url, err);
	if (ret)
		err_wrap(err,
			 "the tree is there, but not in the configuration");
	conf_free(conf);
	return ret;
}

int tree_add_main(struct tree_request *r)
{
	const char *name = r->words.v[0];
	struct tree_add a = { .name = name,
			      .source = r->words.v[1],
			      .in_place = r->in_place,
			      .branches = r->branches };
	struct err err = { 0 };
	struct tree_show show;
	unsigned silence_s = 0;
	char *url = NULL, *shown;
	int ret;

	ret = parse_number("depth", r->depth, DEPTH_MAX, &a.depth, &err);
	if (!ret)
		ret = parse_number("timeout", r->timeout, TIMEOUT_MAX,
				   &silence_s, &err);
	if (!ret)
		ret = tree_home_check_name(name, &err);
	if (!ret)
		ret = check_configuration(name, a.source, &err);
	if (ret)
		return tree_failed(r, ret, name, &err);
	show_begin(&show, name, silence_s);
	a.watch = &show.watch;
	ret = tree_add(&a, &url, &err);
	show_end(&show);
	if (!ret)
		ret = write_configuration(name, url, &err);
	if (!ret) {
		shown = url_shown(url);
		printf("added %s from %s\n", name, shown);
		free(shown);
	}
	free(url);
	return ret ? tree_failed(r, ret, name, &err) : EXIT_OK;
}

/* ----------------------------------------------------------------- update */

/* Those that are there, and those that the configuration alone knows. */
static int all_trees(struct strv *names, struct err *err)
{
	struct conf *conf = NULL;
	int ret = tree_home_names(names, err);

	if (!ret)
		ret = conf_load(&conf, NULL, err);
	if (!ret)
		conf_subsections(conf, "tree", names);
	strv_sort_unique(names);
	conf_free(conf);
	return ret;
}

static int update_one(struct tree_request *r, const char *name,
		      unsigned silence_s)
{
	struct err err = { 0 };
	struct tree_show show;
	int ret;

	show_begin(&show, name, silence_s);
	ret = tree_update(name, &show.watch, &err);
	show_end(&show);
	return ret ? tree_failed(r, ret, name, &err) : EXIT_OK;
}

int tree_update_main(struct tree_request *r)
{
	struct strv names = { 0 };
	struct err err = { 0 };
	unsigned silence_s = 0;
	int status = EXIT_OK;
	int ret = parse_number("timeout", r->timeout, TIMEOUT_MAX, &silence_s,
			       &err);

	strv_add_all(&names, strv_list(&r->words));
	if (!ret && !names.n)
		ret = all_trees(&names, &err);
	if (ret) {
		log_error("tree update: %s", err.text);
		strv_release(&names);
		return EXIT_USAGE;
	}
	if (!names.n)
		log_info("there are no trees; add one with `kfarm tree add`");
	for (size_t i = 0; i < names.n && status != EXIT_INTERRUPTED; i++) {
		int one = update_one(r, names.v[i], silence_s);

		status = one ? one : status;
	}
	strv_release(&names);
	return status;
}

/* ----------------------------------------------------------------- remove */

struct removal {
	const char *name;
	char *what;
	struct err err;
};

static int run_removal(void *arg)
{
	struct removal *r = arg;

	return tree_remove(r->name, &r->what, &r->err);
}

/* Its section of the configuration: 0, or -ENOENT where there is none. */
static int forget_configured(const char *name, struct err *err)
{
	struct conf *conf = NULL;
	struct err ignored;
	char *at = NULL;
	int ret = conf_remove("tree", name, err);

	if (ret == -ENOENT && !conf_load(&conf, NULL, &ignored))
		at = conf_where(conf, "tree", name, "url");
	if (at)
		ret = err_set(err, EPERM,
			      "it is still set in %s; change that file", at);
	free(at);
	conf_free(conf);
	return ret;
}

static int remove_one(struct tree_request *r, const char *name)
{
	struct removal one = { .name = name };
	struct err err = { 0 };
	int ret = progress_run(name, "removing", run_removal, &one);
	int other = ret && ret != -ENOENT ? ret : forget_configured(name, &err);

	/* One that was never cloned is in the configuration alone. */
	if (ret == -ENOENT && !other)
		printf("%s: taken out of the configuration\n", name);
	else if (!ret)
		printf("%s\n", one.what);
	if (ret == -ENOENT && other != -ENOENT)
		ret = other;
	else if (ret)
		err = one.err;
	else if (other != -ENOENT)
		ret = other;
	free(one.what);
	return ret ? tree_failed(r, ret, name, &err) : EXIT_OK;
}

int tree_remove_main(struct tree_request *r)
{
	int status = EXIT_OK;

	for (size_t i = 0; i < r->words.n; i++) {
		int one = remove_one(r, r->words.v[i]);

		status = one ? one : status;
	}
	return status;
}
