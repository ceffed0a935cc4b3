/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/toolchain.h"

#include "base/fs.h"
#include "base/log.h"
#include "toolchain/data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int toolchain_failed(const struct toolchain_request *r, int ret,
		     const struct err *err)
{
	log_error("toolchain %s: %s", r->verb, err->text);
	return ret == -ECANCELED ? EXIT_INTERRUPTED : EXIT_USAGE;
}

static bool is_true(const struct conf *c, const char *key)
{
	const char *value = conf_get(c, "toolchain", NULL, key);

	return value && !strcmp(value, "true");
}

static void load_lists(struct toolchain_request *r)
{
	conf_get_all(r->conf, "toolchain", NULL, "mirror", &r->mirrors);
	if (!r->mirrors.n)
		strv_add_all(&r->mirrors, toolchain_data_mirrors()->v);
	conf_get_all(r->conf, "toolchain", NULL, "key-file", &r->key_files);
	conf_get_all(r->conf, "toolchain", NULL, "key-source", &r->key_sources);
}

int toolchain_settings_load(struct toolchain_request *r, struct err *err)
{
	char *cache;
	int ret = settings_conf(&r->conf, &r->roster, err);

	if (ret)
		return ret;
	load_lists(r);
	r->sums_key = conf_get(r->conf, "toolchain", NULL, "sums-key");
	r->tar_key = conf_get(r->conf, "toolchain", NULL, "tar-key");
	r->strict = r->strict || is_true(r->conf, "strict");
	r->fetch = (struct fetch_options){
		.ca_file = conf_get(r->conf, "toolchain", NULL, "ca-file"),
		.allow_http = is_true(r->conf, "http"),
		.cancel = settings_catch_signals(),
	};
	r->data = fs_data_home();
	cache = fs_cache_home();
	r->downloads = xasprintf("%s/downloads", cache);
	free(cache);
	return 0;
}

void toolchain_settings_release(struct toolchain_request *r)
{
	strv_release(&r->words);
	strv_release(&r->arches);
	strv_release(&r->triplets);
	strv_release(&r->hosts);
	strv_release(&r->library_files);
	strv_release(&r->library_debs);
	strv_release(&r->mirrors);
	strv_release(&r->key_files);
	strv_release(&r->key_sources);
	node_roster_release(&r->roster);
	conf_free(r->conf);
	free(r->data);
	free(r->downloads);
}

static char *age_text(int64_t seconds)
{
	static const struct {
		int64_t seconds;
		const char *one, *many;
	} units[] = {
		{ 86400, "day", "days" },
		{ 3600, "hour", "hours" },
		{ 60, "minute", "minutes" },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		int64_t n = seconds / units[i].seconds;

		if (n > 0)
			return xasprintf("%lld %s", (long long)n,
					 n == 1 ? units[i].one : units[i].many);
	}
	return xstrdup("less than a minute");
}

/* ---------------------------------------------------------- the catalog */

struct asking {
	struct progress *progress;
	size_t row;
};

static void on_progress(void *ctx, unsigned done, unsigned total)
{
	struct asking *a = ctx;

	progress_count(a->progress, a->row, "asking for listings", done, total);
	progress_tick(a->progress);
}

static void log_catalog_age(const struct toolchain_request *r,
			    const struct toolchain_catalog *c)
{
	char *age = age_text(time(NULL) - c->fetched);

	for (size_t i = 0; i < c->warnings.n; i++)
		log_warning("%s", c->warnings.v[i]);
	if (c->stale)
		log_warning("%s; this is the listing of %s ago", c->stale, age);
	else if (!r->json)
		log_info("listing of %s, %s old (--refresh asks again)",
			 r->mirrors.v[0], age);
	free(age);
}

/* A compiler need not come from a server. */
static int without_servers(int ret, struct err *err)
{
	char *why = xstrdup(err->text);

	err_set(err, -ret,
		"%s\n  without a server: `kfarm toolchain install --file "
		"ARCHIVE`, or `kfarm toolchain adopt PREFIX`",
		why);
	free(why);
	return ret;
}

int toolchain_settings_catalog(struct toolchain_request *r, bool clang,
			       struct toolchain_catalog *out, struct err *err)
{
	char *file = toolchain_catalog_file();
	struct asking a = { .progress = progress_new() };
	struct fetch_options fetch = r->fetch;
	struct toolchain_catalog_setup setup = {
		.file = file,
		.mirrors = &r->mirrors,
		.fetch = &fetch,
		.refresh = r->refresh,
		.clang = clang,
		.progress = on_progress,
		.ctx = &a,
	};
	int ret;

	/* Without a network there is the cache, so it is not waited for long.
	 */
	fetch.tries = r->mirrors.n > 1 ? 1 : 2;
	a.row = progress_add(a.progress, r->mirrors.v[0]);
	ret = toolchain_catalog_load(out, &setup, err);
	progress_free(a.progress);
	free(file);
	if (!ret)
		log_catalog_age(r, out);
	return ret && ret != -ECANCELED ? without_servers(ret, err) : ret;
}

/* ------------------------------------------------------- the installed */

int toolchain_settings_installed(const struct toolchain_request *r,
				 struct toolchain_installed_list *out,
				 struct err *err)
{
	int ret = toolchain_installed_list(r->data, out, err);

	for (size_t i = 0; !ret && i < out->broken.n; i++)
		log_warning("%s; `kfarm toolchain remove` takes it away",
			    out->broken.v[i]);
	return ret;
}

static int no_such_toolchain(const struct toolchain_installed_list *list,
			     const char *name, struct err *err)
{
	struct strv names = { 0 };
	char *text;

	for (size_t i = 0; i < list->n; i++)
		strv_add(&names, list->v[i].id);
	text = strv_join(&names, ", ");
	err_set(err, ENOENT, "there is no toolchain \"%s\"%s%s", name,
		names.n ? "; there are: " : "; none is installed",
		names.n ? text : "");
	free(text);
	strv_release(&names);
	return -ENOENT;
}

int toolchain_settings_find(const struct toolchain_installed_list *list,
			    const char *name,
			    const struct toolchain_installed **out,
			    struct err *err)
{
	const struct toolchain_installed *found = NULL;

	for (size_t i = 0; i < list->n; i++) {
		const struct toolchain_installed *t = &list->v[i];

		if (!strcmp(t->id, name)) {
			*out = t;
			return 0;
		}
		if (strcmp(t->release, name) != 0)
			continue;
		if (found)
			return err_set(err, ENOTUNIQ,
				       "\"%s\" is %s and %s; name one", name,
				       found->id, t->id);
		found = t;
	}
	if (!found)
		return no_such_toolchain(list, name, err);
	*out = found;
	return 0;
}
