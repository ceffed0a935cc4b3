/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/lib/board.h - The /proc and /sys of another machine.  One text,
 * tests/data/boards/NAME, describes their files:
 *
 *	# a comment
 *	/proc/loadavg: 0.52 0.58 0.59 1/467 2210
 *	/proc/meminfo:
 *		MemTotal:        3926704 kB
 *		MemFree:         3012000 kB
 *	/sys/devices/system/cpu/cpu{0-3}/cpu_capacity: 381
 *	/sys/devices/system/cpu/cpu{0-3}/topology/core_id: {}
 *	/sys/class/net/eth0/device/
 *
 * A path with {A-B} creates a file for each number of the range.  In the text,
 * {} is replaced by this number, and {+N} and {-N} by the number plus or minus
 * N.  Indented lines belong to the path above them; a repeated path continues
 * its file.  "/proc/cpuinfo {0-3}:" repeats the text below for each number,
 * each followed by an empty line.  A path that ends in '/' is a directory.
 */
#ifndef LIB_BOARD_H
#define LIB_BOARD_H

#include "base/fs.h"
#include "base/str.h"

#include <check.h>
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct board_range {
	long first, last;
	size_t at, len; /* position of {A-B} in the path; len 0: no range */
};

static inline struct board_range board_range(const char *path)
{
	const char *open = strchr(path, '{');
	struct board_range r = { 0 };
	char *end;

	if (!open)
		return r;
	r.first = strtol(open + 1, &end, 10);
	ck_assert_msg(*end == '-', "%s: no range", path);
	r.last = strtol(end + 1, &end, 10);
	ck_assert_msg(*end == '}' && r.last >= r.first, "%s: no range", path);
	r.at = (size_t)(open - path);
	r.len = (size_t)(end + 1 - open);
	return r;
}

/* Replace {}, {+N} and {-N} by numbers. */
static inline void board_fill(struct buf *out, const char *text, long number)
{
	while (*text) {
		const char *open = strchr(text, '{');
		char *end = NULL;
		long add = 0;

		if (!open) {
			buf_add_str(out, text);
			return;
		}
		if (open[1] != '}')
			add = strtol(open + 1, &end, 10);
		else
			end = (char *)open + 1;
		buf_add(out, text, (size_t)(open - text));
		if (*end == '}') {
			buf_printf(out, "%ld", number + add);
			text = end + 1;
		} else {
			buf_add_str(out, "{");
			text = open + 1;
		}
	}
}

static inline void board_append(const char *dir, const char *path,
				const char *text)
{
	char *name = xasprintf("%s%s", dir, path), *above = str_dir(name);
	struct err err;
	int fd;

	ck_assert_msg(!fs_mkdirs(above, 0700, &err), "%s", err.text);
	if (str_ends(path, "/")) {
		ck_assert_msg(!fs_mkdirs(name, 0700, &err), "%s", err.text);
	} else {
		fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);
		ck_assert_msg(fd >= 0, "%s", name);
		ck_assert_int_eq(bytes_write(fd, bytes_str(text)), 0);
		close(fd);
	}
	free(above);
	free(name);
}

/* Write a file with its text, for each number of the path's range. */
static inline void board_put(const char *dir, const char *path,
			     const char *text)
{
	struct board_range r = board_range(path);
	bool repeats = r.len && r.at && path[r.at - 1] == ' ';

	for (long i = r.first; i <= r.last; i++) {
		struct buf filled = { 0 };
		char *name;

		board_fill(&filled, text, i);
		if (repeats) {
			name = xstrndup(path, r.at - 1);
			buf_add_str(&filled, "\n");
		} else {
			name = r.len ? xasprintf("%.*s%ld%s", (int)r.at, path,
						 i, path + r.at + r.len) :
				       xstrdup(path);
		}
		board_append(dir, name, buf_str(&filled));
		free(name);
		buf_release(&filled);
	}
}

/* Split a line into path and text.  Returns the text; NULL for a directory. */
static inline const char *board_path(char *line)
{
	char *colon = strstr(line, ": ");

	if (!colon && str_ends(line, ":"))
		colon = line + strlen(line) - 1;
	if (!colon) {
		ck_assert_msg(str_ends(line, "/"), "%s: no text", line);
		return NULL;
	}
	*colon = '\0';
	return colon[1] ? colon + 2 : colon + 1;
}

/* Create the files of tests/data/boards/NAME below `dir`. */
static inline void board_unpack(const char *name, const char *dir)
{
	char *file = xasprintf("tests/data/boards/%s", name), *line, *next;
	struct buf in = { 0 };
	struct err err;

	ck_assert_msg(!fs_read(file, 1 << 20, &in, &err), "%s", err.text);
	for (line = (char *)in.data; line; line = next) {
		struct buf text = { 0 };
		const char *rest;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (*line != '/') {
			ck_assert_msg(!*line || *line == '#', "%s: %s", file,
				      line);
			continue;
		}
		rest = board_path(line);
		if (rest && *rest)
			buf_printf(&text, "%s\n", rest);
		while (next && *next == '\t') {
			char *more = next + 1;

			next = strchr(more, '\n');
			if (next)
				*next++ = '\0';
			buf_printf(&text, "%s\n", more);
		}
		board_put(dir, line, buf_str(&text));
		buf_release(&text);
	}
	buf_release(&in);
	free(file);
}

#endif
