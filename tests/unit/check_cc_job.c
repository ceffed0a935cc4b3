/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cc */
/* Jobs that the wrapper submits to a scripted coordinator. */
#include "../lib/busy.h"
#include "../lib/test.h"
#include "cc-fixture.h"

#include <sys/resource.h>

static char *argv_su[] = { "gcc",           "-MD",        "-c",  "-o", "a.o",
			   "-fstack-usage", "--coverage", "a.c", NULL };
static char *argv_md[] = { "gcc", "-MD", "-c", "-o", "a.o", "a.c", NULL };
FIXTURE(setup, teardown);
TIMEOUT(30);

TEST(the_outputs_of_a_finished_job_are_renamed_into_place)
{
	char *old = xasprintf("%s/err", dir);
	int status, fd = open(old, O_RDWR | O_CREAT, 0600), saved;

	serve(play_done);
	saved = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_DONE);
	dup2(saved, STDERR_FILENO);
	ck_assert_int_eq(status, 0);
	ck_assert(fs_exists("a.o") && fs_exists("a.d"));
	nothing_left();
	expect_file(old, "a.c: warning\n");
	free(old);
}

static void play_sides(int fd)
{
	struct wire_cc_job job = read_job(fd);
	struct wire_cc_done m = make_done(job.pid);

	add_sides(&m, job.pid);
	m.err = bytes_str("");
	send_done(fd, &m);
}

TEST(side_outputs_are_renamed_into_place)
{
	int status;

	serve(play_sides);
	ck_assert_int_eq(offer(argv_su, &status), CC_JOB_DONE);
	ck_assert(fs_exists("a.o") && fs_exists("a.d"));
	ck_assert(fs_exists("a.su") && fs_exists("a.gcno"));
	nothing_left();
}

/* Unexpected side outputs, or a side output that cannot be renamed. */
static const struct bad_sides {
	uint8_t n;
	const char *second;
	bool vanishes;
} bad_sides[] = {
	{ 0, "a.gcno", false }, { 1, "a.gcno", false }, { 3, "a.gcno", false },
	{ 2, "../x", false },   { 2, "a.gcno", true },
}, *played;

static void play_bad_sides(int fd)
{
	struct wire_cc_job job = read_job(fd);
	struct wire_cc_done m = make_done(job.pid);

	add_sides(&m, job.pid);
	m.n_sides = played->n;
	m.sides[1].to = (char *)played->second;
	if (played->vanishes)
		unlink(m.sides[1].tmp);
	send_done(fd, &m);
	pause();
}

TEST_EACH(a_result_with_wrong_or_missing_side_outputs_is_rejected, bad_sides)
{
	int status;

	close(STDERR_FILENO);
	played = row;
	serve(play_bad_sides);
	ck_assert_int_eq(offer(argv_su, &status), CC_JOB_UNAVAILABLE);
	ck_assert(!fs_exists("a.o"));
	nothing_left();
}

static void play_failed(int fd)
{
	struct wire_cc_job job = read_job(fd);
	struct wire_cc_done m = make_done(job.pid);

	m.status = 3;
	m.object_tmp = m.object = "";
	m.err = bytes_str("");
	send_done(fd, &m);
}

TEST(a_failed_compile_returns_its_status_and_creates_no_object)
{
	int status;

	serve(play_failed);
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_DONE);
	ck_assert_int_eq(status, 3);
	ck_assert(!fs_exists("a.o"));
	nothing_left();
}

/* Submit a program; its object is in *object_fd, or -1. */
static enum cc_job_outcome submit_program(int *status, int *object_fd)
{
	char *argv[] = { "gcc", "-Wp,-MMD,a.d", "-o",  "a.o",
			 "-O2", "-lm",          "a.c", NULL };
	struct options_command c;
	struct cc_job job = { .socket = "sock",
			      .compiler = "/usr/bin/gcc",
			      .argv = argv,
			      .env = env,
			      .compile = &c };
	enum cc_job_outcome outcome;

	*status = -1;
	options_command_parse(&c, argv);
	outcome = cc_job_submit_program(&job, status);
	ck_assert(job.argv == argv && job.compile == &c);
	if (job.object_fd >= 0)
		ck_assert_uint_eq(job.source_at, 6);
	*object_fd = job.object_fd;
	options_command_release(&c);
	return outcome;
}

static void play_program(int fd)
{
	struct wire_cc_job job = read_job(fd);
	struct wire_cc_done m = make_done(job.pid);
	char *words = strv_join(&job.argv, " ");

	m.err = bytes_str("");
	if (job.linked && !strcmp(words, "gcc -c -Wp,-MMD,a.d -o a.o -O2 a.c"))
		send_done(fd, &m);
}

TEST(the_object_of_a_program_is_returned_as_a_descriptor)
{
	char text[16];
	int status, fd;

	serve(play_program);
	ck_assert_int_eq(submit_program(&status, &fd), CC_JOB_UNAVAILABLE);
	ck_assert_int_eq(read(fd, text, sizeof(text)), strlen("object"));
	ck_assert_int_eq(memcmp(text, "object", strlen("object")), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
	ck_assert(!fs_exists("a.o") && fs_exists("a.d"));
	nothing_left();
	close(fd);
}

TEST(a_failed_compile_of_a_program_is_not_linked)
{
	int status, fd;

	serve(play_failed);
	ck_assert_int_eq(submit_program(&status, &fd), CC_JOB_DONE);
	ck_assert_int_eq(status, 3);
	ck_assert_int_eq(fd, -1);
	nothing_left();
}

static void play_program_without_object(int fd)
{
	struct wire_cc_job job = read_job(fd);
	struct wire_cc_done m = make_done(job.pid);

	unlink(m.object_tmp);
	send_done(fd, &m);
}

TEST(a_program_without_its_object_is_compiled_locally)
{
	int status, fd;

	serve(play_program_without_object);
	ck_assert_int_eq(submit_program(&status, &fd), CC_JOB_UNAVAILABLE);
	ck_assert_int_eq(fd, -1);
	nothing_left();
}

static void play_by_terminal(int fd)
{
	struct wire_cc_job job = read_job(fd);
	struct wire_cc_done m = make_done(job.pid);

	m.status = job.tty_stderr ? 5 : 6;
	m.object_tmp = m.object = "";
	m.err = bytes_str("");
	send_done(fd, &m);
}

TEST_RANGE(a_job_reports_whether_stderr_is_a_terminal, 0, 2)
{
	int saved = dup(STDERR_FILENO), status;
	int master = posix_openpt(O_RDWR | O_NOCTTY), fd;

	ck_assert_int_ge(master, 0);
	ck_assert_int_eq(grantpt(master) | unlockpt(master), 0);
	fd = open(_i ? ptsname(master) : "/dev/null", O_RDWR | O_NOCTTY);
	ck_assert_int_ge(fd, 0);
	serve(play_by_terminal);
	dup2(fd, STDERR_FILENO);
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_DONE);
	dup2(saved, STDERR_FILENO);
	ck_assert_int_eq(status, _i ? 5 : 6);
	close(saved);
	close(fd);
	close(master);
}

static void play_by_confinement(int fd)
{
	struct wire_cc_job job = read_job(fd);
	struct wire_cc_done m = make_done(job.pid);

	m.status = job.restricted ? 5 : 6;
	m.object_tmp = m.object = "";
	m.err = bytes_str("");
	send_done(fd, &m);
}

static int offer_status(void)
{
	int status;

	return offer(argv_md, &status) == CC_JOB_DONE ? status : -1;
}

/* A closed descriptor, or a limit. */
static const struct confinement {
	int fd, resource;
	rlim_t limit;
	bool confined;
} confinements[] = {
	{ -1, -1, 0, false },
	{ 0, -1, 0, false },
	{ 1, -1, 0, true },
	{ 2, -1, 0, true },
	{ -1, RLIMIT_FSIZE, 1 << 20, true },
	/*
	 * Any limit disables remote jobs.  These are large enough for a
	 * sanitizer.
	 */
	{ -1, RLIMIT_AS, (rlim_t)1 << 50, true },
	{ -1, RLIMIT_DATA, (rlim_t)1 << 50, true },
	{ -1, RLIMIT_CPU, 100, true },
	{ -1, RLIMIT_STACK, 1 << 20, true },
	{ -1, RLIMIT_STACK, 8 << 20, false },
	{ -1, RLIMIT_NOFILE, 32, true },
	{ -1, RLIMIT_NOFILE, 256, false },
};

TEST_EACH(a_job_reports_closed_outputs_and_tight_limits, confinements)
{
	int status, saved = row->fd < 0 ? -1 : dup(row->fd);
	struct rlimit limit;

	serve(play_by_confinement);
	if (row->fd >= 0)
		close(row->fd);
	if (row->resource >= 0) {
		ck_assert_int_eq(getrlimit(row->resource, &limit), 0);
		limit.rlim_cur = row->limit;
		ck_assert_int_eq(setrlimit(row->resource, &limit), 0);
	}
	status = offer_status();
	if (saved >= 0)
		dup2(saved, row->fd);
	ck_assert_int_eq(status, row->confined ? 5 : 6);
}

static void play_local(int fd)
{
	read_job(fd);
	send_frame(fd, WIRE_CC_BEAT, bytes_str(""));
	send_frame(fd, WIRE_CC_LOCAL, bytes_str("unknown option"));
	pause();
}

TEST(the_socket_stays_open_after_cc_local)
{
	int status, before = dup(0), after;

	close(before);
	serve(play_local);
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_LOCAL);
	after = dup(0);
	ck_assert_int_gt(after, before);
	ck_assert_int_eq(fcntl(before, F_GETFD), 0);
}

/* The invalid coordinators of cc-fixture.h. */
static void (*const bad[])(int fd) = {
	play_eof,        play_garbage,        play_other_type,
	play_torn,       play_foreign_object, play_foreign_temporary,
	play_no_dep,     play_no_object,      play_swapped,
	play_huge_frame, play_packed,         play_rename_fails,
};

TEST_EACH(a_faulty_coordinator_is_unavailable_before_the_timeout, bad)
{
	uint64_t took = UINT64_MAX;
	int status;

	close(STDERR_FILENO);
	/*
	 * Take the best of some tries, because a busy machine can delay a try
	 * beyond the timeout.
	 */
	for (int i = 0; i < 5 && took >= CC_COORD_TIMEOUT_MS; i++) {
		uint64_t start = clock_ms();

		unlink("sock");
		unlink("sock.silent");
		serve(*row);
		ck_assert_int_eq(offer(argv_md, &status), CC_JOB_UNAVAILABLE);
		took = clock_ms() - start;
		ck_assert(!fs_exists("a.o"));
		nothing_left();
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
		server = 0;
	}
	ck_assert_uint_lt(took, CC_COORD_TIMEOUT_MS);
}

/* Other wrappers can still use the coordinator. */
TEST_RANGE(a_failed_rename_does_not_mark_the_coordinator_as_silent, 0, 2)
{
	static const char *const taken[] = { "a.o", "a.d" };
	int status;

	close(STDERR_FILENO);
	ck_assert_int_eq(mkdir(taken[_i], 0700), 0);
	put_file("sock.unanswered", "");
	serve(play_done);
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_UNAVAILABLE);
	nothing_left();
	ck_assert(!fs_exists("sock.silent"));
	/* The coordinator has counted the job. */
	expect_file("sock.unanswered", "");
}

/* The compiler would be ended by SIGPIPE. */
TEST(a_result_whose_messages_have_no_reader_is_not_delivered)
{
	int status, ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	signal(SIGPIPE, SIG_IGN);
	/* The process of serve() would keep a copy of the reader. */
	close(ends[0]);
	serve(play_done);
	dup2(ends[1], STDERR_FILENO);
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_UNAVAILABLE);
	close(STDERR_FILENO);
	ck_assert(!fs_exists("a.o") && !fs_exists("a.d"));
	nothing_left();
	ck_assert(!fs_exists("sock.silent"));
}

/* ----------------------------------------------------- silence and signals */

static void play_silence(int fd)
{
	make_done(read_job(fd).pid);
	pause();
}

/* The file "asked" shows that the job has been sent. */
static void play_silence_when_asked(int fd)
{
	make_done(read_job(fd).pid);
	put_file("asked", "");
	pause();
}

/* Single bytes are not a frame. */
static void play_trickle(int fd)
{
	uint8_t head[WIRE_FRAME_SIZE];
	struct wire_frame f = { .type = WIRE_CC_BEAT };

	make_done(read_job(fd).pid);
	wire_frame_encode(head, &f);
	for (size_t i = 0; i < sizeof(head) - 1; i++) {
		if (write(fd, head + i, 1) < 0)
			_exit(0);
		usleep(700000);
	}
	pause();
}

TEST_RANGE(a_silent_coordinator_is_unavailable_after_the_timeout, 0, 2)
{
	static void (*const plays[])(int fd) = { play_silence, play_trickle };
	uint64_t start = clock_ms(), took;
	int status;

	serve(plays[_i]);
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_UNAVAILABLE);
	took = clock_ms() - start;
	ck_assert_uint_ge(took, CC_COORD_TIMEOUT_MS - 50);
	ck_assert_uint_lt(took, 10 * CC_COORD_TIMEOUT_MS);
	nothing_left();
}

TEST(after_a_timeout_later_calls_do_not_wait)
{
	char *lines = xasprintf("%d 0 a.c\n0 0 a.c\n", getpid());
	struct buf recorded = { 0 };
	uint64_t start;
	struct err err;
	int status;

	put_file("sock.unanswered", "");
	serve(play_silence);
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_UNAVAILABLE);
	start = clock_ms();
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_UNAVAILABLE);
	ck_assert_uint_lt(clock_ms() - start, CC_COORD_TIMEOUT_MS);
	ck_assert_int_eq(unlink("sock.silent"), 0);
	/* Each compile is recorded for the coordinator. */
	ck_assert_int_eq(fs_read("sock.unanswered", 4096, &recorded, &err), 0);
	ck_assert_str_eq(buf_str(&recorded), lines);
	buf_release(&recorded);
	free(lines);
}

TEST(a_source_name_with_a_newline_is_recorded_in_one_line)
{
	char *argv[] = {
		"gcc", "-MD", "-c", "-o", "a.o", "a\n0 0 b\n.c", NULL
	};
	int status;

	put_file("sock.silent", "");
	put_file("sock.unanswered", "");
	ck_assert_int_eq(offer(argv, &status), CC_JOB_UNAVAILABLE);
	expect_file("sock.unanswered", "0 0 a?0 0 b?.c\n");
}

static void play_beats(int fd)
{
	struct wire_cc_done m = make_done(read_job(fd).pid);

	for (int i = 0; i < 7; i++) {
		sleep(1);
		send_frame(fd, WIRE_CC_BEAT, bytes_str(""));
	}
	m.err = bytes_str("");
	send_done(fd, &m);
}

TEST(heartbeats_extend_the_wait)
{
	int status;

	serve(play_beats);
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_DONE);
}

static void play_busy(int fd)
{
	struct wire_cc_done m = make_done(read_job(fd).pid);

	be_busy(CC_COORD_TIMEOUT_MS + 2500);
	m.err = bytes_str("");
	send_done(fd, &m);
}

TEST(a_busy_coordinator_is_not_silent)
{
	int status;

	serve(play_busy);
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_DONE);
	ck_assert(!fs_exists("sock.silent"));
}

TEST(a_full_backlog_is_retried_until_the_timeout)
{
	int fd = listen_on("sock", 0), status, fds[8];
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "sock" };
	uint64_t start = clock_ms();

	for (int i = 0; i < 8; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fds[i], (struct sockaddr *)&to, sizeof(to));
	}
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_UNAVAILABLE);
	ck_assert_uint_ge(clock_ms() - start, CC_COORD_TIMEOUT_MS - 50);
	ck_assert_uint_lt(clock_ms() - start, 10 * CC_COORD_TIMEOUT_MS);
	close(fd);
}

TEST(a_missing_coordinator_is_not_marked_as_silent)
{
	int status;

	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_UNAVAILABLE);
	put_file("sock", "not a socket");
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_UNAVAILABLE);
	ck_assert(!fs_exists("sock.silent"));
}

static void play_never_reads(int fd)
{
	(void)fd;
	pause();
}

TEST(a_send_to_a_coordinator_that_does_not_read_times_out)
{
	char *argv[24] = { "gcc", "-c", "a.c" }, *word = xmalloc(25001);
	uint64_t start = clock_ms();
	int status;

	memset(word, 'x', 25000);
	memcpy(word, "-D", 2);
	word[25000] = '\0';
	for (int i = 3; i < 23; i++)
		argv[i] = word;
	serve(play_never_reads);
	ck_assert_int_eq(offer(argv, &status), CC_JOB_UNAVAILABLE);
	ck_assert_uint_lt(clock_ms() - start, 10 * CC_COORD_TIMEOUT_MS);
	free(word);
}

TEST(a_too_long_command_is_not_offered)
{
	char *argv[5] = { "gcc", "-c", "a.c" }, *word = xmalloc(600001);
	int status;

	memset(word, 'x', 600000);
	memcpy(word, "-D", 2);
	word[600000] = '\0';
	argv[3] = word;
	serve(play_done);
	ck_assert_int_eq(offer(argv, &status), CC_JOB_UNAVAILABLE);
	free(word);
}

TEST_RANGE(a_signal_removes_temporary_files_and_kills_the_wrapper, 0, 3)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	char *object, *dep;
	int status, ignored;
	pid_t pid;

	serve(play_silence);
	pid = fork();
	if (!pid) {
		signal(signals[_i], SIG_DFL);
		_exit(offer(argv_md, &ignored));
	}
	object = options_output_temp_path("a.o", (unsigned)pid);
	dep = options_output_temp_path("a.d", (unsigned)pid);
	for (int i = 0; i < 3000 && !(fs_exists(object) && fs_exists(dep)); i++)
		usleep(20000);
	ck_assert(fs_exists(object) && fs_exists(dep));
	kill(pid, signals[_i]);
	waitpid(pid, &status, 0);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == signals[_i]);
	ck_assert(!fs_exists(object) && !fs_exists(dep));
	free(object);
	free(dep);
}

/* Send the result and a signal at once, unless the object already exists. */
static void play_done_and_kill(int fd)
{
	struct wire_cc_job job = read_job(fd);
	struct wire_cc_done m = make_done(job.pid);

	send_done(fd, &m);
	kill((pid_t)job.pid, SIGINT);
	if (access("a.o", F_OK))
		close(open("absent", O_WRONLY | O_CREAT, 0600));
}

TEST(an_object_is_not_delivered_after_a_signal)
{
	int status, ignored, absent = 0;

	for (int i = 0; i < 300; i++) {
		pid_t pid;

		unlink("a.o");
		unlink("absent");
		unlink("sock");
		serve(play_done_and_kill);
		pid = fork();
		if (!pid) {
			signal(SIGINT, SIG_DFL);
			_exit(offer(argv_md, &ignored));
		}
		waitpid(server, NULL, 0);
		server = 0;
		waitpid(pid, &status, 0);
		absent += fs_exists("absent");
		ck_assert(!fs_exists("absent") || !fs_exists("a.o"));
	}
	ck_assert_int_gt(absent, 0);
}

static volatile sig_atomic_t handled;

static void handle(int sig)
{
	handled = sig;
}

/* Like a shell with a trap, which then offers its next compile. */
TEST(a_handled_signal_ends_only_the_offer)
{
	int status;
	pid_t pid;

	signal(SIGHUP, handle);
	serve(play_silence_when_asked);
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 3000 && !fs_exists("asked"); i++)
			usleep(20000);
		kill(getppid(), SIGHUP);
		_exit(0);
	}
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_SIGNALLED);
	ck_assert_int_eq(status, 128 + SIGHUP);
	ck_assert_int_eq(handled, SIGHUP);
	nothing_left();
	waitpid(pid, NULL, 0);
	unlink("sock");
	serve(play_done);
	close(STDERR_FILENO);
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_DONE);
	ck_assert(fs_exists("a.o"));
	nothing_left();
}

TEST(an_ignored_signal_stays_ignored)
{
	struct sigaction now;
	int status;

	signal(SIGHUP, SIG_IGN);
	serve(play_failed);
	ck_assert_int_eq(offer(argv_md, &status), CC_JOB_DONE);
	sigaction(SIGHUP, NULL, &now);
	ck_assert(now.sa_handler == SIG_IGN);
}
