/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/find.h"

#include "base/elf.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/which.h"

#include <stdlib.h>
#include <string.h>

bool compiler_find_is_name(const char *name)
{
	static const char *const ends[] = { "gcc", "g++", "clang", "clang++" };
	size_t len = compiler_find_stem(name);

	if (!strcmp(name, "cc") || !strcmp(name, "c++"))
		return true;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		size_t n = strlen(ends[i]);

		if (len >= n && !memcmp(name + len - n, ends[i], n))
			return true;
	}
	return false;
}

/* A version is a digit and more of "0-9.". */
size_t compiler_find_stem(const char *name)
{
	const char *dash = strrchr(name, '-');

	if (!dash || dash[1] < '0' || dash[1] > '9')
		return strlen(name);
	if (dash[1 + strspn(dash + 1, "0123456789.")])
		return strlen(name);
	return (size_t)(dash - name);
}

static bool has_name(const struct compiler_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!strcmp(l->v[i].name, name))
			return true;
	}
	return false;
}

static void add_found(struct compiler_list *l, const char *dir,
		      const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);

	if (has_name(l, name) || !which_is_program(path) ||
	    which_is_wrapper(path)) {
		free(path);
		return;
	}
	*VEC_ADD(l->v, l->n) = (struct compiler_found){
		.name = xstrdup(name),
		.path = path,
		.is_elf = elf_is(path),
	};
}

static void add_programs(struct compiler_list *l, const char *dir)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (compiler_find_is_name(names.v[i]))
			add_found(l, dir, names.v[i]);
	}
	strv_release(&names);
}

static int by_program_name(const void *a, const void *b)
{
	const struct compiler_found *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void compiler_find(struct compiler_list *out, const char *path)
{
	*out = (struct compiler_list){ 0 };
	for (;;) {
		size_t len = strcspn(path, ":");
		char *dir = len ? xstrndup(path, len) : xstrdup(".");

		add_programs(out, dir);
		free(dir);
		if (!path[len])
			break;
		path += len + 1;
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_program_name);
}

void compiler_list_release(struct compiler_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].path);
	}
	free(l->v);
	*l = (struct compiler_list){ 0 };
}
