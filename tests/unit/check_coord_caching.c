/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/* The result cache in the coordinator. */
#include "../lib/test.h"
#include "coord-fixture.h"

#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static void open_results(void)
{
	char *path = at("results");
	const struct cache_setup setup = { .dir = path };
	struct err err;

	must(cache_open(&results, &setup, &err));
	free(path);
}

static void setup_cache(void)
{
	setup();
	open_results();
}

FIXTURE(setup_cache, teardown);
TIMEOUT(120);

/* Let the wrapper of the last unit exit. */
static void end_wrapper(void)
{
	wire_stream_free(wrapper);
	wrapper = NULL;
	turn_until(never, 50);
}

/* Wait for the answer to a compile request, and check the outputs. */
static void expect_answer(void)
{
	turn_until(answered, 60000);
	expect_delivered();
}

static uint64_t n_stored(void)
{
	struct store_stats s;

	ck_assert_int_eq(store_gc(cache_store(results), UINT64_MAX), 0);
	store_stats(cache_store(results), &s);
	return s.n_records[STORE_RECORD_ACTION];
}

static void write_source(const char *name, const char *text)
{
	char *path = at(name);
	struct err err;

	must(fs_write(path, bytes_str(text), 0644, &err));
	free(path);
}

/* Count the files of local compiles in the working directory. */
static unsigned n_compile_files(void)
{
	struct dirent *e;
	unsigned n = 0;
	DIR *d = opendir(dir);

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)))
		n += str_starts(e->d_name, "unit-");
	closedir(d);
	return n;
}

/* The files of a compile exist until its result is stored. */
static bool has_no_compile_files(void)
{
	return !n_compile_files();
}

static unsigned n_wanted;

static bool are_stored(void)
{
	return n_stored() >= n_wanted;
}

/* Wait until `n` results are stored, which is after the answer. */
static void await_stored(unsigned n)
{
	n_wanted = n;
	turn_until(are_stored, 60000);
}

/* Compile again once `n` results are stored. */
static void compile_next(unsigned n)
{
	await_stored(n);
	compile_again(NULL);
}

TEST(without_nodes_the_coordinator_compiles_and_stores)
{
	start();
	compile(NULL);
	expect_answer();
	compile_next(1);
	expect_answer();
	end_wrapper();
	ck_assert_uint_eq(stats()->n_local, 1);
	ck_assert_uint_eq(stats()->n_cached, 1);
	ck_assert_str_eq(stats()->reasons[0].text, "no nodes configured");
	await_stored(1);
	ck_assert_uint_eq(n_stored(), 1);
	turn_until(has_no_compile_files, 60000);
}

TEST(local_results_are_not_stored_if_only_remote_results_are)
{
	caches_only_remote = true;
	start();
	compile(NULL);
	expect_answer();
	end_wrapper();
	ck_assert_uint_eq(stats()->n_local, 1);
	turn_until(has_no_compile_files, 60000);
	ck_assert_uint_eq(n_stored(), 0);
}

TEST(a_compile_with_other_options_is_stored_separately)
{
	start();
	compile(NULL);
	turn_until(answered, 60000);
	compile_again("-DOTHER");
	expect_answer();
	end_wrapper();
	ck_assert_uint_eq(stats()->n_cached, 0);
	await_stored(2);
	ck_assert_uint_eq(n_stored(), 2);
}

TEST(a_compile_with_a_changed_header_is_stored_separately)
{
	start();
	compile(NULL);
	turn_until(answered, 60000);
	write_source("unit.h", "#define UNIT 3 /* new */\nint unit(int a);\n");
	compile_again(NULL);
	expect_answer();
	end_wrapper();
	ck_assert_uint_eq(stats()->n_cached, 0);
	await_stored(2);
	ck_assert_uint_eq(n_stored(), 2);
}

/*
 * The scan rejects the changed header.  The first scan of the second compile
 * still uses the remembered header, so it computes keys.
 */
TEST(a_unit_that_can_no_longer_be_scanned_is_not_stored)
{
	start();
	compile(NULL);
	expect_answer();
	await_stored(1);
	write_source("unit.h",
		     "#define UNIT (int)sizeof(__DATE__)\nint unit(int a);\n");
	compile_again(NULL);
	turn_until(answered, 60000);
	ck_assert_ptr_nonnull(local_why);
	forget_answer();
	write_source("unit.h", "#define UNIT 3\nint unit(int a);\n");
	coord_free(coord);
	steps_wanted = -1;
	start();
	compile(NULL);
	expect_answer();
	end_wrapper();
	ck_assert_uint_eq(stats()->n_cached, 1);
	ck_assert_uint_eq(n_stored(), 1);
}

static void set_old_mtime(const char *name)
{
	static const struct timespec old[2] = { { 1000000000, 0 },
						{ 1000000000, 0 } };
	char *path = at(name);

	ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
	free(path);
}

/* gcc includes a copy of the header only if its mtime differs. */
TEST(a_changed_mtime_of_a_file_that_pragma_once_excludes_is_a_miss)
{
	static const char header[] = "#pragma once\n#define UNIT 3\n";

	write_source("unit.h", header);
	write_source("copy.h", header);
	write_source("unit.c", "#include \"unit.h\"\n#include \"copy.h\"\n"
			       "int unit(int a);\n"
			       "int unit(int a) { return a * UNIT; }\n");
	set_old_mtime("unit.h");
	set_old_mtime("copy.h");
	start();
	compile(NULL);
	expect_answer();
	await_stored(1);
	write_source("copy.h", header);
	compile_again(NULL);
	turn_until(answered, 60000);
	ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
	end_wrapper();
	ck_assert_uint_eq(stats()->n_cached, 0);
}

TEST(warnings_are_stored)
{
	char *first;

	source = "warn.c";
	start();
	write_source("warn.c", "#include \"unit.h\"\n"
			       "#warning \"told\"\n"
			       "int unit(int a) { return a * UNIT; }\n");
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert(done);
	ck_assert_ptr_nonnull(strstr(diagnostics, "told"));
	first = xstrdup(diagnostics);
	compile_next(1);
	turn_until(answered, 60000);
	ck_assert(done);
	ck_assert_str_eq(diagnostics, first);
	end_wrapper();
	ck_assert_uint_eq(stats()->n_cached, 1);
	free(first);
}

TEST(a_variable_that_changes_messages_is_part_of_the_key)
{
	start();
	compile(NULL);
	turn_until(answered, 60000);
	variable = "GCC_EXTRA_DIAGNOSTIC_OUTPUT=fixits-v1";
	compile_next(1);
	expect_answer();
	ck_assert_uint_eq(stats()->n_cached, 0);
	compile_next(2);
	turn_until(answered, 60000);
	ck_assert_uint_eq(stats()->n_cached, 1);
	variable = "TERM=xterm";
	compile_next(2);
	expect_answer();
	ck_assert_uint_eq(stats()->n_cached, 2);
	variable = "TERM_URLS=no";
	compile_next(2);
	expect_answer();
	end_wrapper();
	ck_assert_uint_eq(stats()->n_cached, 2);
	await_stored(3);
	ck_assert_uint_eq(n_stored(), 3);
}

/* The assembler's message contains the path of a temporary file. */
TEST(a_result_whose_messages_name_temporary_files_is_not_stored)
{
	source = "warn.c";
	write_source("warn.c",
		     "#include \"unit.h\"\n"
		     "__asm__(\"# 1 \\\"\\\"\\n.warning \\\"w\\\"\");\n"
		     "int unit(int a) { return a * UNIT; }\n");
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert(done);
	ck_assert_ptr_nonnull(strstr(diagnostics, dir));
	end_wrapper();
	ck_assert_uint_eq(n_stored(), 0);
}

/* clang names an assembly source without instructions after such a file. */
TEST(an_object_with_a_temporary_name_is_left_to_the_wrapper)
{
	char *text = xasprintf("const char name[] = \"%s/unit.S\";\n", dir);

	source = "name.c";
	write_source("name.c", text);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_ptr_nonnull(local_why);
	ck_assert_str_eq(local_why, "no nodes configured");
	end_wrapper();
	ck_assert_uint_eq(n_stored(), 0);
	ck_assert_uint_eq(n_compile_files(), 0);
	free(text);
}

/* Without the step, the debug information contains the directory. */
TEST(a_compile_with_a_temporary_name_is_stored_with_its_step_only)
{
	struct wire_cc_step asked = { .kind = WIRE_STEP_OBJECT,
				      .program = (char *)"/usr/bin/strip" };

	step = &asked;
	start();
	compile("-g");
	turn_until(answered, 60000);
	ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
	step = NULL;
	end_wrapper();
	turn_until(has_no_compile_files, 60000);
	await_stored(1);
	ck_assert_uint_eq(n_stored(), 1);
}

TEST(a_compile_error_is_left_to_the_wrapper)
{
	source = "bad.c";
	write_source("bad.c", "int unit(int a) { return b; }\n");
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "no nodes configured");
	end_wrapper();
	ck_assert_uint_eq(stats()->n_local, 1);
	ck_assert_uint_eq(n_stored(), 0);
	ck_assert_uint_eq(n_compile_files(), 0);
}

/*
 * Create a driver that stops itself before a compile, and then executes gcc.
 * The caller frees its path.
 */
static char *put_stopping_driver(const char *name)
{
	static const char text[] =
		"#include <signal.h>\n#include <string.h>\n"
		"#include <unistd.h>\n"
		"int main(int argc, char **argv)\n{\n"
		"for (int i = 1; i < argc; i++)\n"
		"if (!strcmp(argv[i], \"-c\")) raise(SIGSTOP);\n"
		"argv[0] = (char *)GCC;\nexecv(GCC, argv);\nreturn 1;\n}\n";
	char *path = at(name);
	char *line = xasprintf("cd %s && %s -o %s -DGCC='\"%s\"' driver.c", dir,
			       gcc, name, gcc);

	write_source("driver.c", text);
	ck_assert_int_eq(system(line), 0);
	free(line);
	return path;
}

/* Return the first child of this process, or 0. */
static pid_t first_child(void)
{
	char *path = xasprintf("/proc/self/task/%d/children", getpid());
	FILE *f = fopen(path, "re");
	int child = 0;

	if (f && fscanf(f, "%d", &child) != 1)
		child = 0;
	if (f)
		fclose(f);
	free(path);
	return child;
}

static bool is_child_stopped(void)
{
	char *path = xasprintf("/proc/%d/stat", first_child());
	FILE *f = fopen(path, "re");
	char state = 0;

	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	if (f)
		fclose(f);
	free(path);
	return state == 'T';
}

static bool is_stopped_or_answered(void)
{
	return answered() || is_child_stopped();
}

/* Start a compile that stops.  Returns the process id of the compiler. */
static pid_t compile_and_stop(char *driver)
{
	char *real = gcc;

	gcc = driver;
	compile(NULL);
	gcc = real;
	turn_until(is_stopped_or_answered, 60000);
	ck_assert_msg(!answered(), "%s", local_why);
	return first_child();
}

/* Another unit verifies unit.h after the compile has begun. */
TEST(no_result_is_stored_if_a_header_changes_during_the_compile)
{
	char *driver = put_stopping_driver("gcc-stopping");
	struct wire_stream *stopped;
	pid_t pid;

	start();
	compile(NULL);
	expect_answer();
	await_stored(1);
	forget_answer();
	pid = compile_and_stop(driver);
	stopped = wrapper;
	compile(NULL);
	expect_answer();
	ck_assert_uint_eq(stats()->n_cached, 1);
	forget_answer();
	wrapper = stopped;
	write_source("unit.h", "#define UNIT 4\nint unit(int a);\n");
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "no nodes configured");
	end_wrapper();
	await_stored(1);
	ck_assert_uint_eq(n_stored(), 1);
	free(driver);
}

TEST(the_result_of_a_compiler_that_is_replaced_is_not_stored)
{
	char *driver = put_stopping_driver("gcc-stopping");
	char *other = put_stopping_driver("gcc-other");
	pid_t pid;

	start();
	pid = compile_and_stop(driver);
	ck_assert_int_eq(rename(other, driver), 0);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	expect_answer();
	end_wrapper();
	ck_assert_uint_eq(n_stored(), 0);
	free(other);
	free(driver);
}

static bool compiles(void)
{
	return n_compile_files() > 0;
}

TEST(exit_of_the_wrapper_ends_its_compile)
{
	start();
	compile(NULL);
	turn_until(compiles, 60000);
	end_wrapper();
	ck_assert(!coord_is_busy(coord));
	ck_assert_uint_eq(n_compile_files(), 0);
	ck_assert_uint_eq(stats()->n_local, 1);
	compile(NULL);
	expect_answer();
	end_wrapper();
}

TEST(exit_of_the_wrapper_during_the_lookup_leaves_no_files)
{
	start();
	for (int i = 0; i < 20; i++) {
		compile(NULL);
		for (int turn = 0; turn < i; turn++)
			event_base_loop(base, EVLOOP_NONBLOCK);
		end_wrapper();
	}
	compile(NULL);
	expect_answer();
	end_wrapper();
	ck_assert(!coord_is_busy(coord));
	turn_until(has_no_compile_files, 60000);
}

TEST(the_coordinator_can_be_freed_during_a_compile)
{
	start();
	compile(NULL);
	turn_until(compiles, 60000);
}

TEST(a_result_of_a_node_is_stored)
{
	play_node(0, HONEST);
	start();
	wait_for_cells();
	compile(NULL);
	expect_answer();
	compile_next(1);
	expect_answer();
	end_wrapper();
	ck_assert_uint_eq(nodes[0].jobs, 1);
	ck_assert_uint_eq(stats()->n_remote, 1);
	ck_assert_uint_eq(stats()->n_cached, 1);
}

/* The text is in a file that has a different name for each unit. */
TEST(symbols_of_source_text_are_stored)
{
	static char text[] = "#include <unit.h>\nEXPORT_SYMBOL(unit);\n";
	static char other[] = "#include <unit.h>\nEXPORT_SYMBOL(another);\n";
	struct wire_cc_step asked = { .program = gcc, .text = text };
	char *dep;
	struct buf list = { 0 };
	struct err err;

	step = &asked;
	source = "-";
	play_node(0, HONEST);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(answered, 60000);
	compile_next(1);
	turn_until(answered, 60000);
	ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
	ck_assert_str_eq(printed, "#symbols\n");
	dep = temporary(".unit.o.d");
	must(fs_read(dep, 1 << 20, &list, &err));
	ck_assert_str_eq(buf_str(&list), "-: unit.h\n");
	ck_assert_uint_eq(stats()->n_cached, 1);
	asked.text = other;
	compile_again(NULL);
	turn_until(answered, 60000);
	end_wrapper();
	ck_assert_uint_eq(stats()->n_cached, 1);
	await_stored(2);
	ck_assert_uint_eq(n_stored(), 2);
	step = NULL;
	source = "unit.c";
	buf_release(&list);
	free(dep);
}

/* Compile twice with a step, and expect the second result from the cache. */
static void expect_steps_cached(struct wire_cc_step *asked)
{
	step = asked;
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
	compile_next(asked->kind == WIRE_STEP_OBJECT ? 2 : 1);
	turn_until(answered, 60000);
	ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
	step = NULL;
	ck_assert_uint_eq(stats()->n_local, 1);
	ck_assert_uint_eq(stats()->n_cached, 1);
}

TEST(without_nodes_steps_are_requested_only_with_a_cache)
{
	start();
	turn_until(never, 20);
	ck_assert_int_eq(steps_wanted, 7);
	cache_free(results);
	results = NULL;
	coord_free(coord);
	steps_wanted = -1;
	start();
	turn_until(never, 20);
	ck_assert_int_eq(steps_wanted, -1);
}

/* The step reads the preprocessed source. */
TEST(without_nodes_symbols_are_stored)
{
	struct wire_cc_step asked = { .kind = WIRE_STEP_SYMBOLS,
				      .program = (char *)"/usr/bin/tail" };
	char *args[] = { (char *)"-n1" };

	asked.args = (struct strv){ .v = args, .n = 1 };
	start();
	expect_steps_cached(&asked);
	ck_assert_str_eq(printed, "int unit(int a) { return a * 3; }\n");
	end_wrapper();
	await_stored(1);
	ck_assert_uint_eq(n_stored(), 1);
}

/* The step changes the object. */
TEST(without_nodes_an_object_changed_by_a_step_is_stored)
{
	struct wire_cc_step asked = { .kind = WIRE_STEP_OBJECT,
				      .program = (char *)"/usr/bin/strip" };
	struct buf got = { 0 };
	struct err err;
	char *path;

	start();
	expect_steps_cached(&asked);
	path = temporary("unit.o");
	must(fs_read(path, 1 << 20, &got, &err));
	ck_assert_uint_gt(got.len, 0);
	ck_assert_uint_lt(got.len, object.len);
	end_wrapper();
	buf_release(&got);
	free(path);
}

/*
 * If only the step has changed, the compiler does not run again, even if the
 * new result is not stored.
 */
TEST_RANGE(without_nodes_a_stored_compile_is_reused_for_another_step, 0, 2)
{
	struct wire_cc_step asked = { .kind = WIRE_STEP_OBJECT,
				      .program = (char *)"/usr/bin/strip" };
	char *real = gcc;
	char *driver = put_stopping_driver("gcc-stopping");
	struct buf got = { 0 };
	struct err err;
	char *path;

	step = &asked;
	start();
	ck_assert_int_eq(kill(compile_and_stop(driver), SIGCONT), 0);
	turn_until(answered, 60000);
	ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
	forget_answer();
	turn_until(has_no_compile_files, 60000);
	await_stored(2);
	ck_assert_uint_eq(n_stored(), 2);
	asked.program = (char *)"/usr/bin/true";
	if (_i) {
		end_wrapper();
		coord_free(coord);
		caches_only_remote = true;
		steps_wanted = -1;
		start();
	}
	gcc = driver;
	compile(NULL);
	gcc = real;
	turn_until(is_stopped_or_answered, 60000);
	ck_assert(done);
	path = temporary("unit.o");
	must(fs_read(path, 1 << 20, &got, &err));
	ck_assert(bytes_equal(buf_bytes(&got), buf_bytes(&object)));
	step = NULL;
	end_wrapper();
	turn_until(has_no_compile_files, 60000);
	ck_assert_uint_eq(stats()->n_cached, 0);
	ck_assert_uint_eq(stats()->n_local, 2);
	await_stored(_i ? 2 : 3);
	ck_assert_uint_eq(n_stored(), _i ? 2 : 3);
	buf_release(&got);
	free(path);
	free(driver);
}

static bool memory_files_fail;

/* Replaces the function of libc. */
int memfd_create(const char *name, unsigned flags)
{
	if (!memory_files_fail)
		return (int)syscall(SYS_memfd_create, name, flags);
	errno = EMFILE;
	return -1;
}

/* The compile of the step is stored, but its message cannot be written. */
TEST(without_descriptors_the_wrapper_compiles)
{
	struct wire_cc_step asked = { .kind = WIRE_STEP_OBJECT,
				      .program = (char *)"/usr/bin/strip" };

	source = "warn.c";
	step = &asked;
	start();
	write_source("warn.c", "#warning \"message\"\nint unit;\n");
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert(done);
	await_stored(2);
	forget_answer();
	asked.program = (char *)"/usr/bin/true";
	memory_files_fail = true;
	compile(NULL);
	turn_until(answered, 60000);
	memory_files_fail = false;
	step = NULL;
	ck_assert_str_eq(local_why, "no nodes configured");
	end_wrapper();
	ck_assert_uint_eq(n_compile_files(), 0);
}

TEST(without_nodes_a_failed_step_is_left_to_the_recipe)
{
	struct wire_cc_step asked = { .kind = WIRE_STEP_OBJECT,
				      .program = (char *)"/usr/bin/false" };

	step = &asked;
	start();
	compile(NULL);
	turn_until(answered, 60000);
	step = NULL;
	ck_assert_str_eq(local_why, "no nodes configured");
	end_wrapper();
	ck_assert_uint_eq(n_stored(), 0);
	ck_assert_uint_eq(n_compile_files(), 0);
}

/* The side output of an earlier compile is not used. */
TEST(without_nodes_side_outputs_are_stored)
{
	struct buf got = { 0 };
	struct err err;
	char *path;

	start();
	write_source("unit.su", "old\n");
	for (int i = 0; i < 2; i++) {
		compile("-fstack-usage");
		turn_until(answered, 60000);
		ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
		path = temporary("unit.su");
		must(fs_read(path, 1 << 20, &got, &err));
		ck_assert(str_starts(buf_str(&got), "unit.c:2:5:unit\t"));
		buf_reset(&got);
		must(unlink(path));
		free(path);
		await_stored(1);
		forget_answer();
	}
	ck_assert_uint_eq(stats()->n_cached, 1);
	buf_release(&got);
}

static const enum manner spoilers[] = { FLIPPED, SHORT, SWAPPED, FAILING };

TEST_EACH(a_bad_result_is_not_stored, spoilers)
{
	play_node(0, *row);
	play_node(1, HONEST);
	start();
	wait_for_cells();
	compile(NULL);
	expect_answer();
	compile_next(1);
	expect_answer();
	end_wrapper();
	ck_assert_uint_eq(stats()->n_cached, 1);
	await_stored(1);
	ck_assert_uint_eq(n_stored(), 1);
}
