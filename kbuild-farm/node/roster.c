/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/roster.h"

#include "base/spellcheck.h"
#include "base/str.h"
#include "base/vec.h"
#include "conf/conf.h"
#include "node/import.h"
#include "node/pool.h"
#include "tls/key.h"
#include "wire/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Prefix the error with "FILE:LINE: node.NAME.KEY".  The key must be set. */
static void wrap_config_location(struct err *err, const struct conf *c,
				 const char *name, const char *key)
{
	char *at = conf_get_origin(c, "node", name, key);

	err_wrap(err, "%s: node.%s.%s", at ? at : "configuration", name, key);
	free(at);
}

/*
 * Prefix the error with "FILE:LINE" of the first key in the section [node] or
 * [pool] of this name.
 */
static void wrap_section_location(struct err *err, const struct conf *c,
				  const char *section, const char *name)
{
	char *at = conf_get_section_origin(c, section, name);

	err_wrap(err, "%s", at ? at : "configuration");
	free(at);
}

static int load_address(struct node_entry *e, const struct conf *c,
			struct err *err)
{
	const char *text = conf_get(c, "node", e->name, "address");
	int ret;

	if (!text) {
		err_set(err, EINVAL, "node %s has no address", e->name);
		wrap_section_location(err, c, "node", e->name);
		return -EINVAL;
	}
	ret = node_address_parse(&e->address, text, err);
	if (ret)
		wrap_config_location(err, c, e->name, "address");
	else
		e->address_text = xstrdup(text);
	return ret;
}

/*
 * Set e->ssh to the setting `ssh`.  Without this setting, use the [USER@]HOST
 * of an ssh: address or the host of a tls: address.  Other addresses have no
 * host.
 */
static int load_ssh(struct node_entry *e, const struct conf *c, struct err *err)
{
	const char *text = conf_get(c, "node", e->name, "ssh");
	struct node_address address;
	char *whole, *port;
	int ret;

	if (!text) {
		if (e->address.kind == NODE_ADDRESS_SSH)
			e->ssh = xstrdup(e->address.text);
		if (e->address.kind == NODE_ADDRESS_TLS) {
			node_address_split(&e->address, &e->ssh, &port);
			free(port);
		}
		return 0;
	}
	whole = xasprintf("ssh:%s", text);
	ret = node_address_parse(&address, whole, err);
	free(whole);
	if (ret) {
		wrap_config_location(err, c, e->name, "ssh");
		return ret;
	}
	node_address_release(&address);
	e->ssh = xstrdup(text);
	return 0;
}

/* Load the setting `key`, which an address "tls:..." requires. */
static int load_key(struct node_entry *e, const struct conf *c, struct err *err)
{
	const char *text = conf_get(c, "node", e->name, "key");
	int ret;

	if (text) {
		ret = tls_key_check_fingerprint(&e->pin, text, err);
		if (ret)
			wrap_config_location(err, c, e->name, "key");
		return ret;
	}
	if (e->address.kind != NODE_ADDRESS_TLS)
		return 0;
	err_set(err, EINVAL,
		"%s: missing key; set `key = SHA256:...` as printed by "
		"`kfarmd --init` on the node",
		e->address_text);
	wrap_config_location(err, c, e->name, "address");
	return -EINVAL;
}

static int load_entry(struct node_entry *e, const struct conf *c,
		      const char *name, struct err *err)
{
	const char *codec = conf_get(c, "node", name, "codec");
	const char *site = conf_get(c, "node", name, "site");
	int ret;

	*e = (struct node_entry){ .name = xstrdup(name), .codec = WIRE_LZO };
	ret = node_entry_check_name(name, err);
	if (ret) {
		wrap_section_location(err, c, "node", name);
		return ret;
	}
	ret = load_address(e, c, err);
	if (!ret)
		ret = load_ssh(e, c, err);
	if (ret)
		return ret;
	ret = load_key(e, c, err);
	if (ret)
		return ret;
	e->drained = str_equal(conf_get(c, "node", name, "drain"), "true");
	e->slots = (unsigned)conf_get_number(c, "node", name, "slots", 0);
	ret = codec ? wire_codec_parse(codec, &e->codec) : 0;
	if (ret) {
		err_set(err, -ret,
			"unknown codec \"%s\": expected none, lzo or zstd",
			codec);
		wrap_config_location(err, c, name, "codec");
	}
	if (ret || !site)
		return ret;
	ret = node_entry_check_site(site, err);
	if (ret)
		wrap_config_location(err, c, name, "site");
	else
		e->site = xstrdup(site);
	return ret;
}

static int load_pools(struct node_roster *r, const struct conf *c,
		      struct err *err)
{
	struct strv names = { 0 };
	int ret = 0;

	conf_list_subsections(c, "pool", &names);
	r->pools = xcalloc(names.n, sizeof(*r->pools));
	while (!ret && r->n_pools < names.n) {
		const char *name = names.v[r->n_pools];

		ret = node_pool_load(&r->pools[r->n_pools++], c, name, err);
		if (!ret && node_roster_get(r, name)) {
			ret = err_set(err, EINVAL,
				      "pool.%s: a node has this name; choose "
				      "another name for the pool",
				      name);
			wrap_section_location(err, c, "pool", name);
		}
	}
	strv_release(&names);
	if (!ret)
		node_pool_read_learned(r->pools, r->n_pools);
	return ret;
}

int node_roster_load(struct node_roster *r, const struct conf *c,
		     struct err *err)
{
	struct strv names = { 0 };
	int ret = 0;

	*r = (struct node_roster){ .stamp = *conf_digest(c) };
	r->sync_toolchains = str_equal(conf_get(c, "toolchain", NULL, "sync"),
				       "true");
	r->steps_disabled = str_equal(conf_get(c, "farm", NULL, "steps"), "no");
	r->local_when_busy = !str_equal(
		conf_get(c, "farm", NULL, "compile-locally"), "when-necessary");
	r->weight_percent = (unsigned)conf_get_number(c, "farm", NULL, "weight",
						      0);
	conf_list_subsections(c, "node", &names);
	r->v = xcalloc(names.n, sizeof(*r->v));
	while (!ret && r->n < names.n) {
		ret = load_entry(&r->v[r->n], c, names.v[r->n], err);
		r->n++;
	}
	if (!ret)
		ret = load_pools(r, c, err);
	if (ret)
		node_roster_release(r);
	else
		node_import_add_all(r, c, time(NULL));
	strv_release(&names);
	return ret;
}

void node_roster_release(struct node_roster *r)
{
	for (size_t i = 0; i < r->n; i++)
		node_entry_release(&r->v[i]);
	for (size_t i = 0; i < r->n_pools; i++)
		node_pool_release(&r->pools[i]);
	strv_release(&r->warnings);
	free(r->v);
	free(r->pools);
	*r = (struct node_roster){ 0 };
}

const struct node_entry *node_roster_get(const struct node_roster *r,
					 const char *name)
{
	for (size_t i = 0; i < r->n; i++) {
		if (!strcmp(r->v[i].name, name))
			return &r->v[i];
	}
	return NULL;
}

const struct node_entry *node_roster_find(const struct node_roster *r,
					  const char *name)
{
	for (size_t i = 0; i < r->n_pools; i++) {
		const struct node_pool *p = &r->pools[i];

		for (unsigned k = 0; k < p->max; k++) {
			if (!strcmp(p->members[k].name, name))
				return &p->members[k];
		}
	}
	return node_roster_get(r, name);
}

size_t node_roster_count_files(const struct node_roster *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += node_address_count_files(&r->v[i].address);
	for (size_t i = 0; i < r->n_pools; i++) {
		const struct node_pool *p = &r->pools[i];

		for (unsigned k = 0; k < p->max; k++)
			n += node_address_count_files(&p->members[k].address);
	}
	return n;
}

size_t node_roster_limit_files(struct node_roster *r, size_t max)
{
	size_t n_files = node_roster_count_files(r), n_removed = 0;

	while (r->n_pools && n_files > max) {
		struct node_pool *p = &r->pools[r->n_pools - 1];
		struct node_entry *last = &p->members[p->max - 1];

		if (r->n_pools == 1 && p->max == 1 && !r->n)
			break;
		n_files -= node_address_count_files(&last->address);
		n_removed++;
		if (p->max == 1) {
			node_pool_release(p);
			r->n_pools--;
			continue;
		}
		node_entry_release(last);
		p->max--;
		if (p->min > p->max)
			p->min = p->max;
	}
	while (r->n > 1 && n_files > max) {
		struct node_entry *last = &r->v[--r->n];

		n_files -= node_address_count_files(&last->address);
		node_entry_release(last);
		n_removed++;
	}
	return n_removed;
}

bool node_roster_has_nodes(const struct node_roster *r)
{
	return r->n || r->n_pools;
}

struct node_pool *node_roster_get_pool(const struct node_roster *r,
				       const char *name)
{
	for (size_t i = 0; i < r->n_pools; i++) {
		if (!strcmp(r->pools[i].name, name))
			return &r->pools[i];
	}
	return NULL;
}

int node_roster_set_unknown(const struct node_roster *r, const char *name,
			    struct err *err)
{
	struct spellcheck names;
	char *suggestion;

	spellcheck_init(&names, name);
	for (size_t i = 0; i < r->n; i++)
		spellcheck_add(&names, r->v[i].name);
	suggestion = spellcheck_suggestion(&names, "",
					   "; see `kfarm nodes list`");
	err_set(err, ENOENT, "no such node \"%s\"%s", name, suggestion);
	free(suggestion);
	return -ENOENT;
}
