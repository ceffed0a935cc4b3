/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/text.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct agent_text {
	int fd;
	uint32_t len;
	uint32_t got;
	uint64_t at; /* clock_ms() of the last piece */
	struct digest_run *run; /* NULL once it is complete */
	struct digest digest;
};

static void finish(struct agent_text *t)
{
	digest_end(t->run, &t->digest);
	t->run = NULL;
}

int agent_text_new(struct agent_text **out, uint32_t len, struct err *err)
{
	int fd = memfd_create("text", MFD_CLOEXEC);
	struct agent_text *t;

	if (fd < 0)
		return err_errno(err, "memory for a text");
	t = xcalloc(1, sizeof(*t));
	t->fd = fd;
	t->len = len;
	t->at = clock_ms();
	t->run = digest_new();
	if (!len)
		finish(t);
	*out = t;
	return 0;
}

void agent_text_free(struct agent_text *t)
{
	if (!t)
		return;
	if (t->run)
		digest_end(t->run, NULL);
	close(t->fd);
	free(t);
}

int agent_text_add(struct agent_text *t, struct bytes in, struct err *err)
{
	int ret;

	if (in.len > t->len - t->got)
		return err_set(err, EPROTO, "more text than announced");
	t->at = clock_ms();
	ret = fs_write_all(t->fd, in);
	if (ret)
		return err_set(err, -ret, "memory for a text: %s",
			       strerror(-ret));
	if (!in.len)
		return 0;
	digest_add(t->run, in);
	t->got += (uint32_t)in.len;
	if (t->got == t->len)
		finish(t);
	return 0;
}

bool agent_text_complete(const struct agent_text *t)
{
	return !t->run;
}

uint64_t agent_text_silence(const struct agent_text *t)
{
	return clock_ms() - t->at;
}

int agent_text_fd(const struct agent_text *t)
{
	return t->fd;
}

void agent_text_digest(const struct agent_text *t, struct digest *out)
{
	*out = t->digest;
}
