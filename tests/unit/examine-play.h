/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/examine-play.h - A unit with its closure, and a correct result,
 * which the tests corrupt.
 */
#ifndef EXAMINE_PLAY_H
#define EXAMINE_PLAY_H

#include "../lib/test.h"
#include "coord/verify-result.h"

#include "base/spawn.h"
#include "base/vec.h"
#include "base/which.h"
#include "wire/cc.h"
#include "wire/msg.h"

#include <elf.h>

static char *dir; /* without symbolic links */
static struct inputs inputs;
static struct inputs_manifest manifest;
static struct options_command command;
static struct options_flags flags;
static struct peer_job_result answer;
static struct coord_verify_result_job e;
static char *no_env[] = { NULL };
static Elf64_Ehdr object;

/* gcc's dependency list of the unit below, in its order. */
#define DEPS "u.o: u.c sys/stdc-predef.h h.h sub/../g.h sys/s.h\n"
static const char as_deps[] = "out.o: /.kfarm/tmp/ccAbCdEf.s\n";

static void write_file(const char *name, const char *text)
{
	struct err err;

	must(fs_write(name, bytes_str(text), 0644, &err));
}

static void add(int stream, const char *text)
{
	buf_release(&answer.streams[stream]);
	buf_add_str(&answer.streams[stream], text);
}

/* Compute the digest like an honest node. */
static void sign(void)
{
	struct bytes streams[WIRE_N_OUTPUTS];

	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		streams[i] = buf_bytes(&answer.streams[i]);
		answer.wire.output_bytes[i] = (uint32_t)streams[i].len;
	}
	wire_result_digest(&answer.job_digest, streams, &answer.wire.digest);
}

static char *c_unit[] = { (char *)"gcc",      (char *)"-nostdinc",
			  (char *)"-isystem", (char *)"sys",
			  (char *)"-include", (char *)"sys/stdc-predef.h",
			  (char *)"-MD",      (char *)"-MF",
			  (char *)"u.d",      (char *)"-c",
			  (char *)"u.c",      NULL };

static void scan_unit(char **argv)
{
	static char *env[] = { (char *)"PATH=/usr/bin:/bin", NULL };
	static struct digest id = { { 1 } };
	char *gcc = which_compiler("gcc", "/usr/bin:/bin", NULL);
	struct err err;
	struct cpp_unit unit = { .cwd = dir,
				 .compiler = gcc,
				 .toolchain = &id,
				 .command = &command,
				 .env = env };

	ck_assert_ptr_nonnull(gcc);
	options_command_parse(&command, argv);
	ck_assert_int_eq(command.class, OPTIONS_CLASS_REMOTE);
	must(options_allowlist_make_flags(&flags, &command, &err));
	inputs_manifest_make(&manifest, &inputs, &unit);
	ck_assert_msg(!manifest.reason, "%s", reason_text(manifest.reason));
	free(gcc);
}

static void set_up(void)
{
	struct cpp_setup scan = { .query = capture_run };
	char name[] = "/tmp/kfarm-check-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(name));
	dir = realpath(name, NULL);
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(mkdir("sys", 0755) | mkdir("sub", 0755), 0);
	write_file("sys/stdc-predef.h", "\n");
	write_file("sys/s.h", "\n");
	write_file("g.h", "\n");
	write_file("probed.h", "\n");
	write_file("h.h", "#include \"sub/../g.h\"\n#include <s.h>\n");
	write_file("u.c", "#include \"h.h\"\n"
			  "#if __has_include(\"probed.h\")\nint x;\n#endif\n");
	inputs_init(&inputs, &scan);
	scan_unit(c_unit);
	object = (Elf64_Ehdr){ .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
					    ELFCLASS64, ELFDATA2LSB,
					    EV_CURRENT },
			       .e_type = ET_REL,
			       .e_machine = EM_AARCH64 };
	buf_add(&answer.streams[WIRE_OUTPUT_OBJECT], &object, sizeof(object));
	add(WIRE_OUTPUT_DEPS, DEPS);
	add(WIRE_OUTPUT_AS_DEPS, as_deps);
	sign();
	e = (struct coord_verify_result_job){
		.result = &answer,
		.manifest = &manifest,
		.command = &command,
		.flags = &flags,
		.env = no_env,
		.cwd = dir,
		.reference_object = bytes_of(&object, sizeof(object)),
		.object_tmp = "u.o.tmp",
		.dep_tmp = "u.d.tmp",
	};
}

static void tear_down(void)
{
	struct err err;

	peer_job_result_release(&answer);
	inputs_manifest_release(&manifest);
	inputs_release(&inputs);
	options_flags_release(&flags);
	options_command_release(&command);
	ck_assert_int_eq(chdir("/"), 0);
	fs_remove(dir, &err);
	free(dir);
}

static void expect_dep(const char *want)
{
	ck_assert_msg(e.verdict == SCHED_VERDICT_VALID, "%s%s",
		      reason_text(e.reason), e.err.text);
	expect_file("u.d.tmp", want);
	ck_assert(fs_exists("u.o.tmp"));
}

static void expect_nothing(enum sched_verdict is)
{
	ck_assert_int_eq(e.verdict, is);
	ck_assert(!fs_exists("u.o.tmp") && !fs_exists("u.d.tmp"));
}

#endif
