/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/scan.h"

#include "base/list.h"
#include "base/which.h"
#include "compiler/manifest.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One word that a compile line begins with, as seen from one directory. */
struct entry {
	TAILQ_ENTRY(entry) next;
	char *cwd, *name;
	struct cli_scan_tool tool;
};

struct cli_scan_tools {
	pthread_mutex_t lock;
	TAILQ_HEAD(, entry) entries;
};

struct cli_scan_tools *cli_scan_tools_new(void)
{
	struct cli_scan_tools *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	TAILQ_INIT(&t->entries);
	return t;
}

void cli_scan_tools_free(struct cli_scan_tools *t)
{
	struct entry *e;

	if (!t)
		return;
	while ((e = TAILQ_FIRST(&t->entries))) {
		TAILQ_REMOVE(&t->entries, e, next);
		free(e->cwd);
		free(e->name);
		free(e->tool.path);
		free(e->tool.why);
		free(e);
	}
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static void identify_tool(struct cli_scan_tool *tool, const char *cwd,
			  const char *name)
{
	struct compiler_manifest manifest = { 0 };
	struct err err = { 0 };
	char *path = strchr(name, '/') && name[0] != '/' ?
			     xasprintf("%s/%s", cwd, name) :
			     which_compiler(name, getenv("PATH"), NULL);

	if (!path) {
		tool->why = xasprintf("%s: not found in PATH", name);
	} else if (compiler_manifest_make(&manifest, path, environ, &err)) {
		tool->why = xstrdup(err.text);
	} else {
		tool->id = manifest.id;
		tool->path = path;
		path = NULL;
	}
	compiler_manifest_release(&manifest);
	free(path);
}

const struct cli_scan_tool *cli_scan_tools_get(struct cli_scan_tools *t,
					       const char *cwd,
					       const char *name)
{
	struct entry *e;

	pthread_mutex_lock(&t->lock);
	list_for_each(e, &t->entries, next) {
		if (!strcmp(e->name, name) && !strcmp(e->cwd, cwd))
			break;
	}
	if (!e) {
		e = xcalloc(1, sizeof(*e));
		e->cwd = xstrdup(cwd);
		e->name = xstrdup(name);
		identify_tool(&e->tool, cwd, name);
		TAILQ_INSERT_HEAD(&t->entries, e, next);
	}
	pthread_mutex_unlock(&t->lock);
	return &e->tool;
}
