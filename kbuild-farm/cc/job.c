/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Only this process ever renames the temporaries, and it removes them before
 * a local compile starts.
 */
#include "cc/job.h"

#include "base/clock.h"
#include "cc/local.h"
#include "options/devicetree.h"
#include "options/env.h"
#include "options/output.h"
#include "wire/cc.h"
#include "wire/frame.h"
#include "wire/msg-job.h"
#include "wire/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* How long until the next try when the backlog is full. */
#define RETRY_MS  20
#define READ_SIZE 4096

struct outputs {
	char *object, *object_tmp; /* NULL: it makes none */
	char *dep, *dep_tmp; /* NULL: no dependency list */
	struct options_sides sides;
	char *side_tmp[OPTIONS_SIDES_MAX];
};

/*
 * These come only while it waits, so that what is half put in place is not left
 * so: the handler notes one, and it is what it was to the caller afterwards.
 */
static const int fatal[] = { SIGHUP, SIGINT, SIGTERM };
#define FATAL (sizeof(fatal) / sizeof(*fatal))
static volatile sig_atomic_t fatal_came;

struct signals {
	sigset_t mask;
	struct sigaction actions[FATAL];
};

/* One conversation with the coordinator. */
struct talk {
	int fd;
	struct signals before;
	struct outputs outputs;
};

static void note_fatal(int sig)
{
	fatal_came = sig;
}

static void hold_signals(struct signals *before)
{
	struct sigaction ours = { .sa_handler = note_fatal };
	sigset_t held;

	fatal_came = 0;
	sigemptyset(&held);
	for (size_t i = 0; i < FATAL; i++)
		sigaddset(&held, fatal[i]);
	sigprocmask(SIG_BLOCK, &held, &before->mask);
	for (size_t i = 0; i < FATAL; i++) {
		sigaction(fatal[i], &ours, &before->actions[i]);
		if (before->actions[i].sa_handler == SIG_IGN)
			sigaction(fatal[i], &before->actions[i], NULL);
	}
}

static void restore_signals(const struct signals *before)
{
	for (size_t i = 0; i < FATAL; i++)
		sigaction(fatal[i], &before->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

/* Has a signal come?  Those that are held are let through. */
static bool is_signalled(const struct talk *t)
{
	sigset_t held;

	sigprocmask(SIG_SETMASK, &t->before.mask, &held);
	sigprocmask(SIG_SETMASK, &held, NULL);
	return fatal_came;
}

static void remove_temporaries(const struct outputs *o)
{
	if (o->object_tmp)
		unlink(o->object_tmp);
	if (o->dep_tmp)
		unlink(o->dep_tmp);
	for (size_t i = 0; i < o->sides.n; i++)
		unlink(o->side_tmp[i]);
}

static void outputs_release(struct outputs *o)
{
	free(o->object);
	free(o->object_tmp);
	free(o->dep);
	free(o->dep_tmp);
	for (size_t i = 0; i < o->sides.n; i++)
		free(o->side_tmp[i]);
	options_sides_release(&o->sides);
}

bool cc_step_compiles(const struct cc_step *step)
{
	return step->message->kind == WIRE_STEP_OBJECT;
}

static void name_made(struct outputs *o, const struct cc_job *job)
{
	const struct wire_cc_step *step = job->step;
	struct options_devicetree tree;

	if (step && step->kind == WIRE_STEP_SYMBOLS)
		return;
	if (step && step->kind == WIRE_STEP_DEVICETREE &&
	    options_devicetree_parse(&tree, &step->args, NULL)) {
		o->object = xstrdup(tree.blob);
		options_devicetree_sides(&o->sides, &tree);
		return;
	}
	o->object = options_output_object(job->compile);
	options_output_sides(&o->sides, job->compile);
}

static void name_outputs(struct outputs *o, const struct cc_job *job)
{
	unsigned pid = (unsigned)getpid();

	name_made(o, job);
	if (o->object)
		o->object_tmp = options_output_temporary(o->object, pid);
	o->dep = options_output_dep(job->compile);
	o->dep_tmp = o->dep ? options_output_temporary(o->dep, pid) : NULL;
	for (size_t i = 0; i < o->sides.n; i++)
		o->side_tmp[i] = options_output_temporary(o->sides.path[i],
							  pid);
}

/* False when it is more than a coordinator takes. */
static bool collect_env(struct strv *out, char *const *env)
{
	for (; *env; env++) {
		if (options_env_wanted(*env))
			strv_add(out, *env);
	}
	return out->n <= WIRE_ENV_MAX;
}

static bool fits_limits(const struct wire_cc_job *m)
{
	size_t sum = 0;

	for (size_t i = 0; i < m->argv.n; i++)
		sum += strlen(m->argv.v[i]);
	for (size_t i = 0; i < m->env.n; i++)
		sum += strlen(m->env.v[i]);
	return sum <= WIRE_CC_MAX && m->argv.n <= WIRE_CC_WORDS;
}

/* Where the frame begins; end_question() follows behind its body. */
static size_t begin_question(struct buf *out)
{
	uint8_t head[WIRE_FRAME_SIZE] = { 0 };

	buf_add(out, head, sizeof(head));
	return out->len;
}

static void end_question(struct buf *out, size_t begin, enum wire_type type)
{
	uint32_t len = (uint32_t)(out->len - begin);
	const struct wire_frame frame = { .type = (uint16_t)type,
					  .codec = WIRE_PLAIN,
					  .body_len = len,
					  .raw_len = len };

	wire_frame_encode(out->data + begin - WIRE_FRAME_SIZE, &frame);
}

static void add_frames(struct buf *out, const struct wire_cc_job *m,
		       const struct wire_cc_step *step)
{
	size_t begin;

	if (step) {
		begin = begin_question(out);
		wire_cc_step_encode(out, step);
		end_question(out, begin, WIRE_CC_STEP);
	}
	begin = begin_question(out);
	wire_cc_job_encode(out, m);
	end_question(out, begin, WIRE_CC_JOB);
}

static uint32_t current_umask(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return mask;
}

/* The message to send; false: this compile cannot be described. */
static bool make_message(struct buf *out, const struct cc_job *job)
{
	struct wire_cc_job m = {
		.pid = (uint32_t)getpid(),
		.umask = current_umask(),
		.terminal = isatty(STDERR_FILENO),
		.confined = cc_local_is_confined(),
		.compiler = (char *)job->compiler,
		.argv.v = (char **)job->argv,
	};
	char cwd[PATH_MAX];
	bool ok;

	while (job->argv[m.argv.n])
		m.argv.n++;
	m.cwd = getcwd(cwd, sizeof(cwd));
	ok = m.cwd && cwd[0] == '/' && job->compiler[0] == '/' &&
	     collect_env(&m.env, job->env) && fits_limits(&m);
	if (ok)
		add_frames(out, &m, job->step);
	strv_release(&m.env);
	return ok && out->len <= WIRE_BODY_MAX;
}

/* Waits for `events`; false once `deadline` has passed, or a signal came. */
static bool poll_until(const struct talk *t, short events, uint64_t deadline)
{
	for (;;) {
		struct pollfd p = { .fd = t->fd, .events = events };
		uint64_t now = clock_ms(), left;
		struct timespec wait;
		int n;

		if (now >= deadline || fatal_came)
			return false;
		left = deadline - now;
		wait = (struct timespec){ (time_t)(left / 1000),
					  (long)(left % 1000) * 1000000 };
		n = ppoll(&p, 1, &wait, &t->before.mask);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

/*
 * A Unix socket whose backlog is full says EAGAIN at once, and poll() does
 * not tell when there is room.
 */
static bool keep_trying(const struct talk *t, const struct sockaddr_un *to)
{
	const struct timespec rest = { 0, RETRY_MS * 1000000L };
	uint64_t deadline = clock_ms() + CC_SILENCE_MS;

	while (connect(t->fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return false;
		if (clock_ms() >= deadline || fatal_came)
			return false;
		ppoll(NULL, 0, &rest, &t->before.mask);
	}
	return true;
}

static bool connect_to(struct talk *t, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(to.sun_path))
		return false;
	strcpy(to.sun_path, path);
	t->fd = cc_local_above_stdio(
		socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	return t->fd >= 0 && keep_trying(t, &to);
}

static bool send_message(const struct talk *t, struct bytes in)
{
	while (in.len) {
		ssize_t n = send(t->fd, in.data, in.len, MSG_NOSIGNAL);

		if (n >= 0) {
			in.data += n;
			in.len -= (size_t)n;
		} else if (errno == EAGAIN) {
			if (!poll_until(t, POLLOUT, clock_ms() + CC_SILENCE_MS))
				return false;
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

/* Read more of the answer into `in`; false at its end. */
static bool receive(const struct talk *t, struct buf *in, uint64_t deadline)
{
	ssize_t n;

	if (buf_reserve(in, READ_SIZE))
		return false;
	do {
		if (!poll_until(t, POLLIN, deadline))
			return false;
		n = recv(t->fd, in->data + in->len, in->cap - in->len - 1, 0);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n <= 0)
		return false;
	in->len += (size_t)n;
	return true;
}

static bool is_pair(const char *tmp, const char *to, const char *our_tmp,
		    const char *ours)
{
	return ours && !strcmp(tmp, our_tmp) && !strcmp(to, ours);
}

/* All of those beside the object, in our order. */
static bool sides_are_ours(const struct outputs *o,
			   const struct wire_cc_done *m)
{
	bool same = m->n_sides == o->sides.n;

	for (size_t i = 0; i < m->n_sides && same; i++)
		same = is_pair(m->side[i].tmp, m->side[i].to, o->side_tmp[i],
			       o->sides.path[i]);
	return same;
}

/* Only our own outputs, and all of them when the compile went well. */
static bool names_are_ours(const struct outputs *o,
			   const struct wire_cc_done *m)
{
	bool object = is_pair(m->object_tmp, m->object, o->object_tmp,
			      o->object);
	bool dep = is_pair(m->dep_tmp, m->dep, o->dep_tmp, o->dep);

	if (m->status)
		return (object || !*m->object) && (dep || !*m->dep) &&
		       !m->n_sides;
	return (object || (!o->object && !*m->object)) &&
	       (dep || (!o->dep && !*m->dep)) && sides_are_ours(o, m);
}

static bool rename_one(const char *tmp, const char *to)
{
	if (!*tmp || !rename(tmp, to))
		return true;
	cc_local_complain("rename %s to %s: %s; compiled here instead", tmp, to,
			  strerror(errno));
	return false;
}

static bool rename_outputs(const struct wire_cc_done *m)
{
	for (size_t i = 0; i < m->n_sides; i++) {
		if (!rename_one(m->side[i].tmp, m->side[i].to))
			return false;
	}
	return rename_one(m->dep_tmp, m->dep) &&
	       rename_one(m->object_tmp, m->object);
}

/*
 * Renames come first: should one fail, the local compile prints everything,
 * and nothing is printed twice.  The object comes last: it is never there
 * without its dependency list and what else belongs to it.
 */
static bool deliver_result(const struct talk *t, struct bytes body, int *status)
{
	const struct outputs *o = &t->outputs;
	struct wire_cc_done m;
	bool ok;

	if (wire_cc_done_decode(&m, body))
		return false;
	ok = names_are_ours(o, &m) && !is_signalled(t) && rename_outputs(&m);
	/*
	 * make has the same signal, and removes targets before their commands
	 * have ended.
	 */
	if (ok && is_signalled(t)) {
		unlink(m.object);
		ok = false;
	}
	if (ok) {
		if (m.status)
			remove_temporaries(o);
		restore_signals(&t->before);
		cc_local_print(STDOUT_FILENO, m.out);
		cc_local_print(STDERR_FILENO, m.err);
		*status = m.status;
	}
	wire_cc_done_release(&m);
	return ok;
}

/* 1: a whole frame is at the start of `in`; 0: not yet; else it is bad. */
static int whole_frame(const struct buf *in, struct wire_frame *frame)
{
	int ret;

	if (in->len < WIRE_FRAME_SIZE)
		return 0;
	ret = wire_frame_decode(frame, in->data);
	if (ret)
		return ret;
	if (frame->codec != WIRE_PLAIN)
		return -EPROTO;
	return in->len - WIRE_FRAME_SIZE >= frame->body_len;
}

static enum cc_answer listen_to(const struct talk *t, struct buf *in,
				int *status)
{
	uint64_t deadline = clock_ms() + CC_SILENCE_MS;
	struct wire_frame frame;

	for (;;) {
		int ret = whole_frame(in, &frame);
		struct bytes body;

		if (ret < 0 || (!ret && !receive(t, in, deadline)))
			return CC_ANSWER_NONE;
		if (!ret)
			continue;
		body = bytes_of(in->data + WIRE_FRAME_SIZE, frame.body_len);
		if (frame.type == WIRE_CC_LOCAL)
			return CC_ANSWER_LOCAL;
		if (frame.type == WIRE_CC_DONE)
			return deliver_result(t, body, status) ?
				       CC_ANSWER_DONE :
				       CC_ANSWER_NONE;
		if (frame.type != WIRE_CC_BEAT)
			return CC_ANSWER_NONE;
		buf_consume(in, WIRE_FRAME_SIZE + frame.body_len);
		deadline = clock_ms() + CC_SILENCE_MS;
	}
}

static void mark_silent(const char *silent)
{
	int fd = open(silent, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
}

/* With the signals held. */
static enum cc_answer converse(struct talk *t, const char *socket,
			       const char *silent, struct bytes message,
			       int *status)
{
	enum cc_answer answer = CC_ANSWER_NONE;
	struct buf in = { 0 };
	bool connected = connect_to(t, socket);

	if (connected && send_message(t, message))
		answer = listen_to(t, &in, status);
	buf_release(&in);
	if (answer == CC_ANSWER_NONE && fatal_came)
		answer = CC_ANSWER_ENDED;
	if (connected &&
	    (answer == CC_ANSWER_NONE || answer == CC_ANSWER_ENDED))
		remove_temporaries(&t->outputs);
	if (connected && answer == CC_ANSWER_NONE)
		mark_silent(silent);
	return answer;
}

static enum cc_answer talk(struct cc_job *job, const char *silent,
			   struct bytes message, int *status)
{
	struct talk t = { .fd = -1 };
	enum cc_answer answer;
	int sig;

	name_outputs(&t.outputs, job);
	hold_signals(&t.before);
	answer = converse(&t, job->socket, silent, message, status);
	if (answer == CC_ANSWER_LOCAL) {
		fcntl(t.fd, F_SETFD, 0);
		job->kept = t.fd;
	} else if (t.fd >= 0) {
		close(t.fd);
	}
	sig = fatal_came;
	restore_signals(&t.before);
	if (sig)
		raise(sig);
	if (answer == CC_ANSWER_ENDED)
		*status = 128 + sig;
	outputs_release(&t.outputs);
	return answer;
}

enum cc_answer cc_job_offer(struct cc_job *job, int *status)
{
	struct buf message = { 0 };
	enum cc_answer answer = CC_ANSWER_NONE;
	char *silent = wire_cc_silent_file(job->socket);

	job->kept = -1;
	if (access(silent, F_OK) && make_message(&message, job))
		answer = talk(job, silent, buf_bytes(&message), status);
	free(silent);
	buf_release(&message);
	return answer;
}
