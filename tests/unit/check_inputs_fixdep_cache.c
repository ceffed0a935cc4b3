/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
#include "../lib/test.h"

#include "inputs/fixdep.h"

static struct cpp_file files[] = {
	{ .path = (char *)"../a.c", .stamp = { .ino = 1 } },
	{ .path = (char *)"./b.h", .stamp = { .ino = 2 } },
	{ .path = (char *)"/usr/c.h", .stamp = { .ino = 3 } },
};
static const struct inputs_manifest manifest = {
	.closure = { .n_files = 3, .files = files },
};
static struct inputs_read_cache *list;

static void setup(void)
{
	list = inputs_read_cache_new();
}

static void teardown(void)
{
	inputs_read_cache_free(list);
}

static void keep(const char *cwd, const char *depfile, uint64_t now_us)
{
	inputs_read_cache_add(list, inputs_verified_files_new(&manifest, cwd,
							      depfile, now_us));
}

static bool takes(const char *cwd, const char *depfile, uint64_t now_us)
{
	struct inputs_verified_files *s = inputs_read_cache_take(
		list, cwd, depfile, now_us);
	bool is = s;

	inputs_verified_files_free(s);
	return is;
}

static uint64_t ino_of(struct inputs_verified_files *s, const char *name)
{
	const struct file_stamp *stamp = inputs_verified_files_find(s, name);

	return stamp ? stamp->ino : 0;
}

FIXTURE(setup, teardown);

TEST(a_file_is_found_by_its_name_in_any_order)
{
	struct inputs_verified_files *s = inputs_verified_files_new(
		&manifest, "/w", "u.d", 1);

	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(ino_of(s, "/usr/c.h"), 3);
		ck_assert_uint_eq(ino_of(s, "../a.c"), 1);
		ck_assert_uint_eq(ino_of(s, "./b.h"), 2);
		ck_assert_uint_eq(ino_of(s, "b.h"), 2);
		ck_assert_uint_eq(ino_of(s, "a.c"), 0);
	}
	inputs_verified_files_free(s);
}

TEST(a_compile_without_files_has_none)
{
	const struct inputs_manifest none = { 0 };
	struct inputs_verified_files *s = inputs_verified_files_new(&none, "/w",
								    "u.d", 1);

	ck_assert_uint_eq(ino_of(s, "b.h"), 0);
	inputs_verified_files_free(s);
}

TEST(it_is_taken_once_by_its_directory_and_its_list)
{
	keep("/w", "u.d", 10);
	keep("/w", "v.d", 10);
	ck_assert(!takes("/w", "x.d", 11));
	ck_assert(!takes("/x", "u.d", 11));
	ck_assert(takes("/w", "u.d", 11));
	ck_assert(!takes("/w", "u.d", 11));
	ck_assert(takes("/w", "v.d", 11));
}

TEST(what_is_old_is_not_given)
{
	keep("/w", "u.d", 10);
	ck_assert(!takes("/w", "u.d", 10 + INPUTS_READ_CACHE_MAX_AGE_US));
	keep("/w", "u.d", 10);
	ck_assert(takes("/w", "u.d", 9 + INPUTS_READ_CACHE_MAX_AGE_US));
}

TEST(the_oldest_go_where_nobody_asks)
{
	for (int i = 0; i < INPUTS_READ_CACHE_COMPILES_MAX; i++)
		keep("/w", i ? "u.d" : "first.d", 10);
	keep("/w", "last.d", 10);
	ck_assert(!takes("/w", "first.d", 10));
	ck_assert(takes("/w", "last.d", 10));
	keep("/w", "new.d", 10 + INPUTS_READ_CACHE_MAX_AGE_US);
	ck_assert(!takes("/w", "u.d", 10));
	ck_assert(takes("/w", "new.d", 10 + INPUTS_READ_CACHE_MAX_AGE_US));
}

TEST(it_is_wanted_once_somebody_asked)
{
	ck_assert(!inputs_read_cache_is_used(list));
	ck_assert(!takes("/w", "u.d", 1));
	ck_assert(inputs_read_cache_is_used(list));
}
