/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes.h"

#include "node/inventory.h"
#include "toolchain/find.h"
#include "toolchain/ident.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One program under all its names is identified once. */
struct known {
	char *real;
	bool good;
	struct digest id;
};

struct identities {
	struct toolchain_list found;
	struct known *v;
	size_t n;
};

static const struct known *lookup(struct identities *all, const char *path)
{
	char *real = realpath(path, NULL);
	struct toolchain_ident ident;
	struct err ignored;
	struct known *k;

	if (!real)
		real = xstrdup(path);
	for (size_t i = 0; i < all->n; i++) {
		if (!strcmp(all->v[i].real, real)) {
			free(real);
			return &all->v[i];
		}
	}
	all->v = xrealloc(all->v, (all->n + 1) * sizeof(*all->v));
	k = &all->v[all->n++];
	*k = (struct known){ .real = real };
	k->good = !toolchain_identify(&ident, path, &ignored);
	if (k->good) {
		k->id = ident.id;
		toolchain_ident_release(&ident);
	}
	return k;
}

static int identify(void *ctx, const char *name, struct digest *id)
{
	struct identities *all = ctx;
	const struct toolchain_found *f = toolchain_list_get(&all->found, name);
	const struct known *k = f ? lookup(all, f->path) : NULL;

	if (!k || !k->good)
		return -ENOENT;
	*id = k->id;
	return 0;
}

static void release_identities(struct identities *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->v[i].real);
	free(all->v);
	toolchain_list_release(&all->found);
}

/* Nodes get jobs of ELF compilers for C only. */
static bool is_ours(const struct toolchain_found *f)
{
	return f->is_elf && !strstr(f->name, "++");
}

/*
 * Which of two names tells more: the file's own with a version, as in
 * "x86_64-linux-gnu-gcc-12", else the longer one.
 */
static bool tells_more(const char *name, const char *than, const char *real)
{
	const char *own = str_base(real);
	bool versioned = strpbrk(own, "0123456789") != NULL;

	if (versioned && (!strcmp(name, own) || !strcmp(than, own)))
		return !strcmp(name, own);
	return strlen(name) > strlen(than);
}

/* `reals`: the files of s->compilers. */
static void add_to_group(struct nodes_survey *s, const char *name,
			 const char *path, struct strv *reals)
{
	char *found = realpath(path, NULL);
	const char *real = found ? found : path;
	struct nodes_compiler *c;
	size_t i = 0;

	while (i < reals->n && strcmp(reals->v[i], real))
		i++;
	if (i == reals->n) {
		strv_add(reals, real);
		s->compilers = xrealloc(s->compilers, (i + 1) * sizeof(*c));
		s->compilers[s->n_compilers++] = (struct nodes_compiler){
			.name = xstrdup(name)
		};
	}
	c = &s->compilers[i];
	strv_add(&c->names, name);
	if (tells_more(name, c->name, real)) {
		free(c->name);
		c->name = xstrdup(name);
	}
	free(found);
}

static void group_compilers(struct nodes_survey *s,
			    const struct toolchain_list *found)
{
	struct strv reals = { 0 };

	for (size_t i = 0; i < found->n; i++) {
		if (!is_ours(&found->v[i]))
			continue;
		strv_add(&s->names, found->v[i].name);
		add_to_group(s, found->v[i].name, found->v[i].path, &reals);
	}
	strv_release(&reals);
}

int nodes_survey(struct nodes_survey *s, const struct node_entry *const *nodes,
		 size_t n, struct err *err)
{
	static char *const none[] = { NULL };
	struct identities all = { 0 };
	struct node_probe_setup setup = {
		.nodes = nodes, .n = n, .identify = identify, .ctx = &all
	};
	int ret;

	*s = (struct nodes_survey){ .n = n };
	s->probes = xcalloc(n, sizeof(*s->probes));
	s->limits = xcalloc(n, sizeof(*s->limits));
	node_inventory_collect(&s->local);
	node_limit_local(&s->local_limit, &s->local);
	toolchain_find(&all.found, getenv("PATH"));
	group_compilers(s, &all.found);
	setup.compilers = s->names.n ? s->names.v : none;
	ret = node_probe(s->probes, &setup, err);
	for (size_t i = 0; !ret && i < n; i++) {
		if (s->probes[i].up)
			node_limit(&s->limits[i], &s->probes[i].inventory,
				   nodes[i]->slots);
	}
	release_identities(&all);
	if (ret)
		nodes_survey_release(s);
	return ret;
}

void nodes_survey_release(struct nodes_survey *s)
{
	for (size_t i = 0; i < s->n; i++) {
		node_probe_release(&s->probes[i]);
		free(s->limits[i].why);
	}
	for (size_t i = 0; i < s->n_compilers; i++) {
		free(s->compilers[i].name);
		strv_release(&s->compilers[i].names);
	}
	free(s->probes);
	free(s->limits);
	free(s->compilers);
	strv_release(&s->names);
	wire_inventory_release(&s->local);
	free(s->local_limit.why);
	*s = (struct nodes_survey){ 0 };
}

const char *nodes_state(const struct node_probe *p)
{
	if (!p->up)
		return "down";
	return node_probe_has_ours(p) ? "up" : "no toolchain";
}

char *nodes_reason(const struct node_probe *p)
{
	struct strv other = { 0 };
	char *names, *out;

	if (!p->up)
		return xstrdup(p->why);
	if (node_probe_has_ours(p))
		return NULL;
	for (size_t i = 0; i < p->n_compilers; i++) {
		if (p->compilers[i].state == WIRE_HAVE_OTHER)
			strv_add(&other, p->compilers[i].name);
	}
	names = strv_join(&other, ", ");
	if (other.n)
		out = xasprintf("none of this machine's compilers: its %s "
				"%s another",
				names, other.n == 1 ? "is" : "are each");
	else
		out = xstrdup("none of this machine's compilers");
	free(names);
	strv_release(&other);
	return out;
}

unsigned nodes_jobs(const struct nodes_survey *s)
{
	unsigned sum = s->local_limit.slots;

	for (size_t i = 0; i < s->n; i++) {
		if (node_probe_has_ours(&s->probes[i]))
			sum += s->limits[i].slots;
	}
	return sum;
}

const struct node_probe_compiler *nodes_answer(const struct node_probe *p,
					       const char *name)
{
	for (size_t i = 0; i < p->n_compilers; i++) {
		if (!strcmp(p->compilers[i].name, name))
			return &p->compilers[i];
	}
	return NULL;
}
