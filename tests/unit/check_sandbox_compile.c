/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
/* Compiles of normal and hostile sources by the local gcc in a sandbox. */
#include "sandbox/sandbox.h"

#include "../lib/test.h"
#include "sandbox.h"

static struct played p;
static char *driver;
static char *env[] = { "TMPDIR=" SANDBOX_TMP_DIR, "PATH=/usr/bin", "LC_ALL=C",
		       NULL };

/* A file of this machine that no job can read, and its content. */
static char canary[] = "/tmp/kfarm-canary-XXXXXX";
static char secret[] = "kfarm-secret-XXXXXXXXXXXXXXXX";

static void make_canary(void)
{
	int fd = mkstemp(canary), from = open("/dev/urandom", O_RDONLY);
	size_t at = strlen("kfarm-secret-");

	ck_assert(fd >= 0 && from >= 0);
	ck_assert_int_eq(read(from, secret + at, sizeof(secret) - at - 1), 16);
	close(from);
	for (; at < sizeof(secret) - 1; at++)
		secret[at] = (char)('a' + (unsigned char)secret[at] % 26);
	ck_assert_int_eq(write(fd, secret, strlen(secret)),
			 (ssize_t)strlen(secret));
	close(fd);
}

static void remove_canary(void)
{
	unlink(canary);
}

static void set_up(void)
{
	const char *roots[] = { "/src/a b", NULL };

	open_cell(NULL, roots);
	driver = put_gcc();
	must(sandbox_freeze(cell, driver, &err));
}

static void tear_down(void)
{
	drop_job(&p);
	close_cell();
	free(driver);
}

static void compile(const char *name)
{
	char *argv[] = { driver,       "-c",
			 "-g",         "-MD",
			 "-MF",        SANDBOX_OUT_DIR "/x.d",
			 "-o",         SANDBOX_OUT_DIR "/x.o",
			 (char *)name, NULL };
	struct sandbox_job job = {
		.argv = argv,
		.env = env,
		.cwd = "/src/a b",
		.stdin_fd = -1,
	};

	run_job(&p, &job);
	ck_assert_int_eq(p.end.cause, SANDBOX_END_EXITED);
}

/* Return an output, which can be empty. */
static struct buf output(const char *name)
{
	uint64_t size = 0;
	int fd = sandbox_run_open_output(p.run, name, &size);
	struct buf b = { 0 };

	if (fd < 0)
		return b;
	ck_assert_int_eq(buf_reserve(&b, size + 1), 0);
	ck_assert_int_eq(read(fd, b.data, size), (ssize_t)size);
	b.len = size;
	close(fd);
	return b;
}

FIXTURE_ONCE(require_sandbox, NULL);
FIXTURE_ONCE(make_canary, remove_canary);
FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(a_compile_yields_an_object_and_a_depfile)
{
	struct buf object, depfile;

	ck_assert(!put_text("/src/a b/x.h", "#define ANSWER 42\n"));
	ck_assert(!put_text("/src/a b/x.c",
			    "#include \"x.h\"\n"
			    "int f(void){return ANSWER;}\n"
			    "const char *w=__FILE__ __TIMESTAMP__;\n"));
	compile("x.c");
	must_be_well(&p);
	object = output("x.o");
	depfile = output("x.d");
	ck_assert_uint_gt(object.len, 500);
	ck_assert_mem_eq(object.data, "\177ELF", 4);
	/* The directory and the time are those of the client. */
	ck_assert_ptr_nonnull(memmem(object.data, object.len, "/src/a b", 8));
	ck_assert_ptr_nonnull(memmem(object.data, object.len, "2009", 4));
	text_has(buf_str(&depfile), "x.h");
	buf_release(&object);
	buf_release(&depfile);
}

TEST(a_removed_header_is_not_found)
{
	ck_assert(!put_text("/src/a b/x.h", "int x;\n"));
	ck_assert(!put_text("/src/a b/x.c", "#include \"x.h\"\n"));
	compile("x.c");
	must_be_well(&p);
	drop_job(&p);
	must(sandbox_remove_path(cell, "/src/a b/x.h", &err));
	compile("x.c");
	ck_assert(!ended_well(&p));
	text_has(buf_str(&p.output[1]), "x.h: No such file");
}

TEST(gcc_compiles_in_parallel)
{
	struct played many[8];
	char names[8][32], outs[8][64];

	for (int i = 0; i < 8; i++) {
		char path[64];

		snprintf(names[i], sizeof(names[i]), "%d.c", i);
		snprintf(outs[i], sizeof(outs[i]), SANDBOX_OUT_DIR "/%d.o", i);
		snprintf(path, sizeof(path), "/src/a b/%d.c", i);
		ck_assert(!put_text(path, "int f(int a) { return a * a; }\n"));
	}
	for (int i = 0; i < 8; i++) {
		struct sandbox_job job = {
			.argv = (char *[]){ driver, "-c", "-O2", "-o", outs[i],
					    names[i], NULL },
			.env = env,
			.cwd = "/src/a b",
			.stdin_fd = -1,
		};

		ck_assert(!start_job(&many[i], &job));
	}
	wait_all(many, 8);
	for (int i = 0; i < 8; i++) {
		must_be_well(&many[i]);
		drop_job(&many[i]);
	}
}

/* @ is replaced by the canary's path. */
static const char *const sources[] = {
	"asm(\".incbin \\\"@\\\"\");\n",
	"asm(\".include \\\"@\\\"\");\n",
	"#include \"@\"\n",
	"#include \"../../../../..@\"\n",
	"#if __has_include(\"@\")\n#error kfarm_leak\n#endif\nint x = y;\n",
	"# 1 \"@\"\nint x = y;\n",
	"#line 1 \"@\"\nint x = y;\n",
	"#include \"link\"\n",
	"#include \"dir/kfarm-canary\"\n",
	"#pragma GCC dependency \"@\"\nint x = y;\n",
	"#include \"/proc/self/root@\"\n",
	"#include \"/etc/passwd\"\n",
	"#include \"/dev/fd/0\"\n",
	"#include \"/sys/kernel/uevent_seqnum\"\n",
};

/* A compile can read these files, which have the size 0, or cannot open them.
 */
static const char *const proc_sources[] = {
	"asm(\".incbin \\\"/proc/self/environ\\\"\");\n",
	"asm(\".incbin \\\"/proc/cpuinfo\\\"\");\n",
	"#include \"/proc/self/environ\"\n",
	"#include \"/proc/1/environ\"\n",
	"#include \"/proc/self/maps\"\n",
	"#include \"/proc/cpuinfo\"\n",
	"#include \"/proc/mounts\"\n",
};

TEST_EACH(a_source_obtains_no_text_from_proc, proc_sources)
{
	ck_assert(!put_text("/src/a b/x.c", *row));
	compile("x.c");
	ck_assert_ptr_null(strstr(buf_str(&p.output[1]), "TMPDIR"));
	ck_assert_ptr_null(strstr(buf_str(&p.output[1]), "processor"));
	if (ended_well(&p)) {
		struct buf object = output("x.o");

		ck_assert_ptr_null(
			memmem(object.data, object.len, "TMPDIR=", 7));
		ck_assert_ptr_null(
			memmem(object.data, object.len, "processor\t", 10));
		buf_release(&object);
	}
}

TEST_EACH(a_source_cannot_read_files_of_the_node, sources)
{
	struct buf source = { 0 }, object, depfile;

	for (const char *at = *row; *at; at++) {
		if (*at == '@')
			buf_add_str(&source, canary);
		else
			buf_add(&source, at, 1);
	}
	ck_assert(!put_text("/src/a b/x.c", buf_str(&source)));
	must(sandbox_put_symlink(cell, "/src/a b/link", canary, &err));
	must(sandbox_put_symlink(cell, "/src/a b/dir", "/tmp", &err));
	compile("x.c");
	ck_assert_msg(!ended_well(&p), "%s", buf_str(&source));
	object = output("x.o");
	depfile = output("x.d");
	for (int i = 0; i < 2; i++)
		ck_assert_ptr_null(strstr(buf_str(&p.output[i]), secret));
	ck_assert_ptr_null(strstr(buf_str(&p.output[1]), "root:"));
	ck_assert_ptr_null(strstr(buf_str(&p.output[1]), "kfarm_leak"));
	ck_assert(!object.len);
	buf_release(&source);
	buf_release(&object);
	buf_release(&depfile);
}
