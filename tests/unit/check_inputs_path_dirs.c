/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
/* Directories as paths without symbolic links, and cached checks of them. */
#include "inputs/path.h"

#include "../lib/test.h"
#include "base/clock.h"
#include "inputs-fixture.h"

static struct inputs_dir *get(const char *name)
{
	char *path = at(name);
	struct inputs_dir *d;

	unit++;
	d = inputs_dir_resolve(paths, unit, path, strlen(path));
	free(path);
	return d;
}

static void expect(const char *name, const char *real, size_t n_links)
{
	struct inputs_dir *d = get(name);
	char *want = at(real);

	ck_assert_ptr_nonnull(d);
	ck_assert_str_eq(d->real->name, want);
	ck_assert_uint_eq(d->n_links, n_links);
	free(want);
}

FIXTURE(set_up_dirs, tear_down_dirs);
TIMEOUT(60);

TEST(spellings_of_a_directory_resolve_to_one_path)
{
	expect("a/b/c", "a/b/c", 0);
	expect("a/b/c/", "a/b/c", 0);
	expect("a//b/./c", "a/b/c", 0);
	expect("a/b/c/../../b", "a/b", 0);
	ck_assert_ptr_eq(inputs_dir_resolve(paths, ++unit, "/", 1)->real,
			 inputs_paths_get(paths, "/"));
	ck_assert_ptr_eq(inputs_dir_resolve(paths, ++unit, "/..", 3)->real,
			 inputs_paths_get(paths, "/"));
}

TEST(links_are_followed_and_listed)
{
	char *absolute = at("x");

	make_link("../x", "a/rel");
	make_link(absolute, "a/abs");
	make_link("rel/y", "a/both");
	expect("a/rel/y", "x/y", 1);
	expect("a/abs/y", "x/y", 1);
	expect("a/both", "x/y", 2);
	/* ".."  is the parent of the link's target. */
	expect("a/rel/y/..", "x", 1);
	ck_assert_str_eq(get("a/rel")->links[0]->current->target, "../x");
	free(absolute);
}

TEST(a_changed_or_replaced_link_is_resolved_again)
{
	char *link = at("l");

	make_link("x", "l");
	expect("l/y", "x/y", 1);
	make_dir("z/y");
	make_link("z", "l");
	expect("l/y", "z/y", 1);
	ck_assert_int_eq(unlink(link), 0);
	make_dir("l/y");
	expect("l/y", "l/y", 0);
	free(link);
}

TEST(a_directory_replaced_by_a_link_is_resolved_again)
{
	char *from = at("a/b"), *to = at("a/moved");

	expect("a/b/c", "a/b/c", 0);
	ck_assert_int_eq(rename(from, to), 0);
	make_link("../x", "a/b");
	expect("a/b/y", "x/y", 1);
	free(from);
	free(to);
}

TEST(a_missing_directory_resolves_to_its_future_path)
{
	struct inputs_dir *d = get("a/none/deep");

	ck_assert(!d->exists);
	expect("a/none/deep", "a/none/deep", 0);
	make_dir("a/none/deep");
	d = get("a/none/deep");
	ck_assert(d->exists);
}

TEST(a_loop_of_links_is_not_resolved)
{
	make_link("two", "one");
	make_link("one", "two");
	make_link("self/self", "self");
	ck_assert_ptr_null(get("one"));
	ck_assert_ptr_null(get("one/deep"));
	ck_assert_ptr_null(get("self"));
	expect("a/b", "a/b", 0);
}

TEST(a_unit_checks_a_directory_once)
{
	struct inputs_dir *d = get("a/b");
	char *path = at("a/b");

	make_dir("a/b/new");
	ck_assert_ptr_eq(inputs_dir_resolve(paths, unit, path, strlen(path)),
			 d);
	ck_assert_uint_eq(d->checked_unit, unit);
	free(path);
}

TEST(a_recent_check_of_a_directory_is_trusted_if_allowed)
{
	char *from = at("a/b"), *to = at("a/moved");

	expect("a/b", "a/b", 0);
	expect("a/none", "a/none", 0);
	ck_assert_int_eq(rename(from, to), 0);
	make_link("../x", "a/b");
	make_dir("a/none");
	inputs_paths_trust_since(paths, 1);
	expect("a/b", "a/b", 0);
	/* Absent paths are checked again. */
	ck_assert(get("a/none")->exists);
	inputs_paths_trust_since(paths, clock_us() + 1);
	expect("a/b", "x", 1);
	/* Links are checked too. */
	inputs_paths_trust_since(paths, 1);
	make_link("../a/moved", "new");
	free(from);
	from = at("new");
	free(to);
	to = at("a/b");
	ck_assert_int_eq(rename(from, to), 0);
	expect("a/b", "a/moved", 1);
	free(from);
	free(to);
}

TEST(a_directory_state_is_reused_until_its_stamp_changes)
{
	struct inputs_dir *d = get("a/b");
	struct inputs_dir_state *seen = inputs_dir_get_state(paths, d);

	get("a/b");
	ck_assert_ptr_eq(inputs_dir_get_state(paths, d), seen);
	/* The file system's clock can have advanced by a tick or not. */
	d->stamp.ctime_ns++;
	ck_assert_ptr_ne(inputs_dir_get_state(paths, d), seen);
	ck_assert(file_stamp_equal(&d->state->stamp, &d->stamp));
}
