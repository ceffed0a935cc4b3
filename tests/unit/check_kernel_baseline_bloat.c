/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/baseline.h"

#include "../lib/test.h"
#include "base/elf.h"
#include "kernel-tree.h"

/* Symbols that nm(1) omits or prints differently. */
static const char *const sources[] = {
	"static int local_bss[4]; int data[3] = {1}; const int ro[5] = {2};\n"
	"static const char text[] = \"x\";\n"
	"int common_or_bss; extern int elsewhere;\n"
	"__attribute__((weak)) int weak_data = 1;\n"
	"__attribute__((weak)) int weak_code(void) { return 1; }\n"
	"static __attribute__((noinline)) int code(int a) { return a * 7; }\n"
	"__attribute__((section(\".init.text\"))) int init(void) { return 2; }\n"
	"__attribute__((section(\".init.data\"))) int init_data = 3;\n"
	"int use(void) { return code(elsewhere) + local_bss[1] + text[0]; }\n"
	"__thread int per_thread; int linux_banner = 1, __mod_x = 2;\n",
	"int data[4] = {1}; static int s; int grown(void) { static int x = 1;\n"
	"return x++ + s++; }\n"
	"int use(void) { static int x = 5; return x++; }\n",
};

static void compile(int which, const char *out)
{
	char *c = at("a.c");
	char *command = xasprintf("gcc -O2 -fno-pic -c -o '%s' '%s'", out, c);
	struct err err;

	must(fs_write(c, bytes_str(sources[which]), 0644, &err));
	ck_assert_int_eq(system(command), 0);
	free(command);
	free(c);
}

static void add_symbol(void *ctx, const struct elf_symbol *s)
{
	strv_addf(ctx, "%016llx %c %s", (unsigned long long)s->size, s->type,
		  s->name);
}

static void compare_with_nm(const char *path)
{
	char *command = xasprintf("nm --size-sort '%s' | LC_ALL=C sort", path);
	struct strv got = { 0 };
	FILE *nm = popen(command, "r");
	struct err err;
	char line[512];
	size_t n = 0;

	must(elf_symbols_read(path, add_symbol, &got, &err));
	strv_sort(&got);
	for (; fgets(line, sizeof(line), nm); n++) {
		line[strcspn(line, "\n")] = '\0';
		ck_assert_uint_lt(n, got.n);
		ck_assert_str_eq(got.v[n], line);
	}
	ck_assert_uint_eq(n, got.n);
	ck_assert_uint_gt(n, 0);
	pclose(nm);
	strv_release(&got);
	free(command);
}

FIXTURE(tree_set_up, tree_tear_down);

TEST_RANGE(symbols_of_an_object_match_nm, 0, 2)
{
	char *path = at("a.o");

	compile(_i, path);
	compare_with_nm(path);
	free(path);
}

/* The test program has some thousands of symbols. */
TEST(symbols_of_a_program_match_nm)
{
	char *path = realpath("/proc/self/exe", NULL);

	compare_with_nm(path);
	free(path);
}

TEST(the_text_lists_added_removed_and_grown_symbols)
{
	char *old = at("old.o"), *new = at("new.o");
	struct buf out = { 0 };
	struct err err = { 0 };
	const char *text;

	compile(0, old);
	compile(1, new);
	must(kernel_bloat_text(&out, old, new, &err));
	text = buf_str(&out);
	ck_assert_msg(str_starts(text, "add/remove: 3/"), "%s", text);
	text_has(text, "data                                          "
		       "12      16      +4\n");
	/* "x.0" and "x.1" count as one symbol. */
	text_has(text, "x                                             "
		       " -       8      +8\n");
	text_has(text, "ro                                            "
		       "20       -     -20\n");
	ck_assert_ptr_null(strstr(text, "linux_banner"));
	ck_assert_ptr_null(strstr(text, "weak"));
	text_has(text, "\nTotal: Before=");
	buf_release(&out);
	free(old);
	free(new);
}

TEST(equal_files_have_no_differences)
{
	char *path = at("a.o");
	struct buf out = { 0 };
	struct err err;

	compile(0, path);
	must(kernel_bloat_text(&out, path, path, &err));
	text_starts(buf_str(&out),
		    "add/remove: 0/0 grow/shrink: 0/0 up/down: 0/0 "
		    "(0)\n");
	text_ends(buf_str(&out), ", chg +0.00%\n");
	buf_release(&out);
	free(path);
}

TEST(missing_invalid_and_stripped_files_are_rejected)
{
	char *path = at("a.o"), *bad = at("bad.o"), *command;
	struct buf out = { 0 }, bytes = { 0 };
	struct err err;

	compile(0, path);
	ck_assert_int_eq(kernel_bloat_text(&out, "/nonexistent", path, &err),
			 -ENOENT);
	ck_assert_int_eq(kernel_bloat_text(&out, path, "/dev/null", &err),
			 -ENOEXEC);
	text_has(err.text, "/dev/null");
	ck_assert_int_eq(kernel_bloat_text(&out, path, top, &err), -ENOEXEC);
	/* A truncated file has fewer symbols or is rejected. */
	must(fs_read(path, 1 << 20, &bytes, &err));
	for (size_t n = 0; n < bytes.len; n += 13) {
		must(fs_write(bad, bytes_of(bytes.data, n), 0644, &err));
		kernel_bloat_text(&out, path, bad, &err);
	}
	/* An inverted byte must not cause a crash. */
	for (size_t i = 0; i < bytes.len; i += 3) {
		bytes.data[i] ^= 0xff;
		must(fs_write(bad, buf_bytes(&bytes), 0644, &err));
		kernel_bloat_text(&out, bad, path, &err);
		bytes.data[i] ^= 0xff;
	}
	command = xasprintf("strip -o '%s' '%s'", bad, path);
	ck_assert_int_eq(system(command), 0);
	free(command);
	ck_assert_int_eq(kernel_bloat_text(&out, bad, path, &err), -ENODATA);
	text_has(err.text, "stripped");
	buf_release(&bytes);
	buf_release(&out);
	free(path);
	free(bad);
}
