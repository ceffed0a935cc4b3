/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/catalog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NEAR_VERSIONS_MAX  4 /* versions named in a message */
#define NAMED_TRIPLETS_MAX 8 /* triplets named in a message */

/*
 * Return the index of the archive's triplet in the list (0 is the best rank),
 * or SIZE_MAX if it is not listed.  Returns 0 for clang, or if there is no
 * list.
 */
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

static bool is_for_host(const struct toolchain_archive *a, bool is_clang,
			const char *host)
{
	return a->release.is_clang == is_clang && !strcmp(a->host, host);
}

/*
 * Return the distance between two versions; the first number has the most
 * weight.
 */
static unsigned long distance_to(const struct toolchain_release *wanted,
				 const struct toolchain_release *r)
{
	static const unsigned long weight[] = { 1000000, 1000, 1 };
	unsigned long sum = 0;

	for (unsigned i = 0; i < wanted->n_parts && i < 3; i++) {
		unsigned a = wanted->parts[i], b = r->parts[i];
		unsigned long d = a > b ? a - b : b - a;

		sum += (d > 999 ? 999 : d) * weight[i];
	}
	return sum;
}

struct near_version {
	struct toolchain_release release;
	unsigned long distance;
};

/*
 * Insert a release into a list of the nearest ones, without duplicates.  Of
 * releases at the same distance, the one that was inserted first comes first.
 */
static void insert_near_version(struct near_version *list, size_t *n,
				struct near_version new)
{
	size_t at = *n;

	for (size_t i = 0; i < *n; i++) {
		if (!toolchain_release_compare(&list[i].release, &new.release))
			return;
	}
	while (at && list[at - 1].distance > new.distance)
		at--;
	if (at == NEAR_VERSIONS_MAX)
		return;
	if (*n < NEAR_VERSIONS_MAX)
		++*n;
	memmove(&list[at + 1], &list[at], (*n - at - 1) * sizeof(*list));
	list[at] = new;
}

static char *near_versions(const struct toolchain_catalog *c,
			   const struct toolchain_release *wanted,
			   const struct strv *triplets, const char *host)
{
	struct near_version list[NEAR_VERSIONS_MAX];
	struct strv names = { 0 };
	size_t n = 0;
	char *text;

	for (size_t i = 0; i < c->n_archives; i++) {
		const struct toolchain_archive *a = &c->archives[i];

		if (is_for_host(a, wanted->is_clang, host) &&
		    rank(a, triplets) != SIZE_MAX)
			insert_near_version(
				list, &n,
				(struct near_version){
					a->release,
					distance_to(wanted, &a->release) });
	}
	for (size_t i = 0; i < n; i++)
		strv_own(&names, toolchain_release_format(&list[i].release));
	text = n ? strv_join(&names, ", ") : NULL;
	strv_release(&names);
	return text;
}

/*
 * Return the targets of the newest matching release as text, and that release
 * in *found.  Returns NULL if no release matches.
 */
static char *triplets_text(const struct toolchain_catalog *c,
			   const struct toolchain_release *wanted,
			   const char *host, struct toolchain_release *found)
{
	struct strv names = { 0 };
	char *text = NULL;

	for (size_t i = 0; i < c->n_archives; i++) {
		const struct toolchain_archive *a = &c->archives[i];

		if (!is_for_host(a, wanted->is_clang, host) || !a->triplet ||
		    !toolchain_release_matches(wanted, &a->release))
			continue;
		if (!names.n)
			*found = a->release;
		if (!toolchain_release_compare(found, &a->release))
			strv_add(&names, a->triplet);
	}
	if (names.n > NAMED_TRIPLETS_MAX) {
		for (size_t i = NAMED_TRIPLETS_MAX; i < names.n; i++)
			free(names.v[i]);
		names.n = NAMED_TRIPLETS_MAX;
		strv_add(&names, "...");
	}
	if (names.n)
		text = strv_join(&names, ", ");
	strv_release(&names);
	return text;
}

static char *hosts_text(const struct toolchain_catalog *c, bool is_clang)
{
	struct strv names = { 0 };
	char *text;

	for (size_t i = 0; i < c->n_archives; i++) {
		if (c->archives[i].release.is_clang == is_clang &&
		    !strv_has(&names, c->archives[i].host))
			strv_add(&names, c->archives[i].host);
	}
	text = names.n ? strv_join(&names, ", ") : NULL;
	strv_release(&names);
	return text;
}

static int report_missing_archive(const struct toolchain_catalog *c,
				  const struct toolchain_release *wanted,
				  const struct strv *triplets, const char *host,
				  struct err *err)
{
	const char *kind = wanted->is_clang ? "clang" : "gcc";
	char *name = toolchain_release_format(wanted);
	char *target = triplets && !wanted->is_clang ?
			       strv_join(triplets, " or ") :
			       xstrdup("any target");
	char *near = near_versions(c, wanted, triplets, host);
	struct toolchain_release found = { 0 };
	char *others = triplets_text(c, wanted, host, &found);
	char *full = others ? toolchain_release_format(&found) : NULL;
	char *hosts = hosts_text(c, wanted->is_clang);

	if (near && others)
		err_set(err, ENOENT,
			"no %s for %s on host %s; releases for that target: "
			"%s; targets of %s: %s",
			name, target, host, near, full, others);
	else if (near)
		err_set(err, ENOENT,
			"no %s on host %s%s%s; available releases: %s", name,
			host, wanted->is_clang ? "" : " for ",
			wanted->is_clang ? "" : target, near);
	else if (others)
		err_set(err, ENOENT,
			"no %s for %s on host %s; targets of %s: %s", kind,
			target, host, full, others);
	else
		err_set(err, ENOENT,
			"no %s for %s on host %s; available hosts: %s", kind,
			target, host, hosts ? hosts : "none");
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

	for (size_t i = 0; i < c->n_archives; i++) {
		const struct toolchain_archive *a = &c->archives[i];

		if (!is_for_host(a, wanted->is_clang, host) ||
		    !toolchain_release_matches(wanted, &a->release) ||
		    rank(a, triplets) == SIZE_MAX)
			continue;
		/* The catalog is sorted, newest first. */
		if (best &&
		    toolchain_release_compare(&best->release, &a->release))
			break;
		if (!best || rank(a, triplets) < rank(best, triplets))
			best = a;
	}
	if (!best)
		return report_missing_archive(c, wanted, triplets, host, err);
	*out = best;
	return 0;
}
