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

TEST(an_encoded_toolchain_decodes_to_the_same_values)
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

TEST(an_adopted_toolchain_is_encoded_with_its_tools)
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

TEST(unset_values_are_encoded_as_null_and_stay_unset)
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

/* A replacement that makes the text invalid, and a part of the error. */
static const struct {
	const char *from, *to, *error;
} invalid_edits[] = {
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

TEST_EACH(an_error_names_the_invalid_key_or_line, invalid_edits)
{
	char *match = strstr(text, row->from), *edited;

	ck_assert_ptr_nonnull(match);
	edited = xasprintf("%.*s%s%s", (int)(match - text), text, row->to,
			   match + strlen(row->from));
	ck_assert_int_eq(
		toolchain_installed_decode(&got, bytes_str(edited), &err),
		-EINVAL);
	ck_assert_msg(strstr(err.text, row->error) != NULL, "%s", err.text);
	ck_assert_ptr_null(got.id);
	free(edited);
}

TEST(a_text_that_is_not_a_json_object_is_rejected)
{
	ck_assert_int_eq(
		toolchain_installed_decode(&got, bytes_str("[]"), &err),
		-EINVAL);
	ck_assert_int_eq(toolchain_installed_decode(&got, bytes_str(""), &err),
			 -EINVAL);
}

TEST(invalid_utf8_is_replaced_by_u_fffd)
{
	char *encoded;

	strv_add(&t.links, "/home/\xff/a");
	encoded = toolchain_installed_encode(&t);
	must(toolchain_installed_decode(&got, bytes_str(encoded), &err));
	ck_assert_str_eq(got.links.v[1], "/home/\xef\xbf\xbd/a");
	free(encoded);
}
