/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/seen.h"

#include "base/str.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct one {
	const char *name;
	struct stamp stamp;
};

struct inputs_seen {
	char *cwd, *depfile;
	uint64_t at_us;
	char *names; /* all, one behind the other */
	size_t n, next; /* behind the one that was found last */
	struct one v[];
};

struct inputs_seen_list {
	pthread_mutex_t lock; /* of all of it */
	bool wanted;
	size_t n;
	struct inputs_seen *v[INPUTS_SEEN_MAX]; /* the oldest first */
};

static const char *without_dots(const char *path)
{
	while (path[0] == '.' && path[1] == '/')
		path += 2;
	return path;
}

struct inputs_seen *inputs_seen_new(const struct inputs_manifest *m,
				    const char *cwd, const char *depfile,
				    uint64_t now_us)
{
	const struct scan_file *file = m->closure.files;
	size_t n = m->closure.n_files, room = 0;
	struct inputs_seen *s = xcalloc(1, sizeof(*s) + n * sizeof(s->v[0]));
	char *name;

	for (size_t i = 0; i < n; i++)
		room += strlen(file[i].path) + 1;
	s->names = name = xmalloc(room + 1);
	for (size_t i = 0; i < n; i++) {
		s->v[i] = (struct one){ name, file[i].stamp };
		name = stpcpy(name, without_dots(file[i].path)) + 1;
	}
	s->cwd = xstrdup(cwd);
	s->depfile = xstrdup(depfile);
	s->at_us = now_us;
	s->n = n;
	return s;
}

void inputs_seen_free(struct inputs_seen *s)
{
	if (!s)
		return;
	free(s->cwd);
	free(s->depfile);
	free(s->names);
	free(s);
}

const struct stamp *inputs_seen_find(struct inputs_seen *s, const char *name)
{
	name = without_dots(name);
	/* A compiler lists them in the order in which it opened them. */
	for (size_t i = 0; i < s->n; i++) {
		size_t at = (s->next + i) % s->n;

		if (strcmp(s->v[at].name, name))
			continue;
		s->next = at + 1;
		return &s->v[at].stamp;
	}
	return NULL;
}

struct inputs_seen_list *inputs_seen_list_new(void)
{
	struct inputs_seen_list *l = xcalloc(1, sizeof(*l));

	pthread_mutex_init(&l->lock, NULL);
	return l;
}

void inputs_seen_list_free(struct inputs_seen_list *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		inputs_seen_free(l->v[i]);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

bool inputs_seen_wanted(struct inputs_seen_list *l)
{
	bool wanted;

	pthread_mutex_lock(&l->lock);
	wanted = l->wanted;
	pthread_mutex_unlock(&l->lock);
	return wanted;
}

/* Under the lock. */
static struct inputs_seen *take_out(struct inputs_seen_list *l, size_t i)
{
	struct inputs_seen *s = l->v[i];

	l->n--;
	memmove(&l->v[i], &l->v[i + 1],
		(l->n - i) * sizeof(struct inputs_seen *));
	return s;
}

void inputs_seen_keep(struct inputs_seen_list *l, struct inputs_seen *s)
{
	pthread_mutex_lock(&l->lock);
	while (l->n && (l->n == INPUTS_SEEN_MAX ||
			l->v[0]->at_us + INPUTS_SEEN_US <= s->at_us))
		inputs_seen_free(take_out(l, 0));
	l->v[l->n++] = s;
	pthread_mutex_unlock(&l->lock);
}

struct inputs_seen *inputs_seen_take(struct inputs_seen_list *l,
				     const char *cwd, const char *depfile,
				     uint64_t now_us)
{
	struct inputs_seen *s = NULL;

	pthread_mutex_lock(&l->lock);
	l->wanted = true;
	for (size_t i = l->n; i > 0 && !s; i--) {
		if (!strcmp(l->v[i - 1]->depfile, depfile) &&
		    !strcmp(l->v[i - 1]->cwd, cwd))
			s = take_out(l, i - 1);
	}
	pthread_mutex_unlock(&l->lock);
	if (s && s->at_us + INPUTS_SEEN_US > now_us)
		return s;
	inputs_seen_free(s);
	return NULL;
}
