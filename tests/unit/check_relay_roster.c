/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: relay */
#include "../lib/tempdir.h"
#include "../lib/test.h"

#include "relay/internal.h"

static char dir[TEMPDIR_SIZE];
static struct node_entry *members;
static size_t n_members;

static void set_up(void)
{
	tempdir_make(dir);
	ck_assert_int_eq(chdir(dir), 0);
}

static void tear_down(void)
{
	relay_roster_free(members, n_members);
	members = NULL;
	n_members = 0;
	tempdir_remove(dir);
}

static void write_file(const char *name, const char *text)
{
	struct err err;

	must(fs_write(name, bytes_str(text), 0644, &err));
}

/* Read the file "main". */
static int read_members(struct err *err)
{
	struct strv files = { 0 };
	bool has_includes;
	int ret;

	strv_add(&files, "main");
	ret = relay_roster_read(&files, &members, &n_members, &has_includes,
				err);
	strv_release(&files);
	return ret;
}

FIXTURE(set_up, tear_down);

TEST(an_included_file_defines_members)
{
	struct err err = { 0 };

	ck_assert_int_eq(mkdir("sub", 0755), 0);
	write_file("main", "[node \"a\"]\naddress = unix:/a\nslots = 1\n"
			   "[include]\npath = sub/boards\npath = missing\n"
			   "[node \"c\"]\naddress = unix:/c\n");
	write_file("sub/boards", "[node \"a\"]\nslots = 2\n"
				 "[include]\npath = more\n");
	write_file("sub/more", "[node \"b\"]\naddress = unix:/b\n");
	must(read_members(&err));
	ck_assert_uint_eq(n_members, 3);
	ck_assert_str_eq(members[0].name, "a");
	ck_assert_uint_eq(members[0].slots, 2);
	ck_assert_str_eq(members[1].name, "b");
	ck_assert_str_eq(members[1].address_text, "unix:/b");
	ck_assert_str_eq(members[2].name, "c");
}

TEST(a_member_is_drained_only_if_drain_is_true)
{
	struct err err = { 0 };

	write_file("main", "[node \"a\"]\naddress = unix:/a\ndrain = true\n"
			   "[node \"b\"]\naddress = unix:/b\ndrain\n"
			   "[node \"c\"]\naddress = unix:/c\ndrain = false\n");
	must(read_members(&err));
	ck_assert(members[0].drained);
	ck_assert(members[1].drained);
	ck_assert(!members[2].drained);
}

TEST(an_include_cycle_is_an_error)
{
	struct err err = { 0 };

	write_file("main", "[node \"a\"]\naddress = unix:/a\n"
			   "[include]\npath = main\n");
	ck_assert_int_eq(read_members(&err), -ELOOP);
}

static const struct {
	const char *text, *error;
} invalid[] = {
	{ "slots = 0\n", "./inc:2: invalid number of slots: 0" },
	{ "\ncodec = zip\n",
	  "./inc:3: unknown codec \"zip\": expected none, lzo or zstd" },
	{ "drain = yes\n",
	  "./inc:2: invalid drain \"yes\": expected true or false" },
	{ "slots = \\q\n",
	  "./inc:2: invalid escape sequence: valid are \\\\, \\\", \\n, \\t, "
	  "\\b, and \\ at the end of a line" },
};

TEST_EACH(an_error_names_the_included_file_and_the_line, invalid)
{
	char *text = xasprintf("[node \"a\"]\n%s", row->text);
	struct err err = { 0 };

	write_file("main", "[include]\npath = inc\n");
	write_file("inc", text);
	err_is(read_members(&err), -EINVAL, row->error);
	free(text);
}

/* A client would reject a list of members with such a name. */
TEST(a_member_name_with_a_leading_dot_is_rejected)
{
	struct err err = { 0 };

	write_file("main", "[node \"a.b\"]\naddress = unix:/a\n"
			   "[node \".b\"]\naddress = unix:/b\n");
	err_is(read_members(&err), -EINVAL,
	       "main:3: invalid node name \".b\": a relay does not permit a "
	       "leading dot");
}
