/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
#include "../lib/test.h"

#include "inputs/path.h"

static struct inputs_paths *paths;

static void setup(void)
{
	paths = inputs_paths_new();
}

static void teardown(void)
{
	inputs_paths_free(paths);
}

FIXTURE(setup, teardown);
TIMEOUT(60);

TEST(spellings_of_a_path_share_one_object)
{
	struct inputs_path *a = inputs_paths_get(paths, "/usr/include/a.h");
	struct inputs_path *dir = inputs_paths_get(paths, "/usr/include");

	ck_assert_str_eq(a->name, "/usr/include/a.h");
	ck_assert_str_eq(a->base, "a.h");
	ck_assert_ptr_eq(a->parent, dir);
	ck_assert_ptr_eq(inputs_paths_get(paths, "/usr/include/a.h"), a);
	ck_assert_ptr_eq(inputs_paths_get(paths, "//usr//include/a.h"), a);
	ck_assert_ptr_eq(inputs_paths_find(paths, dir, "a.h", 3), a);
	ck_assert_ptr_eq(inputs_paths_find(paths, dir, "a.hpp", 3), a);
	ck_assert_ptr_null(inputs_paths_find(paths, dir, "b.h", 3));
	ck_assert_ptr_null(inputs_paths_find(paths, dir, "a.", 2));
	ck_assert_ptr_eq(inputs_paths_get(paths, "/"), dir->parent->parent);
}

TEST(many_paths_are_distinct_and_numbered_without_gaps)
{
	enum {
		N = 200000
	};
	char name[64];

	for (unsigned i = 0; i < N; i++) {
		struct inputs_path *p;

		snprintf(name, sizeof(name), "/a/%u", i);
		p = inputs_paths_get(paths, name);
		ck_assert_str_eq(p->name, name);
		ck_assert_uint_eq(p->id, i + 2);
	}
	ck_assert_uint_eq(inputs_paths_get(paths, "/new")->id, N + 2);
}

TEST(an_entry_is_reused_until_its_file_changes)
{
	struct inputs_path *p = inputs_paths_get(paths, "/x/f");
	struct store_file_digest id = { .stamp = { .ino = 1, .size = 5 },
					.reliable = true };
	const struct inputs_entry *one = inputs_path_set_file(paths, p, &id),
				  *two;

	ck_assert_ptr_eq(inputs_path_set_file(paths, p, &id), one);
	ck_assert_ptr_eq(p->current, one);
	id.stamp.mtime_ns++;
	two = inputs_path_set_file(paths, p, &id);
	ck_assert_ptr_ne(two, one);
	ck_assert_int_eq(one->file_digest.stamp.mtime_ns, 0);
	id.digest.b[0] = 1;
	ck_assert_ptr_ne(inputs_path_set_file(paths, p, &id), two);
	ck_assert_int_eq(inputs_path_set_absent(paths, p)->kind,
			 WIRE_INODE_ABSENT);
	ck_assert_ptr_eq(inputs_path_set_absent(paths, p), p->current);
}

TEST(a_link_entry_is_reused_until_its_target_changes)
{
	struct inputs_path *p = inputs_paths_get(paths, "/x/l");
	struct file_stamp s = { .ino = 7 };
	const struct inputs_entry *e = inputs_path_set_symlink(paths, p, &s,
							       "../y");

	ck_assert_ptr_eq(inputs_path_set_symlink(paths, p, &s, "../y"), e);
	ck_assert_ptr_ne(inputs_path_set_symlink(paths, p, &s, "../z"), e);
	ck_assert_str_eq(e->target, "../y");
	ck_assert_str_eq(p->current->target, "../z");
}

TEST(a_path_listed_once_stays_marked_with_its_parents)
{
	struct inputs_path *f = inputs_paths_get(paths, "/d/e/f");
	struct inputs_path *other = inputs_paths_get(paths, "/d/o/p");

	ck_assert(!f->ever_listed);
	inputs_path_set_absent(paths, f);
	ck_assert(!f->ever_listed);
	inputs_path_set_dir(paths, f);
	ck_assert(f->ever_listed && f->parent->ever_listed &&
		  f->parent->parent->ever_listed);
	ck_assert(!other->ever_listed && !other->parent->ever_listed);
	inputs_path_set_absent(paths, f);
	ck_assert(f->ever_listed);
}
