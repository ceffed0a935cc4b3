/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "audit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FREE UINT32_MAX

struct audit_paths {
	pthread_mutex_t lock;
	struct strv names; /* indexed by path number */
	/* hash table with open addressing; the size is a power of two */
	uint32_t *slots;
	size_t n_slots;
};

static void resize(struct audit_paths *p, size_t n_slots);

struct audit_paths *audit_paths_new(void)
{
	struct audit_paths *p = xcalloc(1, sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	resize(p, 1024);
	return p;
}

void audit_paths_free(struct audit_paths *p)
{
	if (!p)
		return;
	strv_release(&p->names);
	free(p->slots);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* FNV-1a. */
static size_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return (size_t)(h ^ h >> 32);
}

static uint32_t *slot(const struct audit_paths *p, const char *name)
{
	size_t i = hash(name) & (p->n_slots - 1);

	while (p->slots[i] != FREE && strcmp(p->names.v[p->slots[i]], name))
		i = (i + 1) & (p->n_slots - 1);
	return &p->slots[i];
}

static void resize(struct audit_paths *p, size_t n_slots)
{
	free(p->slots);
	p->slots = xmalloc(n_slots * sizeof(*p->slots));
	p->n_slots = n_slots;
	for (size_t i = 0; i < n_slots; i++)
		p->slots[i] = FREE;
	for (size_t i = 0; i < p->names.n; i++)
		*slot(p, p->names.v[i]) = (uint32_t)i;
}

static uint32_t add(struct audit_paths *p, const char *name)
{
	uint32_t *at = slot(p, name);

	if (*at == FREE) {
		*at = (uint32_t)p->names.n;
		strv_add(&p->names, name);
		if (p->names.n * 2 > p->n_slots)
			resize(p, p->n_slots * 2);
		return (uint32_t)p->names.n - 1;
	}
	return *at;
}

void audit_paths_add(struct audit_paths *p, char *const *names, size_t n,
		     uint32_t *ids)
{
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < n; i++)
		ids[i] = add(p, names[i]);
	pthread_mutex_unlock(&p->lock);
}

const char *audit_paths_get(struct audit_paths *p, uint32_t id)
{
	const char *name;

	pthread_mutex_lock(&p->lock);
	name = p->names.v[id];
	pthread_mutex_unlock(&p->lock);
	return name;
}
