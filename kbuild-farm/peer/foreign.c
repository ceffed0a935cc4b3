/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/foreign.h"

#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "base/vec.h"
#include "peer/canary-data.h"
#include "peer/canary-db.h"
#include "peer/push.h"
#include "peer/tune.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define TOOLS_MAX 4096
#define ASK       1 /* of our one TOOLS in a connection */

/* Reading a toolchain of this machine so that the node can be given it. */
struct present {
	struct peer *peer;
	struct toolchain_installed tc;
	struct digest twin;
	struct peer_bundle gift;
	struct task *task;
	struct event *done;
	atomic_bool stop;
	int ret;
	struct err err;
};

struct peer_foreign {
	bool asked, known; /* what it holds */
	struct peer_foreign_tool {
		char *id, *host;
	} * tool;
	size_t n_tools;
	struct strv given; /* ids that were tried to be given */
	struct present *present; /* under way */
	struct peer_push *give;
	struct peer_push_count count;
	uint32_t number;
};

static struct peer_foreign *own_of(struct peer *p)
{
	if (!p->own)
		p->own = xcalloc(1, sizeof(*p->own));
	return p->own;
}

void peer_foreign_key(struct peer_canary_db_key *key, const struct peer *p,
		      const struct inputs_toolchain *tc,
		      const struct digest *theirs)
{
	*key = (struct peer_canary_db_key){ .node = p->entry->name,
					    .ours = tc->manifest.id };
	if (theirs)
		key->theirs = *theirs;
	peer_canary_digest(&key->sources);
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

static void ask_tools(struct peer *p)
{
	struct wire_tools m = { .ask = ASK };
	struct buf body = { 0 };

	own_of(p)->asked = true;
	wire_tools_encode(&body, &m);
	wire_stream_send(p->stream, WIRE_TOOLS, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
}

bool peer_foreign_undecided(const struct peer *p)
{
	const struct peer_foreign *own = p->own;

	return own && ((own->asked && !own->known) || own->present);
}

static const char *held(const struct peer_foreign *own, const char *id)
{
	for (size_t i = 0; i < own->n_tools; i++) {
		if (!strcmp(own->tool[i].id, id))
			return own->tool[i].id;
	}
	return NULL;
}

/* The one that it holds: that of its first host before others. */
static const char *candidate(const struct peer *p,
			     const struct inputs_toolchain *tc)
{
	const struct peer_foreign *own = p->own;

	for (size_t h = 0; h < p->fit.hosts.n; h++) {
		for (size_t i = 0; i < own->n_tools; i++) {
			const struct peer_foreign_tool *t = &own->tool[i];

			if (!strcmp(t->host, p->fit.hosts.v[h]) &&
			    peer_foreign_matches(t->id, t->host, &tc->manifest))
				return t->id;
		}
	}
	return NULL;
}

void peer_foreign_tell(const struct peer *p, const char *what, const char *id)
{
	char *reason = xasprintf("%s %s", what, id);

	coord_emit_node(p->coord, p->entry->name, peer_state_name(p), reason);
	free(reason);
}

/* ------------------------------------------------------------- a present */

static void present_free(struct present *pr)
{
	if (pr->done)
		event_free(pr->done);
	atomic_store(&pr->stop, true);
	if (pr->task)
		task_join(pr->task);
	peer_bundle_release(&pr->gift);
	toolchain_installed_release(&pr->tc);
	free(pr);
}

/* On a thread. */
static void read_present(void *arg)
{
	struct present *pr = arg;

	pr->ret = peer_bundle_read(&pr->gift, &pr->tc, &pr->twin, &pr->stop,
				   &pr->err);
}

static void ask_all(struct peer *p)
{
	struct inputs_toolchain *tc;

	list_for_each(tc, &p->coord->toolchains, link) {
		if (tc->state == INPUTS_READY && !peer_cell_find(p, tc))
			peer_foreign_ask(p, tc);
	}
	coord_kick(p->coord);
}

static void end_present(struct peer *p, const char *why)
{
	struct peer_foreign *own = p->own;

	if (why)
		log_warning("node %s: %s could not be given: %s",
			    p->entry->name, own->present->tc.id, why);
	peer_push_free(own->give);
	own->give = NULL;
	present_free(own->present);
	own->present = NULL;
	ask_all(p);
}

static void on_give_failed(void *ctx, const struct err *why)
{
	struct peer *p = ctx;

	/* It waits for what never comes: begin anew. */
	log_warning("node %s: %s could not be given: %s", p->entry->name,
		    p->own->present->tc.id, why->text);
	peer_renew(p);
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
	struct present *pr = arg;
	struct peer *p = pr->peer;
	struct peer_foreign *own = p->own;

	(void)fd;
	(void)what;
	task_join(pr->task);
	pr->task = NULL;
	if (pr->ret) {
		end_present(p, pr->err.text);
		return;
	}
	peer_foreign_tell(p, "is given", pr->tc.id);
	own->give = peer_push_new(&(struct peer_push_setup){
		.stream = p->stream,
		.keep = ++own->number,
		.gift = &pr->gift,
		.pool = p->coord->pool,
		.packed = p->coord->packed,
		.count = &own->count,
		.failed = on_give_failed,
		.ctx = p,
	});
}

static bool runs(const struct peer *p, const char *host)
{
	return strv_has(&p->fit.hosts, host);
}

/* The best of this machine's that the node runs; out of the list. */
static bool pick_installed(struct present *pr, const struct peer *p,
			   const struct inputs_toolchain *tc,
			   struct toolchain_installed_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct toolchain_installed *t = &list->v[i];

		if (t->adopted || !runs(p, t->host) ||
		    !peer_foreign_matches(t->id, t->host, &tc->manifest) ||
		    strv_has(&p->own->given, t->id))
			continue;
		pr->tc = *t;
		*t = (struct toolchain_installed){ 0 };
		return true;
	}
	return false;
}

/* With toolchain.sync: bring what this machine has for it.  False: nothing. */
static bool catch_up(struct peer *p, const struct inputs_toolchain *tc)
{
	struct coord *c = p->coord;
	struct toolchain_installed_list list = { 0 };
	struct present *pr;
	struct err err;

	if (!c->sync || toolchain_installed_list(c->data, &list, &err))
		return false;
	pr = xcalloc(1, sizeof(*pr));
	pr->peer = p;
	pr->twin = tc->manifest.id;
	if (pick_installed(pr, p, tc, &list)) {
		strv_add(&p->own->given, pr->tc.id);
		pr->task = task_start(read_present, pr);
	}
	toolchain_installed_list_release(&list);
	if (!pr->task) {
		present_free(pr);
		return false;
	}
	pr->done = event_new(c->base, task_fd(pr->task), EV_READ, on_read, pr);
	if (!pr->done || event_add(pr->done, NULL))
		str_out_of_memory();
	p->own->present = pr;
	return true;
}

int peer_foreign_need(struct peer *p, const struct wire_need *m,
		      struct err *err)
{
	if (p->own && p->own->give &&
	    m->cell == (p->own->number | WIRE_NEED_KEEP))
		return peer_push_need(p->own->give, m, err);
	return err_set(err, EPROTO, "it needs what nobody told it of");
}

int peer_foreign_kept(struct peer *p, struct bytes body, struct err *err)
{
	struct peer_foreign *own = p->own;
	struct wire_kept m;
	bool ok;

	if (wire_kept_decode(&m, body))
		return err_set(err, EPROTO, "broken KEPT");
	if (!own || !own->give || m.keep != own->number) {
		wire_kept_release(&m);
		return err_set(err, EPROTO, "it answers what nobody asked");
	}
	ok = !m.state && digest_equal(&m.tree, &own->present->gift.tree);
	if (ok) {
		*VEC_ADD(own->tool, own->n_tools) = (struct peer_foreign_tool){
			.id = xstrdup(own->present->gift.id),
			.host = xstrdup(own->present->gift.host),
		};
	}
	end_present(p, ok ? NULL : m.state ? m.detail : "it has another tree");
	wire_kept_release(&m);
	return 0;
}

void peer_foreign_more(struct peer *p)
{
	if (p->own && p->own->give)
		peer_push_more(p->own->give);
}

void peer_foreign_watch(struct peer *p)
{
	if (p->own && p->own->give)
		peer_push_retry(p->own->give);
}

/* -------------------------------------------------------------- which one */

static void lacks(struct peer *p, const struct inputs_toolchain *tc)
{
	const struct compiler_manifest *m = &tc->manifest;
	const char *machine = p->hello.inventory.machine;
	char *why;

	if (!p->coord->trust) {
		why = xasprintf("is an %s machine; %s is for %s", machine,
				str_base(tc->driver), m->host);
	} else {
		why = xasprintf("is an %s machine; no build of %s-%s (%s) for "
				"it: `kfarm toolchain install %s-%s ... "
				"--nodes %s`",
				machine, m->is_clang ? "clang" : "gcc",
				m->version, m->machine,
				m->is_clang ? "clang" : "gcc", m->version,
				p->entry->name);
	}
	coord_emit_node(p->coord, p->entry->name, "no toolchain", why);
	free(p->lacks);
	p->lacks = why;
}

/* What was measured as the fastest; NULL: nothing, or not to be had. */
static char *choice(const struct peer *p, const struct inputs_toolchain *tc)
{
	struct peer_canary_db_key key;

	if (!p->coord->trust)
		return NULL;
	peer_foreign_key(&key, p, tc, NULL);
	return peer_canary_db_choice(p->coord->trust, &key);
}

static void ask_foreign(struct peer *p, struct inputs_toolchain *tc,
			const char *chosen, bool native)
{
	struct peer_foreign *own = own_of(p);
	const char *id;

	if (!own->asked)
		ask_tools(p);
	if (!own->known || own->present)
		return;
	id = chosen && *chosen ? held(own, chosen) : NULL;
	if (!id && native) {
		peer_cell_ask(p, tc, NULL);
		return;
	}
	if (!id)
		id = candidate(p, tc);
	if (id)
		peer_cell_ask(p, tc, id);
	else if (!catch_up(p, tc))
		lacks(p, tc);
}

void peer_foreign_ask(struct peer *p, struct inputs_toolchain *tc)
{
	bool native = compiler_runs_on(tc->manifest.host,
				       p->hello.inventory.machine);
	char *chosen;

	if (p->coord->tune) {
		if (!own_of(p)->asked)
			ask_tools(p);
		if (p->own->known)
			peer_tune_node(p, tc, native);
		return;
	}
	chosen = choice(p, tc);
	if (native && (!chosen || !*chosen))
		peer_cell_ask(p, tc, NULL);
	else if (p->coord->trust)
		ask_foreign(p, tc, chosen, native);
	else
		lacks(p, tc);
	free(chosen);
}

/* Damaged ones are never used. */
static void take_held(struct peer_foreign *own, struct wire_held *m)
{
	for (uint32_t i = 0; i < m->n; i++) {
		if (m->all[i].state == WIRE_HELD_DAMAGED)
			continue;
		*VEC_ADD(own->tool, own->n_tools) = (struct peer_foreign_tool){
			.id = xstrdup(m->all[i].id),
			.host = xstrdup(m->all[i].host),
		};
	}
}

int peer_foreign_held(struct peer *p, struct bytes body, struct err *err)
{
	struct peer_foreign *own = p->own;
	struct wire_held m;
	bool last;

	if (!own || !own->asked || own->known || wire_held_decode(&m, body))
		return err_set(err, EPROTO, "its HELD makes no sense");
	last = m.last;
	if (m.ask != ASK || own->n_tools + m.n > TOOLS_MAX) {
		wire_held_release(&m);
		return err_set(err, EPROTO, "its HELD makes no sense");
	}
	take_held(own, &m);
	wire_held_release(&m);
	if (!last)
		return 0;
	own->known = true;
	ask_all(p);
	return 0;
}

void peer_foreign_tools(const struct peer *p, const struct inputs_toolchain *tc,
			struct strv *ids)
{
	const struct peer_foreign *own = p->own;

	for (size_t i = 0; own && i < own->n_tools; i++) {
		const struct peer_foreign_tool *t = &own->tool[i];

		if (runs(p, t->host) &&
		    peer_foreign_matches(t->id, t->host, &tc->manifest))
			strv_add(ids, t->id);
	}
}

void peer_foreign_free(struct peer *p)
{
	struct peer_foreign *own = p->own;

	if (!own)
		return;
	p->own = NULL;
	peer_push_free(own->give);
	if (own->present)
		present_free(own->present);
	for (size_t i = 0; i < own->n_tools; i++) {
		free(own->tool[i].id);
		free(own->tool[i].host);
	}
	free(own->tool);
	strv_release(&own->given);
	free(own);
}
