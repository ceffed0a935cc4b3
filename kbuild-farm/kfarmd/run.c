/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kfarmd/run.h"

#include "base/spawn.h"
#include "base/str.h"
#include "sandbox/sandbox.h"
#include "wire/limits.h"
#include "wire/msg.h"

#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

bool kfarmd_run_names_signal(struct bytes text)
{
	static const char lost[] = " signal terminated program ";

	return text.len && memmem(text.data, text.len, lost, strlen(lost));
}

/*
 * Return the text between `before` and `after` if the `len` bytes at `at` begin
 * with `before` and end with `after`.  Returns NULL if they do not, if the text
 * between is empty, or if `len` exceeds WIRE_REASON_MAX.
 */
static char *text_between(const char *at, size_t len, const char *before,
			  const char *after)
{
	size_t m = strlen(before), n = strlen(after);

	if (len <= m + n || len > WIRE_REASON_MAX || memcmp(at, before, m) ||
	    memcmp(at + len - n, after, n))
		return NULL;
	return xstrndup(at + m, len - m - n);
}

char *kfarmd_run_missing_file(struct bytes text)
{
	static const char mark[] = ": fatal error: ";
	const char *at, *end = (const char *)text.data + text.len, *nl;
	char *name;

	if (!text.len)
		return NULL;
	at = memmem(text.data, text.len, mark, strlen(mark));
	if (!at)
		return NULL;
	at += strlen(mark);
	nl = memchr(at, '\n', (size_t)(end - at));
	if (nl)
		end = nl;
	name = text_between(at, (size_t)(end - at), "",
			    ": No such file or directory");
	return name ? name :
		      text_between(at, (size_t)(end - at), "'",
				   "' file not found");
}

/*
 * Return true if `c` can be part of a path.  A path preceded by such a byte is
 * the tail of a longer path.
 */
static bool is_path_char(uint8_t c)
{
	return isalnum(c) || (c && strchr("/._-+~", c)) || c >= 0x80;
}

static bool contains_path(struct bytes in, const char *dir)
{
	const uint8_t *p = in.data, *end = p + in.len;

	while (p < end &&
	       (p = memmem(p, (size_t)(end - p), dir, strlen(dir)))) {
		if (p == in.data || !is_path_char(p[-1]))
			return true;
		p++;
	}
	return false;
}

bool kfarmd_run_output_has_private_path(struct bytes in)
{
	return contains_path(in, SANDBOX_OUT_DIR) ||
	       contains_path(in, SANDBOX_TMP_DIR);
}

static bool add_limited(struct buf *out, struct bytes in, size_t max)
{
	if (out->len > max || in.len > max - out->len)
		return false;
	buf_add_bytes(out, in);
	return true;
}

bool kfarmd_run_output_add_renamed(struct buf *out, struct bytes in,
				   const char *path, const char *name,
				   size_t max)
{
	const uint8_t *p = in.data, *from = p, *end = p + in.len;
	size_t len = strlen(path);
	bool fits = true;

	while (fits && p < end &&
	       (p = memmem(p, (size_t)(end - p), path, len))) {
		/* Skip an occurrence that is part of a longer path. */
		if ((p > in.data && is_path_char(p[-1])) ||
		    (p + len < end && is_path_char(p[len]))) {
			p++;
			continue;
		}
		fits = add_limited(out, bytes_of(from, (size_t)(p - from)),
				   max) &&
		       add_limited(out, bytes_str(name), max);
		from = p += len;
	}
	return fits &&
	       add_limited(out, bytes_of(from, (size_t)(end - from)), max);
}

size_t kfarmd_run_output_size(const struct kfarmd_run_output *a)
{
	size_t sum = 0;

	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		sum += a->streams[i].len;
	return sum;
}

void kfarmd_run_output_finish(struct kfarmd_run_output *a,
			      const struct digest *key)
{
	/*
	 * Skip the two dependency lists.  They contain paths that exist only in
	 * the sandbox, but the client translates these paths.
	 */
	for (int i = 0; i < WIRE_N_OUTPUTS && !a->has_private_path; i++)
		a->has_private_path = i != WIRE_OUTPUT_DEPS &&
				      i != WIRE_OUTPUT_AS_DEPS &&
				      kfarmd_run_output_has_private_path(
					      a->streams[i]);
	wire_result_digest(key, a->streams, &a->digest);
}

bool kfarmd_run_output_next_piece(struct kfarmd_run_output *a,
				  struct wire_piece *out)
{
	size_t n;

	while (a->next_stream < WIRE_N_OUTPUTS &&
	       a->sent_bytes == a->streams[a->next_stream].len) {
		a->next_stream++;
		a->sent_bytes = 0;
	}
	if (a->next_stream == WIRE_N_OUTPUTS)
		return false;
	n = a->streams[a->next_stream].len - a->sent_bytes;
	if (n > WIRE_CHUNK_MAX)
		n = WIRE_CHUNK_MAX;
	*out = (struct wire_piece){
		.stream = (uint8_t)a->next_stream,
		.data = bytes_of(
			a->streams[a->next_stream].data + a->sent_bytes, n),
	};
	a->sent_bytes += n;
	return true;
}

/*
 * The compiler and the tool of a run are two jobs of the sandbox.  Each program
 * is PID 1 of a separate PID namespace, so the kernel kills all remaining
 * processes of a program when the program exits.  A run thus needs no third
 * process in the sandbox that waits for both programs.
 */

static void close_part_pipe(struct kfarmd_run_part *part, int i)
{
	if (part->pipe_events[i])
		event_free(part->pipe_events[i]);
	part->pipe_events[i] = NULL;
}

/*
 * Read one block of output.  Returns false at the end of the pipe or if no data
 * is available.
 */
static bool read_chunk(struct kfarmd_run_part *part, int i)
{
	struct kfarmd_run *run = part->owner;
	size_t sum = run->parts[0].output[i].len + run->parts[1].output[i].len;
	uint8_t block[1 << 16];
	ssize_t n = read(sandbox_run_pipe(part->sandbox_run, i), block,
			 sizeof(block));

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		close_part_pipe(part, i);
		return false;
	}
	if (sum + (size_t)n <= WIRE_DIAG_MAX) {
		buf_add(&part->output[i], block, (size_t)n);
		return true;
	}
	/* Drop further output until the killed programs have ended. */
	run->overflowed = true;
	for (int k = 0; k < 2; k++) {
		if (run->parts[k].sandbox_run)
			sandbox_run_kill(run->parts[k].sandbox_run);
	}
	return true;
}

static void on_part_readable(evutil_socket_t fd, short what, void *arg)
{
	struct kfarmd_run_part *part = arg;

	(void)what;
	read_chunk(part, fd == sandbox_run_pipe(part->sandbox_run, 0) ? 0 : 1);
}

static bool exited_with_0(const struct sandbox_end *end)
{
	return end->cause == SANDBOX_END_EXITED && !end->status;
}

/*
 * Combine the outputs, exit statuses and resource usage of both programs and
 * call on_done().
 */
static void finish_run(struct kfarmd_run *run)
{
	struct kfarmd_run_part *first = &run->parts[0], *tool = &run->parts[1];
	const struct sandbox_end *a = &first->end, *b = &tool->end;
	const char *input = run->tool.input_file;
	bool reads = run->tool.argv && (!input || run->tool.deps_file);
	struct buf *out = reads ? &tool->output[0] : &first->output[0];
	struct bytes tool_stderr = buf_bytes(&tool->output[1]);
	char *path;

	/*
	 * If the tool could not be started, the first program may have failed
	 * because no process read its output.  In this case, report the error
	 * of the tool.
	 */
	run->status_from_tool = tool->ended &&
				(exited_with_0(a) ||
				 (b->cause == SANDBOX_END_NOT_STARTED &&
				  a->cause != SANDBOX_END_NOT_STARTED));
	run->end = run->status_from_tool ? *b : *a;
	run->end.cpu_ms = a->cpu_ms + b->cpu_ms;
	if (input)
		run->end.wall_ms = a->wall_ms + b->wall_ms;
	else
		run->end.wall_ms = a->wall_ms > b->wall_ms ? a->wall_ms :
							     b->wall_ms;
	run->end.peak_kib = a->peak_kib > b->peak_kib ? a->peak_kib :
							b->peak_kib;

	run->tool_wrote = !reads && tool->output[0].len;
	run->output[0] = *out;
	*out = (struct buf){ 0 };
	run->output[1] = first->output[1];
	first->output[1] = (struct buf){ 0 };
	if (input) {
		/* Replace the sandbox path by the client's name of the file. */
		path = xasprintf("%s/%s", SANDBOX_OUT_DIR, input);
		if (!kfarmd_run_output_add_renamed(&run->output[1], tool_stderr,
						   path, run->tool.client_name,
						   WIRE_DIAG_MAX))
			run->overflowed = true;
		free(path);
	} else {
		buf_add_bytes(&run->output[1], tool_stderr);
	}
	run->on_done(run->ctx);
}

static int start_part(struct kfarmd_run_part *part, struct sandbox_job *job,
		      struct err *err);

/*
 * Start the tool after the first program has written the tool's input file.
 * The deadline of the tool excludes the CPU time of the first program.  If the
 * tool cannot start, set the cause of its end to NOT_STARTED or LOST, so that
 * the run does not count as a success.  If the input file is missing or not a
 * regular file, leave the end unset, because kfarmd_run_map_file() reports this
 * error later.
 */
static int start_tool(struct kfarmd_run *run, struct err *err)
{
	struct kfarmd_run_part *tool = &run->parts[1];
	struct sandbox_job job = run->job;
	uint32_t used = run->parts[0].end.cpu_ms;
	uint64_t size;
	int ret;

	job.argv = run->tool.argv;
	job.stdin_fd = -1;
	job.input_name = run->tool.input_file;
	ret = sandbox_run_open_output(run->parts[0].sandbox_run,
				      run->tool.input_file, &size);
	if (ret == -ENOENT || ret == -EPERM)
		return ret;
	if (job.deadline_ms)
		job.deadline_ms = used < job.deadline_ms ?
					  job.deadline_ms - used :
					  1;
	if (ret < 0) {
		err_set(err, -ret, "%s: %s", run->tool.input_file,
			strerror(-ret));
	} else {
		job.input_fd = ret;
		ret = start_part(tool, &job, err);
		close(job.input_fd);
	}
	if (!ret && run->paused)
		sandbox_run_set_paused(tool->sandbox_run, true);
	if (!ret)
		return 0;
	tool->ended = true;
	tool->end.cause = ret == -EPIPE ? SANDBOX_END_LOST :
					  SANDBOX_END_NOT_STARTED;
	tool->end.error = -ret;
	snprintf(tool->end.detail, sizeof(tool->end.detail), "%.199s",
		 err->text);
	return ret;
}

static void on_part_done(void *ctx, struct sandbox_run *cell_run,
			 const struct sandbox_end *end)
{
	struct kfarmd_run_part *part = ctx;
	struct kfarmd_run *run = part->owner;
	struct kfarmd_run_part *first = &run->parts[0], *tool = &run->parts[1];
	struct err err = { 0 };
	bool finished;

	(void)cell_run;
	part->end = *end;
	part->ended = true;
	for (int i = 0; i < 2; i++) {
		while (part->pipe_events[i] && read_chunk(part, i))
			;
		close_part_pipe(part, i);
	}
	if (run->tool.input_file && first->ended && !tool->sandbox_run)
		finished = !exited_with_0(&first->end) || run->overflowed ||
			   start_tool(run, &err);
	else
		finished = first->ended && (tool->ended || !tool->sandbox_run);
	if (finished)
		finish_run(run);
}

static int start_part(struct kfarmd_run_part *part, struct sandbox_job *job,
		      struct err *err)
{
	struct kfarmd_run *run = part->owner;
	int ret;

	job->on_done = on_part_done;
	job->ctx = part;
	ret = sandbox_start_job(run->sandbox, job, &part->sandbox_run, err);
	for (int i = 0; i < 2 && !ret; i++) {
		int fd = sandbox_run_pipe(part->sandbox_run, i);

		if (fd < 0)
			continue;
		part->pipe_events[i] = event_new(run->base, fd,
						 EV_READ | EV_PERSIST,
						 on_part_readable, part);
		if (!part->pipe_events[i] ||
		    event_add(part->pipe_events[i], NULL))
			str_out_of_memory();
	}
	return ret;
}

int kfarmd_run_start(struct kfarmd_run **out, struct event_base *base,
		     struct sandbox *cell, const struct sandbox_job *job,
		     const struct kfarmd_run_tool *tool,
		     void (*on_done)(void *ctx), void *ctx, struct err *err)
{
	struct kfarmd_run *run = xcalloc(1, sizeof(*run));
	struct sandbox_job first = *job, second = *job;
	bool piped = tool && !tool->input_file;
	int fd[2] = { -1, -1 }, ret = 0;

	run->base = base;
	run->sandbox = cell;
	run->job = *job;
	run->on_done = on_done;
	run->ctx = ctx;
	for (int i = 0; i < 2; i++)
		run->parts[i].owner = run;
	if (tool)
		run->tool = *tool;
	if (piped && pipe2(fd, O_CLOEXEC))
		ret = err_errno(err, "start job: cannot create pipe");
	if (piped) {
		first.stdout_fd = fd[1];
		second.stdin_fd = fd[0];
		second.argv = tool->argv;
	}
	if (!ret)
		ret = start_part(&run->parts[0], &first, err);
	if (!ret && piped)
		ret = start_part(&run->parts[1], &second, err);
	for (int i = 0; i < 2; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
	}
	if (ret)
		kfarmd_run_free(run);
	else
		*out = run;
	return ret;
}

void kfarmd_run_free(struct kfarmd_run *run)
{
	for (int p = 0; p < 2; p++) {
		for (int i = 0; i < 2; i++) {
			close_part_pipe(&run->parts[p], i);
			buf_release(&run->parts[p].output[i]);
		}
		sandbox_run_free(run->parts[p].sandbox_run);
	}
	for (int i = 0; i < 2; i++)
		buf_release(&run->output[i]);
	free(run);
}

uint32_t kfarmd_run_cpu_ms(const struct kfarmd_run *run)
{
	uint32_t sum = 0;

	for (int i = 0; i < 2; i++) {
		if (run->parts[i].sandbox_run)
			sum += sandbox_run_cpu_ms(run->parts[i].sandbox_run);
	}
	return sum;
}

void kfarmd_run_check_deadline(struct kfarmd_run *run)
{
	for (int i = 0; i < 2; i++) {
		if (run->parts[i].sandbox_run)
			sandbox_run_check_deadline(run->parts[i].sandbox_run);
	}
}

void kfarmd_run_set_paused(struct kfarmd_run *run, bool paused)
{
	run->paused = paused;
	for (int i = 0; i < 2; i++) {
		if (run->parts[i].sandbox_run)
			sandbox_run_set_paused(run->parts[i].sandbox_run,
					       paused);
	}
}

/*
 * Copy a file with holes to anonymous memory.  Reading a hole of a mapped file
 * allocates a page of the job's tmpfs, which causes SIGBUS if the tmpfs is
 * full.  Only data is copied, so the memory in use does not exceed the tmpfs.
 */
static int copy_sparse_file(int fd, size_t size, void **out)
{
	uint8_t *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	off_t from, to = 0;
	int ret = 0;

	if (at == MAP_FAILED)
		return -errno;
	while (!ret && (from = lseek(fd, to, SEEK_DATA)) >= 0) {
		to = lseek(fd, from, SEEK_HOLE);
		if (to <= from || (size_t)to > size)
			ret = -EIO;
		while (!ret && from < to) {
			ssize_t n = pread(fd, at + from, (size_t)(to - from),
					  from);

			if (n <= 0 && (!n || errno != EINTR))
				ret = n ? -errno : -EIO;
			else if (n > 0)
				from += n;
		}
	}
	/* ENXIO: no data follows. */
	if (!ret && errno != ENXIO)
		ret = -errno;
	if (ret)
		munmap(at, size);
	else
		*out = at;
	return ret;
}

int kfarmd_run_map_file(struct kfarmd_run *run, const char *name, uint64_t max,
			struct bytes *out)
{
	const char *made = run->tool.deps_file ? run->tool.deps_file :
						 run->tool.input_file;
	bool is_tools = run->parts[1].sandbox_run && made &&
			!strcmp(name, made);
	uint64_t size;
	int fd = sandbox_run_open_output(run->parts[is_tools].sandbox_run, name,
					 &size);
	void *at = NULL;
	int ret = 0;

	if (fd < 0)
		return fd;
	if (size > max)
		ret = -EFBIG;
	else if (size && lseek(fd, 0, SEEK_HOLE) < (off_t)size)
		ret = copy_sparse_file(fd, (size_t)size, &at);
	else if (size)
		at = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		ret = -errno;
	close(fd);
	if (!ret)
		*out = bytes_of(at, (size_t)size);
	return ret;
}

void kfarmd_run_unmap_file(struct bytes *map)
{
	if (map->len)
		munmap((void *)map->data, map->len);
	*map = (struct bytes){ 0 };
}

static bool set_job_failure(struct kfarmd_run_status *e,
			    enum wire_fail_class class, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Record a failure of the job.  Always returns false. */
static bool set_job_failure(struct kfarmd_run_status *e,
			    enum wire_fail_class class, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	e->class = class;
	e->reason = xvasprintf(fmt, ap);
	va_end(ap);
	return false;
}

static bool is_not_found(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

/*
 * Return true if `error` is an error of execve(2) for a file that exists but
 * cannot be executed.  ELIBBAD reports a damaged loader.
 */
static bool is_not_executable(int error)
{
	return error == EACCES || error == ENOEXEC || error == ELOOP ||
	       error == ELIBBAD || error == EINVAL;
}

/*
 * Set the failure class of a program that could not be started.  Always returns
 * false.  If the working directory or the tool does not exist, the class is
 * WIRE_FAIL_INPUT, because the client chose both.
 */
static bool classify_start_error(struct kfarmd_run_status *e,
				 const struct kfarmd_run *run)
{
	const struct sandbox_end *end = &run->end;
	bool exec = run->status_from_tool && str_starts(end->detail, "exec");

	if (is_not_found(end->error) && str_starts(end->detail, "cwd"))
		return set_job_failure(e, WIRE_FAIL_INPUT, "%s", e->cwd);
	if (exec && is_not_found(end->error))
		return set_job_failure(e, WIRE_FAIL_INPUT, "%s", e->tool);
	if (exec && is_not_executable(end->error))
		return set_job_failure(e, WIRE_FAIL_UNSUPPORTED, "%s: %s",
				       e->tool, strerror(end->error));
	return set_job_failure(e, WIRE_FAIL_NODE, "%s", end->detail);
}

/*
 * Return true if SIGPIPE ended a program of the compiler because the tool
 * stopped reading the compiler's output.  This is not a fault of the node.
 */
static bool is_sigpipe_of_tool(const struct kfarmd_run *run)
{
	static const char words[] = "Broken pipe signal terminated program ";
	const struct buf *text = &run->output[1];

	return run->tool.argv && !run->tool.input_file && text->len &&
	       memmem(text->data, text->len, words, strlen(words));
}

static bool classify_exit(struct kfarmd_run_status *e,
			  const struct kfarmd_run *run)
{
	struct bytes text = buf_bytes(&run->output[1]);
	char *missing;

	if (run->status_from_tool)
		return !run->tool_wrote || run->end.status ||
		       set_job_failure(e, WIRE_FAIL_VOID,
				       "unexpected output of the tool");
	if (!run->end.status)
		return true;
	missing = kfarmd_run_missing_file(text);
	if (missing) {
		set_job_failure(e, WIRE_FAIL_INPUT, "%s", missing);
		free(missing);
		return false;
	}
	if (kfarmd_run_names_signal(text) && !is_sigpipe_of_tool(run))
		return set_job_failure(
			e, WIRE_FAIL_NODE,
			"compiler subprocess killed by a signal");
	return true;
}

bool kfarmd_run_classify(struct kfarmd_run_status *e,
			 const struct kfarmd_run *run)
{
	const struct sandbox_end *end = &run->end;
	char *text;

	if (run->overflowed)
		return set_job_failure(e, WIRE_FAIL_VOID,
				       "diagnostics exceed %u MiB",
				       WIRE_DIAG_MAX >> 20);
	if (end->cause == SANDBOX_END_DEADLINE)
		return set_job_failure(e, WIRE_FAIL_DEADLINE,
				       "timed out after %u ms", end->wall_ms);
	if (end->cause == SANDBOX_END_LOST)
		return set_job_failure(e, WIRE_FAIL_TOOLCHAIN, "sandbox lost");
	if (end->cause == SANDBOX_END_NOT_STARTED)
		return classify_start_error(e, run);
	if (end->cause == SANDBOX_END_EXITED &&
	    (run->status_from_tool || !WIFSIGNALED(end->status)))
		return classify_exit(e, run);
	text = spawn_status_text(end->status);
	set_job_failure(e, WIRE_FAIL_NODE, "compiler: %s", text);
	free(text);
	return false;
}
