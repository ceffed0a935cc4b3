/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/table.h"
#include "cli/toolchain.h"

#include "base/log.h"
#include "toolchain/data.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORDS_MAX 256

/* What a WORD asks for: a release, an architecture or a triplet. */
struct term {
	bool is_release;
	struct toolchain_release release;
	const struct strv *triplets; /* of an architecture */
	const char *word;
};

struct search {
	struct toolchain_request *r;
	struct toolchain_catalog catalog;
	struct toolchain_installed_list installed;
	struct term *terms;
	size_t n_terms;
};

static void parse_term(struct term *t, const char *word)
{
	const struct toolchain_arch *a = toolchain_data_arch(word);
	struct err ignored = { 0 };

	if (!a)
		a = toolchain_data_arch_called(word);
	t->word = word;
	t->is_release = !toolchain_release_parse(word, &t->release, &ignored);
	t->triplets = a ? &a->triplets : NULL;
}

static bool fits_word(const struct toolchain_archive *a, const struct term *t)
{
	if (t->is_release)
		return toolchain_release_matches(&t->release, &a->release) &&
		       t->release.is_clang == a->release.is_clang;
	if (t->triplets)
		return !a->triplet || strv_has(t->triplets, a->triplet);
	return a->triplet && !strcmp(a->triplet, t->word);
}

static bool fits_terms(const struct search *s,
		       const struct toolchain_archive *a)
{
	if (s->r->hosts.n && !strv_has(&s->r->hosts, a->host))
		return false;
	for (size_t i = 0; i < s->n_terms; i++) {
		if (!fits_word(a, &s->terms[i]))
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

static bool same_release(const struct toolchain_archive *a,
			 const struct toolchain_archive *b)
{
	return a->release.is_clang == b->release.is_clang &&
	       !toolchain_release_compare(&a->release, &b->release);
}

/* Words, some more than once, that a cell holds once. */
static void add_joined(struct table *t, struct strv *words)
{
	strv_sort_unique(words);
	/* No honest server lists more than this. */
	while (words->n > WORDS_MAX)
		free(words->v[--words->n]);
	strv_own(&t->cells, words->n ? strv_join(words, " ") : xstrdup("-"));
	strv_release(words);
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
static size_t select_archives(const struct search *s,
			      const struct toolchain_archive ***out)
{
	const struct toolchain_archive **v = xcalloc(s->catalog.n + 1,
						     sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < s->catalog.n; i++) {
		if (fits_terms(s, &s->catalog.v[i]))
			v[n++] = &s->catalog.v[i];
	}
	/* The catalog has the hosts of a release first; JSON keeps its order.
	 */
	if (!s->r->json)
		qsort(v, n, sizeof(*v), by_triplet);
	*out = v;
	return n;
}

/* What a triplet is for; clang has none. */
static char *arches_of(const struct toolchain_archive *a)
{
	return a->triplet ? toolchain_show_arches(a->triplet) : xstrdup("all");
}

/*
 * A row for the first of `v` and all of its release; where words were given
 * for those alone that differ from it in the host.  Returns how many.
 */
static size_t add_row(const struct search *s,
		      const struct toolchain_archive *const *v, size_t n,
		      struct table *t)
{
	struct strv arches = { 0 }, hosts = { 0 }, have = { 0 };
	size_t i;

	for (i = 0; i < n && same_release(v[0], v[i]) &&
		    (!s->n_terms || str_equal(v[0]->triplet, v[i]->triplet));
	     i++) {
		char *names = arches_of(v[i]);

		strv_split(&arches, names, " ");
		strv_add(&hosts, v[i]->host);
		if (installed_as(s, v[i]))
			strv_split(&have, s->n_terms ? v[i]->host : names, " ");
		free(names);
	}
	strv_own(&t->cells, toolchain_release_text(&v[0]->release));
	if (s->n_terms) {
		strv_own(&t->cells, arches_of(v[0]));
		strv_add(&t->cells, v[0]->triplet ? v[0]->triplet : "-");
	}
	add_joined(t, &hosts);
	add_joined(t, &have);
	if (!s->n_terms)
		add_joined(t, &arches);
	strv_release(&arches);
	return i;
}

static void print_table(const struct search *s,
			const struct toolchain_archive *const *v, size_t n)
{
	static const char *const of_archives[] = { "VERSION",       "ARCH",
						   "TRIPLET",       "RUNS ON",
						   "INSTALLED FOR", NULL };
	static const char *const of_releases[] = { "VERSION", "RUNS ON",
						   "INSTALLED", "COMPILES FOR",
						   NULL };
	struct table t = { .align = s->n_terms ? "lllll" : "llll" };

	strv_add_all(&t.cells,
		     (char *const *)(s->n_terms ? of_archives : of_releases));
	for (size_t i = 0; i < n;)
		i += add_row(s, v + i, n - i, &t);
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

static void print_archives_json(const struct search *s,
				const struct toolchain_archive *const *v,
				size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, archive_json(s, v[i]));
	table_json(json_pack("{s:I, s:I, s:s?, s:o}", "fetched",
			     (json_int_t)s->catalog.fetched, "age_seconds",
			     (json_int_t)(time(NULL) - s->catalog.fetched),
			     "stale", s->catalog.stale, "archives", list));
}

static int show_archives(const struct search *s)
{
	const struct toolchain_archive **v;
	size_t n = select_archives(s, &v);
	char *words;

	if (s->r->json) {
		print_archives_json(s, v, n);
	} else if (n) {
		print_table(s, v, n);
	} else {
		words = strv_join(&s->r->words, " ");
		log_error("toolchain search: nothing fits %s; a word is a "
			  "release (gcc-13), an architecture (arm64) or a "
			  "triplet, and --host is what they run on",
			  words);
		free(words);
	}
	free(v);
	return n || s->r->json ? EXIT_OK : EXIT_USAGE;
}

int toolchain_search_main(struct toolchain_request *r)
{
	struct search s = { .r = r, .n_terms = r->words.n };
	struct err err = { 0 };
	bool clang;
	int status, ret;

	s.terms = xcalloc(r->words.n + 1, sizeof(*s.terms));
	for (size_t i = 0; i < r->words.n; i++)
		parse_term(&s.terms[i], r->words.v[i]);
	clang = s.n_terms && s.terms[0].is_release &&
		s.terms[0].release.is_clang;
	ret = toolchain_settings_installed(r, &s.installed, &err);
	if (!ret)
		ret = toolchain_settings_catalog(r, clang, &s.catalog, &err);
	status = ret ? toolchain_failed(r, ret, &err) : show_archives(&s);
	toolchain_catalog_release(&s.catalog);
	toolchain_installed_list_release(&s.installed);
	free(s.terms);
	return status;
}
