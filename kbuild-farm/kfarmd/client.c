/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kfarmd/client.h"

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "base/vec.h"
#include "kfarmd/kfarmd.h"
#include "kfarmd/toolchains.h"
#include "wire/table.h"

#include <errno.h>
#include <stdlib.h>

void kfarmd_client_init_pins(struct kfarmd_pins *p, struct machine_cpus *cpus,
			     unsigned n)
{
	*p = (struct kfarmd_pins){
		.cpus = cpus,
		.by_class = xcalloc(n + 1, sizeof(*p->by_class)),
		.n_classes = n,
	};
}

void kfarmd_client_release_pins(struct kfarmd_pins *p)
{
	free(p->cpus);
	free(p->by_class);
	*p = (struct kfarmd_pins){ 0 };
}

int kfarmd_client_receive_pin(struct kfarmd_pins *p, struct bytes body,
			      int version, struct err *err)
{
	if (p->pending)
		return err_set(err, EPROTO, "PIN: previous PIN has no JOB");
	if (wire_pin_decode_at(&p->pending_pin, body, version))
		return err_set(err, EPROTO, "malformed PIN");
	p->pending = true;
	return 0;
}

int kfarmd_client_take_job_pin(struct kfarmd_pins *p, uint32_t job,
			       struct kfarmd_pin **pin, struct err *err)
{
	unsigned class = p->pending_pin.class;
	struct machine_cpus usable;

	*pin = NULL;
	if (!p->pending)
		return 0;
	p->pending = false;
	if (p->pending_pin.job != job)
		return err_set(err, EPROTO,
			       "PIN for job %u is followed by JOB %u",
			       p->pending_pin.job, job);
	if (class >= p->n_classes)
		return err_set(
			err, ENOENT,
			"no such core class: %u: number of core classes on the "
			"node: %u",
			class, p->n_classes);
	/*
	 * Use only those CPUs of the class that kfarmd may use: a class lists
	 * CPUs of the machine, regardless of the affinity of kfarmd.
	 */
	machine_cpus_read_usable(&usable, "");
	machine_cpus_intersect(&usable, &p->cpus[class]);
	if (!machine_cpus_count(&usable))
		return err_set(err, EPERM,
			       "core class %u: no core available to kfarmd",
			       class);
	*pin = &p->by_class[class];
	(*pin)->cpus = usable;
	(*pin)->share.max_running = machine_cpus_count(&usable);
	return 0;
}

struct kfarmd_toolchain_rpc {
	struct kfarmd *daemon;
	const struct kfarmd_toolchain_rpc_ops *ops;
	void *ctx;
	bool closed;
	atomic_bool stop_requested;

	int version; /* of the session's protocol */
	uint32_t request_id;
	char *drop_id; /* NULL: list all toolchains */
	bool verify;
	struct wire_held toolchains;
	int ret;
	struct err err;
};

/* Send the list of toolchains in one or more HELD messages. */
static void send_held_list(struct kfarmd_toolchain_rpc *c)
{
	uint32_t at = 0;

	if (c->ret)
		log_warning("toolchains: %s", c->err.text);
	do {
		uint32_t left = c->toolchains.n_toolchains - at;
		struct wire_held m = { .request_id = c->request_id,
				       .last = left <= WIRE_HELD_MAX,
				       .n_toolchains = left <= WIRE_HELD_MAX ?
							       left :
							       WIRE_HELD_MAX,
				       .toolchains = c->toolchains.toolchains +
						     at };
		struct buf body = { 0 };

		wire_held_encode_at(&body, &m, c->version);
		c->ops->send(c->ctx, WIRE_HELD, &body);
		at += m.n_toolchains;
	} while (at < c->toolchains.n_toolchains && !c->closed);
}

static void on_rpc_done(void *arg)
{
	struct kfarmd_toolchain_rpc *c = arg;
	struct wire_dropped m = { .request_id = c->request_id,
				  .state = c->ret != 0,
				  .detail = c->ret ? c->err.text : (char *)"" };
	struct buf body = { 0 };

	if (!c->closed && c->drop_id) {
		wire_dropped_encode_at(&body, &m, c->version);
		c->ops->send(c->ctx, WIRE_DROPPED, &body);
	} else if (!c->closed) {
		send_held_list(c);
	}
	c->daemon->n_active--;
	c->ops->on_freed(c->ctx, c);
	wire_held_release(&c->toolchains);
	free(c->drop_id);
	free(c);
}

static void run_rpc(void *arg)
{
	struct kfarmd_toolchain_rpc *c = arg;

	c->ret = c->drop_id ?
			 kfarmd_toolchain_stage_remove(
				 c->daemon->toolchains_dir, c->drop_id,
				 &c->err) :
			 kfarmd_toolchains_list(c->daemon->toolchains_dir,
						c->verify, &c->stop_requested,
						&c->toolchains, &c->err);
}

struct kfarmd_toolchain_rpc *kfarmd_toolchain_rpc_new(
	struct kfarmd *a, uint32_t request_id, const char *drop_id, bool verify,
	const struct kfarmd_toolchain_rpc_ops *ops, void *ctx)
{
	struct kfarmd_toolchain_rpc *c = xcalloc(1, sizeof(*c));

	c->daemon = a;
	c->request_id = request_id;
	c->drop_id = drop_id ? xstrdup(drop_id) : NULL;
	c->verify = verify;
	c->ops = ops;
	c->ctx = ctx;
	if (!task_start_notify(a->base, run_rpc, on_rpc_done, c)) {
		free(c->drop_id);
		free(c);
		return NULL;
	}
	a->n_active++;
	return c;
}

void kfarmd_toolchain_rpc_close(struct kfarmd_toolchain_rpc *c)
{
	c->closed = true;
	atomic_store(&c->stop_requested, true);
}

/*
 * A bundle is an input sink that installs a toolchain: its updates are written
 * to a directory instead of a sandbox.
 */
struct bundle {
	struct kfarmd_input_sink sink;
	struct kfarmd_manifest manifest;
	char *metadata;
	/* the toolchain is already installed, so no file is written */
	bool installed;
	/* index of the files of all installed toolchains */
	struct kfarmd_toolchains_index *index;
	/* NULL if the toolchain is not being written */
	struct kfarmd_toolchain_stage *stage;
};

static struct bundle *to_bundle(struct kfarmd_input_sink *p)
{
	/* `sink` is the first member. */
	return (struct bundle *)(void *)p;
}

static int open_bundle(struct kfarmd_input_sink *p, struct err *err)
{
	struct bundle *b = to_bundle(p);

	(void)err;
	b->installed = kfarmd_toolchains_has(p->daemon->toolchains_dir,
					     b->manifest.id,
					     &b->manifest.dir_digest);
	b->index = kfarmd_toolchains_index(p->daemon->toolchains_dir);
	return 0;
}

static int add_to_manifest(struct kfarmd_input_sink *p,
			   const struct kfarmd_input_update *v, struct err *err)
{
	struct kfarmd_manifest *r = &to_bundle(p)->manifest;
	int ret = 0;

	if (v->m.part == WIRE_PART_SOURCES)
		return err_set(err, EINVAL,
			       "%s: the toolchain upload contains source files",
			       r->id);
	/* Skip the leading slash. */
	for (uint32_t i = 0; i < v->m.n_entries && !ret; i++)
		ret = kfarmd_manifest_add(r, v->entries[i].path + 1,
					  &v->m.entries[i].inode, err);
	return ret;
}

static int compare_entry_digests(const void *a, const void *b)
{
	const struct compiler_entry *const *x = a, *const *y = b;

	return digest_compare(&(*x)->digest, &(*y)->digest);
}

/* Return the total size of the blobs of `entries`.  Equal files count once. */
static uint64_t sum_blob_bytes(const struct compiler_entries *entries)
{
	const struct compiler_entry **v = xcalloc(entries->n + 1, sizeof(*v));
	uint64_t sum = 0;

	for (size_t i = 0; i < entries->n; i++)
		v[i] = &entries->v[i];
	qsort(v, entries->n, sizeof(*v), compare_entry_digests);
	for (size_t i = 0; i < entries->n; i++) {
		if (!i || !digest_equal(&v[i - 1]->digest, &v[i]->digest))
			sum += v[i]->size_bytes;
	}
	free(v);
	return sum;
}

/*
 * The blobs of a bundle remain pinned until the toolchain is installed, so
 * check that the store can hold all of them at once.
 */
static int check_store_limit(struct store *store,
			     const struct kfarmd_manifest *r, struct err *err)
{
	uint64_t need = sum_blob_bytes(&r->entries);
	struct store_stats stats;

	store_stats(store, &stats);
	if (need <= stats.limit_bytes)
		return 0;
	return err_set(err, ENOSPC,
		       "%s: store too small: %llu MiB needed, limit is %llu "
		       "MiB; see --store-size in kfarmd(8)",
		       r->id, (unsigned long long)(need >> 20) + 1,
		       (unsigned long long)(stats.limit_bytes >> 20));
}

/* Validate the manifest and check for free space. */
static int check_bundle_manifest(struct kfarmd_input_sink *p, struct err *err)
{
	struct bundle *b = to_bundle(p);
	int ret = kfarmd_manifest_validate(&b->manifest, err);

	if (ret || b->installed)
		return ret;
	ret = check_store_limit(p->daemon->store, &b->manifest, err);
	if (ret)
		return ret;
	return kfarmd_toolchain_stage_new(p->daemon->toolchains_dir, &b->stage,
					  b->manifest.total_bytes,
					  b->manifest.entries.n, err);
}

/*
 * Pin the blobs that the store has.  Copy each other blob from an installed
 * toolchain to the store and pin it, or mark it as missing if this fails.
 */
static int pin_bundle_blobs(struct kfarmd_input_sink *p,
			    struct kfarmd_input_update *v, struct err *err)
{
	const struct bundle *b = to_bundle(p);
	int ret;

	if (b->installed) {
		v->blobs_pinned = true;
		return 0;
	}
	ret = kfarmd_input_update_pin_blobs(v, err);
	for (uint32_t i = 0; i < v->m.n_entries && !ret; i++) {
		struct kfarmd_input_update_entry *e = &v->entries[i];

		if (!e->missing)
			continue;
		if (atomic_load(&p->stop_requested))
			return err_set(err, ECANCELED, "cancelled");
		e->pinned = !kfarmd_toolchains_copy_to_store(
			b->index, p->daemon->store,
			&v->m.entries[i].inode.digest,
			v->m.entries[i].inode.size);
		e->missing = !e->pinned;
	}
	return ret;
}

static int write_bundle_files(struct kfarmd_input_sink *p,
			      struct kfarmd_input_update *v, struct err *err)
{
	struct bundle *b = to_bundle(p);
	int ret;

	if (b->installed) {
		v->next_entry = v->m.n_entries;
		return 0;
	}
	ret = kfarmd_input_update_apply(v, kfarmd_toolchain_stage_put, b->stage,
					err);
	if (ret && ret != -EBADMSG) {
		kfarmd_toolchain_stage_free(b->stage);
		b->stage = NULL;
	}
	return ret;
}

static int publish_bundle(struct kfarmd_input_sink *p, struct err *err)
{
	struct bundle *b = to_bundle(p);
	int ret = 0;

	if (!b->installed)
		ret = kfarmd_toolchain_stage_publish(b->stage, &b->manifest,
						     b->metadata,
						     &p->stop_requested, err);
	kfarmd_toolchain_stage_free(b->stage);
	b->stage = NULL;
	digest_format(&b->manifest.dir_digest, p->detail);
	if (!ret)
		log_info("toolchain %s: installed", b->manifest.id);
	return ret;
}

static void free_bundle(struct kfarmd_input_sink *p)
{
	struct bundle *b = to_bundle(p);

	kfarmd_toolchains_index_free(b->index);
	kfarmd_toolchain_stage_free(b->stage);
	kfarmd_manifest_release(&b->manifest);
	free(b->metadata);
	free(b);
}

static const struct kfarmd_input_sink_type bundle_sink_type = {
	.name = "bundle",
	.all_or_nothing = true,
	.open = open_bundle,
	.accept = add_to_manifest,
	.validate = check_bundle_manifest,
	.pin_blobs = pin_bundle_blobs,
	.apply = write_bundle_files,
	.finish = publish_bundle,
	.free = free_bundle,
};

/* Create a bundle.  Takes ownership of the strings of `m`. */
static struct kfarmd_input_sink *new_bundle(
	struct kfarmd *a, struct wire_bundle *m, struct kfarmd_blobs *blobs,
	const struct kfarmd_input_sink_ops *ops, void *ctx)
{
	struct bundle *b = xcalloc(1, sizeof(*b));

	b->manifest.id = m->id;
	b->manifest.host = m->host;
	b->manifest.dir_digest = m->dir_digest;
	b->manifest.equivalent_id = m->equivalent_id;
	b->metadata = m->metadata;
	m->id = m->host = m->metadata = NULL;
	kfarmd_input_sink_init(&b->sink, &bundle_sink_type, a, m->bundle, blobs,
			       ops, ctx);
	return &b->sink;
}

/*
 * Limits of one client.  kfarmd refuses a CELL if the client already has
 * SANDBOXES_MAX sandboxes.  A BUNDLE is a protocol error if the client already
 * has SINKS_MAX sandboxes and bundles together, or BUNDLES_MAX bundles that are
 * not ending.  A toolchain request is a protocol error if RPCS_MAX requests are
 * unanswered.
 */
#define SINKS_MAX     32
#define SANDBOXES_MAX 16
#define BUNDLES_MAX   4 /* open bundles */
#define RPCS_MAX      16 /* unanswered toolchain requests */

static int set_decode_error(struct err *err, const char *what)
{
	return err_set(err, EPROTO, "malformed %s", what);
}

static void send_to_client(void *ctx, enum wire_type type, struct buf *body)
{
	struct kfarmd_client *c = ctx;

	c->ops->send(c->ctx, type, body);
}

static void report_sink_error(void *ctx, const char *why)
{
	struct kfarmd_client *c = ctx;

	c->ops->on_protocol_error(c->ctx, why);
}

static void free_client_if_done(struct kfarmd_client *c)
{
	if (c->ops || c->n_sinks || c->n_requests)
		return;
	free(c->requests);
	kfarmd_client_release_pins(&c->pins);
	kfarmd_argv_release_steps(&c->steps);
	wire_intern_free(c->paths);
	wire_intern_free(c->flags);
	free(c);
}

static void on_sink_freed(void *ctx, struct kfarmd_input_sink *p)
{
	struct kfarmd_client *c = ctx;

	TAILQ_REMOVE(&c->sinks, p, entry);
	c->n_sinks--;
	free_client_if_done(c);
}

static void on_rpc_freed(void *ctx, struct kfarmd_toolchain_rpc *r)
{
	struct kfarmd_client *c = ctx;
	size_t i = 0;

	while (c->requests[i] != r)
		i++;
	c->requests[i] = c->requests[--c->n_requests];
	free_client_if_done(c);
}

static void send_need_to_client(void *ctx, const struct wire_need *need)
{
	const struct kfarmd_client *c = ctx;
	struct buf body = { 0 };

	wire_need_encode_at(&body, need, c->version);
	send_to_client(ctx, WIRE_NEED, &body);
}

struct kfarmd_client *kfarmd_client_new(struct kfarmd *a,
					const struct kfarmd_client_ops *ops,
					void *ctx)
{
	struct kfarmd_client *c = xcalloc(1, sizeof(*c));

	c->daemon = a;
	c->ops = ops;
	c->ctx = ctx;
	TAILQ_INIT(&c->sinks);
	c->paths = wire_paths_new();
	c->flags = wire_flags_new();
	c->blobs = kfarmd_blobs_new(a->store);
	c->neighbors = kfarmd_neighbors_new(a, c->blobs, send_need_to_client,
					    c);
	return c;
}

void kfarmd_client_close(struct kfarmd_client *c)
{
	struct kfarmd_input_sink *p;

	c->ops = NULL;
	list_for_each(p, &c->sinks, entry)
		kfarmd_input_sink_close(p);
	for (size_t i = 0; i < c->n_requests; i++)
		kfarmd_toolchain_rpc_close(c->requests[i]);
	kfarmd_neighbors_free(c->neighbors);
	c->neighbors = NULL;
	kfarmd_blobs_free(c->blobs);
	c->blobs = NULL;
	free_client_if_done(c);
}

json_t *kfarmd_client_to_json(const struct kfarmd_client *c)
{
	static const char *const states[] = {
		[KFARMD_INPUT_SINK_FILLING] = "filling",
		[KFARMD_INPUT_SINK_READY] = "ready",
		[KFARMD_INPUT_SINK_ENDED] = "ending"
	};
	json_t *list = json_array();
	struct kfarmd_input_sink *p;

	list_for_each(p, &c->sinks, entry) {
		const struct kfarmd_sandbox *cell = kfarmd_sandbox_from_sink(p);
		const struct wire_cell *m = cell ? &cell->request : NULL;
		const char *id = m && *m->installed_id ? m->installed_id : NULL;
		json_t *o = json_object();

		json_object_set_new(o, "cell", json_integer(p->number));
		json_object_set_new(o, "state", json_text(states[p->state]));
		/* "compiler" and "kept" are null for a bundle. */
		json_object_set_new(o, "compiler",
				    json_text(m ? m->driver : NULL));
		json_object_set_new(o, "kept", json_text(id));
		json_array_append_new(list, o);
	}
	return list;
}

void kfarmd_client_check_timeouts(struct kfarmd_client *c)
{
	struct kfarmd_input_sink *p;

	list_for_each(p, &c->sinks, entry)
		kfarmd_input_sink_check_timeout(p);
}

static struct kfarmd_input_sink *find_sink(const struct kfarmd_client *c,
					   uint32_t number)
{
	struct kfarmd_input_sink *p;

	list_for_each(p, &c->sinks, entry) {
		if (p->number == number)
			return p;
	}
	return NULL;
}

struct kfarmd_sandbox *kfarmd_client_find_sandbox(const struct kfarmd_client *c,
						  uint32_t number)
{
	struct kfarmd_input_sink *p = find_sink(c, number);

	return p && kfarmd_input_sink_is_open(p) ? kfarmd_sandbox_from_sink(p) :
						   NULL;
}

static void refuse_sink(struct kfarmd_client *c, uint32_t number,
			const char *why)
{
	struct wire_have m = { .cell = number,
			       .state = WIRE_HAVE_REFUSED,
			       .detail = (char *)why };
	struct buf body = { 0 };

	wire_have_encode_at(&body, &m, c->version);
	send_to_client(c, WIRE_HAVE, &body);
}

static const struct kfarmd_input_sink_ops sink_ops = {
	.send = send_to_client,
	.on_protocol_error = report_sink_error,
	.on_freed = on_sink_freed,
};

static void add_sink(struct kfarmd_client *c, struct kfarmd_input_sink *p)
{
	p->version = c->version;
	TAILQ_INSERT_TAIL(&c->sinks, p, entry);
	c->n_sinks++;
}

static int handle_cell_msg(struct kfarmd_client *c, struct bytes body,
			   struct err *err)
{
	struct kfarmd_input_sink *p;
	struct wire_cell m;
	unsigned n = 0;
	int ret = 0;

	if (wire_cell_decode_at(&m, body, c->version))
		return set_decode_error(err, "CELL");
	list_for_each(p, &c->sinks, entry)
		n += kfarmd_sandbox_from_sink(p) != NULL;
	if (find_sink(c, m.cell))
		ret = err_set(err, EPROTO, "CELL: number %u already in use",
			      m.cell);
	else if (!c->daemon->sandbox_check.usable)
		refuse_sink(c, m.cell, c->daemon->sandbox_check.reason);
	else if (n >= SANDBOXES_MAX)
		refuse_sink(c, m.cell, "too many sandboxes for one client");
	else
		add_sink(c, kfarmd_sandbox_new(c->daemon, &m, c->blobs,
					       &sink_ops, c));
	wire_cell_release(&m);
	return ret;
}

static int handle_bundle_msg(struct kfarmd_client *c, struct bytes body,
			     struct err *err)
{
	struct kfarmd_input_sink *p;
	struct wire_bundle m;
	unsigned n_open = 0;
	char *why;
	int ret = 0;

	if (wire_bundle_decode_at(&m, body, c->version))
		return set_decode_error(err, "BUNDLE");
	list_for_each(p, &c->sinks, entry)
		n_open += !kfarmd_sandbox_from_sink(p) &&
			  kfarmd_input_sink_is_open(p);
	if (find_sink(c, m.bundle)) {
		ret = err_set(err, EPROTO, "BUNDLE: number %u already in use",
			      m.bundle);
	} else if (c->n_sinks >= SINKS_MAX) {
		ret = err_set(err, EPROTO,
			      "too many sandboxes and toolchain uploads: "
			      "limit is %d",
			      SINKS_MAX);
	} else if (n_open >= BUNDLES_MAX) {
		ret = err_set(
			err, EPROTO,
			"too many concurrent toolchain uploads: limit is %d",
			BUNDLES_MAX);
	} else if (strv_has(&c->daemon->hosts, m.host)) {
		add_sink(c, new_bundle(c->daemon, &m, c->blobs, &sink_ops, c));
	} else {
		/* Reject the toolchain before its files are requested. */
		why = xasprintf(
			"%s: built for %s, which this node cannot run; see "
			"--host in kfarmd(8)",
			m.id, m.host);
		refuse_sink(c, m.bundle, why);
		free(why);
	}
	wire_bundle_release(&m);
	return ret;
}

static const struct kfarmd_toolchain_rpc_ops rpc_ops = {
	.send = send_to_client,
	.on_freed = on_rpc_freed,
};

static int start_rpc(struct kfarmd_client *c, uint32_t request_id,
		     const char *drop_id, bool verify, struct err *err)
{
	struct kfarmd_toolchain_rpc *r;

	if (c->n_requests >= RPCS_MAX)
		return err_set(
			err, EPROTO,
			"too many concurrent toolchain requests: limit is %d",
			RPCS_MAX);
	r = kfarmd_toolchain_rpc_new(c->daemon, request_id, drop_id, verify,
				     &rpc_ops, c);
	if (!r)
		return err_set(err, EPROTO, "cannot create thread");
	r->version = c->version;
	*VEC_ADD(c->requests, c->n_requests) = r;
	return 0;
}

int kfarmd_client_handle_msg(struct kfarmd_client *c, uint16_t type,
			     struct bytes body, struct err *err)
{
	union {
		uint32_t number;
		struct wire_view view;
		struct wire_blob blob;
		struct wire_tools tools;
		struct wire_drop drop;
	} m;
	struct kfarmd_input_sink *p;
	int ret = 0;

	if (!wire_type_name(type, c->version))
		return -ENOTSUP;
	switch (type) {
	case WIRE_CELL:
		return handle_cell_msg(c, body, err);
	case WIRE_SHUT:
		if (wire_number_decode(&m.number, body))
			return set_decode_error(err, "SHUT");
		p = find_sink(c, m.number);
		if (p)
			kfarmd_input_sink_shut(p);
		return 0;
	case WIRE_PATHS:
		return wire_paths_receive(c->paths, body) ?
			       set_decode_error(err, "PATHS") :
			       0;
	case WIRE_FLAGS:
		return wire_flags_receive(c->flags, body) ?
			       set_decode_error(err, "FLAGS") :
			       0;
	case WIRE_VIEW:
		if (wire_view_decode_at(&m.view, body, c->version))
			return set_decode_error(err, "VIEW");
		/*
		 * Ignore a VIEW for an unknown sandbox or bundle, which can
		 * have ended while the VIEW was in transit.
		 */
		p = find_sink(c, m.view.cell);
		if (p)
			ret = kfarmd_input_sink_add_update(p, &m.view, c->paths,
							   err);
		wire_view_release(&m.view);
		return ret;
	case WIRE_BLOB:
		if (wire_blob_decode(&m.blob, body))
			return set_decode_error(err, "BLOB");
		return kfarmd_blobs_receive(c->blobs, &m.blob, err);
	case WIRE_PIN:
		return kfarmd_client_receive_pin(&c->pins, body, c->version,
						 err);
	case WIRE_STEP:
		return kfarmd_argv_receive_step(&c->steps, body, c->version,
						err);
	case WIRE_BUNDLE:
		return handle_bundle_msg(c, body, err);
	case WIRE_NEIGHBOR:
	case WIRE_FETCH:
		return kfarmd_neighbors_handle_msg(c->neighbors, type, body,
						   c->version, err);
	case WIRE_TOOLS:
		if (wire_tools_decode_at(&m.tools, body, c->version))
			return set_decode_error(err, "TOOLS");
		return start_rpc(c, m.tools.request_id, NULL, m.tools.verify,
				 err);
	case WIRE_DROP:
		if (wire_drop_decode_at(&m.drop, body, c->version))
			return set_decode_error(err, "DROP");
		ret = start_rpc(c, m.drop.request_id, m.drop.id, false, err);
		wire_drop_release(&m.drop);
		return ret;
	default:
		return -ENOTSUP;
	}
}
