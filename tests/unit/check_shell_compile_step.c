/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
/* Tool steps in a script. */
#include "../lib/test.h"
#include "shell-step-fixture.h"

#include <sys/file.h>

#define SYMBOLS  "gcc -E -D__GENKSYMS__ -Wp,-MMD,a.d a.c | " GENKSYMS
#define TEXT_CPP "gcc -E -D__GENKSYMS__ -Wp,-MMD,a.d -xc -"
#define INCLUDES "echo \"#include <a.h>\" ; echo '#include <b/c.h>' ; "
#define EXPORTS  INCLUDES "echo x | sed 's/x/EXPORT_SYMBOL(x);/' ; "
#define TEXT     "{ " EXPORTS "} | " TEXT_CPP " | " GENKSYMS
#define COMPILE  "gcc -Wp,-MMD,a.d -c -o a.o a.c"

static void reply_symbols(int fd)
{
	struct wire_cc_job job;
	struct wire_cc_done m;

	note_step(fd);
	job = read_job(fd);
	m = make_done(job.pid);
	unlink(m.object_tmp);
	m.object = m.object_tmp = "";
	m.out = bytes_str("symbols\n");
	send_done(fd, &m);
}

FIXTURE(setup_programs, teardown);
TIMEOUT(60);

TEST(a_genksyms_pipeline_is_offloaded)
{
	put_file("cmd", "before\n");
	serve(reply_symbols);
	ck_assert_int_eq(run_script("set -e; if true; then " SYMBOLS
				    " -r /dev/null >> cmd; fi; echo $?"),
			 0);
	expect_file("step", "0 " GENKSYMS " -r /dev/null");
	expect_file("cmd", "before\nsymbols\n");
	expect_file("out", "a.c: warning\n0\n");
	expect_file("a.d", "dep");
	ck_assert(!fs_exists("ran") && !fs_exists("a.o"));
	expect_steps(1);
	nothing_left();
}

TEST(offloaded_symbols_without_a_redirection_go_to_stdout)
{
	serve(reply_symbols);
	ck_assert_int_eq(run_script("{ " SYMBOLS "; echo end; } >f"), 0);
	expect_file("out", "a.c: warning\n");
	expect_file("f", "symbols\nend\n");
}

static const char generated_source[] = "#include <a.h>\n#include <b/c.h>\n"
				       "EXPORT_SYMBOL(x);\n";

TEST(a_generated_source_text_is_sent_with_the_step)
{
	put_file("cmd", "before\n");
	serve(reply_symbols);
	ck_assert_int_eq(run_script("set -e; trap 'rm -f a.o' HUP; if true; "
				    "then " TEXT " -r /dev/null >> cmd; fi; "
				    "echo $?"),
			 0);
	expect_file("step", "0 " GENKSYMS " -r /dev/null");
	expect_file("text", generated_source);
	expect_file("cmd", "before\nsymbols\n");
	expect_file("out", "a.c: warning\n0\n");
	ck_assert(!fs_exists("ran"));
	expect_steps(1);
	nothing_left();
}

TEST(a_rejected_genksyms_step_runs_locally)
{
	int status;

	serve(answer_local);
	ck_assert_int_eq(run_script(SYMBOLS " >cmd; echo $?"), 0);
	expect_file("cmd", "here\n");
	expect_file("out", "0\n");
	ck_assert_int_eq(waitpid(server, &status, 0), server);
	server = 0;
	expect_file("closed", "behind it");
	expect_steps(0);
	expect_here(SHELL_STEP_REASON_JOB, 1);
}

/* Programs that copy their input to their output. */
static const char cat_compiler[] = "#!/bin/sh\n"
				   "echo real $* >>ran\n"
				   "cat\n";
static const char cat_tool[] = "#!/bin/sh\n"
			       "echo tool $* >>ran\n"
			       "cat\n";

static void put_cat_programs(void)
{
	put_program("links/gcc", cat_compiler);
	put_program("real/gcc", cat_compiler);
	put_program(GENKSYMS, cat_tool);
}

TEST(a_rejected_step_pipes_the_generated_text_to_local_programs)
{
	put_cat_programs();
	serve(answer_local);
	ck_assert_int_eq(run_script(TEXT " >cmd; echo $?"), 0);
	expect_file("text", generated_source);
	expect_file("cmd", generated_source);
	expect_file("out", "0\n");
	expect_steps(0);
	expect_here(SHELL_STEP_REASON_JOB, 1);
}

static void reply_object(int fd)
{
	struct wire_cc_job job;
	struct wire_cc_done m;

	note_step(fd);
	job = read_job(fd);
	m = make_done(job.pid);
	send_done(fd, &m);
}

TEST(objtool_is_offloaded_with_its_compile)
{
	serve(reply_object);
	ck_assert_int_eq(run_script("set -e; trap 'rm -f a.o' HUP; " COMPILE
				    " ; ./" OBJTOOL " --hacks=jump_label "
				    "--orc a.o; echo $?"),
			 0);
	expect_file("step", "1 ./" OBJTOOL " --hacks=jump_label --orc");
	expect_file("out", "a.c: warning\n0\n");
	expect_file("a.o", "object");
	ck_assert(!fs_exists("ran"));
	expect_steps(1);
}

TEST(objtool_is_offloaded_as_the_last_command)
{
	serve(reply_object);
	ck_assert_int_eq(run_script(COMPILE "; " OBJTOOL " --orc a.o"), 0);
	ck_assert(!fs_exists("ran"));
}

TEST(after_a_local_compile_objtool_runs_locally)
{
	serve(answer_local);
	ck_assert_int_eq(run_script(COMPILE "; " OBJTOOL " --orc a.o; echo $?"),
			 0);
	expect_file("out", "here\n0\n");
	expect_file("ran", "real -Wp,-MMD,a.d -c -o a.o a.c\n"
			   "tool --orc a.o\n");
	expect_steps(0);
	expect_here(SHELL_STEP_REASON_JOB, 1);
}

static void reply_failed(int fd)
{
	struct wire_cc_job job;
	struct wire_cc_done m;

	note_step(fd);
	job = read_job(fd);
	m = make_done(job.pid);
	m.status = 1;
	m.object_tmp = m.object = "";
	send_done(fd, &m);
}

TEST(after_a_failed_compile_objtool_runs_locally)
{
	serve(reply_failed);
	ck_assert_int_eq(run_script(COMPILE "; " OBJTOOL " --orc a.o; echo $?"),
			 0);
	expect_file("ran", "tool --orc a.o\n");
}

/* Serve a compile; no tool step must be requested. */
static void reply_compile(int fd)
{
	struct wire_cc_job job = read_job(fd);
	struct wire_cc_done m = make_done(job.pid);

	send_done(fd, &m);
}

static const struct {
	const char *text;
	enum shell_step_reason why; /* SHELL_STEP_N_REASONS: not a tool step */
} compiles[] = {
	{ COMPILE "; " OBJTOOL " --orc b.o", SHELL_STEP_REASON_OPTION },
	{ COMPILE "; " OBJTOOL " --orc --backup a.o",
	  SHELL_STEP_REASON_OPTION },
	{ COMPILE "; " OBJTOOL " --orc -o c.o a.o", SHELL_STEP_REASON_OPTION },
	{ COMPILE "; " OBJTOOL " orc a.o", SHELL_STEP_REASON_OPTION },
	{ COMPILE "; x=1 " OBJTOOL " --orc a.o", SHELL_STEP_REASON_LINE },
	{ COMPILE "; " OBJTOOL " --orc a.o >objtool.out",
	  SHELL_STEP_REASON_LINE },
	{ COMPILE "; " OBJTOOL " --orc $X a.o", SHELL_STEP_REASON_LINE },
	{ COMPILE "; my" OBJTOOL " --orc a.o", SHELL_STEP_N_REASONS },
	{ COMPILE "; true; " OBJTOOL " --orc a.o", SHELL_STEP_REASON_LINE },
	{ COMPILE " && " OBJTOOL " --orc a.o", SHELL_STEP_REASON_ALONE },
	{ "export OBJTOOL_ARGS=--stats; " COMPILE "; " OBJTOOL " --orc a.o",
	  SHELL_STEP_REASON_OPTION },
	{ "x=1 " COMPILE "; " OBJTOOL " --orc a.o", SHELL_STEP_REASON_LINE },
	{ "gcc -fstack-usage -Wp,-MMD,a.d -c -o a.o a.c; " OBJTOOL " --orc a.o",
	  SHELL_STEP_REASON_OPTION },
	{ COMPILE "; " OBJTOOL, SHELL_STEP_REASON_OPTION },
};

static void reply_compile_with_side_output(int fd)
{
	struct wire_cc_job job = read_job(fd);
	struct wire_cc_done m = make_done(job.pid);

	if (!strcmp(job.argv.v[1], "-fstack-usage")) {
		add_sides(&m, job.pid);
		m.n_sides = 1;
	}
	send_done(fd, &m);
}

TEST_EACH(an_unsupported_objtool_line_runs_locally, compiles)
{
	put_program("mytools/objtool/objtool", tool);
	serve(reply_compile_with_side_output);
	ck_assert_int_eq(run_script(row->text), 0);
	ck_assert(!fs_exists("step") && fs_exists("ran"));
	expect_steps(0);
	expect_here(row->why, 1);
}

static const struct {
	const char *text;
	enum shell_step_reason why;
} pipes[] = {
	{ SYMBOLS " -T a.symtypes -r /dev/null", SHELL_STEP_REASON_OPTION },
	{ SYMBOLS " -r a.symref", SHELL_STEP_REASON_OPTION },
	{ SYMBOLS " a.c", SHELL_STEP_REASON_OPTION },
	{ SYMBOLS " 2>/dev/null", SHELL_STEP_REASON_LINE },
	{ SYMBOLS " </dev/null", SHELL_STEP_REASON_LINE },
	{ SYMBOLS " >a >b", SHELL_STEP_REASON_LINE },
	{ SYMBOLS " >$X", SHELL_STEP_REASON_LINE },
	{ SYMBOLS " | cat", SHELL_STEP_REASON_ALONE },
	{ "gcc -E a.c 2>/dev/null | " GENKSYMS, SHELL_STEP_REASON_LINE },
	{ "x=1 gcc -E a.c | " GENKSYMS, SHELL_STEP_REASON_LINE },
	{ "gcc -E a.c | x=1 " GENKSYMS, SHELL_STEP_REASON_LINE },
	{ "gcc -E $X a.c | " GENKSYMS, SHELL_STEP_REASON_LINE },
	{ "gcc -E -o a.i a.c | " GENKSYMS, SHELL_STEP_REASON_OPTION },
	{ "gcc -E -P a.c | " GENKSYMS, SHELL_STEP_REASON_OPTION },
	{ "gcc -E -xc - </dev/null | " GENKSYMS, SHELL_STEP_REASON_LINE },
	{ "gcc -E -x c /dev/null | " GENKSYMS, SHELL_STEP_REASON_OPTION },
	{ "gcc -E a.S | " GENKSYMS, SHELL_STEP_REASON_OPTION },
	{ "gcc -c a.c | " GENKSYMS, SHELL_STEP_REASON_OPTION },
	{ "real/gcc -E a.c | " GENKSYMS, SHELL_STEP_REASON_LINE },
	{ "gcc -E a.c | my" GENKSYMS, SHELL_STEP_N_REASONS },
	{ "gcc -E a.c | cat", SHELL_STEP_N_REASONS },
	{ "{ gcc -E a.c; } 2>/dev/null | " GENKSYMS, SHELL_STEP_REASON_LINE },
	/* other source texts, and other ways to generate them */
	{ TEXT " -T a.symtypes", SHELL_STEP_REASON_OPTION },
	{ TEXT " 2>/dev/null", SHELL_STEP_REASON_LINE },
	{ "{ " EXPORTS "} 2>/dev/null | " TEXT_CPP " | " GENKSYMS,
	  SHELL_STEP_REASON_LINE },
	{ "( " EXPORTS ") | " TEXT_CPP " | " GENKSYMS, SHELL_STEP_REASON_LINE },
	{ "{ " INCLUDES "echo x; } | " TEXT_CPP " | " GENKSYMS,
	  SHELL_STEP_REASON_LINE },
	{ "{ " EXPORTS "true; } | " TEXT_CPP " | " GENKSYMS,
	  SHELL_STEP_REASON_LINE },
	{ "{ " EXPORTS "} | cat | " TEXT_CPP " | " GENKSYMS,
	  SHELL_STEP_REASON_LINE },
	{ "{ " EXPORTS "} | " TEXT_CPP " $X | " GENKSYMS,
	  SHELL_STEP_REASON_LINE },
	{ "{ " EXPORTS "} | gcc -E a.c | " GENKSYMS, SHELL_STEP_REASON_OPTION },
	{ "{ " EXPORTS "} | gcc -E - | " GENKSYMS, SHELL_STEP_REASON_OPTION },
	{ "{ " EXPORTS "} | gcc -E -MD -xc - | " GENKSYMS,
	  SHELL_STEP_REASON_OPTION },
	{ "{ echo '#include \"a.h\"'; " EXPORTS "} | " TEXT_CPP " | " GENKSYMS,
	  SHELL_STEP_REASON_LINE },
	{ "{ echo '#define a \\'; echo '#x'; echo | cat; } | " TEXT_CPP
	  " | " GENKSYMS,
	  SHELL_STEP_REASON_LINE },
	{ "{ echo '#include \"a.h\"'; echo 'x;'; echo | cat; } | " TEXT_CPP
	  " | " GENKSYMS,
	  SHELL_STEP_REASON_LINE },
	{ "{ echo 'x;'; echo '#include <a>b>'; echo | cat; } | " TEXT_CPP
	  " | " GENKSYMS,
	  SHELL_STEP_REASON_LINE },
	{ "{ echo 'x;'; echo y; printf z | cat; } | " TEXT_CPP " | " GENKSYMS,
	  SHELL_STEP_REASON_LINE },
	{ "{ echo 'x;'; echo y; printf 'z\\0\\n' | cat; } | " TEXT_CPP
	  " | " GENKSYMS,
	  SHELL_STEP_REASON_LINE },
	{ "{ echo 'x;'; echo y; head -c 65536 /dev/zero | tr '\\0' '\\n'; } | " TEXT_CPP
	  " | " GENKSYMS,
	  SHELL_STEP_REASON_LINE },
};

TEST_EACH(an_unsupported_genksyms_pipeline_runs_locally, pipes)
{
	char *text = xasprintf("X=x; %s", row->text);

	put_program("myscripts/genksyms/genksyms", tool);
	serve(refuse);
	run_script(text);
	free(text);
	ck_assert(!fs_exists("step"));
	expect_steps(0);
	expect_here(row->why, 1);
}

static const enum shell_step_reason disable_reasons[] = {
	SHELL_STEP_REASON_UNWANTED,
	SHELL_STEP_REASON_OFF,
	SHELL_STEP_REASON_NO_REMOTE,
};

TEST_EACH(with_steps_disabled_all_tools_run_locally, disable_reasons)
{
	shell_stats_set_steps(dir, SHELL_STATS_ALL_STEPS, *row);
	serve(reply_compile);
	ck_assert_int_eq(run_script(COMPILE "; " OBJTOOL " --orc a.o; " SYMBOLS
					    " >>cmd; " TEXT " >>cmd"),
			 0);
	expect_file("cmd", "here\nhere\n");
	ck_assert(!fs_exists("step"));
	expect_steps(0);
	expect_here(*row, 3);
}

TEST(without_a_coordinator_tool_steps_run_locally)
{
	ck_assert_int_eq(run_script(SYMBOLS " >>cmd; " COMPILE "; " OBJTOOL
					    " --orc a.o"),
			 0);
	expect_file("cmd", "here\n");
	expect_file("a.o", "local\n");
	expect_steps(0);
	expect_here(SHELL_STEP_REASON_JOB, 2);
}

/* Tools that log whether the only local slot is locked while they run. */
static const char slot_tool[] = "#!/bin/sh\n"
				"cat >/dev/null\n"
				"flock -n slots/0 true || echo taken >>ran\n";

static const struct {
	const char *script, *out;
} slot_scripts[] = {
	{ SYMBOLS " >>cmd", "real -E -D__GENKSYMS__ -Wp,-MMD,a.d a.c\n"
			    "taken\n" },
	{ COMPILE "; " OBJTOOL " --orc a.o", "real -Wp,-MMD,a.d -c -o a.o a.c\n"
					     "taken\n" },
	{ COMPILE "; " OBJTOOL " --orc a.o </dev/null",
	  "real -Wp,-MMD,a.d -c -o a.o a.c\n" },
};

TEST_RANGE(a_local_tool_step_holds_a_local_slot, 0, 3)
{
	char *slots = xasprintf("%s/slots", dir);
	int fd;

	put_program(GENKSYMS, slot_tool);
	put_program(OBJTOOL, slot_tool);
	put_program("slots/0", "");
	setenv("KFARM_SLOTS", slots, 1);
	free(slots);
	ck_assert_int_eq(run_script(slot_scripts[_i].script), 0);
	expect_file("ran", slot_scripts[_i].out);
	/* No process holds the slot afterwards. */
	fd = open("slots/0", O_RDONLY);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	close(fd);
}
