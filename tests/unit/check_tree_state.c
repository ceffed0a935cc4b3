/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "tree/state.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COMMIT "0123456789012345678901234567890123456789"

static const char text[] = "{\n"
			   "  \"kind\": \"borrows\",\n"
			   "  \"source\": \"/src/linux\",\n"
			   "  \"updated\": 1700000000,\n"
			   "  \"size\": 4096,\n"
			   "  \"head\": {\n"
			   "    \"name\": \"master\",\n"
			   "    \"commit\": \"" COMMIT "\",\n"
			   "    \"time\": -1\n"
			   "  },\n"
			   "  \"branches\": [\n"
			   "    {\n"
			   "      \"name\": \"origin/master\",\n"
			   "      \"commit\": \"" COMMIT "\",\n"
			   "      \"time\": 1600000000\n"
			   "    }\n"
			   "  ]\n"
			   "}";

static const char empty[] = "{\n"
			    "  \"kind\": \"clone\",\n"
			    "  \"source\": null,\n"
			    "  \"updated\": 0,\n"
			    "  \"size\": 0,\n"
			    "  \"head\": null,\n"
			    "  \"branches\": []\n"
			    "}";

static char dir[TEMPDIR_SIZE];
static char *path;

static void set_up(void)
{
	tempdir_make(dir);
	path = xasprintf("%s/state.json", dir);
}

static void tear_down(void)
{
	tempdir_remove(dir);
	free(path);
}

FIXTURE(set_up, tear_down);

static void write_state(const char *content)
{
	struct err err = { 0 };

	ck_assert_int_eq(fs_write(path, bytes_str(content), 0644, &err), 0);
}

static void expect_written(const struct tree_state *s, const char *want)
{
	struct err err = { 0 };

	ck_assert_int_eq(tree_state_write(s, dir, &err), 0);
	expect_file(path, want);
}

TEST(a_state_is_written_as_it_was_read)
{
	struct err err = { 0 };
	struct tree_state s;

	write_state(text);
	ck_assert_int_eq(tree_state_read(&s, dir, &err), 0);
	ck_assert_int_eq(s.kind, TREE_KIND_BORROWED);
	ck_assert_str_eq(s.source, "/src/linux");
	ck_assert_int_eq(s.updated_s, 1700000000);
	ck_assert_uint_eq(s.size_bytes, 4096);
	ck_assert_str_eq(s.head.name, "master");
	ck_assert_int_eq(s.head.time_s, -1);
	ck_assert_uint_eq(s.n_branches, 1);
	ck_assert_str_eq(s.branches[0].commit, COMMIT);
	expect_written(&s, text);
	tree_state_release(&s);
	expect_written(&s, empty);
	ck_assert_int_eq(tree_state_read(&s, dir, &err), 0);
	ck_assert_ptr_null(s.head.name);
	ck_assert_uint_eq(s.n_branches, 0);
	tree_state_release(&s);
}

static const struct {
	const char *text, *error;
} invalid[] = {
	{ "", "line 1: '[' or '{' expected near end of file" },
	{ "[]", "missing or invalid \"kind\"" },
	/* A kind of a newer version is not read as a clone. */
	{ "{\"kind\": \"mirror\"}", "missing or invalid \"kind\"" },
	{ "{\"kind\": \"clone\", \"size\": -1}",
	  "missing or invalid \"size\"" },
	{ "{\"kind\": \"clone\", \"head\": {\"name\": \"x\"}}",
	  "missing or invalid \"commit\"" },
};

TEST_EACH(an_invalid_state_is_rejected, invalid)
{
	char *want = xasprintf("%s: %s", path, row->error);
	struct err err = { 0 };
	struct tree_state s;

	write_state(row->text);
	ck_assert_int_eq(tree_state_read(&s, dir, &err), -EINVAL);
	ck_assert_str_eq(err.text, want);
	ck_assert_ptr_null(s.source);
	free(want);
}
