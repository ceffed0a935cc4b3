/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/plain.h"

#include "base/clock.h"
#include "base/printable.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define CHUNK    4096 /* poll() promises a pipe's reader takes PIPE_BUF */
#define IDLE_MS  10000 /* on a terminal: a sign of life without news */
#define LAST_MS  1000
#define RED      "\033[31m"
#define MAGENTA  "\033[35m"
#define NO_COLOR "\033[0m"

void ui_plain_init(struct ui_plain *p, int fd, bool terminal, bool color)
{
	*p = (struct ui_plain){ .fd = fd,
				.terminal = terminal,
				.color = color };
	p->next_ms = terminal ? 1000 : 10000;
}

static bool takes_more(const struct ui_plain *p, int timeout_ms)
{
	struct pollfd fd = { .fd = p->fd, .events = POLLOUT };

	return poll(&fd, 1, timeout_ms) > 0;
}

static void flush(struct ui_plain *p, int timeout_ms)
{
	uint64_t deadline = clock_ms() + (uint64_t)timeout_ms;

	while (p->waiting.len) {
		size_t n = p->waiting.len < CHUNK ? p->waiting.len : CHUNK;
		uint64_t now = clock_ms();
		ssize_t did;

		if (!takes_more(p, now < deadline ? (int)(deadline - now) : 0))
			return;
		did = write(p->fd, p->waiting.data, n);
		/* Nobody reads it any more: the build goes on in silence. */
		if (did < 0 && errno != EINTR && errno != EAGAIN)
			did = (ssize_t)p->waiting.len;
		if (did > 0)
			buf_consume(&p->waiting, (size_t)did);
		else if (now >= deadline)
			return;
	}
}

static void queue_text(struct ui_plain *p, const struct buf *text)
{
	if (p->waiting.len + text->len <= UI_PLAIN_WAITING)
		buf_add_bytes(&p->waiting, buf_bytes(text));
	flush(p, 0);
}

static void put_elapsed(struct buf *out, const struct ui_model *m)
{
	buf_printf(out, "[%5llus] ",
		   (unsigned long long)(m->elapsed_ms / 1000));
}

static void put_progress(struct ui_plain *p, const struct ui_model *m)
{
	struct buf line = { 0 };

	put_elapsed(&line, m);
	buf_printf(&line, "%s: %u jobs, %u remote, %u local, %u running",
		   m->phase, m->remote + m->local, m->remote, m->local,
		   m->running);
	if (m->queued)
		buf_printf(&line, ", %u queued", m->queued);
	if (m->nodes)
		buf_printf(&line, ", nodes %u/%u", m->nodes_up, m->nodes);
	buf_printf(&line, ", warnings %u, errors %u", m->warnings, m->errors);
	if (m->last[0])
		buf_printf(&line, ", %s", m->last);
	buf_add_str(&line, "\n");
	queue_text(p, &line);
	buf_release(&line);
}

static unsigned news_of(const struct ui_model *m)
{
	return m->remote + m->local + m->warnings + m->errors;
}

void ui_plain_tick(struct ui_plain *p, const struct ui_model *m)
{
	flush(p, 0);
	if (m->elapsed_ms < p->next_ms)
		return;
	if (p->terminal) {
		if (p->lines && news_of(m) == p->shown &&
		    m->elapsed_ms < p->shown_ms + IDLE_MS)
			return;
		p->next_ms = m->elapsed_ms + 1000;
	} else {
		/* At 10 s, 40 s, 100 s, 160 s ... */
		unsigned s = p->lines ? 60 : 30;

		p->next_ms += s * 1000;
		/* A loop that slept does not make up for lost lines. */
		if (p->next_ms <= m->elapsed_ms)
			p->next_ms = m->elapsed_ms + s * 1000;
	}
	p->lines++;
	p->shown = news_of(m);
	p->shown_ms = m->elapsed_ms;
	put_progress(p, m);
}

static const char *color_of(const char *line, size_t len)
{
	struct {
		const char *word, *color;
	} words[] = { { "error: ", RED },       { "Error", RED },
		      { "*** ", RED },          { "ERROR", RED },
		      { "warning: ", MAGENTA }, { "WARNING", MAGENTA } };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (memmem(line, len, words[i].word, strlen(words[i].word)))
			return words[i].color;
	}
	return NULL;
}

static void put_colored(struct buf *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		const char *color = color_of(text, n);

		buf_add_str(out, color ? color : "");
		buf_add(out, text, n);
		buf_add_str(out, color ? NO_COLOR "\n" : "\n");
		text += n + (text[n] == '\n');
	}
}

void ui_plain_block(struct ui_plain *p, const char *text)
{
	struct buf out = { 0 };
	size_t n = strlen(text);

	if (p->color)
		put_colored(&out, text);
	else
		buf_add(&out, text, n);
	if (!p->color && n && text[n - 1] != '\n')
		buf_add_str(&out, "\n");
	queue_text(p, &out);
	buf_release(&out);
}

void ui_plain_note(struct ui_plain *p, const struct ui_model *m,
		   const char *text)
{
	struct buf line = { 0 };

	put_elapsed(&line, m);
	printable_add(&line, bytes_str(text), 0);
	buf_add_str(&line, "\n");
	queue_text(p, &line);
	buf_release(&line);
}

void ui_plain_line(struct ui_plain *p, const char *text)
{
	struct buf line = { 0 };

	buf_printf(&line, "%s\n", text);
	queue_text(p, &line);
	buf_release(&line);
}

void ui_plain_flush(struct ui_plain *p)
{
	flush(p, 0);
}

void ui_plain_release(struct ui_plain *p)
{
	flush(p, LAST_MS);
	buf_release(&p->waiting);
}
