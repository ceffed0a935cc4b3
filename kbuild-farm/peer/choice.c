/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/choice.h"

#include "base/log.h"
#include "base/str.h"
#include "peer/canary-data.h"
#include "peer/canary-db.h"
#include "peer/tune.h"

#include <stdlib.h>
#include <string.h>

static const struct peer_farm *farm_of(const struct peer_foreign *f)
{
	return f->link->farm;
}

static const char *name_of(const struct peer_foreign *f)
{
	return f->link->entry->name;
}

/* What is recorded of the node and this compiler. */
static struct peer_canary_db_key key_of(const struct peer_foreign *f,
					const struct inputs_toolchain *tc)
{
	struct peer_canary_db_key key = { .node = name_of(f),
					  .ours = tc->manifest.id };

	peer_canary_digest(&key.sources);
	return key;
}

/* ------------------------------------------------------------ for jobs */

static void record_outcome(const struct peer_foreign *f,
			   const struct peer_cell *cell,
			   const struct peer_canary_outcome *o)
{
	struct peer_canary_db_key key = key_of(f, cell->toolchain);
	struct peer_canary_db_entry e = {
		.is = o->is,
		.id = cell->foreign,
		.detail = o->detail,
		.cpu_ms = o->cpu_ms,
	};
	struct err err;

	key.foreign = cell->foreign_id;
	if (peer_canary_db_add(farm_of(f)->canary_db, &key, &e, &err))
		log_warning("%s; the canary will run again", err.text);
}

static void refuse_build(const struct peer_foreign *f, struct peer_cell *cell,
			 const char *why)
{
	log_warning("node %s: %s: %s", name_of(f), cell->foreign, why);
	peer_link_event(f->link, "no toolchain", why);
	peer_cell_shut(cell, why);
}

static void refuse_failed(const struct peer_foreign *f, struct peer_cell *cell,
			  const char *file)
{
	char *why = xasprintf("canary failed: %s", file);

	refuse_build(f, cell, why);
	free(why);
}

static void use_build(const struct peer_foreign *f, struct peer_cell *cell)
{
	cell->state = CELL_READY;
	peer_foreign_tell(f, "compiles with its own", cell->foreign);
}

static void try_unless_known(const struct peer_foreign *f,
			     struct peer_cell *cell)
{
	struct peer_canary_db_key key = key_of(f, cell->toolchain);
	struct peer_canary_db_entry known;

	key.foreign = cell->foreign_id;
	peer_canary_db_find(farm_of(f)->canary_db, &key, &known);
	if (known.is == PEER_CANARY_PASSED)
		use_build(f, cell);
	else if (known.is == PEER_CANARY_FAILED)
		refuse_failed(f, cell, known.detail);
	else
		peer_canary_try(cell, 1);
	peer_canary_db_entry_release(&known);
}

static void tell_lack(struct peer_foreign *f, const struct inputs_toolchain *tc)
{
	const struct compiler_manifest *m = &tc->manifest;
	const char *release = m->is_clang ? "clang" : "gcc";

	free(f->lacks);
	if (!farm_of(f)->canary_db)
		f->lacks = xasprintf("is an %s machine; %s is for %s",
				     f->machine, str_base(tc->driver), m->host);
	else
		f->lacks = xasprintf(
			"is an %s machine; no build of %s-%s (%s) for it: "
			"`kfarm toolchain install %s-%s ... --nodes %s`",
			f->machine, release, m->version, m->machine, release,
			m->version, name_of(f));
	peer_link_event(f->link, "no toolchain", f->lacks);
}

/* The one of these to be used: what was measured, else the first; or NULL. */
static const char *pick_build(const struct strv *ids, const char *chosen,
			      bool native)
{
	if (chosen && strv_has(ids, chosen))
		return chosen;
	return native || !ids->n ? NULL : ids->v[0];
}

static void ask_foreign(struct peer_foreign *f, struct peer_cells *cells,
			struct inputs_toolchain *tc, const char *chosen,
			bool native)
{
	struct strv ids = { 0 };
	const char *id;

	peer_foreign_ask_tools(f);
	if (peer_foreign_undecided(f))
		return;
	peer_foreign_builds(f, &tc->manifest, &ids);
	id = pick_build(&ids, chosen, native);
	if (id || native)
		peer_cell_ask(cells, tc, id);
	else if (!peer_foreign_bring(f, &tc->manifest))
		tell_lack(f, tc);
	strv_release(&ids);
}

static void ask_for_jobs(struct peer_foreign *f, struct peer_cells *cells,
			 struct inputs_toolchain *tc, bool native)
{
	const char *db = farm_of(f)->canary_db;
	struct peer_canary_db_key key = key_of(f, tc);
	/* What was measured as the fastest, "": what ships. */
	char *chosen = db ? peer_canary_db_choice(db, &key) : NULL;

	if (native && (!chosen || !*chosen))
		peer_cell_ask(cells, tc, NULL);
	else if (db)
		ask_foreign(f, cells, tc, chosen, native);
	else
		tell_lack(f, tc);
	free(chosen);
}

/* ---------------------------------------------------------- for tuning */

static void tune_next(struct peer_foreign *f, struct peer_cells *cells,
		      struct inputs_toolchain *tc)
{
	struct peer_tune *t = farm_of(f)->tune;
	const char *id = peer_tune_next(t, name_of(f));
	struct peer_canary_db_key key = key_of(f, tc);

	if (id)
		peer_cell_ask(cells, tc, *id ? id : NULL);
	else
		peer_tune_finish(t, farm_of(f)->canary_db, &key);
}

static void ask_for_tune(struct peer_foreign *f, struct peer_cells *cells,
			 struct inputs_toolchain *tc, bool native)
{
	struct strv ids = { 0 };

	peer_foreign_ask_tools(f);
	if (peer_foreign_undecided(f))
		return;
	if (native)
		strv_add(&ids, "");
	peer_foreign_builds(f, &tc->manifest, &ids);
	if (peer_tune_begin(farm_of(f)->tune, name_of(f), &ids))
		tune_next(f, cells, tc);
	strv_release(&ids);
}

/* ------------------------------------------------------------ for both */

void peer_choice_ask(struct peer_foreign *f, struct peer_cells *cells,
		     struct inputs_toolchain *tc)
{
	bool native = compiler_host_runs(tc->manifest.host, f->machine);

	if (farm_of(f)->tune)
		ask_for_tune(f, cells, tc, native);
	else
		ask_for_jobs(f, cells, tc, native);
}

static void on_refused(struct peer_foreign *f, struct peer_cell *cell)
{
	struct peer_tune *t = farm_of(f)->tune;

	log_warning("node %s: %s: %s", name_of(f), cell->toolchain->driver,
		    cell->detail);
	peer_link_event(f->link, "no toolchain", cell->detail);
	if (t &&
	    peer_tune_note(t, name_of(f), PEER_CANARY_BROKEN, cell->detail, 0))
		tune_next(f, cell->all, cell->toolchain);
}

void peer_choice_cell(struct peer_foreign *f, struct peer_cell *cell)
{
	if (cell->state == CELL_OVER) {
		on_refused(f, cell);
	} else if (cell->foreign && !cell->has_foreign_id) {
		refuse_build(f, cell,
			     "it does not say what its own build consists of");
	} else if (farm_of(f)->tune) {
		cell->state = CELL_TRYING;
		peer_canary_try(cell, PEER_TUNE_ROUNDS);
	} else if (cell->foreign) {
		try_unless_known(f, cell);
	}
}

void peer_choice_tried(struct peer_foreign *f, struct peer_cell *cell,
		       struct peer_canary_outcome *o)
{
	struct peer_tune *t = farm_of(f)->tune;

	if (o->is != PEER_CANARY_BROKEN && cell->foreign)
		record_outcome(f, cell, o);
	if (t) {
		if (peer_tune_note(t, name_of(f), o->is, o->detail,
				   o->cpu_ms)) {
			peer_cell_shut(cell, "tried");
			tune_next(f, cell->all, cell->toolchain);
		}
	} else if (o->is == PEER_CANARY_PASSED) {
		use_build(f, cell);
	} else if (o->is == PEER_CANARY_FAILED) {
		refuse_failed(f, cell, o->detail);
	} else {
		refuse_build(f, cell, o->detail);
	}
	free(o->detail);
	o->detail = NULL;
}

enum peer_has peer_choice_has(const struct peer_foreign *f,
			      const struct peer_cells *cells,
			      const struct inputs_toolchain *tc)
{
	const struct peer_cell *cell = peer_cell_find(cells, tc);

	if (!cell)
		return peer_foreign_undecided(f) ? PEER_HAS_PART : PEER_HAS_NOT;
	switch (cell->state) {
	case CELL_READY:
		return PEER_HAS;
	case CELL_ASKED:
		return cell->needs ? PEER_HAS_PART : PEER_HAS_ASKED;
	case CELL_TRYING:
		return PEER_HAS_PART;
	default:
		return PEER_HAS_NOT;
	}
}

bool peer_choice_lacks(const struct peer_foreign *f,
		       const struct peer_cells *cells, const char **why)
{
	const struct peer_cell *cell = TAILQ_FIRST(&cells->list);

	*why = cell && cell->detail ? cell->detail : f->lacks;
	if (!cell)
		return f->lacks;
	list_for_each(cell, &cells->list, link) {
		if (cell->state != CELL_OVER)
			return false;
	}
	return true;
}
