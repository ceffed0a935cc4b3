/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "../lib/test.h"

#include "toolchain/installed.h"

static struct toolchain_installed t, got;
static char *text;
static struct err err;

static void set_up(void)
{
	t = (struct toolchain_installed){
		.id = xstrdup("gcc-13.3.0-aarch64-linux"),
		.release = xstrdup("gcc-13.3.0"),
		.version = xstrdup("13.3.0"),
		.triplet = xstrdup("aarch64-linux"),
		.host = xstrdup("x86_64"),
		.relative_prefix = xstrdup("gcc-13.3.0-nolibc/aarch64-linux"),
		.driver = xstrdup("aarch64-linux-gcc"),
		.url = xstrdup("https://localhost/a.tar.xz"),
		.sums_key = xstrdup("0123456789ABCDEF0123456789ABCDEF01234567"),
		.date = toolchain_installed_format_now(),
	};
	digest_bytes(bytes_str("archive"), &t.archive_digest);
	digest_bytes(bytes_str("tree"), &t.dir_digest);
	digest_bytes(bytes_str("content"), &t.manifest_id);
	strv_add(&t.links, "/home/x/.local/share/kfarm/bin/a");
	strv_add(&t.hostlibs, "library a");
	text = toolchain_installed_encode(&t);
}

static void tear_down(void)
{
	free(text);
	toolchain_installed_release(&t);
	toolchain_installed_release(&got);
}

FIXTURE(set_up, tear_down);

TEST(what_is_written_is_read)
{
	char *again;

	must(toolchain_installed_decode(&got, bytes_str(text), &err));
	ck_assert_str_eq(got.id, t.id);
	ck_assert_str_eq(got.relative_prefix, t.relative_prefix);
	ck_assert(digest_equal(&got.dir_digest, &t.dir_digest));
	ck_assert(digest_equal(&got.manifest_id, &t.manifest_id));
	ck_assert_ptr_null(got.tar_key);
	ck_assert_uint_eq(got.links.n, 1);
	again = toolchain_installed_encode(&got);
	ck_assert_str_eq(again, text);
	free(again);
}

TEST(an_adopted_one_has_its_tools)
{
	char *adopted;

	t.adopted_from = xstrdup("/usr/bin/aarch64-linux-gnu-");
	free(t.relative_prefix);
	t.relative_prefix = xstrdup("/usr/bin");
	strv_add(&t.tools, "/usr/bin/aarch64-linux-gnu-gcc");
	adopted = toolchain_installed_encode(&t);
	must(toolchain_installed_decode(&got, bytes_str(adopted), &err));
	ck_assert_str_eq(got.tools.v[0], t.tools.v[0]);
	ck_assert_str_eq(got.adopted_from, t.adopted_from);
	free(adopted);
}

TEST(not_known_is_null)
{
	char *other;

	t.manifest_id = (struct digest){ 0 };
	free(t.url);
	t.url = NULL;
	other = toolchain_installed_encode(&t);
	text_has(other, "\"content\": null");
	must(toolchain_installed_decode(&got, bytes_str(other), &err));
	ck_assert(!digest_is_set(&got.manifest_id));
	ck_assert_ptr_null(got.url);
	free(other);
}

/* A replacement in the valid text, and the key in the error. */
static const struct {
	const char *from, *to, *names;
} spoiled[] = {
	{ "\"id\": \"gcc", "\"id\": \"../gcc", "\"id\"" },
	{ "\"id\": \"gcc", "\"id\": \".gcc", "\"id\"" },
	{ "\"release\": \"gcc", "\"release\": \"tcc", "\"release\"" },
	{ "\"release\": \"gcc", "\"release\": \"clang", "\"release\"" },
	{ "\"kind\": \"gcc", "\"kind\": \"tcc", "\"kind\"" },
	{ "\"triplet\": \"aarch64-linux\"", "\"triplet\": null",
	  "\"triplet\"" },
	{ "\"prefix\": \"gcc", "\"prefix\": \"../gcc", "\"prefix\"" },
	{ "\"prefix\": \"gcc", "\"prefix\": \"/gcc", "\"prefix\"" },
	{ "\"driver\": \"aarch64", "\"driver\": \"../aarch64", "\"driver\"" },
	{ "\"tree\": \"", "\"tree\": \"x", "\"tree\"" },
	{ "\"insecure\": false", "\"insecure\": 0", "\"insecure\"" },
	{ "\"sha256_given\": false", "\"sha256_given\": \"\"",
	  "\"sha256_given\"" },
	{ "\"verified\": {", "\"x\": {", "\"verified\"" },
	{ "\"links\": [", "\"links\": [1,", "\"links\"" },
	{ "\"host\": \"x86_64\"", "\"host\": 7", "\"host\"" },
	{ "\"host\"", "\"id\"", "line" },
	{ "}", "", "line" },
};

TEST_EACH(what_is_spoiled_is_named, spoiled)
{
	char *at = strstr(text, row->from), *bad;

	ck_assert_ptr_nonnull(at);
	bad = xasprintf("%.*s%s%s", (int)(at - text), text, row->to,
			at + strlen(row->from));
	ck_assert_int_eq(toolchain_installed_decode(&got, bytes_str(bad), &err),
			 -EINVAL);
	ck_assert_msg(strstr(err.text, row->names) != NULL, "%s", err.text);
	ck_assert_ptr_null(got.id);
	free(bad);
}

TEST(other_json_is_none)
{
	ck_assert_int_eq(
		toolchain_installed_decode(&got, bytes_str("[]"), &err),
		-EINVAL);
	ck_assert_int_eq(toolchain_installed_decode(&got, bytes_str(""), &err),
			 -EINVAL);
}

TEST(bytes_that_are_no_text_do_not_matter)
{
	char *odd;

	strv_add(&t.links, "/home/\xff/a");
	odd = toolchain_installed_encode(&t);
	must(toolchain_installed_decode(&got, bytes_str(odd), &err));
	ck_assert_str_eq(got.links.v[1], "/home/\xef\xbf\xbd/a");
	free(odd);
}
