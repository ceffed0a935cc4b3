/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job that has to wait for something of its own (the end of its processes,
 * a thread that hashes) before it can go is `busy`; one that was dropped
 * meanwhile ends there.  `tell` always comes through the `telling` event,
 * so that no call into a job can free it under its caller.
 */
#include "agent/job.h"

#include "agent/agent.h"
#include "agent/argv.h"
#include "agent/asread.h"
#include "agent/indent.h"
#include "agent/object.h"
#include "agent/probe.h"
#include "agent/run.h"
#include "agent/scan.h"
#include "agent/work.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/task.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MOST 600000 /* ms */
#define TEXT_PATIENCE 60000 /* ms between two pieces of a text */
#define ROOM_LEAST    (16ull << 20) /* bytes for objects and temporaries */
#define READ_LIST_MAX (1u << 20)
#define LARGE         (1u << 18) /* bytes to be gone through on a thread */

struct agent_job {
	struct agent *agent;
	struct wire_job m;
	struct agent_place place;
	void (*tell)(void *ctx, struct agent_job *job); /* NULL: dropped */
	void *ctx;
	struct event *telling;
	bool has_answer;

	char *dir;
	char *driver;
	struct strv argv;
	struct strv env;

	int text; /* -1 once it is complete */
	uint32_t text_got;
	uint64_t text_at; /* clock_ms() of the last piece */
	struct agent_scan scan;
	struct digest_run *text_run;
	struct digest key;

	struct agent_run *run; /* the last one, perhaps done */
	bool checking; /* it is the check of agent/indent.h */
	struct {
		int status; /* of the compile */
		uint32_t cpu_ms, wall_ms, peak_kib; /* of all that are done */
		size_t said[2];
	} sum;
	bool busy;
	struct bytes object; /* mapped */
	bool tells_dir; /* the object holds our directory's name */
	struct task *task; /* on a thread */
	struct event *task_event;
	void (*after)(struct agent_job *job);
	int prepared; /* agent_indent_prepare()'s answer */
	struct err why;

	int fail_class; /* enum wire_fail_class, -1: none */
	char *fail_reason;
	struct digest digest; /* of the answer */
	size_t sent; /* bytes of the object */
};

static void destroy(struct agent_job *job)
{
	struct err ignored;

	agent_slots_leave(&job->agent->slots, &job->place);
	if (job->run)
		agent_run_free(job->run);
	if (job->object.data)
		munmap((void *)job->object.data, job->object.len);
	if (job->text >= 0)
		close(job->text);
	if (job->text_run)
		digest_end(job->text_run, NULL);
	if (job->telling)
		event_free(job->telling);
	if (job->dir)
		fs_remove(job->dir, &ignored);
	strv_release(&job->argv);
	strv_release(&job->env);
	wire_job_release(&job->m);
	free(job->fail_reason);
	free(job->driver);
	free(job->dir);
	free(job);
}

static void on_telling(evutil_socket_t fd, short what, void *arg)
{
	struct agent_job *job = arg;

	(void)fd;
	(void)what;
	job->tell(job->ctx, job);
}

/* There is an answer now, or nobody who wants one. */
static void answered(struct agent_job *job)
{
	job->busy = false;
	agent_slots_rest(&job->agent->slots, &job->place);
	if (!job->tell) {
		destroy(job);
		return;
	}
	job->has_answer = true;
	event_active(job->telling, EV_TIMEOUT, 0);
}

static void fail(struct agent_job *job, enum wire_fail_class class,
		 const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void fail(struct agent_job *job, enum wire_fail_class class,
		 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	job->fail_class = (int)class;
	job->fail_reason = xvasprintf(fmt, ap);
	va_end(ap);
	answered(job);
}

static void on_task(evutil_socket_t fd, short what, void *arg)
{
	struct agent_job *job = arg;

	(void)fd;
	(void)what;
	event_free(job->task_event);
	task_join(job->task);
	job->task = NULL;
	job->after(job);
}

/* fn(job), on a thread if `large`, then after(job). */
static void aside(struct agent_job *job, bool large, void (*fn)(void *arg),
		  void (*after)(struct agent_job *job))
{
	job->after = after;
	if (large)
		job->task = task_start(fn, job);
	if (!job->task) {
		fn(job);
		after(job);
		return;
	}
	job->task_event = event_new(job->agent->base, task_fd(job->task),
				    EV_READ, on_task, job);
	if (!job->task_event || event_add(job->task_event, NULL))
		str_out_of_memory();
}

static void look_at_object(void *arg)
{
	struct agent_job *job = arg;

	job->tells_dir = agent_object_tells(job->object, job->dir);
	wire_answer_digest(&job->key, job->object, &job->digest);
}

static void after_look(struct agent_job *job)
{
	if (job->tells_dir)
		fail(job, WIRE_FAIL_VOID,
		     "the object names the node's directory");
	else
		answered(job);
}

/* The last step to a result. */
static void seal(struct agent_job *job)
{
	aside(job, job->object.len > LARGE, look_at_object, after_look);
}

/* Its processes are gone, so that nobody cuts the file under the mapping. */
static void map_object(struct agent_job *job)
{
	enum wire_fail_class class;
	struct err err = { 0 };

	if (agent_object_map(job->dir, &job->object, &class, &err))
		fail(job, class, "%s", err.text);
	else
		seal(job);
}

/* What the assembler read besides the text, in words, or NULL. */
static char *foreign_reads(const struct agent_job *job)
{
	char *path = xasprintf("%s/" AGENT_READ, job->dir), *found;
	bool asm_text = job->m.lang == WIRE_LANG_ASM;
	struct buf list = { 0 };
	struct err ignored;

	fs_read(path, READ_LIST_MAX, &list, &ignored);
	found = agent_asread_check(buf_bytes(&list), job->dir,
				   asm_text ? agent_argv_text(&job->m) : NULL);
	buf_release(&list);
	free(path);
	return found;
}

static uint32_t deadline(const struct wire_job *m)
{
	if (!m->deadline_ms || m->deadline_ms > DEADLINE_MOST)
		return DEADLINE_MOST;
	return m->deadline_ms;
}

static void on_run_done(void *arg);

/* A compiler's command in the job's directory, until its deadline. */
static void start_run(struct agent_job *job)
{
	uint32_t most = deadline(&job->m), spent = job->sum.wall_ms;
	struct agent_run_plan plan = {
		.argv = job->argv.v,
		.env = job->env.v,
		.dir = job->dir,
		.deadline_ms = most > spent ? most - spent : 1,
		.done = on_run_done,
		.ctx = job,
	};
	struct err err = { 0 };

	if (agent_run_start(&job->run, job->agent->base, job->agent->reaper,
			    &plan, &err))
		fail(job, WIRE_FAIL_NODE, "%s", err.text);
}

static void prepare_check(void *arg)
{
	struct agent_job *job = arg;

	job->prepared = agent_indent_prepare(job->dir, &job->m, &job->why);
}

static void start_check(struct agent_job *job)
{
	if (!job->tell) {
		answered(job);
		return;
	}
	strv_release(&job->argv);
	if (!job->prepared)
		job->prepared = agent_indent_argv(&job->argv, job->driver,
						  &job->m, &job->why);
	if (job->prepared) {
		fail(job, WIRE_FAIL_NODE, "%s", job->why.text);
		return;
	}
	agent_run_free(job->run);
	job->run = NULL;
	job->checking = true;
	start_run(job);
}

static void finish_success(struct agent_job *job)
{
	char *found = foreign_reads(job);

	if (found)
		fail(job, WIRE_FAIL_VOID, "%s", found);
	else if (job->sum.said[0] || job->sum.said[1] ||
		 !agent_indent_wanted(&job->m))
		map_object(job);
	else
		aside(job, job->m.text_len > LARGE, prepare_check, start_check);
	free(found);
}

/* Its words are counted, and an end with none as one. */
static void finish_check(struct agent_job *job)
{
	if (job->run->status && !job->sum.said[1])
		job->sum.said[1] = 1;
	map_object(job);
}

/*
 * The driver hides that a signal took cc1 (memory was out, its file grew
 * beyond the limit) behind an exit status of 1, and says so on stderr.
 */
static void finish_failure(struct agent_job *job)
{
	static const char lost[] = " signal terminated program ";
	const struct buf *said = &job->run->said[1];

	if (said->len && memmem(said->data, said->len, lost, strlen(lost)))
		fail(job, WIRE_FAIL_NODE,
		     "a signal ended a part of the compiler");
	else if (agent_work_room(job->agent->work) < ROOM_LEAST)
		fail(job, WIRE_FAIL_NODE, "no room in %s",
		     agent_work_path(job->agent->work));
	else
		seal(job);
}

static void add_run(struct agent_job *job)
{
	const struct agent_run *run = job->run;

	if (!job->checking)
		job->sum.status = run->status;
	job->sum.cpu_ms += run->cpu_ms;
	job->sum.wall_ms += run->wall_ms;
	if (run->peak_kib > job->sum.peak_kib)
		job->sum.peak_kib = run->peak_kib;
	for (int i = 0; i < 2; i++)
		job->sum.said[i] += run->said[i].len;
}

static void finish_run(struct agent_job *job)
{
	int status = job->run->status;
	char *text;

	add_run(job);
	if (!agent_probe_still(job->agent->probe, &job->m.toolchain,
			       job->driver)) {
		fail(job, WIRE_FAIL_TOOLCHAIN, "%s changed", job->driver);
	} else if (WIFSIGNALED(status)) {
		text = spawn_status_text(status);
		fail(job, WIRE_FAIL_NODE, "the compiler was %s", text);
		free(text);
	} else if (job->checking) {
		finish_check(job);
	} else if (status) {
		finish_failure(job);
	} else {
		finish_success(job);
	}
}

static void on_run_done(void *arg)
{
	struct agent_job *job = arg;

	if (!job->tell)
		answered(job);
	else if (job->run->end == AGENT_RUN_DEADLINE)
		fail(job, WIRE_FAIL_DEADLINE, "killed after %u ms",
		     job->sum.wall_ms + job->run->wall_ms);
	else if (job->run->end == AGENT_RUN_TALKED)
		fail(job, WIRE_FAIL_VOID, "more than %u MiB of diagnostics",
		     WIRE_DIAG_MAX >> 20);
	else
		finish_run(job);
}

/* Its turn came. */
static void start(void *arg)
{
	struct agent_job *job = arg;
	bool is_clang;
	char *driver = agent_probe_driver(job->agent->probe, &job->m.toolchain,
					  &is_clang);

	job->busy = true;
	if (!driver || strcmp(driver, job->driver))
		fail(job, WIRE_FAIL_TOOLCHAIN, "%s changed", job->driver);
	else
		start_run(job);
	free(driver);
}

static void text_complete(struct agent_job *job)
{
	struct digest text;

	digest_end(job->text_run, &text);
	job->text_run = NULL;
	close(job->text);
	job->text = -1;
	wire_job_key(&job->m, &text, &job->key);
	agent_slots_wait(&job->agent->slots, &job->place);
}

int agent_job_text(struct agent_job *job, struct bytes in, struct err *err)
{
	int ret;

	if (in.len > job->m.text_len - job->text_got)
		return err_set(err, EPROTO, "job %u: more text than announced",
			       job->m.job);
	job->text_got += (uint32_t)in.len;
	if (job->has_answer || job->text < 0)
		return 0;
	job->text_at = clock_ms();
	if (!agent_scan_text(&job->scan, in)) {
		fail(job, WIRE_FAIL_VOID, "the text includes files");
		return 0;
	}
	digest_add(job->text_run, in);
	ret = fs_write_all(job->text, in);
	if (ret)
		fail(job, WIRE_FAIL_NODE, "write in %s: %s",
		     agent_work_path(job->agent->work), strerror(-ret));
	else if (job->text_got == job->m.text_len)
		text_complete(job);
	return 0;
}

void agent_job_check(struct agent_job *job)
{
	if (job->text >= 0 && !job->has_answer &&
	    clock_ms() - job->text_at > TEXT_PATIENCE)
		fail(job, WIRE_FAIL_DEADLINE, "its text stopped coming");
}

/* The toolchain's driver and the command line, or why not. */
static int prepare(struct agent_job *job, enum wire_fail_class *class,
		   struct err *err)
{
	bool is_clang;
	int ret;

	*class = WIRE_FAIL_TOOLCHAIN;
	job->driver = agent_probe_driver(job->agent->probe, &job->m.toolchain,
					 &is_clang);
	if (!job->driver)
		return err_set(err, ENOENT, "no such toolchain here");
	*class = WIRE_FAIL_UNSUPPORTED;
	if (is_clang)
		return err_set(err, ENOTSUP, "clang takes no such text");
	ret = agent_argv_build(&job->argv, job->driver, &job->m, err);
	if (ret)
		return ret;
	*class = WIRE_FAIL_BUSY;
	return agent_slots_enter(&job->agent->slots, &job->place,
				 job->m.text_len, err);
}

/* Its directory, and the file that its text goes to. */
static int make_files(struct agent_job *job, enum wire_fail_class *class,
		      struct err *err)
{
	struct agent_work *work = job->agent->work;
	char *path;
	int ret;

	*class = WIRE_FAIL_NODE;
	/* The text, and once more in the files of agent/indent.h. */
	if (agent_work_room(work) < 2ull * job->m.text_len + ROOM_LEAST)
		return err_set(err, ENOSPC, "no room in %s",
			       agent_work_path(work));
	ret = agent_work_job(work, &job->dir, err);
	if (ret)
		return ret;
	path = xasprintf("%s/%s", job->dir, agent_argv_text(&job->m));
	job->text = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (job->text < 0)
		ret = err_errno(err, "make %s", path);
	free(path);
	*class = WIRE_FAIL_UNSUPPORTED;
	return ret ? ret : agent_argv_env(&job->env, job->dir, &job->m, err);
}

struct agent_job *agent_job_new(struct agent *a, struct wire_job *m,
				void (*tell)(void *ctx, struct agent_job *job),
				void *ctx, enum wire_fail_class *class,
				struct err *err)
{
	struct agent_job *job = xcalloc(1, sizeof(*job));

	*job = (struct agent_job){
		.agent = a,
		.m = *m,
		.place = { .start = start, .ctx = job },
		.tell = tell,
		.ctx = ctx,
		.text = -1,
		.text_at = clock_ms(),
		.fail_class = -1,
	};
	if (prepare(job, class, err) || make_files(job, class, err)) {
		job->m = (struct wire_job){ 0 };
		destroy(job);
		return NULL;
	}
	*m = (struct wire_job){ 0 };
	agent_scan_init(&job->scan, job->m.lang == WIRE_LANG_C);
	job->text_run = digest_new();
	job->telling = event_new(a->base, -1, 0, on_telling, job);
	if (!job->telling)
		str_out_of_memory();
	if (!job->m.text_len)
		text_complete(job);
	return job;
}

uint32_t agent_job_number(const struct agent_job *job)
{
	return job->m.job;
}

bool agent_job_runs(const struct agent_job *job, uint32_t *cpu_ms)
{
	if (!job->run || job->has_answer)
		return false;
	*cpu_ms = job->sum.cpu_ms;
	if (job->run->pid)
		*cpu_ms += agent_run_cpu_ms(job->run);
	return true;
}

bool agent_job_answered(const struct agent_job *job)
{
	return job->has_answer;
}

bool agent_job_failed(const struct agent_job *job, struct wire_fail *out)
{
	if (job->fail_class < 0)
		return false;
	*out = (struct wire_fail){
		.job = job->m.job,
		.class = (uint8_t)job->fail_class,
		.reason = job->fail_reason,
	};
	return true;
}

bool agent_job_piece(struct agent_job *job, struct wire_piece *out)
{
	size_t n = job->object.len - job->sent;

	if (!n)
		return false;
	if (n > WIRE_CHUNK_MAX)
		n = WIRE_CHUNK_MAX;
	*out = (struct wire_piece){
		.job = job->m.job,
		.stream = WIRE_OBJECT,
		.data = bytes_of(job->object.data + job->sent, n),
	};
	job->sent += n;
	return true;
}

void agent_job_result(const struct agent_job *job, struct wire_result *out)
{
	*out = (struct wire_result){
		.job = job->m.job,
		.wait_status = (uint32_t)job->sum.status,
		.cpu_ms = job->sum.cpu_ms,
		.wall_ms = job->sum.wall_ms,
		.peak_kib = job->sum.peak_kib,
		.toolchain = job->m.toolchain,
		.object_len = (uint32_t)job->object.len,
		.stdout_len = (uint32_t)job->sum.said[0],
		.stderr_len = (uint32_t)job->sum.said[1],
		.answer = job->digest,
	};
}

void agent_job_drop(struct agent_job *job)
{
	job->tell = NULL;
	if (job->busy && job->run)
		agent_run_kill(job->run);
	if (!job->busy)
		destroy(job);
}
