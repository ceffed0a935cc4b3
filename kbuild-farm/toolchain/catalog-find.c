/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/catalog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NEAR 4 /* versions that a message names */
#define MANY 8 /* triplets */

/* The place of an archive's triplet in the list: 0 is best; SIZE_MAX: none. */
static size_t rank(const struct toolchain_archive *a,
		   const struct strv *triplets)
{
	if (!a->triplet || !triplets)
		return 0;
	for (size_t i = 0; i < triplets->n; i++) {
		if (!strcmp(triplets->v[i], a->triplet))
			return i;
	}
	return SIZE_MAX;
}

static bool runs_on(const struct toolchain_archive *a, bool is_clang,
		    const char *host)
{
	return a->release.is_clang == is_clang && !strcmp(a->host, host);
}

/* How far a version is from the wanted one, the first number counting most. */
static unsigned long distance_to(const struct toolchain_release *wanted,
				 const struct toolchain_release *r)
{
	static const unsigned long weight[] = { 1000000, 1000, 1 };
	unsigned long sum = 0;

	for (unsigned i = 0; i < wanted->n && i < 3; i++) {
		unsigned a = wanted->part[i], b = r->part[i];
		unsigned long d = a > b ? a - b : b - a;

		sum += (d > 999 ? 999 : d) * weight[i];
	}
	return sum;
}

struct near {
	struct toolchain_release release;
	unsigned long distance;
};

/* Keep the NEAR nearest, each release once; of equals the first. */
static void keep_near(struct near *list, size_t *n, struct near new)
{
	size_t at = *n;

	for (size_t i = 0; i < *n; i++) {
		if (!toolchain_release_compare(&list[i].release, &new.release))
			return;
	}
	while (at && list[at - 1].distance > new.distance)
		at--;
	if (at == NEAR)
		return;
	if (*n < NEAR)
		++*n;
	memmove(&list[at + 1], &list[at], (*n - at - 1) * sizeof(*list));
	list[at] = new;
}

static char *near_versions(const struct toolchain_catalog *c,
			   const struct toolchain_release *wanted,
			   const struct strv *triplets, const char *host)
{
	struct near list[NEAR];
	struct strv names = { 0 };
	size_t n = 0;
	char *text;

	for (size_t i = 0; i < c->n; i++) {
		const struct toolchain_archive *a = &c->v[i];

		if (runs_on(a, wanted->is_clang, host) &&
		    rank(a, triplets) != SIZE_MAX)
			keep_near(list, &n,
				  (struct near){
					  a->release,
					  distance_to(wanted, &a->release) });
	}
	for (size_t i = 0; i < n; i++)
		strv_own(&names, toolchain_release_text(&list[i].release));
	text = n ? strv_join(&names, ", ") : NULL;
	strv_release(&names);
	return text;
}

/* What the newest release that was wanted is there for. */
static char *its_triplets(const struct toolchain_catalog *c,
			  const struct toolchain_release *wanted,
			  const char *host, struct toolchain_release *found)
{
	struct strv names = { 0 };
	char *text = NULL;

	for (size_t i = 0; i < c->n; i++) {
		const struct toolchain_archive *a = &c->v[i];

		if (!runs_on(a, wanted->is_clang, host) || !a->triplet ||
		    !toolchain_release_matches(wanted, &a->release))
			continue;
		if (!names.n)
			*found = a->release;
		if (!toolchain_release_compare(found, &a->release))
			strv_add(&names, a->triplet);
	}
	if (names.n > MANY) {
		for (size_t i = MANY; i < names.n; i++)
			free(names.v[i]);
		names.n = MANY;
		strv_add(&names, "...");
	}
	if (names.n)
		text = strv_join(&names, ", ");
	strv_release(&names);
	return text;
}

static char *hosts_of(const struct toolchain_catalog *c, bool is_clang)
{
	struct strv names = { 0 };
	char *text;

	for (size_t i = 0; i < c->n; i++) {
		if (c->v[i].release.is_clang == is_clang &&
		    !strv_has(&names, c->v[i].host))
			strv_add(&names, c->v[i].host);
	}
	text = names.n ? strv_join(&names, ", ") : NULL;
	strv_release(&names);
	return text;
}

static int missing(const struct toolchain_catalog *c,
		   const struct toolchain_release *wanted,
		   const struct strv *triplets, const char *host,
		   struct err *err)
{
	const char *kind = wanted->is_clang ? "clang" : "gcc";
	char *name = toolchain_release_text(wanted);
	char *target = triplets && !wanted->is_clang ?
			       strv_join(triplets, " or ") :
			       xstrdup("any target");
	char *near = near_versions(c, wanted, triplets, host);
	struct toolchain_release found = { 0 };
	char *others = its_triplets(c, wanted, host, &found);
	char *full = others ? toolchain_release_text(&found) : NULL;
	char *hosts = hosts_of(c, wanted->is_clang);

	if (near && others)
		err_set(err, ENOENT,
			"there is no %s for %s that runs on %s; for that there "
			"are: %s; %s is for: %s",
			name, target, host, near, full, others);
	else if (near)
		err_set(err, ENOENT,
			"there is no %s that runs on %s%s%s; there are: %s",
			name, host, wanted->is_clang ? "" : " and is for ",
			wanted->is_clang ? "" : target, near);
	else if (others)
		err_set(err, ENOENT,
			"there is no %s for %s that runs on %s; %s is for: %s",
			kind, target, host, full, others);
	else
		err_set(err, ENOENT,
			"there is no %s for %s that runs on %s; those that are "
			"listed run on: %s",
			kind, target, host, hosts ? hosts : "nothing");
	free(name);
	free(target);
	free(near);
	free(others);
	free(full);
	free(hosts);
	return -ENOENT;
}

int toolchain_catalog_find(const struct toolchain_catalog *c,
			   const struct toolchain_release *wanted,
			   const struct strv *triplets, const char *host,
			   const struct toolchain_archive **out,
			   struct err *err)
{
	const struct toolchain_archive *best = NULL;

	for (size_t i = 0; i < c->n; i++) {
		const struct toolchain_archive *a = &c->v[i];

		if (!runs_on(a, wanted->is_clang, host) ||
		    !toolchain_release_matches(wanted, &a->release) ||
		    rank(a, triplets) == SIZE_MAX)
			continue;
		/* The newest come first. */
		if (best &&
		    toolchain_release_compare(&best->release, &a->release))
			break;
		if (!best || rank(a, triplets) < rank(best, triplets))
			best = a;
	}
	if (!best)
		return missing(c, wanted, triplets, host, err);
	*out = best;
	return 0;
}
