/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/prune.h"

#include "history/sql.h"

#include <stdlib.h>

#define FREE_PAGES   256 /* left alone: the next builds will use them */
#define ORPHANS_EACH 64 /* builds between two looks for unused diagnostics */

/* Remove rows of one build, and of build.kept what says that they are there. */
static int forget_parts(struct history *h, int64_t build, bool details,
			bool units, struct err *err)
{
	int ret = units ? sql_run(h, err, "DELETE FROM unit WHERE build = ?1",
				  "i", build) :
			  0;

	if (!ret && details)
		ret = sql_run(h, err,
			      "DELETE FROM diag_of_build WHERE build = ?1", "i",
			      build);
	if (!ret && details)
		ret = sql_run(h, err,
			      "DELETE FROM size_of_build WHERE build = ?1", "i",
			      build);
	if (!ret)
		ret = sql_run(h, err,
			      "UPDATE build SET kept = kept & ?2 WHERE "
			      "number = ?1",
			      "ii", build,
			      (int64_t)((details ? 0 : 1) | (units ? 0 : 2)));
	return ret;
}

/*
 * Of the builds of a key that still have it, all but the last `most`; the units
 * of build `but` stay, with its number or 0.
 */
static int forget_older(struct history *h, int64_t key, bool details,
			int64_t most, int64_t but, struct err *err)
{
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s,
			      "SELECT number FROM build WHERE key IS ?1 AND "
			      "kept > 0 AND kept & ?2 ORDER BY number DESC "
			      "LIMIT -1 OFFSET ?3",
			      err);

	if (ret)
		return ret;
	sql_bind(s, "nii", key ? key : -1, (int64_t)(details ? 1 : 2), most);
	while ((ret = sql_row(h, s, err)) > 0) {
		int64_t build = sqlite3_column_int64(s, 0);

		if (build == but && !details)
			continue;
		ret = forget_parts(h, build, details, build != but, err);
		if (ret)
			break;
	}
	sqlite3_finalize(s);
	return ret;
}

/* A fresh build has compiled all that there is. */
static int forget_gone_objects(struct history *h, int64_t key, struct err *err)
{
	return sql_run(h, err,
		       "DELETE FROM cost WHERE key = ?1 AND build < "
		       "(SELECT min(number) FROM build WHERE key = ?1 AND "
		       "kept > 0 AND kept & 2)",
		       "i", key);
}

static int forget_key(struct history *h, int64_t key, struct err *err)
{
	int ret = forget_older(h, key, false, 0, 0, err);

	if (!ret)
		ret = sql_run(h, err, "DELETE FROM cost WHERE key = ?1", "i",
			      key);
	if (!ret)
		ret = sql_run(h, err, "UPDATE key SET costs = 0 WHERE id = ?1",
			      "i", key);
	return ret;
}

static int forget_keys(struct history *h, int64_t but, struct err *err)
{
	int64_t costs, oldest;
	int ret;

	for (;;) {
		ret = sql_number(h, &costs, err, "SELECT sum(costs) FROM key",
				 "");
		if (ret || costs <= HISTORY_COSTS)
			return ret;
		ret = sql_number(h, &oldest, err,
				 "SELECT id FROM key WHERE costs > 0 AND id "
				 "!= ?1 ORDER BY last LIMIT 1",
				 "i", but);
		if (ret || !oldest)
			return ret;
		ret = forget_key(h, oldest, err);
		if (ret)
			return ret;
	}
}

static int forget_builds(struct history *h, int64_t until, struct err *err)
{
	static const char *const all[] = {
		"DELETE FROM unit WHERE build <= ?1",
		"DELETE FROM diag_of_build WHERE build <= ?1",
		"DELETE FROM size_of_build WHERE build <= ?1",
		"DELETE FROM node_of_build WHERE build <= ?1",
		"DELETE FROM reason_of_build WHERE build <= ?1",
		"DELETE FROM step_of_build WHERE build <= ?1",
		"DELETE FROM phase_of_build WHERE build <= ?1",
		"DELETE FROM cost WHERE key IN "
		"(SELECT id FROM key WHERE last <= ?1)",
		"DELETE FROM key WHERE last <= ?1",
		"DELETE FROM build WHERE number <= ?1",
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(all) / sizeof(*all); i++)
		ret = sql_run(h, err, all[i], "i", until);
	return ret;
}

static int forget_diagnostics(struct history *h, struct err *err)
{
	return sql_run(h, err,
		       "DELETE FROM diag WHERE id NOT IN "
		       "(SELECT diag FROM diag_of_build)",
		       "");
}

/* The build whose course the next fresh one will take; 0: there is none. */
static int find_course(struct history *h, int64_t key, int64_t *build,
		       struct err *err)
{
	return sql_number(h, build, err,
			  "SELECT number FROM build WHERE key = ?1 AND fresh "
			  "AND state = ?2 ORDER BY number DESC LIMIT 1",
			  "ii", key, (int64_t)HISTORY_GOOD);
}

int history_prune(struct history *h, const struct history_build *b, int64_t key,
		  struct err *err)
{
	int64_t course;
	int ret = find_course(h, key, &course, err);

	if (!ret)
		ret = forget_older(h, key, false, HISTORY_UNITS, course, err);
	if (!ret)
		ret = forget_older(h, key, true, HISTORY_DETAILS, course, err);
	if (!ret && key && b->fresh && b->state == HISTORY_GOOD)
		ret = forget_gone_objects(h, key, err);
	if (!ret && key)
		ret = sql_run(h, err,
			      "UPDATE key SET last = ?2, costs = (SELECT "
			      "count(*) FROM cost WHERE key = ?1) WHERE id = "
			      "?1",
			      "ii", key, b->number);
	if (!ret)
		ret = forget_keys(h, key, err);
	if (!ret && b->number > HISTORY_BUILDS)
		ret = forget_builds(h, b->number - HISTORY_BUILDS, err);
	if (!ret && b->number % ORPHANS_EACH == 0)
		ret = forget_diagnostics(h, err);
	return ret;
}

void history_prune_pages(struct history *h)
{
	struct err ignored;
	int64_t n;

	if (!sql_number(h, &n, &ignored, "PRAGMA freelist_count", "") &&
	    n > FREE_PAGES)
		sql_script(h, "PRAGMA incremental_vacuum(256)", &ignored);
}
