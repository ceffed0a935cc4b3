/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/toolchain-orders.h"
#include "cli/settings.h"

#include "base/task.h"
#include "base/vec.h"
#include "cli/progress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* More downloads would wait for each other, and for unpacking. */
#define THREADS 4

void toolchain_orders_release(struct toolchain_orders *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct toolchain_ordered *o = &list->v[i];

		toolchain_installed_release(&o->out);
		strv_release(&o->notes);
		strv_release(&o->text);
		free(o->id);
	}
	free(list->v);
	*list = (struct toolchain_orders){ 0 };
}

static bool has_order(const struct toolchain_orders *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!strcmp(list->v[i].id, id))
			return true;
	}
	return false;
}

/* NULL when it is in the list already. */
static struct toolchain_ordered *add_order(
	struct toolchain_orders *list, const struct toolchain_release *release,
	const char *triplet, const char *host)
{
	bool own = !host || !strcmp(host, toolchain_here());
	char *id = toolchain_release_id(release, triplet, own ? NULL : host);
	struct toolchain_ordered *o;

	if (has_order(list, id)) {
		free(id);
		return NULL;
	}
	o = VEC_ADD(list->v, list->n);
	*o = (struct toolchain_ordered){ .id = id };
	return o;
}

static void fill_order(struct toolchain_order *order,
		       const struct toolchain_request *r)
{
	order->data = r->data;
	order->cache = r->downloads;
	order->mirrors = &r->mirrors;
	order->fetch = &r->fetch;
	order->insecure = r->insecure;
	order->strict = r->strict;
	order->sums_key = r->sums_key;
	order->tar_key = r->tar_key;
	order->key_files = r->key_files.n ? &r->key_files : NULL;
	order->key_sources = r->key_sources.n ? &r->key_sources : NULL;
	order->library_files = &r->library_files;
	order->library_debs = &r->library_debs;
}

/* A copy that lives as long as the order. */
static const char *keep_text(struct toolchain_ordered *o, const char *s)
{
	strv_add(&o->text, s);
	return o->text.v[o->text.n - 1];
}

void toolchain_orders_add(struct toolchain_orders *list,
			  const struct toolchain_request *r,
			  const struct toolchain_archive *a)
{
	struct toolchain_ordered *o = add_order(list, &a->release, a->triplet,
						a->host);

	if (!o)
		return;
	fill_order(&o->order, r);
	o->order.release = a->release;
	o->order.path = keep_text(o, a->path);
	o->order.triplet = a->triplet ? keep_text(o, a->triplet) : NULL;
	o->order.host = strcmp(a->host, toolchain_here()) ?
				keep_text(o, a->host) :
				NULL;
}

/* What toolchain_install() would answer with -EEXIST. */
static bool add_present(struct toolchain_orders *list, const char *data,
			const struct toolchain_installed *t)
{
	struct toolchain_release release;
	struct toolchain_ordered *o;
	struct err ignored = { 0 };
	bool own = !strcmp(t->host, toolchain_here());

	if (toolchain_release_parse(t->release, &release, &ignored))
		return false;
	o = add_order(list, &release, t->triplet, own ? NULL : t->host);
	if (!o)
		return true;
	o->had = true;
	if (toolchain_installed_read(data, t->id, &o->out, &ignored)) {
		list->n--;
		free(o->id);
		return false;
	}
	return true;
}

bool toolchain_orders_have(struct toolchain_orders *list, const char *data,
			   const struct toolchain_installed_list *installed,
			   const struct toolchain_release *release,
			   const struct strv *triplets, const char *host)
{
	char *text = toolchain_release_text(release);
	bool found = false;

	for (size_t i = 0; !found && i < installed->n; i++) {
		const struct toolchain_installed *t = &installed->v[i];

		if (t->adopted || strcmp(t->release, text) != 0 ||
		    strcmp(t->host, host) != 0)
			continue;
		if (t->triplet && triplets && !strv_has(triplets, t->triplet))
			continue;
		found = add_present(list, data, t);
	}
	free(text);
	return found;
}

int toolchain_orders_file(struct toolchain_orders *list,
			  const struct toolchain_request *r,
			  struct toolchain_order **out, struct err *err)
{
	struct toolchain_order order = { 0 };
	struct strv text = { 0 };
	struct digest sha256 = { 0 };
	struct toolchain_ordered *o;
	int ret = toolchain_install_order(&order, &text, r->file, err);

	if (!ret && r->sha256 && !digest_parse(&sha256, r->sha256))
		ret = err_set(err, EINVAL,
			      "--sha256 %s: not 64 hexadecimal digits",
			      r->sha256);
	if (ret) {
		strv_release(&text);
		return ret;
	}
	o = add_order(list, &order.release, order.triplet, order.host);
	fill_order(&order, r);
	order.file = r->file;
	o->order = order;
	o->text = text;
	o->sha256 = sha256;
	o->sha256_given = r->sha256 != NULL;
	*out = &o->order;
	return 0;
}

/* ---------------------------------------------------------------- run */

static const char *stage_text(enum toolchain_stage stage)
{
	switch (stage) {
	case TOOLCHAIN_WAITS:
		return "waiting for another kfarm that installs it";
	case TOOLCHAIN_ASKS:
		return "asking for signatures";
	case TOOLCHAIN_FETCHES:
		return "fetching and unpacking";
	case TOOLCHAIN_CHECKS:
		return "checking that it works";
	case TOOLCHAIN_PUBLISHES:
		break;
	}
	return "putting it in place";
}

static void on_progress(void *ctx, enum toolchain_stage stage, uint64_t done,
			uint64_t total)
{
	struct toolchain_ordered *o = ctx;

	progress_set(o->progress, o->row, stage_text(stage), done, total);
}

static void run_order(void *ctx, size_t i)
{
	struct toolchain_orders *list = ctx;
	struct toolchain_ordered *o = &list->v[i];

	if (settings_interrupted()) {
		o->ret = err_set(&o->err, ECANCELED, "interrupted");
		return;
	}
	if (!o->had)
		o->ret = toolchain_install(&o->order, &o->out, &o->err);
	if (o->ret == -EEXIST) {
		o->had = true;
		o->ret = 0;
	}
	progress_end(o->progress, o->row);
}

static void show_progress(void *ctx)
{
	const struct toolchain_orders *list = ctx;

	progress_tick(list->v[0].progress);
}

void toolchain_orders_run(struct toolchain_orders *list)
{
	struct progress *p = progress_new();

	for (size_t i = 0; i < list->n; i++) {
		struct toolchain_ordered *o = &list->v[i];

		/* From now on the list does not move in memory. */
		if (o->sha256_given)
			o->order.sha256 = &o->sha256;
		o->order.progress = on_progress;
		o->order.ctx = o;
		o->order.notes = &o->notes;
		o->progress = p;
		o->row = progress_add(p, o->id);
	}
	task_each(THREADS, list->n, run_order, show_progress, list);
	progress_free(p);
}
