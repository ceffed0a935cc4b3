/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes.h"
#include "node/pool.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define LISTED_NAMES_MAX 20 /* names listed in an error message */

/*
 * Set the error that `word` is unknown, with a list of the known `names`.
 * `one` and `many` name the kind of object in singular and plural.  Releases
 * `names`.  Returns -ENOENT.
 */
static int set_unknown_name(const char *word, const char *one, const char *many,
			    struct strv *names, struct err *err)
{
	struct strv few = { 0 };
	char *list;

	for (size_t i = 0; i < names->n && i < LISTED_NAMES_MAX; i++)
		strv_add(&few, names->v[i]);
	if (names->n > few.n)
		strv_addf(&few, "and %zu more", names->n - few.n);
	list = strv_join(&few, ", ");
	err_set(err, ENOENT, "no such %s \"%s\"; %s: %s", one, word, many,
		names->n ? list : "none");
	free(list);
	strv_release(&few);
	strv_release(names);
	return -ENOENT;
}

static bool matches_pattern(const struct nodes_request *r, const char *name)
{
	bool matches = !r->words.n;

	for (size_t i = 0; !matches && i < r->words.n; i++)
		matches = !fnmatch(r->words.v[i], name, 0);
	return matches;
}

static int check_states(const struct nodes_request *r, struct err *err)
{
	struct strv known = { 0 };

	for (size_t i = 0; i < r->states.n; i++) {
		if (str_list_has(NODES_STATES, ' ', r->states.v[i]))
			continue;
		strv_split(&known, NODES_STATES, " ");
		return set_unknown_name(r->states.v[i], "state", "states",
					&known, err);
	}
	return 0;
}

static int check_sites(const struct nodes_request *r, struct err *err)
{
	struct strv known = { 0 };
	int ret = 0;

	if (!r->sites.n)
		return 0;
	for (size_t i = 0; i < r->roster.n; i++) {
		if (r->roster.v[i].site)
			strv_add(&known, r->roster.v[i].site);
	}
	strv_sort_unique(&known);
	for (size_t i = 0; !ret && i < r->sites.n; i++) {
		if (!strv_has(&known, r->sites.v[i]))
			ret = set_unknown_name(r->sites.v[i], "site", "sites",
					       &known, err);
	}
	strv_release(&known);
	return ret;
}

static int check_pool(const struct nodes_request *r, struct err *err)
{
	struct strv known = { 0 };

	if (!r->pool)
		return 0;
	if (r->states.n || r->sites.n)
		return err_set(
			err, EINVAL,
			"--pool does not list nodes, so --state and --site have no meaning; omit them");
	if (node_roster_get_pool(&r->roster, r->pool))
		return 0;
	for (size_t i = 0; i < r->roster.n_pools; i++)
		strv_add(&known, r->roster.pools[i].name);
	return set_unknown_name(r->pool, "pool", "pools", &known, err);
}

/*
 * Check that each pattern matches the name of a node or a pool.  With --pool,
 * only that pool is listed, so each pattern must match the name of that pool.
 */
static int check_patterns(const struct nodes_request *r, struct err *err)
{
	struct strv known = { 0 };
	int ret = 0;

	if (!r->words.n)
		return 0;
	for (size_t i = 0; i < r->words.n && r->pool; i++) {
		if (fnmatch(r->words.v[i], r->pool, 0))
			return err_set(err, ENOENT,
				       "\"%s\" does not match --pool %s",
				       r->words.v[i], r->pool);
	}
	for (size_t i = 0; i < r->roster.n; i++)
		strv_add(&known, r->roster.v[i].name);
	for (size_t i = 0; i < r->roster.n_pools; i++)
		strv_add(&known, r->roster.pools[i].name);
	for (size_t i = 0; !ret && i < r->words.n; i++) {
		size_t k = 0;

		while (k < known.n && fnmatch(r->words.v[i], known.v[k], 0))
			k++;
		if (k == known.n)
			ret = set_unknown_name(r->words.v[i], "node or pool",
					       "nodes and pools", &known, err);
	}
	strv_release(&known);
	return ret;
}

int nodes_filter_select(const struct nodes_request *r,
			const struct node_entry ***out, size_t *n,
			struct err *err)
{
	int ret = check_states(r, err);

	if (!ret)
		ret = check_sites(r, err);
	if (!ret)
		ret = check_pool(r, err);
	if (!ret)
		ret = check_patterns(r, err);
	if (ret)
		return ret;
	*out = xcalloc(r->roster.n, sizeof(**out));
	*n = 0;
	for (size_t i = 0; !r->pool && i < r->roster.n; i++) {
		const struct node_entry *e = &r->roster.v[i];

		if (matches_pattern(r, e->name) &&
		    (!r->sites.n || (e->site && strv_has(&r->sites, e->site))))
			(*out)[(*n)++] = e;
	}
	return 0;
}

bool nodes_filter_has_pool(const struct nodes_request *r,
			   const struct node_pool *p)
{
	return !r->states.n && !r->sites.n &&
	       (!r->pool || !strcmp(r->pool, p->name)) &&
	       matches_pattern(r, p->name);
}
