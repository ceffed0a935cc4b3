/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
#include "../lib/test.h"

#include "peer/canary-db.h"

#include "base/spawn.h"
#include "base/which.h"
#include "options/allowlist.h"

static char dir[32];

static void set_up(void)
{
	strcpy(dir, "/tmp/kfarm-check-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void tear_down(void)
{
	struct err err;

	must(fs_remove(dir, &err));
}

static const char *const machines[] = {
	"aarch64-linux", "arm-linux-gnueabi", "x86_64-linux-gnu",
	"riscv64-linux", "m68k-linux",        "clang",
};

TIMEOUT(60);

TEST(at_least_12_sorted_canary_sources_are_built_in)
{
	const struct peer_canary_source *v;
	size_t n;

	v = peer_canary_db_sources(&n);
	ck_assert_uint_ge(n, 12);
	for (size_t i = 0; i < n; i++) {
		ck_assert(str_ends(v[i].name, ".c") ||
			  str_ends(v[i].name, ".S"));
		ck_assert_uint_gt(v[i].text.len, 100);
		ck_assert_int_eq(v[i].text.data[v[i].text.len - 1], '\n');
		if (i)
			ck_assert_int_lt(strcmp(v[i - 1].name, v[i].name), 0);
	}
}

static bool has_flag(const char *machine, const char *source, const char *flag)
{
	struct strv argv = { 0 };
	bool has;

	peer_canary_db_flags(&argv, machine, source);
	has = strv_has(&argv, flag);
	strv_release(&argv);
	return has;
}

TEST(flags_depend_on_the_machine_and_the_source)
{
	ck_assert(has_flag("aarch64-linux-gnu", "loops.c", "-mabi=lp64"));
	ck_assert(!has_flag("aarch64-linux-gnu", "loops.c", "-m64"));
	ck_assert(!has_flag("aarch64-linux-gnu", "loops.c", "-marm"));
	ck_assert(has_flag("arm-linux-gnueabi", "loops.c", "-marm"));
	ck_assert(!has_flag("armv7-linux", "loops.c", "-marm"));
	ck_assert(has_flag("m68k-linux", "debug.c", "-g3"));
	ck_assert(!has_flag("m68k-linux", "loops.c", "-g3"));
	ck_assert(has_flag("clang", "structures.c",
			   "-Wa,--compress-debug-sections"));
	ck_assert(has_flag("m68k-linux", "loops.c", "-O2"));
	ck_assert(!has_flag("m68k-linux", "loops.c", "#"));
}

/* Nodes accept each option, so that none is silently omitted. */
TEST_EACH(nodes_accept_every_canary_option, machines)
{
	const struct peer_canary_source *v;
	size_t n;

	v = peer_canary_db_sources(&n);
	for (size_t i = 0; i < n; i++) {
		struct options_flags flags = { 0 };
		struct options_command c;
		struct strv argv = { 0 };
		struct err err;

		strv_add(&argv, "gcc");
		peer_canary_db_flags(&argv, *row, v[i].name);
		strv_add(&argv, "-c");
		strv_add(&argv, "-o");
		strv_add(&argv, "x.o");
		strv_add(&argv, v[i].name);
		options_command_parse(&c, argv.v);
		ck_assert_msg(c.class == OPTIONS_CLASS_REMOTE, "%s: %s",
			      v[i].name, reason_text(c.reason));
		ck_assert_msg(!options_allowlist_make_flags(&flags, &c, &err),
			      "%s: %s", v[i].name, err.text);
		options_flags_release(&flags);
		options_command_release(&c);
		strv_release(&argv);
	}
}

TEST(two_computations_of_the_sources_digest_are_equal)
{
	struct digest a, b;

	peer_canary_db_digest(&a);
	peer_canary_db_digest(&b);
	ck_assert(digest_equal(&a, &b));
}

/*
 * Compilers that differ only in atomics on arm64, because of the last option.
 */
static const struct pair {
	const char *compiler, *machine, *other;
} pairs[] = {
	/* A clang that finds no gcc. */
	{ "clang-14", "clang", "--gcc-toolchain=/nowhere" },
	/* A gcc that was built with --disable-outline-atomics. */
	{ "aarch64-linux-gnu-gcc", "aarch64-linux-gnu",
	  "-mno-outline-atomics" },
};

static void compile_source(const struct pair *p, const char *compiler,
			   const struct peer_canary_source *source, bool other,
			   struct buf *object)
{
	struct spawn child = { .cwd = dir, .stdio_fds = { -1, -1, -1 } };
	char *path = xasprintf("%s/%s", dir, source->name);
	char *out = xasprintf("%s/x.o", dir);
	struct strv argv = { 0 };
	struct err err;
	pid_t pid;

	must(fs_write(path, source->text, 0600, &err));
	strv_add(&argv, compiler);
	peer_canary_db_flags(&argv, p->machine, source->name);
	strv_add(&argv, "-w");
	if (other)
		strv_add(&argv, p->other);
	strv_add(&argv, "-c");
	strv_add(&argv, "-o");
	strv_add(&argv, "x.o");
	strv_add(&argv, source->name);
	child.argv = argv.v;
	must(spawn_start(&child, &pid, &err));
	ck_assert_msg(!spawn_wait(pid), "%s: %s", compiler, source->name);
	must(fs_read(out, 1 << 22, object, &err));
	strv_release(&argv);
	free(path);
	free(out);
}

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST_EACH(the_canary_detects_compilers_that_differ_only_in_atomics, pairs)
{
	char *compiler = which_compiler(row->compiler, getenv("PATH"), NULL);
	const struct peer_canary_source *v;
	size_t n, differ = 0;

	v = peer_canary_db_sources(&n);
	for (size_t i = 0; i < n && compiler; i++) {
		struct buf plain = { 0 }, changed = { 0 };

		compile_source(row, compiler, &v[i], false, &plain);
		compile_source(row, compiler, &v[i], true, &changed);
		differ += !bytes_equal(buf_bytes(&plain), buf_bytes(&changed));
		buf_release(&plain);
		buf_release(&changed);
	}
	ck_assert(differ || !compiler);
	free(compiler);
}
