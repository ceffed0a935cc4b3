/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/foreign.h"

#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "base/vec.h"

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

/* Its first component is one, and one is the other's beginning. */
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

void peer_foreign_ask_tools(struct peer_foreign *f)
{
	struct wire_tools m = { .ask = ASK };
	struct buf body = { 0 };

	if (f->asked)
		return;
	f->asked = true;
	wire_tools_encode(&body, &m);
	peer_link_send(f->link, WIRE_TOOLS, &body, WIRE_PLAIN);
}

bool peer_foreign_undecided(const struct peer_foreign *f)
{
	return (f->asked && !f->known) || f->sync;
}

void peer_foreign_builds(const struct peer_foreign *f,
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

void peer_foreign_tell(const struct peer_foreign *f, const char *what,
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
	peer_foreign_tell(f, "is given", s->tc.id);
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
		    strv_has(&f->given, t->id))
			continue;
		s->tc = *t;
		*t = (struct toolchain_installed){ 0 };
		return true;
	}
	return false;
}

bool peer_foreign_bring(struct peer_foreign *f,
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
		strv_add(&f->given, s->tc.id);
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
	strv_release(&f->given);
	free(f->lacks);
	*f = (struct peer_foreign){ 0 };
}
