/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/foreign.h"

#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "base/vec.h"
#include "peer/canary-data.h"
#include "peer/tune.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOOLS_MAX 4096
#define ASK       1 /* of our one TOOLS in a connection */

/* Reading a toolchain of this machine so that the node can be given it. */
struct peer_sync {
	struct peer_foreign *foreign;
	struct toolchain_installed tc;
	struct digest same_as;
	struct peer_bundle bundle;
	struct task *task;
	atomic_bool stop;
	int ret;
	struct err err;
};

void peer_foreign_init(struct peer_foreign *f, struct peer_link *link,
		       const char *machine, const struct strv *hosts)
{
	*f = (struct peer_foreign){ .link = link,
				    .machine = machine,
				    .hosts = hosts };
}

/* The first components are equal, and one is the beginning of the other. */
static bool same_triplet(const char *a, size_t a_len, const char *b)
{
	size_t b_len = strlen(b), least = a_len < b_len ? a_len : b_len;
	size_t cpu = strcspn(b, "-");

	if (memcmp(a, b, least) || least < cpu)
		return false;
	return (a_len == least || a[least] == '-') &&
	       (b_len == least || b[least] == '-');
}

bool peer_foreign_matches(const char *id, const char *host,
			  const struct compiler_manifest *m)
{
	char *release = xasprintf("%s-%s", m->is_clang ? "clang" : "gcc",
				  m->version);
	char *on = xasprintf("-on-%s", host);
	size_t skip = strlen(release), len = strlen(id);
	bool same = str_starts(id, release);

	if (str_ends(id, on))
		len -= strlen(on);
	if (same && m->is_clang)
		same = len == skip;
	else if (same)
		same = len > skip + 1 && id[skip] == '-' &&
		       same_triplet(id + skip + 1, len - skip - 1, m->machine);
	free(release);
	free(on);
	return same;
}

static void ask_tools(struct peer_foreign *f)
{
	struct wire_tools m = { .ask = ASK };
	struct buf body = { 0 };

	if (f->asked)
		return;
	f->asked = true;
	wire_tools_encode(&body, &m);
	peer_link_send(f->link, WIRE_TOOLS, &body, WIRE_PLAIN);
}

/* Is it still being found out what it holds, or brought there? */
static bool is_undecided(const struct peer_foreign *f)
{
	return (f->asked && !f->known) || f->sync;
}

/*
 * The ids of all builds of it that the node holds and runs, those of its first
 * host before others.
 */
static void list_builds(const struct peer_foreign *f,
			const struct compiler_manifest *m, struct strv *ids)
{
	for (size_t h = 0; f->hosts && h < f->hosts->n; h++) {
		for (size_t i = 0; i < f->n_tools; i++) {
			const struct peer_foreign_tool *t = &f->tool[i];

			if (!strcmp(t->host, f->hosts->v[h]) &&
			    peer_foreign_matches(t->id, t->host, m))
				strv_add(ids, t->id);
		}
	}
}

bool peer_foreign_takes_steps(const struct peer_foreign *f,
			      const struct peer_cells *cells,
			      const struct inputs_toolchain *tc,
			      enum wire_step_kind kind, const char **host)
{
	const struct peer_cell *cell = peer_cell_find(cells, tc);

	*host = NULL;
	if (!cell->foreign)
		return peer_cell_takes_steps(cell, kind);
	for (size_t i = 0; i < f->n_tools && !*host; i++) {
		if (!strcmp(f->tool[i].id, cell->foreign))
			*host = f->tool[i].host;
	}
	return *host && kind == WIRE_STEP_SYMBOLS &&
	       wire_hello_version(&f->link->hello) >= WIRE_WITH_STEP;
}

static void tell_build(const struct peer_foreign *f, const char *what,
		       const char *id)
{
	char *reason = xasprintf("%s %s", what, id);

	peer_link_event(f->link, NULL, reason);
	free(reason);
}

/* --------------------------------------------- what is brought there */

static void sync_free(struct peer_sync *s)
{
	atomic_store(&s->stop, true);
	if (s->task)
		task_join(s->task);
	peer_bundle_release(&s->bundle);
	toolchain_installed_release(&s->tc);
	free(s);
}

/* On a thread. */
static void read_sync(void *arg)
{
	struct peer_sync *s = arg;

	s->ret = peer_bundle_read(&s->bundle, &s->tc, &s->same_as, &s->stop,
				  &s->err);
}

static void end_sync(struct peer_foreign *f, const char *why)
{
	if (why)
		log_warning("node %s: %s could not be given: %s",
			    f->link->entry->name, f->sync->tc.id, why);
	peer_delivery_end(&f->delivery);
	sync_free(f->sync);
	f->sync = NULL;
	f->changed = true;
	peer_farm_wake(f->link->farm);
}

static void on_file_failed(void *ctx, const struct inputs_entry *e,
			   const char *why)
{
	struct peer_foreign *f = ctx;

	(void)e;
	log_warning("node %s: %s could not be given: %s", f->link->entry->name,
		    f->sync->tc.id, why);
	f->stuck = true;
	peer_farm_wake(f->link->farm);
}

static void on_read(void *arg)
{
	struct peer_sync *s = arg;
	struct peer_foreign *f = s->foreign;
	struct peer_ship_user user = { .failed = on_file_failed, .ctx = f };
	struct err err;

	s->task = NULL;
	if (s->ret) {
		end_sync(f, s->err.text);
		return;
	}
	tell_build(f, "is given", s->tc.id);
	if (peer_delivery_start(&f->delivery, &s->bundle, f->link, &user, &err))
		end_sync(f, err.text);
}

/* The best of this machine's that the node runs; out of the list. */
static bool pick_installed(struct peer_sync *s, const struct peer_foreign *f,
			   const struct compiler_manifest *m,
			   struct toolchain_installed_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct toolchain_installed *t = &list->v[i];

		if (t->adopted || !strv_has(f->hosts, t->host) ||
		    !peer_foreign_matches(t->id, t->host, m) ||
		    strv_has(&f->pushed, t->id))
			continue;
		s->tc = *t;
		*t = (struct toolchain_installed){ 0 };
		return true;
	}
	return false;
}

/* With toolchain.sync: bring what this machine has for it.  False: nothing. */
static bool bring_build(struct peer_foreign *f,
			const struct compiler_manifest *m)
{
	const struct peer_farm *farm = f->link->farm;
	struct toolchain_installed_list list = { 0 };
	struct peer_sync *s;
	struct err err;

	if (!farm->sync || toolchain_installed_list(farm->data, &list, &err))
		return false;
	s = xcalloc(1, sizeof(*s));
	s->foreign = f;
	s->same_as = m->id;
	if (pick_installed(s, f, m, &list)) {
		strv_add(&f->pushed, s->tc.id);
		s->task = task_start_then(farm->base, read_sync, on_read, s);
	}
	toolchain_installed_list_release(&list);
	if (!s->task) {
		sync_free(s);
		return false;
	}
	f->sync = s;
	return true;
}

bool peer_foreign_brings(const struct peer_foreign *f, uint32_t number)
{
	return peer_delivery_is(&f->delivery, number);
}

int peer_foreign_need(struct peer_foreign *f, const struct wire_need *m,
		      struct err *err)
{
	return peer_views_need(&f->delivery.views, m, f->link->ship,
			       &f->delivery.user, err);
}

static void add_tool(struct peer_foreign *f, const char *id, const char *host)
{
	struct peer_foreign_tool *t = VEC_ADD(f->tool, f->n_tools);

	t->id = xstrdup(id);
	t->host = xstrdup(host);
}

void peer_foreign_have(struct peer_foreign *f, const struct wire_have *m)
{
	const struct peer_bundle *b = f->delivery.bundle;
	struct err err;
	int ret = peer_delivery_have(&f->delivery, m, &err);

	if (!ret)
		add_tool(f, b->id, b->host);
	end_sync(f, ret ? err.text : NULL);
}

/* ------------------------------------------------------- what it holds */

int peer_foreign_held(struct peer_foreign *f, struct bytes body,
		      struct err *err)
{
	struct wire_held m;
	int ret = 0;

	if (!f->asked || f->known || wire_held_decode(&m, body))
		return err_set(err, EPROTO, "its HELD makes no sense");
	if (m.ask != ASK || f->n_tools + m.n > TOOLS_MAX)
		ret = err_set(err, EPROTO, "its HELD makes no sense");
	for (uint32_t i = 0; i < m.n && !ret; i++) {
		/* Damaged ones are never used. */
		if (m.all[i].state != WIRE_HELD_DAMAGED)
			add_tool(f, m.all[i].id, m.all[i].host);
	}
	if (m.last && !ret) {
		f->known = f->changed = true;
		peer_farm_wake(f->link->farm);
	}
	wire_held_release(&m);
	return ret;
}

void peer_foreign_release(struct peer_foreign *f)
{
	peer_delivery_end(&f->delivery);
	if (f->sync)
		sync_free(f->sync);
	for (size_t i = 0; i < f->n_tools; i++) {
		free(f->tool[i].id);
		free(f->tool[i].host);
	}
	free(f->tool);
	strv_release(&f->pushed);
	free(f->lacks);
	*f = (struct peer_foreign){ 0 };
}

/* What is recorded of the node and this compiler. */
static struct peer_canary_db_key db_key(const struct peer_foreign *f,
					const struct inputs_toolchain *tc)
{
	struct peer_canary_db_key key = { .node = f->link->entry->name,
					  .ours = tc->manifest.id };

	peer_canary_digest(&key.sources);
	return key;
}

/* ------------------------------------------- which of them it uses, for jobs
 */

static void record_outcome(const struct peer_foreign *f,
			   const struct peer_cell *cell,
			   const struct peer_canary_outcome *o)
{
	struct peer_canary_db_key key = db_key(f, cell->toolchain);
	struct peer_canary_db_entry e = {
		.is = o->is,
		.id = cell->foreign,
		.detail = o->detail,
		.cpu_ms = o->cpu_ms,
	};
	struct err err;

	key.foreign = cell->foreign_id;
	if (peer_canary_db_add(f->link->farm->canary_db, &key, &e, &err))
		log_warning("%s; the canary will run again", err.text);
}

static void refuse_build(const struct peer_foreign *f, struct peer_cell *cell,
			 const char *why)
{
	log_warning("node %s: %s: %s", f->link->entry->name, cell->foreign,
		    why);
	peer_link_event(f->link, cell->toolchain, why);
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
	tell_build(f, "compiles with its own", cell->foreign);
}

static void try_unless_known(const struct peer_foreign *f,
			     struct peer_cell *cell)
{
	struct peer_canary_db_key key = db_key(f, cell->toolchain);
	struct peer_canary_db_entry known;

	key.foreign = cell->foreign_id;
	peer_canary_db_find(f->link->farm->canary_db, &key, &known);
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
	if (!f->link->farm->canary_db)
		f->lacks = xasprintf("is an %s machine; %s is for %s",
				     f->machine, str_base(tc->driver), m->host);
	else
		f->lacks = xasprintf(
			"is an %s machine; no build of %s-%s (%s) for it: "
			"`kfarm toolchain install %s-%s ... --nodes %s`",
			f->machine, release, m->version, m->machine, release,
			m->version, f->link->entry->name);
	peer_link_event(f->link, tc, f->lacks);
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

	ask_tools(f);
	if (is_undecided(f))
		return;
	list_builds(f, &tc->manifest, &ids);
	id = pick_build(&ids, chosen, native);
	if (id || native)
		peer_cell_ask(cells, tc, id);
	else if (!bring_build(f, &tc->manifest))
		tell_lack(f, tc);
	strv_release(&ids);
}

static void ask_for_jobs(struct peer_foreign *f, struct peer_cells *cells,
			 struct inputs_toolchain *tc, bool native)
{
	const char *db = f->link->farm->canary_db;
	struct peer_canary_db_key key = db_key(f, tc);
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
	struct peer_tune *t = f->link->farm->tune;
	const char *id = peer_tune_next(t, f->link->entry->name);
	struct peer_canary_db_key key = db_key(f, tc);

	if (id)
		peer_cell_ask(cells, tc, *id ? id : NULL);
	else
		peer_tune_finish(t, f->link->farm->canary_db, &key);
}

static void ask_for_tune(struct peer_foreign *f, struct peer_cells *cells,
			 struct inputs_toolchain *tc, bool native)
{
	struct strv ids = { 0 };

	ask_tools(f);
	if (is_undecided(f))
		return;
	if (native)
		strv_add(&ids, "");
	list_builds(f, &tc->manifest, &ids);
	if (peer_tune_begin(f->link->farm->tune, f->link->entry->name, &ids))
		tune_next(f, cells, tc);
	strv_release(&ids);
}

/* ------------------------------------------------------------ for both */

void peer_foreign_ask(struct peer_foreign *f, struct peer_cells *cells,
		      struct inputs_toolchain *tc)
{
	bool native = compiler_host_runs(tc->manifest.host, f->machine);

	if (f->link->farm->tune)
		ask_for_tune(f, cells, tc, native);
	else
		ask_for_jobs(f, cells, tc, native);
}

static void on_refused(struct peer_foreign *f, struct peer_cell *cell)
{
	struct peer_tune *t = f->link->farm->tune;

	log_warning("node %s: %s: %s", f->link->entry->name,
		    cell->toolchain->driver, cell->detail);
	peer_link_event(f->link, cell->toolchain, cell->detail);
	if (t && peer_tune_note(t, f->link->entry->name, PEER_CANARY_BROKEN,
				cell->detail, 0))
		tune_next(f, cell->all, cell->toolchain);
}

void peer_foreign_cell(struct peer_foreign *f, struct peer_cell *cell)
{
	if (cell->state == CELL_OVER) {
		on_refused(f, cell);
	} else if (cell->foreign && !cell->has_foreign_id) {
		refuse_build(f, cell,
			     "it does not say what its own build consists of");
	} else if (f->link->farm->tune) {
		cell->state = CELL_TRYING;
		peer_canary_try(cell, PEER_TUNE_ROUNDS);
	} else if (cell->foreign) {
		try_unless_known(f, cell);
	}
}

void peer_foreign_tried(struct peer_foreign *f, struct peer_cell *cell,
			struct peer_canary_outcome *o)
{
	struct peer_tune *t = f->link->farm->tune;

	if (o->is != PEER_CANARY_BROKEN && cell->foreign)
		record_outcome(f, cell, o);
	if (t) {
		if (peer_tune_note(t, f->link->entry->name, o->is, o->detail,
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

enum peer_has peer_foreign_has(const struct peer_foreign *f,
			       const struct peer_cells *cells,
			       const struct inputs_toolchain *tc)
{
	const struct peer_cell *cell = peer_cell_find(cells, tc);

	if (!cell)
		return is_undecided(f) ? PEER_HAS_PART : PEER_HAS_NOT;
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

bool peer_foreign_lacks(const struct peer_foreign *f,
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
