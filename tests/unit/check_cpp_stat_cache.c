/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/*
 * A tree that changes during scans.  Each result must equal gcc -M at that
 * time.
 */
#include "../lib/test.h"
#include "cpp-compare.h"
#include "cpp/walk.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

/* One unit that is scanned repeatedly while the tree changes. */
struct life {
	struct cpp_scanner *s;
	char *cc;
};

static void expect(struct life *l, const char *files)
{
	char *argv[] = { "cc", "-nostdinc", "-Iinc", "-Iinc2",
			 "-c", "unit.c",    NULL };
	char *text;
	enum compare_result r = compare_unit(l->s, l->cc, argv, &text);

	ck_assert_msg(r == COMPARE_EQUAL && strstr(text, files),
		      "%d, wanted %s\n%s", r, files, text);
	free(text);
}

static void absent(struct life *l)
{
	char *argv[] = { "cc", "-nostdinc", "-Iinc", "-Iinc2",
			 "-c", "unit.c",    NULL };
	char *text;

	ck_assert_int_eq(compare_unit(l->s, l->cc, argv, &text),
			 COMPARE_BROKEN);
	ck_assert_msg(strstr(text, "header not found"), "%s", text);
	free(text);
}

static struct life life_new(void)
{
	struct life l = { compare_scan(), compare_compiler("gcc") };

	ck_assert_ptr_nonnull(l.cc);
	compare_shell("mkdir inc inc2");
	return l;
}

static void life_free(struct life *l)
{
	cpp_scanner_free(l->s);
	free(l->cc);
}

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(300);

TEST(added_and_removed_headers_are_detected)
{
	struct life l = life_new();

	compare_file("unit.c", "#include <gen/x.h>\n");
	absent(&l);
	compare_file("inc2/gen/x.h", "");
	expect(&l, "inc2/gen/x.h\n");
	compare_file("inc/gen/x.h", "");
	expect(&l, "inc/gen/x.h\n");
	compare_shell("rm inc/gen/x.h");
	expect(&l, "inc2/gen/x.h\n");
	compare_shell("rm -r inc2/gen && mkdir -p inc2/gen/x.h");
	absent(&l);
	life_free(&l);
}

TEST(a_change_of_equal_size_within_a_clock_tick_is_detected)
{
	struct life l = life_new();

	compare_file("inc/a.h", "");
	compare_file("inc/b.h", "");
	compare_file("unit.c", "#include <x.h>\n");
	for (int i = 0; i < 60; i++) {
		compare_file("inc/x.h",
			     i % 2 ? "#include <a.h>\n" : "#include <b.h>\n");
		expect(&l, i % 2 ? "inc/a.h\n" : "inc/b.h\n");
	}
	life_free(&l);
}

TEST(a_directory_replaced_by_a_link_is_detected)
{
	struct life l = life_new();

	compare_file("unit.c", "#include <gen/x.h>\n");
	compare_file("other/x.h", "#include \"y.h\"\n");
	compare_file("other/y.h", "");
	compare_file("inc/gen/x.h", "");
	compare_file("inc2/gen/x.h", "");
	expect(&l, "inc/gen/x.h\n");
	compare_shell("rm -r inc/gen && ln -s ../other inc/gen");
	expect(&l, "inc/gen/y.h\n");
	compare_shell("mv other gone");
	expect(&l, "inc2/gen/x.h\n");
	/* The directory of the link itself does not change. */
	compare_shell("mv gone other");
	expect(&l, "inc/gen/y.h\n");
	compare_shell("rm inc2/gen/x.h inc/gen && ln -s gone.h inc2/gen/x.h");
	absent(&l);
	compare_shell("touch inc2/gen/gone.h");
	expect(&l, "inc2/gen/x.h\n");
	life_free(&l);
}

TEST(a_new_search_directory_is_detected)
{
	struct life l = life_new();

	compare_file("unit.c", "#include <x.h>\n");
	compare_shell("rmdir inc && touch inc2/x.h");
	expect(&l, "inc2/x.h\n");
	compare_file("inc/x.h", "");
	expect(&l, "inc/x.h\n");
	life_free(&l);
}

/* Several threads with one scanner, and a file that keeps changing. */
struct crowd {
	struct cpp_scanner *s;
	char *cc;
	atomic_int bad;
	pthread_barrier_t start;
};

static void *member(void *arg)
{
	struct crowd *c = arg;
	char *argv[] = { "cc", "-nostdinc", "-Iinc", "-c", "unit.c", NULL };

	for (int i = 0; i < 300; i++) {
		struct cpp_closure out;

		compare_closure(c->s, c->cc, argv, &out);
		if (!out.reason &&
		    (out.n_files != 3 || strcmp(out.files[1].path, "inc/x.h")))
			atomic_fetch_add(&c->bad, 1);
		cpp_closure_release(&out);
	}
	return NULL;
}

TEST(threads_share_a_scanner_while_files_change)
{
	struct crowd c = { compare_scan(), compare_compiler("gcc"), .bad = 0 };
	pthread_t thread[4];

	compare_file("unit.c", "#include <x.h>\n");
	compare_file("inc/a.h", "");
	compare_file("inc/b.h", "");
	compare_file("inc/x.h", "#include <a.h>\n");
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, member, &c),
				 0);
	for (int i = 0; i < 200; i++) {
		compare_file("new",
			     i % 2 ? "#include <a.h>\n" : "#include <b.h>\n");
		compare_shell("mv new inc/x.h");
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(atomic_load(&c.bad), 0);
	cpp_scanner_free(c.s);
	free(c.cc);
}

static void *newcomer(void *arg)
{
	struct crowd *c = arg;
	char *argv[] = { "cc", "-nostdinc", "-Iinc", "-c", "unit.c", NULL };
	struct cpp_closure out;

	pthread_barrier_wait(&c->start);
	compare_closure(c->s, c->cc, argv, &out);
	if (out.reason || out.n_files != 41)
		atomic_fetch_add(&c->bad, 1);
	cpp_closure_release(&out);
	return NULL;
}

/* Concurrent units open the same headers at the same time. */
TEST(concurrent_units_read_each_file_once)
{
	struct crowd c = { compare_scan(), compare_compiler("gcc"), .bad = 0 };
	struct buf unit = { 0 };
	struct cpp_stats stats;
	pthread_t thread[4];

	for (int i = 0; i < 40; i++) {
		char *name = xasprintf("inc/%d.h", i);

		compare_file(name, "#define A 1\n");
		buf_printf(&unit, "#include <%d.h>\n", i);
		free(name);
	}
	compare_file("unit.c", buf_str(&unit));
	/* Longer than a tick of the file system's clock. */
	usleep(50000);
	pthread_barrier_init(&c.start, NULL, 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, newcomer, &c),
				 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&c.start);
	ck_assert_int_eq(atomic_load(&c.bad), 0);
	cpp_scanner_stats(c.s, &stats);
	ck_assert_uint_eq(stats.n_lexed, 41);
	/*
	 * A new thread takes over the worker of a finished one, which already
	 * refers to the 41 texts.
	 */
	ck_assert_uint_eq(stats.n_reused % 41, 0);
	ck_assert_uint_le(stats.n_reused, 3 * 41);
	cpp_scanner_free(c.s);
	free(c.cc);
	buf_release(&unit);
}

/* Scan the same unit in a working directory. */
static void scan_in(struct life *l, const char *cwd)
{
	char *argv[] = { "cc", "-nostdinc", "-c", "../unit.c", NULL };
	char *dir = xasprintf("%s/%s", compare_dir, cwd);
	struct options_command command;
	const struct cpp_unit unit = { .cwd = dir,
				       .compiler = l->cc,
				       .command = &command,
				       .env = environ };
	struct cpp_closure c;

	ck_assert(!mkdir(dir, 0700) || errno == EEXIST);
	options_command_parse(&command, argv);
	cpp_closure_find(l->s, &unit, &c);
	options_command_release(&command);
	ck_assert_msg(!c.reason, "%s: %s", reason_text(c.reason), c.detail);
	cpp_closure_release(&c);
	free(dir);
}

/* Return the number of file texts that new stat caches took over. */
static uint64_t count_reused(struct life *l)
{
	struct cpp_stats stats;

	cpp_scanner_stats(l->s, &stats);
	return stats.n_reused;
}

TEST(directories_in_use_keep_their_caches_when_others_are_replaced)
{
	struct life l = life_new();
	uint64_t before;

	compare_file("unit.c", "int x;\n");
	/* Longer than a tick of the file system's clock. */
	usleep(50000);
	for (int i = 0; i < CPP_CWD_CACHES_MAX; i++) {
		char *name = xasprintf("old%d", i);

		scan_in(&l, name);
		free(name);
	}
	scan_in(&l, "a");
	scan_in(&l, "b");
	before = count_reused(&l);
	for (int i = 0; i < 3; i++) {
		scan_in(&l, "a");
		scan_in(&l, "b");
	}
	ck_assert_uint_eq(count_reused(&l), before);
	/* The caches of "old0" were replaced, because no later unit used them.
	 */
	scan_in(&l, "old0");
	ck_assert_uint_gt(count_reused(&l), before);
	life_free(&l);
}
