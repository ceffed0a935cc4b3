/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel kconfig */
#include "kconfig/kconfig.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

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

	must(fs_write(path, bytes_str(content), 0644, &err));
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

FIXTURE(set_up, tear_down);

TEST_EACH(plain_text_is_unchanged_except_for_a_final_newline, texts)
{
	put("a", row->content);
	ck_assert_msg(!take("a"), "%s", err.text);
	ck_assert_str_eq(text, row->text);
}

static const char *const packers[] = { "gzip -c", "xz -c", "bzip2 -c",
				       "zstd -qc" };

TEST_EACH(compressed_files_of_any_name_are_decompressed, packers)
{
	char *has = xasprintf("command -v %.5s >/dev/null", *row);
	char *pack = xasprintf("%s config >proc.config", *row);

	put("config", "CONFIG_A=y\n# CONFIG_B is not set\n");
	if (!system(has)) {
		shell(pack);
		ck_assert_msg(!take("proc.config"), "%s", err.text);
		ck_assert_str_eq(text, "CONFIG_A=y\n# CONFIG_B is not set\n");
	}
	free(pack);
	free(has);
}

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

TEST_EACH(invalid_configuration_files_are_rejected, refused)
{
	shell(row->command);
	ck_assert_int_eq(take("a"), row->answer);
	ck_assert_msg(strstr(err.text, row->says), "%s", err.text);
	ck_assert_msg(strstr(err.text, dir), "%s", err.text);
	ck_assert_ptr_null(text);
}
