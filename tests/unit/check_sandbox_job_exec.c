/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "sandbox/init.h"

#include "../lib/test.h"
#include "sandbox.h"

#define MIB (1 << 20)

static struct played p;

static const struct sandbox_limits tight = {
	.input_root_bytes = 64 * MIB,
	.input_root_files = 4096,
	.job_bytes = 16 * MIB,
	.job_files = 64,
	.file_bytes = 8 * MIB,
	.memory_bytes = 64 * MIB,
	.max_processes = 24,
};

static void set_up(void)
{
	open_cell(&tight, NULL);
	put_attack();
	ck_assert(!put_text("/src/x.c", "int x;\n"));
	must(sandbox_freeze(cell, NULL, &err));
	ck_assert(!put_text("/src/y.c", "int y;\n"));
}

static void tear_down(void)
{
	drop_job(&p);
	ck_assert_uint_eq(times_lost, 0);
	close_cell();
}

/* Attacks of sandbox-attack.c that must fail. */
static const char *const attacks[][2] = {
	{ "none", NULL },
	{ "calls", NULL },
	{ "sockets", NULL },
	{ "namespaces", NULL },
	{ "read", "/etc/group" },
	{ "write", "/src/x.c" },
	{ "write", "/src/y.c" },
	{ "write", "/src" },
	{ "write", ATTACK },
	{ "write", "/dev" },
	{ "write", "/.kfarm" },
	{ "write", "/proc/self/mem" },
	{ "write", "/proc/self/exe" },
	{ "processes", NULL },
	{ "privileges", NULL },
	{ "descriptors", NULL },
	{ "memory", "64" },
	{ "file", "8" },
	{ "flood", "16" },
	{ "files", "64" },
	{ "exec", ATTACK },
	{ "abi", NULL },
	{ "tmp", "own" },
};

FIXTURE_ONCE(require_sandbox, NULL);
FIXTURE_ONCE(make_attack, remove_attack);
FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST_EACH(an_attack_fails, attacks)
{
	run_attack(&p, (*row)[0], (*row)[1]);
	ck_assert_msg(ended_well(&p), "%s %s: why %d, status %#x: %s",
		      (*row)[0], (*row)[1] ? (*row)[1] : "", p.end.cause,
		      p.end.status, buf_str(&p.output[1]));
}

TEST(a_job_cannot_read_a_temporary_file_of_the_node)
{
	char secret[] = "/tmp/kfarm-secret-XXXXXX";
	int fd = mkstemp(secret);

	ck_assert_int_ge(fd, 0);
	close(fd);
	run_attack(&p, "read", secret);
	unlink(secret);
	must_be_well(&p);
}

/* Return true if the limit of processes applies per job, not per user. */
static bool is_limit_per_job(void)
{
	char *release = ask((char *[]){ "uname", "-r", NULL });
	unsigned major = 0, minor = 0;

	sscanf(release, "%u.%u", &major, &minor);
	free(release);
	if (major > 5 || (major == 5 && minor >= 14))
		return true;
	test_skip("before Linux 5.14 only users are counted");
	return false;
}

TEST(the_process_limit_applies_per_job)
{
	struct sandbox_job job = {
		.argv = (char *[]){ ATTACK, "sleep", NULL },
		.stdin_fd = -1,
	};
	struct played sleeping;

	if (!is_limit_per_job())
		return;
	ck_assert(!start_job(&sleeping, &job));
	run_attack(&p, "forks", "24");
	must_be_well(&p);
	ck_assert_uint_eq(sleeping.done, 0);
	drop_job(&sleeping);
}

TEST(a_fork_bomb_does_not_affect_other_jobs)
{
	struct sandbox_job job = {
		.argv = (char *[]){ ATTACK, "bomb", NULL },
		.stdin_fd = -1,
	};
	struct played bomb;

	if (!is_limit_per_job())
		return;
	ck_assert(!start_job(&bomb, &job));
	for (int i = 0; i < 5; i++) {
		run_attack(&p, "forks", "24");
		must_be_well(&p);
		drop_job(&p);
	}
	ck_assert_uint_eq(bomb.done, 0);
	sandbox_run_kill(bomb.run);
	wait_all(&bomb, 1);
	ck_assert_int_eq(bomb.end.cause, SANDBOX_END_CANCELLED);
	drop_job(&bomb);
}

TEST(a_job_that_exhausts_its_storage_affects_no_other_job)
{
	struct played full;

	run_attack(&full, "flood", "16");
	must_be_well(&full);
	/* The files of the full job still exist. */
	run_attack(&p, "none", NULL);
	must_be_well(&p);
	drop_job(&full);
}

TEST(other_jobs_do_not_affect_the_outputs_of_a_running_job)
{
	struct sandbox_job job = {
		.argv = (char *[]){ ATTACK, "late", NULL },
	};
	uint64_t deadline = clock_ms() + WAIT_MS, size;
	struct played late;
	int fd[2], out;

	ck_assert(!pipe2(fd, O_CLOEXEC));
	job.stdin_fd = fd[0];
	ck_assert(!start_job(&late, &job));
	while (!late.output[0].len) {
		ck_assert(clock_ms() < deadline);
		turn(&late, 1);
	}
	for (int i = 0; i < 3; i++) {
		run_attack(&p, "none", NULL);
		must_be_well(&p);
		drop_job(&p);
	}
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	wait_all(&late, 1);
	must_be_well(&late);
	out = sandbox_run_open_output(late.run, "late", &size);
	ck_assert_int_ge(out, 0);
	close(out);
	close(fd[0]);
	close(fd[1]);
	drop_job(&late);
}

TEST(the_clients_tmp_directory_is_visible_and_read_only)
{
	ck_assert(!put_text("/tmp/x/linux/a.c", "int a;\n"));
	run_attack(&p, "tmp", "the client's");
	must_be_well(&p);
	drop_job(&p);
	run_attack(&p, "write", "/tmp/x/linux/a.c");
	must_be_well(&p);
	drop_job(&p);
	/* After its removal, the directory is private again. */
	must(sandbox_remove_path(cell, "/tmp/x", &err));
	run_attack(&p, "tmp", "own");
	must_be_well(&p);
}

TEST(a_client_symlink_at_tmp_replaces_the_private_directory)
{
	must(sandbox_put_symlink(cell, "/tmp", "/src", &err));
	run_attack(&p, "tmp", "the client's");
	must_be_well(&p);
}

TEST(a_job_does_not_see_the_processes_of_other_jobs)
{
	struct sandbox_job job = {
		.argv = (char *[]){ ATTACK, "sleep", NULL },
		.stdin_fd = -1,
	};
	struct played others[4];

	for (int i = 0; i < 4; i++)
		ck_assert(!start_job(&others[i], &job));
	run_attack(&p, "processes", NULL);
	must_be_well(&p);
	for (int i = 0; i < 4; i++) {
		turn(others, 4);
		ck_assert_uint_eq(others[i].done, 0);
		drop_job(&others[i]);
	}
}

TEST(a_job_has_the_given_stdin_arguments_and_environment)
{
	char *env[] = { "TMPDIR=" SANDBOX_TMP_DIR, NULL };
	struct sandbox_job job = {
		.argv = (char *[]){ ATTACK, "echo", "word", NULL },
		.env = env,
	};
	int fd[2];

	ck_assert(!pipe(fd));
	ck_assert_int_eq(write(fd[1], "in\n", 3), 3);
	close(fd[1]);
	job.stdin_fd = fd[0];
	ck_assert(!start_job(&p, &job));
	close(fd[0]);
	wait_all(&p, 1);
	must_be_well(&p);
	ck_assert_str_eq(buf_str(&p.output[0]),
			 "in\nword " SANDBOX_TMP_DIR "\n");
	ck_assert_str_eq(buf_str(&p.output[1]), "err\n");
}

TEST(an_empty_setuid_program_fails_with_enoexec)
{
	char name[] = "/tmp/kfarm-suid-XXXXXX";
	int fd = mkstemp(name);

	ck_assert_int_ge(fd, 0);
	unlink(name);
	ck_assert(!fchmod(fd, 06755));
	must(sandbox_put_file(cell, "/bin/suid", fd, 0, true, MTIME, &err));
	close(fd);
	/* The program gains no privileges: see "privileges". */
	run_argv(&p, (char *[]){ "/bin/suid", NULL });
	ck_assert_int_eq(p.end.cause, SANDBOX_END_NOT_STARTED);
	ck_assert_int_eq(p.end.error, ENOEXEC);
}
