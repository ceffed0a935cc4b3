/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
#include "shell/nm.h"
#include "shell/script.h"

#include "../lib/shell.h"
#include "../lib/test.h"

static char dir[] = "/tmp/kfarm-object.XXXXXX";

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert(!chdir(dir));
}

static void teardown(void)
{
	char *command = xasprintf("rm -rf %s", dir);

	shell_run("/", command);
	free(command);
}

/* Assemble x.o with the assembler of the system. */
static void assemble(const char *text)
{
	ck_assert(!fs_write("x.s", bytes_str(text), 0600, NULL));
	shell_run(dir, "as -o x.o x.s");
}

static enum shell_tristate find_symbol(const char *text, bool is_prefix)
{
	return shell_object_symbols_find("x.o", text, is_prefix);
}

FIXTURE(setup, teardown);
TIMEOUT(60);

TEST(find_matches_the_symbols_that_nm_prints)
{
	char *printed;

	assemble(".file \"__source.c\"\n.section __section,\"a\"\n.long 1\n"
		 ".text\n.globl __ksymtab_a\n__ksymtab_a: .long __undefined\n"
		 "__local: .long 2\n.comm __common,4\n.weak __weak\n"
		 "my__own: .long __weak\n");
	printed = shell_ask(dir, "nm x.o");
	ck_assert_ptr_null(strstr(printed, "__so"));
	ck_assert_ptr_null(strstr(printed, "__se"));
	free(printed);
	ck_assert_int_eq(find_symbol("__ksymtab", false), SHELL_TRISTATE_YES);
	ck_assert_int_eq(find_symbol("__ksymtab", true), SHELL_TRISTATE_YES);
	ck_assert_int_eq(find_symbol("__undefined", true), SHELL_TRISTATE_YES);
	ck_assert_int_eq(find_symbol("__local", true), SHELL_TRISTATE_YES);
	ck_assert_int_eq(find_symbol("__common", true), SHELL_TRISTATE_YES);
	ck_assert_int_eq(find_symbol("__weak", true), SHELL_TRISTATE_YES);
	ck_assert_int_eq(find_symbol("__own", false), SHELL_TRISTATE_YES);
	ck_assert_int_eq(find_symbol("__own", true), SHELL_TRISTATE_NO);
	ck_assert_int_eq(find_symbol("__source", false), SHELL_TRISTATE_NO);
	ck_assert_int_eq(find_symbol("__section", false), SHELL_TRISTATE_NO);
	ck_assert_int_eq(find_symbol("__nothing", false), SHELL_TRISTATE_NO);
}

TEST(unsupported_and_missing_files_yield_unknown)
{
	shell_run(dir, "echo text >x.o");
	ck_assert_int_eq(find_symbol("__a", false), SHELL_TRISTATE_UNKNOWN);
	ck_assert(!unlink("x.o"));
	ck_assert_int_eq(find_symbol("__a", false), SHELL_TRISTATE_UNKNOWN);
	ck_assert(!symlink("/bin/true", "x.o"));
	ck_assert_int_eq(find_symbol("__a", false), SHELL_TRISTATE_UNKNOWN);
	ck_assert(!unlink("x.o"));
	assemble(".globl __gnu_lto_slim\n__gnu_lto_slim: .long 1\n");
	ck_assert_int_eq(find_symbol("__a", false), SHELL_TRISTATE_UNKNOWN);
	ck_assert_int_eq(shell_object_symbols_check_exports("x.o"),
			 SHELL_TRISTATE_UNKNOWN);
	assemble("\"a b\": .long 1\n");
	ck_assert_int_eq(find_symbol("__a", false), SHELL_TRISTATE_UNKNOWN);
}

/* With an inverted byte, any result is valid; the shell must not crash. */
TEST(a_truncated_object_yields_unknown)
{
	struct buf whole = { 0 };
	struct err err;

	assemble(".globl __a\n__a: .long 1\n");
	must(fs_read("x.o", 1 << 20, &whole, &err));
	for (size_t i = 0; i < whole.len; i++) {
		uint8_t saved = whole.data[i];

		whole.data[i] ^= 0xff;
		ck_assert(!fs_write("x.o", buf_bytes(&whole), 0600, NULL));
		find_symbol("__nothing", false);
		shell_object_symbols_check_exports("x.o");
		whole.data[i] = saved;
		ck_assert(
			!fs_write("x.o", bytes_of(whole.data, i), 0600, NULL));
		ck_assert_int_eq(find_symbol("__a", false),
				 SHELL_TRISTATE_UNKNOWN);
	}
	buf_release(&whole);
}

static const struct {
	const char *text;
	enum shell_tristate result;
} exports[] = {
	{ "a: .long 1", SHELL_TRISTATE_YES },
	{ "__ksymtab_a: .long 1\n.globl a\na: .long 1", SHELL_TRISTATE_YES },
	{ "__ksymtab_a: .long a", SHELL_TRISTATE_YES },
	{ "__ksymtab_a: .long 1\n.weak a\na: .long 1", SHELL_TRISTATE_YES },
	{ "__ksymtab_a: .long 1\na: .long 1", SHELL_TRISTATE_UNKNOWN },
	{ "__ksymtab_a: .long 1\n.comm a,4", SHELL_TRISTATE_UNKNOWN },
	{ "__ksymtab_a: .long 1\n.globl a\na: .long 1\n__ksymtab_b: .long 1\n"
	  "b: .long 2",
	  SHELL_TRISTATE_UNKNOWN },
	{ ".globl a\n.type a,%tls_object\n.section .tdata,\"awT\"\na: .long 1\n"
	  ".text\n__ksymtab_a: .long 1",
	  SHELL_TRISTATE_UNKNOWN },
};

TEST_EACH(check_exports_yields_yes_only_if_no_export_can_be_local, exports)
{
	char *text = xasprintf("%s\n", row->text);

	assemble(text);
	ck_assert_int_eq(shell_object_symbols_check_exports("x.o"),
			 row->result);
	free(text);
}

/* Run the text in the recipe shell, where nm is a program that fails. */
static int run_script(const char *text)
{
	struct shell_script script = { .text = text, .name = "/bin/sh" };
	char path[] = "PATH=.:/usr/bin:/bin";
	char *env[] = { path, NULL };
	enum shell_fallback_reason why;
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(shell_script_run(&script, env, &why));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Create a program that fails, with the text that identifies GNU nm. */
#define FAILING_NM "cp /bin/false nm; echo 'List symbols in [file(s)]' >>nm; "

TEST(an_nm_pipeline_is_answered_without_running_nm)
{
	assemble(".globl __a\n__a: .long 1\n");
	shell_run(dir, FAILING_NM "cp nm x-nm; cp nm x");
	ck_assert_int_eq(run_script("nm x.o 2>/dev/null | grep -q __a"), 0);
	ck_assert_int_eq(run_script("nm x.o 2>/dev/null | grep -q ' __a'"), 0);
	ck_assert_int_eq(run_script("./x-nm x.o 2>/dev/null | grep -q __a"), 0);
	ck_assert_int_eq(run_script("nm x.o 2>/dev/null | grep -q __b"), 1);
}

/* Each line differs from the supported line in a word or a program. */
static const char *const other_lines[] = {
	"nm x.o | grep -q __a",
	"nm x.o 2>>/dev/null | grep -q __a",
	"nm x.o 2>/dev/null | grep __a",
	"nm x.o 2>/dev/null | grep -q -e __a",
	"nm x.o 2>/dev/null | grep -q __a /dev/null",
	"nm x.o 2>/dev/null | grep -q _.a",
	"nm x.o 2>/dev/null | grep -q 'T __a'",
	"nm x.o 2>/dev/null | cat | grep -q __a",
	"nm -g x.o 2>/dev/null | grep -q __a",
	"nm x.o x.o 2>/dev/null | grep -q __a",
	"x x.o 2>/dev/null | grep -q __a",
	"f=x.o; nm $f 2>/dev/null | grep -q __a",
	"LD_PRELOAD=; export LD_PRELOAD; nm x.o 2>/dev/null | grep -q __a",
	"A=1 nm x.o 2>/dev/null | grep -q __a",
	"cp x.s grep; chmod +x grep; nm x.o 2>/dev/null | grep -q __a",
	"echo 'exit 1' >nm; nm x.o 2>/dev/null | grep -q __a",
	"cp /bin/false nm; nm x.o 2>/dev/null | grep -q __a",
	"cp /bin/false x-nm; ./x-nm x.o 2>/dev/null | grep -q __a",
};

TEST_EACH(other_pipelines_run_their_programs, other_lines)
{
	assemble(".globl __a\n__a: .long 1\n");
	shell_run(dir, FAILING_NM "cp nm x");
	ck_assert_int_ne(run_script(*row), 0);
}
