/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/read.h"

#include "base/process.h"
#include "base/str.h"
#include "history/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_words[] = {
	[HISTORY_RUNNING] = "running", [HISTORY_GOOD] = "good",
	[HISTORY_FAILED] = "failed",   [HISTORY_INTERRUPTED] = "stopped",
	[HISTORY_KILLED] = "killed",
};

const char *history_state_word(enum history_state state)
{
	return state_words[state];
}

int history_state_parse(const char *word)
{
	for (int i = 0; i < HISTORY_STATES; i++) {
		if (!strcmp(word, state_words[i]))
			return i;
	}
	return -1;
}

/* The texts of a build, one by its number; NULL behind the last. */
static char **build_text_at(struct history_build *b, size_t i)
{
	char **const all[] = { &b->key,    &b->what,      &b->arch,
			       &b->config, &b->toolchain, &b->toolchain_id,
			       &b->tree,   &b->source,    &b->dir,
			       &b->output, &b->commit,    &b->release };

	return i < sizeof(all) / sizeof(*all) ? all[i] : NULL;
}

void history_build_copy(struct history_build *to,
			const struct history_build *from)
{
	char **text;

	*to = *from;
	for (size_t i = 0; (text = build_text_at(to, i)); i++)
		*text = *text ? xstrdup(*text) : NULL;
}

void history_build_release(struct history_build *b)
{
	char **text;

	for (size_t i = 0; (text = build_text_at(b, i)); i++)
		free(*text);
	*b = (struct history_build){ 0 };
}

/* In the order that take_build() reads. */
#define COLUMNS                                                                \
	"SELECT number, (SELECT digest FROM key WHERE id = build.key), state," \
	" status, pid, started, boot, what, arch, config, toolchain,"          \
	" toolchain_id, tree, source, dir, output, commit_id, release, fresh," \
	" dirty, began_s, wall_ms, host_ms, scan_ms, cpu_ms, make_jobs,"       \
	" local_slots, remote, local, retried, beside, warnings, errors,"      \
	" new_warnings, new_errors, gone, kept, steps, steps_here FROM build "

/* One that never said that it ended runs as long as its process does. */
static enum history_state take_state(sqlite3_stmt *s)
{
	int64_t state = sqlite3_column_int64(s, 2);
	unsigned long long started = (unsigned long long)sql_count(s, 5);
	char *boot;
	bool runs;

	if (state > 0 && state < HISTORY_STATES)
		return (enum history_state)state;
	boot = process_boot();
	runs = state == HISTORY_RUNNING && started &&
	       str_equal((const char *)sqlite3_column_text(s, 6), boot) &&
	       process_start((pid_t)sql_count(s, 4)) == started;
	free(boot);
	return runs ? HISTORY_RUNNING : HISTORY_KILLED;
}

static void take_counts(struct history_build *b, sqlite3_stmt *s)
{
	int64_t kept = sql_count(s, 36);

	b->fresh = sql_count(s, 18);
	b->dirty = sql_count(s, 19);
	b->began_s = sql_count(s, 20);
	b->wall_ms = sql_count(s, 21);
	b->host_ms = sql_count(s, 22);
	b->scan_ms = sql_count(s, 23);
	b->cpu_ms = sql_count(s, 24);
	b->make_jobs = sql_count(s, 25);
	b->local_slots = sql_count(s, 26);
	b->remote = sql_count(s, 27);
	b->local = sql_count(s, 28);
	b->jobs = (int64_t)((uint64_t)b->remote + (uint64_t)b->local);
	b->retried = sql_count(s, 29);
	b->beside = sql_count(s, 30);
	b->warnings = sql_count(s, 31);
	b->errors = sql_count(s, 32);
	b->new_warnings = sql_known(s, 33);
	b->new_errors = sql_known(s, 34);
	b->gone = sql_known(s, 35);
	b->steps = sql_count(s, 37);
	b->steps_here = sql_count(s, 38);
	b->has_details = kept & 1;
	b->has_units = kept & 2;
}

static void take_build(struct history_build *b, sqlite3_stmt *s)
{
	*b = (struct history_build){
		.number = sqlite3_column_int64(s, 0),
		.key = sql_text(s, 1),
		.state = take_state(s),
		.status = sql_count(s, 3),
		.what = sql_text(s, 7),
		.arch = sql_text(s, 8),
		.config = sql_text(s, 9),
		.toolchain = sql_text(s, 10),
		.toolchain_id = sql_text(s, 11),
		.tree = sql_text(s, 12),
		.source = sql_text(s, 13),
		.dir = sql_text(s, 14),
		.output = sql_text(s, 15),
		.commit = sql_text(s, 16),
		.release = sql_text(s, 17),
	};
	take_counts(b, s);
}

/* The first row of a statement whose values are bound; ends it. */
static int take_first(struct history *h, sqlite3_stmt *s,
		      struct history_build *out, struct err *err)
{
	int ret = sql_row(h, s, err);

	if (ret > 0)
		take_build(out, s);
	sqlite3_finalize(s);
	return ret < 0 ? ret : ret ? 0 : -ENOENT;
}

int history_build_find(struct history *h, int64_t number,
		       struct history_build *out, struct err *err)
{
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s,
			      number ? COLUMNS "WHERE number = ?1" :
				       COLUMNS "ORDER BY number DESC LIMIT 1",
			      err);

	*out = (struct history_build){ 0 };
	if (ret)
		return ret;
	if (number)
		sql_bind(s, "i", number);
	ret = take_first(h, s, out, err);
	if (ret == -ENOENT && number)
		err_set(err, ENOENT, "there is no build %lld in the history",
			(long long)number);
	else if (ret == -ENOENT)
		err_set(err, ENOENT, "there is no build in the history");
	return ret;
}

int history_build_of_output(struct history *h, const char *output,
			    struct history_build *out, struct err *err)
{
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s,
			      COLUMNS "WHERE output = ?1 ORDER BY number DESC "
				      "LIMIT 1",
			      err);

	*out = (struct history_build){ 0 };
	if (ret)
		return ret;
	sql_bind(s, "t", output);
	ret = take_first(h, s, out, err);
	if (ret == -ENOENT)
		err_set(err, ENOENT,
			"there is no build in the history whose results went "
			"to %s",
			output);
	return ret;
}

int history_build_previous(struct history *h, const struct history_build *b,
			   struct history_build *out, struct err *err)
{
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s,
			      COLUMNS "WHERE key = (SELECT id FROM key WHERE "
				      "digest = ?1) AND number < ?2 AND "
				      "state BETWEEN 1 AND 3 ORDER BY number "
				      "DESC LIMIT 1",
			      err);

	*out = (struct history_build){ 0 };
	if (ret)
		return ret;
	sql_bind(s, "ti", b->key, b->number ? b->number : INT64_MAX);
	ret = take_first(h, s, out, err);
	if (ret == -ENOENT)
		err_set(err, ENOENT,
			"the history has no earlier build of the same key");
	return ret;
}

/* ---- lists ---- */

/* LIKE would take "_" and "%" amiss. */
static const char filtered[] = COLUMNS
	"WHERE (?1 IS NULL OR tree = ?1 OR source = ?1 OR"
	" substr(tree, -length(?1) - 1) = '/' || ?1)"
	" AND (?2 IS NULL OR arch = ?2) AND (?3 IS NULL OR config = ?3)"
	" AND (?4 IS NULL OR toolchain = ?4 OR toolchain_id = ?4 OR"
	" substr(toolchain, 1, length(?4) + 1) = ?4 || '-' OR"
	" substr(toolchain, 1, length(?4) + 1) = ?4 || '.')"
	" AND (?5 IS NULL OR key = (SELECT id FROM key WHERE digest ="
	" ?5)) AND (?6 = 0 OR began_s >= ?6) AND (?7 < 0 OR state = ?7 OR"
	" state = 0) ORDER BY number DESC";

int history_list(struct history *h, const struct history_filter *f,
		 history_each *each, void *ctx, struct err *err)
{
	struct history_build b;
	unsigned given = 0;
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s, filtered, err);

	if (ret)
		return ret;
	sql_bind(s, "tttttii", f->tree, f->arch, f->config, f->toolchain,
		 f->key, f->since_s, (int64_t)f->state);
	while ((!f->most || given < f->most) &&
	       (ret = sql_row(h, s, err)) > 0) {
		take_build(&b, s);
		/* Who was killed is known here alone. */
		ret = 0;
		if (f->state < 0 || (int)b.state == f->state) {
			given++;
			ret = each(ctx, &b);
		}
		history_build_release(&b);
		if (ret)
			break;
	}
	sqlite3_finalize(s);
	return ret;
}
