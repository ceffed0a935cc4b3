/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/find.h"

#include "base/elf.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/which.h"

#include <stdlib.h>
#include <string.h>

bool compiler_find_is_driver_name(const char *name)
{
	static const char *const ends[] = { "gcc", "g++", "clang", "clang++" };
	size_t len = compiler_find_stem_len(name);

	if (!strcmp(name, "cc") || !strcmp(name, "c++"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		size_t n = strlen(ends[i]);

		if (len >= n && !memcmp(name + len - n, ends[i], n))
			return true;
	}
	return false;
}

/* A version is a digit followed by digits and dots. */
size_t compiler_find_stem_len(const char *name)
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

static int by_program_name(const void *a, const void *b)
{
	const struct compiler_program *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void compiler_find_all(struct compiler_list *out, const char *path)
{
	*out = (struct compiler_list){ 0 };
	for (;;) {
		size_t len = strcspn(path, ":");
		char *dir = len ? xstrndup(path, len) : xstrdup(".");
		struct strv names = { 0 };

		fs_list(dir, &names);
		for (size_t i = 0; i < names.n; i++) {
			char *program = xasprintf("%s/%s", dir, names.v[i]);

			if (!compiler_find_is_driver_name(names.v[i]) ||
			    has_name(out, names.v[i]) ||
			    !which_is_executable(program) ||
			    which_is_wrapper(program)) {
				free(program);
				continue;
			}
			*VEC_ADD(out->v, out->n) = (struct compiler_program){
				.name = xstrdup(names.v[i]),
				.path = program,
				.is_elf = elf_has_magic(program),
			};
		}
		strv_release(&names);
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
