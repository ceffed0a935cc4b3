/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs-builddir.h - A build directory with a host program, for the tests of
 * inputs/ that build the program again.
 */
#ifndef TESTS_INPUTS_BUILDDIR_H
#define TESTS_INPUTS_BUILDDIR_H

#include "../lib/test.h"
#include "base/spawn.h"

static char *dir; /* without symbolic links */
static char *program;
static struct err err;

/* Write the file `name` of the build directory. */
static void put(const char *name, const char *text, mode_t mode)
{
	char *path = xasprintf("%s/%s", dir, name), *parent = str_dir(path);

	unlink(path);
	must(fs_mkdirs(parent, 0700, &err));
	must(fs_write(path, bytes_str(text), mode, &err));
	free(parent);
	free(path);
}

/* Run a command in the build directory. */
static __attribute__((unused)) void run(const char *command)
{
	char *argv[] = { (char *)"sh", (char *)"-ec", (char *)command, NULL };
	struct buf out = { 0 }, messages = { 0 };
	int ret = capture_run(NULL, dir, argv, NULL, &out, &messages, &err);

	ck_assert_msg(!ret, "%s: %s", command, buf_str(&messages));
	buf_release(&out);
	buf_release(&messages);
}

/* Create the build directory of the program `name`, which does not exist. */
static void builddir_set_up(const char *name)
{
	char template[] = "/tmp/kfarm-check-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(template));
	dir = realpath(template, NULL);
	program = xasprintf("%s/%s", dir, name);
}

static void builddir_tear_down(void)
{
	fs_remove(dir, &err);
	free(program);
	free(dir);
}

#endif
