/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First everything is decided: which archive for each VERSION, --arch or
 * --triplet and host.  Then the archives are installed, a few at once
 * (cli/toolchain-orders.c), then the names made, and the nodes come last.
 */
#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/toolchain-nodes.h"
#include "cli/toolchain-orders.h"

#include "base/fs.h"
#include "base/log.h"
#include "toolchain/data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is being put together. */
struct plan {
	struct toolchain_request *r;
	struct toolchain_catalog catalog;
	bool has_catalog;
	struct toolchain_installed_list installed;
	struct toolchain_nodes nodes;
	struct strv hosts; /* that builds are wanted for; this machine first */
	struct strv maybe; /* the same, where such a build is offered */
	struct toolchain_orders orders;
	struct err err;
};

static int find_triplets(const char *arch, const struct strv **triplets,
			 struct err *err)
{
	const struct toolchain_arch *other;

	*triplets = toolchain_data_triplets(arch);
	if (*triplets && (*triplets)->n)
		return 0;
	if (*triplets)
		return err_set(
			err, EINVAL,
			"--arch %s: there is no gcc for it; clang has no "
			"--arch",
			arch);
	other = toolchain_data_arch_called(arch);
	if (other)
		return err_set(err, EINVAL, "--arch %s: the kernel calls it %s",
			       arch, other->arch);
	return err_set(err, EINVAL,
		       "--arch %s: no architecture of the kernel's; a triplet "
		       "is given with --triplet",
		       arch);
}

static int check_host(const char *host, struct err *err)
{
	const struct toolchain_host *h = toolchain_data_host_of(host);

	if (toolchain_data_host(host))
		return 0;
	if (h)
		return err_set(err, EINVAL,
			       "--host %s: servers of toolchains call it %s",
			       host, h->name);
	return err_set(err, EINVAL,
		       "--host %s: nothing is offered for such a machine",
		       host);
}

/* One archive: from the catalog, unless it is installed already. */
static int plan_one(struct plan *p, const struct toolchain_release *wanted,
		    const struct strv *triplets, const char *host,
		    struct err *err)
{
	const struct toolchain_archive *a;
	int ret;

	if (wanted->n == 3 &&
	    toolchain_orders_have(&p->orders, p->r->data, &p->installed, wanted,
				  triplets, host))
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
	if (!ret)
		toolchain_orders_add(&p->orders, p->r, a);
	else if (ret == -ENOENT && strv_has(&p->maybe, host))
		ret = 0;
	return ret;
}

static int plan_triplets(struct plan *p, const struct toolchain_release *wanted,
			 const char *host, struct err *err)
{
	const struct toolchain_request *r = p->r;
	int ret = 0;

	if (wanted->is_clang)
		return plan_one(p, wanted, NULL, host, err);
	for (size_t i = 0; !ret && i < r->arches.n; i++) {
		const struct strv *triplets;

		ret = find_triplets(r->arches.v[i], &triplets, err);
		if (!ret)
			ret = plan_one(p, wanted, triplets, host, err);
	}
	for (size_t i = 0; !ret && i < r->triplets.n; i++) {
		struct strv one = { 0 };

		strv_add(&one, r->triplets.v[i]);
		ret = plan_one(p, wanted, &one, host, err);
		strv_release(&one);
	}
	return ret;
}

static int plan_word(struct plan *p, const char *word, struct err *err)
{
	struct toolchain_release wanted;
	int ret = toolchain_release_parse(word, &wanted, err);

	for (size_t i = 0; !ret && i < p->hosts.n; i++)
		ret = plan_triplets(p, &wanted, p->hosts.v[i], err);
	for (size_t i = 0; !ret && i < p->maybe.n; i++)
		ret = plan_triplets(p, &wanted, p->maybe.v[i], err);
	return ret;
}

/* A local archive says itself what it is; a VERSION must agree. */
static int plan_file(struct plan *p, struct err *err)
{
	const struct toolchain_request *r = p->r;
	struct toolchain_order *o;
	struct toolchain_release wanted;
	int ret = toolchain_orders_file(&p->orders, r, &o, err);

	if (ret || !r->words.n)
		return ret;
	ret = toolchain_release_parse(r->words.v[0], &wanted, err);
	if (!ret && (wanted.is_clang != o->release.is_clang ||
		     !toolchain_release_matches(&wanted, &o->release)))
		ret = err_set(err, EINVAL, "%s is no %s", r->file,
			      r->words.v[0]);
	return ret;
}

static int check_options(const struct toolchain_request *r, struct err *err)
{
	if (r->file &&
	    (r->words.n > 1 || r->arches.n || r->triplets.n || r->hosts.n))
		return err_set(err, EINVAL,
			       "--file is one toolchain, and its name says "
			       "which; no --arch, --triplet or --host");
	if (!r->file && !r->words.n)
		return err_set(err, EINVAL,
			       "which? as in: kfarm toolchain install gcc-13.3 "
			       "--arch arm64");
	if (r->sha256 && !r->file)
		return err_set(err, EINVAL, "--sha256 is for --file");
	return 0;
}

/* Find what is wrong before anybody is asked. */
static int check_request(const struct toolchain_request *r, struct err *err)
{
	struct toolchain_release ignored;
	const struct strv *triplets;
	int ret = 0;

	for (size_t i = 0; !ret && i < r->words.n; i++)
		ret = toolchain_release_parse(r->words.v[i], &ignored, err);
	for (size_t i = 0; !ret && i < r->arches.n; i++)
		ret = find_triplets(r->arches.v[i], &triplets, err);
	for (size_t i = 0; !ret && i < r->hosts.n; i++)
		ret = check_host(r->hosts.v[i], err);
	return ret;
}

/* Without --arch it is ARCH, as for make, else this machine's own. */
static void default_arch(struct toolchain_request *r)
{
	const char *arch = getenv("ARCH");
	const struct toolchain_arch *a = NULL;
	const struct toolchain_host *h = toolchain_data_this_host();

	if (r->arches.n || r->triplets.n)
		return;
	if (arch && *arch) {
		strv_add(&r->arches, arch);
		return;
	}
	for (size_t i = 0; h && !a && i < h->machines.n; i++) {
		a = toolchain_data_arch(h->machines.v[i]);
		if (!a)
			a = toolchain_data_arch_called(h->machines.v[i]);
	}
	strv_add(&r->arches, a ? a->arch : toolchain_here());
}

/*
 * A node's own architecture is wanted, unless it is this machine's; what else
 * it runs is worth a try (`tune`), if it is offered.
 */
static void plan_node(struct plan *p, const struct peer_tools_node *n)
{
	bool same = toolchain_nodes_same(n);

	if (!n->up)
		log_warning("node %s: %s", n->entry->name, n->why);
	else if (same)
		log_info("node %s runs what this machine runs: it needs "
			 "nothing installed, compilers travel to it",
			 n->entry->name);
	for (size_t i = 0; i < n->fit.hosts.n; i++) {
		const char *host = n->fit.hosts.v[i];
		bool must = i == 0 && !same;

		if (!strv_has(&p->hosts, host) && must)
			strv_add(&p->hosts, host);
		else if (strcmp(host, toolchain_here()) != 0 &&
			 !strv_has(&p->hosts, host) &&
			 !strv_has(&p->maybe, host))
			strv_add(&p->maybe, host);
	}
}

static int ask_what_they_run(void *arg)
{
	struct plan *p = arg;

	return toolchain_nodes_ask(&p->nodes, &p->r->roster, p->r->nodes,
				   &p->err);
}

/* The hosts that builds are wanted for: --host, and what nodes run. */
static int plan_hosts(struct plan *p)
{
	const struct toolchain_request *r = p->r;
	int ret = 0;

	strv_add_all(&p->hosts, r->hosts.v);
	if (!p->hosts.n)
		strv_add(&p->hosts, toolchain_here());
	if (r->nodes && strcmp(r->nodes, "none") != 0)
		ret = progress_run("nodes", "asking what they run",
				   ask_what_they_run, p);
	for (size_t i = 0; !ret && i < p->nodes.n; i++)
		plan_node(p, &p->nodes.v[i]);
	return ret;
}

static int plan_install(struct plan *p)
{
	struct toolchain_request *r = p->r;
	struct err *err = &p->err;
	int ret = check_options(r, err);

	if (!ret && !r->file)
		default_arch(r);
	if (!ret)
		ret = check_request(r, err);
	if (!ret)
		ret = toolchain_settings_installed(r, &p->installed, err);
	if (!ret)
		ret = plan_hosts(p);
	if (!ret && r->file)
		return plan_file(p, err);
	for (size_t i = 0; !ret && i < r->words.n; i++)
		ret = plan_word(p, r->words.v[i], err);
	return ret;
}

/* Names and the report of one that is installed now. */
static int publish_one(struct plan *p, struct toolchain_ordered *o)
{
	struct err err = { 0 };
	int ret = toolchain_names_publish(p->r, &o->out, &err);

	if (ret) {
		err_wrap(&err, "%s is installed, but its names are not", o->id);
		toolchain_failed(p->r, ret, &err);
	}
	toolchain_show_new(p->r, &o->out);
	return ret ? EXIT_USAGE : EXIT_OK;
}

static unsigned push_to_nodes(struct plan *p)
{
	struct toolchain_installed_list list = { 0 };
	struct strv ids = { 0 };
	struct err err = { 0 };
	unsigned failed = 0;

	for (size_t i = 0; i < p->orders.n; i++) {
		const struct toolchain_ordered *o = &p->orders.v[i];

		/* This machine's own only where that was asked for: to tune. */
		if (!o->ret && (strcmp(o->out.host, toolchain_here()) != 0 ||
				strv_has(&p->r->hosts, o->out.host)))
			strv_add(&ids, o->id);
	}
	if (toolchain_settings_installed(p->r, &list, &err))
		log_error("toolchain install: %s", err.text);
	if (ids.n)
		failed = toolchain_nodes_push(&p->nodes, &list, &ids,
					      p->r->fetch.cancel);
	for (size_t i = 0; !ids.n && i < p->nodes.n; i++)
		failed += !p->nodes.v[i].up;
	toolchain_installed_list_release(&list);
	strv_release(&ids);
	return failed;
}

static int carry_out(struct plan *p)
{
	int status = EXIT_OK;

	toolchain_orders_run(&p->orders);
	for (size_t i = 0; i < p->orders.n; i++) {
		struct toolchain_ordered *o = &p->orders.v[i];

		for (size_t k = 0; k < o->notes.n; k++)
			log_info("%s: %s", o->id, o->notes.v[k]);
		if (!o->ret) {
			if (publish_one(p, o))
				status = EXIT_USAGE;
			continue;
		}
		status = EXIT_USAGE;
		if (o->ret != -ECANCELED && !settings_interrupted())
			log_error("toolchain install: %s: %s", o->id,
				  o->err.text);
	}
	if (settings_interrupted()) {
		log_error("toolchain install: interrupted; what came is kept, "
			  "and the same command goes on from there");
		return EXIT_INTERRUPTED;
	}
	fflush(stdout);
	if (p->nodes.n && push_to_nodes(p))
		status = EXIT_USAGE;
	return status;
}

int toolchain_install_main(struct toolchain_request *r)
{
	struct plan p = { .r = r };
	int ret = plan_install(&p);
	int status;

	if (!ret)
		ret = fs_mkdirs(r->downloads, 0777, &p.err);
	status = ret ? toolchain_failed(r, ret, &p.err) : carry_out(&p);
	toolchain_orders_release(&p.orders);
	toolchain_nodes_release(&p.nodes);
	toolchain_installed_list_release(&p.installed);
	toolchain_catalog_release(&p.catalog);
	strv_release(&p.hosts);
	strv_release(&p.maybe);
	return status;
}
