/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "relay/relay.h"

#include "base/clock.h"
#include "base/log.h"
#include "machine/machine.h"
#include "node/duplicates.h"
#include "node/roster.h"
#include "peer/survey.h"
#include "relay/internal.h"
#include "store/packed-cache.h"
#include "tls/key.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_MS     3000 /* wait for members before the first HELLO */
#define REDIAL_MS     1000 /* delay after a failure; doubled each time */
#define REDIAL_MS_MAX 30000
/* time until the relay reconnects to a member that cannot run jobs */
#define REFIT_MS       3000
#define UPLOAD_THREADS 2

/* A session's timer notices the end of SETTLE_MS up to one second later. */
_Static_assert(SETTLE_MS + 1000 < PEER_SURVEY_TIMEOUT_MS,
	       "a survey of a relay times out before HELLO");

bool relay_member_is_usable(const struct relay_member *m)
{
	return m->state == RELAY_MEMBER_UP && !m->problem;
}

bool relay_member_is_drained(const struct relay_member *m)
{
	return m->state == RELAY_MEMBER_UP && m->entry.drained && !m->loops &&
	       m->conn.fit.usable;
}

bool relay_is_settled(const struct relay *r)
{
	bool tried = true;

	for (size_t i = 0; i < r->n_members; i++)
		tried &= r->members[i].tried;
	return tried || clock_ms() >= r->start_ms + SETTLE_MS;
}

unsigned relay_member_count_slots(const struct relay_member *m, unsigned lease)
{
	unsigned slots = m->limit.slots;

	if (!relay_member_is_usable(m))
		return 0;
	/*
	 * When a relay loses members of its own, it shortens the leases of all
	 * its sessions.  Therefore, for a member that is a relay, the lease of
	 * the connection without jobs (m->lease) is also a limit.
	 */
	if (m->below.n_keys && m->lease < slots)
		slots = m->lease;
	return lease < slots ? lease : slots;
}

unsigned relay_count_slots(const struct relay *r)
{
	unsigned sum = 0;

	for (size_t i = 0; i < r->n_members; i++) {
		sum += relay_member_count_slots(&r->members[i],
						WIRE_LEASE_UNLIMITED);
	}
	return sum;
}

static uint16_t add_u16(unsigned a, unsigned b)
{
	return a + b < UINT16_MAX ? (uint16_t)(a + b) : UINT16_MAX;
}

static uint32_t add_u32(uint32_t a, uint32_t b)
{
	return a + b >= a ? a + b : UINT32_MAX;
}

void relay_sum_load(const struct relay *r, struct wire_beat *out)
{
	*out = (struct wire_beat){ 0 };
	for (size_t i = 0; i < r->n_members; i++) {
		const struct relay_member *m = &r->members[i];

		if (!relay_member_is_usable(m))
			continue;
		out->available_mib = add_u32(out->available_mib,
					     m->load.available_mib);
		out->load_milli = add_u32(out->load_milli, m->load.load_milli);
	}
}

void relay_sum_hello(const struct relay *r, struct wire_hello *out)
{
	struct wire_inventory *sum = &out->inventory;
	struct wire_beat load;
	bool first = true;

	*out = (struct wire_hello){ .version_min = WIRE_VERSION_MIN,
				    .version_max = WIRE_VERSION,
				    .software = xstrdup(KFARMD_SOFTWARE) };
	machine_inventory_collect(sum, "");
	sum->cores = 0;
	sum->memory_mib = 0;
	for (size_t i = 0; i < r->n_members; i++) {
		const struct relay_member *m = &r->members[i];
		const struct wire_inventory *inv = &m->conn.hello.inventory;

		if (!relay_member_is_usable(m))
			continue;
		if (first) {
			free(sum->machine);
			sum->machine = xstrdup(inv->machine);
		}
		first = false;
		sum->cores = add_u16(sum->cores, inv->cores);
		sum->memory_mib = add_u32(sum->memory_mib, inv->memory_mib);
	}
	sum->slots = add_u16(relay_count_slots(r), 0);
	relay_sum_load(r, &load);
	sum->available_mib = load.available_mib;
	sum->load_milli = load.load_milli;
}

/* Reduce `hosts` to those that the member has as well. */
static void intersect_hosts(struct strv *hosts, const struct strv *other)
{
	struct strv both = { 0 };

	for (size_t i = 0; i < hosts->n; i++) {
		if (strv_has(other, hosts->v[i]))
			strv_add(&both, hosts->v[i]);
	}
	strv_release(hosts);
	*hosts = both;
}

/*
 * Return the reason why a member is not usable.  For a usable member that is a
 * relay, return a text about its own members that are not usable, or "" if all
 * are usable.
 */
static const char *member_problem(const struct relay_member *m)
{
	if (relay_member_is_usable(m))
		return m->conn.fit.reason;
	return m->problem ? m->problem : "not connected";
}

void relay_sum_fit(const struct relay *r, struct wire_fit *out)
{
	struct buf why = { 0 };

	*out = (struct wire_fit){ 0 };
	for (size_t i = 0; i < r->n_members; i++) {
		const struct relay_member *m = &r->members[i];
		const char *problem = member_problem(m);
		bool usable = relay_member_is_usable(m);

		if (!usable || *problem)
			buf_printf(&why, "%s%s: %s", why.len ? "; " : "",
				   m->entry.name, problem);
		if (!usable)
			continue;
		if (!out->usable) {
			out->usable = 1;
			out->layers = xstrdup(m->conn.fit.layers);
			for (size_t j = 0; j < m->conn.fit.hosts.n; j++)
				strv_add(&out->hosts, m->conn.fit.hosts.v[j]);
		} else {
			intersect_hosts(&out->hosts, &m->conn.fit.hosts);
		}
	}
	if (out->usable && !out->hosts.n) {
		out->usable = 0;
		buf_printf(&why, "%sthe members have no common architecture",
			   why.len ? "; " : "");
	}
	out->reason = out->usable ? xstrdup(buf_str(&why)) :
				    xasprintf("no member is usable: %s",
					      buf_str(&why));
	if (!out->layers)
		out->layers = xstrdup("");
	buf_release(&why);
}

/* Classes of equal capacities are ordered by their clock. */
static bool is_stronger(const struct wire_core_class *a,
			const struct wire_core_class *b)
{
	return a->capacity != b->capacity ? a->capacity > b->capacity :
					    a->max_khz > b->max_khz;
}

static void merge_class(struct wire_machine *sum,
			const struct wire_core_class *c)
{
	struct wire_core_class *all = sum->classes;
	unsigned at = 0;

	for (unsigned i = 0; i < sum->n_classes; i++) {
		if (!machine_is_same_class(&all[i], c))
			continue;
		all[i].n_cpus = add_u16(all[i].n_cpus, c->n_cpus);
		all[i].n_usable = add_u16(all[i].n_usable, c->n_usable);
		return;
	}
	/* No job can be pinned to a class beyond the limit. */
	if (sum->n_classes == WIRE_CLASSES_MAX)
		return;
	while (at < sum->n_classes && !is_stronger(c, &all[at]))
		at++;
	memmove(&all[at + 1], &all[at], (sum->n_classes - at) * sizeof(*all));
	all[at] = *c;
	all[at].model = xstrdup(c->model);
	all[at].governor = xstrdup(c->governor);
	sum->n_classes++;
}

void relay_sum_machine(const struct relay *r, struct wire_machine *out)
{
	struct wire_fit fit;

	machine_collect(out, NULL, "");
	for (unsigned i = 0; i < out->n_classes; i++) {
		free(out->classes[i].model);
		free(out->classes[i].governor);
	}
	free(out->classes);
	out->classes = xcalloc(WIRE_CLASSES_MAX, sizeof(*out->classes));
	out->n_classes = 0;
	out->cpu_milli = out->memory_mib = out->limit_mib = out->swap_mib = 0;
	out->passive_mk = WIRE_HEALTH_UNKNOWN;
	out->health = wire_health_unknown;
	for (size_t i = 0; i < r->n_members; i++) {
		const struct wire_machine *m = &r->members[i].conn.machine;

		if (!relay_member_is_usable(&r->members[i]))
			continue;
		out->memory_mib = add_u32(out->memory_mib, m->memory_mib);
		out->swap_mib = add_u32(out->swap_mib, m->swap_mib);
		for (unsigned j = 0; j < m->n_classes; j++)
			merge_class(out, &m->classes[j]);
	}
	relay_sum_fit(r, &fit);
	strv_release(&out->abis);
	out->abis = fit.hosts;
	fit.hosts = (struct strv){ 0 };
	wire_fit_release(&fit);
}

static int compare_keys(const void *a, const void *b)
{
	return digest_compare(a, b);
}

static void add_key(struct wire_relay *all, const struct digest *key)
{
	if (digest_is_set(key) && all->n_keys < WIRE_RELAY_KEYS_MAX)
		all->keys[all->n_keys++].fingerprint = *key;
}

static void add_member_names(struct wire_relay *all,
			     const struct relay_member *m)
{
	strv_add(&all->members, m->entry.name);
	for (size_t i = 0; i < m->below.members.n; i++) {
		char *name = xasprintf("%s/%s", m->entry.name,
				       m->below.members.v[i]);

		if (wire_member_is_valid(name))
			strv_own(&all->members, name);
		else
			free(name);
	}
}

void relay_list_members(const struct relay *r, struct wire_relay *out)
{
	uint16_t n = 0;

	*out = (struct wire_relay){ .keys = xcalloc(WIRE_RELAY_KEYS_MAX,
						    sizeof(*out->keys)) };
	add_key(out, &r->fingerprint);
	for (size_t i = 0; i < r->n_members; i++) {
		const struct relay_member *m = &r->members[i];

		add_key(out, &m->entry.pin);
		for (unsigned j = 0; j < m->below.n_keys; j++)
			add_key(out, &m->below.keys[j].fingerprint);
		if (relay_member_is_usable(m))
			add_member_names(out, m);
	}
	while (out->members.n > WIRE_RELAY_MEMBERS_MAX)
		free(out->members.v[--out->members.n]);
	qsort(out->keys, out->n_keys, sizeof(*out->keys), compare_keys);
	for (unsigned i = 0; i < out->n_keys; i++) {
		if (!n || !digest_equal(&out->keys[i].fingerprint,
					&out->keys[n - 1].fingerprint))
			out->keys[n++] = out->keys[i];
	}
	out->n_keys = n;
}

static void set_problem(struct relay_member *m, const char *why)
{
	if (why && !str_equal(why, m->problem))
		log_warning("member %s: %s", m->entry.name, why);
	if (!why && m->problem)
		log_info("member %s: up, %u slots", m->entry.name,
			 m->limit.slots);
	free(m->problem);
	m->problem = why ? xstrdup(why) : NULL;
}

static struct node_duplicates_identity member_identity(
	const struct relay_member *m)
{
	return (struct node_duplicates_identity){
		.name = m->entry.name,
		.key = &m->entry.pin,
		.boot_id = m->conn.hello.inventory.boot_id,
		.machine = &m->conn.machine,
	};
}

/*
 * Return the connected member with the lowest index that is the same machine as
 * `m`, or NULL if this is `m` itself.
 */
static const struct relay_member *find_first_name(const struct relay_member *m)
{
	struct node_duplicates_identity second = member_identity(m);

	for (const struct relay_member *o = m->relay->members; o < m; o++) {
		struct node_duplicates_identity first = member_identity(o);

		if (o->state == RELAY_MEMBER_UP &&
		    node_duplicates_exclude_later(
			    node_duplicates_compare(&first, &second)))
			return o;
	}
	return NULL;
}

/* Determine why a connected member executes no jobs. */
static void update_problem(struct relay_member *m)
{
	const struct relay_member *same;
	char *text;

	if (m->state != RELAY_MEMBER_UP || m->loops)
		return;
	same = find_first_name(m);
	if (same) {
		text = xasprintf("same machine as %s", same->entry.name);
		set_problem(m, text);
		free(text);
	} else {
		set_problem(m, m->entry.drained   ? "drained" :
			       m->conn.fit.usable ? NULL :
						    m->conn.fit.reason);
	}
}

/* Notify all sessions after the state of a member has changed. */
static void update_sessions(struct relay *r)
{
	struct relay_session *s;

	r->members_changed = false;
	for (size_t i = 0; i < r->n_members; i++)
		update_problem(&r->members[i]);
	list_for_each(s, &r->sessions, entry)
		r->update_session(s);
}

static void close_member(struct relay_member *m, const char *why)
{
	char *text = peer_conn_explain(&m->conn, why);

	set_problem(m, text);
	free(text);
	peer_conn_close(&m->conn);
	wire_relay_release(&m->below);
	m->state = RELAY_MEMBER_DOWN;
	m->since_ms = clock_ms();
	m->tried = true;
	m->n_failures++;
	update_sessions(m->relay);
}

static void update_member_limit(struct relay_member *m)
{
	free(m->limit.reason);
	node_limit(&m->limit, &m->conn.hello.inventory, &m->conn.machine,
		   m->entry.slots);
}

static void on_greeted(struct relay_member *m)
{
	const struct peer_conn *l = &m->conn;

	m->load = (struct wire_beat){
		.available_mib = l->hello.inventory.available_mib,
		.load_milli = l->hello.inventory.load_milli,
	};
	m->state = RELAY_MEMBER_UP;
	m->since_ms = clock_ms();
	m->tried = true;
	m->n_failures = 0;
	update_member_limit(m);
	update_sessions(m->relay);
}

static int on_member_relay(struct relay_member *m, struct bytes body,
			   struct err *err)
{
	const struct digest *self = &m->relay->fingerprint;
	bool looped = m->loops;
	struct wire_relay got;

	if (wire_relay_decode_at(&got, body, m->conn.version))
		return err_set(err, EPROTO, "malformed RELAY");
	wire_relay_release(&m->below);
	m->below = got;
	/*
	 * Never clear `loops` during the connection.  Once this relay stops
	 * using the member, the next RELAY of the member may lack the key of
	 * this relay, although the loop still exists.
	 */
	for (unsigned i = 0; i < got.n_keys; i++)
		m->loops |= digest_equal(&got.keys[i].fingerprint, self);
	if (m->loops) {
		wire_relay_release(&m->below);
		set_problem(m, "loop: the member is a relay in front of this "
			       "relay; remove one of them from the "
			       "configuration of the other");
	}
	/* If the member sends RELAY often, let the timer report the changes. */
	if (m->loops == looped && m->relay_ms &&
	    clock_ms() < m->relay_ms + RELAY_CHANGES_MS) {
		m->relay->members_changed = true;
		return 0;
	}
	m->relay_ms = clock_ms();
	update_sessions(m->relay);
	return 0;
}

static int on_member_msg(void *ctx, uint16_t type, struct bytes body,
			 struct err *err)
{
	struct relay_member *m = ctx;
	int ret = peer_conn_handle_message(&m->conn, type, body, err);
	struct wire_health health;
	struct wire_lease lease;

	if (ret <= 0)
		return ret;
	switch (type) {
	case WIRE_FIT:
	case WIRE_MACHINE:
		on_greeted(m);
		return 0;
	case WIRE_RELAY:
		return on_member_relay(m, body, err);
	case WIRE_BEAT:
		wire_beat_release(&m->load);
		if (wire_beat_decode_at(&m->load, body, m->conn.version))
			return err_set(err, EPROTO, "malformed BEAT");
		return 0;
	case WIRE_HEALTH:
		ret = wire_health_decode_at(&health, body, m->conn.version);
		return ret ? err_set(err, EPROTO, "malformed HEALTH") : 0;
	case WIRE_LEASE:
		if (wire_lease_decode_at(&lease, body, m->conn.version))
			return err_set(err, EPROTO, "malformed LEASE");
		m->lease = lease.n_slots;
		return 0;
	default:
		return err_set(err, EPROTO, "unexpected message of type %u",
			       type);
	}
}

static void on_member_close(void *ctx, const struct err *why)
{
	close_member(ctx, why->text);
}

static void dial_member(struct relay_member *m)
{
	static const struct wire_stream_ops ops = {
		.on_msg = on_member_msg,
		.on_close = on_member_close,
	};
	struct err err = { 0 };

	m->loops = false;
	m->relay_ms = 0;
	m->lease = WIRE_LEASE_UNLIMITED;
	m->state = RELAY_MEMBER_GREETING;
	m->since_ms = clock_ms();
	if (peer_conn_dial(&m->conn, &ops, m, &err))
		close_member(m, err.text);
}

static void tick_member(struct relay_member *m, uint64_t now)
{
	unsigned doublings = m->n_failures < 6 ? m->n_failures : 6;
	uint64_t delay = (uint64_t)REDIAL_MS << (doublings ? doublings - 1 : 0);

	if (delay > REDIAL_MS_MAX)
		delay = REDIAL_MS_MAX;
	if (m->state == RELAY_MEMBER_DOWN && now >= m->since_ms + delay)
		dial_member(m);
	else if (m->state == RELAY_MEMBER_GREETING &&
		 now >= m->since_ms + RELAY_GREETING_MS)
		close_member(m, "no HELLO before the deadline");
	else if (m->state == RELAY_MEMBER_UP &&
		 now > m->conn.received_ms + RELAY_SILENCE_MS)
		close_member(m, "silent for 5 s");
	else if (m->state == RELAY_MEMBER_UP && !m->conn.fit.usable &&
		 now >= m->since_ms + REFIT_MS)
		/* A new session receives a new FIT, which may be usable. */
		close_member(m, m->conn.fit.reason);
}

/*
 * Apply the settings `drain` and `slots` in the section of a member.  Returns
 * false if a change of the section requires a restart.
 */
static bool update_member(struct relay_member *m, const struct node_entry *now)
{
	struct node_entry *e = &m->entry;

	if (e->drained != now->drained || e->slots != now->slots) {
		e->drained = now->drained;
		e->slots = now->slots;
		if (m->state == RELAY_MEMBER_UP)
			update_member_limit(m);
		m->relay->members_changed = true;
	}
	return !strcmp(e->address_text, now->address_text) &&
	       digest_equal(&e->pin, &now->pin) && e->codec == now->codec;
}

/*
 * Read the members unless the files have the stamps *stamps, and update
 * *stamps.  `kfarm nodes` can create a configuration file while the relay runs,
 * so search for the files each time.  Returns 0, -EALREADY if the files have
 * the same stamps, or another negative errno with `err` set.
 */
static int read_members(const struct strv *files, char **stamps,
			struct node_entry **out, size_t *n, struct err *err)
{
	struct strv found = { 0 };
	bool has_includes = false;
	char *now = NULL;
	int ret = files ? 0 : relay_roster_find_files(&found, err);

	if (!files)
		files = &found;
	if (!ret) {
		now = relay_roster_stamp_files(files);
		ret = now && str_equal(now, *stamps) ? -EALREADY : 0;
	}
	if (!ret)
		ret = relay_roster_read(files, out, n, &has_includes, err);
	/* The stamps do not include those of included files. */
	if ((ret && ret != -EALREADY) || has_includes) {
		free(now);
		now = NULL;
	}
	free(*stamps);
	*stamps = now;
	strv_release(&found);
	return ret;
}

/*
 * Read the configuration again if it has changed, and apply the changes that
 * are possible.
 */
static void reload_members(struct relay *r)
{
	struct node_entry *v = NULL;
	char *problem = NULL;
	struct err err = { 0 };
	size_t n = 0, n_found = 0;
	int ret = read_members(r->files, &r->config_stamps, &v, &n, &err);

	if (ret == -EALREADY)
		return;
	if (ret)
		problem = xasprintf("%s; continuing with the current members",
				    err.text);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < r->n_members; j++) {
			struct relay_member *m = &r->members[j];

			if (!strcmp(m->entry.name, v[i].name))
				n_found += update_member(m, &v[i]);
		}
	}
	if (!problem && (n_found < n || n_found < r->n_members))
		problem = xstrdup(
			"the members have changed; restart the relay, because "
			"a running relay applies only changes of drain and "
			"slots");
	if (problem && !str_equal(problem, r->config_problem))
		log_warning("%s", problem);
	free(r->config_problem);
	r->config_problem = problem;
	relay_roster_free(v, n);
}

static void on_relay_timer(evutil_socket_t fd, short what, void *arg)
{
	struct relay *r = arg;

	(void)fd;
	(void)what;
	reload_members(r);
	for (size_t i = 0; i < r->n_members; i++)
		tick_member(&r->members[i], clock_ms());
	if (r->members_changed)
		update_sessions(r);
}

static void free_relay(struct relay *r)
{
	for (size_t i = 0; i < r->n_members; i++) {
		struct relay_member *m = &r->members[i];

		peer_conn_release(&m->conn);
		wire_relay_release(&m->below);
		wire_beat_release(&m->load);
		free(m->limit.reason);
		free(m->problem);
		node_entry_release(&m->entry);
	}
	free(r->members);
	if (r->timer)
		event_free(r->timer);
	pool_free(r->shared.pool);
	store_packed_cache_free(r->shared.packed);
	peer_shared_release(&r->shared);
	free(r->store_dir);
	free(r->config_problem);
	free(r->config_stamps);
	free(r);
}

int relay_new(struct relay **out, struct kfarmd *a,
	      const struct relay_options *options, struct err *err)
{
	const struct timeval second = { .tv_sec = 1 };
	struct relay *r = xcalloc(1, sizeof(*r));
	struct node_entry *entries;
	struct tls_key *key;
	int ret = tls_key_load_or_create(&key, options->key_path, err);

	if (ret) {
		err_wrap(err,
			 "cannot load or create the key of the relay (`kfarmd "
			 "--init` creates the key and its directory; --config "
			 "DIR selects the directory)");
	} else {
		r->fingerprint = *tls_key_fingerprint(key);
		tls_key_free(key);
		ret = read_members(options->files, &r->config_stamps, &entries,
				   &r->n_members, err);
	}
	if (ret) {
		free(r->config_stamps);
		free(r);
		return ret;
	}
	r->daemon = a;
	r->codec = WIRE_LZO;
	r->files = options->files;
	r->store_dir = xstrdup(options->store_dir);
	r->start_ms = clock_ms();
	r->max_entries = RELAY_ENTRIES_MAX;
	r->max_output = RELAY_OUTPUT_MAX;
	r->max_backlog = RELAY_BACKLOG_MAX;
	r->reply_ms = RELAY_REPLY_MS;
	TAILQ_INIT(&r->sessions);
	r->shared = (struct peer_shared){
		.base = a->base,
		.children = a->children,
		.pool = pool_new(a->base, UPLOAD_THREADS),
		.packed = peer_blob_upload_new_cache(&r->codec),
	};
	r->members = xcalloc(r->n_members, sizeof(*r->members));
	for (size_t i = 0; i < r->n_members; i++) {
		struct relay_member *m = &r->members[i];

		m->relay = r;
		m->entry = entries[i];
		peer_conn_init(&m->conn, &r->shared, &m->entry, m);
		m->problem = xstrdup("not connected");
	}
	free(entries);
	r->timer = event_new(a->base, -1, EV_PERSIST, on_relay_timer, r);
	if (!r->timer || event_add(r->timer, &second))
		str_out_of_memory();
	for (size_t i = 0; i < r->n_members; i++)
		dial_member(&r->members[i]);
	*out = r;
	return 0;
}

void relay_free(struct relay *r, const char *why)
{
	struct relay_session *s;

	if (!r)
		return;
	while ((s = TAILQ_FIRST(&r->sessions)))
		r->free_session(s, why);
	free_relay(r);
}
