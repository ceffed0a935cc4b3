/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The coordinator writes the outputs of a job under temporary names.  Only this
 * process renames these files to their final names.  If the exchange with the
 * coordinator fails, this process removes the temporary files.
 */
#include "cc/job.h"

#include "base/clock.h"
#include "base/socket.h"
#include "base/vec.h"
#include "base/work-timer.h"
#include "cc/real-compiler.h"
#include "options/command.h"
#include "options/devicetree.h"
#include "options/env.h"
#include "wire/cc.h"
#include "wire/frame.h"
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
#include <time.h>
#include <unistd.h>

/*
 * interval between connection attempts while the coordinator's backlog is full
 */
#define RETRY_MS  20
#define READ_SIZE 4096

struct outputs {
	char *object, *object_tmp; /* NULL without an object */
	char *dep, *dep_tmp; /* NULL without a depfile */
	struct options_side_outputs sides;
	char *side_tmp[OPTIONS_SIDE_OUTPUTS_MAX];
};

/*
 * These signals are blocked except while this process waits, so that they never
 * interrupt the delivery of the outputs.  The handler only records the signal;
 * exchange_messages() restores the caller's disposition and raises the signal
 * again.
 */
static const int deferred_signals[] = { SIGHUP, SIGINT, SIGTERM };
#define N_DEFERRED_SIGNALS ARRAY_SIZE(deferred_signals)
static volatile sig_atomic_t received_signal;

struct signals {
	sigset_t mask;
	struct sigaction actions[N_DEFERRED_SIGNALS];
};

/* One exchange with the coordinator. */
struct coord_conn {
	struct cc_job *job;
	int fd;
	struct work_timer silence; /* restarted by each frame */
	struct signals saved_signals;
	struct outputs outputs;
	/*
	 * the coordinator sent a result, but its outputs cannot be placed or
	 * its messages cannot be printed
	 */
	bool delivery_failed;
};

static void on_deferred_signal(int sig)
{
	received_signal = sig;
}

static void defer_signals(struct signals *before)
{
	struct sigaction action = { .sa_handler = on_deferred_signal };
	sigset_t held;

	received_signal = 0;
	sigemptyset(&held);
	for (size_t i = 0; i < N_DEFERRED_SIGNALS; i++)
		sigaddset(&held, deferred_signals[i]);
	sigprocmask(SIG_BLOCK, &held, &before->mask);
	for (size_t i = 0; i < N_DEFERRED_SIGNALS; i++) {
		sigaction(deferred_signals[i], &action, &before->actions[i]);
		if (before->actions[i].sa_handler == SIG_IGN)
			sigaction(deferred_signals[i], &before->actions[i],
				  NULL);
	}
}

static void restore_signals(const struct signals *before)
{
	for (size_t i = 0; i < N_DEFERRED_SIGNALS; i++)
		sigaction(deferred_signals[i], &before->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

/*
 * Return true if a deferred signal has arrived.  Restores the caller's mask for
 * a moment, so that a pending signal is recorded.
 */
static bool is_signalled(const struct coord_conn *t)
{
	sigset_t held;

	sigprocmask(SIG_SETMASK, &t->saved_signals.mask, &held);
	sigprocmask(SIG_SETMASK, &held, NULL);
	return received_signal;
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
	options_side_outputs_release(&o->sides);
}

bool cc_tool_step_has_compile(const struct cc_tool_step *step)
{
	return step->message->kind == WIRE_STEP_OBJECT;
}

/*
 * Return true if dtc reads the compiler's output and the two programs do not
 * write the same file.
 */
static bool fits_devicetree(const struct options_command *command,
			    const struct cc_tool_step *step)
{
	struct options_devicetree tree;
	char *dep = options_output_dep_path(command);
	bool fits = dep &&
		    options_devicetree_parse(&tree, &step->message->args,
					     NULL) &&
		    !strcmp(command->object, tree.source) &&
		    strcmp(dep, tree.blob) != 0 &&
		    strcmp(dep, tree.depfile) != 0;

	free(dep);
	return fits;
}

bool cc_tool_step_fits(const struct cc_tool_step *step,
		       const struct options_command *command)
{
	struct options_side_outputs sides;
	bool fits;

	if (command->class != OPTIONS_CLASS_REMOTE || command->is_clang)
		return false;
	if (!cc_tool_step_has_compile(step))
		return !step->object || fits_devicetree(command, step);
	options_output_side_outputs(&sides, command);
	fits = !sides.name_in_object && command->object && step->object &&
	       !strcmp(command->object, step->object);
	options_side_outputs_release(&sides);
	return fits;
}

static void set_output_paths(struct outputs *o, const struct cc_job *job)
{
	const struct wire_cc_step *step = job->step;
	unsigned pid = (unsigned)getpid();
	struct options_devicetree tree;

	if (step && step->kind == WIRE_STEP_DEVICETREE &&
	    options_devicetree_parse(&tree, &step->args, NULL)) {
		o->object = xstrdup(tree.blob);
		options_devicetree_side_outputs(&o->sides, &tree);
	} else if (!step || step->kind != WIRE_STEP_SYMBOLS) {
		o->object = options_output_object_path(job->compile);
		options_output_side_outputs(&o->sides, job->compile);
	}
	if (o->object)
		o->object_tmp = options_output_temp_path(o->object, pid);
	o->dep = options_output_dep_path(job->compile);
	o->dep_tmp = o->dep ? options_output_temp_path(o->dep, pid) : NULL;
	for (size_t i = 0; i < o->sides.n; i++)
		o->side_tmp[i] = options_output_temp_path(o->sides.path[i],
							  pid);
}

static bool fits_limits(const struct wire_cc_job *m)
{
	size_t sum = 0;

	for (size_t i = 0; i < m->argv.n; i++)
		sum += strlen(m->argv.v[i]);
	for (size_t i = 0; i < m->env.n; i++)
		sum += strlen(m->env.v[i]);
	return sum <= WIRE_CC_COMMAND_MAX && m->argv.n <= WIRE_CC_WORDS_MAX &&
	       m->env.n <= WIRE_ENV_MAX;
}

/*
 * Reserve the frame header.  Returns the offset of the body, which the caller
 * passes to end_request_frame() after encoding the body.
 */
static size_t begin_request_frame(struct buf *out)
{
	uint8_t head[WIRE_FRAME_SIZE] = { 0 };

	buf_add(out, head, sizeof(head));
	return out->len;
}

static void end_request_frame(struct buf *out, size_t begin,
			      enum wire_type type)
{
	uint32_t len = (uint32_t)(out->len - begin);
	const struct wire_frame frame = { .type = (uint16_t)type,
					  .codec = WIRE_PLAIN,
					  .body_len = len,
					  .raw_len = len };

	wire_frame_encode(out->data + begin - WIRE_FRAME_SIZE, &frame);
}

/*
 * Encode the request.  Returns false if the compile exceeds the limits of the
 * protocol.
 */
static bool make_message(struct buf *out, const struct cc_job *job)
{
	const mode_t mask = umask(0);
	struct wire_cc_job m = {
		.pid = (uint32_t)getpid(),
		.umask = mask,
		.tty_stderr = isatty(STDERR_FILENO),
		.restricted = cc_real_compiler_is_limited(),
		.launched = job->launched,
		.linked = job->linked,
		.compiler = (char *)job->compiler,
		.argv.v = (char **)job->argv,
	};
	char cwd[PATH_MAX];
	size_t begin;
	bool ok;

	umask(mask);
	while (job->argv[m.argv.n])
		m.argv.n++;
	for (char *const *e = job->env; *e; e++) {
		if (options_env_is_relevant(*e))
			strv_add(&m.env, *e);
	}
	m.cwd = getcwd(cwd, sizeof(cwd));
	ok = m.cwd && cwd[0] == '/' && job->compiler[0] == '/' &&
	     fits_limits(&m);
	m.root = ok ? wire_cc_root() : NULL;
	if (ok && job->step) {
		begin = begin_request_frame(out);
		wire_cc_step_encode(out, job->step);
		end_request_frame(out, begin, WIRE_CC_STEP);
	}
	if (ok) {
		begin = begin_request_frame(out);
		wire_cc_job_encode(out, &m);
		end_request_frame(out, begin, WIRE_CC_JOB);
	}
	strv_release(&m.env);
	free(m.root);
	return ok && out->len <= WIRE_BODY_MAX;
}

static void restart_timer(struct coord_conn *t)
{
	work_timer_start(&t->silence, socket_peer_pid(t->fd),
			 WORK_TIMER_PROCESS, CC_COORD_TIMEOUT_MS);
}

/* Wait for `events`.  Returns false after the timeout or a signal. */
static bool poll_coord(struct coord_conn *t, short events)
{
	while (!received_signal && !work_timer_has_expired(&t->silence)) {
		struct pollfd p = { .fd = t->fd, .events = events };
		unsigned left = work_timer_wait_ms(&t->silence);
		struct timespec wait = { left / 1000,
					 (long)(left % 1000) * 1000000 };
		int n = ppoll(&p, 1, &wait, &t->saved_signals.mask);

		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			break;
	}
	return false;
}

static bool connect_to(struct coord_conn *t, const char *path)
{
	const struct timespec rest = { 0, RETRY_MS * 1000000L };
	uint64_t deadline = clock_ms() + CC_COORD_TIMEOUT_MS;
	struct err ignored;

	/*
	 * Retry at intervals, because poll() cannot wait until a full backlog
	 * has room again.
	 */
	while ((t->fd = socket_connect(path, &ignored)) == -EAGAIN ||
	       t->fd == -EINTR) {
		if (clock_ms() >= deadline || received_signal)
			return false;
		ppoll(NULL, 0, &rest, &t->saved_signals.mask);
	}
	t->fd = cc_real_compiler_move_fd(t->fd);
	return t->fd >= 0;
}

static bool send_message(struct coord_conn *t, struct bytes in)
{
	restart_timer(t);
	while (in.len) {
		ssize_t n = send(t->fd, in.data, in.len, MSG_NOSIGNAL);

		if (n >= 0) {
			in.data += n;
			in.len -= (size_t)n;
		} else if (errno == EAGAIN) {
			if (!poll_coord(t, POLLOUT))
				return false;
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

/*
 * Append received bytes to `in`.  Returns false if the connection is closed, or
 * after the timeout or a signal.
 */
static bool receive(struct coord_conn *t, struct buf *in)
{
	ssize_t n;

	if (buf_reserve(in, READ_SIZE))
		return false;
	do {
		if (!poll_coord(t, POLLIN))
			return false;
		n = recv(t->fd, in->data + in->len, in->cap - in->len - 1, 0);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n <= 0)
		return false;
	in->len += (size_t)n;
	return true;
}

static bool matches_output(const char *tmp, const char *to, const char *our_tmp,
			   const char *ours)
{
	return ours && !strcmp(tmp, our_tmp) && !strcmp(to, ours);
}

/*
 * Return true if the coordinator names only outputs of this job, and all of
 * them if the compile succeeded.  The side outputs must be in the order of
 * o->sides.
 */
static bool match_outputs(const struct outputs *o, const struct wire_cc_done *m)
{
	bool object = matches_output(m->object_tmp, m->object, o->object_tmp,
				     o->object);
	bool dep = matches_output(m->dep_tmp, m->dep, o->dep_tmp, o->dep);

	if (m->status)
		return (object || !*m->object) && (dep || !*m->dep) &&
		       !m->n_sides;
	if (!(object || (!o->object && !*m->object)) ||
	    !(dep || (!o->dep && !*m->dep)) || m->n_sides != o->sides.n)
		return false;
	for (size_t i = 0; i < m->n_sides; i++) {
		if (!matches_output(m->sides[i].tmp, m->sides[i].to,
				    o->side_tmp[i], o->sides.path[i]))
			return false;
	}
	return true;
}

static bool rename_output(const char *tmp, const char *to)
{
	if (!*tmp || !rename(tmp, to))
		return true;
	cc_real_compiler_print_error(
		"cannot rename %s to %s: %s; compiling locally instead", tmp,
		to, strerror(errno));
	return false;
}

/*
 * If the compile succeeded, open the object for the linker and remove its
 * temporary name.  The object gets no final name, because -o names the program
 * that the linker creates.
 */
static bool take_object(struct cc_job *job, const struct wire_cc_done *m)
{
	if (m->status)
		return true;
	job->object_fd = cc_real_compiler_move_fd(
		open(m->object_tmp, O_RDONLY | O_CLOEXEC));
	if (job->object_fd < 0)
		return false;
	fcntl(job->object_fd, F_SETFD, 0);
	unlink(m->object_tmp);
	return true;
}

/*
 * Remove an object that was placed: close its descriptor if job->linked is set,
 * else remove the file `path`.
 */
static void drop_object(struct cc_job *job, const char *path)
{
	if (job->object_fd >= 0)
		close(job->object_fd);
	else if (!job->linked)
		unlink(path);
	job->object_fd = -1;
}

static bool place_outputs(struct cc_job *job, const struct wire_cc_done *m)
{
	for (size_t i = 0; i < m->n_sides; i++) {
		if (!rename_output(m->sides[i].tmp, m->sides[i].to))
			return false;
	}
	return rename_output(m->dep_tmp, m->dep) &&
	       (job->linked ? take_object(job, m) :
			      rename_output(m->object_tmp, m->object));
}

/*
 * Place the outputs, then print the compiler's messages.  Does neither if a
 * message would go to a pipe without a reader: a local compiler would have
 * received SIGPIPE and created no object.  If the outputs cannot be placed,
 * prints no messages, because the caller then compiles locally and the compiler
 * prints its messages.  The object is renamed last, so it never exists without
 * its depfile and side outputs.
 */
static bool deliver_result(struct coord_conn *t, struct bytes body, int *status)
{
	const struct outputs *o = &t->outputs;
	struct wire_cc_done m;
	bool ok;

	if (wire_cc_done_decode(&m, body))
		return false;
	ok = match_outputs(o, &m) && !is_signalled(t);
	if (ok) {
		ok = cc_real_compiler_can_write(STDOUT_FILENO, m.out) &&
		     cc_real_compiler_can_write(STDERR_FILENO, m.err) &&
		     place_outputs(t->job, &m);
		t->delivery_failed = !ok;
	}
	/*
	 * make receives the same signal and removes its targets, but possibly
	 * before this process has renamed the object.  Therefore remove the
	 * object.
	 */
	if (ok && is_signalled(t)) {
		drop_object(t->job, m.object);
		ok = false;
	}
	if (ok) {
		if (m.status)
			remove_temporaries(o);
		restore_signals(&t->saved_signals);
		cc_real_compiler_write(STDOUT_FILENO, m.out);
		cc_real_compiler_write(STDERR_FILENO, m.err);
		*status = m.status;
	}
	wire_cc_done_release(&m);
	return ok;
}

/*
 * Return 1 if `in` begins with a whole frame, 0 if more bytes are needed, and
 * a negative errno for an invalid frame.
 */
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

static enum cc_job_outcome receive_result(struct coord_conn *t, struct buf *in,
					  int *status)
{
	struct wire_frame frame;

	restart_timer(t);
	for (;;) {
		int ret = whole_frame(in, &frame);
		struct bytes body;

		if (ret < 0 || (!ret && !receive(t, in)))
			return CC_JOB_UNAVAILABLE;
		if (!ret)
			continue;
		body = bytes_of(in->data + WIRE_FRAME_SIZE, frame.body_len);
		if (frame.type == WIRE_CC_LOCAL)
			return CC_JOB_LOCAL;
		if (frame.type == WIRE_CC_DONE)
			return deliver_result(t, body, status) ?
				       CC_JOB_DONE :
				       CC_JOB_UNAVAILABLE;
		if (frame.type != WIRE_CC_BEAT)
			return CC_JOB_UNAVAILABLE;
		buf_consume(in, WIRE_FRAME_SIZE + frame.body_len);
		restart_timer(t);
	}
}

/*
 * Add the compile to the list of compiles without a response.  `pid` identifies
 * the request; it is 0 if no complete request was sent to the coordinator.  The
 * coordinator creates the list.  If this process cannot write to it, the
 * compile is not counted.
 */
static void record_unanswered(const struct cc_job *job, pid_t pid)
{
	const char *source = job->compile->source;
	char *path = wire_cc_unanswered_path(job->socket);
	char *line = xasprintf("%d %d %s\n", pid, job->linked,
			       source ? source : "-");
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	/* A newline in the name of the source would end the line. */
	for (char *s = line; (s = strchr(s, '\n')) && s[1];)
		*s = '?';
	if (fd >= 0) {
		if (write(fd, line, strlen(line)) < 0)
			(void)0; /* a full disk must not stop the build */
		close(fd);
	}
	free(line);
	free(path);
}

/*
 * Send the request to the coordinator and wait for the result; signals are
 * deferred.  If the exchange fails after the connection was accepted, the
 * function creates the file `stalled`, so that later wrappers do not wait for
 * the coordinator.  A local failure to deliver the result is not a failure of
 * the exchange.  A compile without a response is recorded before its socket is
 * closed, so that the coordinator finds the record when it detects the end of
 * the connection.
 */
static enum cc_job_outcome exchange_messages(struct cc_job *job,
					     const char *stalled,
					     struct bytes message, int *status)
{
	struct coord_conn t = { .job = job, .fd = -1 };
	enum cc_job_outcome outcome = CC_JOB_UNAVAILABLE;
	struct buf in = { 0 };
	bool connected, sent;
	int sig;

	set_output_paths(&t.outputs, job);
	defer_signals(&t.saved_signals);
	connected = connect_to(&t, job->socket);
	sent = connected && send_message(&t, message);
	if (sent)
		outcome = receive_result(&t, &in, status);
	buf_release(&in);
	if (outcome == CC_JOB_UNAVAILABLE && received_signal)
		outcome = CC_JOB_SIGNALLED;
	if (connected &&
	    (outcome == CC_JOB_UNAVAILABLE || outcome == CC_JOB_SIGNALLED))
		remove_temporaries(&t.outputs);
	if (connected && outcome == CC_JOB_UNAVAILABLE && !t.delivery_failed) {
		int fd = open(stalled, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (fd >= 0)
			close(fd);
	}
	if (outcome == CC_JOB_UNAVAILABLE && !t.delivery_failed)
		record_unanswered(job, sent ? getpid() : 0);

	if (outcome == CC_JOB_LOCAL) {
		fcntl(t.fd, F_SETFD, 0);
		job->coord_fd = t.fd;
	} else if (t.fd >= 0) {
		close(t.fd);
	}
	sig = received_signal;
	restore_signals(&t.saved_signals);
	if (sig)
		raise(sig);
	if (outcome == CC_JOB_SIGNALLED)
		*status = 128 + sig;
	outputs_release(&t.outputs);
	return outcome;
}

enum cc_job_outcome cc_job_submit(struct cc_job *job, int *status)
{
	struct buf message = { 0 };
	enum cc_job_outcome outcome = CC_JOB_UNAVAILABLE;
	char *stalled = wire_cc_stalled_path(job->socket);

	job->coord_fd = job->object_fd = -1;
	if (!access(stalled, F_OK))
		record_unanswered(job, 0);
	else if (make_message(&message, job))
		outcome = exchange_messages(job, stalled, buf_bytes(&message),
					    status);
	free(stalled);
	buf_release(&message);
	return outcome;
}

enum cc_job_outcome cc_job_submit_program(struct cc_job *job, int *status)
{
	enum cc_job_outcome outcome = CC_JOB_UNAVAILABLE;
	const struct options_command *command = job->compile;
	char *const *argv = job->argv;
	struct options_command compile;
	char **words = options_command_divide(command, &compile,
					      &job->source_at);

	job->coord_fd = job->object_fd = -1;
	if (!words)
		return outcome;
	job->argv = words;
	job->compile = &compile;
	job->linked = true;
	outcome = cc_job_submit(job, status);
	if (outcome == CC_JOB_DONE && job->object_fd >= 0)
		outcome = CC_JOB_UNAVAILABLE;
	job->argv = argv;
	job->compile = command;
	options_command_release(&compile);
	free(words);
	return outcome;
}
