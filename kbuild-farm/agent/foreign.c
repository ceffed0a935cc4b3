/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/foreign.h"

#include "agent/agent.h"
#include "agent/ask.h"
#include "agent/inode.h"
#include "agent/view.h"
#include "base/list.h"
#include "base/str.h"
#include "compiler/gather.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTS_MOST 16

/* One list; several may use it at once. */
struct list {
	TAILQ_ENTRY(list) link;
	char *key;
	struct compiler_manifest m;
	unsigned users;
	bool stale; /* to go with its last user */
};

struct agent_foreign {
	pthread_mutex_t lock; /* of all but the manifests */
	TAILQ_HEAD(, list) all; /* newest first */
	unsigned n;
};

/* ------------------------------------------------------------ the lists */

struct agent_foreign *agent_foreign_new(void)
{
	struct agent_foreign *o = xcalloc(1, sizeof(*o));

	pthread_mutex_init(&o->lock, NULL);
	TAILQ_INIT(&o->all);
	return o;
}

static void free_list(struct list *l)
{
	compiler_manifest_release(&l->m);
	free(l->key);
	free(l);
}

static void forget_list(struct agent_foreign *o, struct list *l)
{
	TAILQ_REMOVE(&o->all, l, link);
	o->n--;
	free_list(l);
}

void agent_foreign_free(struct agent_foreign *o)
{
	if (!o)
		return;
	while (!TAILQ_EMPTY(&o->all))
		forget_list(o, TAILQ_FIRST(&o->all));
	pthread_mutex_destroy(&o->lock);
	free(o);
}

/* The list of this key, if there is one; the caller becomes a user of it. */
static struct list *find_list(struct agent_foreign *o, const char *key)
{
	struct list *l, *found = NULL;

	pthread_mutex_lock(&o->lock);
	list_for_each(l, &o->all, link) {
		if (!l->stale && !strcmp(l->key, key)) {
			found = l;
			l->users++;
			break;
		}
	}
	pthread_mutex_unlock(&o->lock);
	return found;
}

static void leave_list(struct agent_foreign *o, struct list *l, bool stale)
{
	pthread_mutex_lock(&o->lock);
	l->stale |= stale;
	if (!--l->users && l->stale)
		forget_list(o, l);
	pthread_mutex_unlock(&o->lock);
}

static void cache_list(struct agent_foreign *o, struct list *l)
{
	struct list *old, *next;

	pthread_mutex_lock(&o->lock);
	l->users = 1;
	TAILQ_INSERT_HEAD(&o->all, l, link);
	o->n++;
	list_for_each_safe(old, &o->all, link, next) {
		if (old != l && !old->users && o->n > LISTS_MOST)
			forget_list(o, old);
	}
	pthread_mutex_unlock(&o->lock);
}

/* ------------------------------------------------------------ made anew */

/*
 * Of the files outside the toolchain only libraries, loaders and an assembler
 * may be listed: a program chooses them by what it says of itself, and whatever
 * is listed gets into a client's cell.
 */
static int check_system(const struct compiler_entry *e,
			const struct agent_lease *l, struct err *err)
{
	int fd = open(e->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	uint8_t head[EI_NIDENT + 2] = { 0 };
	bool is = fd >= 0 && read(fd, head, sizeof(head)) == sizeof(head) &&
		  !memcmp(head, ELFMAG, SELFMAG);
	int type = head[EI_NIDENT + (head[EI_DATA] == ELFDATA2MSB)];

	if (fd >= 0)
		close(fd);
	if (is && (type == ET_DYN || type == ET_EXEC))
		return 0;
	return err_set(err, EPERM, "%s wants %s, which is no program's",
		       l->record.id, e->path);
}

/*
 * Are the toolchain's files among these those that came?  A directory that is
 * empty for the compiler need not be one in the record.
 */
static int check_entries(const struct compiler_entries *list,
			 const struct agent_lease *l, struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct compiler_entry *e = &list->v[i], *was;
		const char *path = str_below(e->path, l->dir);
		int ret = 0;

		if (!path && e->kind == COMPILER_FILE)
			ret = check_system(e, l, err);
		if (ret)
			return ret;
		if (!path || e->kind == COMPILER_DIR)
			continue;
		was = compiler_entries_find(&l->record.entries, path);
		if (was && compiler_entry_same(e, was))
			continue;
		err_set(err, EBADMSG, "%s of %s %s", path, l->record.id,
			was ? "has changed" : "is no part of it");
		agent_lease_spoil(l, err->text);
		return -EBADMSG;
	}
	return 0;
}

static int make_list(const struct agent *a, const struct agent_lease *l,
		     const char *driver, struct compiler_manifest *out,
		     struct err *err)
{
	static char *const env[] = { (char *)"PATH=" TOOLCHAIN_PATH, NULL };
	struct compiler_entries program;
	struct compiler_runner runner;
	struct agent_ask *ask = NULL;
	int ret = compiler_manifest_program(&program, driver, env, err);

	/* Nothing that changed on the disk is run, not even to be asked. */
	if (!ret)
		ret = check_entries(&program, l, err);
	if (!ret)
		ret = agent_ask_new(&ask, l, &program, driver, &a->limits, err);
	if (!ret) {
		runner = agent_ask_runner(ask);
		ret = compiler_manifest_make_by(out, driver, env, &runner, err);
	}
	if (!ret) {
		ret = check_entries(&out->entries, l, err);
		if (ret)
			compiler_manifest_release(out);
	}
	agent_ask_free(ask);
	compiler_entries_release(&program);
	return ret;
}

/* The list of a driver of the toolchain; the caller becomes a user of it. */
static int get_list(const struct agent *a, const struct agent_lease *l,
		    const char *driver, struct list **out, struct err *err)
{
	char hex[DIGEST_HEX], *key;
	struct err ignored;
	int ret;

	digest_hex(&l->record.tree, hex);
	key = xasprintf("%s %s", hex, driver);
	*out = find_list(a->foreign, key);
	if (*out && compiler_manifest_stamp(&(*out)->m, &ignored)) {
		leave_list(a->foreign, *out, true);
		*out = NULL;
	}
	if (*out) {
		free(key);
		return 0;
	}
	*out = xcalloc(1, sizeof(**out));
	(*out)->key = key;
	ret = make_list(a, l, driver, &(*out)->m, err);
	if (ret)
		free_list(*out);
	else
		cache_list(a->foreign, *out);
	return ret;
}

/* --------------------------------------------------- where things come */

char *agent_foreign_map(const char *path, const char *here, const char *there)
{
	const char *rest = str_below(path, here);

	if (rest)
		return xasprintf("%s/%s", there, rest);
	return xstrdup(strcmp(path, here) || !*there ? path : there);
}

/* Cut the last component off; false: there is none. */
static bool cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

bool agent_foreign_prefixes(const char *dir, const char *within,
			    const char *driver, char **here, char **there)
{
	char *a = xasprintf("/%s", within), *b = xstrdup(driver);
	bool is = cut_last(a) && cut_last(b) && str_ends(a, "/bin") &&
		  str_ends(b, "/bin");

	/* The directories above "bin", and further up while both agree. */
	for (bool more = is; more;) {
		cut_last(a);
		cut_last(b);
		more = *a && *b && !strcmp(str_base(a), str_base(b));
	}
	*here = is ? xasprintf("%s%s", dir, a) : NULL;
	*there = is ? xstrdup(b) : NULL;
	free(a);
	free(b);
	return is;
}

/* What a link at `path` with a relative target leads to, by its words. */
static char *lead(const char *path, const char *target)
{
	char *at = str_dir(path), *next;

	while (*target) {
		size_t n = strcspn(target, "/");

		if (n == 2 && !strncmp(target, "..", 2)) {
			cut_last(at);
		} else if (n && !(n == 1 && *target == '.')) {
			next = xasprintf("%s/%.*s", strcmp(at, "/") ? at : "",
					 (int)n, target);
			free(at);
			at = next;
		}
		target += n;
		target += *target == '/';
	}
	return at;
}

/* A link's target for the client; the caller frees it. */
static char *map_target(const struct compiler_entry *e, const char *here,
			const char *there)
{
	char *to, *out;

	if (e->target[0] == '/')
		return agent_foreign_map(e->target, here, there);
	to = lead(e->path, e->target);
	/* Both move or neither does, so it still leads there. */
	if (!str_below(e->path, here) == !str_below(to, here))
		out = xstrdup(e->target);
	else
		out = agent_foreign_map(to, here, there);
	free(to);
	return out;
}

/* The client's path may be that of one of the node's libraries. */
static int check_places(const struct strv *places, struct err *err)
{
	struct strv all = { 0 };
	int ret = 0;

	strv_add_all(&all, places->v);
	strv_sort(&all);
	for (size_t i = 1; i < all.n && !ret; i++) {
		if (!strcmp(all.v[i - 1], all.v[i]))
			ret = err_set(err, EEXIST,
				      "%s is a file of the compiler and of"
				      " this node",
				      all.v[i]);
	}
	strv_release(&all);
	return ret;
}

static int check_memory(const struct compiler_manifest *m, struct err *err)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < m->entries.n; i++)
		bytes += m->entries.v[i].size;
	return agent_view_room(bytes, err);
}

static int put_all(const struct compiler_manifest *m, const char *here,
		   const char *there, struct cell *cell, struct err *err)
{
	struct strv places = { 0 };
	int ret;

	for (size_t i = 0; i < m->entries.n; i++)
		strv_own(&places,
			 agent_foreign_map(m->entries.v[i].path, here, there));
	ret = check_places(&places, err);
	if (!ret)
		ret = check_memory(m, err);
	for (size_t i = 0; i < m->entries.n && !ret; i++) {
		const struct compiler_entry *e = &m->entries.v[i];
		struct wire_inode inode = agent_inode_of(e);

		if (e->kind == COMPILER_LINK)
			inode.target = map_target(e, here, there);
		ret = agent_inode_put_from(cell, places.v[i], &inode, e->path,
					   err);
		if (e->kind == COMPILER_LINK)
			free(inode.target);
	}
	strv_release(&places);
	return ret;
}

/* ---------------------------------------------------------------- whole */

static int put_compiler(const struct agent *a, const struct wire_cell *m,
			const struct agent_lease *l, const char *within,
			const char *driver, struct cell *cell,
			struct digest *id, struct err *err)
{
	char *path = xasprintf("%s/%s", l->dir, within), *here, *there;
	struct list *list = NULL;
	int ret;

	if (!agent_foreign_prefixes(l->dir, within, driver, &here, &there)) {
		ret = err_set(err, EINVAL, "%s: not in a directory \"bin\"",
			      driver);
		goto out;
	}
	ret = get_list(a, l, path, &list, err);
	if (ret)
		goto out;
	*id = list->m.id;
	if (list->m.is_clang != m->is_clang)
		ret = err_set(err, EINVAL, "%s is %s compiler", m->kept,
			      m->is_clang ? "no clang, but another" :
					    "a clang, and no other");
	if (!ret)
		ret = put_all(&list->m, here, there, cell, err);
	if (!ret)
		ret = compiler_manifest_stamp(&list->m, err);
	leave_list(a->foreign, list, ret == -ESTALE);
out:
	free(path);
	free(here);
	free(there);
	return ret;
}

int agent_foreign_put(const struct agent *a, const struct wire_cell *m,
		      const char *driver, struct cell *cell,
		      struct agent_lease *lease, struct digest *id,
		      struct err *err)
{
	const struct compiler_entry *e;
	struct agent_record *r;
	int ret = agent_kept_lease(a->kept, m->kept, lease, err);

	if (ret)
		return ret;
	r = &lease->record;
	e = agent_record_driver(r, str_base(driver));
	if (!*driver)
		ret = err_set(err, ENOENT, "%s: leads nowhere", m->driver);
	else if (!strv_has(&a->hosts, r->host))
		ret = err_set(err, ENOEXEC,
			      "%s is for %s, which this node does not run",
			      r->id, r->host);
	else if (!e)
		ret = err_set(err, ENOENT, "%s has no compiler %s", r->id,
			      str_base(driver));
	else
		ret = put_compiler(a, m, lease, e->path, driver, cell, id, err);
	if (ret)
		agent_lease_release(lease);
	return ret;
}
