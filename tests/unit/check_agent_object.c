/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base options wire agent */
#include "agent/object.h"

#include "base/fs.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

START_TEST(the_last_two_names_are_looked_for)
{
	static const char dir[] = "/dev/shm/kfarmd-0-abcdef/12";
	static const struct {
		const char *content;
		bool tells;
	} all[] = {
		{ "", false },
		{ "x/dev/shm/kfarmd-0-abcdef/12y", true },
		{ "mapped/kfarmd-0-abcdef/12", true },
		{ "/dev/shm/kfarmd-0-abcdef/1", false },
		{ "/dev/shm/kfarmd-0-abcdeg/12", false },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		ck_assert_int_eq(
			agent_object_tells(bytes_str(all[i].content), dir),
			all[i].tells);
}
END_TEST

START_TEST(only_a_file_with_something_in_it_is_an_object)
{
	char dir[] = "/tmp/check_agent.XXXXXX", path[64];
	enum wire_fail_class class;
	struct err err = { 0 };
	struct bytes got;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/out.o", dir);
	ck_assert_int_lt(agent_object_map(dir, &got, &class, &err), 0);
	ck_assert_int_eq(class, WIRE_FAIL_NODE);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	ck_assert_int_lt(agent_object_map(dir, &got, &class, &err), 0);
	ck_assert_int_eq(class, WIRE_FAIL_NODE);
	unlink(path);
	ck_assert_int_eq(fs_write(path, bytes_str(""), 0600, &err), 0);
	ck_assert_int_lt(agent_object_map(dir, &got, &class, &err), 0);
	ck_assert_int_eq(class, WIRE_FAIL_VOID);
	ck_assert_int_eq(fs_write(path, bytes_str("ELF"), 0600, &err), 0);
	ck_assert_int_eq(agent_object_map(dir, &got, &class, &err), 0);
	ck_assert(bytes_equal(got, bytes_str("ELF")));
	munmap((void *)got.data, got.len);
	ck_assert_int_eq(fs_remove(dir, &err), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/object");
	TCase *t = tcase_create("object");
	SRunner *sr;
	int failed;

	tcase_add_test(t, the_last_two_names_are_looked_for);
	tcase_add_test(t, only_a_file_with_something_in_it_is_an_object);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
