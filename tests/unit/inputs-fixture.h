/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs-fixture.h - Directories and helpers shared by the tests of inputs/
 * that use paths.
 */
#ifndef TESTS_INPUTS_PLAY_H
#define TESTS_INPUTS_PLAY_H

#include "../lib/test.h"
#include "inputs/path.h"

static char *top; /* without symbolic links */
static struct inputs_paths *paths;
static uint32_t unit;

static char *at(const char *name)
{
	return xasprintf("%s/%s", top, name);
}

static void make_dir(const char *name)
{
	char *path = at(name);
	struct err err;

	must(fs_mkdirs(path, 0755, &err));
	free(path);
}

static void make_link(const char *target, const char *name)
{
	char *path = at(name);

	unlink(path);
	ck_assert_int_eq(symlink(target, path), 0);
	free(path);
}

static void set_up_dirs(void)
{
	char dir[] = "/tmp/kfarm-check-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(dir));
	top = realpath(dir, NULL);
	paths = inputs_paths_new();
	make_dir("a/b/c");
	make_dir("x/y");
}

static void tear_down_dirs(void)
{
	struct err err;

	inputs_paths_free(paths);
	fs_remove(top, &err);
	free(top);
}

#endif
