/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
/*
 * Runs of a real gcc in a real sandbox.
 */
#include "../lib/test.h"

#include "kfarmd/run.h"

#include "base/child.h"
#include "base/clock.h"
#include "compiler/manifest.h"
#include "sandbox/internal.h"

#include <event2/event.h>
#include <sys/resource.h>

#define GCC "/usr/bin/gcc"

static struct event_base *base;
static struct children *children;
static struct compiler_manifest gcc;
static struct sandbox *test_sandbox;
static struct event *readable;
static struct kfarmd_run *run;
static unsigned done;
static struct err err;

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	sandbox_handle_messages(arg);
}

static void put(const struct compiler_entry *e)
{
	int fd;

	if (e->kind == COMPILER_ENTRY_SYMLINK) {
		must(sandbox_put_symlink(test_sandbox, e->path, e->target,
					 &err));
	} else if (e->kind == COMPILER_ENTRY_DIR) {
		must(sandbox_put_dir(test_sandbox, e->path, &err));
	} else {
		fd = open(e->path, O_RDONLY | O_CLOEXEC);
		must(sandbox_put_file(test_sandbox, e->path, fd, e->size_bytes,
				      e->executable, e->mtime_ns, &err));
		close(fd);
	}
}

static void set_up(void)
{
	static char *const env[] = { (char *)"PATH=/usr/bin:/bin", NULL };
	struct sandbox_setup setup = { 0 };

	base = event_base_new();
	children = children_new(base);
	children_reap_orphans(children);
	must(compiler_manifest_make(&gcc, GCC, env, &err));
	must(sandbox_new(&test_sandbox, &setup, &err));
	for (size_t i = 0; i < gcc.entries.n; i++)
		put(&gcc.entries.v[i]);
	readable = event_new(base, sandbox_fd(test_sandbox),
			     EV_READ | EV_PERSIST, on_readable, test_sandbox);
	event_add(readable, NULL);
}

static void tear_down(void)
{
	if (run)
		kfarmd_run_free(run);
	event_free(readable);
	sandbox_free(test_sandbox);
	compiler_manifest_release(&gcc);
	children_wait(children, 20000);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	children_free(children);
	event_base_free(base);
}

static void on_done(void *ctx)
{
	ck_assert_ptr_eq(ctx, &done);
	done++;
}

/* Start gcc with up to three arguments; `fd` is its standard input. */
static void start(int fd, const char *a, const char *b, const char *c)
{
	char *argv[] = { (char *)GCC, (char *)a, (char *)b, (char *)c, NULL };
	char *env[] = { (char *)"PATH=" COMPILER_TOOLCHAIN_PATH,
			(char *)"TMPDIR=" SANDBOX_TMP_DIR, NULL };
	struct sandbox_job job = {
		.argv = argv, .env = env, .cwd = SANDBOX_OUT_DIR, .stdin_fd = fd
	};

	must(kfarmd_run_start(&run, base, test_sandbox, &job, NULL, on_done,
			      &done, &err));
}

static void loop_once(void)
{
	struct timeval tick = { .tv_usec = 5000 };

	event_base_loopexit(base, &tick);
	event_base_loop(base, EVLOOP_ONCE);
}

static void wait_done(void)
{
	uint64_t deadline = clock_ms() + 60000;

	while (!done && clock_ms() < deadline)
		loop_once();
	ck_assert_uint_eq(done, 1);
}

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(stdout_of_a_program_is_captured)
{
	start(-1, "-dumpversion", NULL, NULL);
	wait_done();
	ck_assert_int_eq(run->end.cause, SANDBOX_END_EXITED);
	ck_assert_int_eq(run->end.status, 0);
	ck_assert_uint_gt(run->output[0].len, 1);
	ck_assert_uint_eq(run->output[1].len, 0);
}

TEST(stderr_of_a_program_is_captured_separately)
{
	start(-1, "-c", "nosuch.c", NULL);
	wait_done();
	ck_assert_int_eq(WEXITSTATUS(run->end.status), 1);
	ck_assert_uint_eq(run->output[0].len, 0);
	text_has(buf_str(&run->output[1]), "nosuch.c");
	ck_assert(!run->overflowed);
}

static int open_empty(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

TEST(an_output_file_is_mapped_up_to_a_size_limit)
{
	struct bytes map = { 0 };
	int fd = open_empty();

	start(fd, "-xassembler", "-c", "-");
	close(fd);
	wait_done();
	ck_assert_int_eq(run->end.status, 0);
	ck_assert_int_eq(kfarmd_run_map_file(run, "nosuch", 100, &map),
			 -ENOENT);
	ck_assert_int_eq(kfarmd_run_map_file(run, "-.o", 10, &map), -EFBIG);
	ck_assert_uint_eq(map.len, 0);
	ck_assert_int_eq(kfarmd_run_map_file(run, "-.o", 1u << 20, &map), 0);
	ck_assert_uint_gt(map.len, 100);
	ck_assert_mem_eq(map.data, "\177ELF", 4);
	kfarmd_run_unmap_file(&map);
	ck_assert_uint_eq(map.len, 0);
}

/* Return the read end of a pipe that contains `text`. */
static int open_text(const char *text)
{
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq(write(fd[1], text, strlen(text)), strlen(text));
	close(fd[1]);
	return fd[0];
}

/* Return the size of the object that gcc of this machine makes of the text. */
static size_t object_size(const char *text)
{
	char path[] = "/tmp/kfarm-check.XXXXXX", command[100];
	int fd = mkstemp(path);
	struct stat st;
	FILE *pipe;

	ck_assert_int_ge(fd, 0);
	snprintf(command, sizeof(command), "gcc -xassembler -c -o %s -", path);
	pipe = popen(command, "w");
	ck_assert_ptr_nonnull(pipe);
	fputs(text, pipe);
	ck_assert_int_eq(pclose(pipe), 0);
	close(fd);
	ck_assert_int_eq(stat(path, &st), 0);
	unlink(path);
	return (size_t)st.st_size;
}

TEST(a_sparse_output_file_is_mapped_completely)
{
	static const char text[] =
		".data\n.ascii \"first\"\n"
		".section .a,\"aw\"\n.balign 1048576\n.ascii \"second\"\n";
	struct bytes map = { 0 };
	int fd;

	if (object_size(text) < 1u << 20)
		SKIP("this assembler leaves no hole before an aligned section");
	fd = open_text(text);
	start(fd, "-xassembler", "-c", "-");
	close(fd);
	wait_done();
	ck_assert_int_eq(kfarmd_run_map_file(run, "-.o", 4u << 20, &map), 0);
	ck_assert_uint_gt(map.len, 1u << 20);
	ck_assert_mem_eq(map.data, "\177ELF", 4);
	ck_assert_ptr_nonnull(memmem(map.data, 4096, "first", 5));
	ck_assert_mem_eq(map.data + (1u << 20) - 4, "\0\0\0\0second", 10);
	kfarmd_run_unmap_file(&map);
}

/* The job reads a pipe whose write end remains open. */
TEST(a_freed_run_is_killed_without_a_callback)
{
	struct timeval soon = { .tv_usec = 200000 };
	int fd[2];

	ck_assert_int_eq(pipe2(fd, O_CLOEXEC), 0);
	start(fd[0], "-E", "-", NULL);
	close(fd[0]);
	event_base_loopexit(base, &soon);
	event_base_dispatch(base);
	kfarmd_run_free(run);
	run = NULL;
	event_base_loopexit(base, &soon);
	event_base_dispatch(base);
	ck_assert_uint_eq(done, 0);
	close(fd[1]);
}

TEST(an_overlong_command_line_is_rejected)
{
	char *argv[] = { (char *)GCC, xcalloc(1, 200000), NULL };
	struct sandbox_job job = { .argv = argv,
				   .env = argv + 2,
				   .cwd = SANDBOX_OUT_DIR,
				   .stdin_fd = -1 };

	memset(argv[1], 'x', 199999);
	ck_assert_int_eq(kfarmd_run_start(&run, base, test_sandbox, &job, NULL,
					  on_done, &done, &err),
			 -E2BIG);
	ck_assert_ptr_null(run);
	free(argv[1]);
}

/* Start gcc with two arguments, and gcc as its tool. */
static void start_with_tool(const char *a, const char *b, char *const *tool,
			    const char *file, uint32_t deadline_ms)
{
	static char *first[] = { (char *)GCC, NULL, NULL, NULL };
	static char *env[] = { (char *)"PATH=" COMPILER_TOOLCHAIN_PATH,
			       (char *)"TMPDIR=" SANDBOX_TMP_DIR, NULL };
	struct sandbox_job job = { .argv = first,
				   .env = env,
				   .cwd = SANDBOX_OUT_DIR,
				   .deadline_ms = deadline_ms,
				   .stdin_fd = -1 };
	struct kfarmd_run_tool what = { .argv = tool,
					.input_file = file,
					.client_name = file };

	first[1] = (char *)a;
	first[2] = (char *)b;
	must(kfarmd_run_start(&run, base, test_sandbox, &job, &what, on_done,
			      &done, &err));
}

TEST(a_tool_reads_the_stdout_of_the_compiler)
{
	static char *const tool[] = { (char *)GCC, (char *)"-E",
				      (char *)"-xassembler-with-cpp",
				      (char *)"-", NULL };

	start_with_tool("-dumpversion", NULL, tool, NULL, 0);
	wait_done();
	ck_assert(run->status_from_tool);
	ck_assert_int_eq(run->end.status, 0);
	text_has(buf_str(&run->output[0]), "# 1 \"<stdin>"
					   "\"\n");
	ck_assert(!run->tool_wrote);
	ck_assert_uint_gt(kfarmd_run_cpu_ms(run) + 1, run->parts[1].end.cpu_ms);
	ck_assert_uint_eq(run->end.cpu_ms,
			  run->parts[0].end.cpu_ms + run->parts[1].end.cpu_ms);
}

static void put_source(const char *path, const char *text)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
	must(sandbox_put_file(test_sandbox, path, fd, strlen(text), false, 0,
			      &err));
	close(fd);
}

TEST(a_tool_runs_on_a_copy_of_the_compiler_output)
{
	static char *const tool[] = { (char *)GCC,   (char *)"-S",
				      (char *)"-xc", (char *)"-ob.s",
				      (char *)"a.s", NULL };
	struct bytes map = { 0 };

	put_source("/a.c", "#include \"/nosuch.h\"\n");
	start_with_tool("-S", "/a.c", tool, "a.s", 0);
	wait_done();
	/* The compiler fails, so the tool does not run. */
	ck_assert(!run->status_from_tool);
	ck_assert_int_eq(WEXITSTATUS(run->end.status), 1);
	kfarmd_run_free(run);
	run = NULL;
	done = 0;
	put_source("/a.c", "int a_name;\n");
	start_with_tool("-S", "/a.c", tool, "a.s", 60000);
	wait_done();
	/* The assembler text is not C. */
	ck_assert(run->status_from_tool);
	ck_assert_int_eq(WEXITSTATUS(run->end.status), 1);
	text_has(buf_str(&run->output[1]), "a.s:");
	ck_assert_int_eq(kfarmd_run_map_file(run, "a.s", 1u << 20, &map), 0);
	ck_assert_ptr_nonnull(memmem(map.data, map.len, "a_name", 6));
	kfarmd_run_unmap_file(&map);
	ck_assert_int_eq(kfarmd_run_map_file(run, "b.s", 1u << 20, &map),
			 -ENOENT);
}

/* The job is paused while its first program ends. */
TEST(the_tool_of_a_paused_job_waits_until_the_job_continues)
{
	static char *const tool[] = { (char *)GCC,   (char *)"-S",
				      (char *)"-xc", (char *)"-ob.s",
				      (char *)"a.s", NULL };
	uint64_t start_ms = clock_ms();

	put_source("/a.c", "int a_name;\n");
	start_with_tool("-S", "/a.c", tool, "a.s", 60000);
	run->paused = true;
	while (!run->parts[1].sandbox_run)
		loop_once();
	while (clock_ms() < start_ms + 300) {
		ck_assert_uint_eq(done, 0);
		loop_once();
	}
	kfarmd_run_set_paused(run, false);
	wait_done();
	ck_assert(run->status_from_tool);
}

TEST(a_tool_that_cannot_start_determines_the_result)
{
	static char *const tool[] = { (char *)"/nosuch", NULL };

	start_with_tool("-dumpversion", NULL, tool, NULL, 0);
	wait_done();
	ck_assert(run->status_from_tool);
	ck_assert_int_eq(run->end.cause, SANDBOX_END_NOT_STARTED);
	ck_assert_int_eq(run->end.error, ENOENT);
	text_starts(run->end.detail, "exec");
}

TEST(a_tool_does_not_run_without_its_input_file)
{
	static char *const tool[] = { (char *)"/nosuch", NULL };
	struct bytes map = { 0 };

	start_with_tool("-dumpversion", NULL, tool, "out.o", 0);
	wait_done();
	ck_assert(!run->status_from_tool);
	ck_assert_int_eq(run->end.status, 0);
	ck_assert_uint_gt(run->output[0].len, 1);
	ck_assert_int_eq(kfarmd_run_map_file(run, "out.o", 100, &map), -ENOENT);
}

/* Without the tool, the compiler's output is not a valid result. */
TEST(a_tool_whose_input_file_cannot_be_opened_fails_the_run)
{
	static char *argv[] = { (char *)GCC,     (char *)"-S", (char *)"-xc",
				(char *)"-oa.s", (char *)"-",  NULL };
	static char *env[] = { (char *)"PATH=" COMPILER_TOOLCHAIN_PATH,
			       (char *)"TMPDIR=" SANDBOX_TMP_DIR, NULL };
	const struct kfarmd_run_tool tool = { .argv = argv,
					      .input_file = "a.s",
					      .client_name = "a.s" };
	struct rlimit before, none;
	int fd[2];

	ck_assert_int_eq(pipe2(fd, O_CLOEXEC), 0);
	must(kfarmd_run_start(&run, base, test_sandbox,
			      &(struct sandbox_job){ .argv = argv,
						     .env = env,
						     .cwd = SANDBOX_OUT_DIR,
						     .stdin_fd = fd[0] },
			      &tool, on_done, &done, &err));
	close(fd[0]);
	while (run->parts[0].sandbox_run->out_dir_fd < 0)
		loop_once();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_max = before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	close(fd[1]);
	wait_done();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert(run->status_from_tool);
	ck_assert_int_eq(run->end.cause, SANDBOX_END_NOT_STARTED);
	ck_assert_int_eq(run->end.error, EMFILE);
	ck_assert_str_eq(run->end.detail, "a.s: Too many open files");
}
