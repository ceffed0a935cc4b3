/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
/* Names of files as they are spelled, and their numbers. */
#include "inputs/path.h"

#include "../lib/test.h"
#include "inputs-fixture.h"

/* Return the name as another unit spells it. */
static struct inputs_filename *get(const char *name)
{
	char *path = at(name);
	struct inputs_filename *s;

	s = inputs_filename_get(paths, ++unit, path, strlen(path));
	ck_assert_ptr_nonnull(s);
	free(path);
	return s;
}

static struct inputs_filename *numbered(uint32_t number)
{
	return inputs_filename_get_numbered(paths, ++unit, number);
}

static void expect(struct inputs_filename *s, const char *real)
{
	char *want = at(real);

	ck_assert_str_eq(inputs_filename_resolve(paths, s)->name, want);
	free(want);
}

FIXTURE(set_up_dirs, tear_down_dirs);

TEST(each_spelling_has_one_object_and_resolves_to_its_file)
{
	struct inputs_filename *s = get("a/b/../h.h");

	expect(s, "a/h.h");
	ck_assert_ptr_eq(get("a/b/../h.h"), s);
	ck_assert_ptr_ne(get("a/h.h"), s);
	ck_assert_ptr_null(inputs_filename_resolve(paths, get("a/")));
	ck_assert_ptr_null(inputs_filename_resolve(paths, NULL));
}

TEST(a_number_refers_to_the_name_that_it_was_assigned_to)
{
	struct inputs_filename *s = get("a/h.h"), *other = get("x/h.h");

	ck_assert_ptr_null(numbered(0));
	ck_assert_ptr_null(numbered(7));
	inputs_filename_set_number(paths, s, 7);
	inputs_filename_set_number(paths, other, 4000);
	inputs_filename_set_number(paths, other, 0);
	inputs_filename_set_number(paths, NULL, 9);
	ck_assert_ptr_eq(numbered(7), s);
	ck_assert_ptr_eq(numbered(4000), other);
	ck_assert_ptr_null(numbered(0));
	ck_assert_ptr_null(numbered(9));
	ck_assert_ptr_null(numbered(3999));
	ck_assert_ptr_null(numbered(5000));
}

TEST(a_numbered_name_follows_its_replaced_directory)
{
	struct err err;
	char *dir = at("a");

	inputs_filename_set_number(paths, get("a/h.h"), 1);
	expect(numbered(1), "a/h.h");
	must(fs_remove(dir, &err));
	make_link("x", "a");
	expect(numbered(1), "x/h.h");
	ck_assert_uint_eq(numbered(1)->dir->n_links, 1);
	free(dir);
}
