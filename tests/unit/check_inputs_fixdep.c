/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
#include "../lib/test.h"

#include "inputs/fixdep.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(*(table))))

static char top[32];
static struct inputs_config_symbol_table *table;

static void write_file(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", top, name);
	struct err err;

	must(fs_write(path, bytes_str(text), 0644, &err));
	free(path);
}

static void setup(void)
{
	strcpy(top, "/tmp/kfarm-check-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	table = inputs_config_symbols_new();
	write_file("a.c", "CONFIG_A xCONFIG_NO _CONFIG_NO CONFIG_B_MODULE\n"
			  "CONFIG_ CONFIG__MODULE CONFIG_CONFIG_C\n");
	write_file("b.h", "IS_ENABLED(CONFIG_B) CONFIG_A CONFIG_D");
	write_file("c.so", "CONFIG_SO");
	write_file("#d:.h", "CONFIG_E");
}

static void teardown(void)
{
	struct err err;

	inputs_config_symbols_free(table);
	fs_remove(top, &err);
}

static int run_seen(enum inputs_fixdep_kind kind,
		    struct inputs_verified_files *seen, struct buf *out)
{
	struct inputs_fixdep_call call = {
		.kind = kind,
		.cwd = top,
		.depfile = "u.d",
		.target = "u.o",
		.verified_files = seen,
	};
	struct buf rest = { 0 };
	struct err err;
	int ret = inputs_fixdep_generate(table, &call, out, &rest, &err);

	buf_add_str(out, "CMD");
	buf_add_bytes(out, buf_bytes(&rest));
	buf_release(&rest);
	return ret;
}

static int run(enum inputs_fixdep_kind kind, struct buf *out)
{
	return run_seen(kind, NULL, out);
}

#define SYMBOL(name) "    $(wildcard include/config/" name ") \\\n"
#define END          "\nu.o: $(deps_u.o)\n\n$(deps_u.o):\n"
#define START(v)     v "_u.o := CMD\n\nsource_u.o := a.c\n\ndeps_u.o := \\\n"
#define OF_A         SYMBOL("A") SYMBOL("B") SYMBOL("CONFIG_C")

/* Output and exit status of the programs of 6.1 and 6.12. */
static const struct {
	const char *deps;
	const char *text[2]; /* NULL: an error */
} calls[] = {
	{ "u.o: a.c b.h\n",
	  { START("cmd") OF_A "  b.h \\\n" SYMBOL("D") END,
	    START("savedcmd") OF_A "  b.h \\\n" SYMBOL("D") END } },
	{ "u.o: a.c \\\n b.h b.h\n",
	  { START("cmd") OF_A "  b.h \\\n" SYMBOL("D") "  b.h \\\n" END,
	    START("savedcmd") OF_A "  b.h \\\n" SYMBOL("D") END } },
	{ "u.o: a.c include/generated/autoconf.h\n",
	  { START("cmd") OF_A END, START("savedcmd") OF_A END } },
	{ "u.o: a.c include/generated/autoksyms.h\n",
	  { START("cmd") OF_A END, NULL } },
	{ "u.o: a.c c.so\n",
	  { START("cmd") OF_A "  c.so \\\n" SYMBOL("SO") END,
	    START("savedcmd") OF_A "  c.so \\\n" END } },
	{ "u.o: a.c\nv.o: a.c b.h\n",
	  { START("cmd") OF_A "  b.h \\\n" SYMBOL("D") END,
	    START("savedcmd") OF_A "  b.h \\\n" SYMBOL("D") END } },
	{ "u.o : a.c\n", { NULL, START("savedcmd") OF_A END } },
	{ "u.o: a.c \\#d\\:.h\n",
	  { NULL, START("savedcmd") OF_A "  #d:.h \\\n" SYMBOL("E") END } },
	{ "u.o: a.c # b.h\n", { NULL, START("savedcmd") OF_A END } },
	{ "u.o: a.c nosuch.h\n", { NULL, NULL } },
	{ "", { NULL, NULL } },
	{ "u.o\n", { NULL, NULL } },
};

FIXTURE(setup, teardown);

TEST_EACH(it_says_what_the_program_says, calls)
{
	for (int i = 0; i < 2; i++) {
		const char *want = row->text[i];
		struct buf out = { 0 };
		int ret;

		write_file("u.d", row->deps);
		ret = run(INPUTS_FIXDEP_KIND_6_1 + (unsigned)i, &out);
		ck_assert_msg(!ret == !!want, "%d: %d\n%s", i, ret,
			      buf_str(&out));
		if (want)
			ck_assert_str_eq(buf_str(&out), want);
		buf_release(&out);
	}
}

TEST(a_file_that_changes_is_read_again)
{
	struct buf out = { 0 };

	write_file("u.d", "u.o: a.c b.h\n");
	for (int i = 0; i < 60; i++) {
		write_file("b.h", i % 2 ? "CONFIG_X1" : "CONFIG_X0");
		/* Some results come from the cache. */
		if (i > 50)
			usleep(40000);
		for (int k = 0; k < 2; k++) {
			buf_reset(&out);
			ck_assert_int_eq(run(INPUTS_FIXDEP_KIND_6_1, &out), 0);
			text_has(buf_str(&out), i % 2 ? "/X1)" : "/X0)");
			ck_assert_ptr_null(
				strstr(buf_str(&out), i % 2 ? "/X0)" : "/X1)"));
		}
	}
	buf_release(&out);
}

static struct file_stamp stamp_of_file(const char *name)
{
	char *path = xasprintf("%s/%s", top, name);
	struct file_stamp out;
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	file_stamp_from_stat(&out, &st);
	ck_assert(file_stamp_wait(&out));
	free(path);
	return out;
}

/* The state that the compile read counts, not a later one. */
TEST(a_file_that_was_just_seen_is_not_looked_at)
{
	struct cpp_file files[] = { { .path = (char *)"a.c" },
				    { .path = (char *)"./b.h" } };
	struct inputs_manifest m = { .closure = { .n_files = 2,
						  .files = files } };
	struct inputs_verified_files *seen;
	struct buf out = { 0 };

	write_file("u.d", "u.o: a.c b.h\n");
	files[0].stamp = stamp_of_file("a.c");
	files[1].stamp = stamp_of_file("b.h");
	seen = inputs_verified_files_new(&m, top, "u.d", 1);
	/* A file that is not in the cache is read. */
	ck_assert_int_eq(run_seen(INPUTS_FIXDEP_KIND_6_1, seen, &out), 0);
	text_has(buf_str(&out), "/D)");
	write_file("b.h", "CONFIG_LATER");
	buf_reset(&out);
	ck_assert_int_eq(run_seen(INPUTS_FIXDEP_KIND_6_1, seen, &out), 0);
	text_has(buf_str(&out), "/D)");
	buf_reset(&out);
	ck_assert_int_eq(run(INPUTS_FIXDEP_KIND_6_1, &out), 0);
	text_has(buf_str(&out), "/LATER)");
	/* Now the cache has another version, so the file is read again. */
	buf_reset(&out);
	ck_assert_int_eq(run_seen(INPUTS_FIXDEP_KIND_6_1, seen, &out), 0);
	text_has(buf_str(&out), "/LATER)");
	inputs_verified_files_free(seen);
	buf_release(&out);
}

TEST(what_is_no_plain_file_is_for_the_program)
{
	struct buf out = { 0 };
	char *path = xasprintf("%s/dir", top);

	ck_assert_int_eq(mkdir(path, 0755), 0);
	write_file("u.d", "u.o: a.c dir\n");
	ck_assert_int_eq(run(INPUTS_FIXDEP_KIND_6_1, &out), -EINVAL);
	ck_assert_int_eq(run(INPUTS_FIXDEP_KIND_UNKNOWN, &out), -ENOTSUP);
	free(path);
	buf_release(&out);
}
