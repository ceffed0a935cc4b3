/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
#include "../lib/settle.h"
#include "../lib/test.h"

#include "inputs/fixdep.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/vec.h"

/* Limits of the read cache: age of a list in microseconds, number of lists. */
#define AGE_MAX   5000000
#define LISTS_MAX 64

static char top[32], *w, *x; /* `w` and `x` are directories below `top` */
static struct inputs_fixdep *fixdep;
static uint64_t now_us;

/* The linker prefers these functions to those of base/clock.c. */
uint64_t clock_us(void)
{
	return now_us;
}

uint64_t clock_ms(void)
{
	return now_us / 1000;
}

uint64_t clock_cpu_us(void)
{
	return 0;
}

static void write_file(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", top, name);
	struct err err;

	must(fs_write(path, bytes_str(text), 0700, &err));
	free(path);
}

static void remove_file(const char *name)
{
	char *path = xasprintf("%s/%s", top, name);

	ck_assert_int_eq(unlink(path), 0);
	free(path);
}

/* Return the stamp of a file once any change of the file alters the stamp. */
static struct file_stamp stamp_of_file(const char *name)
{
	char *path = xasprintf("%s/%s", top, name);
	struct file_stamp out = settle(path);

	free(path);
	return out;
}

/* Write a program `name` that the cache directory records as `version`. */
static void write_program(const char *name, const char *version)
{
	char *content = xasprintf("\177ELF %s", version), *record;
	char hex[DIGEST_HEX];
	struct digest d;
	struct err err;

	write_file(name, content);
	digest_bytes(bytes_str(content), &d);
	digest_format(&d, hex);
	record = xasprintf("%s/cache/fixdep-%s", top, hex);
	must(fs_write(record, bytes_str(version), 0600, &err));
	free(record);
	free(content);
}

static void setup(void)
{
	struct err err;
	char *cache;

	strcpy(top, "/tmp/kfarm-check-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	cache = xasprintf("%s/cache", top);
	w = xasprintf("%s/w", top);
	x = xasprintf("%s/x", top);
	must(fs_mkdirs(cache, 0700, &err));
	must(fs_mkdirs(w, 0700, &err));
	must(fs_mkdirs(x, 0700, &err));
	write_program("fixdep0", "6.1");
	write_program("fixdep1", "6.12");
	stamp_of_file("fixdep1");
	now_us = 10;
	fixdep = inputs_fixdep_new(cache, top);
	free(cache);
	write_file("a.c", "CONFIG_A xCONFIG_NO _CONFIG_NO CONFIG_B_MODULE\n"
			  "CONFIG_ CONFIG__MODULE CONFIG_CONFIG_C\n");
	write_file("b.h", "IS_ENABLED(CONFIG_B) CONFIG_A CONFIG_D");
	write_file("c.so", "CONFIG_SO");
	write_file("#d:.h", "CONFIG_E");
}

static void teardown(void)
{
	struct err err;

	inputs_fixdep_free(fixdep);
	fs_remove(top, &err);
	free(w);
	free(x);
}

/* Run the program `name` of the directory `top` in `cwd`. */
static int run_in(const char *cwd, const char *name, const char *depfile,
		  struct buf *out)
{
	char *program = xasprintf("%s/%s", top, name);
	const struct inputs_fixdep_call call = { .cwd = cwd,
						 .depfile = depfile,
						 .target = "u.o" };
	struct buf rest = { 0 };
	struct err err;
	int ret = inputs_fixdep_run(fixdep, program, &call, out, &rest, &err);

	buf_add_str(out, "CMD");
	buf_add_bytes(out, buf_bytes(&rest));
	buf_release(&rest);
	free(program);
	return ret;
}

/* Run the fixdep of Linux 6.1. */
static int run(struct buf *out)
{
	return run_in(top, "fixdep0", "u.d", out);
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

TEST_EACH(the_output_equals_that_of_each_fixdep_version, calls)
{
	for (int i = 0; i < 2; i++) {
		const char *want = row->text[i];
		struct buf out = { 0 };
		int ret;

		write_file("u.d", row->deps);
		ret = run_in(top, i ? "fixdep1" : "fixdep0", "u.d", &out);
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
			ck_assert_int_eq(run(&out), 0);
			text_has(buf_str(&out), i % 2 ? "/X1)" : "/X0)");
			ck_assert_ptr_null(
				strstr(buf_str(&out), i % 2 ? "/X0)" : "/X1)"));
		}
	}
	buf_release(&out);
}

/* The state that the compile read counts, not a later one. */
TEST(a_recently_verified_file_is_not_read_again)
{
	struct cpp_file files[] = { { .path = (char *)"a.c" },
				    { .path = (char *)"./b.h" } };
	struct inputs_manifest m = { .closure = { .n_files = 2,
						  .files = files } };
	struct buf out = { 0 };

	/* Lists are recorded after the first call. */
	ck_assert_int_eq(run(&out), -ENOENT);
	write_file("u.d", "u.o: a.c b.h\n");
	files[0].stamp = stamp_of_file("a.c");
	files[1].stamp = stamp_of_file("b.h");
	/* A file that is not in the cache is read. */
	inputs_fixdep_add_verified(fixdep, &m, top, "u.d");
	buf_reset(&out);
	ck_assert_int_eq(run(&out), 0);
	text_has(buf_str(&out), "/D)");
	write_file("b.h", "CONFIG_LATER");
	inputs_fixdep_add_verified(fixdep, &m, top, "u.d");
	buf_reset(&out);
	ck_assert_int_eq(run(&out), 0);
	text_has(buf_str(&out), "/D)");
	buf_reset(&out);
	ck_assert_int_eq(run(&out), 0);
	text_has(buf_str(&out), "/LATER)");
	/* Now the cache has another version, so the file is read again. */
	inputs_fixdep_add_verified(fixdep, &m, top, "u.d");
	buf_reset(&out);
	ck_assert_int_eq(run(&out), 0);
	text_has(buf_str(&out), "/LATER)");
	buf_release(&out);
}

TEST(a_directory_or_an_unknown_program_is_an_error)
{
	struct buf out = { 0 };
	char *path = xasprintf("%s/dir", top);

	ck_assert_int_eq(mkdir(path, 0755), 0);
	write_file("u.d", "u.o: a.c dir\n");
	ck_assert_int_eq(run(&out), -EINVAL);
	ck_assert_int_eq(run_in(top, "unknown", "u.d", &out), -ENOTSUP);
	free(path);
	buf_release(&out);
}

/* ----------------------------------------------------------- the read cache */

static struct cpp_file files[] = {
	{ .path = (char *)"../a.c" },
	{ .path = (char *)"./b.h" },
	{ .path = NULL }, /* top/c.h */
};
static const struct inputs_manifest manifest = {
	.closure = { .n_files = 3, .files = files },
};

/*
 * Create the files of `manifest` for compiles in `w`, and the file w/a.c, which
 * is the same file as ../a.c.  Write a depfile for each test.
 */
static void read_cache_setup(void)
{
	static const char *const depfiles[] = { "w/u.d",     "w/v.d",
						"w/x.d",     "x/u.d",
						"w/first.d", "w/last.d",
						"w/new.d" };
	char *from, *to, *deps;

	setup();
	from = xasprintf("%s/a.c", top);
	to = xasprintf("%s/a.c", w);
	ck_assert_int_eq(link(from, to), 0);
	write_file("w/b.h", "CONFIG_B");
	write_file("c.h", "CONFIG_C");
	free(files[2].path);
	files[2].path = xasprintf("%s/c.h", top);
	deps = xasprintf("u.o: %s\n", files[2].path);
	for (size_t i = 0; i < ARRAY_SIZE(depfiles); i++)
		write_file(depfiles[i], deps);
	files[0].stamp = stamp_of_file("a.c");
	files[1].stamp = stamp_of_file("w/b.h");
	files[2].stamp = stamp_of_file("c.h");
	free(deps);
	free(from);
	free(to);
}

static void read_cache_teardown(void)
{
	free(files[2].path);
	files[2].path = NULL;
	teardown();
}

/*
 * Let fixdep read c.h, and remove the file.  From then on, a run succeeds only
 * if its list of verified files contains c.h.
 */
static void read_and_remove(const char *depfile)
{
	struct buf out = { 0 };

	ck_assert_int_eq(run_in(w, "fixdep0", depfile, &out), 0);
	buf_release(&out);
	remove_file("c.h");
}

static void keep(const char *cwd, const char *depfile)
{
	inputs_fixdep_add_verified(fixdep, &manifest, cwd, depfile);
}

static bool takes(const char *cwd, const char *depfile)
{
	struct buf out = { 0 };
	int ret = run_in(cwd, "fixdep0", depfile, &out);

	ck_assert(!ret || ret == -ENOENT);
	buf_release(&out);
	return !ret;
}

FIXTURE(read_cache_setup, read_cache_teardown);

TEST(verified_files_are_found_by_name_in_any_order)
{
	char *deps = xasprintf("u.o: %s/c.h ../a.c ./b.h b.h %s/c.h ../a.c "
			       "./b.h b.h\n",
			       top, top);
	struct buf want = { 0 }, out = { 0 };

	write_file("w/u.d", deps);
	write_file("w/v.d", "u.o: a.c\n");
	ck_assert_int_eq(run_in(w, "fixdep0", "u.d", &want), 0);
	text_has(buf_str(&want), "/A)");
	text_has(buf_str(&want), "/B)");
	text_has(buf_str(&want), "/C)");
	ck_assert_int_eq(run_in(w, "fixdep0", "v.d", &out), 0);
	remove_file("a.c");
	remove_file("w/a.c");
	remove_file("w/b.h");
	remove_file("c.h");
	keep(w, "u.d");
	buf_reset(&out);
	ck_assert_int_eq(run_in(w, "fixdep0", "u.d", &out), 0);
	ck_assert_str_eq(buf_str(&out), buf_str(&want));
	/* "a.c" is another name than "../a.c". */
	keep(w, "v.d");
	ck_assert(!takes(w, "v.d"));
	buf_release(&want);
	buf_release(&out);
	free(deps);
}

TEST(an_empty_manifest_verifies_no_file)
{
	const struct inputs_manifest none = { 0 };

	read_and_remove("u.d");
	inputs_fixdep_add_verified(fixdep, &none, w, "u.d");
	ck_assert(!takes(w, "u.d"));
}

TEST(a_list_is_used_once_for_its_directory_and_depfile)
{
	read_and_remove("u.d");
	keep(w, "u.d");
	keep(w, "v.d");
	now_us++;
	ck_assert(!takes(w, "x.d"));
	ck_assert(!takes(x, "u.d"));
	ck_assert(takes(w, "u.d"));
	ck_assert(!takes(w, "u.d"));
	ck_assert(takes(w, "v.d"));
}

TEST(an_expired_list_is_not_used)
{
	read_and_remove("u.d");
	keep(w, "u.d");
	now_us += AGE_MAX;
	ck_assert(!takes(w, "u.d"));
	keep(w, "u.d");
	now_us += AGE_MAX - 1;
	ck_assert(takes(w, "u.d"));
}

TEST(the_oldest_and_expired_lists_are_removed)
{
	read_and_remove("u.d");
	for (int i = 0; i < LISTS_MAX; i++)
		keep(w, i ? "u.d" : "first.d");
	keep(w, "last.d");
	ck_assert(!takes(w, "first.d"));
	ck_assert(takes(w, "last.d"));
	now_us += AGE_MAX;
	keep(w, "new.d");
	now_us -= AGE_MAX;
	ck_assert(!takes(w, "u.d"));
	now_us += AGE_MAX;
	ck_assert(takes(w, "new.d"));
}

TEST(lists_are_recorded_after_the_first_run)
{
	keep(w, "u.d");
	read_and_remove("v.d");
	ck_assert(!takes(w, "u.d"));
	keep(w, "u.d");
	ck_assert(takes(w, "u.d"));
}
