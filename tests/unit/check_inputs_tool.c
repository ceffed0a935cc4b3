/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
#include "../lib/test.h"

#include "inputs/tool.h"

static char *dir; /* without symbolic links */
static char *program;
static struct inputs_paths *paths;
static struct inputs_tool_cache *tools;
static struct err err;

static char *plain_env[] = { (char *)"PATH=/usr/bin:/bin", NULL };

/* Write a program, a copy of this test with `more` appended. */
static void put_program(const char *more)
{
	struct buf text = { 0 };

	must(fs_read("/proc/self/exe", 64 << 20, &text, &err));
	buf_add_str(&text, more);
	unlink(program);
	must(fs_write(program, buf_bytes(&text), 0755, &err));
	buf_release(&text);
}

static void set_up(void)
{
	char name[] = "/tmp/kfarm-check-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(name));
	dir = realpath(name, NULL);
	program = xasprintf("%s/tool", dir);
	paths = inputs_paths_new();
	tools = inputs_tool_cache_new(paths);
	put_program("");
}

static void tear_down(void)
{
	inputs_tool_cache_free(tools);
	inputs_paths_free(paths);
	fs_remove(dir, &err);
	free(program);
	free(dir);
}

static const struct inputs_tool *get(const char *name)
{
	return inputs_tool_get(tools, name, plain_env, &err);
}

static const struct inputs_entry *entry_of(const struct inputs_tool *t,
					   const char *path)
{
	for (size_t i = 0; i < t->n_entries; i++) {
		if (!strcmp(t->entries[i]->path->name, path))
			return t->entries[i];
	}
	ck_abort_msg("no %s", path);
	return NULL;
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(a_tool_is_listed_with_its_libraries)
{
	const struct inputs_tool *t = get(program);
	bool libc = false;

	ck_assert_msg(t, "%s", err.text);
	ck_assert_str_eq(t->path->name, program);
	ck_assert_int_eq(entry_of(t, program)->kind, WIRE_INODE_FILE);
	ck_assert(entry_of(t, program)->file_digest.executable);
	for (size_t i = 0; i < t->n_entries; i++)
		libc |= str_starts(t->entries[i]->path->base, "libc.so");
	ck_assert(libc && t->n_entries >= 3);
	ck_assert_ptr_null(inputs_tool_find_changed(t));
}

TEST(paths_of_the_same_tool_share_one_object)
{
	const struct inputs_tool *t = get(program);
	char *odd = xasprintf("%s/./../%s/tool", dir, str_base(dir));
	char *link = xasprintf("%s/link", dir);

	ck_assert_ptr_nonnull(t);
	ck_assert_int_eq(symlink("tool", link), 0);
	ck_assert_ptr_eq(get(program), t);
	ck_assert_ptr_eq(get(odd), t);
	ck_assert_ptr_eq(get(link), t);
	free(link);
	free(odd);
}

TEST(a_rebuilt_tool_is_detected_and_listed_again)
{
	const struct inputs_tool *was = get(program), *now;
	const struct inputs_entry *a, *b;

	put_program("another");
	ck_assert_str_eq(inputs_tool_find_changed(was), program);
	now = get(program);
	ck_assert(now && now != was);
	ck_assert_ptr_null(inputs_tool_find_changed(now));
	ck_assert_str_eq(inputs_tool_find_changed(was), program);
	a = entry_of(was, program);
	b = entry_of(now, program);
	ck_assert(a != b && !digest_equal(&a->file_digest.digest,
					  &b->file_digest.digest));
	unlink(program);
	ck_assert_str_eq(inputs_tool_find_changed(now), program);
	ck_assert_ptr_null(get(program));
}

TEST(unsupported_programs_and_environments_are_rejected)
{
	char *env[] = { (char *)"LD_LIBRARY_PATH=/x", NULL };

	ck_assert_ptr_null(inputs_tool_get(tools, program, env, &err));
	ck_assert_ptr_null(get("/nonexistent/tool"));
	ck_assert_ptr_null(get(dir));
	unlink(program);
	must(fs_write(program, bytes_str("#!/bin/sh\n"), 0755, &err));
	ck_assert_ptr_null(get(program));
	ck_assert(err.text[0]);
}
