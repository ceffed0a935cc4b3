/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel kconfig */
#include "kconfig/kconfig.h"

#include "../lib/tempdir.h"
#include "base/str.h"
#include "suite.h"

#include <errno.h>

static char dir[TEMPDIR_SIZE];
static struct err err;
static char *text;

static void set_up(void)
{
	tempdir_make(dir);
	err = (struct err){ 0 };
	text = NULL;
}

static void tear_down(void)
{
	free(text);
	tempdir_remove(dir);
}

static char *in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void put(const char *name, const char *content)
{
	char *path = in_dir(name);

	ck_assert_int_eq(fs_write(path, bytes_str(content), 0644, &err), 0);
	free(path);
}

static void shell(const char *command)
{
	char *whole = xasprintf("cd %s && %s", dir, command);

	ck_assert_int_eq(system(whole), 0);
	free(whole);
}

static int take(const char *name)
{
	char *path = in_dir(name);
	int ret = kconfig_read_text(path, &text, &err);

	free(path);
	return ret;
}

static const struct {
	const char *content, *text;
} texts[] = {
	{ "CONFIG_A=y\n", "CONFIG_A=y\n" },
	{ "CONFIG_A=y", "CONFIG_A=y\n" },
	{ "# nothing but words\n\n", "# nothing but words\n\n" },
	{ "", "" },
};

START_TEST(a_text_is_taken_as_it_is)
{
	put("a", texts[_i].content);
	ck_assert_msg(!take("a"), "%s", err.text);
	ck_assert_str_eq(text, texts[_i].text);
}
END_TEST

static const char *const packers[] = { "gzip -c", "xz -c", "bzip2 -c",
				       "zstd -qc" };

START_TEST(what_is_packed_is_unpacked_whatever_its_name)
{
	char *has = xasprintf("command -v %.5s >/dev/null", packers[_i]);
	char *pack = xasprintf("%s config >proc.config", packers[_i]);

	put("config", "CONFIG_A=y\n# CONFIG_B is not set\n");
	if (!system(has)) {
		shell(pack);
		ck_assert_msg(!take("proc.config"), "%s", err.text);
		ck_assert_str_eq(text, "CONFIG_A=y\n# CONFIG_B is not set\n");
	}
	free(pack);
	free(has);
}
END_TEST

/* A command that creates the file "a", and the message. */
static const struct {
	const char *command;
	int answer;
	const char *says;
} refused[] = {
	{ "printf '<!DOCTYPE html>\\n<p>log in\\n' >a", -EINVAL,
	  "not a kernel configuration: expected CONFIG_NAME=VALUE, got "
	  "\"<!DOCTYPE html>\"" },
	{ "printf 'A=\\033[31m\\n' >a", -EINVAL, "got \"A=\\x1b[31m\"" },
	{ "printf 'CONFIG_A=y\\n\\0\\n' >a", -EINVAL, "contains NUL bytes" },
	{ "head -c 3000 /bin/true >a", -EINVAL, "contains NUL bytes" },
	{ "printf 'CONFIG_A=y\\n' | gzip | head -c 20 >a", -EINVAL,
	  "cannot decompress" },
	{ "printf '\\037\\213no gzip' >a", -EINVAL,
	  "not a kernel configuration" },
	{ "head -c 17000000 /dev/zero | gzip -1 >a", -EFBIG,
	  "too large: more than 16777216 bytes uncompressed" },
	{ "head -c 17000000 /dev/zero >a", -EFBIG, "/a: " },
	{ "true", -ENOENT, "/a: " },
};

START_TEST(what_is_no_configuration_is_refused)
{
	shell(refused[_i].command);
	ck_assert_int_eq(take("a"), refused[_i].answer);
	ck_assert_msg(strstr(err.text, refused[_i].says), "%s", err.text);
	ck_assert_msg(strstr(err.text, dir), "%s", err.text);
	ck_assert_ptr_null(text);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof(*(table))))

int main(void)
{
	Suite *s = suite_create("kconfig/kconfig-text");
	TCase *tc = tcase_create("config-text");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, a_text_is_taken_as_it_is, 0, COUNT(texts));
	tcase_add_loop_test(tc, what_is_packed_is_unpacked_whatever_its_name, 0,
			    COUNT(packers));
	tcase_add_loop_test(tc, what_is_no_configuration_is_refused, 0,
			    COUNT(refused));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
