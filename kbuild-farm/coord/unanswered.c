/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/unanswered.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "coord/internal.h"
#include "coord/report-events.h"
#include "coord/wrapper-conn.h"
#include "wire/cc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE 4096

struct coord_unanswered {
	struct coord *coord;
	char *path;
	int fd; /* -1 if the file cannot be created */
	off_t read_bytes; /* offset of the first unread byte */
	struct buf lines; /* bytes that were read but not reported */
	/* connected processes of reported lines whose units may still exist */
	uint32_t *pids;
	size_t n_pids;
};

struct coord_unanswered *coord_unanswered_new(struct coord *c)
{
	struct coord_unanswered *u = xcalloc(1, sizeof(*u));

	u->coord = c;
	u->path = wire_cc_unanswered_path(c->setup.socket_path);
	u->fd = open(u->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (u->fd < 0)
		log_warning("%s: %s; compiles that run while kfarm is stopped "
			    "are not counted",
			    u->path, strerror(errno));
	return u;
}

void coord_unanswered_free(struct coord_unanswered *u)
{
	if (u->fd >= 0) {
		close(u->fd);
		unlink(u->path);
	}
	buf_release(&u->lines);
	free(u->pids);
	free(u->path);
	free(u);
}

/* Report the compile of a line "PID LINKED SOURCE". */
static void report_line(struct coord_unanswered *u, struct bytes line)
{
	char *text = bytes_dup(line);
	char *source = text;
	unsigned long pid = strtoul(source, &source, 10);
	unsigned long linked = strtoul(source, &source, 10);

	/* The result has been counted, but the wrapper did not wait for it. */
	if (pid && coord_wrapper_conns_has_result(u->coord->wrapper_conns,
						  (uint32_t)pid)) {
		free(text);
		return;
	}
	if (pid)
		*VEC_ADD(u->pids, u->n_pids) = (uint32_t)pid;
	/* Without the result cache, a compile that also links is no job. */
	if (*source == ' ' && (!linked || u->coord->setup.cache))
		coord_report_unanswered(u->coord, source + 1);
	free(text);
}

void coord_unanswered_report(struct coord_unanswered *u)
{
	char block[READ_SIZE];
	ssize_t n;

	while (u->fd >= 0 &&
	       (n = pread(u->fd, block, sizeof(block), u->read_bytes)) > 0) {
		const uint8_t *end;

		u->read_bytes += n;
		buf_add(&u->lines, block, (size_t)n);
		while ((end = memchr(u->lines.data, '\n', u->lines.len))) {
			size_t len = (size_t)(end - u->lines.data);

			report_line(u, bytes_of(u->lines.data, len));
			buf_consume(&u->lines, len + 1);
		}
	}
}

bool coord_unanswered_take(struct coord_unanswered *u, uint32_t pid)
{
	coord_unanswered_report(u);
	for (size_t i = 0; i < u->n_pids; i++) {
		if (u->pids[i] != pid)
			continue;
		u->pids[i] = u->pids[--u->n_pids];
		return true;
	}
	return false;
}
