/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/text.h"

#include "base/str.h"
#include "coord/job.h"
#include "coord/source.h"
#include "options/rewrite.h"
#include "wire/codec.h"

#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct piece {
	struct buf packed;
	enum wire_codec codec;
	uint32_t raw_len;
};

struct coord_text {
	uint32_t job;
	const struct coord_job *unit;
	enum wire_codec codec;
	coord_text_done *done;
	void *ctx;
	struct child *child; /* NULL: it has ended */
	struct event *out, *err; /* NULL: closed */
	int status;
	struct buf raw; /* overlap of the piece before, then what came */
	size_t overlap;
	struct digest_run *run;
	struct digest digest;
	uint32_t len;
	bool suspect; /* of misleading indentation */
	struct piece *pieces;
	size_t n_pieces;
};

static bool word_goes_on(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/*
 * What follows ".inc": "bin" or "lude" as a word of its own, where strings
 * may be pasted anywhere ("lu" "de").  A string that ends there and goes on
 * in a macro could become anything: that counts too.
 */
static bool assembler_reads(const char *p)
{
	static const char *const rest[] = { "bin", "lude" };

	for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++) {
		const char *q = p, *want = rest[i];

		while (*want) {
			if (*q == '"') {
				q += 1 + strspn(q + 1, " \t\n");
				if (*q != '"')
					return *q == '_' ||
					       isalpha((unsigned char)*q);
				q++;
			} else if (*q++ != *want++) {
				break;
			}
		}
		if (!*want && !word_goes_on(*q))
			return true;
	}
	return false;
}

static const char *forbidden_word(const char *p)
{
	static const struct {
		const char *word, *why;
	} words[] = {
		{ "__DATE__", "__DATE__ or __TIME__" },
		{ "__TIME__", "__DATE__ or __TIME__" },
		{ "__TIMESTAMP__", "__DATE__ or __TIME__" },
		{ "__BASE_FILE__", "__BASE_FILE__" },
		{ "__INCLUDE_LEVEL__", "__INCLUDE_LEVEL__" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (str_starts(p, words[i].word))
			return words[i].why;
	}
	return NULL;
}

const char *coord_text_forbidden(const char *text, size_t len)
{
	const char *end = text + len, *p = text, *why;

	while ((p = memmem(p, (size_t)(end - p), ".inc", 4))) {
		p += 4;
		if (assembler_reads(p))
			return ".incbin or .include";
	}
	for (p = text; (p = memchr(p, '_', (size_t)(end - p))); p++) {
		/* Most underscores are not two and a capital. */
		if (p[1] != '_' || !strchr("DTBI", p[2]) || !p[2])
			continue;
		why = forbidden_word(p);
		if (why)
			return why;
	}
	return NULL;
}

static void stop(struct coord_text *t)
{
	struct event **both[] = { &t->out, &t->err };

	for (int i = 0; i < 2; i++) {
		if (*both[i]) {
			close(event_get_fd(*both[i]));
			event_free(*both[i]);
			*both[i] = NULL;
		}
	}
	if (t->child)
		child_kill(t->child);
	t->child = NULL;
}

void coord_text_free(struct coord_text *t)
{
	if (!t)
		return;
	stop(t);
	if (t->run)
		digest_end(t->run, NULL);
	for (size_t i = 0; i < t->n_pieces; i++)
		buf_release(&t->pieces[i].packed);
	free(t->pieces);
	buf_release(&t->raw);
	free(t);
}

static void finish(struct coord_text *t, const char *why)
{
	stop(t);
	t->done(t->ctx, why);
}

/* Pack what is in t->raw; keep its end for the next piece's search. */
static const char *pack(struct coord_text *t)
{
	struct bytes fresh = { t->raw.data + t->overlap,
			       t->raw.len - t->overlap };
	struct wire_piece m = { .job = t->job, .data = fresh };
	struct buf body = { 0 };
	struct piece *piece;
	const char *why;
	size_t keep;

	if (!fresh.len)
		return NULL;
	why = coord_text_forbidden(buf_str(&t->raw), t->raw.len);
	if (!why)
		why = coord_sources_check(t->unit->coord->sources, t->job,
					  t->unit->ask.cwd, buf_bytes(&t->raw),
					  &t->suspect);
	if (why)
		return why;
	if (t->len + fresh.len > WIRE_TEXT_MAX)
		return "text over 64 MiB";
	digest_add(t->run, fresh);
	t->len += (uint32_t)fresh.len;

	wire_piece_encode(&body, &m);
	t->pieces = xrealloc(t->pieces, (t->n_pieces + 1) * sizeof(*piece));
	piece = &t->pieces[t->n_pieces++];
	*piece = (struct piece){ .raw_len = (uint32_t)body.len };
	piece->codec = wire_codec_pack(&piece->packed, buf_bytes(&body),
				       t->codec);
	buf_release(&body);

	keep = t->raw.len < COORD_TEXT_OVERLAP ? t->raw.len :
						 COORD_TEXT_OVERLAP;
	buf_consume(&t->raw, t->raw.len - keep);
	t->overlap = keep;
	return NULL;
}

/* Both its output and its exit status are there. */
static void complete(struct coord_text *t)
{
	const char *why;
	char byte;

	if (!WIFEXITED(t->status) || WEXITSTATUS(t->status) ||
	    (t->err && read(event_get_fd(t->err), &byte, 1) > 0)) {
		finish(t, "preprocessor diagnostics");
		return;
	}
	why = pack(t);
	digest_end(t->run, &t->digest);
	t->run = NULL;
	buf_release(&t->raw);
	finish(t, why);
}

static void on_exit_status(void *ctx, int wait_status, uint64_t cpu)
{
	struct coord_text *t = ctx;

	(void)cpu;
	t->child = NULL;
	t->status = wait_status;
	if (!t->out)
		complete(t);
}

static void on_text(evutil_socket_t fd, short what, void *arg)
{
	struct coord_text *t = arg;
	const char *why;
	ssize_t n;

	(void)what;
	if (buf_reserve(&t->raw, WIRE_CHUNK_MAX)) {
		finish(t, "out of memory");
		return;
	}
	n = read(fd, t->raw.data + t->raw.len,
		 WIRE_CHUNK_MAX - (t->raw.len - t->overlap));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		event_free(t->out);
		t->out = NULL;
		close(fd);
		if (!t->child)
			complete(t);
		return;
	}
	t->raw.len += (size_t)n;
	t->raw.data[t->raw.len] = '\0';
	if (t->raw.len - t->overlap < WIRE_CHUNK_MAX)
		return;
	why = pack(t);
	if (why)
		finish(t, why);
}

/* Whatever it has to say, a local compile says it in its place. */
static void on_stderr(evutil_socket_t fd, short what, void *arg)
{
	struct coord_text *t = arg;
	char byte;
	ssize_t n = read(fd, &byte, 1);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		finish(t, "preprocessor diagnostics");
		return;
	}
	event_free(t->err);
	t->err = NULL;
	close(fd);
}

static struct event *watch(struct coord_text *t, struct event_base *base,
			   int fd, event_callback_fn fn)
{
	struct event *ev = event_new(base, fd, EV_READ | EV_PERSIST, fn, t);

	if (!ev || event_add(ev, NULL))
		str_out_of_memory();
	return ev;
}

static int make_pipes(int out[static 2], int err_ends[static 2],
		      struct err *err)
{
	if (pipe2(out, O_CLOEXEC))
		return err_errno(err, "pipe");
	if (pipe2(err_ends, O_CLOEXEC)) {
		close(out[0]);
		close(out[1]);
		return err_errno(err, "pipe");
	}
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err_ends[0], F_SETFL, O_NONBLOCK);
	/* Fewer wake-ups; a system that refuses it works as well. */
	fcntl(out[1], F_SETPIPE_SZ, 1 << 20);
	return 0;
}

int coord_text_start(struct coord_text **out, struct coord_job *job,
		     enum wire_codec codec, coord_text_done *done, void *ctx,
		     struct err *err)
{
	struct coord_text *t = xcalloc(1, sizeof(*t));
	struct strv argv = { 0 };
	int text[2] = { -1, -1 }, errs[2] = { -1, -1 }, ret;
	struct spawn what = { .env = coord_job_env(job), .cwd = job->ask.cwd };

	ret = make_pipes(text, errs, err);
	if (ret) {
		free(t);
		return ret;
	}
	t->job = job->coord->next_number++;
	t->unit = job;
	t->codec = codec;
	t->done = done;
	t->ctx = ctx;
	options_rewrite_preprocess(&argv, job->ask.argv.v, &job->compile,
				   job->ask.compiler, job->dep_tmp);
	what.argv = argv.v;
	what.fd[0] = -1;
	what.fd[1] = text[1];
	what.fd[2] = errs[1];
	ret = child_start(job->coord->children, &what, on_exit_status, t,
			  &t->child, err);
	close(text[1]);
	close(errs[1]);
	strv_release(&argv);
	if (ret) {
		close(text[0]);
		close(errs[0]);
		free(t);
		return ret;
	}
	t->run = digest_new();
	t->out = watch(t, job->coord->base, text[0], on_text);
	t->err = watch(t, job->coord->base, errs[0], on_stderr);
	*out = t;
	return 0;
}

uint32_t coord_text_len(const struct coord_text *t)
{
	return t->len;
}

uint32_t coord_text_number(const struct coord_text *t)
{
	return t->job;
}

const struct digest *coord_text_digest(const struct coord_text *t)
{
	return &t->digest;
}

bool coord_text_suspect(const struct coord_text *t)
{
	return t->suspect;
}

void coord_text_send(const struct coord_text *t, struct wire_stream *s)
{
	for (size_t i = 0; i < t->n_pieces; i++) {
		const struct piece *p = &t->pieces[i];

		wire_stream_send_packed(s, WIRE_TEXT, buf_bytes(&p->packed),
					p->codec, p->raw_len);
	}
}
