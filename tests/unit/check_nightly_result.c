/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: nightly */
#include "nightly/result.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

static char dir[TEMPDIR_SIZE];

static void set_up(void)
{
	tempdir_make(dir);
}

static void tear_down(void)
{
	tempdir_remove(dir);
}

static void fill(struct nightly_result *r)
{
	*r = (struct nightly_result){
		.name = xstrdup("neo4"),
		.arch = xstrdup("arm64"),
		.config = xstrdup("defconfig"),
		.toolchain = xstrdup("gcc-13.3.0"),
		.build = xstrdup("arm64-defconfig-gcc-13"),
		.number = 7,
		.began_s = 1700000000,
		.wall_ms = 1234,
		.commit = xstrdup("0123456789012345678901234567890123456789"),
		.subject = xstrdup("a \"quoted\" \x1b[31msubject \xff"),
		.config_id = xstrdup("c"),
		.toolchain_id = xstrdup("t"),
		.options_id = xstrdup("o"),
		.decision = NIGHTLY_DECISION_RETRY,
		.end = NIGHTLY_END_BROKEN,
		.status = 130,
		.timed_out = true,
		.history_id = 12,
		.n_errors = 1,
		.n_new_errors = 2,
		.n_warnings = 3,
		.n_new_warnings = 4,
		.bisect = { .first_bad = xstrdup("f"), .n_builds = 5 },
	};
	strv_add(&r->messages, "a.c:1: error: x");
	strv_add(&r->bisect.candidates, "123456789012 one");
}

FIXTURE(set_up, tear_down);

TEST(a_result_can_be_written_and_read_back)
{
	struct nightly_result a, b;
	struct err err = { 0 };

	fill(&a);
	must(nightly_result_write(&a, dir, &err));
	must(nightly_result_read(&b, dir, &err));
	ck_assert_str_eq(b.name, "neo4");
	ck_assert_str_eq(b.build, "arm64-defconfig-gcc-13");
	ck_assert_ptr_null(b.describe);
	/* JSON contains only UTF-8. */
	ck_assert_str_eq(b.subject,
			 "a \"quoted\" \x1b[31msubject \xef\xbf\xbd");
	ck_assert_uint_eq(b.number, 7);
	ck_assert_int_eq(b.began_s, 1700000000);
	ck_assert_uint_eq(b.wall_ms, 1234);
	ck_assert_int_eq(b.decision, NIGHTLY_DECISION_RETRY);
	ck_assert_int_eq(b.end, NIGHTLY_END_BROKEN);
	ck_assert_int_eq(b.status, 130);
	ck_assert(b.timed_out);
	ck_assert_int_eq(b.history_id, 12);
	ck_assert_uint_eq(b.n_errors, 1);
	ck_assert_uint_eq(b.n_new_errors, 2);
	ck_assert_uint_eq(b.n_warnings, 3);
	ck_assert_uint_eq(b.n_new_warnings, 4);
	ck_assert_str_eq(b.bisect.first_bad, "f");
	ck_assert_uint_eq(b.bisect.n_builds, 5);
	ck_assert_uint_eq(b.messages.n, 1);
	ck_assert_str_eq(b.bisect.candidates.v[0], "123456789012 one");
	ck_assert_str_eq(b.dir, dir);
	nightly_result_release(&a);
	nightly_result_release(&b);
}

TEST(reading_a_missing_result_returns_enoent)
{
	struct nightly_result r;
	struct err err = { 0 };

	ck_assert_int_eq(nightly_result_read(&r, dir, &err), -ENOENT);
}

/* Replacements of the first word in a valid file. */
static const struct damage {
	const char *find, *put, *error;
} damages[] = {
	{ "{", "", "line 2: '[' or '{' expected near '\"name\"'" },
	{ "\"number\": 7", "\"number\": 0", "missing or invalid \"number\"" },
	{ "\"number\": 7", "\"number\": -1", "missing or invalid \"number\"" },
	{ "\"number\": 7", "\"number\": \"7\"",
	  "missing or invalid \"number\"" },
	{ "\"began\": 1700000000", "\"begun\": 1700000000",
	  "missing or invalid \"began\"" },
	{ "\"began\": 1700000000", "\"began\": -9223372036854775808",
	  "missing or invalid \"began\"" },
	{ "\"errors\": 1", "\"errors\": 4294967296",
	  "missing or invalid \"errors\"" },
	{ "\"status\": 130", "\"status\": 256",
	  "missing or invalid \"status\"" },
	{ "\"broken\"", "\"gone\"", "missing or invalid \"end\"" },
	{ "\"retry\"", "7", "missing or invalid \"decision\"" },
	{ "\"arm64\"", "null", "missing or invalid \"arch\"" },
	{ "\"commit\":", "\"comment\":", "missing or invalid \"commit\"" },
	{ "}\n", "", "line 36: '}' expected near end of file" },
};

TEST_EACH(a_damaged_result_file_is_rejected, damages)
{
	char *path = xasprintf("%s/" NIGHTLY_RESULT_FILE, dir), *error;
	struct buf text = { 0 }, damaged = { 0 };
	struct nightly_result r;
	struct err err = { 0 };
	const char *at;

	fill(&r);
	must(nightly_result_write(&r, dir, &err));
	nightly_result_release(&r);
	must(fs_read(path, 1 << 20, &text, &err));
	at = strstr(buf_str(&text), row->find);
	ck_assert_ptr_nonnull(at);
	buf_add(&damaged, text.data, (size_t)(at - buf_str(&text)));
	buf_printf(&damaged, "%s%s", row->put, at + strlen(row->find));
	must(fs_write(path, buf_bytes(&damaged), 0644, &err));
	ck_assert_int_eq(nightly_result_read(&r, dir, &err), -EINVAL);
	error = xasprintf("%s: %s", path, row->error);
	ck_assert_str_eq(err.text, error);
	ck_assert_ptr_null(r.name);
	free(error);
	buf_release(&text);
	buf_release(&damaged);
	free(path);
}
