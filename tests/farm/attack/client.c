/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client.h"

#include "base/clock.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* ------------------------------------------------------- conversation */

static void on_piece(struct node *n, struct bytes body)
{
	struct wire_piece m;

	if (wire_piece_decode(&m, body) == 0 && n->answer &&
	    n->answer->job == m.job && m.stream < WIRE_N_OUTPUTS)
		buf_add_bytes(&n->answer->stream[m.stream], m.data);
}

static void on_result(struct node *n, struct bytes body)
{
	struct wire_result m;

	if (wire_result_decode(&m, body) || !n->answer ||
	    n->answer->job != m.job)
		return;
	n->answer->status = m.wait_status;
	n->answer->done = true;
}

static void on_fail(struct node *n, struct bytes body)
{
	struct wire_fail m;

	if (wire_fail_decode(&m, body))
		return;
	if (n->answer && n->answer->job == m.job) {
		n->answer->failed = n->answer->done = true;
		n->answer->class = m.class;
		n->answer->reason = xstrdup(m.reason);
	}
	wire_fail_release(&m);
}

static void on_fit(struct node *n, struct bytes body)
{
	struct wire_fit m;

	if (wire_fit_decode(&m, body))
		return;
	n->fit = m.usable;
	strv_release(&n->hosts);
	n->hosts = m.hosts;
	m.hosts = (struct strv){ 0 };
	wire_fit_release(&m);
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct node *n = ctx;

	(void)err;
	work_timer_start(&n->silence, n->pid, WORK_TIMER_TREE, SILENCE_MS);
	switch (type) {
	case WIRE_FIT:
		on_fit(n, body);
		break;
	case WIRE_HAVE:
		if (n->has_have)
			wire_have_release(&n->have);
		n->has_have = wire_have_decode(&n->have, body) == 0;
		break;
	case WIRE_NEED:
		if (n->has_need)
			wire_need_release(&n->need);
		n->has_need = wire_need_decode(&n->need, body) == 0;
		break;
	case WIRE_OUTPUT:
		on_piece(n, body);
		break;
	case WIRE_RESULT:
		on_result(n, body);
		break;
	case WIRE_FAIL:
		on_fail(n, body);
		break;
	case WIRE_DROPPED:
		wire_dropped_release(&n->dropped);
		n->has_dropped = wire_dropped_decode(&n->dropped, body) == 0;
		break;
	case WIRE_HELD:
		wire_held_release(&n->held);
		n->has_held = wire_held_decode(&n->held, body) == 0 &&
			      n->held.last;
		break;
	case WIRE_BEAT:
		n->beats++;
		break;
	case WIRE_BYE:
		wire_bye_decode(&n->bye, body);
		break;
	}
	return 0;
}

static void flush(struct node *n)
{
	struct bytes b = wire_conn_pending(n->conn);
	ssize_t did;

	if (!b.len || n->over)
		return;
	did = write(n->in, b.data, b.len);
	if (did > 0)
		wire_conn_consume(n->conn, (size_t)did);
	else if (did < 0 && errno != EAGAIN && errno != EINTR)
		n->over = true;
}

static void take(struct node *n)
{
	static uint8_t space[1 << 16];
	struct err err = { 0 };
	ssize_t got = read(n->out, space, sizeof(space));

	if (got > 0 &&
	    wire_conn_feed(n->conn, (struct bytes){ space, (size_t)got }, &err))
		n->over = true;
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		n->over = true;
}

static void give(struct node *n, const struct file *f);

/* Send the blobs that the node lacks of a view. */
static void serve(struct node *n)
{
	struct wire_need need = n->need;

	if (!n->has_need)
		return;
	for (size_t i = 0; i < n->n_shown; i++) {
		const struct shown *v = &n->shown[i];

		if (v->cell != need.cell || v->view != need.view)
			continue;
		n->has_need = false;
		n->needed = true;
		for (uint32_t k = 0; k < need.n_indices && !n->over; k++)
			give(n, &v->files[need.indices[k]]);
		wire_need_release(&need);
		return;
	}
}

bool node_wait(struct node *n, bool (*done)(struct node *n), unsigned ms)
{
	uint64_t end = clock_ms() + ms;

	for (;;) {
		struct pollfd p[2] = {
			{ .fd = n->out, .events = POLLIN },
			{ .fd = wire_conn_pending(n->conn).len ? n->in : -1,
			  .events = POLLOUT },
		};
		uint64_t now = clock_ms(), left_ms;

		if (done && done(n))
			return true;
		if (n->over || now >= end)
			return false;
		left_ms = end - now;
		if (n->silence.limit_ms && !n->silent &&
		    left_ms > work_timer_wait_ms(&n->silence))
			left_ms = work_timer_wait_ms(&n->silence);
		poll(p, 2, (int)left_ms);
		if (p[1].revents)
			flush(n);
		if (p[0].revents)
			take(n);
		if (n->silence.limit_ms && work_timer_has_expired(&n->silence))
			n->silent = true;
		serve(n);
	}
}

bool node_has_have(struct node *n)
{
	return n->has_have;
}

bool node_has_need(struct node *n)
{
	return n->has_need || n->needed || n->has_have;
}

bool node_is_over(struct node *n)
{
	return n->over;
}

static bool is_fit(struct node *n)
{
	return n->fit;
}

void node_send(struct node *n, uint16_t type, struct bytes body)
{
	if (n->over)
		return;
	wire_conn_send(n->conn, type, body, WIRE_PLAIN);
	/* Bound the queue, because both sides can wait for each other. */
	while (!n->over && wire_conn_pending(n->conn).len > 8 << 20)
		node_wait(n, NULL, 1);
	flush(n);
}

struct node *node_start(char *const *argv)
{
	struct node *n = xcalloc(1, sizeof(*n));
	int to[2], from[2];
	struct buf b = { 0 };

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		die("pipe");
	n->pid = fork();
	if (n->pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		execv(argv[0], argv);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	n->in = to[1];
	n->out = from[0];
	fcntl(n->in, F_SETFL, O_NONBLOCK);
	fcntl(n->out, F_SETFL, O_NONBLOCK);
	n->conn = wire_conn_new(on_msg, n);
	n->paths = wire_paths_new();
	n->flags = wire_flags_new();
	n->next_cell = n->next_job = 1;
	wire_hello_encode_client(&b, 0);
	node_send(n, WIRE_HELLO, buf_bytes(&b));
	buf_release(&b);
	if (!node_wait(n, is_fit, 30000)) {
		fprintf(stderr, "%s says no hello, or is not fit\n", argv[0]);
		exit(2);
	}
	return n;
}

void node_stop(struct node *n)
{
	int status;

	close(n->in);
	close(n->out);
	for (int i = 0; i < 2000 && waitpid(n->pid, &status, WNOHANG) == 0; i++)
		usleep(5000);
	kill(n->pid, SIGKILL);
	waitpid(n->pid, &status, 0);
	if (n->has_have)
		wire_have_release(&n->have);
	if (n->has_need)
		wire_need_release(&n->need);
	wire_dropped_release(&n->dropped);
	wire_held_release(&n->held);
	strv_release(&n->hosts);
	wire_conn_free(n->conn);
	wire_intern_free(n->paths);
	wire_intern_free(n->flags);
	free(n->shown);
	free(n->bye);
	free(n);
}

/* ------------------------------------------------------------- views */

void node_send_paths(struct node *n)
{
	struct buf b = { 0 };

	while (buf_reset(&b), wire_paths_put_new(n->paths, &b))
		node_send(n, WIRE_PATHS, buf_bytes(&b));
	buf_release(&b);
}

uint32_t node_path(struct node *n, const char *path)
{
	uint32_t number = UINT32_MAX;

	if (wire_paths_add(n->paths, path, &number))
		return UINT32_MAX;
	node_send_paths(n);
	return number;
}

void file_entry(struct node *n, const struct file *f, struct wire_entry *e)
{
	*e = (struct wire_entry){ .inode.kind = (uint8_t)f->kind,
				  .inode.executable = f->executable,
				  .inode.mtime_ns = 1700000000000000000ll };
	wire_paths_add(n->paths, f->path, &e->path);
	if (f->kind == WIRE_INODE_SYMLINK)
		e->inode.target = xstrdup(f->target);
	if (f->kind != WIRE_INODE_FILE)
		return;
	if (f->from) {
		struct err err = { 0 };
		struct stat st;

		if (stat(f->from, &st) ||
		    digest_file(f->from, &e->inode.digest, &err))
			die(f->from);
		e->inode.size = (uint64_t)st.st_size;
	} else {
		e->inode.size = f->content.len;
		digest_bytes(f->content, &e->inode.digest);
	}
}

void node_blob(struct node *n, struct bytes content)
{
	struct wire_blob m = { .size = content.len };
	struct buf b = { 0 };

	digest_bytes(content, &m.digest);
	do {
		size_t left = content.len - m.offset;

		m.data.data = content.data + m.offset;
		m.data.len = left < WIRE_CHUNK_MAX ? left : WIRE_CHUNK_MAX;
		buf_reset(&b);
		wire_blob_encode(&b, &m);
		node_send(n, WIRE_BLOB, buf_bytes(&b));
		m.offset += m.data.len;
	} while (m.offset < content.len);
	buf_release(&b);
}

static void give(struct node *n, const struct file *f)
{
	struct buf b = { 0 };
	struct err err = { 0 };

	if (!f->from) {
		node_blob(n, f->content);
		return;
	}
	if (fs_read(f->from, 1 << 30, &b, &err))
		die(f->from);
	node_blob(n, buf_bytes(&b));
	buf_release(&b);
}

bool node_view(struct node *n, uint32_t cell, uint32_t view,
	       enum wire_part part, const struct file *files, size_t n_files)
{
	struct wire_view m = { .cell = cell,
			       .view = view,
			       .part = (uint8_t)part,
			       .n_entries = (uint32_t)n_files };
	struct buf b = { 0 };

	m.entries = xcalloc(n_files + 1, sizeof(*m.entries));
	for (size_t i = 0; i < n_files; i++)
		file_entry(n, &files[i], &m.entries[i]);
	node_send_paths(n);
	if (n->has_have)
		wire_have_release(&n->have);
	n->has_have = n->needed = false;
	n->shown = xrealloc(n->shown, (n->n_shown + 1) * sizeof(*n->shown));
	n->shown[n->n_shown++] = (struct shown){ cell, view, files };
	wire_view_encode(&b, &m);
	node_send(n, WIRE_VIEW, buf_bytes(&b));
	buf_release(&b);
	wire_view_release(&m);
	return node_wait(n, node_has_need, 60000) && n->needed && !n->over;
}

static uint32_t open_cell(struct node *n, const char *driver, bool is_clang,
			  const struct digest *id, const char *root,
			  const char *kept)
{
	struct wire_cell m = { .cell = n->next_cell++,
			       .toolchain = *id,
			       .is_clang = is_clang,
			       .driver = xstrdup(driver),
			       .installed_id = xstrdup(kept) };
	struct buf b = { 0 };
	uint32_t cell = m.cell;

	strv_add(&m.client_roots, root);
	wire_cell_encode(&b, &m);
	node_send(n, WIRE_CELL, buf_bytes(&b));
	buf_release(&b);
	wire_cell_release(&m);
	return cell;
}

static bool ready(struct node *n)
{
	return node_wait(n, node_has_have, 120000) &&
	       n->have.state == WIRE_HAVE_READY;
}

uint32_t node_cell(struct node *n, const struct compiler_manifest *m,
		   const char *root)
{
	uint32_t cell = open_cell(n, m->driver, m->is_clang, &m->id, root, "");
	struct file *files = xcalloc(m->entries.n, sizeof(*files));

	for (size_t i = 0; i < m->entries.n; i++) {
		const struct compiler_entry *e = &m->entries.v[i];

		files[i] = (struct file){
			.path = e->path,
			.kind = (enum wire_inode_kind)e->kind,
			.executable = e->executable,
			.from = e->kind == COMPILER_ENTRY_FILE ? e->path : NULL,
			.target = e->target,
		};
	}
	if (!node_view(n, cell, 1, WIRE_PART_TOOLCHAIN_END, files,
		       m->entries.n) ||
	    !ready(n)) {
		fprintf(stderr, "no cell: %s\n",
			n->bye      ? n->bye :
			n->has_have ? n->have.detail :
				      "");
		exit(2);
	}
	return cell; /* the sandbox uses the node's files */
}

uint32_t node_cell_of(struct node *n, const char *driver, const char *program,
		      const char *root)
{
	struct compiler_entry e = { .path = (char *)driver,
				    .kind = COMPILER_ENTRY_FILE,
				    .executable = true };
	struct file *f = xcalloc(1, sizeof(*f));
	struct err err = { 0 };
	struct digest id;
	struct stat st;
	uint32_t cell;

	if (stat(program, &st) || digest_file(program, &e.digest, &err))
		die(program);
	e.size_bytes = (uint64_t)st.st_size;
	if (compiler_manifest_id(&e, 1, driver, false, &id))
		die("compiler_manifest_id");
	*f = (struct file){ .path = driver,
			    .executable = true,
			    .from = program };
	cell = open_cell(n, driver, false, &id, root, "");
	if (!node_view(n, cell, 1, WIRE_PART_TOOLCHAIN_END, f, 1) ||
	    !ready(n)) {
		fprintf(stderr, "no cell: %s\n",
			n->bye      ? n->bye :
			n->has_have ? n->have.detail :
				      "");
		exit(2);
	}
	return cell;
}

bool node_cell_kept(struct node *n, const char *driver, const char *kept,
		    const char *root, uint32_t *cell)
{
	struct digest any = { .b = { 7 } };

	*cell = open_cell(n, driver, false, &any, root, kept);
	return node_view(n, *cell, 1, WIRE_PART_TOOLCHAIN_END, NULL, 0) &&
	       ready(n);
}

/* -------------------------------------------------------------- jobs */

uint32_t node_job_send(struct node *n, const struct order *o)
{
	struct wire_job m = { .job = n->next_job++,
			      .cell = o->cell,
			      .view = o->view,
			      .lang = o->lang,
			      .deadline_ms = o->deadline_ms,
			      .cwd = node_path(n, o->cwd),
			      .source = xstrdup(o->source),
			      .object = xstrdup(o->object) };
	struct buf b = { 0 };
	uint32_t job = m.job;

	for (size_t i = 0; o->env && o->env[i]; i++)
		strv_add(&m.env, o->env[i]);
	if (wire_flags_encode_job(n->flags, &m, o->flags, o->n_flags))
		die("flags");
	while (buf_reset(&b), wire_flags_put_new(n->flags, &b))
		node_send(n, WIRE_FLAGS, buf_bytes(&b));
	buf_reset(&b);
	wire_job_encode(&b, &m);
	node_send(n, WIRE_JOB, buf_bytes(&b));
	buf_release(&b);
	wire_job_release(&m);
	return job;
}

static bool answered(struct node *n)
{
	return n->answer->done;
}

void node_job(struct node *n, const struct order *o, unsigned ms,
	      struct answer *out)
{
	*out = (struct answer){ .job = n->next_job };
	n->answer = out;
	node_job_send(n, o);
	node_wait(n, answered, ms);
	n->answer = NULL;
}

void answer_release(struct answer *a)
{
	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		buf_release(&a->stream[i]);
	free(a->reason);
}

static bool holds(const void *data, size_t len, const char *word)
{
	return data && memmem(data, len, word, strlen(word));
}

bool answer_holds(const struct node *n, const struct answer *a,
		  const char *word)
{
	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		if (holds(a->stream[i].data, a->stream[i].len, word))
			return true;
	return (a->reason && strstr(a->reason, word)) ||
	       (n->bye && strstr(n->bye, word));
}
