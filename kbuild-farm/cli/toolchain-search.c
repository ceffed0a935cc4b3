/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/table.h"
#include "cli/toolchain.h"

#include "base/log.h"
#include "toolchain/data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARCHES_MAX 256

/* What a WORD asks for: a release, an architecture or a triplet. */
struct wish {
	bool is_release;
	struct toolchain_release release;
	const struct strv *triplets; /* of an architecture */
	const char *word;
};

struct search {
	struct toolchain_request *r;
	struct toolchain_catalog catalog;
	struct toolchain_installed_list installed;
	struct wish *wish;
	size_t n_wish;
};

static void understand(struct wish *w, const char *word)
{
	const struct toolchain_arch *a = toolchain_data_arch(word);
	struct err ignored = { 0 };

	if (!a)
		a = toolchain_data_arch_called(word);
	w->word = word;
	w->is_release = !toolchain_release_parse(word, &w->release, &ignored);
	w->triplets = a ? &a->triplets : NULL;
}

static bool fits_word(const struct toolchain_archive *a, const struct wish *w)
{
	if (w->is_release)
		return toolchain_release_matches(&w->release, &a->release) &&
		       w->release.is_clang == a->release.is_clang;
	if (w->triplets)
		return !a->triplet || strv_has(w->triplets, a->triplet);
	return a->triplet && !strcmp(a->triplet, w->word);
}

static bool fits(const struct search *s, const struct toolchain_archive *a)
{
	if (s->r->hosts.n && !strv_has(&s->r->hosts, a->host))
		return false;
	for (size_t i = 0; i < s->n_wish; i++) {
		if (!fits_word(a, &s->wish[i]))
			return false;
	}
	return true;
}

static const struct toolchain_installed *installed_as(
	const struct search *s, const struct toolchain_archive *a)
{
	char *release = toolchain_release_text(&a->release);
	const struct toolchain_installed *t = NULL;

	for (size_t i = 0; i < s->installed.n && !t; i++) {
		const struct toolchain_installed *have = &s->installed.v[i];

		if (!have->adopted && !strcmp(have->release, release) &&
		    !strcmp(have->host, a->host) &&
		    str_equal(have->triplet, a->triplet))
			t = have;
	}
	free(release);
	return t;
}

/* The words of `text`, each once. */
static void add_words(struct strv *list, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, " ");
		char *word = xstrndup(text, n);

		if (strv_has(list, word))
			free(word);
		else
			strv_own(list, word);
		text += n + (text[n] == ' ');
	}
}

static bool same_release(const struct toolchain_archive *a,
			 const struct toolchain_archive *b)
{
	return a->release.is_clang == b->release.is_clang &&
	       !toolchain_release_compare(&a->release, &b->release);
}

static void add_joined(struct table *t, struct strv *words)
{
	strv_sort(words);
	strv_own(&t->cells, words->n ? strv_join(words, " ") : xstrdup("-"));
	strv_release(words);
}

/* A row for all archives of a release; returns the index behind them. */
static size_t release_row(const struct search *s, size_t i, struct table *t)
{
	const struct toolchain_archive *first = &s->catalog.v[i];
	struct strv arches = { 0 }, hosts = { 0 }, have = { 0 };
	bool any = false;

	for (; i < s->catalog.n && same_release(first, &s->catalog.v[i]); i++) {
		const struct toolchain_archive *a = &s->catalog.v[i];
		char *names;

		if (!fits(s, a))
			continue;
		any = true;
		names = a->triplet ? toolchain_show_arches(a->triplet) :
				     xstrdup("all");
		/* More than this is no server's list but a joke. */
		if (arches.n < ARCHES_MAX)
			add_words(&arches, names);
		add_words(&hosts, a->host);
		if (installed_as(s, a))
			add_words(&have, names);
		free(names);
	}
	if (any) {
		strv_own(&t->cells, toolchain_release_text(&first->release));
		add_joined(t, &hosts);
		add_joined(t, &have);
		add_joined(t, &arches);
	}
	strv_release(&arches);
	strv_release(&hosts);
	strv_release(&have);
	return i;
}

static int by_triplet(const void *x, const void *y)
{
	const struct toolchain_archive *a = *(
		struct toolchain_archive *const *)x;
	const struct toolchain_archive *b = *(
		struct toolchain_archive *const *)y;
	int order = a->release.is_clang - b->release.is_clang;

	if (!order)
		order = toolchain_release_compare(&b->release, &a->release);
	if (!order && a->triplet && b->triplet)
		order = strcmp(a->triplet, b->triplet);
	return order ? order : strcmp(a->host, b->host);
}

/* What fits, with all hosts of a release and triplet together. */
static size_t choose(const struct search *s,
		     const struct toolchain_archive ***out)
{
	const struct toolchain_archive **v = xcalloc(s->catalog.n + 1,
						     sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < s->catalog.n; i++) {
		if (fits(s, &s->catalog.v[i]))
			v[n++] = &s->catalog.v[i];
	}
	qsort(v, n, sizeof(*v), by_triplet);
	*out = v;
	return n;
}

/* A row for the first of `v` and all that differ from it in the host alone;
 * returns how many. */
static size_t archive_row(const struct search *s,
			  const struct toolchain_archive *const *v, size_t n,
			  struct table *t)
{
	const struct toolchain_archive *a = v[0];
	struct strv hosts = { 0 }, have = { 0 };
	size_t i;

	for (i = 0; i < n && same_release(a, v[i]) &&
		    str_equal(a->triplet, v[i]->triplet);
	     i++) {
		add_words(&hosts, v[i]->host);
		if (installed_as(s, v[i]))
			add_words(&have, v[i]->host);
	}
	strv_own(&t->cells, toolchain_release_text(&a->release));
	strv_own(&t->cells, a->triplet ? toolchain_show_arches(a->triplet) :
					 xstrdup("all"));
	strv_add(&t->cells, a->triplet ? a->triplet : "-");
	add_joined(t, &hosts);
	add_joined(t, &have);
	return i;
}

static void print_archives(const struct search *s)
{
	static const char *const head[] = { "VERSION", "ARCH", "TRIPLET",
					    "RUNS ON", "INSTALLED FOR" };
	struct table t = { .align = "lllll" };
	const struct toolchain_archive **v;
	size_t n = choose(s, &v);

	for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
		strv_add(&t.cells, head[i]);
	for (size_t i = 0; i < n;)
		i += archive_row(s, v + i, n - i, &t);
	table_print(stdout, &t);
	free(v);
}

static void print_releases(const struct search *s)
{
	static const char *const head[] = { "VERSION", "RUNS ON", "INSTALLED",
					    "COMPILES FOR" };
	struct table t = { .align = "llll" };

	for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
		strv_add(&t.cells, head[i]);
	for (size_t i = 0; i < s->catalog.n;)
		i = release_row(s, i, &t);
	table_print(stdout, &t);
}

static json_t *archive_json(const struct search *s,
			    const struct toolchain_archive *a)
{
	const struct toolchain_installed *have = installed_as(s, a);
	char *release = toolchain_release_text(&a->release);
	char *arches = a->triplet ? toolchain_show_arches(a->triplet) : NULL;
	json_t *o = json_pack("{s:s, s:s?, s:s?, s:s, s:s, s:s?}", "release",
			      release, "triplet", a->triplet, "arch", arches,
			      "host", a->host, "path", a->path, "installed",
			      have ? have->id : NULL);

	free(arches);
	free(release);
	return o;
}

static void print_json(const struct search *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->catalog.n; i++) {
		if (fits(s, &s->catalog.v[i]))
			json_array_append_new(
				list, archive_json(s, &s->catalog.v[i]));
	}
	toolchain_print_json(
		json_pack("{s:I, s:I, s:s?, s:o}", "fetched",
			  (json_int_t)s->catalog.fetched, "age_seconds",
			  (json_int_t)(time(NULL) - s->catalog.fetched),
			  "stale", s->catalog.stale, "archives", list));
}

static bool any_fits(const struct search *s)
{
	for (size_t i = 0; i < s->catalog.n; i++) {
		if (fits(s, &s->catalog.v[i]))
			return true;
	}
	return false;
}

int compiler_search(struct toolchain_request *r)
{
	struct search s = { .r = r, .n_wish = r->words.n };
	struct err err = { 0 };
	int status = EXIT_OK, ret;

	s.wish = xcalloc(r->words.n + 1, sizeof(*s.wish));
	for (size_t i = 0; i < r->words.n; i++)
		understand(&s.wish[i], r->words.v[i]);
	ret = toolchain_settings_installed(r, &s.installed, &err);
	if (!ret)
		ret = toolchain_settings_catalog(r, &s.catalog, &err);
	if (ret) {
		status = toolchain_failed(r, ret, &err);
	} else if (r->json) {
		print_json(&s);
	} else if (any_fits(&s) && s.n_wish) {
		print_archives(&s);
	} else if (any_fits(&s)) {
		print_releases(&s);
	} else {
		char *words = strv_join(&r->words, " ");

		log_error("toolchain search: nothing fits %s; a word is a "
			  "release (gcc-13), an architecture (arm64) or a "
			  "triplet, and --host is what they run on",
			  words);
		free(words);
		status = EXIT_USAGE;
	}
	toolchain_catalog_release(&s.catalog);
	toolchain_installed_list_release(&s.installed);
	free(s.wish);
	return status;
}
