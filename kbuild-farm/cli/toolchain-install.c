/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fs.h"
#include "base/log.h"
#include "base/task.h"
#include "base/vec.h"
#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/toolchain.h"
#include "toolchain/builtin.h"
#include "toolchain/install.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * kfarm first plans a batch with all toolchains to install: one archive for
 * each combination of a VERSION, an --arch or --triplet, and a host.  It then
 * installs several archives of the batch at a time, publishes links with
 * normalized names such as aarch64-gcc1330-linux-gcc, and uploads the
 * toolchains to the nodes.
 */

/* One toolchain to be installed. */
struct toolchain_batch_item {
	struct toolchain_install_request order;
	char *id;
	struct toolchain_installed installed; /* valid if ret is 0 */
	bool was_installed; /* already installed before this command */
	int ret;
	struct err err;
	struct strv notes;
	/* owners of the strings and of the digest that `order` borrows */
	struct strv text;
	struct digest sha256;
	bool has_sha256;
	/* progress of the installation; its thread updates this row */
	struct progress *progress;
	size_t row;
};

/* The toolchains to be installed; empty if zeroed. */
struct toolchain_batch {
	struct toolchain_batch_item *items;
	size_t n_items;
};

/*
 * Number of concurrent installations.  A higher number would not help, because
 * the installations compete for the network and the CPU.
 */
#define THREADS 4

/* Add an item.  Returns NULL if the batch already has the toolchain. */
static struct toolchain_batch_item *add_order(
	struct toolchain_batch *list, const struct toolchain_release *release,
	const char *triplet, const char *host)
{
	bool own = !host || !strcmp(host, toolchain_host_arch());
	char *id = toolchain_release_id(release, triplet, own ? NULL : host);
	struct toolchain_batch_item *o;

	for (size_t i = 0; i < list->n_items; i++) {
		if (!strcmp(list->items[i].id, id)) {
			free(id);
			return NULL;
		}
	}
	o = VEC_ADD(list->items, list->n_items);
	*o = (struct toolchain_batch_item){ .id = id };
	return o;
}

/* Set the fields of an order that come from options and configuration. */
static void fill_order(struct toolchain_install_request *order,
		       const struct toolchain_request *r)
{
	order->data_dir = r->data_dir;
	order->cache_dir = r->download_dir;
	order->mirrors = &r->mirrors;
	order->fetch_options = &r->fetch;
	order->insecure = r->insecure;
	order->strict = r->strict;
	order->sums_key = r->sums_key;
	order->tar_key = r->tar_key;
	order->key_files = r->key_files.n ? &r->key_files : NULL;
	order->key_sources = r->key_sources.n ? &r->key_sources : NULL;
	order->library_files = &r->library_files;
	order->library_debs = &r->library_debs;
}

/* Copy a string into the item, so that it lives as long as the order. */
static const char *copy_order_texts(struct toolchain_batch_item *o,
				    const char *s)
{
	strv_add(&o->text, s);
	return o->text.v[o->text.n - 1];
}

/*
 * Add the installed toolchain of a complete release, such as gcc-13.3.0, so
 * that the servers' catalog of archives is not needed.  `triplet` is NULL for
 * clang.  Returns false if no such toolchain is installed.
 */
static bool add_installed(struct toolchain_batch *list,
			  const struct toolchain_request *r,
			  const struct toolchain_installed_list *installed,
			  const struct toolchain_release *release,
			  const char *triplet, const char *host)
{
	char *text = toolchain_release_format(release);
	struct toolchain_batch_item *o;
	struct err ignored;
	bool found = false;

	for (size_t i = 0; !found && i < installed->n; i++) {
		const struct toolchain_installed *t = &installed->v[i];

		if (t->adopted_from || strcmp(t->release, text) != 0 ||
		    strcmp(t->host, host) != 0)
			continue;
		if (!str_equal(t->triplet, triplet))
			continue;
		/*
		 * An installed toolchain also needs an item, because
		 * install_planned() publishes its links and uploads it.
		 */
		found = true;
		o = add_order(list, release, t->triplet, host);
		if (!o)
			break;
		o->was_installed = true;
		fill_order(&o->order, r);
		if (toolchain_installed_read(r->data_dir, t->id, &o->installed,
					     &ignored)) {
			list->n_items--;
			free(o->id);
			found = false;
		}
	}
	free(text);
	return found;
}

static void on_progress(void *ctx, enum toolchain_install_stage stage,
			uint64_t done, uint64_t total)
{
	static const char *const texts[] = {
		[TOOLCHAIN_STAGE_WAIT] =
			"waiting for another kfarm process that installs it",
		[TOOLCHAIN_STAGE_LOOKUP] = "looking up signatures",
		[TOOLCHAIN_STAGE_FETCH] = "downloading and unpacking",
		[TOOLCHAIN_STAGE_CHECK] = "testing",
		[TOOLCHAIN_STAGE_PUBLISH] = "moving into place",
	};
	struct toolchain_batch_item *o = ctx;

	progress_set(o->progress, o->row, texts[stage], done, total);
}

/*
 * Check that the toolchain that is already installed satisfies --sha256 and
 * --strict.
 */
static int check_installed_archive(struct toolchain_batch_item *o)
{
	const struct toolchain_install_request *order = &o->order;
	const struct toolchain_installed *t = &o->installed;
	char hex[DIGEST_HEX];

	digest_format(&t->archive_digest, hex);
	if (order->sha256 && !digest_equal(order->sha256, &t->archive_digest))
		return err_set(&o->err, EKEYREJECTED,
			       "already installed from another archive, whose "
			       "SHA-256 is %s; remove the toolchain first",
			       hex);
	if (order->strict && !t->tar_key)
		return err_set(
			&o->err, EKEYREJECTED,
			"already installed, but not verified by the signature "
			"of its maintainer; remove the toolchain first");
	return 0;
}

/* Install one item on a thread of task_each(). */
static void run_order(void *ctx, size_t i)
{
	struct toolchain_batch *list = ctx;
	struct toolchain_batch_item *o = &list->items[i];

	if (settings_is_interrupted()) {
		o->ret = err_set(&o->err, ECANCELED, "interrupted");
		return;
	}
	if (!o->was_installed)
		o->ret = toolchain_install(&o->order, &o->installed, &o->err);
	if (o->ret == -EEXIST) {
		o->was_installed = true;
		o->ret = 0;
	}
	if (o->was_installed)
		o->ret = check_installed_archive(o);
	progress_end(o->progress, o->row);
}

static void show_progress(void *ctx)
{
	const struct toolchain_batch *list = ctx;

	progress_tick(list->items[0].progress);
}

/* State of `kfarm toolchain install`. */
struct plan {
	struct toolchain_request *r;
	struct toolchain_catalog catalog;
	bool has_catalog;
	struct toolchain_installed_list installed;
	struct toolchain_nodes nodes;
	/*
	 * architectures on which the toolchains must run: the values of --host
	 * (default: the build host's architecture), and one architecture for
	 * each selected node that cannot run programs of the build host
	 */
	struct strv hosts;
	struct strv optional_hosts; /* skipped if the servers lack an archive */
	struct toolchain_batch batch;
	struct err err;
};

/*
 * Check that a gcc exists for `arch`.  `origin` precedes the architecture in
 * messages: "--arch " or "ARCH=".
 */
static int check_arch(const char *origin, const char *arch, struct err *err)
{
	const struct strv *triplets = toolchain_builtin_arch_triplets(arch);
	const struct toolchain_arch *other;
	char *question;

	if (triplets && triplets->n)
		return 0;
	if (triplets)
		return err_set(err, EINVAL,
			       "%s%s: no gcc exists for this architecture; to "
			       "install clang, no --arch is needed",
			       origin, arch);
	other = toolchain_builtin_arch_by_alias(arch);
	if (other)
		return err_set(err, EINVAL, "%s%s: the kernel calls it %s",
			       origin, arch, other->arch);
	question = toolchain_settings_suggest_arch(
		arch, "; use --triplet for a triplet");
	err_set(err, EINVAL, "%s%s: not a kernel architecture%s", origin, arch,
		question);
	free(question);
	return -EINVAL;
}

/*
 * Add the newest archive of the catalog that fits `wanted`.  `triplets` is NULL
 * for clang.  If `wanted` is a complete release that is already installed for
 * the first triplet, which is the usual one, add the installed toolchain
 * without loading the catalog.
 */
static int plan_one(struct plan *p, const struct toolchain_release *wanted,
		    const struct strv *triplets, const char *host,
		    struct err *err)
{
	const struct toolchain_archive *a;
	struct toolchain_batch_item *o;
	int ret;

	if (wanted->n_parts == 3 &&
	    add_installed(&p->batch, p->r, &p->installed, wanted,
			  triplets ? triplets->v[0] : NULL, host))
		return 0;
	if (!p->has_catalog) {
		ret = toolchain_settings_catalog(p->r, wanted->is_clang,
						 &p->catalog, err);
		if (ret)
			return ret;
		p->has_catalog = true;
	}
	ret = toolchain_catalog_find(&p->catalog, wanted, triplets, host, &a,
				     err);
	if (ret == -ENOENT && strv_has(&p->optional_hosts, host))
		return 0;
	if (ret)
		return ret;
	o = add_order(&p->batch, &a->release, a->triplet, a->host);
	if (!o)
		return 0;
	fill_order(&o->order, p->r);
	o->order.release = a->release;
	o->order.mirror_path = copy_order_texts(o, a->mirror_path);
	o->order.triplet = a->triplet ? copy_order_texts(o, a->triplet) : NULL;
	o->order.host = strcmp(a->host, toolchain_host_arch()) ?
				copy_order_texts(o, a->host) :
				NULL;
	return 0;
}

/*
 * Plan a release that runs on `host`: gcc for each --arch and --triplet, clang
 * once.
 */
static int plan_triplets(struct plan *p, const struct toolchain_release *wanted,
			 const char *host, struct err *err)
{
	const struct toolchain_request *r = p->r;
	int ret = 0;

	if (wanted->is_clang)
		return plan_one(p, wanted, NULL, host, err);
	for (size_t i = 0; !ret && i < r->arches.n; i++) {
		ret = plan_one(p, wanted,
			       toolchain_builtin_arch_triplets(r->arches.v[i]),
			       host, err);
	}
	for (size_t i = 0; !ret && i < r->triplets.n; i++) {
		struct strv one = { 0 };

		strv_add(&one, r->triplets.v[i]);
		ret = plan_one(p, wanted, &one, host, err);
		strv_release(&one);
	}
	return ret;
}

/* Plan the archive of --file.  A VERSION must agree with the archive's name. */
static int plan_file(struct plan *p, struct err *err)
{
	const struct toolchain_request *r = p->r;
	struct toolchain_install_request order = { 0 };
	struct toolchain_release wanted;
	struct strv text = { 0 };
	struct digest sha256 = { 0 };
	struct toolchain_batch_item *o;
	int ret;

	if (access(r->file, R_OK))
		return err_errno(err, "%s", r->file);
	ret = toolchain_install_parse_file(&order, &text, r->file, err);
	if (!ret && r->sha256 && !digest_parse(&sha256, r->sha256))
		ret = err_set(err, EINVAL,
			      "--sha256 %s: not 64 hexadecimal digits",
			      r->sha256);
	if (ret) {
		strv_release(&text);
		return ret;
	}
	o = add_order(&p->batch, &order.release, order.triplet, order.host);
	fill_order(&order, r);
	order.archive_path = r->file;
	o->order = order;
	o->text = text;
	o->sha256 = sha256;
	o->has_sha256 = r->sha256 != NULL;

	if (!r->words.n)
		return 0;
	ret = toolchain_release_parse(r->words.v[0], &wanted, err);
	if (!ret && (wanted.is_clang != order.release.is_clang ||
		     !toolchain_release_matches(&wanted, &order.release)))
		ret = err_set(err, EINVAL, "%s: not an archive of %s", r->file,
			      r->words.v[0]);
	return ret;
}

/*
 * If neither --arch nor --triplet is given, use the environment variable ARCH,
 * like make, or else the architecture of the build host.  Returns "--arch " or
 * "ARCH=", the argument `origin` for check_arch().
 */
static const char *default_arch(struct toolchain_request *r)
{
	const char *arch = getenv("ARCH");
	const struct toolchain_arch *a = NULL;
	const struct toolchain_host *h = toolchain_builtin_local_host();

	if (r->arches.n || r->triplets.n)
		return "--arch ";
	if (arch && *arch) {
		strv_add(&r->arches, arch);
		return "ARCH=";
	}
	for (size_t i = 0; h && !a && i < h->machines.n; i++) {
		a = toolchain_builtin_find_arch(h->machines.v[i]);
		if (!a)
			a = toolchain_builtin_arch_by_alias(h->machines.v[i]);
	}
	strv_add(&r->arches, a ? a->arch : toolchain_host_arch());
	return "--arch ";
}

/*
 * Check all words and options before the first server or node is queried.  If a
 * gcc is requested without an architecture, select the default architecture.
 */
static int check_request(struct toolchain_request *r, struct err *err)
{
	const char *origin = "--arch ";
	struct toolchain_release wanted;
	bool has_gcc = false;
	int ret = 0;

	for (size_t i = 0; !ret && i < r->words.n; i++) {
		ret = toolchain_release_parse(r->words.v[i], &wanted, err);
		has_gcc |= !ret && !wanted.is_clang;
	}
	if (!ret && has_gcc && !r->file)
		origin = default_arch(r);
	for (size_t i = 0; !ret && i < r->arches.n; i++)
		ret = check_arch(origin, r->arches.v[i], err);
	for (size_t i = 0; !ret && i < r->hosts.n; i++) {
		const char *host = r->hosts.v[i];
		const struct toolchain_host *h =
			toolchain_builtin_host_by_machine(host);

		if (toolchain_builtin_find_host(host))
			continue;
		/* Suggest the name that toolchain servers use. */
		ret = h ? err_set(err, EINVAL,
				  "--host %s: toolchain servers call it %s",
				  host, h->name) :
			  err_set(err, EINVAL,
				  "--host %s: no toolchain runs on such a "
				  "machine",
				  host);
	}
	return ret;
}

/*
 * Add the hosts of a node: the architectures whose programs the node can run,
 * its own architecture first.  A toolchain that runs on the first host is
 * required, unless the node can also run programs of the build host.
 * Toolchains that run on the other hosts are optional; `kfarm toolchain tune`
 * compares them.
 */
static void plan_node(struct plan *p, const struct peer_survey_node *n)
{
	bool same = strv_has(&n->fit.hosts, toolchain_host_arch());

	if (!n->up)
		log_warning("node %s: %s", n->entry->name, n->why);
	else if (same)
		log_info("node %s has the architecture of this machine: "
			 "nothing to install, because each build sends its "
			 "compiler to the node",
			 n->entry->name);
	for (size_t i = 0; i < n->fit.hosts.n; i++) {
		const char *host = n->fit.hosts.v[i];
		bool must = i == 0 && !same;

		if (!strv_has(&p->hosts, host) && must)
			strv_add(&p->hosts, host);
		else if (strcmp(host, toolchain_host_arch()) != 0 &&
			 !strv_has(&p->hosts, host) &&
			 !strv_has(&p->optional_hosts, host))
			strv_add(&p->optional_hosts, host);
	}
}

static int query_node_hosts(void *arg)
{
	struct plan *p = arg;

	return toolchain_nodes_query(&p->nodes, p->r, p->r->nodes, &p->err);
}

/* Collect the hosts of --host and of the nodes that --nodes selects. */
static int plan_hosts(struct plan *p)
{
	const struct toolchain_request *r = p->r;
	int ret = 0;

	strv_add_all(&p->hosts, r->hosts.v);
	if (!p->hosts.n)
		strv_add(&p->hosts, toolchain_host_arch());
	if (r->nodes && strcmp(r->nodes, "none") != 0)
		ret = progress_run("nodes", "querying architectures",
				   query_node_hosts, p);
	for (size_t i = 0; !ret && i < p->nodes.n_nodes; i++)
		plan_node(p, &p->nodes.nodes[i]);
	return ret;
}

/* Check the request and fill the batch. */
static int plan_install(struct plan *p)
{
	struct toolchain_request *r = p->r;
	struct toolchain_release wanted;
	struct err *err = &p->err;
	int ret;

	if (r->file &&
	    (r->words.n > 1 || r->arches.n || r->triplets.n || r->hosts.n))
		return err_set(err, EINVAL,
			       "--file installs one toolchain; it cannot be "
			       "combined with --arch, --triplet, --host or "
			       "several versions");
	if (!r->file && !r->words.n)
		return err_set(err, EINVAL,
			       "missing VERSION, for example `kfarm toolchain "
			       "install gcc-13.3 --arch arm64`");
	if (r->sha256 && !r->file)
		return err_set(err, EINVAL, "--sha256 requires --file");
	ret = check_request(r, err);
	if (ret)
		return ret;
	ret = toolchain_settings_installed(r, &p->installed, err);
	if (!ret)
		ret = plan_hosts(p);
	if (!ret && r->file)
		return plan_file(p, err);
	for (size_t i = 0; !ret && i < r->words.n; i++) {
		ret = toolchain_release_parse(r->words.v[i], &wanted, err);
		for (size_t k = 0; !ret && k < p->hosts.n; k++)
			ret = plan_triplets(p, &wanted, p->hosts.v[k], err);
		for (size_t k = 0; !ret && k < p->optional_hosts.n; k++)
			ret = plan_triplets(p, &wanted, p->optional_hosts.v[k],
					    err);
	}
	return ret;
}

/* An upload of toolchains to all nodes. */
struct push {
	const struct toolchain_nodes *nodes;
	const atomic_bool *cancel;
	struct peer_bundle *bundles;
	size_t n_bundles;
	struct peer_survey_node *talk; /* the session with each node */
	struct progress *progress;
};

/* Read the toolchain `id` into the next bundle. */
static int read_bundle(struct push *p,
		       const struct toolchain_installed_list *all,
		       const char *id, struct err *err)
{
	const struct toolchain_installed *t, *ours;
	int ret = toolchain_settings_find(all, id, &t, err);

	if (ret)
		return ret;
	ours = toolchain_nodes_find_host_build(all, t);
	ret = peer_bundle_read(&p->bundles[p->n_bundles], t,
			       ours ? &ours->manifest_id : NULL, p->cancel,
			       err);
	if (!ret)
		p->n_bundles++;
	return ret;
}

static void show_upload(void *ctx)
{
	struct push *p = ctx;

	for (size_t i = 0; i < p->nodes->n_nodes; i++) {
		const struct peer_blob_upload_stats *c =
			&p->talk[i].upload_stats;

		progress_set(p->progress, i,
			     c->bytes_sent < c->bytes_needed ? "sending" :
							       "waiting",
			     c->bytes_sent, c->bytes_needed);
	}
	progress_tick(p->progress);
}

/* Print a line per toolchain.  Returns true if all uploads to `n` succeeded. */
static bool report_node(const struct peer_survey_node *n)
{
	const struct peer_blob_upload_stats *stats = &n->upload_stats;
	bool good = n->up;
	char *sent;

	if (stats->n_files_fetched)
		sent = xasprintf("%u files (%.1f MiB) sent, %u files fetched "
				 "from neighbors",
				 stats->n_files_sent,
				 (double)stats->bytes_sent / (1 << 20),
				 stats->n_files_fetched);
	else if (stats->n_files_sent)
		sent = xasprintf("%u files (%.1f MiB) sent",
				 stats->n_files_sent,
				 (double)stats->bytes_sent / (1 << 20));
	else
		sent = xstrdup("already up to date");

	for (size_t b = 0; b < n->n_bundles; b++) {
		const struct peer_survey_outcome *a = &n->bundle_outcomes[b];

		if (a->succeeded)
			printf("node %s: %s: ok, %s\n", n->entry->name,
			       n->bundles[b]->id, sent);
		else if (a->detail)
			log_error("node %s: %s: %s", n->entry->name,
				  n->bundles[b]->id, a->detail);
		good = good && a->succeeded;
	}
	if (!n->up)
		log_error("node %s: %s%s", n->entry->name, n->why,
			  stats->n_files_sent ?
				  "; run the same command again to continue" :
				  "");
	free(sent);
	/* Keep the order of lines if stdout and stderr are the same file. */
	fflush(stdout);
	return good;
}

/* Upload to all nodes concurrently; return the number of failed nodes. */
static unsigned run_push(struct push *p)
{
	struct peer_survey_setup setup = { .n = p->nodes->n_nodes,
					   .on_progress = show_upload,
					   .ctx = p,
					   .cancel = p->cancel };
	struct store_packed_cache_stats stats = { 0 };
	unsigned failed = 0;
	struct err err;

	p->talk = xcalloc(p->nodes->n_nodes + 1, sizeof(*p->talk));
	p->progress = progress_new();
	for (size_t i = 0; i < p->nodes->n_nodes; i++) {
		const struct peer_survey_node *node = &p->nodes->nodes[i];
		const struct peer_bundle **list = xcalloc(p->n_bundles + 1,
							  sizeof(*list));
		struct peer_survey_node *n = &p->talk[i];

		/* Send only the bundles that run on the node. */
		peer_survey_init(n, node->entry);
		n->bundles = list;
		for (size_t k = 0; k < p->n_bundles; k++) {
			if (strv_has(&node->fit.hosts, p->bundles[k].host))
				list[n->n_bundles++] = &p->bundles[k];
		}
		progress_add(p->progress, node->entry->name);
	}
	setup.nodes = p->talk;
	if (peer_survey_run(&setup, &stats, &err) && err.text[0])
		log_error("%s", err.text);
	progress_free(p->progress);
	for (size_t i = 0; i < p->nodes->n_nodes; i++) {
		failed += !report_node(&p->talk[i]);
		peer_survey_release(&p->talk[i]);
		free((void *)p->talk[i].bundles);
	}
	if (stats.n_packed)
		log_info("%llu files compressed once for all nodes: %.1f MiB "
			 "instead of %.1f MiB",
			 (unsigned long long)stats.n_packed,
			 (double)stats.packed_bytes / (1 << 20),
			 (double)stats.raw_bytes / (1 << 20));
	free(p->talk);
	return failed;
}

/*
 * Upload each installed toolchain to all nodes that can run it.  The nodes are
 * served concurrently.  Shows the progress on stderr and finally prints a line
 * per node and toolchain.  Returns the number of failed nodes; logs each
 * failure.
 */
static unsigned push_to_nodes(struct plan *p)
{
	struct push push = { .nodes = &p->nodes,
			     .cancel = p->r->fetch.cancelled };
	struct toolchain_installed_list list = { 0 };
	struct err err = { 0 };
	unsigned failed = 0, n_chosen = 0;
	int ret = 0;

	if (toolchain_settings_installed(p->r, &list, &err))
		log_error("toolchain install: %s", err.text);
	push.bundles = xcalloc(p->batch.n_items + 1, sizeof(*push.bundles));
	for (size_t i = 0; i < p->batch.n_items; i++) {
		const struct toolchain_batch_item *o = &p->batch.items[i];

		/*
		 * A node that runs programs of the build host needs no
		 * installed toolchain.  Upload a toolchain of the build host
		 * only if --host names the build host, for `kfarm toolchain
		 * tune`.
		 */
		if (o->ret ||
		    (!strcmp(o->installed.host, toolchain_host_arch()) &&
		     !strv_has(&p->r->hosts, o->installed.host)))
			continue;
		n_chosen++;
		if (!ret)
			ret = read_bundle(&push, &list, o->id, &err);
	}
	if (ret)
		log_error("%s", err.text);
	if (ret)
		failed = (unsigned)p->nodes.n_nodes;
	else if (n_chosen)
		failed = run_push(&push);
	for (size_t i = 0; !n_chosen && i < p->nodes.n_nodes; i++)
		failed += !p->nodes.nodes[i].up;
	for (size_t i = 0; i < push.n_bundles; i++)
		peer_bundle_release(&push.bundles[i]);
	free(push.bundles);
	toolchain_installed_list_release(&list);
	return failed;
}

/* Install the batch, publish the names and upload; return the exit status. */
static int install_planned(struct plan *p)
{
	struct progress *progress = progress_new();
	int status = EXIT_OK;

	for (size_t i = 0; i < p->batch.n_items; i++) {
		struct toolchain_batch_item *o = &p->batch.items[i];

		/* The batch is complete, so pointers to items stay valid. */
		if (o->has_sha256)
			o->order.sha256 = &o->sha256;
		o->order.on_progress = on_progress;
		o->order.ctx = o;
		o->order.notes = &o->notes;
		o->progress = progress;
		o->row = progress_add(progress, o->id);
	}
	task_each(THREADS, p->batch.n_items, run_order, show_progress,
		  &p->batch);
	progress_free(progress);
	for (size_t i = 0; i < p->batch.n_items; i++) {
		struct toolchain_batch_item *o = &p->batch.items[i];
		struct err err = { 0 };
		int ret;

		for (size_t k = 0; k < o->notes.n; k++)
			log_info("%s: %s", o->id, o->notes.v[k]);
		if (o->ret) {
			status = EXIT_USAGE;
			if (o->ret != -ECANCELED && !settings_is_interrupted())
				log_error("toolchain install: %s: %s", o->id,
					  o->err.text);
			continue;
		}
		ret = toolchain_names_publish(p->r, &o->installed, &err);
		if (ret) {
			err_wrap(&err,
				 "%s is installed, but its names could not be "
				 "created",
				 o->id);
			toolchain_log_error(p->r, ret, &err);
			status = EXIT_USAGE;
		}
		toolchain_show_print(p->r, &o->installed);
	}
	if (settings_is_interrupted()) {
		log_error(
			"toolchain install: interrupted; run the same command "
			"again to continue the download");
		return EXIT_INTERRUPTED;
	}
	fflush(stdout);
	if (p->nodes.n_nodes && push_to_nodes(p))
		status = EXIT_USAGE;
	if (p->nodes.n_nodes && settings_is_interrupted()) {
		log_error(
			"toolchain install: interrupted; run the same command "
			"again to continue the upload");
		return EXIT_INTERRUPTED;
	}
	return status;
}

int toolchain_install_main(void *request)
{
	struct toolchain_request *r = request;
	struct plan p = { .r = r };
	int ret = plan_install(&p);
	int status;

	if (!ret)
		ret = fs_mkdirs(r->download_dir, 0777, &p.err);
	status = ret ? toolchain_log_error(r, ret, &p.err) :
		       install_planned(&p);
	for (size_t i = 0; i < p.batch.n_items; i++) {
		struct toolchain_batch_item *o = &p.batch.items[i];

		toolchain_installed_release(&o->installed);
		strv_release(&o->notes);
		strv_release(&o->text);
		free(o->id);
	}
	free(p.batch.items);
	toolchain_nodes_release(&p.nodes);
	toolchain_installed_list_release(&p.installed);
	toolchain_catalog_release(&p.catalog);
	strv_release(&p.hosts);
	strv_release(&p.optional_hosts);
	return status;
}
