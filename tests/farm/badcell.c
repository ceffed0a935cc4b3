/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * farm/badcell.c - False messages of badnode about sandboxes, the machine and
 * files.
 */
#include "badnode.h"

#include <endian.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Blobs that the real node requested.  badnode forwards no others. */
static struct digest *wanted;
static size_t n_wanted;

static bool is_wanted(const struct digest *d)
{
	for (size_t i = 0; i < n_wanted; i++) {
		if (digest_equal(&wanted[i], d))
			return true;
	}
	return false;
}

static struct view *view_of(uint32_t cell, uint32_t view)
{
	struct view *v = bad.views;

	while (v && (v->ask.cell != cell || v->ask.view != view))
		v = v->next;
	return v;
}

static void view_drop(struct view *view)
{
	for (struct view **v = &bad.views; *v; v = &(*v)->next) {
		if (*v == view) {
			*v = view->next;
			break;
		}
	}
	wire_view_release(&view->ask);
	free(view);
}

static void heard_cell(struct bytes body)
{
	struct cell *c = xcalloc(1, sizeof(*c));

	if (wire_cell_decode(&c->ask, body))
		exit(2);
	c->next = bad.cells;
	bad.cells = c;
	if (badnode_is("have-early"))
		badcell_say_have(c->ask.cell, WIRE_HAVE_READY, "");
	if (badnode_is("have-nobody"))
		badcell_say_have(4000000000u, WIRE_HAVE_READY, "");
}

static void heard_view(struct bytes body)
{
	struct view *v = xcalloc(1, sizeof(*v));

	if (wire_view_decode(&v->ask, body))
		exit(2);
	v->next = bad.views;
	bad.views = v;
}

/* Kill both processes at once, as when a machine fails. */
static void crash(void)
{
	kill(bad.node, SIGKILL);
	kill(getpid(), SIGKILL);
}

static bool heard_blob(struct bytes body)
{
	static long came;
	struct wire_blob blob;

	if (wire_blob_decode(&blob, body))
		exit(2);
	came += (long)blob.data.len;
	if (badnode_is("crash") && came > bad.n)
		crash();
	return is_wanted(&blob.digest);
}

bool badcell_heard(uint16_t type, struct bytes body)
{
	if (type == WIRE_CELL)
		heard_cell(body);
	else if (type == WIRE_VIEW)
		heard_view(body);
	else if (type == WIRE_BLOB)
		return heard_blob(body);
	return true;
}

static void say_fit(uint8_t fit, const char *why, size_t more)
{
	struct wire_fit m = { .usable = fit,
			      .layers = (char *)"user mount pid",
			      .reason = (char *)why };
	struct buf body = { 0 };

	wire_fit_encode(&body, &m);
	for (size_t i = 0; i < more; i++)
		buf_put_u8(&body, 7);
	badnode_say(WIRE_FIT, buf_bytes(&body));
	buf_release(&body);
}

void badcell_fit(struct bytes body)
{
	if (badnode_is("fit")) {
		say_fit((uint8_t)bad.n, "there is no sandbox here", 0);
	} else if (badnode_is("fit-broken")) {
		say_fit(1, "", (size_t)bad.n);
	} else if (badnode_is("fit-twice")) {
		badnode_say(WIRE_FIT, body);
		badnode_say(WIRE_FIT, body);
	} else if (!badnode_is("fit-never")) {
		badnode_say(WIRE_FIT, body);
	}
}

void badcell_machine(struct bytes body)
{
	struct buf more = { 0 };

	if (badnode_is("machine-never"))
		return;
	buf_add_bytes(&more, body);
	if (badnode_is("machine-broken"))
		buf_put_u8(&more, 7);
	badnode_say(WIRE_MACHINE, buf_bytes(&more));
	if (badnode_is("machine-twice"))
		badnode_say(WIRE_MACHINE, buf_bytes(&more));
	buf_release(&more);
}

void badcell_say_have(uint32_t cell, uint8_t state, const char *detail)
{
	struct buf body = { 0 };

	buf_put_u32(&body, cell);
	buf_put_u8(&body, state);
	buf_put_str(&body, detail);
	badnode_say(WIRE_HAVE, buf_bytes(&body));
	buf_release(&body);
}

void badcell_have(struct bytes body)
{
	struct wire_have m;

	if (wire_have_decode(&m, body))
		exit(2);
	if (badnode_is("have"))
		badcell_say_have(m.cell, (uint8_t)bad.n, "it is not for you");
	else if (badnode_is("have-twice"))
		badnode_say(WIRE_HAVE, body);
	if (!badnode_is("have") && !badnode_is("have-never"))
		badnode_say(WIRE_HAVE, body);
	wire_have_release(&m);
}

/* Send unsorted indexes, which kfarm's own encoder never produces. */
static void say_unsorted(const struct wire_need *m)
{
	struct buf body = { 0 };

	buf_put_u32(&body, m->cell);
	buf_put_u32(&body, m->view);
	buf_put_u32(&body, 2);
	buf_put_u32(&body, 1);
	buf_put_u32(&body, 0);
	badnode_say(WIRE_NEED, buf_bytes(&body));
	buf_release(&body);
}

static void say_need(uint32_t cell, uint32_t view, const uint32_t *index,
		     uint32_t n)
{
	struct wire_need m = { .cell = cell,
			       .view = view,
			       .n_indices = n,
			       .indices = (uint32_t *)index };
	struct buf body = { 0 };

	wire_need_encode(&body, &m);
	badnode_say(WIRE_NEED, buf_bytes(&body));
	buf_release(&body);
}

/* Request all entries of the given kind, although the node has them. */
static void say_kind(const struct view *v, bool files)
{
	uint32_t *index = xcalloc(v->ask.n_entries + 1, sizeof(*index));
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->ask.n_entries; i++) {
		if ((v->ask.entries[i].inode.kind == WIRE_INODE_FILE) == files)
			index[n++] = i;
	}
	say_need(v->ask.cell, v->ask.view, index, n);
	free(index);
}

static bool is_late(const struct view *v)
{
	return badnode_is("need-never") ||
	       (badnode_is("need-late") && v->ask.part == WIRE_PART_SOURCES);
}

static void say_lie(const struct wire_need *m, const struct view *v,
		    struct bytes body)
{
	if (badnode_is("need-all")) {
		say_kind(v, true);
	} else if (badnode_is("need-links")) {
		say_kind(v, false);
	} else if (badnode_is("need-beyond")) {
		say_need(m->cell, m->view, &v->ask.n_entries, 1);
	} else if (badnode_is("need-view")) {
		say_need(m->cell, m->view + (uint32_t)bad.n, NULL, 0);
	} else if (badnode_is("need-nobody")) {
		say_need(1000000000u, m->view, NULL, 0);
		badnode_say(WIRE_NEED, body);
	} else if (badnode_is("need-unsorted")) {
		say_unsorted(m);
	} else if (!is_late(v)) {
		badnode_say(WIRE_NEED, body);
		if (badnode_is("need-twice"))
			badnode_say(WIRE_NEED, body);
	}
}

void badcell_need(struct bytes body)
{
	struct wire_need m;
	struct view *v;

	if (wire_need_decode(&m, body))
		exit(2);
	v = view_of(m.cell, m.view);
	if (!v)
		exit(2);
	wanted = xrealloc(wanted,
			  (n_wanted + m.n_indices + 1) * sizeof(*wanted));
	for (uint32_t i = 0; i < m.n_indices; i++)
		wanted[n_wanted++] = v->ask.entries[m.indices[i]].inode.digest;
	say_lie(&m, v, body);
	view_drop(v);
	wire_need_release(&m);
}

void badcell_relay(struct bytes body)
{
	struct wire_relay m = { .n_keys = WIRE_RELAY_KEYS_MAX };
	struct buf more = { 0 };

	if (badnode_is("relay-many")) {
		m.keys = xcalloc(m.n_keys, sizeof(*m.keys));
		for (unsigned i = 0; i < m.n_keys; i++)
			put_le32(m.keys[i].fingerprint.b + 28, htobe32(i + 1));
		for (int i = 0; i < WIRE_RELAY_MEMBERS_MAX; i++)
			strv_own(&m.members, xasprintf("member%d", i));
		wire_relay_encode(&more, &m);
		wire_relay_release(&m);
	} else {
		buf_add_bytes(&more, body);
	}
	if (badnode_is("relay-broken"))
		buf_put_u8(&more, 7);
	badnode_say(WIRE_RELAY, buf_bytes(&more));
	buf_release(&more);
}

void badcell_via(struct bytes body)
{
	struct wire_via m;
	struct buf changed = { 0 };

	if (wire_via_decode(&m, body))
		exit(2);
	if (badnode_is("via-nobody"))
		m.job = 4000000000u;
	buf_put_u32(&changed, m.job);
	if (badnode_is("via-broken"))
		buf_put_str(&changed, "\033[31m");
	else
		buf_put_str(&changed,
			    badnode_is("via-wrong") ? "nobody" : m.member);
	badnode_say(WIRE_VIA, buf_bytes(&changed));
	buf_release(&changed);
	wire_via_release(&m);
}

bool badcell_find(const char *name)
{
	static const char *const modes[] = {
		"fit", /* FIT with value N; 0 is unfit, above 1 is undefined */
		"fit-broken", /* FIT with N extra bytes */
		"fit-twice",
		"fit-never", /* MACHINE without FIT */
		"machine-never",
		"machine-broken", /* MACHINE with an extra byte */
		"machine-twice",
		"have", /* HAVE with state N: 1 refused, 2 lost */
		"have-early", /* ready before any file has arrived */
		"have-twice",
		"have-never",
		"have-nobody", /* HAVE for an unknown sandbox */
		"need-all", /* NEED also lists files that the node has */
		"need-twice", /* the same NEED twice */
		"need-links", /* NEED lists entries without a blob */
		"need-beyond", /* NEED lists an index beyond the last entry */
		"need-view", /* NEED for the view N later */
		"need-nobody", /* NEED for an unknown sandbox */
		"need-unsorted",
		"need-never", /* no NEED */
		"need-late", /* no NEED for files of the tree */
		"slots", /* HELLO with N slots */
		"relay-broken", /* RELAY with an extra byte */
		"relay-many", /* RELAY with the maximum of members and keys */
		"via-broken", /* VIA with an invalid name */
		"via-nobody", /* VIA for an unknown job */
		"via-wrong", /* VIA with a name of no member */
		"crash", /* killed after N bytes of files have arrived */
		NULL
	};

	for (const char *const *m = modes; *m; m++) {
		if (!strcmp(*m, name))
			return true;
	}
	return false;
}
