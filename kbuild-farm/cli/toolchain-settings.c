/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fs.h"
#include "base/log.h"
#include "base/spellcheck.h"
#include "base/url.h"
#include "base/vec.h"
#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/toolchain.h"
#include "compiler/bfd-plugins.h"
#include "toolchain/builtin.h"
#include "toolchain/link.h"
#include "toolchain/tool-name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

int toolchain_log_error(const struct toolchain_request *r, int ret,
			const struct err *err)
{
	log_error("toolchain %s: %s", r->verb, err->text);
	return ret == -ECANCELED ? EXIT_INTERRUPTED : EXIT_USAGE;
}

/*
 * Format a duration in the largest unit that yields at least 1, such as
 * "3 days", or as "less than a minute".  The caller frees the result.
 */
static char *format_age(int64_t seconds)
{
	static const struct {
		int64_t seconds;
		const char *one, *many;
	} units[] = {
		{ 86400, "day", "days" },
		{ 3600, "hour", "hours" },
		{ 60, "minute", "minutes" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		int64_t n = seconds / units[i].seconds;

		if (n > 0)
			return xasprintf("%lld %s", (long long)n,
					 n == 1 ? units[i].one : units[i].many);
	}
	return xstrdup("less than a minute");
}

/* The progress row of a catalog download. */
struct catalog_progress {
	struct progress *progress;
	size_t row;
};

static void on_progress(void *ctx, unsigned done, unsigned total)
{
	struct catalog_progress *a = ctx;

	progress_count(a->progress, a->row, "downloading listings", done,
		       total);
	progress_tick(a->progress);
}

int toolchain_settings_catalog(struct toolchain_request *r, bool clang,
			       struct toolchain_catalog *out, struct err *err)
{
	char *file = toolchain_catalog_default_path();
	struct catalog_progress a = { .progress = progress_new() };
	struct fetch_options fetch = r->fetch;
	struct toolchain_catalog_setup setup = {
		.cache_path = file,
		.mirrors = &r->mirrors,
		.fetch = &fetch,
		.refresh = r->refresh,
		.for_clang = clang,
		.on_progress = on_progress,
		.ctx = &a,
	};
	char *mirror = url_redact(r->mirrors.v[0]);
	char *age, *why;
	int ret;

	/*
	 * Do not retry a server if several are configured.  Retry a single
	 * server only once, because the cached catalog can be used instead.
	 */
	fetch.n_tries = r->mirrors.n > 1 ? 1 : 2;
	a.row = progress_add(a.progress, mirror);
	ret = toolchain_catalog_load(out, &setup, err);
	progress_free(a.progress);
	free(file);
	if (ret == -ECANCELED)
		goto out;
	if (ret) {
		why = xstrdup(err->text);
		err_set(err, -ret,
			"%s\n  without a server, use `kfarm toolchain install "
			"--file ARCHIVE` or `kfarm toolchain adopt PREFIX`",
			why);
		free(why);
		goto out;
	}

	age = format_age(time(NULL) - out->fetched_s);
	for (size_t i = 0; i < out->warnings.n; i++)
		log_warning("%s", out->warnings.v[i]);
	if (out->refresh_error)
		log_warning("%s; using a listing that is %s old",
			    out->refresh_error, age);
	else if (!r->json)
		log_info("listing of %s, %s old (--refresh updates it)", mirror,
			 age);
	free(age);
out:
	free(mirror);
	return ret;
}

int toolchain_settings_installed(const struct toolchain_request *r,
				 struct toolchain_installed_list *out,
				 struct err *err)
{
	int ret = toolchain_installed_list(r->data_dir, out, err);

	for (size_t i = 0; !ret && i < out->broken.n; i++)
		log_warning("%s; `kfarm toolchain remove` removes it",
			    out->broken.v[i]);
	return ret;
}

char *toolchain_settings_suggest_arch(const char *arch, const char *otherwise)
{
	const struct toolchain_arch *known;
	struct spellcheck n;

	spellcheck_init(&n, arch);
	for (size_t i = 0; (known = toolchain_builtin_arch_at(i)); i++)
		spellcheck_add(&n, known->arch);
	return spellcheck_suggestion(&n, "", otherwise);
}

int toolchain_settings_find(const struct toolchain_installed_list *list,
			    const char *name,
			    const struct toolchain_installed **out,
			    struct err *err)
{
	const struct toolchain_installed *found = NULL;
	struct strv names = { 0 };
	char *text;

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
				       "\"%s\" is ambiguous: %s or %s", name,
				       found->id, t->id);
		found = t;
	}
	if (found) {
		*out = found;
		return 0;
	}

	for (size_t i = 0; i < list->n; i++)
		strv_add(&names, list->v[i].id);
	text = strv_join(&names, ", ");
	err_set(err, ENOENT, "no such toolchain \"%s\"%s%s", name,
		names.n ? "; installed: " : "; none is installed",
		names.n ? text : "");
	free(text);
	strv_release(&names);
	return -ENOENT;
}

/* Remove from `links` each path of a file in `dir` that is not in `made`. */
static void drop_unpublished(struct strv *links, const char *dir,
			     const struct strv *made)
{
	struct strv rest = { 0 };

	for (size_t i = 0; i < links->n; i++) {
		const char *name = str_skip_dir(links->v[i], dir);

		if (!name || strchr(name, '/') || strv_has(made, links->v[i]))
			strv_add(&rest, links->v[i]);
	}
	strv_release(links);
	*links = rest;
}

/*
 * Publish the names in the directory `dir`.  Adds the new links to the list
 * `links`, and removes from `links` the links in `dir` that are no longer
 * published.  If names already belong to other files, logs a warning for each
 * of the first three names, and one warning with the number of the others.
 */
static int publish_in(const char *dir, struct toolchain_link_request w,
		      struct strv *links, struct err *err)
{
	struct strv made = { 0 }, taken = { 0 };
	int ret;

	w.link_dir = dir;
	ret = toolchain_link_publish(&w, &made, &taken, err);
	if (!ret)
		drop_unpublished(links, dir, &made);
	for (size_t i = 0; !ret && i < made.n; i++) {
		if (!strv_has(links, made.v[i]))
			strv_add(links, made.v[i]);
	}
	for (size_t i = 0; !ret && i < taken.n && i < 3; i++)
		log_warning("link not created: %s", taken.v[i]);
	if (!ret && taken.n > 3)
		log_warning(
			"%zu other links were not created either: %s contains "
			"other files with these names",
			taken.n - 3, dir);
	strv_release(&made);
	strv_release(&taken);
	return ret;
}

/*
 * nm, ar and ranlib load BFD plugins from a directory relative to their own
 * path.  For an adopted toolchain, which kfarm did not install, this directory
 * can contain plugins of other compilers.  Copy these tools to `copies`.  The
 * published names lead to the copies, which load only the plugins of their own
 * compiler.
 */
static int copy_plugin_tools(const struct toolchain_installed *t,
			     const char *copies, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; copies && ret >= 0 && i < t->tools.n; i++) {
		const char *tool = t->tools.v[i];

		if (!compiler_bfd_plugins_is_loader_name(str_base(tool)))
			continue;
		ret = fs_mkdirs(copies, 0777, err);
		if (!ret)
			ret = compiler_bfd_plugins_copy_tool(
				copies, tool, str_base(tool), err);
	}
	return ret < 0 ? ret : 0;
}

int toolchain_names_publish(const struct toolchain_request *r,
			    struct toolchain_installed *t, struct err *err)
{
	char *dir = toolchain_link_dir(r->data_dir);
	char *copies = toolchain_link_copies_dir(t);
	char *links = r->link_dir ? fs_make_absolute(r->link_dir) : NULL;
	struct toolchain_release release;
	struct strv before = { 0 };
	struct err ignored;
	int ret = toolchain_release_parse(t->release, &release, err);

	strv_add_all(&before, strv_list(&t->links));
	if (!ret && !strcmp(t->host, toolchain_host_arch())) {
		struct toolchain_link_request w = {
			.data_dir = r->data_dir,
			.bin_dir = t->bin,
			.copies_dir = copies,
			.driver = t->driver,
			.triplet = t->triplet,
			.release = &release,
			.recorded = &t->links,
		};

		ret = copy_plugin_tools(t, copies, err);
		if (!ret)
			ret = publish_in(dir, w, &t->links, err);
		if (!ret && links)
			ret = publish_in(links, w, &t->links, err);
	}
	/* Also record the links in `dir` if publishing in `links` failed. */
	if (!strv_equal(&t->links, &before)) {
		int written = toolchain_installed_write(t,
							ret ? &ignored : err);

		ret = ret ? ret : written;
	}
	strv_release(&before);
	free(links);
	free(copies);
	free(dir);
	return ret;
}

const char *toolchain_host_arch(void)
{
	const struct toolchain_host *h = toolchain_builtin_local_host();
	static struct utsname u;

	if (h)
		return h->name;
	uname(&u);
	return u.machine;
}

/*
 * Describe how a toolchain was verified, such as "by sha256sums.asc, signed by
 * B8868...".  The caller frees the result.
 */
static char *verified_text(const struct toolchain_installed *t)
{
	struct strv by = { 0 };
	char *joined, *text;

	if (t->adopted_from)
		return xstrdup("no: adopted from an existing installation");
	if (t->insecure)
		return xstrdup("no: installed with --insecure");
	if (t->sha256_given)
		strv_add(&by, "the given SHA-256");
	if (t->sums_key)
		strv_addf(&by, "sha256sums.asc, signed by %s", t->sums_key);
	if (t->tar_key)
		strv_addf(&by, "its signature by %s", t->tar_key);
	joined = strv_join(&by, "; ");
	text = by.n ? xasprintf("by %s", joined) : xstrdup("unknown");
	free(joined);
	strv_release(&by);
	return text;
}

char *toolchain_show_make(const struct toolchain_installed *t)
{
	struct toolchain_release release;
	struct err ignored = { 0 };
	char *prefix, *text;

	if (toolchain_release_parse(t->release, &release, &ignored) ||
	    strcmp(t->host, toolchain_host_arch()) != 0)
		return NULL;
	prefix = toolchain_tool_name_cross_prefix(t->triplet, &release);
	text = xasprintf("%s=%s", t->is_clang ? "LLVM" : "CROSS_COMPILE",
			 prefix);
	free(prefix);
	return text;
}

void toolchain_show_print(const struct toolchain_request *r,
			  const struct toolchain_installed *t)
{
	char *verified = verified_text(t);
	char *use = toolchain_show_make(t);
	char *bin = toolchain_link_dir(r->data_dir);
	const char *path = getenv("PATH");

	printf("%s\n", t->id);
	if (use && (str_list_has(path, ':', bin) ||
		    (r->link_dir && str_list_has(path, ':', r->link_dir))))
		printf("  use       make %s\n", use);
	else if (use)
		printf("  use       PATH=%s:$PATH make %s\n", bin, use);
	else
		printf("  use       on nodes that run %s\n", t->host);
	printf("  path      %s\n", t->prefix);
	printf("  verified  %s\n", verified);
	free(bin);
	free(use);
	free(verified);
}

static bool is_selected(const char *which, const char *name)
{
	return !strcmp(which, "all") || str_list_has(which, ',', name);
}

/* Check that each name in `which` is a node; for "all", that a node exists. */
static int check_names(const struct node_roster *roster, const char *which,
		       struct err *err)
{
	struct strv names = { 0 };
	int ret = 0;

	if (!strcmp(which, "all"))
		return roster->n ? 0 :
				   err_set(err, ENOENT,
					   "no nodes configured; add one with "
					   "`kfarm nodes add NAME ADDRESS`");
	strv_split(&names, which, ",");
	for (size_t i = 0; i < names.n && !ret; i++) {
		if (!node_roster_get(roster, names.v[i]))
			ret = node_roster_set_unknown(roster, names.v[i], err);
	}
	strv_release(&names);
	return ret;
}

int toolchain_nodes_select(struct node_roster *out,
			   const struct node_roster *all, const char *names,
			   struct err *err)
{
	int ret = check_names(all, names, err);

	*out = (struct node_roster){ 0 };
	if (ret)
		return ret;
	out->v = xcalloc(all->n + 1, sizeof(*out->v));
	for (size_t i = 0; i < all->n; i++) {
		if (is_selected(names, all->v[i].name))
			out->v[out->n++] = all->v[i];
	}
	return 0;
}

int toolchain_nodes_query(struct toolchain_nodes *out,
			  const struct toolchain_request *r, const char *names,
			  struct err *err)
{
	const struct node_roster *roster = &r->roster;
	struct peer_survey_setup setup = { .cancel = r->fetch.cancelled };
	int ret = check_names(roster, names, err);

	*out = (struct toolchain_nodes){ 0 };
	if (ret)
		return ret;
	out->nodes = xcalloc(roster->n + 1, sizeof(*out->nodes));
	for (size_t i = 0; i < roster->n; i++) {
		if (is_selected(names, roster->v[i].name))
			peer_survey_init(&out->nodes[out->n_nodes++],
					 &roster->v[i]);
	}
	setup.nodes = out->nodes;
	setup.n = out->n_nodes;
	return peer_survey_run(&setup, NULL, err);
}

void toolchain_nodes_release(struct toolchain_nodes *nodes)
{
	for (size_t i = 0; i < nodes->n_nodes; i++)
		peer_survey_release(&nodes->nodes[i]);
	free(nodes->nodes);
	*nodes = (struct toolchain_nodes){ 0 };
}

const struct toolchain_installed *toolchain_nodes_find_host_build(
	const struct toolchain_installed_list *list,
	const struct toolchain_installed *t)
{
	const char *here = toolchain_host_arch();

	for (size_t i = 0; i < list->n; i++) {
		const struct toolchain_installed *o = &list->v[i];

		if (digest_is_set(&o->manifest_id) && !strcmp(o->host, here) &&
		    !strcmp(o->release, t->release) &&
		    str_equal(o->triplet, t->triplet))
			return o;
	}
	return NULL;
}
